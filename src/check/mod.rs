//! All findings of a configuration, each with a name and a place.
//!
//! A rule that also stops a verb is one shared function, so both use the same message.

mod asked;
mod files;
mod host;
mod media;
mod screens;
mod vms;

use crate::config::resolve::{self, Checked};
use crate::config::settings::HOST;
use crate::config::{self, Config, lint, typos};
use crate::error::Error;
use crate::finding::{Finding, FindingName, Severity};
use crate::host::Look;
use crate::model::Vm;
use crate::span::{FileId, Span};
use crate::verb::Spelling;
use crate::{quote, vis};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// All findings, sorted by place.
#[derive(Debug)]
pub struct Report {
    /// The findings.
    pub findings: Vec<Finding>,
    /// The checks that were skipped, each with its reason as a sentence.
    pub left_out: Vec<String>,
}

impl Report {
    /// The number of findings of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        let all = self.findings.iter();
        all.filter(|finding| finding.severity == severity).count()
    }
}

/// All findings that need no query of the host.
pub fn of_configuration(config: &Config, spelling: &Spelling, devices: &Path) -> Vec<Finding> {
    let (findings, _) = without_host(config, spelling, devices);
    settled(config, findings, &|name| !host::NAMES.contains(&name))
}

/// All findings of a configuration on this host.
pub fn of_host(
    config: &Config,
    spelling: &Spelling,
    devices: &Path,
    look: &mut dyn Look,
) -> Report {
    let (mut findings, vms) = without_host(config, spelling, devices);
    let asked = host::findings(config, &vms, devices, look);
    findings.extend(asked.findings);
    Report {
        findings: settled(config, findings, &|name| {
            !asked.not_looked_for.contains(&name)
        }),
        left_out: asked.left_out,
    }
}

/// The findings of the parser and of the text alone, for a refused configuration.
pub fn of_refused(config: &Config) -> Report {
    let mut findings = config.findings().to_vec();
    findings.sort_by_key(|finding| (finding.span.file, finding.span.start));
    Report {
        findings,
        left_out: vec![
            "only syntax errors are reported: the settings can be checked once these errors are \
             corrected"
                .to_owned(),
        ],
    }
}

fn without_host<'config>(
    config: &'config Config,
    spelling: &Spelling,
    devices: &Path,
) -> (Vec<Finding>, Vec<Checked<'config>>) {
    let mut findings = lint::check(config);
    findings.extend(lint::line_ends(config));
    findings.extend(config.shared().iter().map(group_writable));
    findings.extend(typos::check(config));
    let (faults, checked) = resolve::checked(config, spelling, devices);
    findings.extend(faults.into_iter().filter_map(finding));
    for vm in &checked {
        findings.extend(vm.faults.iter().cloned().filter_map(finding));
        findings.extend(lint::two_spellings(config, &vm.keys));
    }
    findings.extend(vms::findings(config, &checked));
    findings.extend(files::findings(config, &checked));
    findings.extend(screens::findings(config, &checked));
    findings.extend(checked.is_empty().then(|| no_vm(config, spelling)));
    (findings, checked)
}

/// A configuration without any VM, reported at its first setting.
fn no_vm(config: &Config, spelling: &Spelling) -> Finding {
    let first = config.assignments().next();
    Finding::new(
        FindingName::NoVm,
        first.map(|set| set.name_span).unwrap_or_default(),
        format!("{} has no VM", config.file_names()),
        format!(
            "add a VM: {}",
            spelling.command("new VM --cd ISO --disk 20G --links")
        ),
    )
}

/// A file or directory that the group may write, reported at the beginning of the file concerned.
fn group_writable((file, what): &(FileId, PathBuf)) -> Finding {
    let span = Span {
        file: *file,
        ..Span::default()
    };
    writable_at(span, what)
}

fn writable_at(span: Span, what: &Path) -> Finding {
    Finding::new(
        FindingName::GroupWritable,
        span,
        format!("the group may write {}", vis::shown(what)),
        format!(
            "to deny changes by members of the group: chmod g-w {}",
            quote::shown(what)
        ),
    )
}

fn settled(
    config: &Config,
    mut findings: Vec<Finding>,
    was_checked: &dyn Fn(FindingName) -> bool,
) -> Vec<Finding> {
    // A fault of a host variable is reported once, not once per VM. A key with two values is also
    // found as a fault of its VM and reported once.
    let variables = HOST.iter();
    let variables: HashSet<Span> = variables
        .filter_map(|setting| Some(config.get(setting.name)?.value_span))
        .collect();
    let mut told = HashSet::new();
    findings.retain(|finding| {
        // The message names the VM or its disk.
        let is_shared = variables.contains(&finding.span);
        let message = (!is_shared).then(|| finding.message.clone());
        told.insert((finding.name, finding.span, message))
    });
    findings.sort_by_key(|finding| (finding.span.file, finding.span.start));
    config::apply_allows(config, findings, was_checked)
}

/// The place for a finding about a disk: its setting, or the start of its VM if it has none.
fn own_place(config: &Config, vm: &Vm, origin: Option<Span>) -> Option<Span> {
    let volroot = config.get("volroot").map(|set| set.value_span);
    match config.id_of(vm.name.as_str()) {
        Some(id) if origin == volroot => Some(id.value_span),
        _ => origin,
    }
}

/// Converts an error of the configuration to a finding.
fn finding(error: Error) -> Option<Finding> {
    let name = error.name.unwrap_or(FindingName::Setting);
    let place = error.excerpt.map(|excerpt| {
        let file = vis::shown(&excerpt.file).to_string();
        format!("{file}:{}:{}: ", excerpt.line, excerpt.column)
    });
    Some(Finding {
        name,
        severity: name.severity(),
        span: error.at?,
        message: place.unwrap_or_default() + &error.what,
        notes: error.notes,
        help: error.help,
    })
}
