//! The real host. The only file that spawns processes.

use super::child::Running;
use super::files;
use super::lease;
use super::lock::{Directory, log_of, state_of};
use super::scratch;
use super::signals::Signals;
use super::surroundings;
use super::{
    Afterwards, ChangeError, Claim, Ended, Event, Finished, Grant, Host, Interruption, Look,
    SpawnError,
};
use crate::command::{Command, Streams};
use crate::model::name::VmName;
use crate::plan::FileChange;
use crate::vis;
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The real host: programs along a fixed search path, and the caller's own files.
#[derive(Debug)]
pub struct System {
    pub(super) search_path: String,
    run: PathBuf,
    logs: PathBuf,
    signals: Option<Signals>,
    children: BTreeMap<u32, Running>,
    /// Locks are kept until this process ends, and then by children that have inherited them.
    locks: BTreeMap<Claim, File>,
    /// Lines that are kept open.
    lines: Vec<OwnedFd>,
    has_lease: bool,
    is_shielded: bool,
    /// The lease of the command that is followed.
    pub(super) lessor: Option<OwnedFd>,
    /// How many times slower than the real one the clock goes by which is waited.
    pub(super) pace: u32,
}

impl System {
    /// A host whose programs are found along `search_path`, directories separated by colons; locks
    /// and states lie in `run`, logs in `logs`.
    pub fn new(
        search_path: impl Into<String>,
        run: impl Into<PathBuf>,
        logs: impl Into<PathBuf>,
    ) -> Self {
        Self {
            search_path: search_path.into(),
            run: run.into(),
            logs: logs.into(),
            signals: None,
            children: BTreeMap::new(),
            locks: BTreeMap::new(),
            lines: Vec::new(),
            has_lease: false,
            is_shielded: false,
            lessor: None,
            pace: 1,
        }
    }

    /// The same host, by whose clock the real one goes this many times as fast.
    #[must_use]
    pub fn at_pace(self, pace: u32) -> Self {
        Self {
            pace: pace.max(1),
            ..self
        }
    }

    pub(super) fn prepare(&self, command: &Command) -> Result<std::process::Command, SpawnError> {
        let program = self.look_up(command.program).ok_or(SpawnError::NotFound)?;
        let mut prepared = std::process::Command::new(program);
        prepared
            .arg0(command.program)
            .args(&command.args)
            .env("PATH", &self.search_path);
        if command.streams != Streams::Terminal {
            prepared.stdin(Stdio::null());
            if self.is_shielded {
                // What comes from the terminal is for its foreground group.
                prepared.process_group(0);
            }
        }
        if command.streams == Streams::Captured {
            // Output that is read by a parser must not depend on the caller's language.
            prepared
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .env("LC_ALL", "C");
        }
        Ok(prepared)
    }

    pub(super) fn look_up(&self, program: &str) -> Option<PathBuf> {
        which::which_in(program, Some(&self.search_path), "/").ok()
    }

    pub(super) fn signals(&mut self) -> io::Result<&mut Signals> {
        if self.signals.is_none() {
            self.signals = Some(Signals::of_children()?);
        }
        self.signals
            .as_mut()
            .ok_or_else(|| io::ErrorKind::Other.into())
    }

    /// Sleeps until something may have happened.
    pub(super) fn sleep(
        &mut self,
        files: &[BorrowedFd<'_>],
        end: Option<Instant>,
        heeds: bool,
    ) -> io::Result<()> {
        let has_lease = self.has_lease;
        let signals = self.signals()?;
        let stdin = io::stdin();
        let mut all = vec![signals.as_fd()];
        all.extend(files);
        if has_lease && heeds {
            all.push(stdin.as_fd());
        }
        lease::wait(&all, end)?;
        signals.hush();
        Ok(())
    }
}

impl Host for System {
    fn settle(&mut self) -> io::Result<()> {
        surroundings::settle()
    }

    fn begin(&mut self, command: &Command) -> Result<u32, SpawnError> {
        self.signals().map_err(SpawnError::Refused)?;
        let prepared = self.prepare(command)?;
        let running = Running::begin(prepared, command.streams).map_err(SpawnError::Refused)?;
        let pid = running.child.id();
        self.children.insert(pid, running);
        Ok(pid)
    }

    fn watch(&mut self, pid: u32, limit: Option<Duration>, heeds: bool) -> io::Result<Event> {
        let end = limit.map(|limit| Instant::now() + limit);
        loop {
            let Some(mut running) = self.children.remove(&pid) else {
                return Err(io::ErrorKind::NotFound.into());
            };
            let is_asked = heeds && self.interrupted().is_some();
            let event = if is_asked && running.has_just_spoken {
                // Who never stops to speak does not keep this process from being asked.
                None
            } else {
                running.look_after()?
            };
            if matches!(event, Some(Event::Ended(_))) {
                return event.ok_or_else(|| io::ErrorKind::Other.into());
            }
            let slept = if event.is_some() || is_asked {
                Ok(())
            } else {
                let (relay, read_at) = running.awaited();
                let files: Vec<BorrowedFd<'_>> = relay.into_iter().collect();
                let wakes = [end, read_at].into_iter().flatten().min();
                self.sleep(&files, wakes, heeds)
            };
            self.children.insert(pid, running);
            slept?;
            if let Some(event) = event {
                return Ok(event);
            }
            if heeds && self.interrupted().is_some() {
                return Ok(Event::Interrupted);
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Ok(Event::Overdue);
            }
        }
    }

