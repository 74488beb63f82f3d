//! A command as data: what is spawned, printed and quoted in an error is this one value.
//!
//! Knows no program; the programs' argument grammars are in [`crate::tools`].

use crate::quote;
use serde::{Serialize, Serializer};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

/// As whom a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Privilege {
    /// As the user who called; questions and the user's own files.
    User,
    /// As root, through the escalator.
    Root,
}

/// Where a command's standard streams lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Streams {
    /// No input; output and errors are kept for the parser and for the message.
    Captured,
    /// No input; output and errors are shown as they come.
    Shown,
    /// All three are the caller's terminal; its modes are restored afterwards.
    Terminal,
    /// No input; output and errors are handed over as they come, to whoever supervises the command.
    Relayed,
}

/// One program call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Command {
    /// The program's bare name; it is looked for along the fixed search path.
    pub program: &'static str,
    /// The words after the program name.
    #[serde(serialize_with = "words")]
    pub args: Vec<OsString>,
    /// As whom it runs.
    pub privilege: Privilege,
    /// Where its streams lead.
    pub streams: Streams,
    /// The exit statuses that are no failure.
    pub accept: &'static [i32],
    /// How its standard error ends where status 1 says that what it asks about is not there.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub absent: &'static [&'static str],
    /// What its exit statuses mean, in words that follow "the guest".
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub meanings: &'static [(i32, &'static str)],
    /// The programs that it starts in its turn, as daemon(8) and the escalators do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub starts: Vec<&'static str>,
    /// The title that its process takes once it works; status 1 without it is no proper end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is run once more where it ends with status 1, only to hear why: its output becomes part of
    /// the message, and how it ends does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained_by: Option<Box<Command>>,
}

impl Command {
    /// A question: runs as the user, its output is captured.
    pub fn question(program: &'static str, args: Vec<OsString>) -> Self {
        Self {
            program,
            args,
            privilege: Privilege::User,
            streams: Streams::Captured,
            accept: &[0],
            absent: &[],
            meanings: &[],
            starts: Vec::new(),
            title: None,
            explained_by: None,
        }
    }

    /// A change: runs as root, its output is captured.
    pub fn root(program: &'static str, args: Vec<OsString>) -> Self {
        Self {
            privilege: Privilege::Root,
            ..Self::question(program, args)
        }
    }

    /// The same command with its streams led elsewhere.
    #[must_use]
    pub fn streams(self, streams: Streams) -> Self {
        Self { streams, ..self }
    }

    /// The same command with other statuses that are no failure.
    #[must_use]
    pub fn accept(self, accept: &'static [i32]) -> Self {
        Self { accept, ..self }
    }

    /// The same question, of which status 1 with one of these ends of its standard error says that what
    /// it asks about is not there.
    #[must_use]
    pub fn absent(self, absent: &'static [&'static str]) -> Self {
        Self { absent, ..self }
    }

    /// Whether this is how it says that what it asks about is not there.
    pub fn is_absent(&self, stderr: &[u8]) -> bool {
        let said = String::from_utf8_lossy(stderr);
        let said = said.trim_end();
        self.absent.iter().any(|end| said.ends_with(end))
    }

    /// This command as the last words of another: `PROGRAM OPTION… COMMAND…`.
    #[must_use]
    pub fn behind(&self, program: &'static str, options: &[&str]) -> Self {
        let mut args: Vec<OsString> = options.iter().map(OsString::from).collect();
        args.push(self.program.into());
        args.extend(self.args.iter().cloned());
        let starts = self.programs().collect();
        Self {
            program,
            args,
            starts,
            ..self.clone()
        }
    }

    /// Every program that must be installed for it.
    pub fn programs(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.program).chain(self.starts.iter().copied())
    }

    /// The program that does the work: what stands behind daemon, env, timeout and the like.
    pub fn last_program(&self) -> &'static str {
        self.starts.last().copied().unwrap_or(self.program)
    }

    /// The words, program first.
    pub fn argv(&self) -> impl Iterator<Item = &OsStr> {
        std::iter::once(OsStr::new(self.program)).chain(self.args.iter().map(OsString::as_os_str))
    }

    /// The line of a script.
    pub fn line(&self) -> Vec<u8> {
        self.quoted(quote::push)
    }

    fn quoted(&self, push: fn(&mut Vec<u8>, &OsStr)) -> Vec<u8> {
        let mut line = Vec::new();
        for (index, word) in self.argv().enumerate() {
            if index > 0 {
                line.push(b' ');
            }
            push(&mut line, word);
        }
        line
    }

    /// What `status` means for this program, if it is known.
    pub fn meaning(&self, status: i32) -> Option<&'static str> {
        self.meanings
            .iter()
            .find(|(known, _)| *known == status)
            .map(|(_, words)| *words)
    }
}

/// The line to paste into sh(1): one line, all of it text.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.quoted(quote::push_shown)))
    }
}

/// Serialises words as text; bytes that are no UTF-8 are shown as U+FFFD.
fn words<S: Serializer>(args: &[OsString], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        args.iter()
            .map(|word| String::from_utf8_lossy(word.as_bytes())),
    )
}

/// Collects words of several kinds into the arguments of a [`Command`].
macro_rules! args {
    ($($word:expr),* $(,)?) => {
        vec![$(::std::ffi::OsString::from(::std::convert::AsRef::<::std::ffi::OsStr>::as_ref(&$word))),*]
    };
}
pub(crate) use args;

#[cfg(test)]
mod tests {
    use super::Command;

    #[test]
    fn a_command_shows_as_a_line_that_sh_reads() {
        let command = Command::root("zfs", args!["create", "-V", "20g", "zroot/my vm"]);
        assert_eq!(command.to_string(), "zfs create -V 20g 'zroot/my vm'");
        assert_eq!(
            command.behind("doas", &[]).to_string(),
            "doas zfs create -V 20g 'zroot/my vm'"
        );
    }
}
