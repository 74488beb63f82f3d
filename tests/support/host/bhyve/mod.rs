//! bhyve(8) on amd64: `options.rs` reads the command line, this file starts the guest.
//!
//! Sources: usr.sbin/bhyve/bhyverun.c, amd64/bhyverun_machdep.c, amd64/vmexit.c, pci_emul.c,
//! net_backends.c, block_if.c.

mod disk;
mod gate;
mod nic;
mod options;
mod rom;
pub mod setup;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Host;
use super::call::{Answer, Call, Status};
use super::devices::Device;
use super::errno::Errno;
use super::live::{Session, guest};
use super::process::{Ending, Guest};
use super::state::System;
use options::{Backend, Options};
use rom::Boots;
use setup::Setup;

/// How long a guest without a plan runs in the foreground.
const FOREGROUND_MS: u64 = 60_000;

/// Runs bhyve: to the end of the guest in the foreground, or until it has started under daemon(8).
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let (options, setup) = match read(host, call) {
        Ok(read) => read,
        Err(answer) => return answer,
    };
    let (pid, loaded) = match start(host, call, &options, &setup) {
        Ok(started) => started,
        Err(message) => return Answer::fail(message.0, message.1),
    };
    let boots = options.bootrom.as_ref().map(|rom| {
        rom::write(host, rom, &options.name);
        rom::boots(host, &options)
    });
    settle(host, pid, &options, (loaded, boots), call.background);
    if host.state.real_time {
        host.session = Some(Session::Guest(session(host, pid, &options, loaded)));
        return Answer::of(Status::Running);
    }
    if call.background || call.is_begun {
        return Answer::ok();
    }
    if boots == Some(Boots::Nothing) {
        return Answer::of(Status::Hang);
    }
    let status = host.wait_for(pid);
    Answer::of(status)
}

/// Reads the command line; an error is the answer of bhyve.
fn read(host: &mut Host, call: &Call) -> Result<(Options, Setup), Answer> {
    let setup = gate::read(host, &call.words())?;
    let mut options = Options::parse(&call.words(), host.state.major(), &host.state.machine)?;
    options.consoles = setup.consoles();
    Ok((options, setup))
}

/// Opens all devices and makes the process. An error is the exit status and message of bhyve.
fn start(
    host: &mut Host,
    call: &Call,
    options: &Options,
    setup: &Setup,
) -> Result<(i32, bool), (i32, String)> {
    let vm = &options.name;
    let created = host.create_vm(vm, call.uid);
    match created {
        Ok(()) | Err(Errno::Exists)
            if options.bootrom.is_none() && host.state.machine != "amd64" =>
        {
            return Err((4, "no bootrom specified".into()));
        }
        Ok(()) if options.bootrom.is_none() => {
            // do_open: the VM that it has created stays.
            let text = if host.state.major() >= 15 {
                "no bootrom was configured"
            } else {
                "virtual machine cannot be booted"
            };
            return Err((4, text.into()));
        }
        Ok(()) | Err(Errno::Exists) => {}
        Err(errno) => return Err((4, format!("vm_create: {}", errno.text()))),
    }
    let available = match host.state.major() {
        13 => 16,
        _ => i64::max(host.state.number("hw.vmm.maxcpu"), 1),
    };
    if i64::from(options.cpus) > available {
        if host.state.major() >= 15 {
            return Err((71, "bhyve: vm_set_topology".into()));
        }
        let text = format!(
            "{} vCPUs requested but only {available} available",
            options.cpus
        );
        return Err((4, text));
    }
    if host.set_memory(vm, options.memory).is_err() {
        return Err((4, "Unable to setup memory (22)".into()));
    }
    let pid = host.add_called(call);
    let checked = gate::devices(host, setup);
    let opened = checked.and_then(|()| open_devices(host, options, pid));
    let opened = opened.and_then(|open| match host.state.bhyve_of(vm) {
        Some(_) => Err((71, "could not activate CPU 0: Device busy".into())),
        None => Ok(open),
    });
    match opened {
        Err(error) => {
            // Not through end_process: there was no guest yet.
            host.end_process(pid, Status::Exit(error.0));
            Err(error)
        }
        Ok(open) => {
            for path in &options.cut {
                host.harmed(format!("the path of a disk ended at a comma: {path}"));
            }
            let is_disk =
                |path: &&PathBuf| !path.starts_with("/dev") || path.starts_with("/dev/zvol");
            for path in open.iter().filter(is_disk) {
                let mut others = host.state.processes.values();
                if others.any(|other| other.open.contains(path)) {
                    let is_store = options.vars().is_some_and(|vars| Path::new(vars) == path);
                    let what = if is_store { "the store" } else { "a disk" };
                    host.harmed(format!("{} is {what} of two VMs", path.display()));
                }
            }
            if let Some(process) = host.state.processes.get_mut(&pid) {
                process.open = open;
                process.rss = (options.memory >> 10) / 2 + 20_000;
            }
            let loaded =
                options.bootrom.is_some() || host.state.vms.get(vm).is_some_and(|node| node.loaded);
            Ok((pid, loaded))
        }
    }
}

