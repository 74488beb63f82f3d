//! Which VMs have a node, which have a process, and the state that follows from both.

use super::record::{LastEnd, Record};
use super::{Surroundings, answer};
use crate::error::{Error, Result};
use crate::host::Look;
use crate::model::name::VmName;
use crate::tools::process::{self, Role, Usage, Who};
use crate::tools::sysctl;
use crate::vis;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The pid of init(8).
const INIT: u32 = 1;

/// Traces of VMs that may be running, found without listing processes: their nodes below `/dev/vmm`,
/// and the records of their supervisors. The record of a VM that has ended is no trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    pub(super) nodes: BTreeSet<String>,
    noted: BTreeSet<String>,
    /// The last end of each VM that has a record with an end.
    ends: BTreeMap<String, LastEnd>,
}

impl Traces {
    /// Reads the directories; the record of this process itself is no trace.
    ///
    /// # Errors
    /// If a directory exists and cannot be read.
    pub fn ask(look: &mut dyn Look, at: &Surroundings<'_>) -> Result<Self> {
        let mut names_in = |directory: &Path| {
            look.names_in(directory).map_err(|error| {
                Error::host(format!(
                    "could not read {}: {error}",
                    vis::shown(&directory)
                ))
            })
        };
        let nodes = names_in(&at.devices.join("vmm"))?;
        let noted = names_in(at.run)?;
        let nodes = nodes.iter().map(|name| name.to_string_lossy().into_owned());
        let nodes = nodes.collect();
        let (mut vms, mut ends) = (BTreeSet::new(), BTreeMap::new());
        for name in noted {
            let vm = name.to_str().and_then(|name| name.strip_suffix(".json"));
            let Some(vm) = vm.and_then(|vm| VmName::parse(vm).ok()) else {
                continue;
            };
            let noted = Record::of(look, at.run, &vm);
            let end = noted.as_ref().and_then(|noted| noted.last_end.clone());
            ends.extend(end.map(|end| (vm.to_string(), end)));
            if noted.is_none_or(|noted| noted.supervisor != at.pid && !noted.is_over()) {
                vms.insert(vm.to_string());
            }
        }
        Ok(Self {
            nodes,
            noted: vms,
            ends,
        })
    }

    /// The traces of one VM: its node.
    pub(super) fn of_node(vm: &VmName) -> Self {
        Self {
            nodes: BTreeSet::from([vm.to_string()]),
            ..Self::default()
        }
    }

    /// Whether this VM has a node.
    pub fn has_node(&self, vm: &VmName) -> bool {
        self.nodes.contains(vm.as_str())
    }

    /// Whether there is a trace of the VM of that name.
    pub fn has(&self, vm: &str) -> bool {
        self.nodes.contains(vm) || self.noted.contains(vm)
    }

    /// The VMs that have a node, in order.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(String::as_str)
    }

    /// The VMs with a trace, in order.
    pub fn vms(&self) -> impl Iterator<Item = &str> {
        self.nodes.union(&self.noted).map(String::as_str)
    }

    /// The recorded last end of the VM of that name.
    pub fn last_end(&self, vm: &str) -> Option<&LastEnd> {
        self.ends.get(vm)
    }

    /// The VMs with a recorded end, in order.
    pub fn ends(&self) -> impl Iterator<Item = (&str, &LastEnd)> {
        self.ends.iter().map(|(vm, end)| (vm.as_str(), end))
    }

    /// Whether there is no trace of any VM.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.noted.is_empty()
    }
}

/// The visible processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processes {
    seen: Vec<Usage>,
    /// The index in `seen` of the first process of a VM, by the VM's name; a supervisor counts only if
    /// there is no other process.
    working: BTreeMap<String, (usize, Role)>,
    /// The index in `seen` of the supervisor of a VM, by the VM's name.
    supervisors: BTreeMap<String, usize>,
    some_are_hidden: bool,
    /// Whether this is a jail, if that was queried.
    is_jailed: Option<bool>,
}

/// The state of one VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State<'survey> {
    /// The VM has no node, so nothing runs.
    Stopped,
    /// The VM has a node and no process: the node is a leftover of an earlier run.
    LeftOver,
    /// The VM has a process.
    Busy(&'survey Usage, Role),
    /// The VM has a node, and processes are hidden: the VM may be running.
    Unknown,
}

impl Processes {
    /// The traces of all VMs, and the processes if there is a trace of this one.
    ///
    /// # Errors
    /// If a query fails.
    pub fn of_traced(
        look: &mut dyn Look,
        at: &Surroundings<'_>,
        vm: &VmName,
    ) -> Result<(Traces, Self)> {
        let traces = Traces::ask(look, at)?;
        let processes = if traces.has(vm.as_str()) {
            Self::ask(look, at, &traces)?
        } else {
            Self::default()
        };
        Ok((traces, processes))
    }

    /// Lists processes by ps(1). Queries whether processes are hidden only if a trace has no visible
    /// process and init(8) is not visible.
    ///
    /// # Errors
    /// If a query fails.
    pub fn ask(look: &mut dyn Look, at: &Surroundings<'_>, traces: &Traces) -> Result<Self> {
        let mut processes = Self::of(look, at, false)?;
        let is_unexplained = |name: &str| !processes.working.contains_key(name);
        // A process that sees init(8), a process of root in no jail, also sees root's bhyve.
        let sees_root = processes.by_pid(INIT).is_some();
        if sees_root {
            processes.is_jailed = Some(false);
        } else if traces.vms().any(is_unexplained) {
            let kernel = sysctl::parse(&answer(look, &sysctl::ask_visibility())?, at.uid);
            processes.some_are_hidden = kernel.hides_processes();
            processes.is_jailed = Some(kernel.is_jailed);
        }
        Ok(processes)
    }

