//! The simulated programs as real programs on PATH.
//!
//! The state lies in a directory: `state`, `lock`, `calls` (one line per call, words separated
//! by NUL), `keeper` (the process that has set the host up; its processes end with it), `drivers/` (the
//! processes behind null modems), `dev/` with a plain file or a terminal for each device node,
//! `run/` and `log/` in place of those below `/var`, and `bin/` with a link per program.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::call::{Call, Status};
use super::faults::Orders;
use super::files::MemoryFiles;
use super::live::{self, Bell, Role, alive};
use super::real_files::RealFiles;
use super::state::State;
use super::{Host, PROGRAMS, nodes, shared};

/// The environment variable with the path of the state directory; the default is the parent of the
/// directory of the program's own file, or of the directory along PATH in which it was found.
pub const DIRECTORY: &str = "EASY_BHYVE_PLAYGROUND";

/// The environment variable with the uid of the caller; the default is the real uid.
pub const UID: &str = "EASY_BHYVE_PLAYGROUND_UID";

/// The file with the state of the host; not as text, which would cost each call some milliseconds.
const STATE: &str = "state";

/// The file that records which process has set the host up.
pub(super) const KEEPER: &str = "keeper";

/// The directory with the records of the drivers of null modems.
pub(super) const DRIVERS: &str = "drivers";

/// The directory in place of `/var/run`.
pub const RUN: &str = "run";

/// The directory in place of `/var/log`.
pub const LOG: &str = "log";

/// The directory in place of `/usr/local/share`.
pub const SHARE: &str = "share";

/// Added to the pids of processes that are only entries: they are above those of any real process, so
/// that a shell's own kill can never hit one.
const FIRST_PID: i32 = 5_000_000;

/// The exit status of a shell for a program that does not exist.
pub(super) const NOT_FOUND: i32 = 127;

/// The exit status of a program whose reader has closed the pipe.
const SIGPIPE: Status = Status::Signal(13);

/// The state between two programs, as it is read.
#[derive(Deserialize)]
struct Saved {
    state: State,
    orders: Orders,
    /// Real milliseconds since the epoch at the last call.
    seen_ms: u64,
    /// The program that simulates all programs of the host.
    program: PathBuf,
}

/// The same as it is written.
#[derive(Serialize)]
struct Saving<'host> {
    state: &'host State,
    orders: &'host Orders,
    seen_ms: u64,
    program: &'host Path,
}

/// Makes a state directory for a host, with a link for every program that is installed on it.
/// Running guests become real processes, which end with this one.
///
/// # Errors
/// If the directory cannot be written.
pub fn install(host: Host, directory: &Path, program: &Path) -> io::Result<()> {
    let bin = directory.join("bin");
    fs::create_dir_all(&bin)?;
    for below in [DRIVERS, RUN, LOG, SHARE, "share/edk2-bhyve", "db"] {
        fs::create_dir_all(directory.join(below))?;
    }
    for name in PROGRAMS.iter().filter(|name| host.has_program(name)) {
        let link = bin.join(name);
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link)?;
        }
        std::os::unix::fs::symlink(program, link)?;
    }
    File::create(directory.join("lock"))?;
    File::create(directory.join("calls"))?;
    alive::note(&directory.join(KEEPER))?;
    let mut host = host.on_disk(directory.join("dev"));
    host.install_firmware(&directory.join(SHARE));
    host.state.real_time = true;
    host.state.files = MemoryFiles::default();
    host.outbox.clear();
    rename(
        &mut host.state,
        |pid| {
            if pid > 1 { pid + FIRST_PID } else { pid }
        },
    );
    host.state.next_pid += FIRST_PID;
    save(&host, directory, program)?;
    let guests = host.state.processes.values();
    let guests = guests.filter(|process| process.guest.is_some());
    for pid in guests.map(|process| process.pid) {
        Role::Guest(pid).start(program, directory)?;
    }
    Ok(())
}

/// Ends a host with all of its real processes. A process that is just starting finds no host.
///
/// # Errors
/// If the state cannot be read.
fn end_all(directory: &Path) -> io::Result<()> {
    let _lock = lock(directory)?;
    let (host, _) = load(directory)?;
    fs::remove_file(directory.join(STATE))?;
    for process in host.state.processes.values() {
        if process.live.is_some() {
            let _ = signal::kill(Pid::from_raw(process.pid), Signal::SIGKILL);
        }
    }
    fs::remove_file(directory.join(KEEPER))
}

