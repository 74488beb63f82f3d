//! kill(1): bin/kill/kill.c.

use super::Host;
use super::call::{Answer, Call, Status};
use super::errno::Errno;

const USAGE: &str = "usage: kill [-s signal_name] pid ...\n       kill -l [exit_status]\n       \
     kill -signal_name pid ...\n       kill -signal_number pid ...";

/// The signals whose names are known here.
const SIGNALS: [(&str, i32); 15] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ABRT", 6),
    ("KILL", 9),
    ("SEGV", 11),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STOP", 17),
    ("TSTP", 18),
    ("CONT", 19),
    ("CHLD", 20),
    ("USR1", 30),
    ("USR2", 31),
];

/// Runs `kill [-s SIGNAL | -SIGNAL] pid ...`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = call.words();
    let mut rest = words.as_slice();
    let mut signal = 15;
    match rest {
        [first, name, tail @ ..] if first == "-s" => match number(name) {
            Some(known) => (signal, rest) = (known, tail),
            None => return unknown(name),
        },
        [first, tail @ ..] if first == "--" => rest = tail,
        [first, tail @ ..] if first.starts_with('-') && first.len() > 1 => {
            match number(&first[1..]) {
                Some(known) => (signal, rest) = (known, tail),
                None => return unknown(&first[1..]),
            }
        }
        _ => {}
    }
    if let [first, tail @ ..] = rest
        && first == "--"
    {
        rest = tail;
    }
    if rest.is_empty() {
        return Answer::fail(2, USAGE);
    }
    let mut answer = Answer::ok();
    for word in rest {
        let problem = match word.parse::<i32>() {
            Err(_) => Some(format!("illegal process id: {word}")),
            Ok(pid) => match host.signal(pid, signal, call.uid) {
                Ok(()) => None,
                // kill(2) returns ESRCH for a process that does not exist or cannot be seen.
                Err(Errno::NoEntry) => Some(format!("{pid}: No such process")),
                Err(errno) => Some(format!("{pid}: {}", errno.text())),
            },
        };
        if let Some(problem) = problem {
            answer = answer.and_err(format!("kill: {problem}"));
            answer.status = Status::Exit(1);
        }
    }
    answer
}

/// The number of a signal given by name, with or without `SIG`, or by number.
pub(super) fn number(name: &str) -> Option<i32> {
    if let Ok(number) = name.parse::<i32>() {
        return (0..=64).contains(&number).then_some(number);
    }
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    SIGNALS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, number)| *number)
}

/// The name of a signal, without `SIG`.
pub(super) fn name(number: i32) -> Option<&'static str> {
    let known = SIGNALS.iter().find(|(_, known)| *known == number);
    known.map(|(name, _)| *name)
}

fn unknown(name: &str) -> Answer {
    Answer::fail(2, format!("kill: unknown signal {name}; valid signals:")).and_err(USAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> (Host, i32) {
        let host = Host::freebsd(14)
            .with_volume("zroot/vm/web", 1 << 30)
            .with_running_vm("web", "/dev/zvol/zroot/vm/web", "tap0");
        let pid = host.state.bhyve_of("web").expect("web runs");
        (host, pid)
    }

    #[test]
    fn a_user_cannot_signal_processes_of_root() {
        let (mut host, pid) = host();
        let pid = pid.to_string();
        assert_eq!(
            host.run(&Call::new(["kill", &pid])),
            Answer::fail(1, format!("kill: {pid}: Operation not permitted"))
        );
        assert_eq!(
            host.run(&Call::new(["kill", "99999"])),
            Answer::fail(1, "kill: 99999: No such process")
        );
    }

    #[test]
    fn the_power_button_takes_its_time() {
        let (mut host, pid) = host();
        let call = Call::new(["kill", "-TERM", &pid.to_string()]).by_root();
        assert_eq!(host.run(&call), Answer::ok());
        assert_eq!(host.state.bhyve_of("web"), Some(pid));
        host.advance(5.0);
        assert_eq!(host.state.bhyve_of("web"), None);
        assert_eq!(host.state.ended[&pid], Status::Exit(1));
        assert!(host.state.vms.contains_key("web"));
        assert_eq!(host.state.interfaces["tap0"].opened_by, None);
    }

    #[test]
    fn without_acpi_the_same_signal_is_a_power_cut() {
        let mut host = Host::freebsd(14).with_volume("zroot/vm/web", 1 << 30);
        host.state.guest.acpi_ms = None;
        let mut host = host.with_running_vm("web", "/dev/zvol/zroot/vm/web", "tap0");
        let pid = host.state.bhyve_of("web").expect("web runs");
        host.run(&Call::new(["kill", &pid.to_string()]).by_root());
        assert_eq!(host.state.ended[&pid], Status::Signal(15));
    }
}
