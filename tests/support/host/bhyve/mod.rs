//! bhyve(8) on amd64: `options.rs` reads the command line, this file starts the guest.
//!
//! Sources: usr.sbin/bhyve/bhyverun.c, amd64/bhyverun_machdep.c, amd64/vmexit.c, pci_emul.c,
//! net_backends.c, block_if.c.

mod config;
mod disk;
mod gate;
mod life;
mod nic;
mod options;
mod rom;
mod screen;
pub mod setup;
mod topology;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Host;
use super::call::{Answer, Call, Status};
use super::devices::Device;
use super::errno::Errno;
use super::live::Session;
pub(super) use life::session_of;
use life::{Settled, session, settle};
use options::{Backend, Options};
use rom::Boots;
use setup::Setup;

/// Runs bhyve: to the end of the guest in the foreground, or until it has started under daemon(8).
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let (options, setup) = match read(host, call) {
        Ok(read) => read,
        Err(answer) => return answer,
    };
    let Started {
        pid,
        loaded,
        waits,
        said,
    } = match start(host, call, &options, &setup) {
        Ok(started) => started,
        Err(message) => return Answer::fail(message.0, message.1),
    };
    let boots = options.bootrom.as_ref().map(|rom| {
        rom::write(host, rom, &options.name);
        rom::boots(host, &options)
    });
    let how = Settled {
        loaded,
        boots,
        background: call.background,
        waits,
    };
    settle(host, pid, &options, how);
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
    said.into_iter().fold(Answer::of(status), Answer::and_err)
}

/// A bhyve that has started.
struct Started {
    pid: i32,
    /// Whether there is code for its vCPUs.
    loaded: bool,
    /// Whether it waits for a viewer.
    waits: bool,
    /// What it has said, although it goes on.
    said: Vec<String>,
}

/// What the devices have opened.
#[derive(Default)]
struct Opened {
    paths: BTreeSet<PathBuf>,
    waits: bool,
    said: Vec<String>,
}

/// Reads the command line; an error is the answer of bhyve.
fn read(host: &mut Host, call: &Call) -> Result<(Options, Setup), Answer> {
    let setup = gate::read(host, &call.words())?;
    let file = |path: &str| {
        let text = host.files().read(Path::new(path)).ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    };
    let (major, machine) = (host.state.major(), &host.state.machine);
    let mut options = Options::parse_with(&call.words(), major, machine, &file)?;
    options.consoles = setup.consoles();
    Ok((options, setup))
}

/// Opens all devices and makes the process. An error is the exit status and message of bhyve.
fn start(
    host: &mut Host,
    call: &Call,
    options: &Options,
    setup: &Setup,
) -> Result<Started, (i32, String)> {
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
        Ok(Opened {
            paths: open,
            waits,
            said,
        }) => {
            for path in &options.cut {
                host.harmed(format!("the path of a disk ended at a comma: {path}"));
            }
            // A screen has a port, or a socket.
            let has_own =
                |path: &&PathBuf| path.is_absolute() && !host.is_socket(path).unwrap_or(false);
            let is_disk =
                |path: &&PathBuf| !path.starts_with("/dev") || path.starts_with("/dev/zvol");
            let disks: Vec<PathBuf> = open
                .iter()
                .filter(has_own)
                .filter(is_disk)
                .cloned()
                .collect();
            for path in &disks {
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
            Ok(Started {
                pid,
                loaded,
                waits,
                said,
            })
        }
    }
}

/// Opens taps, disks and consoles in the order of the slots, as init_pci does.
fn open_devices(host: &mut Host, options: &Options, pid: i32) -> Result<Opened, (i32, String)> {
    let mut opened = Opened::default();
    let (mut has_screen, mut has_controller) = (false, false);
    let failed = |text: String, errno: Errno| {
        let last = format!("Device emulation initialization error: {}", errno.text());
        (4, format!("{text}\n{last}").trim_start().to_owned())
    };
    if let Some(rom) = options.bootrom.as_ref().filter(|_| options.is_amd64) {
        opened.paths.extend(rom::open(host, rom)?);
    }
    for device in &options.devices {
        let conf = device.conf.as_deref();
        let (bus, slot, function) = device.slot;
        match device.emulation.as_str() {
            "" => {
                let text = format!("pci slot {bus}:{slot}:{function}: missing \"device\" value");
                return Err(failed(text, Errno::Invalid));
            }
            "fbuf" if has_screen => {
                let text = "Only one frame buffer device is allowed.".to_owned();
                return Err(failed(text, Errno::Invalid));
            }
            "fbuf" => {
                let refused = |(text, errno): screen::Refused| match errno {
                    Some(errno) => failed(text, errno),
                    None => (4, text),
                };
                match screen::framebuffer(device, host.state.osreldate).map_err(refused)? {
                    Ok(server) => {
                        opened.paths.insert(server.listen(host).map_err(refused)?);
                        (has_screen, opened.waits) = (true, server.waits);
                    }
                    Err(said) => opened.said.push(said),
                }
            }
            "xhci" => {
                let wrong = screen::controller(conf).or(has_controller.then(String::new));
                if let Some(text) = wrong {
                    return Err(failed(text, Errno::Invalid));
                }
                has_controller = true;
            }
            _ => {}
        }
        let wrong = match device.emulation.as_str() {
            "virtio-blk" | "ahci-hd" | "ahci-cd" => disk::refused(&device.emulation, conf),
            "nvme" if !conf.is_some_and(|conf| conf.starts_with("ram=")) => {
                disk::refused("nvme", conf)
            }
            "virtio-net" | "e1000" => {
                let conf = conf.unwrap_or_default();
                let is_slirp = conf.split(',').next() == Some("slirp");
                if is_slirp && nic::is_open(conf) {
                    host.harmed(format!("a port of {} is open to every host", options.name));
                }
                let has_library = host
                    .files()
                    .exists(Path::new("/usr/local/lib/libslirp.so.0"));
                let slirp = || nic::slirp(conf, host.state.major(), has_library);
                nic::refused(conf).or_else(|| is_slirp.then(slirp).flatten())
            }
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
                opened.paths.insert(lies.unwrap_or_else(|| path.into()));
            }
            Backend::Tap(name) => {
                host.open_tap_node(name, pid).map_err(|errno| {
                    failed(format!("open of tap device /dev/{name} failed"), errno)
                })?;
                opened.paths.insert(Path::new("/dev").join(name));
            }
            // net_backends.c: no backend has this prefix.
            Backend::Unknown => return Err(failed(String::new(), Errno::Invalid)),
        }
    }
    if !has_serial(host, options) {
        return Ok(opened);
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
        opened.paths.insert(path.into());
    }
    Ok(opened)
}

/// Whether there is what serial lines need: the lpc bridge, or a machine that has none.
fn has_serial(host: &Host, options: &Options) -> bool {
    let mut devices = options.devices.iter();
    host.state.machine != "amd64" || devices.any(|device| device.emulation == "lpc")
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_arm64;
