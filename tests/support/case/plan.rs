//! The host of a case before its call, as data.

use crate::fake::{Fake, Lost};
use crate::host::process::{Ending, Loader};
use crate::host::state::{Kind, Odd};
use crate::host::{Edit, Fault, Host, Rule};
use easy_bhyve::host::{Interruption, Lock};
use easy_bhyve::model::name::VmName;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How the host differs from a freshly booted FreeBSD 14 with doas.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HostPlan {
    /// The major release, 13 to 16.
    release: Option<u32>,
    /// The caller.
    uid: Option<u32>,
    /// The caller's environment.
    environment: BTreeMap<String, String>,
    /// The host is not FreeBSD: none of its programs exists.
    foreign: bool,
    /// The escalators that are installed.
    escalators: Option<Vec<String>>,
    /// How each escalator answers.
    rules: BTreeMap<String, Rule>,
    /// Programs and packages that are not installed.
    without: Vec<String>,
    /// Volumes with an installed system.
    volumes: Vec<String>,
    /// Encrypted datasets whose key is not loaded.
    locked: Vec<String>,
    /// Milliseconds until the node of a new volume appears.
    node_ms: u64,
    /// Image files with content; their directories are created.
    images: Vec<String>,
    /// Files that only their owner can read, with their content.
    closed: BTreeMap<String, String>,
    /// Disks and ISO images with the bytes of an image in `tests/fuzz/corpus/inspect`, by path.
    written: BTreeMap<PathBuf, String>,
    /// Further network interfaces.
    interfaces: BTreeMap<String, Kind>,
    /// Module files that fail to load.
    broken: Vec<String>,
    /// Files of these sizes, for root alone.
    sizes: BTreeMap<String, u64>,
    /// What stands at a path, where that is not what it seems.
    odd: BTreeMap<PathBuf, Odd>,
    /// Commands that root ran before: modules, sysctls, interfaces, snapshots.
    commands: Vec<String>,
    /// VMs that processes only claim to work for; these processes existed before all others.
    forged: Vec<String>,
    /// VM nodes that an earlier run left.
    left_over: Vec<String>,
    /// VMs that have run for a minute.
    running: Vec<Running>,
    /// Taps that another program has open.
    opened: Vec<String>,
    /// Other processes.
    processes: Vec<OtherProcess>,
    /// How guests behave.
    guest: GuestPlan,
    /// Files that are not installed.
    without_files: Vec<PathBuf>,
    /// The machine is an arm64 machine.
    arm64: bool,
    /// All callers are in a jail.
    jailed: bool,
    /// Commands that fail.
    faults: Vec<Ordered>,
    /// Changes that another process makes during the call.
    meanwhile: Vec<Meanwhile>,
    /// There is a terminal, with this answer to a question.
    answer: Option<bool>,
    /// What interrupts the first call.
    signal: Option<Interrupt>,
    /// VMs and disks that another process has locked, with the text in its lock.
    held: Vec<Held>,
    /// Which resource of the root side cannot be used.
    lost: Vec<Lost>,
    /// The logs of VMs.
    logs: BTreeMap<String, Log>,
    /// The recorded states of VMs.
    records: BTreeMap<String, String>,
    /// The group of the caller.
    group: Option<Group>,
}

/// The package of the UEFI firmware.
const FIRMWARE: &str = "bhyve-firmware";

/// A group with rights of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Group {
    /// May read logs.
    Operator,
}

/// The log of a VM.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    rotated: Option<String>,
    text: String,
}

/// A lock of another process.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    vm: Option<String>,
    disk: Option<PathBuf>,
    /// The lock of the network.
    #[serde(default)]
    network: bool,
    note: String,
}

/// A running VM.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Running {
    vm: String,
    disk: String,
    tap: String,
}

/// A process that is not a VM.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherProcess {
    #[serde(default)]
    uid: u32,
    argv: Vec<String>,
}

/// As [`crate::host::GuestPlan`], with defaults.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GuestPlan {
    /// The guest never enables ACPI.
    deaf: bool,
    /// The guest ignores its power button.
    stubborn: bool,
    /// Milliseconds until the guest ends by itself.
    runs_ms: Option<u64>,
    /// How the runs of the guest end.
    endings: Vec<Ending>,
    /// What the loader finds.
    loader: Option<Loader>,
    /// Milliseconds until bhyve shows its title.
    title_ms: Option<u64>,
    /// Milliseconds until a viewer connects to the screen.
    viewer_ms: Option<u64>,
}

/// The nth call of a program fails, or a signal ends it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ordered {
    program: String,
    nth: u32,
    /// The exit status; 1 by default.
    status: Option<i32>,
    /// The error output.
    #[serde(default)]
    stderr: String,
    /// The signal in place of a status.
    signal: Option<i32>,
}

/// A change by another process just before the nth call of a program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Meanwhile {
    program: String,
    nth: u32,
    edit: Edit,
}

/// What interrupts the program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Interrupt {
    /// Before which look for a signal, counted from 1.
    form: u32,
    /// The signal; without one the caller exits.
    number: Option<i32>,
}

