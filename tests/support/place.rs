//! The real program in directories of its own, in an environment that holds only what a test sets.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a call left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// As a value to compare with.
    pub(crate) fn new(status: i32, out: impl Into<String>, err: impl Into<String>) -> Self {
        Self {
            status: Some(status),
            out: out.into(),
            err: err.into(),
        }
    }

    /// What a program that has ended has said.
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            status: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// What the remark of a preview on another system than FreeBSD says.
pub(crate) const FRESH: &str = "this host is not FreeBSD: the plan is for a freshly booted host\n";

/// The program where cargo has built it.
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

    /// Makes the directory in which the path lies.
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

    /// The program itself, no link, at this place.
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

    /// A call without any host program, terminal or variable of the caller's.
    pub(crate) fn call(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("EASY_BHYVE_PATH", self.path("no programs"))
            .current_dir(&self.root)
            .stdin(Stdio::null());
        command
    }

    /// Calls with these words and this configuration.
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

/// Puts a program at a place, as a file of its own.
pub(crate) fn put(program: &Path, path: &Path) {
    if fs::hard_link(program, path).is_err() {
        // Not copied by this process: a child of another thread could hold it open for writing.
        let copied = Command::new("cp").arg(program).arg(path).status();
        assert!(copied.unwrap().success());
    }
}

/// Says that something is not tested here, and why; the gate accepts no such excuse.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "not tested: {why}");
    println!("not tested: {why}");
}
