//! grub as it runs commands: grub-core/script/execute.c, normal/main.c, lib/cmdline.c.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::Host;
use super::super::process::Loader;
use super::super::state::{Kernel, System};
use super::image::Image;
use super::lexer::{Lines, Piece, Word};
use super::menu::Entry;
use super::parser::{self, Command};
use super::place::HostFiles;
use super::screen::Screen;

/// How grub-bhyve or bhyveload ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// A kernel is loaded.
    Booted,
    /// `reboot`, `halt`: the same exit, but nothing is loaded.
    Rebooted,
    /// `exit`
    Exited,
    /// It waits for keys, or runs, without end.
    Waits,
    /// It crashes with this signal.
    Crashed(i32),
}

/// The content of a drive of the device map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// As a test describes it.
    Described(Image),
    /// A system that has every partition and file that grub asks for.
    Installed,
    /// Nothing.
    Blank,
}

/// The result of a command: the number and the text of its error.
pub(super) type Outcome = Result<(), (i32, String)>;

/// What stops a sequence of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// grub exits.
    Left(Leaves),
    /// `return` in a function.
    Returned,
}

/// The result of commands: the status of the last one.
pub(super) type Ran = Result<i32, Stop>;

/// The state of grub between two commands.
#[derive(Clone, Debug)]
pub struct Grub {
    /// Drives by name, in the order of the device map.
    pub(super) drives: Vec<(String, Content)>,
    pub(super) loader: Loader,
    pub(super) env: BTreeMap<String, String>,
    pub(super) host_files: HostFiles,
    functions: BTreeMap<String, Vec<Command>>,
    depth: usize,
    /// The kernel that `boot` boots, and whether `initrd` knows of one.
    pub(in crate::host) kernel: Option<Kernel>,
    pub(super) is_linux_loaded: bool,
    /// Whether a second kernel was loaded: `boot` crashes.
    pub(super) is_spoilt: bool,
    /// Whether `console=ttyS0` is put before the words.
    pub(super) adds_console: bool,
    /// Bytes of guest memory.
    pub(super) memory: u64,
    pub(super) entries: Vec<Entry>,
    pub(super) screen: Screen,
    /// Keys that were typed before a menu appears.
    pub(super) keys: Vec<u8>,
    /// The typed part of an incomplete command.
    typed: Vec<String>,
    /// The system of the kernel; that of a menu is Linux.
    pub system: System,
}

/// The root at the start of grub.
pub(super) struct Start<'words> {
    pub(super) root: &'words str,
    pub(super) directory: &'words str,
    pub(super) configuration: &'words str,
    pub(super) adds_console: bool,
    pub(super) memory: u64,
    /// The keys that were typed before grub asks for them.
    pub(super) keys: &'words [u8],
}

impl Grub {
    pub(super) fn new(
        host: &Host,
        drives: &[(String, PathBuf)],
        loader: Loader,
        start: &Start<'_>,
    ) -> Self {
        let content = |path: &PathBuf| match host.state.images.get(path) {
            Some(image) => Content::Described(image.clone()),
            None if host.is_blank(path) => Content::Blank,
            None => Content::Installed,
        };
        let root = start.root.to_owned();
        let prefix = match start.root {
            "host" => "(host)/boot/grub".to_owned(),
            root => format!("({root}){}", start.directory),
        };
        let env = [
            ("root", root),
            ("prefix", prefix),
            ("grub_platform", "emu".into()),
            ("grub_cpu", "x86_64".into()),
            ("feature_platform_search_hint", "y".into()),
            ("feature_menuentry_id", "y".into()),
            ("menuentry_id_option", "--id".into()),
        ];
        Self {
            drives: drives
                .iter()
                .map(|(name, path)| (name.clone(), content(path)))
                .collect(),
            loader,
            env: env.map(|(name, value)| (name.to_owned(), value)).into(),
            host_files: HostFiles::of(host),
            functions: BTreeMap::new(),
            depth: 0,
            kernel: None,
            is_linux_loaded: false,
            is_spoilt: false,
            adds_console: start.adds_console,
            memory: start.memory,
            entries: Vec::new(),
            screen: Screen::new(start.directory),
            keys: start.keys.to_vec(),
            typed: Vec::new(),
            system: System::Linux,
        }
    }

