//! Tells of the life of a VM: to the caller who waits, to the log, and to the state beside the lock.

use super::allowance::Allowance;
use super::message::Message;
use crate::error::{Error, Result};
use crate::host::{Host, Lock, LockResult};
use crate::model::name::{Snapshot, VmName};
use crate::process::{Clock, Process};
use crate::run::{self, Observer, Phase, READER_GONE};
use crate::session::Session;
use crate::survey::record::{Phase as Noted, Record};
use crate::vis;
use std::path::PathBuf;
use std::time::Duration;

/// How long an undo waits for other starts to be done with the host's network.
const UNDO_LIMIT: Duration = Duration::from_secs(5);

/// The life of one VM as it is told.
pub(super) struct Journal<'run> {
    vm: &'run VmName,
    clock: Clock,
    /// Where its log lies.
    logs: PathBuf,
    state: Record,
    /// Whether somebody waits for the report until the guest runs.
    reports: bool,
    /// Whether the caller says when the guest may be loaded.
    pub waits: bool,
    /// Whether the log could not be written: that is said once.
    is_log_lost: bool,
    /// What nobody was there to hear.
    pub unheard: Option<String>,
    rounds: u32,
    /// For what its loader and its bhyve(8) say.
    allowance: Allowance,
}

impl<'run> Journal<'run> {
    /// The life of a VM that is about to be started; `reports`: to a caller who waits.
    pub(super) fn new(
        vm: &'run VmName,
        process: &Process,
        reports: bool,
        host: &mut dyn Host,
    ) -> Self {
        let since = process.clock.now().format("%Y-%m-%d %H:%M:%S").to_string();
        Self {
            vm,
            clock: process.clock,
            logs: process.logs.clone(),
            state: Record::new(process.pid, since, host.uptime()),
            reports,
            waits: false,
            is_log_lost: false,
            unheard: None,
            rounds: 0,
            allowance: Allowance::default(),
        }
    }

    /// Notes what runs without a trace have left, and to what this one rolls back at its end.
    pub(super) fn without_trace(&mut self, snapshots: &[Snapshot]) {
        self.state.temp = snapshots.iter().map(Snapshot::to_string).collect();
    }

    /// Reports to the caller, if one waits.
    ///
    /// # Errors
    /// If the caller has gone.
    pub(super) fn report(&mut self, host: &mut dyn Host, report: &Message) -> Result<()> {
        if !self.reports {
            return Ok(());
        }
        host.report(&report.line())
            .map_err(|_| Error::host(READER_GONE))
    }

    /// Tells something that is no failure to the caller, if one waits, and to the log; whether one does.
    ///
    /// # Errors
    /// If the caller has gone.
    pub(super) fn tells(&mut self, host: &mut dyn Host, note: &str) -> Result<bool> {
        self.log(host, note);
        self.report(host, &Message::Note(note.to_owned()))?;
        Ok(self.reports)
    }

    /// Adds to the log what this process has to say, with the time.
    pub(super) fn log(&mut self, host: &mut dyn Host, what: &str) {
        let dropped = self.allowance.told();
        self.write(host, dropped.as_deref(), what);
    }

    /// Adds lines to the log, with the time.
    fn write(&mut self, host: &mut dyn Host, dropped: Option<&str>, what: &str) {
        let time = self.clock.now().format("%Y-%m-%d %H:%M:%S");
        let lines: Vec<String> = dropped
            .into_iter()
            .chain(what.lines())
            .map(|line| format!("{time} {}\n", vis::line(line)))
            .collect();
        let Err(error) = host.log(self.vm, &lines.concat()) else {
            return;
        };
        if !self.is_log_lost {
            self.is_log_lost = true;
            let note = match run::remedy(&error, &self.logs.join("log")) {
                Some(remedy) => format!("its log is not written: {error}; {remedy}"),
                None => format!("its log is not written: {error}"),
            };
            if !self.reports {
                self.unheard = Some(note);
                return;
            }
            // It is a warning: who does not hear it has not asked.
            let _ = self.report(host, &Message::Note(note));
        }
    }

    /// Notes the state; where that cannot be done nobody believes what stands there.
    fn note(&mut self, host: &mut dyn Host, phase: Noted) {
        self.state.phase = phase;
        let _ = host.record(self.vm, Some(&self.state.text()));
    }

