//! What the processes of a simulated host share, and which of them runs.
//!
//! Each root side in the background is a thread. Only one thread runs at a time; it yields when it has
//! nothing to do until its guest ends or a signal arrives. So the order of all events depends on
//! nothing but the host's clock.

use super::locks::Locks;
use crate::host::live::alive::Notice;
use crate::host::process::Live;
use crate::host::{Call, Host, Session, Status};
use easy_bhyve::host::{Lock, LockResult};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// A host and all processes of the program on it.
pub(super) struct World {
    pub(super) host: Host,
    /// The texts of the logs, by VM.
    pub(super) logs: BTreeMap<String, String>,
    /// The texts of the rotated logs, by VM.
    pub(super) rotated: BTreeMap<String, String>,
    /// Whether every user may read logs, as the group operator.
    pub(super) shows_logs: bool,
    /// The recorded states of VMs.
    pub(super) states: BTreeMap<String, String>,
    /// How many files the program has opened to read them.
    pub(super) reads: usize,
    pub(super) threads: Vec<JoinHandle<()>>,
    /// Which resource of the root side cannot be used.
    pub(super) lost: Vec<Lost>,
    /// Directories that only root can enter.
    pub(super) closed: Vec<PathBuf>,
    pub(super) locks: Locks,
    turn: usize,
    /// The threads that continue when the present one yields, the last one first.
    givers: Vec<usize>,
    /// The root sides in the background; number 1 is the first.
    actors: Vec<Actor>,
    is_over: bool,
    /// Whether a root side in the background has panicked; its message is on standard error.
    has_panicked: bool,
    numbers: u32,
}

/// A resource of the root side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Lost {
    /// No log can be written.
    Logs,
    /// The directory of the locks is not root's alone: it is refused.
    Locks,
    /// Every change of a file, every log, every lock fails with this error number.
    Writes(i32),
}

/// A root side in the background.
struct Actor {
    pid: i32,
    /// The child whose end it waits for.
    waits_for: Option<u32>,
    /// The signal that has asked it to stop.
    asked: Option<i32>,
    is_killed: bool,
    is_done: bool,
    report: Vec<u8>,
}

/// A world that several threads share.
pub(super) struct Worlds {
    world: Mutex<World>,
    turned: Condvar,
}

