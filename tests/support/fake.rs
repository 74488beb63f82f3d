//! The simulated host as the program's [`easy_bhyve::host::Host`], in this process.

#![allow(unreachable_pub)]

use crate::call::Stream;
use crate::host::{self as simulated, Answer, Call, Errno, Logged, Status};
use easy_bhyve::command::{Command, Streams};
use easy_bhyve::host::{Ended, Finished, Host, Look, SpawnError};
use easy_bhyve::plan::FileChange;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A simulated host as a caller with this uid meets it.
pub struct Fake {
    /// The host.
    pub host: simulated::Host,
    /// Who calls.
    pub uid: u32,
    /// The caller's environment.
    pub environment: HashMap<OsString, OsString>,
    /// Whether there is a terminal, and what the person at it answers.
    pub answer: Option<bool>,
    /// The questions that the person was asked.
    pub asked: Vec<String>,
    /// A signal that arrives before the form of this number, counted from 1: number and signal.
    pub signal: Option<(u32, i32)>,
    /// How often the program has looked for a signal: once after each form.
    pub looks_for_signals: u32,
    /// The caller's standard output.
    pub out: Stream,
    /// The caller's standard error.
    pub err: Stream,
}

impl Fake {
    /// A caller without a terminal and with an empty environment.
    pub fn new(host: simulated::Host, uid: u32) -> Self {
        Self {
            host,
            uid,
            environment: HashMap::new(),
            answer: None,
            asked: Vec::new(),
            signal: None,
            looks_for_signals: 0,
            out: Stream::default(),
            err: Stream::default(),
        }
    }

    fn start(&mut self, command: &Command) -> Result<Finished, SpawnError> {
        let mut call = Call::new(command.argv());
        call.uid = self.uid;
        // doas and sudo ask on the terminal that controls them, whatever their streams are.
        call.tty = command.streams == Streams::Terminal || self.answer.is_some();
        let Answer {
            status,
            mut stdout,
            mut stderr,
        } = match self.remove(&call) {
            Some(answer) => answer,
            None => self.host.run(&call),
        };
        let titled = matches!(status, Status::Exit(0..=3) | Status::Signal(_))
            && command.title.is_some()
            && stderr.is_empty();
        if command.streams != Streams::Captured {
            // Nothing of what goes to the terminal comes back to the program.
            let _ = self.out.write_all(&std::mem::take(&mut stdout));
            let _ = self.err.write_all(&std::mem::take(&mut stderr));
        }
        let ended = match status {
            Status::Exit(status) => Ended::Exit(status),
            Status::Signal(signal) => Ended::Signal(signal),
            Status::NotFound => return Err(SpawnError::NotFound),
            Status::Hang | Status::Running | Status::Foreign => {
                panic!("{command} would never end: {:#?}", self.host.state)
            }
        };
        Ok(Finished {
            ended,
            stdout,
            stderr,
            titled,
        })
    }

    /// rm(1) with or without an escalator, the one program that the host does not simulate.
    fn remove(&mut self, call: &Call) -> Option<Answer> {
        let words: Vec<String> = call
            .argv
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let at = words.iter().position(|word| word == "rm")?;
        let is_ours = at == 0 || matches!(words[0].as_str(), "doas" | "sudo" | "mdo");
        let path = words
            .last()
            .filter(|_| is_ours && !self.host.has_program("rm"))?;
        let _ = self.host.files_mut().remove(Path::new(path));
        self.host.orders.log.push(Logged {
            argv: words,
            uid: call.uid,
            status: Status::Exit(0),
            depth: 0,
        });
        Some(Answer::ok())
    }

    fn error(errno: Errno) -> io::Error {
        let kind = match errno {
            Errno::NoEntry => io::ErrorKind::NotFound,
            Errno::Exists => io::ErrorKind::AlreadyExists,
            Errno::Access | Errno::NotPermitted => io::ErrorKind::PermissionDenied,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, errno.text())
    }
}

impl Look for Fake {
    fn ask(&mut self, question: &Command) -> Result<Finished, SpawnError> {
        self.start(question)
    }

    fn exists(&mut self, path: &Path) -> io::Result<bool> {
        // A look by name has effects on a real host: a null modem or a tap appears.
        self.host.look_up(path, self.uid);
        Ok(self.host.exists(path))
    }

    fn names_in(&mut self, directory: &Path) -> io::Result<Vec<OsString>> {
        match self.host.list_dir(directory) {
            Ok(names) => Ok(names.into_iter().map(OsString::from).collect()),
            Err(Errno::NoEntry) => Ok(Vec::new()),
            Err(errno) => Err(Self::error(errno)),
        }
    }

    fn find(&mut self, program: &str) -> Option<PathBuf> {
        // What is not simulated here is in every base system.
        let is_base = matches!(program, "rm" | "mkdir" | "cat");
        (is_base || self.host.has_program(program)).then(|| Path::new("/sbin").join(program))
    }

    fn search_path(&self) -> &str {
        easy_bhyve::process::SEARCH_PATH
    }
}

impl Host for Fake {
    fn run(&mut self, command: &Command) -> Result<Finished, SpawnError> {
        self.start(command)
    }

    fn change(&mut self, change: &FileChange) -> io::Result<()> {
        let files = self.host.files_mut();
        match change {
            FileChange::MakeScratch(path) => files.mkdir(path),
            FileChange::MakeDirectories(path) => return std::fs::create_dir_all(path),
            FileChange::Write { path, text } => files.write(path, text.as_bytes()),
            FileChange::RemoveScratch(path) => files.list_dir(path).and_then(|names| {
                for name in names {
                    files.remove(&path.join(name))?;
                }
                files.remove(path)
            }),
            FileChange::Link { target, path } => return std::os::unix::fs::symlink(target, path),
            FileChange::ReplaceLink { target, path } => {
                std::fs::remove_file(path)?;
                return std::os::unix::fs::symlink(target, path);
            }
            FileChange::RemoveLink(path) => return std::fs::remove_file(path),
        }
        .map_err(Self::error)
    }

    fn heed_signals(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn interrupted(&mut self) -> Option<i32> {
        self.looks_for_signals += 1;
        self.signal
            .filter(|(nth, _)| self.looks_for_signals >= *nth)
            .map(|(_, signal)| signal)
    }

    fn pause(&mut self, time: Duration) {
        self.host.advance(time.as_secs_f64());
    }

    fn confirm(&mut self, question: &str) -> Option<bool> {
        self.asked.push(question.to_owned());
        if let Some(answer) = self.answer {
            let typed = if answer { "y" } else { "n" };
            let _ = writeln!(self.err, "{question} [y/N] {typed}");
        }
        self.answer
    }
}
