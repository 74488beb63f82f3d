//! Time and processes: events that happen as time passes, and the effects of the end of a process.

use std::path::Path;

use super::Host;
use super::call::{Call, Status};
use super::errno::Errno;
use super::live::alive::{self, Notice};
use super::process::{Ending, Process};

/// SIGTERM in a mask of signals.
pub const SIGTERM_BIT: u32 = 0x4000;

/// An event that is due.
enum Event {
    Title(i32),
    Acpi(i32),
    End(i32, Ending),
    Restart(i32),
}

impl Host {
    /// Lets time pass, with all events in that time.
    pub fn advance(&mut self, seconds: f64) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let milliseconds = (seconds * 1000.0).max(0.0) as u64;
        self.advance_to(self.state.clock_ms + milliseconds);
    }

    /// Lets time pass until this moment.
    pub fn advance_to(&mut self, target: u64) {
        while let Some((at, event)) = self.next_event().filter(|(at, _)| *at <= target) {
            self.state.clock_ms = self.state.clock_ms.max(at);
            self.happen(&event);
        }
        self.state.clock_ms = self.state.clock_ms.max(target);
    }

    /// When the next event is due.
    pub fn next_moment(&self) -> Option<u64> {
        self.next_event().map(|(at, _)| at)
    }

    fn next_event(&self) -> Option<(u64, Event)> {
        let mut events = Vec::new();
        for process in self.state.processes.values() {
            let pid = process.pid;
            if let Some(guest) = &process.guest {
                events.extend(guest.title_at.map(|at| (at, Event::Title(pid))));
                events.extend(guest.acpi_at.map(|at| (at, Event::Acpi(pid))));
                events.extend(guest.end.map(|(at, how)| (at, Event::End(pid, how))));
            }
            if let Some(supervisor) = &process.supervisor {
                events.extend(supervisor.due.map(|at| (at, Event::Restart(pid))));
            }
        }
        events.into_iter().min_by_key(|(at, _)| *at)
    }

    fn happen(&mut self, event: &Event) {
        match *event {
            Event::Title(pid) => {
                // setproctitle("%s", name), usr.sbin/bhyve/bhyverun.c
                if let Some(process) = self.state.processes.get_mut(&pid)
                    && let Some(guest) = &mut process.guest
                {
                    guest.title_at = None;
                    process.title = Some(format!("bhyve: {}", guest.vm));
                }
            }
            Event::Acpi(pid) => {
                // usr.sbin/bhyve/amd64/pm.c: SIGTERM is ignored and watched from now on.
                if let Some(process) = self.state.processes.get_mut(&pid)
                    && let Some(guest) = &mut process.guest
                {
                    guest.acpi_at = None;
                    process.sigignore |= SIGTERM_BIT;
                }
            }
            Event::End(pid, ending) => self.end_process(pid, ending.status()),
            Event::Restart(pid) => self.restart(pid),
        }
    }

    /// Records that the title of a process was seen: a guest with `since_seen` runs on for its time.
    pub fn be_seen(&mut self, pid: i32) {
        let now = self.state.clock_ms;
        let Some(process) = self.state.processes.get_mut(&pid) else {
            return;
        };
        let is_live = process.live.is_some();
        if let Some(guest) = &mut process.guest
            && let Some((after, ending)) = guest.end_once_seen.take()
        {
            guest.end = Some((now + after, ending));
            if is_live {
                self.outbox.push(Notice::Look(pid));
            }
        }
    }

    /// Lets time pass until a process has ended.
    pub fn wait_for(&mut self, pid: i32) -> Status {
        while self.state.processes.contains_key(&pid) {
            match self.next_event() {
                Some((at, _)) => self.advance_to(at),
                None => return Status::Hang,
            }
        }
        self.state.ended.get(&pid).copied().unwrap_or(Status::Hang)
    }

    /// Adds a process without events.
    pub fn add_process(&mut self, uid: u32, parent: i32, comm: &str, argv: &[&str]) -> i32 {
        let pid = self.state.next_pid;
        self.state.next_pid += 1;
        let process = Process {
            pid,
            ppid: parent,
            uid,
            ruid: uid,
            started_ms: self.state.clock_ms,
            rss: 3_200,
            sigignore: 0,
            comm: comm.into(),
            argv: argv.iter().map(ToString::to_string).collect(),
            title: None,
            jail: self.own_jail(),
            open: Default::default(),
            guest: None,
            supervisor: None,
            loads: None,
            live: None,
        };
        self.state.processes.insert(pid, process);
        pid
    }

    /// Adds the process of a call: its real process, or one that is only an entry here.
    pub fn add_called(&mut self, call: &Call) -> i32 {
        let words = call.argv.iter().map(|word| word.to_string_lossy());
        let words: Vec<_> = words.collect();
        let argv: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let pid = self.add_process(call.uid, call.parent, &call.program(), &argv);
        match call.pid.filter(|_| self.state.real_time) {
            Some(real) => {
                self.enliven(pid, real);
                real
            }
            None => pid,
        }
    }

    /// Makes a process that is only an entry a real one of this machine.
    pub fn enliven(&mut self, pid: i32, real: i32) {
        if let Some(mut process) = self.state.processes.remove(&pid) {
            process.pid = real;
            process.live = alive::birth(real);
            self.state.processes.insert(real, process);
        }
    }

    /// Records the end of real processes that a signal has ended outside of the simulated host.
    pub fn bury(&mut self) {
        let gone: Vec<i32> = self
            .state
            .processes
            .values()
            .filter(|process| {
                process
                    .live
                    .is_some_and(|live| alive::birth(process.pid) != Some(live))
            })
            .map(|process| process.pid)
            .collect();
        for pid in gone {
            // Another process may have this number now, and must get no signal.
            if let Some(process) = self.state.processes.get_mut(&pid) {
                process.live = None;
            }
            self.end_process(pid, Status::Signal(9));
        }
    }

    /// Ends a process with its effects: its open devices are closed, and a guest's VM node loses
    /// what its loader put there.
    pub fn end_process(&mut self, pid: i32, status: Status) {
        let Some(process) = self.state.processes.remove(&pid) else {
            return;
        };
        self.state.ended.insert(pid, status);
        if process.live.is_some() {
            self.outbox.push(Notice::Look(pid));
        }
        self.close_taps(pid);
        for (name, pair) in &mut self.state.nmdm {
            for end in [&mut pair.a, &mut pair.b] {
                if *end == Some(pid) {
                    *end = None;
                    if self.state.real_time {
                        self.outbox.push(Notice::Closed(name.clone()));
                    }
                }
            }
        }
        // sys/dev/nmdm/nmdm.c: a pair is destroyed when both ends are closed. A real pair does that itself.
        if !self.state.real_time {
            self.state
                .nmdm
                .retain(|_, pair| pair.a.is_some() || pair.b.is_some());
        }
        if let Some(guest) = process.guest {
            let powered_off = status == Status::Exit(1);
            if guest.destroy && powered_off {
                self.state.vms.remove(&guest.vm);
            } else if let Some(node) = self.state.vms.get_mut(&guest.vm) {
                node.loaded = false;
            }
        }
        if let Some(supervisor) = process.supervisor {
            for file in supervisor.pidfiles {
                let _ = self.files_mut().remove(&file);
            }
        }
        self.child_ended(pid);
    }

    /// daemon(8): starts the command again, or ends with it.
    fn child_ended(&mut self, child: i32) {
        let now = self.state.clock_ms;
        let Some(parent) = self.state.processes.values_mut().find(|process| {
            process
                .supervisor
                .as_ref()
                .is_some_and(|supervisor| supervisor.child == Some(child))
        }) else {
            return;
        };
        let pid = parent.pid;
        let Some(supervisor) = &mut parent.supervisor else {
            return;
        };
        supervisor.child = None;
        match supervisor.restart_ms {
            Some(delay) => supervisor.due = Some(now + delay),
            None => self.end_process(pid, Status::Exit(0)),
        }
    }

    fn restart(&mut self, pid: i32) {
        let Some(process) = self.state.processes.get_mut(&pid) else {
            return;
        };
        let (uid, Some(supervisor)) = (process.uid, &mut process.supervisor) else {
            return;
        };
        supervisor.due = None;
        let command = supervisor.command.clone();
        super::daemon::start_child(self, pid, uid, &command);
    }

    /// Sends a signal, as kill(2) does for this user.
    pub fn signal(&mut self, pid: i32, signal: i32, uid: u32) -> Result<(), Errno> {
        let process = self.state.processes.get(&pid).ok_or(Errno::NoEntry)?;
        if !self.sees(uid, process) {
            return Err(Errno::NoEntry);
        }
        // cr_cansignal() in sys/kern/kern_prot.c: a set-uid program is still its real user's.
        if uid != 0 && uid != process.ruid {
            return Err(Errno::NotPermitted);
        }
        let ignored = (1..=32).contains(&signal)
            && signal != 9
            && process.sigignore & (1 << (signal - 1)) != 0;
        match signal {
            // Signals that stop a process stop none here.
            0 | 16..=23 | 28 | 29 => {}
            15 if ignored => self.press_power_button(pid),
            _ if ignored => {}
            // The real process handles the signal itself.
            _ if process.is_free() => self.outbox.push(Notice::Signal(pid, signal)),
            15 if process.supervisor.is_some() => {
                // A supervising daemon forwards it and exits at once (usr.sbin/daemon/daemon.c).
                let child = process.supervisor.as_ref().and_then(|daemon| daemon.child);
                if let Some(daemon) = self.state.processes.get_mut(&pid)
                    && let Some(supervisor) = &mut daemon.supervisor
                {
                    supervisor.child = None;
                }
                self.end_process(pid, Status::Exit(0));
                if let Some(child) = child {
                    let _ = self.signal(child, 15, 0);
                }
            }
            _ => {
                if process.live.is_some() {
                    self.outbox.push(Notice::Signal(pid, signal));
                }
                self.end_process(pid, Status::Signal(signal));
            }
        }
        Ok(())
    }

    /// The ACPI power button: latched until the guest has acknowledged it (amd64/pm.c).
    fn press_power_button(&mut self, pid: i32) {
        let now = self.state.clock_ms;
        let Some(guest) = self
            .state
            .processes
            .get_mut(&pid)
            .and_then(|process| process.guest.as_mut())
        else {
            return;
        };
        if guest.pressed {
            return;
        }
        guest.pressed = true;
        let vm = guest.vm.clone();
        let Some(delay) = self.state.plan_of(&vm).button_ms else {
            return;
        };
        if let Some(guest) = self
            .state
            .processes
            .get_mut(&pid)
            .and_then(|process| process.guest.as_mut())
            && guest.end.is_none_or(|(at, _)| at > now + delay)
        {
            guest.end = Some((now + delay, Ending::PowerOff));
        }
        self.outbox.push(Notice::Look(pid));
    }

    /// Whether a user can see a process: `security.bsd.see_other_uids`, jail(8).
    pub fn sees(&self, uid: u32, process: &Process) -> bool {
        if self.state.jailed && process.jail != self.own_jail() {
            return false;
        }
        uid == 0 || uid == process.ruid || self.state.number("security.bsd.see_other_uids") != 0
    }

    /// The jail of all callers; 0 is none.
    fn own_jail(&self) -> i32 {
        i32::from(self.state.jailed)
    }

    /// The jail of a process as a caller sees it: 0 for a process of the caller's own jail
    /// (`fill_kinfo_proc_only()` in sys/kern/kern_proc.c).
    pub fn jail_of(&self, process: &Process) -> i32 {
        if process.jail == self.own_jail() {
            0
        } else {
            process.jail
        }
    }

    /// The pid in a pid file.
    pub fn pid_in(&self, path: &Path) -> Option<i32> {
        let content = self.files().read(path).ok()?;
        String::from_utf8_lossy(&content).trim().parse().ok()
    }
}