impl Worlds {
    pub(super) fn new(host: Host) -> Self {
        Self {
            world: Mutex::new(World {
                host,
                logs: BTreeMap::new(),
                rotated: BTreeMap::new(),
                shows_logs: false,
                states: BTreeMap::new(),
                reads: 0,
                threads: Vec::new(),
                lost: Vec::new(),
                closed: Vec::new(),
                locks: Locks::default(),
                turn: 0,
                givers: Vec::new(),
                actors: Vec::new(),
                is_over: false,
                has_panicked: false,
                numbers: 90_000,
            }),
            turned: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until this thread may run.
    pub(super) fn wait_for_turn(&self, actor: usize) {
        let world = self.lock();
        let waited = self
            .turned
            .wait_while(world, |world| world.turn != actor && !world.is_over);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Lets a root side in the background run, and waits until it yields.
    pub(super) fn give_turn(&self, from: usize, to: usize) {
        {
            let mut world = self.lock();
            world.givers.push(from);
            world.turn = to;
        }
        self.turned.notify_all();
        self.wait_for_turn(from);
        let has_panicked = self.lock().has_panicked;
        assert!(!has_panicked, "a root side in the background has panicked");
    }

    /// Lets every thread run that can, before this one continues.
    pub(super) fn settle(&self, actor: usize) {
        loop {
            let next = self.lock().next();
            let Some(next) = next else { return };
            self.give_turn(actor, next);
        }
    }

    /// Yields until a child ends, or a signal arrives.
    ///
    /// # Errors
    /// If the process is killed, or the test is over.
    pub(super) fn rest(&self, actor: usize, child: u32) -> io::Result<()> {
        {
            let mut world = self.lock();
            if let Some(own) = world.actor(actor) {
                own.waits_for = Some(child);
            }
            world.give_back();
        }
        self.turned.notify_all();
        self.wait_for_turn(actor);
        let mut world = self.lock();
        if let Some(own) = world.actor(actor) {
            own.waits_for = None;
        }
        if world.is_over || world.is_killed(actor) {
            return Err(super::gone());
        }
        Ok(())
    }

    /// Records that a root side in the background has ended.
    pub(super) fn finish(&self, actor: usize, has_panicked: bool) {
        {
            let mut world = self.lock();
            world.has_panicked |= has_panicked && !world.is_over;
            let mut pid = 0;
            if let Some(own) = world.actor(actor) {
                own.is_done = true;
                pid = own.pid;
            }
            world.host.end_process(pid, Status::Exit(0));
            world.give_back();
        }
        self.turned.notify_all();
    }

    /// Ends all threads.
    pub(super) fn end(&self) {
        let threads = {
            let mut world = self.lock();
            world.is_over = true;
            for actor in &mut world.actors {
                actor.is_killed = true;
            }
            std::mem::take(&mut world.threads)
        };
        self.turned.notify_all();
        for thread in threads {
            let _ = thread.join();
        }
    }
}

impl World {
    /// Fails if nothing can be written.
    pub(super) fn refuse_write(&self) -> io::Result<()> {
        let mut lost = self.lost.iter();
        match lost.find_map(|lost| match lost {
            Lost::Writes(number) => Some(*number),
            Lost::Logs | Lost::Locks => None,
        }) {
            Some(number) => Err(io::Error::from_raw_os_error(number)),
            None => Ok(()),
        }
    }

    fn give_back(&mut self) {
        self.turn = self.givers.pop().unwrap_or(0);
    }

    fn actor(&mut self, number: usize) -> Option<&mut Actor> {
        self.actors.get_mut(number.checked_sub(1)?)
    }

    /// Whether this process was killed.
    pub(super) fn is_killed(&self, number: usize) -> bool {
        let actor = number.checked_sub(1).and_then(|at| self.actors.get(at));
        actor.is_some_and(|actor| actor.is_killed)
    }

    /// The signal by which this process was asked to stop.
    pub(super) fn asked(&self, number: usize) -> Option<i32> {
        self.actors.get(number.checked_sub(1)?)?.asked
    }

    /// The pid of a process that is not an entry of the host.
    pub(super) fn next_number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    /// The next root side that can run: its child has ended, or a signal has arrived for it.
    fn next(&mut self) -> Option<usize> {
        self.deliver();
        let host = &self.host;
        let can = |actor: &Actor| {
            let has_ended = |pid: u32| {
                let pid = i32::try_from(pid).unwrap_or_default();
                !host.state.processes.contains_key(&pid)
            };
            !actor.is_done && (actor.is_killed || actor.waits_for.is_some_and(has_ended))
        };
        self.actors.iter().position(can).map(|at| at + 1)
    }

    /// Delivers signals to the root sides in the background: for the host they are real processes,
    /// which it only notifies.
    fn deliver(&mut self) {
        for notice in std::mem::take(&mut self.host.outbox) {
            let Notice::Signal(pid, signal) = notice else {
                continue;
            };
            let found = self.actors.iter_mut().find(|actor| actor.pid == pid);
            let Some(actor) = found else { continue };
            if signal == 9 {
                actor.is_killed = true;
                self.host.end_process(pid, Status::Signal(9));
            } else {
                actor.asked = Some(signal);
            }
        }
    }

    /// Lets time pass until something happens, or until this moment at the latest.
    ///
    /// # Panics
    /// If nothing ever happens.
    pub(super) fn go_on(&mut self, end: Option<u64>) {
        match (self.host.next_moment(), end) {
            (Some(at), Some(end)) => self.host.advance_to(at.min(end)),
            (Some(at), None) => self.host.advance_to(at),
            (None, Some(end)) => self.host.advance_to(end),
            (None, None) => panic!("nothing would ever happen: {:#?}", self.host.state),
        }
    }

    /// How a child has ended; `None` while it is a process.
    pub(super) fn status_of(&self, pid: u32) -> Option<Status> {
        let pid = i32::try_from(pid).ok()?;
        if self.host.state.processes.contains_key(&pid) {
            return None;
        }
        self.host.state.ended.get(&pid).copied()
    }

    /// The call of the program itself that the host was just asked to run.
    pub(super) fn own_call(&mut self) -> Option<Call> {
        match self.host.session.take() {
            Some(Session::Foreign(call)) if call.program() == "easy-bhyve" => Some(call),
            _ => None,
        }
    }

    /// The same for a call that daemon(8) has started in the background, with its process.
    pub(super) fn detached_call(&mut self) -> Option<Call> {
        let known: Vec<i32> = self.actors.iter().map(|actor| actor.pid).collect();
        let processes = self.host.state.processes.values_mut();
        let process = processes
            .filter(|process| process.comm == "easy-bhyve" && !known.contains(&process.pid))
            .max_by_key(|process| process.pid)?;
        // Signals for this process are delivered to it, and have no effect here.
        process.live = Some(Live { started: 0 });
        // ps(1) shows the path by which the program was called.
        if let Some(program) = process.argv.first_mut() {
            crate::call::PROGRAM.clone_into(program);
        }
        let mut call = Call::new(&process.argv);
        (call.uid, call.pid) = (process.uid, Some(process.pid));
        Some(call)
    }

    /// Adds a root side in the background; its number.
    pub(super) fn add_actor(&mut self, pid: i32) -> usize {
        self.actors.push(Actor {
            pid,
            waits_for: None,
            asked: None,
            is_killed: false,
            is_done: false,
            report: Vec::new(),
        });
        self.actors.len()
    }

    pub(super) fn report(&mut self, actor: usize, line: &[u8]) {
        if let Some(actor) = self.actor(actor) {
            actor.report.extend_from_slice(line);
        }
    }

    pub(super) fn take_report(&mut self, actor: usize) -> Vec<u8> {
        self.actor(actor)
            .map(|actor| std::mem::take(&mut actor.report))
            .unwrap_or_default()
    }

    /// Locks something for a process.
    pub(super) fn lock_for(&mut self, pid: u32, lock: &Lock, note: &str) -> LockResult {
        let state = &self.host.state;
        self.locks
            .lock((&state.processes, state.clock_ms), pid, lock, note)
    }

    /// Releases the locks of a process that has exited, except those that its children still hold.
    pub(super) fn release(&mut self, pid: u32) {
        self.locks.release(&self.host.state.processes, pid);
    }
}
