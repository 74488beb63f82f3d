//! Calls of programs of the host, and their answers.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// One start of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Program name first.
    pub argv: Vec<OsString>,
    /// The whole standard input of the program.
    pub stdin: Vec<u8>,
    /// The uid of the caller.
    pub uid: u32,
    /// Whether its standard streams are a terminal.
    pub tty: bool,
    /// The environment; only `TERM` matters to any program here.
    pub env: BTreeMap<String, String>,
    /// The process that starts it.
    pub parent: i32,
    /// Whether daemon(8) has started it in the background.
    pub background: bool,
    /// Whether the caller continues at once, and waits for its end later.
    pub is_begun: bool,
    /// The real process of this call.
    pub pid: Option<i32>,
}

impl Call {
    /// A call by an ordinary user (uid 1001) without a terminal.
    pub fn new<I, S>(argv: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<OsString>,
    {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            stdin: Vec::new(),
            uid: 1001,
            tty: false,
            env: BTreeMap::from([("TERM".into(), "xterm".into())]),
            parent: 1,
            background: false,
            is_begun: false,
            pid: None,
        }
    }

    /// The same call by root.
    #[must_use]
    pub fn by_root(mut self) -> Self {
        self.uid = 0;
        self
    }

    /// The same call with this standard input.
    #[must_use]
    pub fn with_stdin(mut self, stdin: &str) -> Self {
        self.stdin = stdin.into();
        self
    }

    /// The same call on a terminal.
    #[must_use]
    pub fn on_terminal(mut self) -> Self {
        self.tty = true;
        self
    }

    /// The name of the program without its directory; empty if there is none.
    pub fn program(&self) -> String {
        self.argv
            .first()
            .and_then(|word| Path::new(word).file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// The arguments as text, without the program's name.
    pub fn words(&self) -> Vec<String> {
        self.argv
            .iter()
            .skip(1)
            .map(|word| word.to_string_lossy().into_owned())
            .collect()
    }

    /// The same circumstances with another command line.
    pub fn inner<S: Into<OsString> + Clone>(&self, argv: &[S]) -> Self {
        Self {
            argv: argv.iter().cloned().map(Into::into).collect(),
            ..self.clone()
        }
    }
}

/// How a program ended, or why it did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// The program has exited.
    Exit(i32),
    /// A signal has ended it.
    Signal(i32),
    /// The program does not return: it waits for an event that never happens.
    Hang,
    /// No program of this name is installed.
    NotFound,
    /// The program is not simulated but belongs to the real machine, such as sh(1).
    Foreign,
    /// Only in real time: it continues as `Host::session`.
    Running,
}

/// The result of a program for its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How it ended.
    pub status: Status,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error output.
    pub stderr: Vec<u8>,
}

impl Answer {
    /// Success without output.
    pub fn ok() -> Self {
        Self::exit(0)
    }

    /// This exit status without output.
    pub fn exit(status: i32) -> Self {
        Self::of(Status::Exit(status))
    }

    /// This status without output.
    pub fn of(status: Status) -> Self {
        Self {
            status,
            stdout: Vec::new(),
            stderr: Vec::new(),
        }
    }

    /// Success with this output.
    pub fn out(stdout: impl Into<String>) -> Self {
        Self::ok().and_out(stdout)
    }

    /// Failure with one line (or several) of error output; the last newline is added.
    pub fn fail(status: i32, message: impl Into<String>) -> Self {
        Self::exit(status).and_err(message)
    }

    /// Adds to the standard output.
    #[must_use]
    pub fn and_out(mut self, text: impl Into<String>) -> Self {
        self.stdout.extend(text.into().into_bytes());
        self
    }

    /// Adds a line to the error output.
    #[must_use]
    pub fn and_err(mut self, line: impl Into<String>) -> Self {
        let line = line.into();
        if !line.is_empty() {
            self.stderr.extend(line.into_bytes());
            if self.stderr.last() != Some(&b'\n') {
                self.stderr.push(b'\n');
            }
        }
        self
    }

    /// The standard output as text.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The error output as text.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Status, standard output and error output, to compare a whole answer.
    pub fn whole(&self) -> (Status, String, String) {
        (self.status, self.stdout(), self.stderr())
    }
}

/// One line of the host's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    /// Program name first.
    pub argv: Vec<String>,
    /// The uid of its caller.
    pub uid: u32,
    /// How it ended.
    pub status: Status,
    /// 0: started by the caller; 1 and more: started by another program of the host, such as doas.
    pub depth: u32,
}