    /// Runs a grub.cfg and its menu, and stays at the prompt if neither boots.
    pub(super) fn configuration(&mut self, text: &str) -> Option<Leaves> {
        if let Err(Stop::Left(left)) = self.source(text) {
            return Some(left);
        }
        self.menu()
    }

    /// Runs the lines of a file in this context.
    pub(super) fn source(&mut self, text: &str) -> Ran {
        let mut lines: Lines = text.lines().map(line).collect();
        let mut status = 0;
        while let Some(first) = lines.pop_front() {
            // `#` as the first letter of a line begins a comment, however long the line is.
            if first.len() >= 30_000 && !first.starts_with('#') {
                let left = if first.len() < 60_000 {
                    Leaves::Waits
                } else {
                    Leaves::Crashed(11)
                };
                return Err(Stop::Left(left));
            }
            match parser::parse(&first, &mut lines) {
                Ok(commands) => status = self.commands(&commands)?,
                Err(fault) => fault.said.iter().for_each(|text| self.screen.error(text)),
            }
        }
        Ok(status)
    }

    /// Takes keys as commands. After the last key grub waits for more (term/emu/console.c).
    pub(super) fn prompt(&mut self, keys: &[u8]) -> Leaves {
        self.screen.clear();
        self.screen.write("GNU GRUB  version 2.00\n\n");
        self.screen.say("grub> ");
        // Input has seven bits.
        let keys: String = keys.iter().map(|key| char::from(key & 0x7f)).collect();
        for line in keys.split_inclusive('\n') {
            self.screen.say(line);
            let Some(line) = line.strip_suffix('\n') else {
                break;
            };
            if let Some(left) = self.lines(line) {
                return left;
            }
            let prompt = self.asks();
            self.screen.say(prompt);
        }
        Leaves::Waits
    }

