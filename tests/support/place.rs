//! The real program in directories of its own, in an environment that contains only what a test sets.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The result of a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The result as a value to compare with.
    pub(crate) fn new(status: i32, out: impl Into<String>, err: impl Into<String>) -> Self {
        Self {
            status: Some(status),
            out: out.into(),
            err: err.into(),
        }
    }

    /// The output and status of a program that has ended.
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            status: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The remark of a preview on a system other than FreeBSD.
pub(crate) const FRESH: &str = "this host is not FreeBSD: the plan is for a freshly booted host\n";

/// The path at which cargo has built the program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_easy-bhyve");

/// A temporary directory; every path is below it.
pub(crate) struct Place {
    directory: tempfile::TempDir,
    root: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        Self { directory, root }
    }

    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        debug_assert!(self.directory.path().is_dir());
        self.root.join(below)
    }

    /// The path as a message shows it.
    pub(crate) fn shown(&self, below: &str) -> String {
        self.path(below).display().to_string()
    }

    /// Makes the parent directory of the path.
    fn above(&self, below: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    pub(crate) fn write(&self, below: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.above(below);
        fs::write(&path, text).unwrap();
        path
    }

    /// A program that is a shell script with this text behind its first line.
    pub(crate) fn script(&self, below: &str, text: &str) -> PathBuf {
        let path = self.above(below);
        write_script(&path, text);
        path
    }

    /// The program itself, not a link, at this path.
    pub(crate) fn program(&self, below: &str) -> PathBuf {
        let path = self.above(below);
        put(Path::new(PROGRAM), &path);
        path
    }

    pub(crate) fn link(&self, below: &str, target: impl AsRef<Path>) -> PathBuf {
        let path = self.above(below);
        symlink(target, &path).unwrap();
        path
    }

    /// A call without any program of the host, terminal or variable of the caller.
    pub(crate) fn call(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("EASY_BHYVE_PATH", self.path("no programs"))
            .current_dir(&self.root)
            .stdin(Stdio::null());
        command
    }

    /// Calls the program with these words and this configuration.
    pub(crate) fn say<Word: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        words: impl IntoIterator<Item = Word>,
        config: &str,
    ) -> Said {
        let output = self
            .call(program)
            .env("EASY_BHYVE_CONFIG", self.path(config))
            .args(words)
            .output();
        Said::of(&output.unwrap())
    }
}

/// Makes a program that is a shell script with this text behind its first line.
pub(crate) fn write_script(path: &Path, text: &str) {
    // Not written by this process: a child of another thread could hold the file open for writing,
    // and a shell that cannot run the file takes the program of that name in a later directory.
    let write = "printf '#!/bin/sh\\n%s' \"$2\" >\"$1\" && chmod 755 \"$1\"";
    let written = Command::new("/bin/sh")
        .args(["-c", write, "sh"])
        .arg(path)
        .arg(text)
        .status();
    assert!(written.unwrap().success());
}

/// Installs a program at a path, as a file of its own.
pub(crate) fn put(program: &Path, path: &Path) {
    if fs::hard_link(program, path).is_err() {
        // Not copied by this process: a child of another thread could hold the file open for writing.
        let copied = Command::new("cp").arg(program).arg(path).status();
        assert!(copied.unwrap().success());
    }
}

/// Reports that something is not tested here, and why; the gate does not accept this.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "not tested: {why}");
    println!("not tested: {why}");
}
