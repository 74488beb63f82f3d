//! The scratch directory of a script: made once, by mktemp(1).
//!
//! For a script of root the directory lies in root's own directory, where no other user can create
//! names and no cleaner of `/tmp` removes them. For an ordinary user it lies in `/tmp`, and the script
//! checks before each round that the user still owns it.

use super::lines::Lines;
use crate::command::Command;
use crate::host::scratch;
use crate::model::privilege::Elevation;
use crate::plan::Refusal;
use crate::quote;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The template for a script of an ordinary user.
const TEMPLATE: &str = "/tmp/easy-bhyve.XXXXXXXX";

impl<'plan> Lines<'plan> {
    /// Makes the directory, which stands for `path` of the plan from here on.
    pub(super) fn make_scratch(&mut self, path: &'plan Path) {
        self.scratch = Some(path);
        let mut template = TEMPLATE.into();
        if !self.is_own(path) {
            template = path.with_extension("XXXXXXXX").into_os_string();
        } else if self.is_roots() {
            let all = scratch::directory(self.at.run);
            self.line(line("mkdir -p -m 755 ", self.at.run.as_os_str()));
            self.line(line("mkdir -p -m 700 ", all.as_os_str()));
            template = path.with_extension("XXXXXXXX").into_os_string();
        }
        let mut make = b"scratch=$(".to_vec();
        make.extend_from_slice(&self.by_its_owner("mktemp", path));
        make.extend_from_slice(&line(" -d ", &template));
        make.push(b')');
        self.line(make);
    }

    /// The command that removes a directory of [`Self::make_scratch`].
    pub(super) fn remove_scratch(&self, path: &Path) -> Vec<u8> {
        let mut line = self.by_its_owner("rm", path);
        line.extend_from_slice(b" -rf ");
        self.push_word(&mut line, path.as_os_str());
        line
    }

    /// Whether a directory holds the script's own files; the other kind lies beside an image and is root's.
    fn is_own(&self, path: &Path) -> bool {
        path.parent() == Some(&scratch::directory(self.at.run))
    }

    /// The name of a program, behind that of the escalator if the directory belongs to root.
    fn by_its_owner(&self, program: &'static str, path: &Path) -> Vec<u8> {
        if self.is_own(path) {
            return program.into();
        }
        let command = Command::root(program, Vec::new());
        self.at.elevation.wrap(&command).line()
    }

    /// Whether root runs these lines.
    fn is_roots(&self) -> bool {
        self.at.is_detached || self.at.elevation == Elevation::None
    }

    /// Stops before another round if another user could have replaced the directory meanwhile. A link is
    /// refused: its owner could redirect it after the check.
    pub(super) fn check_scratch(&mut self) {
        if self.scratch.is_none() || self.is_roots() {
            return;
        }
        let refusal = Refusal::host(
            "the scratch directory of this script was removed, or belongs to another user",
        )
        .help("run the script again; it makes a new directory");
        let mut line = b"{ [ ! -L \"$scratch\" ] && [ -O \"$scratch\" ]; } || ".to_vec();
        line.extend_from_slice(&self.fail(&refusal));
        self.line(line);
    }

    /// The words of a command, with the script's directory in place of the plan's.
    pub(super) fn line_of(&self, command: &Command) -> Vec<u8> {
        let mut line = Vec::new();
        for (index, word) in command.argv().enumerate() {
            if index > 0 {
                line.push(b' ');
            }
            self.push_word(&mut line, word);
        }
        line
    }

    /// Appends a word, as [`Self::line_of`] does.
    pub(super) fn push_word(&self, line: &mut Vec<u8>, word: &OsStr) {
        let bytes = word.as_bytes();
        let below = |path| {
            let path = Path::new(OsStr::from_bytes(path));
            path.strip_prefix(self.scratch?).ok()
        };
        // An operand of dd(1) has its key before the path.
        let behind_key = || {
            let at = bytes.iter().position(|&byte| byte == b'=')? + 1;
            let (key, path) = bytes.split_at(at);
            Some((key, below(path)?))
        };
        let found = below(bytes).map(|below| (&b""[..], below));
        let Some((key, below)) = found.or_else(behind_key) else {
            return quote::push(line, word);
        };
        if !key.is_empty() {
            quote::push(line, OsStr::from_bytes(key));
        }
        line.extend_from_slice(b"\"$scratch\"");
        if !below.as_os_str().is_empty() {
            line.push(b'/');
            quote::push(line, below.as_os_str());
        }
    }
}

fn line(text: &str, word: &OsStr) -> Vec<u8> {
    let mut line = text.as_bytes().to_vec();
    quote::push(&mut line, word);
    line
}
