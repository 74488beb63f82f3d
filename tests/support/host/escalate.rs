//! doas(1), sudo(8) and mdo(1).
//!
//! The messages are those of slicer69's doas (the FreeBSD port), OpenDoas and sudo; with no
//! permission all of them exit 1, as the command itself might.

use super::Host;
use super::call::{Answer, Call, Status};
use super::state::Rule;
use super::words::Words;

/// Runs `doas [-n] [-u user] command ...` and the like.
pub(super) fn run(host: &mut Host, call: &Call, depth: u32) -> Answer {
    let program = call.program();
    let (spec, usage) = match program.as_str() {
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
    host.exec(&inner, depth + 1)
}

/// What the program says when the rule does not let the caller through.
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
    let rule = if escalator.forbidden.contains(command) {
        Rule::Deny
    } else {
        escalator.rule
    };
    let user = host
        .state
        .users
        .get(&call.uid)
        .map_or("user", |user| user.name.as_str());
    let quiet = words.has("n");
    let lines = match (program, rule) {
        (_, Rule::Permit) => return None,
        ("doas", Rule::NotConfigured) => {
            "doas: doas is not enabled, /usr/local/etc/doas.conf: No such file or directory".into()
        }
        ("doas", Rule::Deny) => "doas: Operation not permitted".into(),
        ("doas", _) if quiet && escalator.open_doas => "doas: Authentication required".into(),
        ("doas", _) if quiet => "doas: Authorization required".into(),
        ("doas", _) if !call.tty => "doas: a tty is required".into(),
        ("doas", Rule::WrongPassword) => "Password:\ndoas: Authentication failed".into(),
        ("sudo", _) if quiet => "sudo: a password is required".into(),
        ("sudo", Rule::Deny | Rule::NotConfigured) if call.tty => {
            format!("{user} is not in the sudoers file.")
        }
        ("sudo", _) if !call.tty => {
            "sudo: a terminal is required to read the password; either use \
             the -S option to read from standard input or configure an askpass helper\n\
             sudo: a password is required"
                .into()
        }
        ("sudo", Rule::WrongPassword) => "Password:\nSorry, try again.\nPassword:\n\
             Sorry, try again.\nPassword:\nsudo: 3 incorrect password attempts"
            .into(),
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
    fn refusals_are_in_their_own_words() {
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
    fn one_command_may_be_left_out_of_the_rule() {
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
