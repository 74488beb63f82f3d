//! How a command becomes root: the escalator, its rule, and whether the rule works.

use super::Row;
use super::answers::{Answers, NO_CONFIG};
use super::private::Name;
use crate::error::Result;
use crate::host::{Ended, Look};
use crate::model::privilege::Elevation;
use crate::process::Process;
use crate::vis;

const SUBJECT: &str = "privilege";
/// The word in place of a user's name.
pub const YOU: &str = "YOU";
const NO_ROOT: &str = "privilege is none, and you are not root: what changes the host fails";

pub(super) fn rows(answers: &Answers<'_>) -> Vec<Row> {
    let is_root = answers.known.process.uid == 0;
    if !answers.is_freebsd {
        return vec![Row::not_asked(SUBJECT, "this host is not FreeBSD")];
    }
    let elevation = match &answers.elevation {
        Some(Ok(elevation)) => *elevation,
        Some(Err(error)) => return vec![Row::of_error(SUBJECT, error.clone())],
        None => return vec![Row::not_asked(SUBJECT, NO_CONFIG)],
    };
    vec![match elevation {
        Elevation::None if is_root => Row::pass(SUBJECT, "you are root"),
        Elevation::None => Row::warn(
            SUBJECT,
            NO_ROOT,
            answers.known.spelling.command("set privilege=auto"),
        ),
        Elevation::Mdo => mdo(answers),
        Elevation::Doas | Elevation::Sudo => {
            let word = elevation.word().unwrap_or_default();
            Row::pass(
                SUBJECT,
                format!("{word} is installed; doctor --privilege tries its rule"),
            )
        }
    }]
}

/// mac_do(4): without the module, or without a rule, mdo(1) is refused.
fn mdo(answers: &Answers<'_>) -> Row {
    let rules = answers.state.get("security.mac.do.rules");
    match rules.map(|rules| rules.trim()) {
        None => Row::fail(
            SUBJECT,
            "mac_do is not loaded, without which mdo is refused",
            "kldload mac_do, as root",
        ),
        Some("") => Row::fail(
            SUBJECT,
            "mac_do has no rule, without which mdo is refused",
            format!("sysctl {}, as root", line(Elevation::Mdo, "", "")),
        ),
        Some(rules) => Row::pass(
            SUBJECT,
            format!("mac_do has the rules {}", vis::shown(rules)),
        )
        .naming(Name::rules(rules)),
    }
}

/// The line that lets a user call the program as root by an escalator.
pub fn line(elevation: Elevation, user: &str, program: &str) -> String {
    match elevation {
        Elevation::None => String::new(),
        Elevation::Doas => format!("permit nopass {user} as root"),
        // The root side in the background is started by daemon(8).
        Elevation::Sudo => {
            let program = for_sudoers(program);
            format!("{user} ALL=(root) NOPASSWD: {program}, /usr/sbin/daemon -c {program} *")
        }
        Elevation::Mdo => "security.mac.do.rules='gid=0>uid=0'".to_owned(),
    }
}

/// A path as sudoers(5) reads it: with a backslash before its special characters.
fn for_sudoers(path: &str) -> String {
    let mut escaped = String::new();
    for c in path.chars() {
        if " ,:=\\*?[]!\"#()".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Where the line of an escalator stands.
pub fn place(elevation: Elevation) -> &'static str {
    match elevation {
        Elevation::None => "",
        Elevation::Doas => "/usr/local/etc/doas.conf",
        Elevation::Sudo => "sudoers, by visudo",
        Elevation::Mdo => "/etc/sysctl.conf, with mac_do loaded",
    }
}

/// Why the line of an escalator is as wide as it is.
pub fn reason(elevation: Elevation) -> &'static str {
    match elevation {
        Elevation::None => "",
        Elevation::Doas => {
            "without cmd: doas.conf(5) compares all words of a command or none, and a rule for daemon with \
             any words permits every program"
        }
        Elevation::Sudo => "for this program only, also in the background, where daemon starts it",
        Elevation::Mdo => {
            "for members of wheel and every program: mac_do(4) does not know programs"
        }
    }
}

