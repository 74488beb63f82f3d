//! A command as data: the same value is spawned, printed and quoted in errors.
//!
//! Knows no program; the programs' argument grammars are in [`crate::tools`].

use crate::model::Vm;
use crate::model::name::VmName;
use crate::quote;
use crate::verb::{Spelling, Verb};
use serde::{Serialize, Serializer};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The user that a command runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Privilege {
    /// The caller: for queries and for the user's files.
    User,
    /// Root, through the escalator.
    Root,
}

/// How a command's standard streams are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Streams {
    /// No input; output and errors are captured for the parser and for the message.
    Captured,
    /// No input; output and errors are shown as they arrive.
    Shown,
    /// All three are the caller's terminal; its modes are restored afterwards.
    Terminal,
    /// No input; output and errors are passed on as they arrive to the supervisor of the command.
    Relayed,
}

/// One program call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Command {
    /// The program's bare name, looked up in the fixed search path.
    pub program: &'static str,
    /// The words after the program name.
    #[serde(serialize_with = "words")]
    pub args: Vec<OsString>,
    /// The user that the command runs as.
    pub privilege: Privilege,
    /// How the streams are connected.
    pub streams: Streams,
    /// The exit statuses that are not failures.
    pub accept: &'static [i32],
    /// Endings of standard error that, with status 1, report a missing object.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub absent: &'static [&'static str],
    /// The meanings of exit statuses, in words that follow "the guest".
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub meanings: &'static [(i32, &'static str)],
    /// The programs that the command starts itself, as daemon(8) and the escalators do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub starts: Vec<&'static str>,
    /// The title that the process sets when running; status 1 without this title is a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The command that runs after status 1 to find the reason: its output is added to the message
    /// and its exit status is ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained_by: Option<Box<Command>>,
    /// The file that the command fills, and its size at the end, in bytes: for the display of progress.
    #[serde(skip)]
    pub fills: Option<(PathBuf, u64)>,
    /// The VM that the command works for, and how its user calls verbs: for a remedy.
    #[serde(skip)]
    pub works_for: Option<(VmName, Spelling)>,
}

impl Command {
    /// A query: runs as the user, output is captured.
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
            fills: None,
            works_for: None,
        }
    }

    /// A change: runs as root, output is captured.
    pub fn root(program: &'static str, args: Vec<OsString>) -> Self {
        Self {
            privilege: Privilege::Root,
            ..Self::question(program, args)
        }
    }

    /// The same command with other streams.
    #[must_use]
    pub fn streams(self, streams: Streams) -> Self {
        Self { streams, ..self }
    }

    /// The same command with other accepted exit statuses.
    #[must_use]
    pub fn accept(self, accept: &'static [i32]) -> Self {
        Self { accept, ..self }
    }

    /// The same command, which works for this VM.
    #[must_use]
    pub fn works_for(self, vm: &Vm) -> Self {
        Self {
            works_for: Some((vm.name.clone(), vm.spelling.clone())),
            ..self
        }
    }

    /// A text in which each command `VM-VERB`, each setting `VM_SETTING` and each command of easy-bhyve is
    /// that of the VM that the command works for; without such a VM the text stays as it is.
    pub fn spelled(&self, text: &str) -> String {
        let Some((vm, spelling)) = &self.works_for else {
            return text.to_owned();
        };
        let program = spelling.command("");
        let mut spelled = String::new();
        for (at, part) in text.split("VM").enumerate() {
            let verb = part.strip_prefix('-').filter(|_| at > 0).and_then(|rest| {
                let mut verbs = Verb::ALL.into_iter();
                verbs.find_map(|verb| Some((verb, rest.strip_prefix(verb.as_str())?)))
            });
            let rest = match verb {
                Some((verb, rest)) => {
                    spelled.push_str(&spelling.of(verb, vm.as_str()));
                    rest
                }
                None if at > 0 && part.starts_with('_') => {
                    spelled.push_str(vm.as_str());
                    part
                }
                None if at > 0 => {
                    spelled.push_str("VM");
                    part
                }
                None => part,
            };
            spelled.push_str(&rest.replace("easy-bhyve ", &program));
        }
        spelled
    }

    /// The same query, where status 1 and one of these endings of standard error report that the
    /// object in question is missing.
    #[must_use]
    pub fn absent(self, absent: &'static [&'static str]) -> Self {
        Self { absent, ..self }
    }

    /// Whether this standard error reports that the object in question is missing.
    pub fn is_absent(&self, stderr: &[u8]) -> bool {
        let said = String::from_utf8_lossy(stderr);
        let said = said.trim_end();
        self.absent.iter().any(|end| said.ends_with(end))
    }

    /// This command as the last words of another command: `PROGRAM OPTION… COMMAND…`.
    #[must_use]
    pub fn prefixed(&self, program: &'static str, options: &[&str]) -> Self {
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

    /// Every program that must be installed for this command.
    pub fn programs(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.program).chain(self.starts.iter().copied())
    }

    /// The program that does the work, started by daemon, env, timeout and the like.
    pub fn last_program(&self) -> &'static str {
        self.starts.last().copied().unwrap_or(self.program)
    }

    /// The words, program first.
    pub fn argv(&self) -> impl Iterator<Item = &OsStr> {
        std::iter::once(OsStr::new(self.program)).chain(self.args.iter().map(OsString::as_os_str))
    }

    /// The command as a line of a script.
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

    /// The meaning of `status` for this program, if known.
    pub fn meaning(&self, status: i32) -> Option<&'static str> {
        self.meanings
            .iter()
            .find(|(known, _)| *known == status)
            .map(|(_, words)| *words)
    }
}

/// A single line of text to paste into sh(1).
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.quoted(quote::push_shown)))
    }
}

/// Serialises words as text; bytes that are not UTF-8 become U+FFFD.
fn words<S: Serializer>(args: &[OsString], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        args.iter()
            .map(|word| String::from_utf8_lossy(word.as_bytes())),
    )
}

/// Collects words of several types into the arguments of a [`Command`].
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
            command.prefixed("doas", &[]).to_string(),
            "doas zfs create -V 20g 'zroot/my vm'"
        );
    }
}
