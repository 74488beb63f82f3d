//! Which real processes live, and signals for them.

use std::str::FromStr;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use super::super::clock::LOOK;
use super::super::kill;
use super::super::process::Live;

/// The signal that tells a process to look at the host again.
pub(super) const TOLD: Signal = Signal::SIGUSR1;

/// When a real process started; `None` if it does not live. One that has ended and was not waited
/// for does not live.
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

/// Sends the signals of an outbox, which are FreeBSD's numbers. One that has ended meanwhile needs
/// none.
pub(in super::super) fn deliver(outbox: &[(i32, i32)]) {
    for &(pid, number) in outbox {
        let signal = match number {
            LOOK => Some(TOLD),
            other => signal_of(other),
        };
        if let Some(signal) = signal.filter(|_| pid > 1) {
            let _ = signal::kill(Pid::from_raw(pid), signal);
        }
    }
}

/// The signal of this machine that is FreeBSD's of that number.
pub(in super::super) fn signal_of(number: i32) -> Option<Signal> {
    let name = kill::name(number)?;
    Signal::from_str(&format!("SIG{name}")).ok()
}

#[cfg(test)]
mod tests {
    use super::birth;

    #[test]
    fn a_process_lives_until_it_has_ended() {
        let own = i32::try_from(std::process::id()).expect("a pid");
        assert_eq!(birth(own), birth(own));
        assert!(birth(own).is_some());
        let mut child = std::process::Command::new("true").spawn().expect("true");
        let pid = i32::try_from(child.id()).expect("a pid");
        child.wait().expect("it ends");
        assert_eq!(birth(pid), None);
    }
}
