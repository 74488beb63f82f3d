//! bhyveload(8): usr.sbin/bhyveload/bhyveload.c.

use std::path::Path;

use super::Host;
use super::call::{Answer, Call, Status};
use super::devices::Device;
use super::grub_bhyve::script::Leaves;
use super::live::Session;
use super::live::loader::{self, First, Shell};
use super::process::Loader;
use super::state::System;
use super::words::{Words, memory_size};

const USAGE: &str = "usage: bhyveload [-S][-c <console-device>] [-d <disk-path>] [-e <name=value>]\n                 \
     [-h <host-path>] [-m memsize[K|k|M|m|G|g|T|t]] <vmname>";

/// A wrong option argument (sysexits(3)).
const EX_USAGE: i32 = 64;

/// Runs `bhyveload [-CS] [-c CONS] [-d DISK]... [-e NAME=VALUE]... [-h DIR] [-l OS] [-m SIZE] VM`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = match Words::parse(&call.words(), "CSc:d:e:h:l:m:") {
        Ok(words) => words,
        Err(error) => return Answer::fail(1, format!("bhyveload: {error}")).and_err(USAGE),
    };
    let mut memory = 256 << 20;
    let mut disks = Vec::new();
    let mut loaders = 0;
    for (option, value) in &words.options {
        let value = value.as_deref().unwrap_or_default();
        let problem = match option.as_str() {
            "c" if value != "stdio" => match host.resolve(Path::new(value), call.uid) {
                Some(Device::Nmdm(..)) => None,
                _ => Some(format!("Could not open '{value}'")),
            },
            "d" => match host.open_disk_to_write(Path::new(value)) {
                Ok(()) if call.uid == 0 => {
                    disks.push(value.to_owned());
                    None
                }
                _ => Some(format!("Could not open '{value}'")),
            },
            "l" => {
                loaders += 1;
                (loaders > 1).then(|| "-l can only be given once".to_owned())
            }
            "m" => {
                let size = memory_size(value);
                memory = size.unwrap_or(memory);
                size.is_none().then(|| format!("Invalid memsize '{value}'"))
            }
            _ => None,
        };
        if let Some(problem) = problem {
            return Answer::fail(EX_USAGE, format!("bhyveload: {problem}"));
        }
    }
    let [vm] = words.operands.as_slice() else {
        return Answer::fail(1, USAGE);
    };
    if let Some(console) = words.last("c").filter(|console| *console != "stdio")
        && host.resolve(Path::new(console), call.uid).is_none()
    {
        let text = format!("bhyveload: Could not open '{console}'");
        return Answer::fail(1, text);
    }
    if let Err((step, errno)) = host.prepare_vm(vm, memory, call.uid) {
        return Answer::fail(1, format!("{step}: {}", errno.text()));
    }
    let blank = disks.first().is_none_or(|disk| host.is_blank(disk));
    let plan = host.state.plan_of(vm);
    let first = match plan.loader {
        // The loader stays at its prompt, and waits for input without end.
        _ if blank => First::Prompt,
        Loader::Stuck => First::Stuck,
        Loader::Broken => First::Leaves(Leaves::Exited),
        Loader::Menu | Loader::Prompt => First::Menu,
    };
    if host.state.real_time {
        let console = words.last("c").unwrap_or("stdio");
        let pid = host.add_loader(call, vm, console);
        host.session = Some(Session::Loader(loader::Session {
            pid,
            vm: vm.clone(),
            console: host.place_of(console),
            said: "Consoles: userboot\n".into(),
            first,
            menu_ms: plan.loader_ms,
            shell: Shell::Userboot { boots: !blank },
        }));
        return Answer::of(Status::Running);
    }
    let console = words.last("c").unwrap_or("stdio");
    // Its messages go to its console.
    let on_stdout = |text: &'static str| if console == "stdio" { text } else { "" };
    #[allow(clippy::cast_precision_loss)]
    host.advance(plan.loader_ms as f64 / 1000.0);
    match first {
        First::Prompt | First::Stuck => Answer::of(Status::Hang),
        First::Leaves(_) => Answer::exit(1).and_out(on_stdout("can't load 'kernel'\n")),
        First::Menu => {
            host.loaded(vm, System::FreeBsd, None);
            let text = "Consoles: userboot\nBooting [/boot/kernel/kernel]...\n";
            Answer::out(on_stdout(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Host {
        Host::freebsd(14).with_volume("zroot/vm/web", 1 << 30)
    }

    fn load(memory: &str, disk: &str) -> Call {
        Call::new(["bhyveload", "-m", memory, "-d", disk, "web"]).by_root()
    }

    const DISK: &str = "/dev/zvol/zroot/vm/web";

    #[test]
    fn bhyveload_creates_the_vm_and_loads_vmm() {
        let mut host = host();
        assert_eq!(host.run(&load("512M", DISK)).status, Status::Exit(0));
        let node = &host.state.vms["web"];
        assert!(node.loaded && host.has_module("vmm"));
        assert_eq!(node.memory, Some(512 << 20));
    }

    #[test]
    fn bad_arguments_are_refused() {
        let mut host = host();
        let answer = host.run(&load("1.5G", DISK));
        assert_eq!(
            answer,
            Answer::fail(64, "bhyveload: Invalid memsize '1.5G'")
        );
        let answer = host.run(&load("1G", "/dev/zvol/none"));
        assert_eq!(
            answer,
            Answer::fail(64, "bhyveload: Could not open '/dev/zvol/none'")
        );
        assert_eq!(host.run(&Call::new(["bhyveload"])), Answer::fail(1, USAGE));
    }

    #[test]
    fn another_memory_size_needs_another_node() {
        let mut host = host();
        host.run(&load("512M", DISK));
        assert_eq!(
            host.run(&load("1G", DISK)),
            Answer::fail(1, "vm_setup_memory: Invalid argument")
        );
    }

    #[test]
    fn a_running_vm_cannot_be_loaded_again() {
        let mut host = host().with_running_vm("web", DISK, "tap0");
        assert_eq!(
            host.run(&load("512M", DISK)),
            Answer::fail(1, "vm_reinit: Device busy")
        );
    }

    #[test]
    fn a_blank_disk_leads_to_the_prompt() {
        let mut host = host().with_commands(&["zfs create -V 1G zroot/vm/new"]);
        let answer = host.run(&load("512M", "/dev/zvol/zroot/vm/new"));
        assert_eq!(answer.status, Status::Hang);
    }
}
