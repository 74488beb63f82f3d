//! Loads a guest's kernel: bhyveload(8), or grub-bhyve with its scratch files. UEFI firmware needs no step.

use crate::command::Command;
use crate::model::Vm;
use crate::model::grub::GrubCommands;
use crate::model::loader::{Grub, Loader};
use crate::plan::{FileChange, Plan, scratch_directory};
use crate::tools::grub::{self, Menu, Root, Screen};
use crate::tools::line::Console;
use crate::tools::{bhyveload, daemon};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a guest is loaded from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From its first CD.
    Cd,
    /// From its first disk.
    Disk,
    /// From its first disk, stopping at grub's prompt.
    Prompt,
}

/// The plan that loads `vm` on `console`, empty for a VM with UEFI firmware; `scratch` is the directory
/// of grub's files.
///
/// On nmdm(4), where no user can answer a prompt, the loader has a time limit.
pub(crate) fn plan(vm: &Vm, source: Source, console: &Console, scratch: &Path) -> Plan {
    let disks = || vm.disks.iter().map(|disk| disk.path.as_path());
    let limit = Duration::from_secs(vm.policy.loader_timeout.0.into());
    let limited = |load: Command| match (console, source) {
        (Console::Stdio, _) | (_, Source::Prompt) => load,
        (Console::Nmdm(_), _) => daemon::limited(&load, limit),
    };
    let load = match &vm.loader {
        Loader::Bhyveload => match source {
            Source::Cd => bhyveload::load(vm, vm.install_cd().map(|cd| cd.path.as_path()), console),
            Source::Disk | Source::Prompt => bhyveload::load(vm, disks(), console),
        },
        Loader::Grub(grub) => {
            let (device, commands) = begin(grub, source);
            let menu = match (commands, source) {
                (Some(_), _) => Menu::Generated(scratch),
                (None, Source::Prompt) => Menu::Prompt,
                (None, _) => Menu::OfRoot,
            };
            let root = Root {
                device: &device,
                directory: &grub.directory,
            };
            let load = |screen| grub::load(vm, &map(scratch), root, menu, screen);
            // Nobody may read nmdm(4): a grub that asks nothing is run again to show its output.
            let is_silent =
                matches!(console, Console::Nmdm(_)) && commands.is_some_and(|all| !all.asks());
            Command {
                explained_by: is_silent.then(|| Box::new(limited(load(Screen::Captured)))),
                ..load(Screen::Console(console))
            }
        }
        Loader::Uefi(_) | Loader::UBoot => return Plan::default(),
    };
    Plan::new(vec![limited(load).into()])
}

/// The root device of grub, and the configured grub commands, if any.
fn begin(grub: &Grub, source: Source) -> (String, Option<&GrubCommands>) {
    match source {
        Source::Cd => ("cd0".to_owned(), grub.install.as_ref()),
        Source::Disk => (grub.bootpart.of_disk("hd0"), grub.boot.as_ref()),
        Source::Prompt => (grub.bootpart.of_disk("hd0"), None),
    }
}

/// The path of the device map.
fn map(scratch: &Path) -> PathBuf {
    scratch.join("device.map")
}

/// The plan that writes the files that the loader reads; empty for other loaders than grub.
///
/// The files are written once and removed when the VM ends: every reboot of the guest reads them.
///
/// Differs: grub's commands reach it as a file, and its device map has all disks
pub(crate) fn files(vm: &Vm, source: Source, scratch: &Path) -> Plan {
    let Loader::Grub(grub) = &vm.loader else {
        return Plan::default();
    };
    let disks = vm
        .disks
        .iter()
        .map(|disk| (format!("hd{}", disk.number), disk.path.as_path()));
    let cds = vm.cds.iter().filter(|_| source == Source::Cd);
    let cds = cds.map(|cd| (format!("cd{}", cd.number), cd.path.as_path()));

    let mut plan = Plan::new(scratch_directory(scratch));
    plan.push(FileChange::Write {
        path: map(scratch),
        text: grub::device_map(disks.chain(cds)),
    });
    if let (device, Some(commands)) = begin(grub, source) {
        let root = Root {
            device: &device,
            directory: &grub.directory,
        };
        plan.push(FileChange::Write {
            path: scratch.join("grub.cfg"),
            text: grub::menu(root, commands).into_bytes(),
        });
    }
    plan
}
