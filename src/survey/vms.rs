//! Which VMs have a node, which have a process, and what follows from both.

use super::{Surroundings, answer};
use crate::error::{Error, Result};
use crate::host::Look;
use crate::model::name::VmName;
use crate::tools::process::{self, Process, Role};
use crate::tools::sysctl;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The process of init(8).
const INIT: u32 = 1;

/// The VM nodes below `/dev/vmm`: cheap, since no process is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes(pub(super) BTreeSet<String>);

impl Nodes {
    /// Reads the directory.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn ask(look: &mut dyn Look, devices: &Path) -> Result<Self> {
        let directory = devices.join("vmm");
        let names = look.names_in(&directory).map_err(|error| {
            Error::host(format!("could not read {}: {error}", directory.display()))
        })?;
        Ok(Self(
            names
                .iter()
                .map(|name| name.to_string_lossy().into_owned())
                .collect(),
        ))
    }

    /// Whether this VM has a node.
    pub fn has(&self, vm: &VmName) -> bool {
        self.0.contains(vm.as_str())
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The processes that can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processes {
    seen: Vec<Process>,
    /// The first of `seen` that works for a VM, by the VM's name; what supervises it counts only if
    /// there is nothing else.
    working: BTreeMap<String, (usize, Role)>,
    /// What supervises a VM, by the VM's name.
    supervisors: BTreeMap<String, usize>,
    some_are_hidden: bool,
}

/// What is known of one VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State<'survey> {
    /// It has no node, so nothing runs.
    Stopped,
    /// It has a node, and no process: an earlier run left it.
    LeftOver,
    /// A process works for it.
    Busy(&'survey Process, Role),
    /// It has a node, and processes are hidden: it may run or not.
    Unknown,
}

impl Processes {
    /// Asks ps(1), and only if one of `nodes` has no process that can be seen, and init(8) cannot be
    /// seen either, whether some are hidden.
    ///
    /// # Errors
    /// If a question fails.
    pub fn ask(look: &mut dyn Look, at: &Surroundings<'_>, nodes: &Nodes) -> Result<Self> {
        let mut processes = Self::of(look, at, false)?;
        let is_unexplained = |name: &str| matches!(processes.state(name, nodes), State::LeftOver);
        // Who sees init(8), which is root's and in no jail, sees a bhyve of root's, too.
        let sees_root = processes.by_pid(INIT).is_some();
        if !sees_root && nodes.names().any(is_unexplained) {
            let kernel = sysctl::parse(&answer(look, &sysctl::ask_visibility())?, at.uid);
            processes.some_are_hidden = kernel.hides_processes();
        }
        Ok(processes)
    }

    pub(super) fn of(
        look: &mut dyn Look,
        at: &Surroundings<'_>,
        some_are_hidden: bool,
    ) -> Result<Self> {
        let mut seen = process::parse(&answer(look, &process::list())?);
        seen.retain(|process| process.pid != at.pid);
        Ok(Self::new(seen, some_are_hidden))
    }

    fn new(seen: Vec<Process>, some_are_hidden: bool) -> Self {
        let mut working = BTreeMap::new();
        let mut supervisors = BTreeMap::new();
        for (at, process) in seen.iter().enumerate() {
            if let Some((name, role)) = process.works_for() {
                working.entry(name.to_owned()).or_insert((at, role));
            } else if let Some(name) = process.supervises() {
                supervisors.entry(name.to_owned()).or_insert(at);
            }
        }
        for (name, &at) in &supervisors {
            let starts = (at, Role::Starting);
            working.entry(name.clone()).or_insert(starts);
        }
        Self {
            seen,
            working,
            supervisors,
            some_are_hidden,
        }
    }

    /// What is known of the VM of that name.
    pub fn state(&self, vm: &str, nodes: &Nodes) -> State<'_> {
        let found = self
            .working
            .get(vm)
            .and_then(|&(at, role)| Some((self.seen.get(at)?, role)));
        match found {
            Some((process, role)) => State::Busy(process, role),
            None if !nodes.0.contains(vm) => State::Stopped,
            None if self.some_are_hidden => State::Unknown,
            None => State::LeftOver,
        }
    }

    /// The VMs that run, start or are being loaded.
    pub fn busy(&self) -> impl Iterator<Item = (&str, &Process, Role)> {
        self.working
            .iter()
            .filter_map(|(name, &(at, role))| Some((name.as_str(), self.seen.get(at)?, role)))
    }

    /// What supervises the VM of that name.
    pub fn supervisor(&self, vm: &str) -> Option<&Process> {
        self.seen.get(*self.supervisors.get(vm)?)
    }

    /// The cu(1) that is on this line.
    pub fn on_line(&self, line: &Path) -> Option<&Process> {
        let line = line.to_string_lossy();
        self.seen.iter().find(|process| {
            let mut words = process.args.split_ascii_whitespace();
            let program = words.next().and_then(|word| word.rsplit('/').next());
            program == Some("cu") && words.any(|word| word == line)
        })
    }

    /// The process of that number.
    pub fn by_pid(&self, pid: u32) -> Option<&Process> {
        self.seen.iter().find(|process| process.pid == pid)
    }
}

#[cfg(test)]
mod tests {
    use super::{Nodes, Process, Processes, State};
    use crate::tools::process::Role;

    fn processes(args: &[&str], some_are_hidden: bool) -> Processes {
        let seen = args.iter().zip(100..).map(|(args, pid)| Process {
            pid,
            seconds: 1,
            resident_kib: 1,
            ignores_sigterm: true,
            args: (*args).to_owned(),
        });
        Processes::new(seen.collect(), some_are_hidden)
    }

    #[test]
    fn a_vm_is_stopped_only_where_that_is_sure() {
        let nodes = Nodes(["a".to_owned(), "left".to_owned()].into());
        let seen = processes(
            &["bhyve: a (bhyve)", "bhyve: ab (bhyve)", "bhyveload -m 1G b"],
            false,
        );
        assert!(
            matches!(seen.state("a", &nodes), State::Busy(process, Role::Running) if process.pid == 100)
        );
        assert!(matches!(
            seen.state("b", &nodes),
            State::Busy(_, Role::Loading)
        ));
        assert_eq!(seen.state("left", &nodes), State::LeftOver);
        assert_eq!(seen.state("c", &nodes), State::Stopped);
        let hidden = processes(&[], true);
        assert_eq!(hidden.state("left", &nodes), State::Unknown);
        assert_eq!(hidden.state("c", &nodes), State::Stopped);
    }
}
