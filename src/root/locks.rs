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
use crate::span::Span;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
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
    let locks = request.job.locks();
    let lock = Lock::Vm(vm.name.clone());
    if !matches!(locks, Locks::Size(_) | Locks::NewDisk(_) | Locks::Nothing)
        && let Some(by) = acquire_until(session, &lock, &note, &mut wait, observer)?
    {
        // The state of the VM is more informative than the lock.
        let stopped = stopped(&mut PlanContext::of(session), vm, &[]);
        stopped.map_err(|mut error| {
            error.help.extend(request.job.while_it_runs(vm));
            error
        })?;
        return Err(busy(&vm.name, &by, vm));
    }
    let new = request.job.new_names(vm, &process.devices);
    for name in new.vms {
        let lock = Lock::Vm(name.clone());
        if let Some(by) = acquire_until(session, &lock, &note, &mut wait, observer)? {
            return Err(busy(&name, &by, vm));
        }
    }
    let new = new.files.iter().map(|path| {
        let (noun, origin) = ("disk or a store of UEFI variables", None);
        (File { path, noun, origin }, Lock::Disk(path.clone()))
    });
    for (file, lock) in files(session.host, vm, locks).into_iter().chain(new) {
        let note = format!("{} {}", process.pid, vm.name);
        if let Some(by) = acquire_until(session, &lock, &note, &mut wait, observer)? {
            return Err(file.in_use(vm, &lock, &by));
        }
    }
    Ok(())
}

/// The error for a VM whose lock another process holds.
fn busy(name: &VmName, by: &str, vm: &Vm) -> Error {
    Error::state(format!("{name} {}", used_by(by))).help(format!(
        "wait, and check the state: {}",
        vm.spelling.command("status")
    ))
}

/// A disk or a store of UEFI variables.
struct File<'vm> {
    path: &'vm Path,
    /// What the file is, in a message.
    noun: &'static str,
    origin: Option<Span>,
}

/// The locks of files that a job needs, each with its file. A missing disk is locked only if the job makes
/// the disk; otherwise the plan reports it. A missing store is locked, because a start makes it.
fn files<'vm>(host: &mut dyn Host, vm: &'vm Vm, locks: Locks) -> Vec<(File<'vm>, Lock)> {
    let mut found = Vec::new();
    for disk in &vm.disks {
        let is_there = host.exists(&disk.path).unwrap_or(false);
        let is_it = |number: u8| disk.number == number;
        let (disk_itself, size) = match locks {
            Locks::Nothing | Locks::Vm | Locks::VmAndStore => (false, false),
            Locks::VmAndDisks => (is_there, false),
            Locks::VmAndNewDisk(number) | Locks::NewDisk(number) => (is_it(number), false),
            Locks::Size(number) => (false, is_there && is_it(number)),
            Locks::VmAndSize(number) => (is_there, is_there && is_it(number)),
        };
        let file = || File {
            path: &disk.path,
            noun: "disk",
            origin: disk.origin,
        };
        found.extend(disk_itself.then(|| (file(), Lock::Disk(disk.path.clone()))));
        found.extend(size.then(|| (file(), Lock::Size(disk.path.clone()))));
    }
    let has_store = matches!(locks, Locks::VmAndDisks | Locks::VmAndStore);
    let store = vm.uefi().filter(|_| has_store).map(|uefi| File {
        path: &uefi.vars,
        noun: "store of UEFI variables",
        origin: uefi.origin,
    });
    found.extend(store.map(|store| {
        let lock = Lock::Disk(store.path.to_owned());
        (store, lock)
    }));
    found
}

impl File<'_> {
    /// The error for a file whose lock another process holds.
    fn in_use(&self, vm: &Vm, lock: &Lock, by: &str) -> Error {
        let (pid, other) = by.split_once(' ').unwrap_or((by, "another VM"));
        let (path, noun) = (self.path.display(), self.noun);
        if matches!(lock, Lock::Size(_)) {
            return Error::state(format!("{path} is being resized by pid {pid}"))
                .at(self.origin)
                .help("wait until that process has finished, and repeat the command");
        }
        Error::state(format!(
            "{path} is a {noun} of {other}, which is in use by pid {pid}"
        ))
        .at(self.origin)
        .note(format!(
            "two VMs that write to one {noun} corrupt its content"
        ))
        .help(format!(
            "end that VM first, or use another {noun} for {}",
            vm.name
        ))
    }
}

