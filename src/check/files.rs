//! Findings about disks, ISO images and stores of UEFI variables that are one file.

use super::own_place;
use crate::config::Config;
use crate::config::resolve::Checked;
use crate::finding::{Finding, FindingName};
use crate::model::Vm;
use crate::model::named::Role;
use crate::span::Span;
use crate::vis;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

/// Checks all VMs together; takes linear time.
pub(super) fn findings(config: &Config, checked: &[Checked<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let cds = cds(checked);
    let mut disks: HashMap<Cow<'_, Path>, (&Vm, Option<Span>)> = HashMap::new();
    let mut further = Vec::new();
    for vm in checked.iter().filter_map(|one| one.vm.as_ref()) {
        findings.extend(store_on_cd(config, vm, &cds));
        for file in vm.named_files() {
            if !file.role.is_own() {
                further.extend((file.role == Role::Argument).then_some((vm, file.path)));
                continue;
            }
            let id = || Some(config.id_of(vm.name.as_str())?.value_span);
            let origin = own_place(config, vm, file.origin).or_else(id);
            match disks.get(&file.path) {
                None => {
                    disks.insert(file.path, (vm, origin));
                }
                Some(other) => {
                    let found = |span| shared_disk(config, span, vm, &file.path, *other);
                    findings.extend(origin.map(found));
                }
            }
        }
    }
    for (vm, path) in further {
        let other = disks.get(&path).filter(|(other, _)| other.name != vm.name);
        findings.extend(other.and_then(|(other, _)| in_arguments(config, vm, &path, other)));
    }
    findings
}

/// A disk or a store of another VM in the `bhyve_args` of a VM.
fn in_arguments(config: &Config, vm: &Vm, path: &Path, other: &Vm) -> Option<Finding> {
    let (shown, theirs) = (vis::shown(&path), role(other, path));
    Some(Finding::new(
        FindingName::SharedDisk,
        config.get(&format!("{}_bhyve_args", vm.name))?.value_span,
        format!(
            "{shown} is a {theirs} of {} and {}",
            other.name,
            Role::Argument.of(&vm.name)
        ),
        "name a different file for each VM; only one of these VMs can run at a time".to_owned(),
    ))
}

/// The first VM and the number of each ISO image.
fn cds<'run>(checked: &'run [Checked<'_>]) -> HashMap<&'run Path, (&'run Vm, u8)> {
    let vms = checked.iter().filter_map(|one| one.vm.as_ref());
    let of_vm = |vm: &'run Vm| {
        let cds = vm.cds.iter();
        cds.map(move |cd| (cd.path.as_path(), (vm, cd.number)))
    };
    vms.rev().flat_map(of_vm).collect()
}

/// A store of UEFI variables that is the ISO image of a VM: the guest would write to the image.
fn store_on_cd(config: &Config, vm: &Vm, cds: &HashMap<&Path, (&Vm, u8)>) -> Option<Finding> {
    let uefi = vm.uefi()?;
    let (other, number) = cds.get(uefi.vars.as_path())?;
    let id = || Some(config.id_of(vm.name.as_str())?.value_span);
    let span = own_place(config, vm, uefi.origin).or_else(id)?;
    Some(Finding::new(
        FindingName::SharedDisk,
        span,
        format!(
            "{} is the store of UEFI variables of {}, and cd{number} of {}",
            vis::shown(&uefi.vars),
            vm.name,
            other.name
        ),
        format!("set {}_uefi_vars to another path", vm.name),
    ))
}

/// What a path is for a VM.
fn role(vm: &Vm, path: &Path) -> &'static str {
    if vm.uefi().is_some_and(|uefi| uefi.vars == path) {
        "store of UEFI variables"
    } else {
        "disk"
    }
}

fn shared_disk(
    config: &Config,
    span: Span,
    vm: &Vm,
    path: &Path,
    (other, elsewhere): (&Vm, Option<Span>),
) -> Finding {
    let (shown, name) = (vis::shown(&path), &vm.name);
    if vm.name == other.name {
        return Finding::new(
            FindingName::SharedDisk,
            span,
            format!("{shown} is a disk of {name} and its store of UEFI variables"),
            format!("set {name}_uefi_vars to another path"),
        );
    }
    let (role, theirs) = (role(vm, path), role(other, path));
    let own = if role == theirs {
        format!("of {name}")
    } else {
        format!("a {role} of {name}")
    };
    let finding = Finding::new(
        FindingName::SharedDisk,
        span,
        format!("{shown} is a {theirs} of {} and {own}", other.name),
        format!("use a different {role} for each VM; only one of these VMs can run at a time"),
    );
    match elsewhere {
        Some(elsewhere) => {
            let place = config.place(elsewhere);
            finding.note(format!("set as a {theirs} of {} at {place}", other.name))
        }
        None => finding,
    }
}
