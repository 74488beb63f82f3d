//! doas(1), sudo(8) and mdo(1).
//!
//! The messages are those of slicer69's doas (the FreeBSD port, `doas.c`), and of OpenDoas 6.8.2 and
//! sudo 1.9.13 as recorded in `tests/calibration/escalators`; without permission all of them exit 1, as
//! the command itself might. A prompt goes to the terminal, so it is not part of the output.

use super::Host;
use super::call::{Answer, Call, Status};
use super::state::Rule;
use super::words::Words;

/// Runs `doas [-n] [-u user] command ...` and the like.
pub(super) fn run(host: &mut Host, call: &Call, depth: u32) -> Answer {
    let program = call.program();
    let escalator = host.state.escalators.get(&program);
    let open_doas = program == "doas" && escalator.is_some_and(|doas| doas.open_doas);
    let (spec, usage) = match program.as_str() {
        "doas" if open_doas => (
            "C:Lnsu:",
            "usage: doas [-Lns] [-C config] [-u user] command [args]",
        ),
        "doas" => (
            "C:Lnsu:a:",
            "usage: doas [-Lns] [-a style] [-C config] [-u user] command [args]",
        ),
        "sudo" => (
            "AbC:D:EeHhiKklnPp:SsT:u:Vvg:",
            "usage: sudo -h | -K | -k | -V\nusage: sudo [-ABbEHnPS] [-u user] [VAR=value] \
             [command [arg ...]]",
        ),
        _ => ("iu:", "usage: mdo [-u username] [-i] [--] [command [args]]"),
    };
    let mut words = match Words::parse(&call.words(), spec) {
        Ok(words) => words,
        Err(error) => return Answer::fail(1, format!("{program}: {error}")).and_err(usage),
    };
    if program == "sudo" {
        while words.operands.first().is_some_and(|word| {
            word.split_once('=')
                .is_some_and(|(name, _)| !name.is_empty() && !name.contains('/'))
        }) {
            words.operands.remove(0);
        }
    }
    let just_validate = program == "sudo" && (words.has("v") || words.has("l"));
    if words.operands.is_empty() && !just_validate {
        return Answer::fail(1, usage);
    }
    let target = match words.last("u") {
        None => 0,
        Some(name) => {
            let known = host.state.users.iter().find(|(_, user)| user.name == name);
            match known {
                Some((uid, _)) => *uid,
                None if program == "sudo" => {
                    return Answer::fail(1, format!("sudo: unknown user {name}"))
                        .and_err("sudo: error initializing audit plugin sudoers_audit");
                }
                None => return Answer::fail(1, format!("{program}: unknown user")),
            }
        }
    };
    if let Some(refusal) = refusal(host, call, &program, &words) {
        return refusal;
    }
    let Some(command) = words.operands.first() else {
        return Answer::ok();
    };
    let mut inner = call.inner(&words.operands);
    inner.uid = target;
    if !host.has_program(&inner.program()) && !Host::is_foreign(&inner) {
        return match program.as_str() {
            "mdo" => Answer::fail(1, "mdo: exec failed: No such file or directory"),
            _ => Answer::fail(1, format!("{program}: {command}: command not found")),
        };
    }
    if just_validate {
        return Answer::out(format!("{command}\n"));
    }
    let answer = host.exec(&inner, depth + 1);
    match answer.status {
        Status::Signal(signal) if open_doas => told_by_open_doas(answer, signal),
        _ => answer,
    }
}

/// The message of OpenDoas after a signal has ended its child (`pam.c`).
fn told_by_open_doas(answer: Answer, signal: i32) -> Answer {
    let name = match signal {
        1 => "Hangup".into(),
        2 => "Interrupt".into(),
        6 => "Aborted".into(),
        9 => "Killed".into(),
        15 => "Terminated".into(),
        other => format!("Unknown signal {other}"),
    };
    Answer {
        status: Status::Exit(128 + signal),
        ..answer
    }
    .and_err(name)
}

