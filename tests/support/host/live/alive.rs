//! Which real processes are alive, and signals for them.

use std::fs;
use std::io;
use std::path::Path;
use std::str::FromStr;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use super::super::kill;
use super::super::process::Live;

/// The signal that tells a process to read the state of the host again.
pub(super) const TOLD: Signal = Signal::SIGUSR1;

/// A notice for a real process, sent once the host is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Send this signal, by FreeBSD's number, to this process.
    Signal(i32, i32),
    /// This process reads the state of the host again.
    Look(i32),
    /// A process that had an end of this null modem open has ended.
    Closed(String),
}

/// The number of this process.
pub(in super::super) fn own() -> i32 {
    i32::try_from(std::process::id()).unwrap_or_default()
}

/// The start of a real process, by proc(5); `None` if it is not alive. A zombie is not alive.
pub fn birth(pid: i32) -> Option<Live> {
    if let Ok(about) = std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        // proc(5): the state is the first word behind the name, the start the 20th.
        let (_, rest) = about.rsplit_once(')')?;
        let mut words = rest.split_ascii_whitespace();
        let lives = !matches!(words.next()?, "Z" | "X");
        let started = words.nth(18)?.parse().ok()?;
        return lives.then_some(Live { started });
    }
    // No proc(5) here.
    signal::kill(Pid::from_raw(pid), None)
        .is_ok()
        .then_some(Live { started: 0 })
}

/// Sends its notices to the processes of a host. A process that has exited meanwhile is skipped.
pub(in super::super) fn deliver(outbox: &[Notice], directory: &Path) {
    for notice in outbox {
        let (pid, signal) = match notice {
            Notice::Signal(pid, number) => (Some(*pid), signal_of(*number)),
            Notice::Look(pid) => (Some(*pid), Some(TOLD)),
            Notice::Closed(pair) => (noted(&super::nmdm::note(directory, pair)), Some(TOLD)),
        };
        if let (Some(pid), Some(signal)) = (pid.filter(|pid| *pid > 1), signal) {
            let _ = signal::kill(Pid::from_raw(pid), signal);
        }
    }
}

/// Records the pid and the start of this process in a file, so that a later process with its pid is
/// not taken for it.
pub(in super::super) fn note(file: &Path) -> io::Result<()> {
    let pid = own();
    let started = birth(pid).map_or(0, |live| live.started);
    fs::write(file, format!("{pid} {started}"))
}

/// The process that is recorded in a file, if it is still alive.
pub(super) fn noted(file: &Path) -> Option<i32> {
    let text = fs::read_to_string(file).ok()?;
    let (pid, started) = text.split_once(' ')?;
    let (pid, started) = (pid.parse().ok()?, started.parse().ok()?);
    (birth(pid) == Some(Live { started })).then_some(pid)
}

/// The signal of this machine that is FreeBSD's of that number.
pub(in super::super) fn signal_of(number: i32) -> Option<Signal> {
    let name = kill::name(number)?;
    Signal::from_str(&format!("SIG{name}")).ok()
}

#[cfg(test)]
mod tests {
    use super::{birth, fs, note, noted, own};

    #[test]
    fn a_process_lives_until_it_has_ended() {
        assert_eq!(birth(own()), birth(own()));
        assert!(birth(own()).is_some());
        let mut child = std::process::Command::new("true").spawn().expect("true");
        let pid = i32::try_from(child.id()).expect("a pid");
        child.wait().expect("it ends");
        assert_eq!(birth(pid), None);
    }

    #[test]
    fn a_record_is_of_this_process_and_of_no_later_one() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("note");
        assert_eq!(noted(&file), None);
        note(&file).expect("written");
        assert_eq!(noted(&file), Some(own()));
        fs::write(&file, format!("{} 1", own())).expect("written");
        assert_eq!(noted(&file), None);
    }
}