/// Ends a host with all of its real processes, and removes its directory.
///
/// A program that does not belong to the host, such as easy-bhyve itself, may create a file there
/// before it notices the end of the host; then the removal is repeated, for at most ten seconds.
///
/// # Errors
/// If the directory could not be removed.
pub fn remove(directory: &Path) -> io::Result<()> {
    const LIMIT: Duration = Duration::from_secs(10);
    // A host that was not set up whole has no state.
    let _ = end_all(directory);
    let end = Instant::now() + LIMIT;
    while let Err(error) = fs::remove_dir_all(directory) {
        if !directory.exists() {
            break;
        }
        if Instant::now() >= end {
            return Err(error);
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Changes the pids of processes.
pub(super) fn rename(state: &mut State, new: impl Fn(i32) -> i32) {
    state.processes = std::mem::take(&mut state.processes)
        .into_values()
        .map(|mut process| {
            process.pid = new(process.pid);
            process.ppid = new(process.ppid);
            if let Some(supervisor) = &mut process.supervisor {
                supervisor.child = supervisor.child.map(&new);
            }
            (process.pid, process)
        })
        .collect();
    for interface in state.interfaces.values_mut() {
        interface.opened_by = interface.opened_by.map(&new);
    }
    for pair in state.nmdm.values_mut() {
        pair.a = pair.a.map(&new);
        pair.b = pair.b.map(&new);
    }
}

/// Loads the host of a state directory, and lets as much time pass there as has really passed.
fn load(directory: &Path) -> io::Result<(Host, PathBuf)> {
    let saved: Saved =
        postcard::from_bytes(&fs::read(directory.join(STATE))?).map_err(io::Error::other)?;
    let mut host = Host {
        real: Some(RealFiles::beside(&saved.state.dev)),
        state: saved.state,
        orders: saved.orders,
        session: None,
        outbox: Vec::new(),
    };
    host.bury();
    let target = host.state.clock_ms + now_ms().saturating_sub(saved.seen_ms);
    host.advance_to(target);
    Ok((host, saved.program))
}

/// Saves a host, and updates the nodes of its devices.
fn save(host: &Host, directory: &Path, program: &Path) -> io::Result<()> {
    let saved = Saving {
        state: &host.state,
        orders: &host.orders,
        seen_ms: now_ms(),
        program,
    };
    let fresh = directory.join("state.new");
    fs::write(
        &fresh,
        postcard::to_stdvec(&saved).map_err(io::Error::other)?,
    )?;
    shared::allow(&fresh, 0o666)?;
    fs::rename(&fresh, directory.join(STATE))?;
    nodes::mirror(host, directory, program)
}

/// The state directory for a program that was called by this word: real doas(1) and sudo(8) drop
/// the environment variable that would name it.
///
/// # Errors
/// If there is no such directory.
pub fn directory_of(called: &OsStr) -> io::Result<PathBuf> {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return Ok(directory.into());
    }
    // The path of OpenDoas begins with directories that have programs of the same names.
    let own = std::env::current_exe().ok();
    let found = which::which(called).ok();
    [own, found]
        .into_iter()
        .flatten()
        .filter_map(|path| Some(path.parent()?.parent()?.to_owned()))
        .find(|directory| directory.join(STATE).exists())
        .ok_or_else(|| {
            io::Error::other(format!(
                "{} belongs to no simulated host, and {DIRECTORY} is not set",
                called.to_string_lossy()
            ))
        })
}

/// Runs a program of the host with the real standard streams; its exit status. If the program
/// hangs or is ended by a signal, so does this process.
///
/// # Errors
/// If the state directory cannot be used.
pub fn main_as(name: &str, args: &[OsString], directory: &Path) -> io::Result<i32> {
    let words = std::iter::once(OsString::from(name)).chain(args.iter().cloned());
    let mut call = Call::new(words);
    call.uid = std::env::var(UID)
        .ok()
        .and_then(|uid| uid.parse().ok())
        .unwrap_or_else(|| nix::unistd::geteuid().as_raw());
    call.tty = io::stdin().is_terminal();
    call.env = std::env::vars().collect();
    call.pid = Some(alive::own());
    log(directory, &call)?;
    start(directory, &call, 0)
}

/// Runs a call as this process, to its end; the exit status.
///
/// # Errors
/// If the state directory cannot be used.
pub(super) fn start(directory: &Path, call: &Call, depth: u32) -> io::Result<i32> {
    let mut bell = Bell::new(directory)?;
    let (answer, session) = with_host(directory, |host| {
        let answer = host.exec(call, depth);
        (answer, host.session.take())
    })?;
    let written = io::stdout()
        .write_all(&answer.stdout)
        .and_then(|()| io::stdout().flush())
        .and_then(|()| io::stderr().write_all(&answer.stderr));
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return leave(SIGPIPE),
        other => other?,
    }
    let status = match (session, answer.status) {
        (Some(session), Status::Running | Status::Foreign | Status::Hang) => {
            live::run(session, directory, &mut bell)?
        }
        (_, Status::Hang) => live::hang(&mut bell)?,
        (_, other) => other,
    };
    leave(status)
}

/// Exits as the status says.
///
/// # Errors
/// If the status is not one to exit with.
pub(super) fn leave(status: Status) -> io::Result<i32> {
    match status {
        Status::Exit(status) => Ok(status),
        Status::NotFound => Ok(NOT_FOUND),
        Status::Signal(signal) => end_by(signal),
        other => Err(io::Error::other(format!(
            "{other:?} is not a status to exit with"
        ))),
    }
}

/// Changes the host while no other process can.
///
/// # Errors
/// If the state directory cannot be used.
pub fn with_host<Output>(
    directory: &Path,
    work: impl FnOnce(&mut Host) -> Output,
) -> io::Result<Output> {
    let _lock = lock(directory)?;
    let (mut host, program) = load(directory)?;
    let output = work(&mut host);
    nodes::make_awaited(&mut host);
    save(&host, directory, &program)?;
    alive::deliver(&host.outbox, directory);
    Ok(output)
}

fn lock(directory: &Path) -> io::Result<Flock<File>> {
    let lock = File::open(directory.join("lock"))?;
    Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
}

/// Appends a call to the log, its words separated by NUL.
fn log(directory: &Path, call: &Call) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let mut line: Vec<u8> = Vec::new();
    for (index, word) in call.argv.iter().enumerate() {
        if index > 0 {
            line.push(0);
        }
        line.extend_from_slice(word.as_bytes());
    }
    line.push(b'\n');
    // Not created again: its directory may be in the course of removal.
    File::options()
        .append(true)
        .open(directory.join("calls"))?
        .write_all(&line)
}

