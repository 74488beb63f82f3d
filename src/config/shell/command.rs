//! Statements that begin with a word: `export`, `readonly`, `.`, and commands that sh would run.

use crate::finding::FindingName;
use crate::span::{FileId, Span};
use crate::vis;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::class::is_name;
use super::lexer::{Token, TokenKind};
use super::output::{Context, Out, Until};
use super::parser::{MAX_DEPTH, Parser, parse};
use super::refused::Refused;
use crate::config::read::{Unread, read};
use crate::config::source::Source;
use crate::config::store::{Assigned, Piece};

/// The maximum number of included files in one configuration.
const MAX_FILES: usize = 1000;

enum Operand {
    Name(Piece, Span),
    Assigned(Assigned),
}

impl Parser<'_, '_, '_> {
    /// Reads a statement that does not begin with an assignment.
    pub(super) fn command(&mut self) -> Result<(), Refused> {
        let (word, token) = self.literal();
        if self.at_end() {
            match word.as_slice() {
                b"export" => return self.operands(token, false),
                b"readonly" => return self.operands(token, true),
                b"." => return self.include(token),
                _ => {}
            }
        }
        Err(self.refused_command(&word, token))
    }

    /// Reads the unquoted literal text at the current token.
    fn literal(&mut self) -> (Vec<u8>, Token) {
        let first = self.token;
        let mut text = Vec::new();
        while matches!(self.token.kind, TokenKind::Text | TokenKind::Continuation) {
            if self.token.kind == TokenKind::Text {
                text.extend_from_slice(self.text(self.token));
            }
            self.advance();
        }
        let end = self.behind.max(first.start);
        let end = if text.is_empty() { first.end } else { end };
        (text, Token { end, ..first })
    }

    fn operands(&mut self, command: Token, freeze: bool) -> Result<(), Refused> {
        let mut operands = Vec::new();
        self.skip_blanks();
        while !self.at_end() {
            operands.push(self.operand()?);
            self.skip_blanks();
        }
        if operands.is_empty() {
            let message = "without a name, sh would print variables here";
            return Err(self.refuse(FindingName::Operand, command, message, "remove the line"));
        }
        // sh expands all operands before it assigns the first one.
        for operand in operands {
            let (name, name_span) = match operand {
                Operand::Name(name, span) => (name, span),
                Operand::Assigned(one) => {
                    self.assign(one)?;
                    (one.name, one.name_span)
                }
            };
            if freeze {
                self.reading.store.freeze(name, name_span);
            } else {
                self.export(name);
            }
        }
        Ok(())
    }

    fn operand(&mut self) -> Result<Operand, Refused> {
        if self.token.kind == TokenKind::Name {
            return self.assignment().map(Operand::Assigned);
        }
        let (word, token) = self.literal();
        if is_name(&word) && self.at_end() {
            let name = self.piece(&word, token);
            return Ok(Operand::Name(name, self.span(token)));
        }
        if word.contains(&b'=') {
            return Err(self.refused_command(&word, token));
        }
        let message = "an operand must be NAME or NAME=value, with the name written plainly";
        let help = "write one NAME=value for each variable";
        Err(self.refuse(FindingName::Operand, token, message, help))
    }

    /// Reads the operand of `.`, and then that file.
    fn include(&mut self, dot: Token) -> Result<(), Refused> {
        self.skip_blanks();
        let first = self.token;
        let mut out = Out::marked();
        let context = Context {
            quoted: false,
            assigned: false,
        };
        self.word(&mut out, Until::WordEnd, context)?;
        let token = Token {
            end: self.behind.max(first.start),
            ..first
        };
        let token = if token.end == token.start { dot } else { token };
        self.check_full(&out, token)?;
        self.skip_blanks();
        if !self.at_end() {
            let message = "only one file may follow .";
            let help = "write each . FILE on a separate line";
            return Err(self.refuse(FindingName::Include, self.token, message, help));
        }
        self.check_include(&out, token)?;
        let path = self
            .reading
            .base
            .join(Path::new(OsStr::from_bytes(out.bytes())));
        self.read_included(&path, token)
    }

    fn check_include(&self, out: &Out, token: Token) -> Result<(), Refused> {
        let path = String::from_utf8_lossy(out.bytes());
        let no = |message: &str, help: String| {
            Err(self.refuse(FindingName::Include, token, message, help))
        };
        let separators = self.reading.store.value(b"IFS");
        let separators = separators.unwrap_or(b" \t\n");
        let text = out.text();
        let mut open = text
            .bytes
            .iter()
            .zip(&text.active)
            .filter(|(_, active)| **active);
        if open.any(|(byte, _)| b"*?[".contains(byte) || separators.contains(byte)) {
            return no(
                "sh would split this word, or expand it to matching files",
                "put the file's name in double quotes".to_owned(),
            );
        }
        if path.is_empty() {
            return no(
                "the name of a file is missing after .",
                "write . ./FILE".to_owned(),
            );
        }
        if path.starts_with('-') || !path.contains('/') {
            return no(
                "sh would search for this file in PATH",
                format!("write . ./{path} for a file in the directory of the configuration"),
            );
        }
        Ok(())
    }

    fn read_included(&mut self, path: &Path, token: Token) -> Result<(), Refused> {
        let shown = path.display();
        if self.reading.stack.len() >= MAX_DEPTH || self.reading.files >= MAX_FILES {
            let message = "too many files are included";
            let help = "include each file once, from the main file";
            return Err(self.refuse(FindingName::TooLarge, token, message, help));
        }
        let identity = crate::config::identity(path);
        if self.reading.stack.contains(&identity) {
            return Err(self.refuse(
                FindingName::IncludeCircle,
                token,
                format!("{shown} includes itself, directly or through other files"),
                "remove this line",
            ));
        }
        let file = match self.reading.read.get(&identity) {
            Some(file) => *file,
            None => self.first_reading(path, &identity, token)?,
        };
        self.reading.files += 1;
        self.reading.stack.push(identity);
        parse(self.reading, file);
        self.reading.stack.pop();
        Ok(())
    }

    fn unread(&self, path: &Path, error: &Unread, token: Token) -> Refused {
        if let Unread::Foreign(foreign) = error {
            let message = format!("{} is refused: {error}", vis::shown(path));
            let named = "to use this configuration nevertheless, name it: --config FILE";
            let mut refused = self.refuse(FindingName::IncludeForeign, token, message, named);
            refused.0.help.splice(0..0, foreign.remedy());
            return refused;
        }
        let message = format!("could not read {}: {error}", vis::shown(path));
        let help = match error {
            Unread::System(why) if why.kind() != ErrorKind::NotFound => {
                "check its owner and mode with ls -l"
            }
            _ => "name an existing file; a relative name starts at the configuration's directory",
        };
        self.refuse(FindingName::IncludeUnreadable, token, message, help)
    }

    fn first_reading(
        &mut self,
        path: &Path,
        identity: &Path,
        token: Token,
    ) -> Result<FileId, Refused> {
        let mut known = self.reading.known.iter();
        let found = match known.find(|(is, _)| is == identity) {
            Some((_, source)) => Ok(Source::new(path, source.bytes().to_vec()).into()),
            None => read(path, self.reading.trust),
        };
        let found = found.map_err(|error| self.unread(path, &error, token))?;
        let file = self.reading.store.sources.push(found.source);
        let shared = found.shared.map(|what| (file, what));
        self.reading.shared.extend(shared);
        self.reading.read.insert(identity.to_path_buf(), file);
        Ok(file)
    }
}
