//! The grammar of grub's command language: grub-core/script/parser.y.
//!
//! A line is read as a whole, with the following lines while a construct is open, and is run only if
//! all of it is valid. bison's recovery decides how many errors are reported.

use super::lexer::{Lexer, Lines, Piece, Token, Word};

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Words, and the commands of a block behind them, as of `menuentry`.
    Simple(Vec<Word>, Option<Vec<Command>>),
    /// `if`: conditions with their commands, and the commands of `else`.
    If(Vec<(Vec<Command>, Vec<Command>)>, Vec<Command>),
    /// `for`
    For(String, Vec<Word>, Vec<Command>),
    /// `while`, or `until`.
    While(Vec<Command>, Vec<Command>, bool),
    /// `function`
    Function(String, Vec<Command>),
}

/// The errors of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The messages.
    pub(super) said: Vec<String>,
    /// Whether a construct was open at the end of all lines.
    pub(super) at_end: bool,
}

/// Reads one line, and the lines that belong to it.
pub(super) fn parse(line: &str, more: &mut Lines) -> Result<Vec<Command>, Fault> {
    let mut lexer = Lexer::new(line, more);
    let token = lexer.next();
    let mut parser = Parser { lexer, token };
    let mut commands = Vec::new();
    let place = parser.script(&mut commands);
    match place {
        None => Ok(commands),
        Some(place) => Err(parser.fault(place)),
    }
}

/// Where a syntax error occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the first command, or within one: the following text is tried as a new command.
    Within,
    /// Before a further command.
    Between,
}

struct Parser<'lines> {
    lexer: Lexer<'lines>,
    token: Token,
}

type Parsed<T> = Result<T, Place>;

