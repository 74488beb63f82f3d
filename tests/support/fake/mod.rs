//! The simulated host as the program's [`easy_bhyve::host::Host`], in this process.
//!
//! The root side in the background is a thread, and only one of all these threads runs at a time:
//! see [`world`].

#![allow(unreachable_pub)]

mod changes;
mod entry;
mod hosts;
mod locks;
mod logs;
mod root;
mod secrets;
mod world;
mod written;

use entry::error;

use crate::call::Stream;
use crate::host::{self as simulated, Answer, Call, Fault, Logged, Noise, Status};
use easy_bhyve::command::{Command, Streams};
use easy_bhyve::host::scratch;
use easy_bhyve::host::{Clock, Ended, Event, Finished, Interruption, Lock, SpawnError};
use easy_bhyve::process::RUN_DIRECTORY;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io::{self, Write};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;
pub use world::Lost;
use world::{World, Worlds};

/// A simulated host as seen by a caller with this uid.
pub struct Fake {
    worlds: Arc<Worlds>,
    /// Which of the processes that share the host this is: 0 is the client.
    actor: usize,
    /// The process.
    pub pid: u32,
    /// The caller.
    pub uid: u32,
    /// The search path that is reported for programs.
    pub search_path: String,
    /// The caller's environment.
    pub environment: HashMap<OsString, OsString>,
    /// Whether there is a terminal, and the answer that is typed there.
    pub answer: Option<bool>,
    /// The questions that were asked on the terminal.
    pub asked: Vec<String>,
    /// What arrives before the program looks for a signal for this time, counted from 1: it looks
    /// before each form, and whenever it waits for a child that a signal would end.
    pub interrupted: Option<(u32, Interruption)>,
    /// How often the processes of this call have looked for a signal.
    looks: Arc<AtomicU32>,
    /// How often this process has waited.
    waits: u32,
    /// The caller's standard output.
    pub out: Stream,
    /// The caller's standard error.
    pub err: Stream,
    children: BTreeMap<u32, Child>,
    /// Whether a caller waits for the report of this process.
    has_reader: bool,
}

/// A child that was started.
struct Child {
    /// Output of the child that was not read yet.
    said: Vec<u8>,
    /// How the child has ended; `None` while it is a process.
    ended: Option<Status>,
    /// The output that the child repeats, and when it does so next, by the host's clock.
    noise: Option<(Noise, u64)>,
}

/// The simulated host, locked until this value is dropped.
pub struct Borrowed<'fake>(MutexGuard<'fake, World>);

impl Deref for Borrowed<'_> {
    type Target = simulated::Host;
    fn deref(&self) -> &simulated::Host {
        &self.0.host
    }
}

impl DerefMut for Borrowed<'_> {
    fn deref_mut(&mut self) -> &mut simulated::Host {
        &mut self.0.host
    }
}

/// The pid of the process that is called first.
const FRONT: u32 = 90_000;
/// The pid of a process that always exists.
const INIT: u32 = 1;

impl Fake {
    /// A caller without a terminal and with an empty environment.
    pub fn new(mut host: simulated::Host, uid: u32) -> Self {
        // The directory of all scratch files exists, as after any boot by grub.
        let scratch = scratch::directory(Path::new(RUN_DIRECTORY));
        host.state.files.mkdir_all(&scratch);
        Self::of(Arc::new(Worlds::new(host)), 0, FRONT, uid)
    }

    fn of(worlds: Arc<Worlds>, actor: usize, pid: u32, uid: u32) -> Self {
        Self {
            worlds,
            actor,
            pid,
            uid,
            search_path: easy_bhyve::process::SEARCH_PATH.to_owned(),
            environment: HashMap::new(),
            answer: None,
            asked: Vec::new(),
            interrupted: None,
            looks: Arc::default(),
            waits: 0,
            out: Stream::default(),
            err: Stream::default(),
            children: BTreeMap::new(),
            has_reader: false,
        }
    }

