//! Loads a guest's kernel: bhyveload(8), or grub-bhyve with its scratch files.

use super::{FileChange, Plan, Step, Test, Undo, When};
use crate::command::Command;
use crate::model::Vm;
use crate::model::loader::{Grub, Loader};
use crate::tools::grub::{self, Menu};
use crate::tools::line::Console;
use crate::tools::{bhyveload, daemon};
use std::path::Path;
use std::time::Duration;

/// From where a guest is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From its first CD.
    Cd,
    /// From its first disk.
    Disk,
    /// From its first disk, stopping at grub's prompt.
    Prompt,
}

/// The plan that loads `vm` on this console; grub's files lie in `scratch` until it ends.
///
/// Where nobody can be asked, on a console that is no terminal, a loader has a limit.
pub fn plan(vm: &Vm, source: Source, console: &Console, scratch: &Path) -> Plan {
    let disks = || vm.disks.iter().map(|disk| disk.path.as_path());
    let limited = |load: Command| match (console, source) {
        (Console::Stdio, _) | (_, Source::Prompt) => load,
        (Console::Nmdm(_), _) => daemon::limited(
            &load,
            Duration::from_secs(vm.policy.loader_timeout.0.into()),
        ),
    };
    match &vm.loader {
        Loader::Bhyveload => {
            let load = match source {
                Source::Cd => {
                    bhyveload::load(vm, vm.install_cd().map(|cd| cd.path.as_path()), console)
                }
                Source::Disk | Source::Prompt => bhyveload::load(vm, disks(), console),
            };
            Plan::new(vec![limited(load).into()])
        }
        Loader::Grub(grub) => by_grub(vm, grub, source, console, scratch, limited),
    }
}

/// The plan that loads by grub-bhyve.
///
/// Differs: grub's commands reach it as a file, and its device map has all disks
fn by_grub(
    vm: &Vm,
    grub: &Grub,
    source: Source,
    console: &Console,
    scratch: &Path,
    limited: impl Fn(Command) -> Command,
) -> Plan {
    let map = scratch.join("device.map");
    let (root, commands) = match source {
        Source::Cd => ("cd0".to_owned(), grub.install.as_ref()),
        Source::Disk => (format!("hd0,{}", grub.bootpart), grub.boot.as_ref()),
        Source::Prompt => (format!("hd0,{}", grub.bootpart), None),
    };
    let disks = vm
        .disks
        .iter()
        .map(|disk| (format!("hd{}", disk.number), disk.path.as_path()));
    let cds = vm.cds.iter().filter(|_| source == Source::Cd);
    let cds = cds.map(|cd| (format!("cd{}", cd.number), cd.path.as_path()));

    let mut plan = Plan::default();
    plan.push(FileChange::MakeScratch(scratch.to_owned()));
    let remove = FileChange::RemoveScratch(scratch.to_owned());
    // Differs: An interrupted loader leaves no file in `/tmp`
    plan.push(Undo {
        forms: vec![
            Step::from(remove.clone())
                .only_if(Test::Exists(scratch.to_owned()))
                .into(),
        ],
        when: When::Failure,
        what: scratch.display().to_string(),
    });
    plan.push(FileChange::Write {
        path: map.clone(),
        text: grub::device_map(disks.chain(cds)),
    });
    let menu = match (commands, source) {
        (Some(commands), _) => {
            plan.push(FileChange::Write {
                path: scratch.join("grub.cfg"),
                text: grub::menu(&root, commands),
            });
            Menu::Generated(scratch)
        }
        (None, Source::Prompt) => Menu::Prompt,
        (None, _) => Menu::OfRoot,
    };
    plan.push(limited(grub::load(vm, &map, &root, menu, console)));
    plan.push(remove);
    plan
}