    /// Lists all processes; `some_are_hidden` says whether others may exist.
    ///
    /// # Errors
    /// If the query fails.
    pub fn of(look: &mut dyn Look, at: &Surroundings<'_>, some_are_hidden: bool) -> Result<Self> {
        let mut seen = process::parse(&answer(look, &process::list())?);
        seen.retain(|process| process.who.pid != at.pid);
        Ok(Self::new(seen, some_are_hidden))
    }

    fn new(seen: Vec<Usage>, some_are_hidden: bool) -> Self {
        let mut working = BTreeMap::new();
        let mut supervisors = BTreeMap::new();
        for (at, process) in seen.iter().enumerate() {
            if let Some((name, role)) = process.who.works_for() {
                working.entry(name.to_owned()).or_insert((at, role));
            } else if let Some(name) = process.who.supervises() {
                supervisors.entry(name.to_owned()).or_insert(at);
            }
        }
        for (name, &at) in &supervisors {
            let supervised = (at, Role::Supervised);
            working.entry(name.clone()).or_insert(supervised);
        }
        Self {
            seen,
            working,
            supervisors,
            some_are_hidden,
            is_jailed: None,
        }
    }

    /// The same without the processes of the VM of that name.
    #[must_use]
    pub fn without(mut self, vm: &str) -> Self {
        self.working.remove(vm);
        self.supervisors.remove(vm);
        self
    }

    /// The state of the VM of that name.
    pub fn state(&self, vm: &str, traces: &Traces) -> State<'_> {
        let found = self
            .working
            .get(vm)
            .and_then(|&(at, role)| Some((self.seen.get(at)?, role)));
        match found {
            Some((process, role)) => State::Busy(process, role),
            None if !traces.nodes.contains(vm) => State::Stopped,
            None if self.some_are_hidden => State::Unknown,
            None => State::LeftOver,
        }
    }

    /// The VMs that run, start or are being loaded.
    pub fn busy(&self) -> impl Iterator<Item = (&str, &Usage, Role)> {
        self.working
            .iter()
            .filter_map(|(name, &(at, role))| Some((name.as_str(), self.seen.get(at)?, role)))
    }

    /// Whether this is a jail, in which no VM outside is visible (devfs(5)).
    ///
    /// # Errors
    /// If a query fails.
    pub fn is_jailed(&self, look: &mut dyn Look, at: &Surroundings<'_>) -> Result<bool> {
        if let Some(known) = self.is_jailed {
            return Ok(known);
        }
        let answer = answer(look, &sysctl::ask_visibility())?;
        Ok(sysctl::parse(&answer, at.uid).is_jailed)
    }

    /// The VMs without a node that have a supervisor according to their record, if it may be hidden.
    pub fn hidden<'traces>(&self, traces: &'traces Traces) -> impl Iterator<Item = &'traces str> {
        let noted = traces.noted.difference(&traces.nodes);
        noted
            .map(String::as_str)
            .filter(|name| self.some_are_hidden && !self.working.contains_key(*name))
    }

    /// The pid of the process of the VM of that name.
    pub fn pid_of(&self, vm: &str) -> Option<u32> {
        let (at, _) = self.working.get(vm)?;
        self.seen.get(*at).map(|process| process.who.pid)
    }

    /// The supervisor of the VM of that name.
    pub fn supervisor(&self, vm: &str) -> Option<&Usage> {
        self.seen.get(*self.supervisors.get(vm)?)
    }

    /// The processes whose arguments are those of a cu(1) on this line.
    pub fn on_line(&self, line: &Path) -> impl Iterator<Item = &Who> {
        self.all().filter(move |who| who.is_on_line(line))
    }

    /// The process with that pid.
    pub fn by_pid(&self, pid: u32) -> Option<&Who> {
        self.all().find(|who| who.pid == pid)
    }

    fn all(&self) -> impl Iterator<Item = &Who> {
        self.seen.iter().map(|process| &process.who)
    }
}

#[cfg(test)]
mod tests {
    use super::{Processes, State, Traces, Usage, Who};
    use crate::tools::process::Role;

    fn processes(args: &[&str], some_are_hidden: bool) -> Processes {
        let seen = args.iter().zip(100..).map(|(args, pid)| Usage {
            who: Who {
                pid,
                real_uid: 0,
                jail: 0,
                args: (*args).to_owned(),
            },
            seconds: 1,
            resident_kib: 1,
            ignores_sigterm: true,
        });
        Processes::new(seen.collect(), some_are_hidden)
    }

    #[test]
    fn a_vm_is_stopped_only_where_that_is_sure() {
        let traces = Traces {
            nodes: ["a".to_owned(), "left".to_owned()].into(),
            ..Traces::default()
        };
        let seen = processes(
            &["bhyve: a (bhyve)", "bhyve: ab (bhyve)", "bhyveload -m 1G b"],
            false,
        );
        assert!(
            matches!(seen.state("a", &traces), State::Busy(process, Role::Running) if process.who.pid == 100)
        );
        assert!(matches!(
            seen.state("b", &traces),
            State::Busy(_, Role::Loading)
        ));
        assert_eq!(seen.state("left", &traces), State::LeftOver);
        assert_eq!(seen.state("c", &traces), State::Stopped);
        let hidden = processes(&[], true);
        assert_eq!(hidden.state("left", &traces), State::Unknown);
        assert_eq!(hidden.state("c", &traces), State::Stopped);
    }
}