/// The row of the escalator in use: it calls the program as root, itself and in the background, which prints
/// its version only; whether the rule lets it, with or without a password.
///
/// # Errors
/// If the escalator could not be started.
pub fn tried(
    process: &Process,
    user: &str,
    elevation: Option<Result<Elevation>>,
    look: &mut dyn Look,
) -> Result<Row> {
    let elevation = match elevation {
        Some(Ok(elevation)) => elevation,
        Some(Err(error)) => return Ok(Row::of_error(SUBJECT, error)),
        None => return Ok(Row::not_asked(SUBJECT, NO_CONFIG)),
    };
    let word = match elevation.word() {
        Some(word) => word,
        None if process.uid == 0 => return Ok(Row::pass(SUBJECT, "you are root")),
        None => return Ok(Row::warn(SUBJECT, NO_ROOT, "set privilege=auto")),
    };
    let program = process.program.display().to_string();
    let line = line(elevation, user, &program);
    let remedy = format!("add to {}: {line}", place(elevation));
    let mut names = vec![Name::place(&program), Name::place(for_sudoers(&program))];
    if user != YOU {
        names.push(Name::user(user));
    }
    let calls = ["the program", "daemon, which starts the program,"];
    for (call, question) in calls.iter().zip(elevation.trials(&process.program)) {
        let finished = look
            .ask(&question)
            .map_err(|error| crate::run::not_started(&question, &error))?;
        if finished.ended == Ended::Exit(0) {
            continue;
        }
        let said = String::from_utf8_lossy(&finished.stderr).into_owned();
        let last = said.lines().last().unwrap_or_default();
        let refusal = elevation.refusal(&said).unwrap_or(last);
        names.push(Name::said(refusal));
        let row = match Password::of(refusal) {
            Some(Password::Rule) => Row::warn(
                SUBJECT,
                format!("{word} runs {call} as root after it has asked for your password"),
                format!("to be asked no more: {remedy}"),
            ),
            Some(Password::Any) => Row::warn(
                SUBJECT,
                format!(
                    "{word} asks for your password before it says whether a rule lets it run {call} as root"
                ),
                format!("sudo -l shows your rules; to be asked no more: {remedy}"),
            ),
            None => Row::fail(
                SUBJECT,
                format!(
                    "{word} does not run {call} as root: {}",
                    vis::shown(refusal)
                ),
                remedy,
            ),
        };
        return Ok(row.naming_all(names));
    }
    Ok(Row::pass(
        SUBJECT,
        format!("{word} runs the program as root without a password, also in the background"),
    ))
}

/// What a question for a password says about the rule.
enum Password {
    /// doas asks only where a rule permits the command.
    Rule,
    /// sudo asks everybody, also a user without a rule.
    Any,
}

impl Password {
    /// What the escalators say with `-n` where they would ask (slicer69's doas, OpenDoas, sudo).
    fn of(said: &str) -> Option<Self> {
        match said {
            _ if said.ends_with("Authorization required") => Some(Self::Rule),
            _ if said.ends_with("Authentication required") => Some(Self::Rule),
            _ if said.ends_with("a password is required") => Some(Self::Any),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::line;
    use crate::model::privilege::Elevation;

    #[test]
    fn a_path_is_written_as_sudoers_reads_it() {
        let line = line(Elevation::Sudo, "u", r"/u/a b/c,d:e=f\g/easy-bhyve");
        let path = r"/u/a\ b/c\,d\:e\=f\\g/easy-bhyve";
        assert_eq!(
            line,
            format!("u ALL=(root) NOPASSWD: {path}, /usr/sbin/daemon -c {path} *")
        );
    }
}