/// Ends this process by a signal, without a core file; by the exit status that a shell would show if the
/// signal does not end it.
fn end_by(number: i32) -> io::Result<i32> {
    use nix::sys::resource::{Resource, setrlimit};
    if let Some(signal) = alive::signal_of(number) {
        setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
        signal_hook::low_level::emulate_default_handler(signal as i32)?;
    }
    Ok(128 + number)
}

/// Milliseconds since the epoch.
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_survives_being_saved() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let host = Host::freebsd(14).with_volume("zroot/vm/web", 1 << 30);
        install(host.clone(), directory.path(), Path::new("/bin/true")).expect("installed");
        assert!(directory.path().join("dev/zvol/zroot/vm/web").exists());
        let call = Call::new(["ifconfig", "tap0", "create"]).by_root();
        let answer = with_host(directory.path(), |host| host.run(&call)).expect("ran");
        assert_eq!(answer.status, Status::Exit(0));
        assert!(directory.path().join("dev/tap0").exists());
        let call = Call::new(["ifconfig", "tap0", "destroy"]).by_root();
        with_host(directory.path(), |host| host.run(&call)).expect("ran");
        assert!(!directory.path().join("dev/tap0").exists());
        let (again, _) = load(directory.path()).expect("loaded");
        assert_eq!(again.calls().len(), 2);
        assert_eq!(again.state.datasets, host.state.datasets);
    }
}
