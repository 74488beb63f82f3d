//! `easy-bhyve complete`: the words that a shell offers; `easy-bhyve completions`: the script of a shell.
//!
//! Reads the configuration and the one definition of the command line; asks the host only for the
//! snapshots of a volume, and never as root. The output is a contract with the installed scripts: one
//! word a line, with `--describe` a tab and what the word means behind it; a word that ends in `=`
//! continues; the line `@files` alone says that a name of a file is wanted.

mod scripts;
mod typed;
mod values;

use super::invocation::options::{CompleteArgs, CompletionsArgs};
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
use typed::{Typed, Wanted};
use values::Sources;

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
    /// The shell completes the name of a file.
    Files,
}

/// Prints the words that can stand at the cursor, which is behind the last word.
///
/// # Errors
/// If the output cannot be written. A configuration that is missing or wrong has no VM.
pub(super) fn complete(session: &mut Session<'_, '_>, args: &CompleteArgs) -> Result<()> {
    let words = match (&args.words[..], session.process.variable("COMMAND_LINE")) {
        // tcsh has no words for a command that it runs, but the line.
        ([], Some(line)) => split(&line.to_string_lossy()),
        (words, _) => words.to_vec(),
    };
    let text = if args.links {
        links(config(session.process, &words, None).as_ref())
    } else {
        shown(&answer(session, &words), args.describe)
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

/// The blank-separated words of a line; the last is empty behind a blank.
fn split(line: &str) -> Vec<OsString> {
    let mut words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
    if line.ends_with(char::is_whitespace) {
        words.push(OsString::new());
    }
    words
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
    let mut sources = Sources {
        config: config.as_ref(),
        look: &mut *session.host,
        devices: &session.process.devices,
    };
    // `--option=VALUE` is one word.
    let (head, part) = typed.at.split(&current);
    let found = match &typed.wanted {
        Wanted::Command => values::commands(&definition),
        Wanted::Option(command) => values::options(command),
        Wanted::Value(argument) => match values::of(argument, &typed, part, &mut sources) {
            Some(found) => found,
            None => return Answer::Files,
        },
        Wanted::Nothing => Vec::new(),
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

fn shown(answer: &Answer, describe: bool) -> String {
    match answer {
        Answer::Files => "@files\n".to_owned(),
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
