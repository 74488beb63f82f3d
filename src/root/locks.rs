//! The locks of the root side: a VM, its disks, and during a start the host's network.

use super::message::Message;
use crate::error::{Error, Result};
use crate::host::{Host, Lock, LockResult};
use crate::model::Vm;
use crate::model::name::VmName;
use crate::operation::plan_context::PlanContext;
use crate::operation::refuse::state::{see_log, stopped};
use crate::operation::{Job, Locks, Request};
use crate::process::Process;
use crate::run::progress::{FRAME, Progress};
use crate::run::{self, Observer, Output};
use crate::session::Session;
use std::collections::BTreeMap;
use std::time::Duration;

/// The time between two attempts to lock.
const EVERY: Duration = Duration::from_millis(50);

/// How long one other start may hold the lock of the host's network.
const NETWORK_LIMIT: Duration = Duration::from_secs(30);

/// Locks the VM, and its disks if the job needs them.
///
/// # Errors
/// If another process holds a lock: the error contains the state of the VM, or else the holder.
pub(super) fn lock_vm(
    session: &mut Session<'_, '_>,
    request: &Request,
    vm: &Vm,
    patience: Duration,
    observer: &mut dyn Observer,
) -> Result<()> {
    let process = session.process;
    let note = format!("{} {}", process.pid, request.job.does());
    let what = format!("waiting for the locks of {}", vm.name);
    let mut wait = LockWait::new(&what, patience, session.host);
    let lock = Lock::Vm(vm.name.clone());
    if let Some(by) = lock_until(session, &lock, &note, &mut wait, observer)? {
        // The state of the VM is more informative than the lock.
        stopped(&mut PlanContext::of(session), vm, &[])?;
        return Err(Error::state(format!("{} {}", vm.name, used_by(&by)))
            .help("wait, and check the state: easy-bhyve status"));
    }
    // A disk that is about to be created is also locked.
    let (makes, number) = match request.job.locks() {
        Locks::Nothing | Locks::Vm => return Ok(()),
        Locks::VmAndDisks => (false, usize::MAX),
        Locks::VmAndNewDisk => (true, 1),
    };
    let disks = vm.disks.iter().take(number);
    for disk in disks {
        let lock = Lock::Disk(disk.path.clone());
        let there = session.host.exists(&disk.path).unwrap_or(false);
        // The plan reports a missing disk.
        if !there && !makes {
            continue;
        }
        let note = format!("{} {}", process.pid, vm.name);
        if let Some(by) = lock_until(session, &lock, &note, &mut wait, observer)? {
            let (pid, other) = by.split_once(' ').unwrap_or((&by, "another VM"));
            return Err(Error::state(format!(
                "{} is a disk of {other}, which is in use by pid {pid}",
                disk.path.display()
            ))
            .at(disk.origin)
            .note("two VMs that write to one disk corrupt its content")
            .help(format!(
                "end that VM first, or use another disk for {}",
                vm.name
            )));
        }
    }
    Ok(())
}

/// Acquires a lock, waiting for the process that holds it up to the limit. Returns the note of the
/// holder if the lock is still held then.
fn lock_until(
    session: &mut Session<'_, '_>,
    lock: &Lock,
    note: &str,
    wait: &mut LockWait<'_>,
    observer: &mut dyn Observer,
) -> Result<Option<String>> {
    while let LockResult::Held(by) = wait.lock(session, lock, note)? {
        if wait.is_over(session.host) {
            wait.end(session.output);
            return Ok(Some(by));
        }
        wait.pause(session, observer)?;
    }
    Ok(None)
}

/// A wait for locks. Most waits are too short for a display.
struct LockWait<'wait> {
    what: &'wait str,
    began: Duration,
    limit: Duration,
    progress: Option<Progress<'wait>>,
}

impl<'wait> LockWait<'wait> {
    fn new(what: &'wait str, limit: Duration, host: &mut dyn Host) -> Self {
        Self {
            what,
            began: host.uptime(),
            limit,
            progress: None,
        }
    }

    fn is_over(&self, host: &mut dyn Host) -> bool {
        host.uptime() >= self.began + self.limit
    }

    /// Tries to lock; ends the display unless another process holds the lock.
    fn lock(
        &mut self,
        session: &mut Session<'_, '_>,
        lock: &Lock,
        note: &str,
    ) -> Result<LockResult> {
        let result = session.host.lock(lock, note);
        if !matches!(result, Ok(LockResult::Held(_))) {
            self.end(session.output);
        }
        result.map_err(|error| no_lock(session.process, &error))
    }

    fn pause(&mut self, session: &mut Session<'_, '_>, observer: &mut dyn Observer) -> Result<()> {
        let (host, output) = (&mut *session.host, &mut *session.output);
        let waited = host.uptime().saturating_sub(self.began);
        match &mut self.progress {
            Some(progress) => progress.pause(EVERY, waited, host, output),
            None if waited < FRAME => host.pause(EVERY),
            None => {
                let progress = Progress::begin(self.what, self.limit, host, observer);
                self.progress = Some(progress);
            }
        }
        run::check_interrupt(host).inspect_err(|_| self.end(output))
    }

