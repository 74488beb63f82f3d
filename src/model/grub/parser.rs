//! The grammar of grub's command language (grub2-bhyve: `grub-core/script/parser.y`): the commands
//! of a text, and their context. Runs nothing.

use super::Fault;
use super::lexer::{Token, Word, line_at, tokens};
use std::collections::{BTreeMap, BTreeSet};

const DEEPEST: usize = 50;

/// A command of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The offset of its start, in bytes.
    pub(super) from: usize,
    /// The offset of its end: after its last word or its block.
    pub(super) to: usize,
    /// The name, unless the name depends on a variable.
    pub(super) name: Option<String>,
    pub(super) place: Place,
}

/// The context of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The status is not used.
    Plain,
    /// In the condition of an `if` or a loop.
    Tested,
    /// In a function of this name.
    Function(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Script {
    /// All commands of words, in order.
    pub(super) commands: Vec<Found>,
    /// The names of the commands in conditions.
    pub(super) tested: BTreeSet<String>,
    /// The minimum number of Linux kernels that it loads, if no command fails.
    pub(super) kernels: usize,
}

/// The minimum number of kernels that commands load: all of them, and all but the last.
#[derive(Clone, Copy, Debug, Default)]
struct Kernels {
    all: usize,
    but_last: usize,
}

/// Parses a text.
///
/// # Errors
/// If grub would not run all of it.
pub(super) fn parse(text: &str) -> Result<Script, Fault> {
    let mut parser = Parser {
        text,
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
        place: Place::Plain,
        functions: BTreeMap::new(),
        script: Script::default(),
    };
    parser.newlines();
    while parser.at < parser.tokens.len() {
        let kernels = parser.statement()?;
        parser.script.kernels += kernels;
        parser.delimiter()?;
        parser.newlines();
    }
    Ok(parser.script)
}

struct Parser<'text> {
    text: &'text str,
    tokens: Vec<Token<'text>>,
    at: usize,
    depth: usize,
    place: Place,
    functions: BTreeMap<String, usize>,
    script: Script,
}

