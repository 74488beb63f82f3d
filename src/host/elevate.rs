//! How a command runs as root: by doas(1), sudo(8), mdo(1), or directly.

use crate::command::{Command, Privilege, args};
use crate::error::{Error, Result};
use crate::host::Look;
use crate::model::privilege::{Choice, Elevation};
use crate::tools::daemon;
use std::ffi::OsString;
use std::path::Path;

impl Elevation {
    /// Chooses the escalator.
    ///
    /// doas takes precedence over sudo, because doas is installed deliberately.
    ///
    /// # Errors
    /// If `auto` finds no escalator, or the chosen escalator is not installed.
    pub fn choose(choice: Choice, uid: u32, look: &mut dyn Look) -> Result<Self> {
        let chosen = match choice.0 {
            None if uid == 0 => Some(Self::None),
            None => [Self::Doas, Self::Sudo]
                .into_iter()
                .find(|one| one.word().is_some_and(|word| look.find(word).is_some())),
            chosen => chosen,
        };
        let Some(chosen) = chosen else {
            return Err(Error::host("neither doas nor sudo is installed")
                .note(format!("search path: {}", look.search_path()))
                .help("install one and permit yourself to use it: pkg install doas")
                .help("or run the command as root, or set privilege=mdo in easy-bhyve.conf"));
        };
        match chosen.word() {
            Some(word) if look.find(word).is_none() => Err(Error::host(format!(
                "privilege is {word}, which is not installed"
            ))
            .note(format!("search path: {}", look.search_path()))
            .help(super::programs::how_to_install(word))),
            _ => Ok(chosen),
        }
    }

    /// The escalator for a choice, without a query of the host: doas for `auto`.
    pub fn intended(choice: Choice) -> Self {
        choice.0.unwrap_or(Self::Doas)
    }

    /// The line on standard error in which the escalator reports that it did not run the command; for a
    /// call that exited with status 1.
    pub fn refusal(self, stderr: &str) -> Option<&str> {
        let is_sudo = self == Self::Sudo;
        let is_added =
            |line: &str| is_sudo && line == "This incident has been reported to the administrator.";
        let last = stderr
            .lines()
            .map(str::trim_end)
            .rfind(|line| !line.is_empty() && !is_added(line))?;
        let is_its_own = last
            .strip_prefix(self.word()?)
            .is_some_and(|rest| rest.starts_with(':'));
        // sudo continues after this warning.
        let is_warning = is_sudo && last.starts_with("sudo: unable to resolve host ");
        let says_so = is_its_own && !is_warning || is_sudo && is_denial(last);
        says_so.then_some(last)
    }

    /// How to allow the escalator to run a command, for a refusal with this text.
    pub fn how_to_allow(self, said: &str) -> String {
        match self {
            Self::None => String::new(),
            Self::Doas => {
                "permit the command in /usr/local/etc/doas.conf, for example: permit nopass YOU as root"
                    .into()
            }
            Self::Sudo if said.ends_with(": command not found") => {
                "the program is installed: add its directory to secure_path with visudo"
                    .into()
            }
            Self::Sudo => "permit the command with visudo, for example: YOU ALL=(root) NOPASSWD: ALL".into(),
            Self::Mdo => "load mac_do and permit the change to root, for example: \
                          sysctl security.mac.do.rules='gid=0>uid=0'"
                .into(),
        }
    }

    /// The call of a program by its path: `doas PROGRAM WORD…`, or `env PROGRAM WORD…` without an
    /// escalator.
    pub fn call(self, program: &Path, words: impl IntoIterator<Item = OsString>) -> Command {
        let mut args: Vec<OsString> = self.options().iter().map(OsString::from).collect();
        args.push(program.into());
        args.extend(words);
        Command::root(self.word().unwrap_or("env"), args)
    }

    /// The calls that only try whether the rule permits the program, itself and in the background, and ask
    /// for no password: `doas -n PROGRAM --version`, `doas -n daemon -c PROGRAM --version`.
    pub fn trials(self, program: &Path) -> [Command; 2] {
        let options = match self {
            // mdo(1) never asks.
            Self::Mdo | Self::None => self.options(),
            Self::Doas | Self::Sudo => &["-n"],
        };
        let detached = daemon::detach(program, args!["--version"]);
        let mut background = args![detached.program];
        background.extend(detached.args);
        [args![program, "--version"], background].map(|words| {
            let mut args: Vec<OsString> = options.iter().map(OsString::from).collect();
            args.extend(words);
            Command::question(self.word().unwrap_or("env"), args)
        })
    }

    /// The command as it is spawned and printed.
    pub fn wrap(self, command: &Command) -> Command {
        match (command.privilege, self.word()) {
            (Privilege::User, _) | (_, None) => command.clone(),
            (Privilege::Root, Some(word)) => command.prefixed(word, self.options()),
        }
    }

    /// Without -i mdo(1) sets the target's groups, which most rules do not allow.
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Mdo => &["-i"],
            Self::None | Self::Doas | Self::Sudo => &[],
        }
    }
}

/// Whether this line, which does not begin with sudo's name, is a denial by sudo's policy
/// (`plugins/sudoers/logging.c`; with a further sentence up to 1.9.12).
fn is_denial(line: &str) -> bool {
    let (is_unknown, was_reported) = (
        " is not in the sudoers file.",
        "  This incident will be reported.",
    );
    line.strip_suffix(was_reported)
        .unwrap_or(line)
        .ends_with(is_unknown)
        || line.contains(" is not allowed to run sudo on ")
        || line.starts_with("Sorry, user ") && line.contains(" is not allowed to execute '")
}

#[cfg(test)]
mod tests {
    use super::Elevation;

    #[test]
    fn a_refusal_is_the_last_line_that_is_the_escalators_own() {
        let (doas, sudo) = (Elevation::Doas, Elevation::Sudo);
        let denied = "Sorry, user me is not allowed to execute '/sbin/zfs list' as root on here.";
        let reported = format!("{denied}\nThis incident has been reported to the administrator.\n");
        let other_host = "me is not allowed to run sudo on here.";
        let former = "me is not in the sudoers file.  This incident will be reported.";
        for (elevation, stderr, refusal) in [
            (doas, "doas: a\ndoas: b\n\n", Some("doas: b")),
            (doas, "doas: a\nzfs: b\n", None),
            (doas, "doas-helper: a\n", None),
            (doas, denied, None),
            (doas, "", None),
            (sudo, "sudo: a\n", Some("sudo: a")),
            (sudo, &reported, Some(denied)),
            (sudo, other_host, Some(other_host)),
            (sudo, former, Some(former)),
            (
                sudo,
                "sudo: unable to resolve host here: Name does not resolve",
                None,
            ),
            (Elevation::None, "sudo: a", None),
        ] {
            assert_eq!(elevation.refusal(stderr), refusal, "{stderr}");
        }
    }
}
