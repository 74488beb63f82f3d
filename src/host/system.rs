//! The real host. The only file that spawns processes.

use super::terminal::Modes;
use super::{Ended, Finished, Host, Look, SpawnError};
use crate::command::{Command, Streams, args};
use crate::plan::FileChange;
use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How much of a command's standard error is kept, in bytes.
const STDERR_KEPT: usize = 4096;
/// The time between two looks for a terminal command's title: at first, and in the end.
const TITLE_INTERVALS: (Duration, Duration) =
    (Duration::from_millis(40), Duration::from_millis(500));

/// The real host: programs along a fixed search path, and the caller's own files.
#[derive(Debug)]
pub struct System {
    search_path: String,
    signal: Option<Arc<AtomicUsize>>,
}

impl System {
    /// A host whose programs are found along `search_path`, directories separated by colons.
    pub fn new(search_path: impl Into<String>) -> Self {
        Self {
            search_path: search_path.into(),
            signal: None,
        }
    }

    fn prepare(&self, command: &Command) -> Result<std::process::Command, SpawnError> {
        let program = self.look_up(command.program).ok_or(SpawnError::NotFound)?;
        let mut prepared = std::process::Command::new(program);
        prepared
            .arg0(command.program)
            .args(&command.args)
            .env("PATH", &self.search_path);
        if command.streams != Streams::Terminal {
            prepared.stdin(Stdio::null());
        }
        if command.streams == Streams::Captured {
            // Output that is read by a parser must not depend on the caller's language.
            prepared
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .env("LC_ALL", "C");
        }
        Ok(prepared)
    }

    fn look_up(&self, program: &str) -> Option<PathBuf> {
        which::which_in(program, Some(&self.search_path), "/").ok()
    }

    /// Waits for a child that has the terminal, looking for its title meanwhile.
    fn watch(&mut self, child: &mut Child, title: &str) -> io::Result<(ExitStatus, bool)> {
        let question = Command::question("pgrep", args!["-qxf", title]);
        let (mut interval, longest) = TITLE_INTERVALS;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok((status, false));
            }
            if self
                .ask(&question)
                .is_ok_and(|finished| finished.ended == Ended::Exit(0))
            {
                return Ok((child.wait()?, true));
            }
            std::thread::sleep(interval);
            interval = (interval * 5 / 4).min(longest);
        }
    }
}

impl Look for System {
    fn ask(&mut self, question: &Command) -> Result<Finished, SpawnError> {
        let output = self
            .prepare(question)?
            .output()
            .map_err(SpawnError::Refused)?;
        Ok(Finished {
            ended: ended(output.status),
            stdout: output.stdout,
            stderr: tail(output.stderr),
            titled: false,
        })
    }

    fn exists(&mut self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn names_in(&mut self, directory: &Path) -> io::Result<Vec<OsString>> {
        match std::fs::read_dir(directory) {
            Ok(entries) => entries.map(|entry| Ok(entry?.file_name())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn find(&mut self, program: &str) -> Option<PathBuf> {
        self.look_up(program)
    }

    fn search_path(&self) -> &str {
        &self.search_path
    }
}

impl Host for System {
    fn run(&mut self, command: &Command) -> Result<Finished, SpawnError> {
        if command.streams == Streams::Captured {
            return self.ask(command);
        }
        let stdin = io::stdin();
        let modes = if command.streams == Streams::Terminal {
            Modes::save(&stdin)
        } else {
            None
        };
        let mut child = self
            .prepare(command)?
            .spawn()
            .map_err(SpawnError::Refused)?;
        let waited = match &command.title {
            Some(title) => self.watch(&mut child, title),
            None => child.wait().map(|status| (status, false)),
        };
        if let Some(modes) = modes {
            modes.restore(&stdin);
        }
        let (status, titled) = waited.map_err(SpawnError::Refused)?;
        Ok(Finished {
            ended: ended(status),
            stdout: Vec::new(),
            stderr: Vec::new(),
            titled,
        })
    }

    fn change(&mut self, change: &FileChange) -> io::Result<()> {
        match change {
            FileChange::MakeScratch(path) => DirBuilder::new().mode(0o700).create(path),
            FileChange::MakeDirectories(path) => std::fs::create_dir_all(path),
            FileChange::Write { path, text } => OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o644)
                .open(path)?
                .write_all(text.as_bytes()),
            FileChange::RemoveScratch(path) => std::fs::remove_dir_all(path),
            FileChange::Link { target, path } => symlink(target, path),
            FileChange::ReplaceLink { target, path } => replace_link(target, path),
            FileChange::RemoveLink(path) => std::fs::remove_file(path),
        }
    }

    fn heed_signals(&mut self) -> io::Result<()> {
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [nix::libc::SIGHUP, nix::libc::SIGINT, nix::libc::SIGTERM] {
            let value = usize::try_from(number).unwrap_or_default();
            signal_hook::flag::register_usize(number, Arc::clone(&signal), value)?;
        }
        self.signal = Some(signal);
        Ok(())
    }

    fn interrupted(&mut self) -> Option<i32> {
        let number = self.signal.as_ref()?.load(Ordering::Relaxed);
        i32::try_from(number).ok().filter(|&number| number != 0)
    }

    fn pause(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn confirm(&mut self, question: &str) -> Option<bool> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        write!(io::stderr(), "{question} [y/N] ").ok()?;
        let mut answer = String::new();
        stdin.read_line(&mut answer).ok()?;
        Some(answer.trim() == "y")
    }
}

/// Makes the link under another name and renames it, so that there is always one.
fn replace_link(target: &Path, path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let fresh = tempfile::Builder::new()
        .prefix(".easy-bhyve")
        .make_in(directory, |name| symlink(target, name))?;
    fresh
        .into_temp_path()
        .persist(path)
        .map_err(|failed| failed.error)
}

fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exit(code),
        (None, Some(signal)) => Ended::Signal(signal),
        // wait(2) without WUNTRACED reports nothing else.
        (None, None) => Ended::Exit(255),
    }
}

/// The end of `bytes`, from a whole line on.
fn tail(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() > STDERR_KEPT {
        bytes.drain(..bytes.len() - STDERR_KEPT);
        if let Some(newline) = bytes.iter().position(|&byte| byte == b'\n') {
            bytes.drain(..=newline);
        }
    }
    bytes
}