/// Opens taps, disks and consoles in the order of the slots, as init_pci does.
fn open_devices(
    host: &mut Host,
    options: &Options,
    pid: i32,
) -> Result<BTreeSet<PathBuf>, (i32, String)> {
    let mut open = BTreeSet::new();
    let failed = |text: String, errno: Errno| {
        let last = format!("Device emulation initialization error: {}", errno.text());
        (4, format!("{text}\n{last}").trim_start().to_owned())
    };
    if let Some(rom) = options.bootrom.as_ref().filter(|_| options.is_amd64) {
        open.extend(rom::open(host, rom)?);
    }
    for device in &options.devices {
        let conf = device.conf.as_deref();
        let wrong = match device.emulation.as_str() {
            "virtio-blk" | "ahci-hd" | "ahci-cd" => disk::refused(&device.emulation, conf),
            "nvme" if !conf.is_some_and(|conf| conf.starts_with("ram=")) => {
                disk::refused("nvme", conf)
            }
            "virtio-net" | "e1000" => nic::refused(conf.unwrap_or_default()),
            _ => None,
        };
        if let Some(text) = wrong {
            // A boolean ends bhyve at once (config.c).
            return Err(match text.starts_with("bhyve: Invalid value") {
                true => (4, text),
                false => failed(text, Errno::Invalid),
            });
        }
        match &device.backend {
            Backend::None => {}
            Backend::Disk(path) => {
                host.open_disk(path).map_err(|errno| {
                    let text = format!(
                        "bhyve: Could not open backing file: {path}: {}",
                        errno.text()
                    );
                    let mut text = disk::failed(&device.emulation, &text);
                    if text.ends_with(": ") {
                        text.push_str(errno.text());
                    }
                    failed(text, errno)
                })?;
                let lies = host.lower(Path::new(path));
                open.insert(lies.unwrap_or_else(|| path.into()));
            }
            Backend::Tap(name) => {
                host.open_tap_node(name, pid).map_err(|errno| {
                    failed(format!("open of tap device /dev/{name} failed"), errno)
                })?;
                open.insert(Path::new("/dev").join(name));
            }
            // net_backends.c: no backend has this prefix.
            Backend::Unknown => return Err(failed(String::new(), Errno::Invalid)),
        }
    }
    if !has_serial(host, options) {
        return Ok(open);
    }
    for (port, path) in &options.consoles {
        if path == "stdio" || path.starts_with("tcp=") {
            continue;
        }
        let Some(Device::Nmdm(pair, end_a)) = host.resolve(Path::new(path), 0) else {
            let text = format!("Unable to initialize backend '{path}' for LPC device {port}");
            return Err(failed(text, Errno::NoEntry));
        };
        host.open_nmdm(&pair, end_a, pid);
        open.insert(path.into());
    }
    Ok(open)
}