impl Parser<'_> {
    fn advance(&mut self) -> Token {
        let next = self.lexer.next();
        std::mem::replace(&mut self.token, next)
    }

    fn fault(self, place: Place) -> Fault {
        let mut said = self.lexer.said;
        let wrong = || "syntax error".to_owned();
        said.push(wrong());
        if place == Place::Within {
            let incorrect = || "Incorrect command".to_owned();
            said.push(incorrect());
            let begins = matches!(
                self.token,
                Token::Name(_)
                    | Token::Word(_)
                    | Token::Keyword("if" | "for" | "while" | "until" | "function")
            );
            if begins {
                said.extend([wrong(), incorrect()]);
            }
            said.push(wrong());
        }
        Fault {
            said,
            at_end: self.lexer.at_end,
        }
    }

    fn script(&mut self, commands: &mut Vec<Command>) -> Option<Place> {
        self.newlines();
        let mut is_first = true;
        while self.token != Token::End || self.lexer.at_end {
            if !self.begins_command() && !is_first {
                return Some(Place::Between);
            }
            is_first = false;
            match self
                .statement()
                .and_then(|command| self.delimiter().map(|()| command))
            {
                Ok(command) => commands.push(command),
                Err(place) => return Some(place),
            }
            self.newlines();
        }
        None
    }

    fn newlines(&mut self) {
        while self.token == Token::Newline {
            self.advance();
        }
    }

    fn delimiter(&mut self) -> Parsed<()> {
        self.expect(|token| matches!(token, Token::Semicolon | Token::Newline))
    }

    /// One delimiter, and newlines behind it.
    fn delimiters(&mut self) -> Parsed<()> {
        self.delimiter()?;
        self.newlines();
        Ok(())
    }

    fn expect(&mut self, is_it: impl Fn(&Token) -> bool) -> Parsed<()> {
        if !is_it(&self.token) {
            return Err(Place::Within);
        }
        self.advance();
        Ok(())
    }

    fn keyword(&mut self, word: &'static str) -> Parsed<()> {
        self.expect(|token| *token == Token::Keyword(word))
    }

    fn begins_command(&self) -> bool {
        matches!(
            self.token,
            Token::Name(_)
                | Token::Word(_)
                | Token::Keyword("if" | "for" | "while" | "until" | "function")
        )
    }

    fn statement(&mut self) -> Parsed<Command> {
        if self.token != Token::Keyword("function") {
            return self.command();
        }
        self.advance();
        self.lexer.open += 1;
        let name = self.name()?;
        self.newlines();
        self.expect(|token| *token == Token::Open)?;
        let body = self.commands()?;
        self.close()?;
        Ok(Command::Function(name, body))
    }

    fn name(&mut self) -> Parsed<String> {
        match &self.token {
            Token::Name(name) => {
                let name = name.clone();
                self.advance();
                Ok(name)
            }
            _ => Err(Place::Within),
        }
    }

    /// The token that closes a construct: the line ends with it unless another one is open.
    fn close(&mut self) -> Parsed<()> {
        if self.token != Token::Close {
            return Err(Place::Within);
        }
        self.lexer.open -= 1;
        self.advance();
        Ok(())
    }

    fn close_by(&mut self, word: &'static str) -> Parsed<()> {
        if self.token != Token::Keyword(word) {
            return Err(Place::Within);
        }
        self.lexer.open -= 1;
        self.advance();
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        match &self.token {
            Token::Keyword("if") => {
                self.lexer.open += 1;
                self.advance();
                let command = self.conditions()?;
                self.close_by("fi")?;
                Ok(command)
            }
            Token::Keyword("for") => {
                self.advance();
                self.lexer.open += 1;
                let name = self.name()?;
                self.keyword("in")?;
                let words = self.words();
                self.delimiters()?;
                self.keyword("do")?;
                let body = self.commands()?;
                self.close_by("done")?;
                Ok(Command::For(name, words, body))
            }
            Token::Keyword(word @ ("while" | "until")) => {
                let until = *word == "until";
                self.lexer.open += 1;
                self.advance();
                let condition = self.commands()?;
                self.keyword("do")?;
                let body = self.commands()?;
                self.close_by("done")?;
                Ok(Command::While(condition, body, until))
            }
            Token::Name(_) | Token::Word(_) => {
                let words = self.words();
                let block = match self.token {
                    Token::Open => Some(self.block()?),
                    _ => None,
                };
                Ok(Command::Simple(words, block))
            }
            _ => Err(Place::Within),
        }
    }

    fn conditions(&mut self) -> Parsed<Command> {
        let mut branches = Vec::new();
        loop {
            let condition = self.commands()?;
            self.keyword("then")?;
            let body = self.commands()?;
            branches.push((condition, body));
            match self.token {
                Token::Keyword("elif") => self.advance(),
                Token::Keyword("else") => {
                    self.advance();
                    let otherwise = self.commands()?;
                    return Ok(Command::If(branches, otherwise));
                }
                _ => return Ok(Command::If(branches, Vec::new())),
            };
        }
    }

    /// Commands, each with a delimiter behind it.
    fn commands(&mut self) -> Parsed<Vec<Command>> {
        self.newlines();
        let mut commands = Vec::new();
        loop {
            commands.push(self.command()?);
            self.delimiters()?;
            if !matches!(
                self.token,
                Token::Name(_) | Token::Word(_) | Token::Keyword("if" | "for" | "while" | "until")
            ) {
                return Ok(commands);
            }
        }
    }

    fn block(&mut self) -> Parsed<Vec<Command>> {
        self.lexer.open += 1;
        self.advance();
        self.newlines();
        let mut commands = Vec::new();
        loop {
            commands.push(self.command()?);
            if self.token != Token::Close {
                self.delimiters()?;
            }
            if self.token == Token::Close {
                self.close()?;
                return Ok(commands);
            }
        }
    }

    /// The words of a command: its arguments may be reserved words, too.
    fn words(&mut self) -> Vec<Word> {
        let mut words = Vec::new();
        loop {
            let word = match &self.token {
                Token::Word(word) => word.clone(),
                Token::Name(name) => vec![Piece::Text(name.clone())],
                Token::Keyword(keyword) => vec![Piece::Text((*keyword).into())],
                _ => return words,
            };
            self.advance();
            words.push(word);
        }
    }
}