/// Acquires a lock, waiting for the process that holds it. Returns the note of the holder once
/// `is_enough` says so of that note.
pub(super) fn acquire(
    host: &mut dyn Host,
    lock: &Lock,
    note: &str,
    mut is_enough: impl FnMut(&mut dyn Host, &str) -> bool,
) -> io::Result<Option<String>> {
    loop {
        match host.lock(lock, note)? {
            LockResult::Acquired => return Ok(None),
            LockResult::Held(by) if is_enough(host, &by) => return Ok(Some(by)),
            LockResult::Held(_) => host.pause(EVERY),
        }
    }
}

/// The same until the limit of the wait, or until this process is interrupted.
fn acquire_until(
    session: &mut Session<'_, '_>,
    lock: &Lock,
    note: &str,
    wait: &mut LockWait<'_>,
    observer: &mut dyn Observer,
) -> Result<Option<String>> {
    let (host, output) = (&mut *session.host, &mut *session.output);
    let held = acquire(host, lock, note, |host, _| {
        wait.is_enough(host, observer, output)
    });
    wait.end(output);
    let held = held.map_err(|error| no_lock(session.process, &error))?;
    if held.is_some() {
        run::check_interrupt(host)?;
    }
    Ok(held)
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

    /// Whether the wait has lasted long enough, or this process is interrupted; else displays it.
    fn is_enough(
        &mut self,
        host: &mut dyn Host,
        observer: &mut dyn Observer,
        output: &mut Output<'_>,
    ) -> bool {
        let waited = host.uptime().saturating_sub(self.began);
        if waited >= self.limit || host.interrupted().is_some() {
            return true;
        }
        if waited >= FRAME {
            let (what, limit) = (self.what, self.limit);
            let begin = || Progress::begin(what, limit, host, observer);
            self.progress.get_or_insert_with(begin).draw(waited, output);
        }
        false
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
        let error = Error::state(format!("{name} has ended, and {}", used_by(&by)));
        Err(match vms.iter().find(|vm| vm.name == name) {
            Some(vm) => error
                .help(format!(
                    "check its state: {}",
                    vm.spelling.command("status")
                ))
                .help(see_log(vm)),
            None => error,
        })
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
        let pid_in = |by: &str| by.split(' ').next().and_then(|pid| pid.parse().ok());
        let is_or = |by: &str| or.is_some() && pid_in(by) == or;
        let held = acquire(host, &Lock::Vm(vm.clone()), &self.note, |host, by| {
            is_or(by) || host.uptime() >= until
        });
        // If locks are unavailable, no other process can start the VM.
        match held {
            Ok(Some(by)) if !is_or(&by) => {
                self.taken.insert(vm.clone(), by);
                false
            }
            _ => true,
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
    let process = session.process;
    let (host, output) = (&mut *session.host, &mut *session.output);
    let note = format!("{} {}", process.pid, vm.name);
    let what = "waiting for another start, which sets up the network";
    let mut wait = LockWait::new(what, NETWORK_LIMIT, host);
    let mut holder = String::new();
    let held = acquire(host, &Lock::Network, &note, |host, by| {
        if by != holder {
            wait.end(output);
            (holder, wait) = (by.to_owned(), LockWait::new(what, NETWORK_LIMIT, host));
        }
        wait.is_enough(host, observer, output)
    });
    wait.end(output);
    let Some(by) = held.map_err(|error| no_lock(process, &error))? else {
        return Ok(());
    };
    run::check_interrupt(host)?;
    let (pid, other) = by.split_once(' ').unwrap_or((&by, "another VM"));
    Err(Error::host(format!(
        "could not set up the network of {}: pid {pid} has been setting up that of {other} for {} s",
        vm.name,
        NETWORK_LIMIT.as_secs()
    ))
    .help(format!(
        "as root, see what the process waits for: procstat -kk {pid}"
    )))
}
