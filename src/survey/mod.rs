//! The state of the host: the fewest queries that a verb needs, before planning.
//!
//! *No* and *unknown* are different answers: see [`State`].

pub mod record;
mod vms;

use crate::command::Command;
use crate::error::{Error, Result};
use crate::host::{Ended, Look};
use crate::model::Vm;
use crate::model::device::Nic;
use crate::model::name::VmName;
use crate::process::Surroundings;
use crate::run::{not_started, signal_name};
use crate::tools::firmware::Firmware;
use crate::tools::ifconfig::{self, Interface};
use crate::tools::kld::{self, Module};
use crate::tools::sysctl::{self, Kernel};
use crate::tools::zfs;
use crate::vis;
use std::path::{Path, PathBuf};
use std::time::Duration;

use record::Record;
pub use vms::{Processes, State, Traces};

/// The program whose presence shows that the host is FreeBSD.
const MARK_OF_FREEBSD: &str = "kldstat";

/// Whether this host is FreeBSD and can be queried.
pub fn is_freebsd(look: &mut dyn Look) -> bool {
    look.find(MARK_OF_FREEBSD).is_some()
}

/// The state of the host for a verb that changes the network or VM nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The directory of devices: `/dev`.
    pub devices: PathBuf,
    /// Whether the host could be queried; if not, the survey is an assumption.
    pub is_freebsd: bool,
    /// The time of the survey since the host's boot.
    pub now: Duration,
    /// The answers of the kernel.
    pub kernel: Kernel,
    /// The modules that are present.
    pub modules: Vec<Module>,
    /// All interfaces.
    pub interfaces: Vec<Interface>,
    /// The traces of VMs that may be running.
    pub traces: Traces,
    /// All processes, if they were listed.
    pub processes: Processes,
    /// The UEFI firmware; the usual place if the VM needs none, or if it is missing.
    pub firmware: Firmware,
}

impl Survey {
    /// The survey of a freshly booted host, assumed for a host that is not FreeBSD.
    pub fn fresh(devices: &Path) -> Self {
        Self {
            devices: devices.to_owned(),
            is_freebsd: false,
            now: Duration::ZERO,
            kernel: Kernel::default(),
            modules: Vec::new(),
            interfaces: Vec::new(),
            traces: Traces::default(),
            processes: Processes::default(),
            firmware: Firmware::default(),
        }
    }

    /// The survey of a host on which `vm` runs as pid 0, assumed for a host that is not FreeBSD.
    pub fn of_running(devices: &Path, vm: &Vm) -> Self {
        let taps = vm.nics.iter().filter_map(Nic::tap);
        let taps = taps.map(|tap| Interface {
            name: tap.to_string(),
            is_up: true,
            groups: vec!["tap".to_owned()],
            description: Some(vm.name.mark()),
            opened_by: Some(0),
            ..Interface::default()
        });
        let mut interfaces: Vec<Interface> = taps.collect();
        for bridge in vm.bridges() {
            let joined = vm.nics.iter().filter(|nic| nic.joins(bridge.as_str()));
            let joined = joined.filter_map(Nic::tap);
            let mut members: Vec<String> = joined.map(ToString::to_string).collect();
            if let Some(uplink) = vm.shared.uplink_of(bridge) {
                members.push(uplink.name.to_string());
                interfaces.push(Interface {
                    name: uplink.name.to_string(),
                    is_up: true,
                    ..Interface::default()
                });
            }
            interfaces.push(Interface {
                name: bridge.to_string(),
                is_up: true,
                groups: vec!["bridge".to_owned()],
                members,
                ..Interface::default()
            });
        }
        let fresh = Self::fresh(devices);
        Self {
            interfaces,
            modules: Module::ALL.into_iter().collect(),
            kernel: Kernel {
                tap_up_on_open: Some(true),
                ..fresh.kernel
            },
            traces: Traces::of_node(&vm.name),
            ..fresh
        }
    }

    /// The survey of a host on which `vm` has run, assumed for a host that is not FreeBSD.
    pub fn of_ended(devices: &Path, vm: &Vm) -> Self {
        let mut survey = Self::of_running(devices, vm);
        for tap in &mut survey.interfaces {
            tap.opened_by = None;
        }
        survey
    }

    /// Queries what a boot of `vm` needs: interfaces, modules and sysctls. Lists processes only if there
    /// is a trace of the VM, of one of its `rivals` or of the owner of one of its taps, or if a tap is
    /// open.
    ///
    /// # Errors
    /// If a query fails.
    pub fn for_boot(
        look: &mut dyn Look,
        at: &Surroundings<'_>,
        vm: &Vm,
        rivals: &[VmName],
    ) -> Result<Self> {
        let needs_uuid = vm.uuid.is_none() && vm.uuid_on(None).is_some();
        let question = if needs_uuid {
            sysctl::ask_with_uuid()
        } else {
            sysctl::ask()
        };
        let mut survey = Self {
            is_freebsd: true,
            traces: Traces::ask(look, at)?,
            interfaces: ifconfig::parse(&answer(look, &ifconfig::list())?),
            modules: kld::present(&answer(look, &kld::list())?),
            kernel: sysctl::parse(&answer(look, &question)?, at.uid),
            ..Self::fresh(at.devices)
        };
        let is_taken = |nic: &Nic| {
            let tap = survey.interface(nic.tap()?.interface().as_str())?;
            let may_work = |owner| survey.traces.has(owner);
            Some(tap.opened_by.is_some() || tap.owner().is_some_and(may_work))
        };
        if survey.traces.has(vm.name.as_str())
            || rivals.iter().any(|rival| survey.traces.has(rival.as_str()))
            || vm.nics.iter().filter_map(is_taken).any(|is_taken| is_taken)
        {
            survey.processes = Processes::of(look, at, survey.kernel.hides_processes())?;
        }
        Ok(survey)
    }

