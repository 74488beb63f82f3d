//! The traits of a host as the program uses them, on the simulated host.

use super::{Child, Fake, ended, error, gone, logs, secrets};
use crate::host::{Errno, Status};
use easy_bhyve::command::{Command, Streams};
use easy_bhyve::host::identity::{About, Entry, Identity};
use easy_bhyve::host::secret::SecretError;
use easy_bhyve::host::{
    Caller, Children, Clock, Ended, Event, Finished, Follower, Interruption, Look, OpenFile,
    SpawnError,
};
use easy_bhyve::inspect::report::Report;
use std::ffi::OsString;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Bytes that every file system can hold.
const ROOM: u64 = 500 << 30;

impl Fake {
    /// Whether this user may enter the directories that lead to a path.
    pub(super) fn may_enter(&self, path: &Path) -> io::Result<()> {
        let closed = self.worlds.lock().closed.clone();
        let is_below = |one: &PathBuf| path != one && path.starts_with(one);
        if self.uid != 0 && closed.iter().any(is_below) {
            return Err(error(Errno::Access));
        }
        Ok(())
    }
}

impl Look for Fake {
    fn ask(&mut self, question: &Command) -> Result<Finished, SpawnError> {
        self.start(question)
    }

    fn exists(&mut self, path: &Path) -> io::Result<bool> {
        self.may_enter(path)?;
        if logs::exists(&self.worlds, path) {
            return Ok(true);
        }
        let (uid, mut host) = (self.uid, self.host());
        // A look by name has effects on a real host: a null modem or a tap is created.
        host.look_up(path, uid);
        Ok(host.exists(path))
    }

    fn link_at(&mut self, _path: &Path) -> io::Result<Option<PathBuf>> {
        // There are no links in memory.
        Ok(None)
    }

    fn about(&mut self, path: &Path) -> io::Result<About> {
        self.may_enter(path)?;
        let host = self.host();
        if !host.exists(path) {
            return Err(error(Errno::NoEntry));
        }
        let lies = host.lower(path);
        let file = host.state.files.nodes.get(path).and_then(Option::as_ref);
        let first = file.and_then(|file| file.first_name.as_deref());
        let number = |path: &Path| BuildHasherDefault::<DefaultHasher>::default().hash_one(path);
        let identity = match host.device(path) {
            Some(_) => Identity::Device(number(path)),
            None => Identity::File(1, number(first.or(lies.as_deref()).unwrap_or(path))),
        };
        Ok(About {
            size: host.files().size(path).unwrap_or(0),
            room: ROOM,
            identity,
            is_unsure: lies.is_none(),
            is_read_only: host.is_read_only(path),
            is_everybodys: host.state.everybodys.contains(path),
        })
    }

    fn entry(&mut self, path: &Path) -> io::Result<Option<Entry>> {
        self.entry_at(path)
    }

    fn is_blank(&mut self, path: &Path) -> io::Result<bool> {
        self.may_enter(path)?;
        self.host().is_blank_for(path, self.uid).map_err(error)
    }

    fn inspect(&mut self, path: &Path, directory: Option<&str>) -> io::Result<Report> {
        self.inspected(path, directory)
    }

    fn is_uefi_store(&mut self, path: &Path) -> io::Result<bool> {
        self.may_enter(path)?;
        self.host().is_store(path).map_err(error)
    }

    fn names_in(&mut self, directory: &Path) -> io::Result<Vec<OsString>> {
        if directory.ends_with("run/easy-bhyve") {
            let vms = self.states().into_keys();
            return Ok(vms.map(|vm| format!("{vm}.json").into()).collect());
        }
        let is_closed = directory.ends_with("run/easy-bhyve/scratch");
        if is_closed && self.uid != 0 {
            return Err(error(Errno::Access));
        }
        match self.host().list_dir(directory) {
            Ok(names) => Ok(names.into_iter().map(OsString::from).collect()),
            Err(Errno::NoEntry) => Ok(Vec::new()),
            Err(errno) => Err(error(errno)),
        }
    }

    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let vm = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut world = self.worlds.lock();
        world.reads += 1;
        let state = world
            .states
            .get(vm.as_ref())
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(state.clone().into_bytes())
    }

    fn check_secret(&mut self, path: &Path, _owner: u32) -> Result<(), SecretError> {
        secrets::of(&self.host(), path).map(drop)
    }

    fn open(&mut self, path: &Path) -> io::Result<OpenFile> {
        self.may_enter(path)?;
        logs::open(&self.worlds, self.uid, path)
    }

    fn find(&mut self, program: &str) -> Option<PathBuf> {
        // Programs that are not simulated here are in every base system.
        let base = [
            "rm", "rmdir", "mv", "mkdir", "cat", "tail", "env", "timeout", "mktemp",
        ];
        let is_there = base.contains(&program) || self.host().has_program(program);
        is_there.then(|| Path::new("/sbin").join(program))
    }

    fn search_path(&self) -> &str {
        &self.search_path
    }
}

impl Clock for Fake {
    fn uptime(&mut self) -> Duration {
        Duration::from_millis(self.host().state.clock_ms)
    }

    fn pause(&mut self, time: Duration) {
        self.count_wait();
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let end = self.host().state.clock_ms.saturating_add(milliseconds);
        // Processes react at once to whatever happens by itself.
        loop {
            self.worlds.settle(self.actor);
            let next = self.host().next_moment().filter(|at| *at <= end);
            let Some(next) = next else { break };
            self.host().advance_to(next);
        }
        self.host().advance_to(end);
    }
}