    fn run(&mut self, command: &Command) -> Result<Finished, SpawnError> {
        if command.streams == Streams::Captured {
            return self.ask(command);
        }
        let pid = self.begin(command)?;
        loop {
            match self.watch(pid, None, false).map_err(SpawnError::Refused)? {
                Event::Ended(finished) => return Ok(finished),
                Event::Said(_) | Event::Overdue | Event::Interrupted => {}
            }
        }
    }

    fn follow(
        &mut self,
        command: &Command,
        line: &mut dyn FnMut(&mut dyn Host, &[u8]),
    ) -> Result<Ended, SpawnError> {
        let prepared = self.prepare(command)?;
        self.followed(prepared, line).map_err(SpawnError::Refused)
    }

    fn go(&mut self) -> io::Result<()> {
        if let Some(lessor) = &self.lessor {
            nix::unistd::write(lessor, b"\n")?;
        }
        Ok(())
    }

    fn await_go(&mut self) -> io::Result<()> {
        loop {
            if self.signals()?.last().is_some() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let stdin = io::stdin();
            if !lease::has_ended(stdin.as_fd()) {
                self.sleep(&[stdin.as_fd()], None, false)?;
                continue;
            }
            let mut word = [0];
            return match nix::unistd::read(stdin.as_fd(), &mut word)? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(()),
            };
        }
    }

    fn hold(&mut self, line: &Path) -> io::Result<()> {
        use nix::fcntl::OFlag;
        let flags = OFlag::O_RDWR | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        self.lines.push(nix::fcntl::open(
            line,
            flags,
            nix::sys::stat::Mode::empty(),
        )?);
        Ok(())
    }

    fn signal(&mut self, pid: u32, signal: i32) -> io::Result<()> {
        if !self.children.contains_key(&pid) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let pid = i32::try_from(pid).map_err(io::Error::other)?;
        let signal = nix::sys::signal::Signal::try_from(signal)?;
        Ok(nix::sys::signal::kill(Pid::from_raw(pid), signal)?)
    }

    fn change(&mut self, change: &FileChange) -> Result<Option<Afterwards>, ChangeError> {
        match change {
            FileChange::MakeScratch(path) => {
                scratch::make(&self.run, path)?;
                Ok(None)
            }
            other => files::change(other),
        }
    }

    fn heed_signals(&mut self) -> io::Result<()> {
        self.signals()?.heed()
    }

    fn heed_reader(&mut self) {
        self.has_lease = true;
    }

    fn report(&mut self, line: &[u8]) -> io::Result<()> {
        // Not through the program's own buffer, which belongs to what it says for people.
        let mut rest = line;
        while !rest.is_empty() {
            let written = nix::unistd::write(io::stdout(), rest)?;
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn let_go(&mut self) -> io::Result<()> {
        let null = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null")?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        dup2_stderr(&null)?;
        self.has_lease = false;
        Ok(())
    }

    fn shield(&mut self, is_shielded: bool) {
        self.is_shielded = is_shielded;
    }

    fn interrupted(&mut self) -> Option<Interruption> {
        let signal = self.signals.as_ref().and_then(Signals::last);
        if let Some(signal) = signal {
            return Some(Interruption::Signal(signal));
        }
        (self.has_lease && lease::has_ended(io::stdin().as_fd()))
            .then_some(Interruption::ReaderGone)
    }

    fn pause(&mut self, time: Duration) {
        let end = Instant::now() + time;
        let had = self.interrupted();
        // A signal that comes meanwhile ends it; one that has come before does not.
        while Instant::now() < end && self.interrupted() == had {
            if self.sleep(&[], Some(end), false).is_err() {
                std::thread::sleep(end.saturating_duration_since(Instant::now()));
            }
        }
    }

    fn confirm(&mut self, question: &str) -> Option<bool> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        write!(io::stderr(), "{} [y/N] ", vis::line(question)).ok()?;
        let mut answer = String::new();
        stdin.read_line(&mut answer).ok()?;
        Some(answer.trim() == "y")
    }

    fn claim(&mut self, claim: &Claim, note: &str) -> io::Result<Grant> {
        if self.locks.contains_key(claim) {
            return Ok(Grant::Granted);
        }
        let (grant, lock) = Directory::open(&self.run)?.lock(claim, note)?;
        self.locks.extend(lock.map(|lock| (claim.clone(), lock)));
        Ok(grant)
    }

    fn give_up(&mut self, claim: &Claim) {
        self.locks.remove(claim);
    }

    fn record(&mut self, vm: &VmName, state: Option<&[u8]>) -> io::Result<()> {
        let directory = Directory::open(&self.run)?;
        match state {
            Some(state) => directory.replace(&state_of(vm), state),
            None => directory.remove(&state_of(vm)),
        }
    }

    fn sweep(&mut self, vm: &VmName) -> io::Result<()> {
        scratch::sweep(&self.run, vm)
    }

    fn log(&mut self, vm: &VmName, text: &str) -> io::Result<()> {
        Directory::open(&self.logs)?.append(&log_of(vm), text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Host, System};
    use std::time::{Duration, Instant};

    #[test]
    fn a_pause_lasts_as_long_as_it_is_to() {
        let mut host = System::new("/bin", "/nonexistent", "/nonexistent");
        let (time, began) = (Duration::from_millis(20), Instant::now());
        host.pause(time);
        assert!(began.elapsed() >= time);
    }
}
