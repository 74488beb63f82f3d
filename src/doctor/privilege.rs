//! How a command becomes root: the escalator, its rule, and whether the rule works.

use super::Row;
use super::answers::Answers;
use crate::error::Result;
use crate::host::{Ended, Look};
use crate::model::privilege::Elevation;
use crate::process::Process;
use crate::vis;

const SUBJECT: &str = "privilege";

pub(super) fn rows(answers: &Answers<'_>) -> Vec<Row> {
    let is_root = answers.known.process.uid == 0;
    if !answers.is_freebsd {
        return vec![Row::not_asked(SUBJECT, "this host is not FreeBSD")];
    }
    let elevation = match &answers.elevation {
        Ok(elevation) => *elevation,
        Err(error) => return vec![Row::of_error(SUBJECT, error.clone())],
    };
    vec![match elevation {
        Elevation::None if is_root => Row::pass(SUBJECT, "you are root"),
        Elevation::None => Row::warn(
            SUBJECT,
            "privilege is none, and you are not root: what changes the host fails",
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
        ),
    }
}

/// The line that lets a user call the program as root by an escalator.
pub fn line(elevation: Elevation, user: &str, program: &str) -> String {
    match elevation {
        Elevation::None => String::new(),
        Elevation::Doas => format!("permit nopass {user} as root"),
        // The root side in the background is started by daemon(8).
        Elevation::Sudo => {
            format!("{user} ALL=(root) NOPASSWD: {program}, /usr/sbin/daemon -c {program} *")
        }
        Elevation::Mdo => "security.mac.do.rules='gid=0>uid=0'".to_owned(),
    }
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

/// Calls the program as root by an escalator, which prints its version only, and says whether the rule
/// lets it, with or without a password.
///
/// # Errors
/// If the escalator could not be started.
pub fn tried(
    process: &Process,
    user: &str,
    elevation: Elevation,
    look: &mut dyn Look,
) -> Result<Row> {
    let word = elevation.word().unwrap_or_default();
    let question = elevation.trial(&process.program);
    let finished = look
        .ask(&question)
        .map_err(|error| crate::run::not_started(&question, &error))?;
    let said = String::from_utf8_lossy(&finished.stderr).into_owned();
    let remedy = || {
        let program = process.program.display().to_string();
        format!(
            "add to {}: {}",
            place(elevation),
            line(elevation, user, &program)
        )
    };
    if finished.ended == Ended::Exit(0) {
        return Ok(Row::pass(
            SUBJECT,
            format!("{word} runs the program as root without a password"),
        ));
    }
    let refusal = elevation.refusal(&said).map(str::to_owned);
    let refusal = refusal.unwrap_or_else(|| said.lines().last().unwrap_or_default().to_owned());
    Ok(if asks_for_password(&refusal) {
        Row::warn(
            SUBJECT,
            format!("{word} runs the program as root after it has asked for your password"),
            format!("to be asked no more: {}", remedy()),
        )
    } else {
        Row::fail(
            SUBJECT,
            format!(
                "{word} does not run the program as root: {}",
                vis::shown(&refusal)
            ),
            remedy(),
        )
    })
}

/// The row of a host without any escalator.
pub fn none_installed() -> Row {
    Row::fail(
        SUBJECT,
        "neither doas nor sudo nor mdo is installed",
        crate::host::programs::how_to_install("doas"),
    )
}

/// What the escalators say with `-n` where they would ask (slicer69's doas, OpenDoas, sudo).
fn asks_for_password(said: &str) -> bool {
    [
        "Authorization required",
        "Authentication required",
        "a password is required",
    ]
    .iter()
    .any(|text| said.ends_with(text))
}
