//! Calls of the program in this process: arguments and configuration in, all output out.

#![allow(unreachable_pub)]

use crate::fake::Fake;
use crate::host::build::USER;
use easy_bhyve::cli::invocation::is_root_side;
use easy_bhyve::process::{CONFIG_VARIABLE, Clock, LOG_DIRECTORY, Process, RUN_DIRECTORY};
use easy_bhyve::run::Output;
use easy_bhyve::run::progress::Display;
use easy_bhyve::tools::firmware::SHARE_DIRECTORY;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The result of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The exit status.
    pub status: u8,
    /// Standard output, with the output of programs on the terminal.
    pub out: String,
    /// Standard error, with that of programs on the terminal.
    pub err: String,
}

/// One stream of the caller's terminal; the program and its children write to the same stream.
#[derive(Clone, Debug, Default)]
pub struct Stream(Arc<Mutex<Vec<u8>>>);

impl Stream {
    /// The text that was written since the last call of this function.
    fn take(&self) -> String {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = std::mem::take(&mut *written);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Calls the program with this text as its configuration; the first word is the name of the call.
pub fn call(fake: &mut Fake, config: &str, words: &[&str]) -> Said {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("easy-bhyve.conf");
    std::fs::write(&file, config).unwrap();
    call_with_file(fake, &file, words)
}

/// Calls the program with this configuration file, which is shown as `easy-bhyve.conf`, as are the profiles
/// beside it as `os/NAME.toml`.
pub fn call_with_file<W: AsRef<str>>(fake: &mut Fake, file: &Path, words: &[W]) -> Said {
    let args: Vec<OsString> = words.iter().map(|word| word.as_ref().into()).collect();
    let profiles = file.with_file_name("os").join("");
    let shown = [
        (file.display().to_string(), "easy-bhyve.conf"),
        (profiles.display().to_string(), "os/"),
    ];
    let mut process = process(args, fake);
    process
        .environment
        .insert(CONFIG_VARIABLE.into(), file.into());
    said(fake, &process, &shown)
}

/// Calls the program with exactly these words.
pub fn call_bare(fake: &mut Fake, words: Vec<OsString>) -> Said {
    said(fake, &process(words, fake), &[])
}

/// Calls the program with exactly these words; this file is the program.
pub fn call_program(fake: &mut Fake, program: PathBuf, words: Vec<OsString>) -> Said {
    let process = Process {
        program,
        ..process(words, fake)
    };
    said(fake, &process, &[])
}

/// The uid of a caller who owns the real files of a test: that of this process, or for root a user's.
pub fn owner() -> u32 {
    match nix::unistd::geteuid() {
        root if root.is_root() => USER,
        own => own.as_raw(),
    }
}

/// Calls the program as if it were in this directory, on a host of this name; the directory is removed
/// from the output.
pub fn call_in_directory<W: AsRef<str>>(
    fake: &mut Fake,
    directory: &Path,
    host: &str,
    words: &[W],
) -> Said {
    let args = words.iter().map(|word| word.as_ref().into()).collect();
    let process = Process {
        program: directory.join("easy-bhyve"),
        host_name: format!("{host}.example.org"),
        ..process(args, fake)
    };
    said(fake, &process, &[(format!("{}/", directory.display()), "")])
}

fn said(fake: &mut Fake, process: &Process, shown: &[(String, &str)]) -> Said {
    let (out, err) = (fake.out.clone(), fake.err.clone());
    let status = easy_bhyve::main(
        process,
        fake,
        &mut Output {
            out: &mut out.clone(),
            err: &mut err.clone(),
            display: Display::Lines,
        },
    );
    let shown = |text: String| {
        shown
            .iter()
            .fold(text, |text, (long, short)| text.replace(long, short))
    };
    Said {
        status,
        out: shown(out.take()),
        err: shown(err.take()),
    }
}

/// The path of the program.
pub const PROGRAM: &str = "/usr/local/bin/easy-bhyve";

/// A call on the host `vmhost` on 23 November 2026 at 12:34:56.
pub fn process(args: Vec<OsString>, caller: &Fake) -> Process {
    Process {
        is_root_side: is_root_side(&args),
        args,
        environment: caller.environment.clone(),
        directory: "/".into(),
        program: PROGRAM.into(),
        uid: caller.uid,
        pid: caller.pid,
        host_name: "vmhost.example.org".into(),
        clock: Clock::Fixed(
            chrono::NaiveDate::from_ymd_opt(2026, 11, 23)
                .and_then(|day| day.and_hms_opt(12, 34, 56))
                .unwrap(),
        ),
        search_path: caller.search_path.clone(),
        devices: caller.host().state.dev.clone(),
        run: PathBuf::from(RUN_DIRECTORY),
        logs: PathBuf::from(LOG_DIRECTORY),
        share: PathBuf::from(SHARE_DIRECTORY),
        seed: uuid::Uuid::nil(),
        token: "scratch0".into(),
        colour: false,
        is_watched: false,
        columns: 80,
        display: Display::Lines,
    }
}
