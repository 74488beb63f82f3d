//! Injected faults: the nth call of a program fails, is killed or hangs, or another change happens
//! on the host just before it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Host;
use super::call::{Answer, Call, Logged, Status};
use super::live::alive::Notice;
use super::process::Ending;

/// What a program does instead of its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// It exits with this status and this error output, without any effect.
    Fail(i32, String),
    /// A signal ends it before it has any effect.
    Kill(i32),
    /// It never returns, and has no effect.
    Hang,
    /// It cannot be started: no program of this name exists any more.
    Missing,
}

impl Fault {
    /// The answer of a program under this fault.
    pub fn answer(&self) -> Answer {
        match self {
            Self::Fail(status, stderr) => Answer::fail(*status, stderr.clone()),
            Self::Kill(signal) => Answer::of(Status::Signal(*signal)),
            Self::Hang => Answer::of(Status::Hang),
            Self::Missing => Answer::of(Status::NotFound),
        }
    }
}

/// A change of the host that another process makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Edit {
    /// root runs this command elsewhere; the command does not appear in the log.
    Command(Vec<String>),
    /// Time passes, in milliseconds.
    Advance(u64),
    /// A guest ends.
    End(String, Ending),
    /// A process that is no VM opens a tap.
    OpenTap(String),
    /// A process of root starts, which does nothing.
    Process(Vec<String>),
    /// A file is removed.
    RemoveFile(PathBuf),
    /// A file is created or changed.
    WriteFile(PathBuf, Vec<u8>),
    /// A program is uninstalled.
    Uninstall(String),
}

/// A change that a test writes as code.
#[derive(Clone)]
pub struct Change(pub Arc<dyn Fn(&mut Host) + Send + Sync>);

impl fmt::Debug for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Change(code)")
    }
}

/// All injected faults, and the calls so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Orders {
    /// Calls so far, by program.
    counts: BTreeMap<String, u32>,
    faults: Vec<(String, u32, Fault)>,
    edits: Vec<(String, u32, Edit)>,
    #[serde(skip)]
    changes: Vec<(String, u32, Change)>,
    /// Every call so far.
    pub log: Vec<Logged>,
    /// How often ps(1) has shown the title of a guest.
    pub titles_shown: usize,
}

impl Orders {
    /// Counts a call; the first is 1.
    pub fn count(&mut self, program: &str) -> u32 {
        let count = self.counts.entry(program.to_owned()).or_default();
        *count += 1;
        *count
    }

    /// The fault for a call, if one was injected.
    pub fn fault(&self, program: &str, nth: u32) -> Option<&Fault> {
        self.faults
            .iter()
            .find(|(name, at, _)| name == program && *at == nth)
            .map(|(_, _, fault)| fault)
    }

    fn nth_from_now(&self, program: &str, nth: u32) -> u32 {
        self.counts.get(program).copied().unwrap_or(0) + nth
    }
}

impl Host {
    /// The nth call from now (the first is 1) of a program fails without any effect.
    pub fn fail(&mut self, program: &str, nth: u32, status: i32, stderr: &str) {
        self.order(program, nth, Fault::Fail(status, stderr.into()));
    }

    /// A signal ends the nth call from now of a program before it has any effect.
    pub fn kill(&mut self, program: &str, nth: u32, signal: i32) {
        self.order(program, nth, Fault::Kill(signal));
    }

    /// The nth call from now of a program never returns.
    pub fn hang(&mut self, program: &str, nth: u32) {
        self.order(program, nth, Fault::Hang);
    }

    /// Injects any fault.
    pub fn order(&mut self, program: &str, nth: u32, fault: Fault) {
        let at = self.orders.nth_from_now(program, nth);
        self.orders.faults.push((program.into(), at, fault));
    }

    /// Another process changes the host just before the nth call from now of a program.
    pub fn before(&mut self, program: &str, nth: u32, edit: Edit) {
        let at = self.orders.nth_from_now(program, nth);
        self.orders.edits.push((program.into(), at, edit));
    }

    /// The same, written as code; the change is lost when the host is saved.
    pub fn before_do(
        &mut self,
        program: &str,
        nth: u32,
        change: impl Fn(&mut Host) + Send + Sync + 'static,
    ) {
        let at = self.orders.nth_from_now(program, nth);
        let change = Change(Arc::new(change));
        self.orders.changes.push((program.into(), at, change));
    }