impl<'text> Parser<'text> {
    fn token(&self) -> Option<&Token<'text>> {
        self.tokens.get(self.at)
    }

    fn word(&self) -> Option<Word<'text>> {
        match self.token() {
            Some(Token::Word(word)) => Some(*word),
            _ => None,
        }
    }

    /// Whether the next token is this reserved word, unquoted.
    fn is_word(&self, text: &str) -> bool {
        self.word().is_some_and(|word| word.text == text)
    }

    /// The fault at the next token; `open` is the construct that is not closed.
    fn fault(&self, open: Option<&'static str>) -> Fault {
        let place = |token: &Token<'_>| match token {
            Token::Open(at) | Token::Close(at) => *at,
            Token::Word(word) => word.at,
            Token::Newline | Token::Semicolon => {
                let before = self.tokens.get(..self.at).unwrap_or_default();
                before
                    .iter()
                    .rev()
                    .find_map(|token| match token {
                        Token::Word(word) => Some(word.at),
                        Token::Open(at) | Token::Close(at) => Some(*at),
                        _ => None,
                    })
                    .unwrap_or(0)
            }
        };
        match (self.token(), open) {
            (Some(token), _) => Fault::Syntax(line_at(self.text, place(token))),
            (None, Some(open)) => Fault::Open(open),
            (None, None) => Fault::Syntax(line_at(self.text, self.text.trim_end().len())),
        }
    }

    fn newlines(&mut self) {
        while self.token() == Some(&Token::Newline) {
            self.at += 1;
        }
    }

    /// Reads the end of a command: grub adds a newline after the last one.
    fn delimiter(&mut self) -> Result<(), Fault> {
        match self.token() {
            None => Ok(()),
            Some(Token::Newline | Token::Semicolon) => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.fault(None)),
        }
    }

    fn require(&mut self, word: &str, open: &'static str) -> Result<(), Fault> {
        if !self.is_word(word) {
            return Err(self.fault(Some(open)));
        }
        self.at += 1;
        Ok(())
    }

    fn close(&mut self, open: &'static str) -> Result<usize, Fault> {
        match self.token() {
            Some(Token::Close(at)) => {
                let end = at + 1;
                self.at += 1;
                Ok(end)
            }
            _ => Err(self.fault(Some(open))),
        }
    }

    fn statement(&mut self) -> Result<usize, Fault> {
        if !self.is_word("function") {
            return self.command();
        }
        self.at += 1;
        let Some(name) = self.word().map(|word| word.text.to_owned()) else {
            return Err(self.fault(None));
        };
        self.at += 1;
        self.newlines();
        let Some(Token::Open(_)) = self.token() else {
            return Err(self.fault(Some("function")));
        };
        self.at += 1;
        let outer = std::mem::replace(&mut self.place, Place::Function(name.clone()));
        let body = self.commands("function")?;
        self.close("function")?;
        self.place = outer;
        self.functions.insert(name, body.all);
        Ok(0)
    }

    /// Reads commands with delimiters, up to a word or a brace that belongs to `open`.
    fn commands(&mut self, open: &'static str) -> Result<Kernels, Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::Deep);
        }
        self.newlines();
        let mut kernels = Kernels::default();
        loop {
            if self.token().is_none() {
                return Err(Fault::Open(open));
            }
            kernels.but_last = kernels.all;
            kernels.all += self.command()?;
            match self.token() {
                Some(Token::Newline | Token::Semicolon) => self.at += 1,
                Some(Token::Close(_)) if open == "{" => {}
                _ => return Err(self.fault(Some(open))),
            }
            self.newlines();
            let ends = ["then", "elif", "else", "fi", "do", "done"];
            let is_end = matches!(self.token(), Some(Token::Close(_)))
                || self.word().is_some_and(|word| ends.contains(&word.text));
            if is_end {
                self.depth -= 1;
                return Ok(kernels);
            }
        }
    }

    /// Reads the commands of a condition; the last one decides.
    fn condition(&mut self, open: &'static str) -> Result<Kernels, Fault> {
        let outer = std::mem::replace(&mut self.place, Place::Tested);
        let kernels = self.commands(open)?;
        self.place = outer;
        Ok(kernels)
    }

    fn command(&mut self) -> Result<usize, Fault> {
        let Some(word) = self.word() else {
            return Err(self.fault(None));
        };
        match word.text {
            "if" => {
                self.at += 1;
                let kernels = self.branches()?;
                self.require("fi", "if")?;
                Ok(kernels)
            }
            "for" => self.repeated(),
            "while" | "until" => {
                self.at += 1;
                let condition = self.condition("while")?;
                self.require("do", "while")?;
                self.commands("while")?;
                self.require("done", "while")?;
                Ok(condition.but_last)
            }
            "case" | "do" | "done" | "elif" | "else" | "esac" | "fi" | "in" | "select" | "then"
            | "function" => Err(self.fault(None)),
            _ => self.simple(word),
        }
    }

    /// Reads the conditions and branches after `if` or `elif`.
    fn branches(&mut self) -> Result<usize, Fault> {
        // Kernels of the failed conditions, and the minimum of the branches so far.
        let (mut before, mut fewest) = (0, None);
        loop {
            let condition = self.condition("if")?;
            self.require("then", "if")?;
            let body = self.commands("if")?;
            let taken = before + condition.all + body.all;
            let so_far = fewest.map_or(taken, |fewest: usize| fewest.min(taken));
            before += condition.but_last;
            if self.is_word("elif") {
                self.at += 1;
                fewest = Some(so_far);
                continue;
            }
            if !self.is_word("else") {
                return Ok(so_far.min(before));
            }
            self.at += 1;
            let body = self.commands("if")?;
            return Ok(so_far.min(before + body.all));
        }
    }

    fn repeated(&mut self) -> Result<usize, Fault> {
        self.at += 1;
        if self.word().is_none() {
            return Err(self.fault(None));
        }
        self.at += 1;
        self.require("in", "for")?;
        let mut words = Vec::new();
        while let Some(word) = self.word() {
            words.push(word);
            self.at += 1;
        }
        if words.is_empty() && self.token().is_some() {
            return Err(Fault::EmptyFor);
        }
        match self.token() {
            Some(Token::Newline | Token::Semicolon) => self.at += 1,
            _ => return Err(self.fault(Some("for"))),
        }
        self.newlines();
        self.require("do", "for")?;
        let body = self.commands("for")?;
        self.require("done", "for")?;
        let sure = words.iter().filter(|word| word.literal().is_some());
        Ok(body.all * sure.count())
    }

    fn simple(&mut self, first: Word<'text>) -> Result<usize, Fault> {
        let mut words = Vec::new();
        while let Some(word) = self.word() {
            words.push(word);
            self.at += 1;
        }
        let name = first.literal();
        let place = self.place.clone();
        let index = self.script.commands.len();
        self.script.commands.push(Found {
            from: first.at,
            to: words.last().unwrap_or(&first).end(),
            name: name.clone(),
            place: place.clone(),
        });
        if let (Place::Tested, Some(name)) = (&place, &name) {
            self.script.tested.insert(name.clone());
        }
        if let Some(Token::Open(_)) = self.token() {
            self.at += 1;
            self.commands("{")?;
            let end = self.close("{")?;
            if let Some(found) = self.script.commands.get_mut(index) {
                found.to = end;
            }
        }
        let Some(name) = name else { return Ok(0) };
        super::refuse_words(&name, &words)?;
        let is_linux = ["linux", "linux16"].contains(&name.as_str());
        let of_function = self.functions.get(&name).copied();
        Ok(of_function.unwrap_or(usize::from(is_linux)))
    }
}