    /// The beginning: the network is made.
    ///
    /// # Errors
    /// If the caller has gone.
    pub(super) fn begins(&mut self, host: &mut dyn Host) -> Result<()> {
        self.note(host, Noted::Network);
        self.report(host, &Message::Network)
    }

    /// The end: nothing runs, and everything is free or said not to be.
    pub(super) fn has_ended(&mut self, host: &mut dyn Host, result: &Result<()>) {
        match result {
            Ok(()) => self.log(host, "ended: everything is free"),
            Err(error) => self.fails(host, error),
        }
        match self.state.left(host) {
            Ok(left) if left.is_empty() => {
                let _ = host.record(self.vm, None);
            }
            // It tells `status`, `clean` and the next start.
            Ok(_) | Err(_) => self.note(host, Noted::Ending),
        }
    }

    /// The end of one whose supervisor has noted this and was killed; `stays`: something of it does.
    pub(super) fn is_over(&mut self, host: &mut dyn Host, noted: Record, stays: bool) {
        if noted.phase != Noted::Ending {
            self.log(host, "ended without its supervisor: everything is free");
        }
        if stays {
            self.state = noted;
            self.note(host, Noted::Ending);
        } else {
            let _ = host.record(self.vm, None);
        }
    }

    /// Tells the caller something that is no failure.
    ///
    /// # Errors
    /// If the caller has gone.
    pub(super) fn remark(&mut self, session: &mut Session<'_, '_>, text: String) -> Result<()> {
        if self.reports {
            return self.report(session.host, &Message::Note(text));
        }
        session.say(&text);
        Ok(())
    }

    /// Tells the log of a failure.
    pub(super) fn fails(&mut self, host: &mut dyn Host, error: &Error) {
        let mut text = format!("failed: {}", error.what);
        for line in error.notes.iter().chain(&error.help) {
            text.push_str("\n  ");
            text.push_str(line);
        }
        self.log(host, &text);
    }
}

impl Observer for Journal<'_> {
    fn phase(&mut self, host: &mut dyn Host, phase: Phase) -> Result<()> {
        match phase {
            Phase::Loading => {
                // The network is there, and the next start may look at it.
                host.unlock(&Lock::Network);
                self.rounds += 1;
                self.state.restarts = self.rounds - 1;
                self.state.bhyve = None;
                self.note(host, Noted::Loader);
                self.report(host, &Message::Loader)?;
                if std::mem::take(&mut self.waits) {
                    host.await_go().map_err(|_| Error::host(READER_GONE))?;
                }
                Ok(())
            }
            Phase::Starting(pid) => {
                self.state.bhyve = Some(pid);
                self.note(host, Noted::Starting);
                self.report(host, &Message::Starting(pid))
            }
            Phase::Running(pid) => {
                self.note(host, Noted::Running);
                let again = if self.rounds > 1 { " again" } else { "" };
                self.log(host, &format!("started{again}: bhyve is pid {pid}"));
                if !self.reports {
                    return Ok(());
                }
                // It runs: a caller who has gone by now only does not hear of it.
                let _ = self.report(host, &Message::Running(pid));
                self.reports = false;
                host.let_go().map_err(|error| {
                    Error::host(format!("could not let go of the caller: {error}"))
                })
            }
        }
    }

    fn said(&mut self, host: &mut dyn Host, lines: &[u8]) {
        let lines = vis::lines_of(lines).map(|line| format!("{line}\n"));
        let text: String = lines.collect();
        let (dropped, kept) = self.allowance.of(&text, host.uptime());
        if dropped.is_some() || !kept.is_empty() {
            self.write(host, dropped.as_deref(), kept);
        }
    }

    fn ended(&mut self, host: &mut dyn Host, how: &str, again: bool) {
        let next = if again { "; it starts again" } else { "" };
        self.log(host, &format!("the guest {how}{next}"));
        if !again {
            self.note(host, Noted::Ending);
        }
    }

    fn takes_back(&mut self, host: &mut dyn Host) {
        self.note(host, Noted::Ending);
        // A bridge goes only if no other start is about to use it. Where one has it for too long,
        // what is ours goes all the same.
        let note = format!("{} {}", self.state.supervisor, self.vm);
        let until = host.uptime() + UNDO_LIMIT;
        while matches!(host.lock(&Lock::Network, &note), Ok(LockResult::Held(_)))
            && host.uptime() < until
        {
            host.pause(Duration::from_millis(50));
        }
    }
}