impl Children for Fake {
    fn begin(&mut self, command: &Command) -> Result<u32, SpawnError> {
        self.refuse_after_end()?;
        let mut call = self.call(command);
        call.is_begun = true;
        call.background = command.streams == Streams::Relayed;
        call.parent = i32::try_from(self.pid).unwrap_or_default();
        let before = self.host().state.next_pid;
        let (answer, has_ended) = self.perform_or_be(&call);
        if answer.status == Status::NotFound {
            return Err(SpawnError::NotFound);
        }
        let mut world = self.worlds.lock();
        if answer.status == Status::Hang {
            world.host.add_called(&call);
        }
        let said = if command.streams == Streams::Relayed {
            [answer.stdout, answer.stderr].concat()
        } else {
            let _ = self.out.write_all(&answer.stdout);
            let _ = self.err.write_all(&answer.stderr);
            Vec::new()
        };
        let started = world.host.state.next_pid > before;
        let lives = !has_ended && world.host.state.processes.contains_key(&before);
        if !started {
            world.host.state.next_pid += 1;
        }
        let guest = world.host.state.processes.get(&before);
        let guest = guest.and_then(|process| process.guest.as_ref());
        let noise = guest.and_then(|guest| world.host.state.plan_of(&guest.vm).noise);
        let noise = noise.map(|noise| (noise, world.host.state.clock_ms));
        let pid = u32::try_from(before).unwrap_or_default();
        let ended = (!lives).then_some(answer.status);
        self.children.insert(pid, Child { said, ended, noise });
        Ok(pid)
    }

    fn watch(
        &mut self,
        pid: u32,
        limit: Option<Duration>,
        is_interruptible: bool,
    ) -> io::Result<Event> {
        // Rounded up, as for poll(2): an event is due at the end of its millisecond.
        let limit = limit.map(|limit| limit.as_micros().div_ceil(1000));
        let limit = limit.map(|limit| u64::try_from(limit).unwrap_or(u64::MAX));
        let end = limit.map(|limit| self.host().state.clock_ms + limit);
        let mut looks = u32::from(is_interruptible);
        loop {
            if self.worlds.lock().is_killed(self.actor) {
                return Err(gone());
            }
            if let Some(event) = self.event_of(pid) {
                return Ok(event);
            }
            self.looks.fetch_add(std::mem::take(&mut looks), Relaxed);
            if is_interruptible && self.interruption().is_some() {
                return Ok(Event::Interrupted);
            }
            if end.is_some_and(|end| self.host().state.clock_ms >= end) {
                return Ok(Event::Overdue);
            }
            if end.is_none() && self.actor > 0 && !self.has_reader {
                self.worlds.rest(self.actor, pid)?;
            } else {
                self.count_wait();
                let noise = self.children.get(&pid).and_then(|child| child.noise);
                let next = [end, noise.map(|(_, due)| due)].into_iter().flatten();
                self.worlds.lock().go_on(next.min());
            }
        }
    }

    fn run(&mut self, command: &Command) -> Result<Finished, SpawnError> {
        self.start(command)
    }

    fn follow(
        &mut self,
        command: &Command,
        _every: Option<Duration>,
        event: &mut Follower<'_>,
    ) -> Result<Ended, SpawnError> {
        let call = self.call(command);
        let answer = self.perform(&call);
        let ended = ended(answer.status).ok_or(SpawnError::NotFound)?;
        let mut said = [answer.stdout, answer.stderr].concat();
        let own = self.worlds.lock().detached_call();
        if let Some(own) = own {
            said.append(&mut self.in_background(&own));
        }
        said.split(|&byte| byte == b'\n')
            .filter(|said| !said.is_empty())
            .for_each(|said| event(self, Some(said)));
        Ok(ended)
    }

    fn go(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn signal(&mut self, pid: u32, signal: i32) -> io::Result<()> {
        let pid = i32::try_from(pid).map_err(io::Error::other)?;
        self.host().signal(pid, signal, 0).map_err(error)
    }

    fn hold(&mut self, line: &Path) -> io::Result<()> {
        self.host().look_up(line, 0);
        Ok(())
    }

    fn shield(&mut self, _is_shielded: bool) {
        // No signal of a terminal reaches this process.
    }
}

impl Caller for Fake {
    fn report(&mut self, line: &[u8]) -> io::Result<()> {
        if self.interruption() == Some(Interruption::ReaderGone) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.worlds.lock().report(self.actor, line);
        Ok(())
    }

    fn let_go(&mut self) -> io::Result<()> {
        self.has_reader = false;
        self.interrupted
            .take_if(|(_, what)| *what == Interruption::ReaderGone);
        Ok(())
    }

    fn await_go(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn confirm(&mut self, question: &str) -> Option<bool> {
        self.asked.push(question.to_owned());
        if let Some(answer) = self.answer {
            let typed = if answer { "y" } else { "n" };
            let _ = writeln!(self.err, "{question} [y/N] {typed}");
        }
        self.answer
    }

    fn type_in(&mut self, question: &str) -> Option<String> {
        self.asked.push(question.to_owned());
        // The question names the word: `Type WORD to ...`.
        let (_, rest) = question.rsplit_once("Type ")?;
        let word = rest.split(' ').next().unwrap_or_default();
        let typed = if self.answer? { word } else { "n" };
        let _ = writeln!(self.err, "{question} {typed}");
        Some(typed.to_owned())
    }

    fn catch_signals(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn watch_reader(&mut self) {
        self.has_reader = true;
    }

    fn interrupted(&mut self) -> Option<Interruption> {
        self.looks.fetch_add(1, Relaxed);
        self.interruption()
    }

    fn isolate(&mut self) -> io::Result<()> {
        // The attributes of a test's own process are not the caller's.
        Ok(())
    }
}
