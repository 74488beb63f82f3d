//! Findings over a whole configuration: usable settings that are probably not intended.
//!
//! A separate call, because most verbs need only one VM; takes linear time. Findings of the parser
//! are not repeated here: see [`Config::findings`].

use crate::finding::{Finding, FindingName};
use crate::span::Span;
use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};

use super::keys::{self, Key, Keys};
use super::settings::{self, Setting, VmSettings, numbered};
use super::{Assignment, Config, is_vm_name, rivals};
use crate::model::loader::LoaderKind;
use crate::model::policy::yes_or_no;
use crate::suggest;

/// Checks the whole configuration.
pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let all: Vec<Keys<'_>> = config.keys_of_all(settings::every_row).collect();
    let vms: HashSet<&str> = all.iter().map(|keys| keys.vm).collect();
    let longest = vms.iter().map(|vm| vm.len()).max().unwrap_or_default();
    let bridges = LazyCell::new(|| config.bridges());
    let is_bridge = |name: &str| bridges.contains(name);
    for assignment in config.store.last(|_| true) {
        let is_vm = |vm: &str| vms.contains(vm);
        findings.extend(name(&is_vm, &is_bridge, longest, assignment));
    }
    findings.extend(all.iter().flat_map(|keys| conflicts(config, keys)));
    findings.extend(same_ids(config));
    findings.sort_by_key(|finding| (finding.span.file, finding.span.start));
    findings
}

/// Checks the names that begin with the name of one VM.
pub fn of_vm(config: &Config, vm: &str) -> Vec<Finding> {
    let begins = |name: &[u8]| {
        name.strip_prefix(vm.as_bytes())
            .is_some_and(|rest| rest.starts_with(b"_"))
    };
    let is_vm = |name: &str| config.is_vm(name);
    let bridges = LazyCell::new(|| config.bridges());
    let is_bridge = |name: &str| bridges.contains(name);
    config
        .store
        .last(begins)
        .filter_map(|assignment| name(&is_vm, &is_bridge, usize::MAX, assignment))
        .collect()
}

/// Two spellings of one key of a VM with two different values.
pub fn conflicts(config: &Config, keys: &Keys<'_>) -> Vec<Finding> {
    let mut found = spellings(config, keys, FindingName::ConflictingKeys);
    found.extend(two_loaders(config, keys));
    found
}

/// A `loader` and a `freebsd` that choose different loaders.
fn two_loaders(config: &Config, keys: &Keys<'_>) -> Option<Finding> {
    let is_set = |key: &&Key<'_>| !key.set.value.is_empty();
    let of = |name: &str| {
        let mut set = keys.keys.iter().filter(is_set);
        let set = &set.find(|key| key.setting.name == name)?.set;
        Some((set, std::str::from_utf8(set.value).ok()?))
    };
    let ((loader, word), (freebsd, switch)) = (of("loader")?, of("freebsd")?);
    // Invalid values are reported as such.
    let is_bhyveload = LoaderKind::parse(word).ok()? == LoaderKind::Bhyveload;
    if yes_or_no(switch).ok()? == is_bhyveload {
        return None;
    }
    Some(Finding::new(
        FindingName::ConflictingKeys,
        loader.name_span,
        format!(
            "{}={word} and {}={switch} ({}) choose two loaders",
            loader.name,
            freebsd.name,
            config.place(freebsd.name_span)
        ),
        format!("remove {}", freebsd.name),
    ))
}

/// Two spellings of one key of a VM with the same value.
pub fn two_spellings(config: &Config, keys: &Keys<'_>) -> Vec<Finding> {
    spellings(config, keys, FindingName::TwoSpellings)
}

/// Pairs of spellings of one key: those with two values, or those with the same value.
fn spellings(config: &Config, keys: &Keys<'_>, name: FindingName) -> Vec<Finding> {
    let (differ, how) = match name {
        FindingName::ConflictingKeys => (true, "are the same key with two values"),
        _ => (false, "are the same key"),
    };
    let mut findings = Vec::new();
    let is_set = |key: &&Key<'_>| !key.set.value.is_empty();
    let with_older = keys.keys.iter();
    let with_older = with_older.filter(|key| !key.setting.older.is_empty());
    // A fast path: nearly no VM has one key twice.
    if with_older.count() < 2 {
        return findings;
    }
    for setting in settings::VM.iter().filter(|one| !one.older.is_empty()) {
        let of_it = keys.keys.iter().filter(is_set);
        let mut of_it = of_it.filter(|key| key.setting.name == setting.name);
        let Some(first) = of_it.next() else {
            continue;
        };
        let others = of_it.filter(|other| (other.set.value != first.set.value) == differ);
        findings.extend(others.map(|other| {
            let place = config.place(first.set.name_span);
            Finding::new(
                name,
                other.set.name_span,
                format!("{} and {} ({place}) {how}", other.set.name, first.set.name),
                format!("keep {}_{}", keys.vm, setting.name),
            )
        }));
    }
    findings
}

/// Each file with lines that end in CR LF.
pub fn line_ends(config: &Config) -> Vec<Finding> {
    let files = (0..).map(crate::span::FileId).zip(config.sources().iter());
    let first = files.filter_map(|(file, source)| Some((file, source.first_cr_lf()?)));
    let found = first.map(|(file, start)| {
        let span = Span {
            file,
            start,
            end: start.saturating_add(1),
        };
        Finding::new(
            FindingName::Crlf,
            span,
            "the line ends in CR LF, which is read as LF; for sh the CR is part of the value",
            "convert the file: tr -d '\\r'",
        )
    });
    found.collect()
}

