//! Reports the events of a VM: to the waiting caller, to the log, and in the record.

use super::allowance::Allowance;
use super::locks::acquire;
use super::message::Message;
use crate::error::{Error, Result};
use crate::host::{Host, Lock};
use crate::model::Vm;
use crate::model::name::{Snapshot, VmName};
use crate::operation::boot::temp::Resized;
use crate::operation::timings::{Part, Stopwatch, Took};
use crate::process::{Clock, Process};
use crate::run::{self, Observer, Phase, READER_GONE, RoundEnd};
use crate::session::Session;
use crate::survey::record::{LastEnd, Phase as Noted, Record};
use crate::vis;
use std::path::PathBuf;
use std::time::Duration;

/// How long an undo waits for other starts that use the host's network.
const UNDO_LIMIT: Duration = Duration::from_secs(5);

/// The reports about one VM.
pub(super) struct Journal<'run> {
    vm: &'run VmName,
    clock: Clock,
    /// The directory of its log.
    logs: PathBuf,
    /// The directory of its record.
    run: PathBuf,
    state: Record,
    guest: Guest,
    /// Whether a caller waits for reports until the guest runs.
    reports: bool,
    /// Whether the guest is loaded only after the caller allows it.
    pub waits: bool,
    /// Whether the log could not be written, which is reported once.
    is_log_lost: bool,
    /// A note that could not be reported because no caller waited.
    pub unheard: Option<String>,
    rounds: u32,
    /// The disks that have grown during a temporary run which has ended.
    resized: Vec<Resized>,
    /// Measures the start, if the request asks for timings.
    pub stopwatch: Option<Stopwatch>,
    /// How long the phases of the start took, if no caller waited.
    pub took: Option<Took>,
    /// The rate limit for the output of the loader and bhyve(8).
    allowance: Allowance,
}

/// The progress of a guest in the present round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guest {
    /// No loader has been started in any round.
    NotLoaded,
    /// The loader was started, and the guest was not seen running yet.
    Loading,
    /// The guest was seen running, or has ended.
    Seen,
}

