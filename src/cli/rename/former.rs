//! What a rename that was killed has left, for a VM whose disk is missing.
//!
//! A rename changes the lines first, then the disks in their order, the log, and last the links: while a
//! disk has its old name, so have the log and the links.

use crate::cli::setup;
use crate::config::Config;
use crate::error::Error;
use crate::finding::FindingName;
use crate::host::directory::log_of;
use crate::model::Vm;
use crate::model::name::VmName;
use crate::operation::context::{Asked, Context};
use crate::session::Session;
use std::collections::BTreeSet;

/// The error of a request; with help if a disk is missing and a rename of the VM was killed.
pub(in crate::cli) fn explained(
    session: &mut Session<'_, '_>,
    config: &Config,
    asked: &Asked,
    error: Error,
) -> Error {
    if error.name != Some(FindingName::DiskMissing) {
        return error;
    }
    let mut context = Context::of(session, config);
    let vm = asked.request.vms.first();
    let Some((vm, old)) = vm.and_then(|vm| Some((vm, former_name(&mut context, vm)?))) else {
        return error;
    };
    let undo = format!("rename {} {old}", vm.name);
    error.help(format!(
        "there is a disk of {old}, which is no VM: if a rename of {old} was interrupted, undo it: {}",
        session.spelling.command(undo)
    ))
}

/// A disk with the name of its VM: what follows this name, and all names in the directory of the disk.
struct Named<'vm> {
    rest: &'vm str,
    names: Vec<String>,
}

impl Named<'_> {
    /// Whether the disk exists under the name of this VM.
    fn has(&self, vm: &VmName) -> bool {
        let of_vm = |name: &String| name.strip_prefix(vm.as_str()) == Some(self.rest);
        self.names.iter().any(of_vm)
    }
}

/// The name of no VM under which the missing disks of a VM exist, if there is one such that a killed rename
/// has left traces of.
fn former_name(context: &mut Context<'_>, vm: &Vm) -> Option<VmName> {
    let disks = disks(context, vm);
    let missing = disks.iter().filter(|disk| !disk.has(&vm.name));
    let olds = missing.flat_map(|disk| {
        let olds = disk.names.iter();
        olds.filter_map(|other| VmName::parse(other.strip_suffix(disk.rest)?).ok())
    });
    let mut found: BTreeSet<VmName> = olds
        .filter(|old| !context.config.is_vm(old.as_str()))
        .collect();
    found.retain(|old| {
        has_moved(&disks, old, &vm.name) || has_log(context, old) || has_links(context, old)
    });
    found.pop_first().filter(|_| found.is_empty())
}

/// The disks of a VM that have its name.
fn disks<'vm>(context: &mut Context<'_>, vm: &'vm Vm) -> Vec<Named<'vm>> {
    let mut found = Vec::new();
    for disk in &vm.disks {
        // In the directory of the device nodes itself, no disk has the name of a VM.
        let directory = disk.path.parent();
        let directory = directory.filter(|path| *path != context.process.devices);
        let name = disk.path.file_name().and_then(|name| name.to_str());
        let rest = name.and_then(|name| name.strip_prefix(vm.name.as_str()));
        if let Some((directory, rest)) = directory.zip(rest) {
            let names = context.look.names_in(directory).unwrap_or_default();
            let names = names.into_iter().filter_map(|name| name.into_string().ok());
            found.push(Named {
                rest,
                names: names.collect(),
            });
        }
    }
    found
}

/// Whether a disk has the new name, and none of the old one is beside it: the disk was renamed.
fn has_moved(disks: &[Named<'_>], old: &VmName, new: &VmName) -> bool {
    disks.iter().any(|disk| disk.has(new) && !disk.has(old))
}

/// Whether the log of a VM exists.
fn has_log(context: &mut Context<'_>, vm: &VmName) -> bool {
    let log = context.process.logs.join(log_of(vm));
    context.look.exists(&log).unwrap_or(false)
}

/// Whether links of a VM exist that this program has made.
fn has_links(context: &Context<'_>, vm: &VmName) -> bool {
    setup::links_of(context, vm.as_str()).is_ok_and(|links| !links.is_empty())
}