    fn end(&mut self, output: &mut Output<'_>) {
        if let Some(progress) = self.progress.take() {
            progress.end(output);
        }
    }
}

/// How long a process that is exiting may hold the lock: timeout(1), whose loader was ended.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Locks VMs that have ended while their resources are freed. This prevents a start of these VMs,
/// unless the start has already acquired the lock.
#[derive(Debug)]
pub(super) struct Freeing {
    note: String,
    /// The notes of other processes that hold the lock of a VM.
    taken: BTreeMap<VmName, String>,
    /// Whether a caller displays the progress.
    reports: bool,
}

impl Freeing {
    /// For this process and its job; `reports`: a caller displays the progress.
    pub(super) fn new(process: &Process, job: &Job, reports: bool) -> Self {
        Self {
            reports,
            note: format!("{} {}", process.pid, job.does()),
            taken: BTreeMap::new(),
        }
    }

    /// The result of the freeing.
    ///
    /// # Errors
    /// If another process has acquired the lock of a VM.
    pub(super) fn result(self, vms: &[Vm]) -> Result<()> {
        let Some((name, by)) = self.taken.into_iter().next() else {
            return Ok(());
        };
        let error = Error::state(format!("{name} has ended, and {}", used_by(&by)))
            .help("check its state: easy-bhyve status");
        let vm = vms.iter().find(|vm| vm.name == name);
        Err(vm.map(see_log).into_iter().fold(error, Error::help))
    }
}

impl Observer for Freeing {
    fn waits(&mut self, host: &mut dyn Host, what: &str, limit: Duration) -> bool {
        if self.reports {
            // A caller that has exited ends the run elsewhere.
            let _ = host.report(&Message::waiting(what, limit).line());
        }
        self.reports
    }

    fn is_ours(&mut self, host: &mut dyn Host, vm: &VmName, or: Option<u32>) -> bool {
        if self.taken.contains_key(vm) {
            return false;
        }
        let until = host.uptime() + LAST_MOMENT;
        loop {
            // If locks are unavailable, no other process can start the VM.
            let Ok(LockResult::Held(by)) = host.lock(&Lock::Vm(vm.clone()), &self.note) else {
                return true;
            };
            let pid = by.split(' ').next().and_then(|pid| pid.parse().ok());
            if or.is_some() && pid == or {
                return true;
            }
            if host.uptime() >= until {
                self.taken.insert(vm.clone(), by);
                return false;
            }
            host.pause(EVERY);
        }
    }
}

/// The activity of the holder of a lock, as words after the VM's name.
fn used_by(note: &str) -> String {
    match note.split_once(' ') {
        Some((pid, does)) => format!("{does} by pid {pid}"),
        // The holder has not written its note yet.
        None => "is in use by another process".to_owned(),
    }
}

fn no_lock(process: &Process, error: &std::io::Error) -> Error {
    Error::host(format!(
        "could not create a lock in {}: {error}",
        process.run.display()
    ))
    .help(
        run::remedy(error, &process.run.join("lock")).unwrap_or_else(|| {
            format!(
                "the directory must be owned by root and writable only by root: ls -ld {}",
                process.run.display()
            )
        }),
    )
}

/// Locks the host's network: all VMs share the bridges, and two simultaneous starts would create the
/// same bridge. Waits for earlier starts.
///
/// # Errors
/// If an earlier start does not finish in time, or this process is interrupted.
pub(super) fn lock_network(
    session: &mut Session<'_, '_>,
    vm: &Vm,
    observer: &mut dyn Observer,
) -> Result<()> {
    let note = format!("{} {}", session.process.pid, vm.name);
    let what = "waiting for another start, which sets up the network";
    let mut holder = String::new();
    let mut wait = LockWait::new(what, NETWORK_LIMIT, session.host);
    loop {
        let by = match wait.lock(session, &Lock::Network, &note)? {
            LockResult::Acquired => return Ok(()),
            LockResult::Held(by) => by,
        };
        if by != holder {
            wait.end(session.output);
            (holder, wait) = (by, LockWait::new(what, NETWORK_LIMIT, session.host));
        } else if wait.is_over(session.host) {
            wait.end(session.output);
            let (pid, other) = holder.split_once(' ').unwrap_or((&holder, "another VM"));
            return Err(Error::host(format!(
                "could not set up the network of {}: pid {pid} has been setting up that of {other} \
                 for {} s",
                vm.name,
                NETWORK_LIMIT.as_secs()
            ))
            .help(format!(
                "as root, see what the process waits for: procstat -kk {pid}"
            )));
        }
        wait.pause(session, observer)?;
    }
}