impl Interrupt {
    fn what(&self) -> Interruption {
        self.number
            .map_or(Interruption::ReaderGone, Interruption::Signal)
    }
}

impl HostPlan {
    /// Whether somebody else changes something during the call.
    pub(super) fn is_disturbed(&self) -> bool {
        !self.meanwhile.is_empty()
    }

    pub(super) fn build(&self) -> Fake {
        let mut host = Host::freebsd(self.release.unwrap_or(14));
        for volume in &self.volumes {
            host = host.with_volume(volume, 20 << 30);
        }
        for image in &self.images {
            host = host.with_image(image, 20 << 30);
        }
        for (path, size) in &self.sizes {
            host = host.with_store(path, *size);
        }
        host.state.odd.clone_from(&self.odd);
        for (path, content) in &self.closed {
            host = host.with_closed_file(path, content);
        }
        host.state.written.clone_from(&self.written);
        for (name, kind) in &self.interfaces {
            host.add_interface(name, *kind).up = true;
        }
        let commands: Vec<&str> = self.commands.iter().map(String::as_str).collect();
        host = host.with_commands(&commands);
        for vm in &self.forged {
            host = host.with_forgers(vm);
        }
        for vm in &self.left_over {
            host = host.with_leftover_vm(vm, 512 << 20);
        }
        self.guests(&mut host);
        for one in &self.running {
            host = host.with_running_vm(&one.vm, &one.disk, &one.tap);
        }
        for tap in &self.opened {
            host.edit(&Edit::OpenTap(tap.clone()));
        }
        if self.jailed {
            host = host.in_jail();
        }
        if self.arm64 {
            host = host.on_arm64();
        }
        for one in &self.processes {
            let argv: Vec<&str> = one.argv.iter().map(String::as_str).collect();
            host.add_process(one.uid, 1, argv[0], &argv);
        }
        for file in &self.without_files {
            host.edit(&Edit::RemoveFile(file.clone()));
        }
        for dataset in &self.locked {
            host = host.with_locked(dataset);
        }
        host.state.node_ms = self.node_ms;
        self.programs(&mut host);
        host.state
            .modules
            .broken
            .extend(self.broken.iter().cloned());
        for one in &self.faults {
            let fault = match one.signal {
                Some(signal) => Fault::Kill(signal),
                None => Fault::Fail(one.status.unwrap_or(1), one.stderr.clone()),
            };
            host.order(&one.program, one.nth, fault);
        }
        for one in &self.meanwhile {
            host.before(&one.program, one.nth, one.edit.clone());
        }
        let mut fake = Fake::new(host, self.uid.unwrap_or(crate::host::build::USER));
        let variables = self.environment.iter();
        fake.environment = variables
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        fake.answer = self.answer;
        for one in &self.held {
            let vm = one.vm.as_deref().map(|vm| VmName::parse(vm).unwrap());
            for lock in vm
                .map(Lock::Vm)
                .into_iter()
                .chain(one.disk.clone().map(Lock::Disk))
                .chain(one.network.then_some(Lock::Network))
            {
                fake.let_be_held(&lock, &one.note);
            }
        }
        for what in &self.lost {
            fake.lose(*what);
        }
        for (vm, log) in &self.logs {
            fake.write_log(vm, log.rotated.as_deref(), &log.text);
        }
        for (vm, record) in &self.records {
            fake.write_record(vm, record);
        }
        if self.group == Some(Group::Operator) {
            fake.show_logs();
        }
        fake.interrupted = self.signal.as_ref().map(|one| (one.form, one.what()));
        fake
    }

    fn guests(&self, host: &mut Host) {
        let guest = &mut host.state.guest;
        if self.guest.deaf {
            guest.acpi_ms = None;
        }
        if self.guest.stubborn {
            guest.button_ms = None;
        }
        guest.runs_ms = self.guest.runs_ms;
        guest.endings.clone_from(&self.guest.endings);
        guest.loader = self.guest.loader.unwrap_or(guest.loader);
        guest.title_ms = self.guest.title_ms.unwrap_or(guest.title_ms);
        guest.viewer_ms = self.guest.viewer_ms;
    }

    fn programs(&self, host: &mut Host) {
        if self.without.iter().any(|name| name == FIRMWARE) {
            host.remove_firmware();
        }
        let programs = &mut host.state.programs;
        if let Some(installed) = &self.escalators {
            for word in ["doas", "sudo", "mdo"] {
                programs.remove(word);
            }
            programs.extend(installed.iter().cloned());
        }
        if self.foreign {
            programs.clear();
        }
        let is_program = |name: &&String| *name != FIRMWARE;
        for program in self.without.iter().filter(is_program) {
            assert!(
                programs.remove(program),
                "{program} is not installed anyway"
            );
        }
        for (word, rule) in &self.rules {
            let escalator = host.state.escalators.get_mut(word);
            escalator.expect("an escalator").rule = *rule;
        }
    }
}