    /// Every call so far, in order.
    pub fn calls(&self) -> &[Logged] {
        &self.orders.log
    }

    /// Forgets the calls so far; the counts for faults continue.
    pub fn forget_calls(&mut self) {
        self.orders.log.clear();
    }

    /// Makes the changes that were injected before a call.
    pub(super) fn changes_before(&mut self, program: &str, nth: u32) {
        let due = |name: &String, at: u32| name == program && at == nth;
        let edits: Vec<Edit> = self
            .orders
            .edits
            .iter()
            .filter(|(name, at, _)| due(name, *at))
            .map(|(_, _, edit)| edit.clone())
            .collect();
        let changes: Vec<Change> = self
            .orders
            .changes
            .iter()
            .filter(|(name, at, _)| due(name, *at))
            .map(|(_, _, change)| change.clone())
            .collect();
        for edit in &edits {
            self.edit(edit);
        }
        for change in changes {
            change.0(self);
        }
    }

    /// Makes one change.
    pub fn edit(&mut self, edit: &Edit) {
        match edit {
            Edit::Command(argv) => {
                self.perform(&Call::new(argv).by_root(), 0);
            }
            Edit::Advance(milliseconds) => {
                self.advance_to(self.state.clock_ms + milliseconds);
                let all = self.state.processes.values();
                let guests =
                    all.filter(|process| process.guest.is_some() && process.live.is_some());
                let told = guests.map(|process| Notice::Look(process.pid));
                self.outbox.extend(told.collect::<Vec<_>>());
            }
            Edit::End(vm, ending) => {
                if let Some(pid) = self.state.bhyve_of(vm) {
                    self.end_process(pid, ending.status());
                }
            }
            Edit::OpenTap(tap) => {
                let pid = self.add_process(0, 1, "cat", &["cat", &format!("/dev/{tap}")]);
                let _ = self.open_tap(tap, pid);
            }
            Edit::Process(argv) => {
                let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
                self.add_process(0, 1, argv[0], &argv);
            }
            Edit::RemoveFile(path) => drop(self.files_mut().remove(path)),
            Edit::WriteFile(path, content) => drop(self.files_mut().write(path, content)),
            Edit::Uninstall(program) => drop(self.state.programs.remove(program)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_call_fails_without_any_effect() {
        let mut host = Host::freebsd(14);
        host.fail("ifconfig", 2, 1, "ifconfig: out of luck");
        let create = Call::new(["doas", "ifconfig", "tap0", "create"]);
        assert_eq!(host.run(&create).status, Status::Exit(0));
        let second = Call::new(["ifconfig", "tap1", "create"]).by_root();
        assert_eq!(
            host.run(&second).whole(),
            (
                Status::Exit(1),
                String::new(),
                "ifconfig: out of luck\n".into()
            )
        );
        assert!(!host.state.interfaces.contains_key("tap1"));
        assert_eq!(host.run(&second).status, Status::Exit(0));
    }

    #[test]
    fn the_host_changes_between_a_question_and_its_action() {
        let mut host = Host::freebsd(14);
        let words = ["ifconfig", "tap0", "create"].map(String::from).to_vec();
        host.before("ifconfig", 1, Edit::Command(words));
        host.before_do("ifconfig", 1, |host| host.state.ncpu = 1);
        let answer = host.run(&Call::new(["ifconfig", "tap0", "create"]).by_root());
        assert_eq!(answer.stderr(), "ifconfig: interface tap0 already exists\n");
        assert_eq!((host.state.ncpu, host.calls().len()), (1, 1));
    }

    #[test]
    fn a_program_may_be_killed_or_hang() {
        let mut host = Host::freebsd(14);
        host.kill("ps", 1, 9);
        host.hang("ps", 2);
        let ps = Call::new(["ps", "-ax"]);
        assert_eq!(host.run(&ps).status, Status::Signal(9));
        assert_eq!(host.run(&ps).status, Status::Hang);
        assert_eq!(host.run(&ps).status, Status::Exit(0));
    }
}