const LONGEST_VM_NAME: usize = 200;

/// The finding about one variable's name, if any.
///
/// Differs: `resources` and `setup` warn about unknown keys
fn name(
    is_vm: &dyn Fn(&str) -> bool,
    is_bridge: &dyn Fn(&str) -> bool,
    longest: usize,
    assignment: Assignment<'_>,
) -> Option<Finding> {
    let name = assignment.name;
    if let Some(vm) = name.strip_suffix("_id").filter(|vm| !is_vm_name(vm)) {
        return Some(Finding::new(
            FindingName::VmName,
            assignment.name_span,
            format!("{name} defines no VM: \"{vm}\" is not a valid name of a VM"),
            "begin the name with a letter",
        ));
    }
    let mut owners = keys::splits(name).filter(|split| is_vm(split.vm));
    if let Some(owner) = owners.next() {
        let other = owners.next()?;
        return Some(Finding::new(
            FindingName::AmbiguousKey,
            assignment.name_span,
            format!(
                "{name} is {} of {}, but could be {} of {}",
                owner.spelling, owner.vm, other.spelling, other.vm
            ),
            "rename one of the two VMs",
        ));
    }
    // Limits the cost for a name full of underscores to its length.
    let end = name.len().min(longest.min(LONGEST_VM_NAME) + 1);
    let underscores = name.get(..end).unwrap_or_default().rmatch_indices('_');
    let mut underscores = underscores.filter_map(|(at, _)| name.get(..at));
    let vm = underscores.find(|vm| is_vm(vm))?;
    // A bridge may have the name of a VM, or a name that begins so.
    if settings::of_host(name).is_some_and(|(_, bridge)| is_bridge(bridge)) {
        return None;
    }
    let key = name.get(vm.len() + 1..).unwrap_or_default();
    Some(Finding::new(
        FindingName::UnknownKey,
        assignment.name_span,
        format!("\"{key}\" is not a key, but {vm} is a VM"),
        instead(key),
    ))
}

/// Advice for a key that does not exist: our key for one of another manager, the nearest key, or else
/// where all keys are described.
pub(super) fn instead(key: &str) -> String {
    rivals::answer(key)
        .or_else(|| nearest(key).map(|near| format!("the nearest key is {near}")))
        .unwrap_or_else(|| "all keys are in the manual: easy-bhyve man 5".to_owned())
}

/// The known key nearest to `key`, if one is near: one that it is a part of, or may be a misspelling
/// of. Of equally near older names, that of the nearest new name.
fn nearest(key: &str) -> Option<String> {
    let start = key.find(|character: char| character.is_ascii_digit());
    let digits = start.map_or("0", |start| {
        let rest = key.get(start..).unwrap_or_default();
        let end = rest.find(|character: char| !character.is_ascii_digit());
        end.and_then(|end| rest.get(..end)).unwrap_or(rest)
    });
    let number = digits.trim_start_matches('0');
    let number = if number.is_empty() { "0" } else { number };
    let spelled = |setting: &'static Setting<VmSettings>| {
        let names = setting.names();
        names.map(move |name| (numbered(name, number), setting.numbered(number)))
    };
    let all: Vec<(String, String)> = settings::VM.iter().flat_map(spelled).collect();
    // No key is longer, and the cost is the product of both lengths.
    let key = key.get(..32).unwrap_or(key).to_ascii_lowercase();
    let begins = |known: &str| key.len() > 1 && known.starts_with(&key);
    let is_part = |known: &str| begins(known) || key.len() > 2 && known.contains(&key);
    let mut near: Vec<_> = all.iter().filter(|(known, _)| is_part(known)).collect();
    if near.is_empty() {
        near.extend(
            all.iter()
                .filter(|(known, _)| suggest::is_near(&key, known)),
        );
    }
    let distance_to = |name: &str| strsim::damerau_levenshtein(&key, name);
    let distance = |(known, new): &&(String, String)| {
        let is_other = !known.starts_with(&key);
        (distance_to(known), is_other, distance_to(new))
    };
    let nearest = near.into_iter().min_by_key(distance);
    nearest.map(|(known, _)| known.clone())
}

/// Every VM with the id of an earlier VM.
pub fn same_ids(config: &Config) -> Vec<Finding> {
    let mut first: HashMap<&[u8], (&str, Assignment<'_>)> = HashMap::new();
    let mut findings = Vec::new();
    for (vm, id) in config.vms() {
        match first.get(keys::number(id.value)) {
            Some(earlier) => findings.push(same_id(config, (vm, id), *earlier)),
            None => {
                first.insert(keys::number(id.value), (vm, id));
            }
        }
    }
    findings
}

/// The finding about a VM that shares its id with another.
pub fn same_id(
    config: &Config,
    (vm, id): (&str, Assignment<'_>),
    (other, other_id): (&str, Assignment<'_>),
) -> Finding {
    let number = String::from_utf8_lossy(keys::number(id.value));
    let place = config.place(other_id.value_span);
    Finding::new(
        FindingName::DuplicateId,
        id.value_span,
        format!("{vm} and {other} have the same id, {number}"),
        "set another id for one VM: the id is the number of its tap and console",
    )
    .note(format!("{other}_id is set at {place}"))
}

#[cfg(test)]
#[path = "lint_tests.rs"]
mod tests;