/// Whether there is what serial lines need: the lpc bridge, or a machine that has none.
fn has_serial(host: &Host, options: &Options) -> bool {
    let mut devices = options.devices.iter();
    host.state.machine != "amd64" || devices.any(|device| device.emulation == "lpc")
}

/// Decides how the guest will run and end.
fn settle(
    host: &mut Host,
    pid: i32,
    options: &Options,
    (loaded, boots): (bool, Option<Boots>),
    background: bool,
) {
    let vm = options.name.clone();
    let now = host.state.clock_ms;
    let mut plan = host.state.plan_of(&vm);
    if host.state.machine != "amd64" {
        // There is no power button.
        plan.acpi_ms = None;
    }
    let waits_for_ever = boots == Some(Boots::Nothing);
    let end = if waits_for_ever {
        None
    } else if loaded {
        let ending = if plan.endings.is_empty() {
            Ending::PowerOff
        } else {
            plan.endings.remove(0)
        };
        let waits = background || host.state.real_time;
        let after = plan.runs_ms.or((!waits).then_some(FOREGROUND_MS));
        if after.is_some() {
            host.state.guests.insert(vm.clone(), plan.clone());
        }
        after.map(|after| (now + after, ending))
    } else {
        // There is no code at the vCPU's entry point.
        Some((now + plan.title_ms + 100, Ending::TripleFault))
    };
    // An installer that boots from a CD leaves a system on the first disk; in real time it asks first.
    let asks = host.state.real_time && plan.runs_ms.is_none();
    if loaded
        && !asks
        && options.cd().is_some()
        && boots.is_none_or(|boots| boots == Boots::Cd)
        && let Some(disk) = options.disk().map(str::to_owned)
    {
        host.install_on(&disk);
    }
    let is_counted_later = loaded && plan.is_seen_first;
    let end_once_seen = end.filter(|_| is_counted_later);
    if let Some(process) = host.state.processes.get_mut(&pid) {
        process.guest = Some(Guest {
            vm,
            title_at: Some(now + plan.title_ms),
            acpi_at: plan
                .acpi_ms
                .filter(|_| loaded && !waits_for_ever)
                .map(|after| now + after),
            pressed: false,
            end: end.filter(|_| !is_counted_later),
            end_once_seen: end_once_seen.map(|(at, ending)| (at - now, ending)),
            destroy: options.destroy,
        });
    }
}

/// The behaviour of the guest as a real process.
fn session(host: &Host, pid: i32, options: &Options, loaded: bool) -> guest::Session {
    let plan = host.state.plan_of(&options.name);
    let rom = options.bootrom.as_ref();
    let boots = rom.map(|_| rom::boots(host, options));
    let has_serial = has_serial(host, options);
    guest::Session {
        pid,
        vm: options.name.clone(),
        console: options
            .consoles
            .first()
            .filter(|_| has_serial)
            .map(|(_, backend)| host.place_of(backend)),
        system: match boots {
            Some(Boots::Nothing) => None,
            Some(Boots::Disk | Boots::Cd) => Some(System::Linux),
            None => loaded.then(|| {
                let node = host.state.vms.get(&options.name);
                node.map(|node| node.system).unwrap_or_default()
            }),
        },
        installs_on: options
            .cd()
            .filter(|_| boots.is_none_or(|boots| boots == Boots::Cd))
            .and(options.disk())
            .filter(|_| plan.runs_ms.is_none())
            .map(str::to_owned),
        cpus: options.cpus,
        memory: options.memory,
        boot_ms: Some(plan.acpi_ms.unwrap_or(plan.title_ms)),
        stop_ms: plan.button_ms.unwrap_or(1_000),
        noise: plan.noise,
    }
}

/// The behaviour of a running guest as a real process, from its command line.
pub(super) fn session_of(host: &Host, pid: i32, call: &Call) -> Option<guest::Session> {
    let (options, _) = read(&mut host.clone(), call).ok()?;
    Some(session(host, pid, &options, true))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_arm64;
