//! How a command becomes root's: doas(1), sudo(8), mdo(1), or not at all.

use crate::command::{Command, Privilege};
use crate::error::{Error, Result};
use crate::host::Look;
use serde::{Deserialize, Serialize};

/// The `privilege` setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// None for uid 0, else doas if it is installed, else sudo.
    #[default]
    Auto,
    /// Nothing is prefixed.
    None,
    /// doas(1).
    Doas,
    /// sudo(8).
    Sudo,
    /// mdo(1).
    Mdo,
}

/// The escalator in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Elevation {
    /// Commands run as they are.
    None,
    /// doas(1).
    Doas,
    /// sudo(8).
    Sudo,
    /// mdo(1).
    Mdo,
}

impl Elevation {
    /// Decides for an escalator.
    ///
    /// doas comes before sudo: who installed it means to use it.
    ///
    /// # Errors
    /// If `auto` finds none, or the chosen one is not installed.
    pub fn choose(choice: Choice, uid: u32, look: &mut dyn Look) -> Result<Self> {
        let chosen = match choice {
            Choice::Auto if uid == 0 => return Ok(Self::None),
            Choice::None => return Ok(Self::None),
            Choice::Auto => [Self::Doas, Self::Sudo]
                .into_iter()
                .find(|one| one.word().is_some_and(|word| look.find(word).is_some())),
            Choice::Doas => Some(Self::Doas),
            Choice::Sudo => Some(Self::Sudo),
            Choice::Mdo => Some(Self::Mdo),
        };
        let Some(chosen) = chosen else {
            return Err(Error::host("neither doas nor sudo is installed")
                .note(format!("looked for them along {}", look.search_path()))
                .help("install one and allow yourself to use it: pkg install doas")
                .help("or become root first, or set privilege=mdo in easy-bhyve.conf"));
        };
        match chosen.word() {
            Some(word) if look.find(word).is_none() => Err(Error::host(format!(
                "privilege is {word}, which is not installed"
            ))
            .note(format!("looked for it along {}", look.search_path()))
            .help(crate::tools::how_to_install(word))),
            _ => Ok(chosen),
        }
    }

    /// The escalator that a choice means where nobody looks for it: doas for `auto`.
    pub fn intended(choice: Choice) -> Self {
        match choice {
            Choice::None => Self::None,
            Choice::Auto | Choice::Doas => Self::Doas,
            Choice::Sudo => Self::Sudo,
            Choice::Mdo => Self::Mdo,
        }
    }

    /// Whether this last line on standard error, with status 1, is the escalator's own refusal.
    pub fn has_refused(self, last: &str) -> bool {
        let by_name = self
            .word()
            .is_some_and(|word| last.starts_with(&format!("{word}:")));
        let by_sudo = last.ends_with("is not in the sudoers file.")
            || last.contains("is not in the sudoers file.  This incident")
            || (last.starts_with("Sorry, user ") && last.contains("is not allowed to execute"));
        by_name || (self == Self::Sudo && by_sudo)
    }

    /// The word before a command, if there is one.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Doas => Some("doas"),
            Self::Sudo => Some("sudo"),
            Self::Mdo => Some("mdo"),
        }
    }

    /// What to do for the escalator to run a command.
    pub fn how_to_allow(self) -> String {
        match self {
            Self::None => String::new(),
            Self::Doas => {
                "allow it in /usr/local/etc/doas.conf, for example: permit nopass YOU as root"
                    .into()
            }
            Self::Sudo => "allow it with visudo, for example: YOU ALL=(root) NOPASSWD: ALL".into(),
            Self::Mdo => "load mac_do and allow it, for example: \
                          sysctl security.mac.do.rules='gid=0>uid=0'"
                .into(),
        }
    }

    /// The command as it is spawned and printed.
    pub fn wrap(self, command: &Command) -> Command {
        match (command.privilege, self) {
            (Privilege::User, _) | (_, Self::None) => command.clone(),
            // Without -i mdo(1) sets the target's groups, which most rules do not allow.
            (Privilege::Root, Self::Mdo) => command.behind("mdo", &["-i"]),
            (Privilege::Root, Self::Doas) => command.behind("doas", &[]),
            (Privilege::Root, Self::Sudo) => command.behind("sudo", &[]),
        }
    }
}