    /// The simulated host.
    pub fn host(&self) -> Borrowed<'_> {
        Borrowed(self.worlds.lock())
    }

    /// How often the program has looked for a signal.
    pub fn looks_for_signals(&self) -> u32 {
        self.looks.load(Relaxed)
    }

    /// Counts the looks for a signal of the next call from 1.
    pub fn count_looks_anew(&mut self) {
        self.looks = Arc::default();
    }

    /// Lets a process that always exists hold a lock.
    pub fn let_be_held(&self, lock: &Lock, note: &str) {
        self.worlds.lock().lock_for(INIT, lock, note);
    }

    /// Lets a child hold the lock of a VM for this time, in ms, after the end of its process.
    pub fn let_locks_linger(&self, linger_ms: u64) {
        self.worlds.lock().locks.linger_ms = linger_ms;
    }

    /// Makes a directory one that only root can enter.
    pub fn close(&self, directory: &Path) {
        self.worlds.lock().closed.push(directory.to_owned());
    }

    /// Makes a resource of the root side unusable.
    pub fn lose(&self, what: Lost) {
        self.worlds.lock().lost.push(what);
    }

    /// How many files the program has opened to read them.
    pub fn reads(&self) -> usize {
        self.worlds.lock().reads
    }

    /// Writes the recorded state of a VM.
    pub fn write_record(&self, vm: &str, record: &str) {
        let mut world = self.worlds.lock();
        world.states.insert(vm.to_owned(), record.to_owned());
    }

    /// The VMs for which a state is recorded.
    pub fn states(&self) -> BTreeMap<String, String> {
        self.worlds.lock().states.clone()
    }

    /// Lets time pass, and lets the processes in the background run.
    pub fn advance(&mut self, seconds: f64) {
        self.pause(Duration::from_secs_f64(seconds));
    }

    fn call(&self, command: &Command) -> Call {
        let mut call = Call::new(command.argv());
        call.uid = self.uid;
        // doas and sudo ask on the controlling terminal, whatever their streams are.
        call.tty = command.streams == Streams::Terminal || self.answer.is_some();
        call
    }

    /// Runs a call; a call of the program itself runs in this process.
    fn perform(&mut self, call: &Call) -> Answer {
        self.perform_or_be(call).0
    }

    /// The same, and whether the call was one of the program itself, which has ended then.
    fn perform_or_be(&mut self, call: &Call) -> (Answer, bool) {
        if let Some(answer) = self.change_names(call) {
            return (answer, false);
        }
        let (answer, own) = {
            let mut world = self.worlds.lock();
            let answer = world.host.run(call);
            (answer, world.own_call())
        };
        match own {
            Some(own) if answer.status == Status::Foreign => (self.as_root(&own), true),
            _ => (answer, false),
        }
    }

    fn start(&mut self, command: &Command) -> Result<Finished, SpawnError> {
        self.refuse_after_end()?;
        let call = self.call(command);
        let Answer {
            status,
            mut stdout,
            mut stderr,
        } = self.perform(&call);
        if command.streams != Streams::Captured {
            // The program does not receive the output on the terminal.
            let _ = self.out.write_all(&std::mem::take(&mut stdout));
            let _ = self.err.write_all(&std::mem::take(&mut stderr));
        }
        let ended = match ended(status) {
            Some(ended) => ended,
            None if status == Status::NotFound => return Err(SpawnError::NotFound),
            None => panic!("{command} would never end: {:#?}", self.host().state),
        };
        self.worlds.settle(self.actor);
        Ok(Finished {
            ended,
            stdout,
            stderr,
        })
    }

    /// Ends a test whose process waits for a person, for ever.
    fn count_wait(&mut self) {
        // Each wait is of some hundred milliseconds of the host.
        const MOST: u32 = 50_000;
        self.waits += 1;
        assert!(self.waits < MOST, "a wait would never end");
    }

    /// Fails if this process was killed.
    fn refuse_after_end(&self) -> Result<(), SpawnError> {
        if self.worlds.lock().is_killed(self.actor) {
            return Err(SpawnError::Refused(gone()));
        }
        Ok(())
    }

    /// rm(1), rmdir(1) and mv(1), which the host does not simulate, and ln(1) of a log.
    fn change_names(&mut self, call: &Call) -> Option<Answer> {
        let words: Vec<String> = call
            .argv
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let program = words.first()?.as_str();
        let paths: Vec<&Path> = words
            .iter()
            .skip(1)
            .filter(|word| !word.starts_with('-'))
            .map(Path::new)
            .collect();
        let is_ours = match (program, paths.as_slice()) {
            ("rm" | "rmdir" | "mv", _) => !self.host().has_program(program),
            ("ln", [from, _]) => logs::exists(&self.worlds, from),
            _ => false,
        };
        if !is_ours {
            return None;
        }
        let fault = {
            let mut host = self.host();
            let nth = host.orders.count(program);
            host.orders.fault(program, nth).map(Fault::answer)
        };
        let answer = fault.unwrap_or_else(|| match (program, paths.as_slice()) {
            ("ln", [from, to]) => {
                logs::link(&self.worlds, from, to);
                Answer::ok()
            }
            ("rmdir", [path]) => self.remove(&[path], false),
            ("mv", [from, to]) => self.put_back(from, to),
            _ => self.remove(
                &paths,
                words
                    .iter()
                    .any(|word| word.starts_with('-') && word.contains('f')),
            ),
        });
        self.host().orders.log.push(Logged {
            argv: words,
            uid: call.uid,
            status: answer.status,
            depth: 0,
        });
        Some(answer)
    }

    /// Renames a file, replacing another one.
    fn put_back(&mut self, from: &Path, to: &Path) -> Answer {
        let mut host = self.host();
        let files = host.files_mut();
        let _ = files.remove(to);
        let _ = files.link(from, to);
        let _ = files.remove(from);
        Answer::ok()
    }

    fn remove(&mut self, paths: &[&Path], is_forced: bool) -> Answer {
        let mut answer = Answer::ok();
        for path in paths {
            let is_known = logs::exists(&self.worlds, path);
            logs::remove(&self.worlds, path);
            self.host().state.odd.remove(*path);
            let removed = self.host().files_mut().remove(path);
            if let Err(errno) = removed
                && !is_known
                && !is_forced
            {
                let text = format!("rm: {}: {}", path.display(), errno.text());
                answer = answer.and_err(text);
                answer.status = Status::Exit(1);
            }
        }
        answer
    }

    /// The output of a child so far, and how it has ended, if it has.
    fn event_of(&mut self, pid: u32) -> Option<Event> {
        let (status, now) = {
            let world = self.worlds.lock();
            (world.status_of(pid), world.host.state.clock_ms)
        };
        let child = self.children.get_mut(&pid)?;
        if let Some((noise, due)) = &mut child.noise
            && *due <= now
            && status.is_none()
        {
            *due = noise.every_ms.map_or(u64::MAX, |every| now + every);
            child.said.extend(vec![b'x'; noise.bytes - 1]);
            child.said.push(b'\n');
        }
        if !child.said.is_empty() {
            return Some(Event::Said(std::mem::take(&mut child.said)));
        }
        let ended = ended(child.ended.or(status)?)?;
        self.children.remove(&pid);
        Some(Event::Ended(Finished {
            ended,
            stdout: Vec::new(),
            stderr: Vec::new(),
        }))
    }

    /// What interrupts the program, without counting this look.
    fn interruption(&self) -> Option<Interruption> {
        if let Some(signal) = self.worlds.lock().asked(self.actor) {
            return Some(Interruption::Signal(signal));
        }
        self.interrupted
            .filter(|(nth, _)| self.looks_for_signals() >= *nth)
            .map(|(_, what)| what)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        if self.actor == 0 {
            self.worlds.end();
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("this process was killed")
}

fn ended(status: Status) -> Option<Ended> {
    match status {
        Status::Exit(status) => Some(Ended::Exit(status)),
        Status::Signal(signal) => Some(Ended::Signal(signal)),
        Status::NotFound | Status::Hang | Status::Running | Status::Foreign => None,
    }
}