/// The message of the program if its rule refuses the caller.
fn refusal(host: &Host, call: &Call, program: &str, words: &Words) -> Option<Answer> {
    if call.uid == 0 {
        return None;
    }
    let escalator = host.state.escalators.get(program)?;
    let command = words
        .operands
        .first()
        .and_then(|word| word.rsplit('/').next())
        .unwrap_or_default();
    let is_left_out = escalator.forbidden.contains(command);
    let user = host
        .state
        .users
        .get(&call.uid)
        .map_or("user", |user| user.name.as_str());
    let quiet = words.has("n");
    let lines = match (program, escalator.rule) {
        ("doas", Rule::NotConfigured) => {
            "doas: doas is not enabled, /usr/local/etc/doas.conf: No such file or directory".into()
        }
        ("doas", rule) if rule == Rule::Deny || is_left_out => {
            "doas: Operation not permitted".into()
        }
        ("sudo", Rule::Permit) if is_left_out => {
            let line = words.operands.join(" ");
            let host = host.state.hostname.split('.').next().unwrap_or_default();
            format!(
                "Sorry, user {user} is not allowed to execute '/sbin/{line}' as root on {host}."
            )
        }
        (_, Rule::Permit) if !is_left_out => return None,
        ("doas", _) if quiet && escalator.open_doas => "doas: Authentication required".into(),
        ("doas", _) if quiet => "doas: Authorization required".into(),
        // pam_unix(8) has no terminal to ask on.
        ("doas", _) if !call.tty && escalator.open_doas => "doas: Authentication failed".into(),
        ("doas", _) if !call.tty => "doas: a tty is required".into(),
        ("doas", Rule::WrongPassword) => "doas: Authentication failed".into(),
        ("sudo", Rule::NotConfigured) => {
            "sudo: unable to open /usr/local/etc/sudoers: No such file or directory\n\
             sudo: no valid sudoers sources found, quitting\n\
             sudo: error initializing audit plugin sudoers_audit"
                .into()
        }
        ("sudo", _) if quiet => "sudo: a password is required".into(),
        ("sudo", _) if !call.tty => {
            "sudo: a terminal is required to read the password; either use \
             the -S option to read from standard input or configure an askpass helper\n\
             sudo: a password is required"
                .into()
        }
        ("sudo", Rule::Deny) => format!("{user} is not in the sudoers file."),
        ("sudo", Rule::WrongPassword) => "sudo: 3 incorrect password attempts".into(),
        ("mdo", _) => "mdo: calling setcred() failed: Operation not permitted".into(),
        _ => return None,
    };
    Some(Answer::of(Status::Exit(1)).and_err(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rule: Rule, argv: &[&str]) -> Answer {
        let mut host = Host::freebsd(14);
        host.state.programs.insert("sudo".into());
        for escalator in host.state.escalators.values_mut() {
            escalator.rule = rule;
        }
        host.run(&Call::new(argv.iter().copied()))
    }

    #[test]
    fn permitted_commands_run_as_root() {
        let create = ["doas", "ifconfig", "tap0", "create"];
        assert_eq!(answer(Rule::Permit, &create), Answer::ok());
        assert_eq!(
            answer(Rule::Permit, &["sudo", "-n", "A=1", "--", "true"]).status,
            Status::Exit(1)
        );
        assert_eq!(
            answer(Rule::Permit, &["sudo", "-n", "A=1", "true"]),
            Answer::ok()
        );
    }

    #[test]
    fn each_program_refuses_with_its_own_message() {
        let table = [
            (Rule::Deny, "doas -n true", "doas: Operation not permitted"),
            (
                Rule::Password,
                "doas -n true",
                "doas: Authorization required",
            ),
            (Rule::Password, "doas true", "doas: a tty is required"),
            (Rule::Deny, "sudo -n true", "sudo: a password is required"),
            (
                Rule::Permit,
                "doas nosuch",
                "doas: nosuch: command not found",
            ),
        ];
        for (rule, line, text) in table {
            let argv: Vec<&str> = line.split(' ').collect();
            assert_eq!(answer(rule, &argv), Answer::fail(1, text), "{line}");
        }
    }

    #[test]
    fn a_rule_may_exclude_one_command() {
        let mut host = Host::freebsd(14);
        if let Some(doas) = host.state.escalators.get_mut("doas") {
            doas.forbidden.insert("zfs".into());
        }
        assert_eq!(host.run(&Call::new(["doas", "true"])), Answer::ok());
        assert_eq!(
            host.run(&Call::new(["doas", "zfs", "list"])),
            Answer::fail(1, "doas: Operation not permitted")
        );
    }
}
