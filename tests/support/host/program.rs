//! The simulated programs as real programs on PATH.
//!
//! The state lies in a directory: `state.json`, `lock`, `calls` (one line per call, words separated
//! by NUL), `dev/` with a plain file for each device node, and `bin/` with a link per program.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::call::{Call, Status};
use super::faults::Orders;
use super::files::RealFiles;
use super::state::{Foreign, State};
use super::{Host, PROGRAMS};

/// The environment variable that names the state directory; without it that is the one above the
/// directory in which the program was found along PATH.
pub const DIRECTORY: &str = "EASY_BHYVE_PLAYGROUND";

/// The environment variable that says who the caller is; without it that is who it really is.
pub const UID: &str = "EASY_BHYVE_PLAYGROUND_UID";

/// The environment variable by which `daemon` watches a program that it has put into the background.
const CHILD: &str = "EASY_BHYVE_PLAYGROUND_CHILD";

/// Added to simulated pids: above those of any real process, so that a shell's own kill can never
/// hit one.
const FIRST_PID: i32 = 5_000_000;

/// How often a foreground guest is looked at.
const POLL: Duration = Duration::from_millis(100);

/// What is kept between two programs.
#[derive(Serialize, Deserialize)]
struct Saved {
    state: State,
    orders: Orders,
    /// Real milliseconds since the epoch at the last call.
    seen_ms: u64,
}

/// Makes a state directory for a host, with a link for every program that is installed on it.
///
/// # Errors
/// If the directory cannot be written.
pub fn install(host: Host, directory: &Path, program: &Path) -> io::Result<()> {
    let bin = directory.join("bin");
    fs::create_dir_all(&bin)?;
    for name in PROGRAMS.iter().filter(|name| host.has_program(name)) {
        let link = bin.join(name);
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link)?;
        }
        std::os::unix::fs::symlink(program, link)?;
    }
    File::create(directory.join("lock"))?;
    File::create(directory.join("calls"))?;
    let mut host = host.on_disk(directory.join("dev"));
    host.state.real_time = true;
    host.renumber(FIRST_PID);
    save(&host, directory)
}

impl Host {
    /// Adds to the number of every process but init.
    fn renumber(&mut self, offset: i32) {
        let new = |pid: i32| if pid > 1 { pid + offset } else { pid };
        let state = &mut self.state;
        state.next_pid = new(state.next_pid);
        state.processes = std::mem::take(&mut state.processes)
            .into_iter()
            .map(|(pid, mut process)| {
                process.pid = new(pid);
                process.ppid = new(process.ppid);
                if let Some(supervisor) = &mut process.supervisor {
                    supervisor.child = supervisor.child.map(new);
                }
                (process.pid, process)
            })
            .collect();
        for interface in state.interfaces.values_mut() {
            interface.opened_by = interface.opened_by.map(new);
        }
        for pair in state.nmdm.values_mut() {
            pair.a = pair.a.map(new);
            pair.b = pair.b.map(new);
        }
    }
}

/// Loads the host of a state directory and lets the time pass that has really passed.
///
/// # Errors
/// If the state cannot be read.
pub fn load(directory: &Path) -> io::Result<Host> {
    let saved: Saved = serde_json::from_slice(&fs::read(directory.join("state.json"))?)?;
    let mut host = Host {
        state: saved.state,
        orders: saved.orders,
        real: Some(RealFiles),
    };
    let target = host.state.clock_ms + now_ms().saturating_sub(saved.seen_ms);
    host.advance_to(target);
    Ok(host)
}

/// Saves a host, and keeps a plain file for each of its device nodes.
///
/// # Errors
/// If the directory cannot be written.
pub fn save(host: &Host, directory: &Path) -> io::Result<()> {
    let saved = Saved {
        state: host.state.clone(),
        orders: host.orders.clone(),
        seen_ms: now_ms(),
    };
    let fresh = directory.join("state.json.new");
    fs::write(&fresh, serde_json::to_vec(&saved)?)?;
    fs::rename(&fresh, directory.join("state.json"))?;
    mirror(host, &host.state.dev)
}

/// Makes the files below a directory those of the device nodes.
fn mirror(host: &Host, dev: &Path) -> io::Result<()> {
    fs::create_dir_all(dev)?;
    let nodes: BTreeSet<PathBuf> = host.nodes().iter().map(|node| dev.join(node)).collect();
    sweep(dev, &nodes)?;
    for node in &nodes {
        if let Some(parent) = node.parent() {
            fs::create_dir_all(parent)?;
        }
        if !node.exists() {
            File::create(node)?;
        }
    }
    Ok(())
}

/// Removes files that are no nodes any more, and the directories that this leaves empty.
fn sweep(directory: &Path, nodes: &BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            sweep(&path, nodes)?;
            if fs::read_dir(&path)?.next().is_none() {
                fs::remove_dir(&path)?;
            }
        } else if !nodes.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// The state directory for a program that was called by this word: real doas(1) and sudo(8) pass on
/// no variable that would name it.
///
/// # Errors
/// If there is none.
pub fn directory_of(called: &OsStr) -> io::Result<PathBuf> {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return Ok(directory.into());
    }
    let found = which::which(called).ok();
    let directory = found.as_deref().and_then(|path| path.parent()?.parent());
    match directory.filter(|directory| directory.join("state.json").exists()) {
        Some(directory) => Ok(directory.to_owned()),
        None => Err(io::Error::other(format!(
            "{} belongs to no simulated host, and {DIRECTORY} is not set",
            called.to_string_lossy()
        ))),
    }
}