    /// Queries what is needed to free the resources of `vms`: interfaces, and processes only if there is
    /// a trace of one of the VMs.
    ///
    /// # Errors
    /// If a query fails.
    pub fn for_freeing<'vm>(
        look: &mut dyn Look,
        at: &Surroundings<'_>,
        mut vms: impl Iterator<Item = &'vm Vm>,
    ) -> Result<Self> {
        let traces = Traces::ask(look, at)?;
        let interfaces = ifconfig::parse(&answer(look, &ifconfig::list())?);
        let processes = if vms.any(|vm| traces.has(vm.name.as_str())) {
            Processes::ask(look, at, &traces)?
        } else {
            Processes::default()
        };
        Ok(Self {
            is_freebsd: true,
            now: look.uptime(),
            traces,
            interfaces,
            processes,
            ..Self::fresh(at.devices)
        })
    }

    /// Both surveys in one, for a host that is not FreeBSD.
    #[must_use]
    pub fn and(mut self, mut other: Self) -> Self {
        self.interfaces.append(&mut other.interfaces);
        self.traces.nodes.append(&mut other.traces.nodes);
        self
    }

    /// The same host after `vm` has ended and its resources are free.
    #[must_use]
    pub fn once_ended(mut self, vm: &Vm) -> Self {
        let own = match self.state(&vm.name) {
            State::Busy(process, _) => Some(process.who.pid),
            _ => None,
        };
        self.traces.nodes.remove(vm.name.as_str());
        self.interfaces
            .retain(|interface| !interface.is_made_for(&vm.name));
        // A tap that easy-bhyve did not create is only removed from the configured bridge.
        let is_given_up = |bridge: &str, tap: &str| {
            let mut nics = vm.nics.iter();
            nics.any(|nic| nic.joins(bridge) && nic.has_tap(tap))
        };
        for interface in &mut self.interfaces {
            let bridge = &interface.name;
            interface.members.retain(|tap| !is_given_up(bridge, tap));
            if own.is_some() && interface.opened_by == own {
                interface.opened_by = None;
            }
        }
        self.processes = self.processes.without(vm.name.as_str());
        self
    }

    /// The interface of that name.
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces
            .iter()
            .find(|interface| interface.name == name)
    }

    /// The bridge that has this member.
    ///
    /// Differs: Members of a bridge are compared whole
    pub fn bridge_of(&self, member: &str) -> Option<&Interface> {
        self.interfaces
            .iter()
            .find(|bridge| bridge.members.iter().any(|one| one == member))
    }

    /// The state of this VM.
    pub fn state(&self, vm: &VmName) -> State<'_> {
        self.processes.state(vm.as_str(), &self.traces)
    }
}

/// Whether easy-bhyve has started the running VM of this name: the VM has a supervisor, its record has the
/// pid of its process, or a tap with its mark is open in this process. Interfaces are listed only if
/// neither of the first two is true.
///
/// # Errors
/// If a query fails.
pub fn is_ours(
    look: &mut dyn Look,
    at: &Surroundings<'_>,
    processes: &Processes,
    vm: &VmName,
) -> Result<bool> {
    let Some(pid) = processes.pid_of(vm.as_str()) else {
        return Ok(false);
    };
    let is_noted = |noted: Record| noted.bhyve == Some(pid);
    if processes.supervisor(vm.as_str()).is_some()
        || Record::of(look, at.run, vm).is_some_and(is_noted)
    {
        return Ok(true);
    }
    let interfaces = ifconfig::parse(&answer(look, &ifconfig::list())?);
    let mut taps = interfaces.iter().filter(|tap| tap.is_made_for(vm));
    Ok(taps.any(|tap| tap.opened_by == Some(pid)))
}

/// Runs a query and returns its output.
///
/// # Errors
/// If the query cannot be run, or fails.
pub fn answer(look: &mut dyn Look, question: &Command) -> Result<String> {
    try_answer(look, question)?
}

/// As [`answer`], but the failure of a query that exited with status 1 is the inner error.
///
/// # Errors
/// If the query cannot be run, or fails otherwise.
pub fn try_answer(look: &mut dyn Look, question: &Command) -> Result<Result<String>> {
    let finished = look
        .ask(question)
        .map_err(|error| not_started(question, &error))?;
    let refusal = zfs::refusal::of(question, &finished.stderr);
    let failed = |how: String| {
        let what = refusal.as_ref().map(|refusal| refusal.what.clone());
        let what = what.unwrap_or_else(|| format!("{} {how}", question.program));
        let error = Error::host(what).note(format!("command: {question}"));
        match &refusal {
            Some(refusal) => error.help(refusal.help_for(question)),
            None => vis::lines_of(&finished.stderr)
                .fold(error, |error, line| error.note(format!("stderr: {line}"))),
        }
    };
    match finished.ended {
        Ended::Exit(0) => Ok(Ok(String::from_utf8_lossy(&finished.stdout).into_owned())),
        Ended::Exit(1) => Ok(Err(failed("failed with status 1".into()))),
        Ended::Exit(status) => Err(failed(format!("failed with status {status}"))),
        Ended::Signal(signal) => Err(failed(format!("was terminated by {}", signal_name(signal)))),
    }
}