impl<'run> Journal<'run> {
    /// The reports about a VM that is about to be started; `reports`: a caller waits for them.
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
            run: process.run.clone(),
            state: Record::new(process.pid, since, host.uptime()),
            guest: Guest::NotLoaded,
            reports,
            waits: false,
            is_log_lost: false,
            unheard: None,
            rounds: 0,
            resized: Vec::new(),
            stopwatch: None,
            took: None,
            allowance: Allowance::default(),
        }
    }

    /// Records the cpus and the memory with which the guest is started.
    pub(super) fn is_given(&mut self, vm: &Vm) {
        self.state.cpu = Some(vm.cpu.to_string());
        self.state.mem = Some(vm.mem.to_string());
    }

    /// Records the snapshots that temporary runs have left, and those of this run.
    pub(super) fn without_trace(&mut self, snapshots: &[Snapshot]) {
        self.state.temp = snapshots.iter().map(Snapshot::to_string).collect();
    }

    /// Whether the log has more about the run than a failure: a loader has run.
    pub(super) fn has_loaded(&self) -> bool {
        self.guest != Guest::NotLoaded && !self.is_log_lost
    }

    /// Reports to the caller, if one waits.
    ///
    /// # Errors
    /// If the caller has exited.
    pub(super) fn report(&mut self, host: &mut dyn Host, report: &Message) -> Result<()> {
        if !self.reports {
            return Ok(());
        }
        host.report(&report.line())
            .map_err(|_| Error::host(READER_GONE))
    }

    /// Reports a note to the log, and to the caller if one waits; returns whether one does.
    ///
    /// # Errors
    /// If the caller has exited.
    pub(super) fn tells(&mut self, host: &mut dyn Host, note: &str) -> Result<bool> {
        self.log(host, note);
        self.report(host, &Message::Note(note.to_owned()))?;
        Ok(self.reports)
    }

    /// Begins a phase of the start.
    pub(super) fn begins_part(&mut self, part: Part, now: Duration) {
        if let Some(stopwatch) = &mut self.stopwatch {
            stopwatch.begin(part, now);
        }
    }

    /// Ends the last phase of the start: the guest runs.
    fn ends_parts(&mut self, host: &mut dyn Host) {
        let took = self.stopwatch.take();
        self.took = took.map(|stopwatch| stopwatch.stop(host.uptime()));
        if self.reports
            && let Some(took) = self.took.take()
        {
            // The guest runs: ignore that the caller has exited.
            let _ = self.report(host, &Message::Took(took));
        }
    }

    /// Adds a text of this process to the log, with the time.
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
                Some(remedy) => format!("the log cannot be written: {error}; {remedy}"),
                None => format!("the log cannot be written: {error}"),
            };
            if !self.reports {
                self.unheard = Some(note);
                return;
            }
            // The note is only a warning: ignore that the caller has exited.
            let _ = self.report(host, &Message::Note(note));
        }
    }

    /// Records the phase. A failure is ignored, because a record is only a hint.
    fn note(&mut self, host: &mut dyn Host, phase: Noted) {
        self.state.phase = phase;
        let _ = host.record(self.vm, &self.state.text());
    }

    /// Remembers an end of the guest for the record.
    fn remember(
        &mut self,
        host: &mut dyn Host,
        status: Option<i32>,
        reason: String,
        crashed: bool,
    ) {
        let when = self.clock.now().format("%Y-%m-%d %H:%M:%S").to_string();
        self.state.last_end = Some(LastEnd {
            when,
            uptime: host.uptime().as_secs(),
            status,
            reason,
            crashed,
        });
    }

    /// Reports the start; the next step sets up the network.
    ///
    /// # Errors
    /// If the caller has exited.
    pub(super) fn begins(&mut self, host: &mut dyn Host) -> Result<()> {
        let earlier = Record::of(host, &self.run, self.vm);
        self.state.last_end = earlier.and_then(|earlier| earlier.last_end);
        self.note(host, Noted::Network);
        self.report(host, &Message::Network)
    }

    /// Logs the end: no process runs, and all resources are free; or else the error of `result`.
    pub(super) fn has_ended(&mut self, host: &mut dyn Host, result: &Result<()>) {
        match result {
            Ok(()) => self.log(host, "ended: all resources are free"),
            Err(error) => {
                if self.guest == Guest::Loading {
                    let reason = format!("did not start: {}", error.what);
                    self.remember(host, None, reason, false);
                }
                self.fails(host, error);
            }
        }
        let left = self.state.left(host);
        for one in std::mem::take(&mut self.resized) {
            if left
                .as_ref()
                .is_ok_and(|left| !left.contains(&one.snapshot))
            {
                self.log(host, &one.has_been());
            }
        }
        match left {
            Ok(left) if left.is_empty() => self.is_free(host),
            // `status`, `clean` and the next start read the record.
            Ok(_) | Err(_) => self.note(host, Noted::Ending),
        }
    }

    /// Logs the end of a VM whose killed supervisor left the record `noted`; `stays`: snapshots of the
    /// run exist.
    pub(super) fn is_over(&mut self, host: &mut dyn Host, noted: Record, stays: bool) {
        let is_known = noted.phase == Noted::Ending;
        self.state = noted;
        if !is_known {
            self.log(host, "ended without its supervisor: all resources are free");
            let reason = "ended without its supervisor".to_owned();
            self.remember(host, None, reason, false);
        }
        if stays {
            self.note(host, Noted::Ending);
        } else {
            self.is_free(host);
        }
    }

    /// Records that nothing of the run is left.
    fn is_free(&mut self, host: &mut dyn Host) {
        self.state.bhyve = None;
        self.state.temp.clear();
        self.note(host, Noted::Ended);
    }

    /// Reports a note to the caller, or on standard error if none waits.
    ///
    /// # Errors
    /// If the caller has exited.
    pub(super) fn remark(&mut self, session: &mut Session<'_, '_>, text: String) -> Result<()> {
        if self.reports {
            return self.report(session.host, &Message::Note(text));
        }
        session.say(&text);
        Ok(())
    }

    /// Reports a failure to the log.
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
                // The network is complete: the next start may query it.
                host.unlock(&Lock::Network);
                self.rounds += 1;
                self.guest = Guest::Loading;
                self.state.restarts = self.rounds - 1;
                self.state.bhyve = None;
                self.begins_part(Part::Loader, host.uptime());
                self.note(host, Noted::Loader);
                self.report(host, &Message::Loader)?;
                if std::mem::take(&mut self.waits) {
                    host.await_go().map_err(|_| Error::host(READER_GONE))?;
                }
                Ok(())
            }
            Phase::Starting(pid) => {
                self.begins_part(Part::Start, host.uptime());
                self.state.bhyve = Some(pid);
                self.note(host, Noted::Starting);
                self.report(host, &Message::Starting(pid))
            }
            Phase::Running(pid) => {
                self.guest = Guest::Seen;
                self.ends_parts(host);
                self.note(host, Noted::Running);
                let again = if self.rounds > 1 { " again" } else { "" };
                self.log(host, &format!("started{again}: bhyve is pid {pid}"));
                if !self.reports {
                    return Ok(());
                }
                // The guest runs: ignore that the caller has exited.
                let _ = self.report(host, &Message::Running(pid));
                self.reports = false;
                host.let_go().map_err(|error| {
                    Error::host(format!("could not detach from the caller: {error}"))
                })
            }
        }
    }

    fn waits(&mut self, host: &mut dyn Host, what: &str, limit: Duration) -> bool {
        // A caller that has exited interrupts the wait.
        let _ = self.report(host, &Message::waiting(what, limit));
        self.reports
    }

    fn said(&mut self, host: &mut dyn Host, lines: &[u8]) {
        let lines = vis::lines_of(lines).map(|line| format!("{line}\n"));
        let text: String = lines.collect();
        let (dropped, kept) = self.allowance.of(&text, host.uptime());
        if dropped.is_some() || !kept.is_empty() {
            self.write(host, dropped.as_deref(), kept);
        }
    }

    fn ended(&mut self, host: &mut dyn Host, end: RoundEnd<'_>) {
        let next = if end.again { "; starting again" } else { "" };
        self.log(host, &format!("the guest {}{next}", end.how));
        self.guest = Guest::Seen;
        self.remember(host, end.status, end.how.to_owned(), end.is_crash);
        if !end.again {
            self.resized = Resized::of(host, &self.state.temp);
            self.note(host, Noted::Ending);
        }
    }

    fn takes_back(&mut self, host: &mut dyn Host) {
        self.note(host, Noted::Ending);
        // A bridge is destroyed only if no other start is about to use the bridge. If another start
        // holds the lock longer than the limit, the undo continues without the lock.
        let note = format!("{} {}", self.state.supervisor, self.vm);
        let until = host.uptime() + UNDO_LIMIT;
        let _ = acquire(host, &Lock::Network, &note, |host, _| {
            host.uptime() >= until
        });
    }
}