    /// The prompt: for a command, or for the rest of one.
    pub fn asks(&self) -> &'static str {
        if self.typed.is_empty() {
            "grub> "
        } else {
            "> "
        }
    }

    /// Runs a typed line, until one exits grub.
    pub fn lines(&mut self, text: &str) -> Option<Leaves> {
        self.typed.push(line(text));
        let mut lines: Lines = self.typed.iter().cloned().collect();
        let first = lines.pop_front()?;
        let result = match parser::parse(&first, &mut lines) {
            Ok(commands) => self.commands(&commands),
            Err(fault) if fault.at_end => return None,
            Err(fault) => {
                fault.said.iter().for_each(|text| self.screen.error(text));
                Ok(0)
            }
        };
        self.typed.clear();
        match result {
            Err(Stop::Left(left)) => Some(left),
            Ok(_) | Err(Stop::Returned) => {
                self.screen.refresh();
                None
            }
        }
    }

    /// The output since the last call.
    pub fn take_said(&mut self) -> String {
        self.screen.take()
    }

    /// Runs commands; `?` is the status of the last one that ran.
    pub(super) fn commands(&mut self, commands: &[Command]) -> Ran {
        let mut status = 0;
        for command in commands {
            if let Command::Function(name, body) = command {
                self.functions.insert(name.clone(), body.clone());
                continue;
            }
            status = self.command(command)?;
            self.env.insert("?".into(), status.to_string());
        }
        Ok(status)
    }

    fn command(&mut self, command: &Command) -> Ran {
        match command {
            Command::Function(..) => Ok(0),
            Command::Simple(words, block) => {
                let arguments = self.arguments(words);
                self.simple(&arguments, block.as_deref())
            }
            Command::If(branches, otherwise) => {
                for (condition, body) in branches {
                    if self.commands(condition)? == 0 {
                        return self.commands(body);
                    }
                }
                self.commands(otherwise)
            }
            Command::For(name, words, body) => {
                let values = self.arguments(words);
                if values.is_empty() {
                    return Err(Stop::Left(Leaves::Crashed(11)));
                }
                let mut status = 0;
                for value in values {
                    self.env.insert(name.clone(), value);
                    status = self.commands(body)?;
                }
                Ok(status)
            }
            Command::While(condition, body, until) => {
                let mut status = 0;
                // No real script has more rounds; a loop without end counts as running.
                for _ in 0..10_000 {
                    if (self.commands(condition)? == 0) == *until {
                        return Ok(status);
                    }
                    status = self.commands(body)?;
                }
                Err(Stop::Left(Leaves::Waits))
            }
        }
    }

    fn simple(&mut self, arguments: &[String], block: Option<&[Command]>) -> Ran {
        let Some((name, rest)) = arguments.split_first() else {
            return Ok(0);
        };
        if name == "!" && !rest.is_empty() {
            let status = self.simple(rest, block)?;
            return Ok(i32::from(status == 0));
        }
        if let Some(outcome) = self.known(name, rest, block)? {
            return Ok(match outcome {
                Ok(()) => 0,
                Err((number, text)) => {
                    if !text.is_empty() {
                        self.screen.error(&text);
                    }
                    number
                }
            });
        }
        if let Some(body) = self.functions.get(name).cloned() {
            return self.function(&body, rest);
        }
        match name.split_once('=') {
            Some((variable, value)) => self.set(variable, value),
            None => self.screen.error(&format!("can't find command `{name}'")),
        }
        Ok(0)
    }

    fn function(&mut self, body: &[Command], arguments: &[String]) -> Ran {
        let before: Vec<(String, Option<String>)> = (1..=9)
            .map(|number| number.to_string())
            .map(|name| (name.clone(), self.env.remove(&name)))
            .collect();
        for (number, argument) in arguments.iter().enumerate() {
            self.env.insert((number + 1).to_string(), argument.clone());
        }
        self.depth += 1;
        let result = self.commands(body);
        self.depth -= 1;
        for (name, value) in before {
            match value {
                Some(value) => self.env.insert(name, value),
                None => self.env.remove(&name),
            };
        }
        match result {
            Err(Stop::Returned) => Ok(0),
            other => other,
        }
    }

    /// Whether a function is running.
    pub(super) fn is_in_function(&self) -> bool {
        self.depth > 0
    }

    /// The parentheses of a device are not part of the value of `root` (normal/misc.c).
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let value = match name {
            "root" => value.trim_start_matches('(').trim_end_matches(')'),
            _ => value,
        };
        self.env.insert(name.into(), value.into());
    }

    pub(super) fn value(&self, name: &str) -> &str {
        self.env.get(name).map_or("", String::as_str)
    }

    /// The words of a command with their variables replaced; a word of unset variables only is dropped.
    fn arguments(&self, words: &[Word]) -> Vec<String> {
        let mut arguments = Vec::new();
        for word in words {
            if matches!(word.as_slice(), [Piece::Text(text)] if text == "*") {
                arguments.extend(self.drives.iter().map(|(name, _)| format!("({name})")));
                arguments.push("(host)".into());
                continue;
            }
            let mut current: Option<String> = None;
            for piece in word {
                match piece {
                    Piece::Text(text) | Piece::Quoted(text) => {
                        current.get_or_insert_default().push_str(text);
                    }
                    Piece::QuotedVariable(name) => {
                        current.get_or_insert_default().push_str(self.value(name));
                    }
                    Piece::Variable(name) => {
                        let value = self.value(name);
                        let mut parts = value.split([' ', '\t']);
                        if let Some(first) = parts.next().filter(|first| !first.is_empty()) {
                            current.get_or_insert_default().push_str(first);
                        }
                        for part in parts {
                            arguments.extend(current.take());
                            current = (!part.is_empty()).then(|| part.to_owned());
                        }
                    }
                }
            }
            arguments.extend(current);
        }
        arguments
    }
}

/// A line as C reads it: up to a NUL; a carriage return is a blank.
fn line(text: &str) -> String {
    let end = text.find('\0').unwrap_or(text.len());
    text[..end].replace('\r', " ")
}