/// Runs a program of the host with the real standard streams; answers its exit status. A program
/// that hangs or was ended by a signal does so here, too.
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
    call.stdin = keys(&call)?;
    if let Some(pid) = std::env::var(CHILD).ok().and_then(|pid| pid.parse().ok()) {
        return watch(directory, pid, args);
    }
    log(directory, &call)?;

    let (answer, foreign) = with_host(directory, |host| {
        let known = host.state.foreign.len();
        let answer = host.run(&call);
        (answer, host.state.foreign.split_off(known))
    })?;
    io::stdout().write_all(&answer.stdout)?;
    io::stdout().flush()?;
    io::stderr().write_all(&answer.stderr)?;
    for command in &foreign {
        match command.pid {
            Some(pid) => background(command, pid)?,
            None => return foreground(command),
        }
    }
    let status = match answer.status {
        Status::Running(pid) => follow(directory, pid)?,
        other => other,
    };
    match status {
        Status::Exit(status) => Ok(status),
        Status::NotFound => Ok(127),
        Status::Signal(signal) => end_by(signal),
        Status::Hang | Status::Running(_) | Status::Foreign => loop {
            thread::sleep(Duration::from_secs(3600));
        },
    }
}

/// Does something with the host while nobody else can.
///
/// # Errors
/// If the state directory cannot be used.
pub fn with_host<Output>(
    directory: &Path,
    work: impl FnOnce(&mut Host) -> Output,
) -> io::Result<Output> {
    let lock = File::open(directory.join("lock"))?;
    let _lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
    let mut host = load(directory)?;
    let output = work(&mut host);
    save(&host, directory)?;
    Ok(output)
}

/// Runs a program of the real machine in place of this one; what it calls of the host, it calls as
/// the user that doas or sudo has made it.
fn foreground(command: &Foreign) -> io::Result<i32> {
    use std::os::unix::process::CommandExt;
    Err(real(command).exec())
}

fn real(command: &Foreign) -> Command {
    let mut real = Command::new(&command.argv[0]);
    real.args(&command.argv[1..])
        .env(UID, command.uid.to_string());
    real
}

/// Starts a program of the real machine in the background, and another of ours that watches it.
fn background(command: &Foreign, pid: i32) -> io::Result<()> {
    use std::os::unix::process::CommandExt;
    let mut watcher = Command::new(std::env::current_exe()?);
    watcher
        .arg0("daemon")
        .args(&command.argv)
        .env(UID, command.uid.to_string())
        .env(CHILD, pid.to_string())
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(())
}

/// Runs a program of the real machine that stands for a process of the host: what ends one ends the
/// other.
fn watch(directory: &Path, pid: i32, command: &[OsString]) -> io::Result<i32> {
    let Some((program, args)) = command.split_first() else {
        return Ok(1);
    };
    let mut child = Command::new(program).args(args).env_remove(CHILD).spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            let code = status.code().unwrap_or(1);
            with_host(directory, |host| host.end_process(pid, Status::Exit(code)))?;
            return Ok(code);
        }
        let lives = with_host(directory, |host| host.state.processes.contains_key(&pid))?;
        if !lives {
            child.kill()?;
            child.wait()?;
            return Ok(1);
        }
        thread::sleep(POLL);
    }
}

/// Waits until a guest in the foreground has ended.
fn follow(directory: &Path, pid: i32) -> io::Result<Status> {
    loop {
        let ended = with_host(directory, |host| host.state.ended.get(&pid).copied())?;
        match ended {
            Some(status) => return Ok(status),
            None => thread::sleep(POLL),
        }
    }
}

/// What the program reads from its standard input: only grub-bhyve reads any, at a terminal until a
/// command leaves its prompt.
fn keys(call: &Call) -> io::Result<Vec<u8>> {
    let words = call.words();
    let waits = words.iter().any(|word| word == "-r" || word == "--root")
        && !words.iter().any(|word| word == "host");
    let is_grub = call.program() == "grub-bhyve" || words.iter().any(|word| word == "grub-bhyve");
    let mut keys = Vec::new();
    if !is_grub {
        return Ok(keys);
    }
    if !call.tty {
        io::stdin().read_to_end(&mut keys)?;
    } else if waits {
        for line in io::stdin().lock().lines() {
            let line = line?;
            keys.extend_from_slice(line.as_bytes());
            keys.push(b'\n');
            if ["boot", "exit", "reboot"].contains(&line.trim()) {
                break;
            }
        }
    }
    Ok(keys)
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
    File::options()
        .append(true)
        .create(true)
        .open(directory.join("calls"))?
        .write_all(&line)
}

/// Ends this process by a signal; if it survives that, by the status that a shell would show.
fn end_by(signal: i32) -> io::Result<i32> {
    if let Ok(signal) = nix::sys::signal::Signal::try_from(signal) {
        nix::sys::signal::raise(signal).map_err(io::Error::from)?;
        thread::sleep(POLL);
    }
    Ok(128 + signal)
}

fn now_ms() -> u64 {
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
        let again = load(directory.path()).expect("loaded");
        assert_eq!(again.calls().len(), 2);
        assert_eq!(again.state.datasets, host.state.datasets);
    }
}
