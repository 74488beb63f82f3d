//! `easy-bhyve complete`: the words that a shell offers; `easy-bhyve completions`: the script of a shell.
//!
//! Reads the configuration and the one definition of the command line; asks the host only for the
//! snapshots of a volume and for the names of interfaces, and never as root. The output is a contract with
//! the installed scripts: one word a line, with `--describe` a tab and what the word means behind it; a word
//! that ends in `=` continues. The line `@files` says that a name of a file is wanted, `@files=` that it is
//! wanted behind the `=` of the word, and `@default` that the command is not of this program.

mod line;
mod scripts;
mod typed;
mod values;

use super::invocation::options::{CompleteArgs, CompletionsArgs, Shell};
use super::invocation::{self, Invocation};
use super::locate;
use crate::config::Config;
use crate::error::Result;
use crate::process::Process;
use crate::run::not_written;
use crate::session::Session;
use crate::verb::Verb;
use crate::vis;
use std::ffi::OsString;
use std::path::PathBuf;

pub(super) use scripts::plan;
use typed::{Part, Typed, Wanted};
use values::{Found, Sources};

/// A word that can be written at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    word: String,
    /// The meaning, on one line; empty if the word says it.
    meaning: String,
}

impl Candidate {
    fn new(word: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self {
            word: word.into(),
            meaning: meaning.into(),
        }
    }
}

/// What a shell is told.
enum Answer {
    Words(Vec<Candidate>),
    /// This part of the word is the name of a file.
    Files(Part, String),
    /// The command is not of this program.
    Default,
}

/// Prints the words that can stand at the cursor, which is behind the last word.
///
/// # Errors
/// If the output cannot be written. A configuration that is missing or wrong has no VM.
pub(super) fn complete(session: &mut Session<'_, '_>, args: &CompleteArgs) -> Result<()> {
    let typed = session.process.variable("COMMAND_LINE");
    let words = match (args.line, typed) {
        // tcsh has removed quotes and backslashes already: there a blank ends every word.
        (Some(_), Some(line)) => line::words(&line.to_string_lossy()),
        _ => args.words.clone(),
    };
    let text = if args.links {
        links(config(session.process, &words, None).as_ref())
    } else {
        let answer = answer(session, &words);
        match args.line {
            Some(shell) => listed(answer, shell, session.process, args.describe),
            None => shown(&answer, args.describe),
        }
    };
    write(session, &text)
}

/// Prints the script of a shell, to be read at its start.
///
/// # Errors
/// If the output cannot be written.
pub(super) fn completions(session: &mut Session<'_, '_>, args: CompletionsArgs) -> Result<()> {
    let text = scripts::text(args.shell, session.process);
    write(session, &text)
}

fn write(session: &mut Session<'_, '_>, text: &str) -> Result<()> {
    let out = &mut session.output.out;
    let written = out.write_all(text.as_bytes());
    written.and_then(|()| out.flush()).map_err(not_written)
}

/// The configuration that the completed call would read.
fn config(process: &Process, words: &[OsString], typed: Option<PathBuf>) -> Option<Config> {
    let process = Process {
        args: words.to_vec(),
        ..process.clone()
    };
    let invocation = Invocation::reading(typed);
    locate::load(&process, &invocation).ok()
}

fn answer(session: &mut Session<'_, '_>, words: &[OsString]) -> Answer {
    let Some((current, before)) = words.split_last() else {
        return Answer::Words(Vec::new());
    };
    let current = current.to_string_lossy();
    let definition = invocation::definition(None);
    let typed = Typed::parse(&definition, before, &current);
    let config = config(session.process, words, typed.config.clone());
    let is_vm = |vm: &str| config.as_ref().is_some_and(|config| config.is_vm(vm));
    if let Some(vm) = &typed.link
        && (typed.is_unknown || !is_vm(vm))
    {
        return Answer::Default;
    }
    let mut sources = Sources {
        config: config.as_ref(),
        look: &mut *session.host,
        devices: &session.process.devices,
    };
    // `--option=VALUE` is one word.
    let (head, part) = typed.at.split(&current);
    let found = match &typed.wanted {
        Wanted::Command => Found::Words(values::commands(&definition)),
        Wanted::Option(command) => Found::Words(values::options(command)),
        Wanted::Value(argument) => values::of(argument, &typed, part, &mut sources),
        Wanted::Nothing => Found::Words(Vec::new()),
    };
    let found = match found {
        Found::Words(found) => found,
        Found::Files => return Answer::Files(typed.at, current.into_owned()),
        Found::FilesBehind => return Answer::Files(Part::Value, current.into_owned()),
    };
    let fits = found.into_iter().filter(|one| one.word.starts_with(part));
    Answer::Words(
        fits.map(|one| Candidate {
            word: format!("{head}{}", one.word),
            ..one
        })
        .collect(),
    )
}

/// The answer for a shell that has not taken the line apart: with the names of files.
fn listed(answer: Answer, shell: Shell, process: &Process, describe: bool) -> String {
    let (part, word) = match (answer, shell) {
        // bash itself knows quotes, variables and home directories.
        (Answer::Files(part, word), Shell::Fish | Shell::Tcsh | Shell::Zsh) => (part, word),
        // tcsh has no default to return to.
        (Answer::Default, Shell::Tcsh) => return String::new(),
        (answer, _) => return shown(&answer, describe),
    };
    let (head, begun) = part.split(&word);
    let mut names = line::files(process, begun);
    // tcsh writes a blank behind a single word, and so behind a directory.
    if let (Shell::Tcsh, [only]) = (shell, &names[..])
        && only.ends_with('/')
    {
        names.extend(line::files(process, only));
    }
    let words = names
        .iter()
        .map(|name| Candidate::new(format!("{head}{name}"), ""));
    shown(&Answer::Words(words.collect()), describe)
}

fn shown(answer: &Answer, describe: bool) -> String {
    match answer {
        Answer::Files(Part::Whole, _) => "@files\n".to_owned(),
        Answer::Files(Part::Value, _) => "@files=\n".to_owned(),
        Answer::Default => "@default\n".to_owned(),
        Answer::Words(words) => {
            let lines = words.iter().map(|one| {
                let meaning = vis::line(&one.meaning);
                if describe && !meaning.is_empty() {
                    format!("{}\t{meaning}\n", vis::line(&one.word))
                } else {
                    format!("{}\n", vis::line(&one.word))
                }
            });
            lines.collect()
        }
    }
}

/// The name of every link.
fn links(config: Option<&Config>) -> String {
    let vms = config.into_iter().flat_map(Config::vms);
    let links = vms.flat_map(|(vm, _)| {
        Verb::ALL
            .into_iter()
            .map(move |verb| format!("{vm}-{verb}\n"))
    });
    links.collect()
}
