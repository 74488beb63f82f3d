//! Commands for grub: the observed behaviour of grub-bhyve.
//!
//! grub runs a file command by command. grub skips a line that cannot be parsed, with an invisible
//! message, continues after a failed command, and waits at an invisible prompt if a construct is not
//! closed. All of these are refused, and each command that a boot needs is checked at run time.

mod lexer;
mod parser;

use super::name::{NameError, error};
use lexer::Word;
use parser::{Found, Place, Script};
use std::fmt;

/// The longest command line of a Linux kernel, in bytes; grub drops the words beyond it.
const LONGEST_COMMAND_LINE: usize = 2047;
/// The length of the text that grub adds before the words: `console=ttyS0 BOOT_IMAGE=`.
const PREFIX_LENGTH: usize = 25;
/// The longest line that grub is known to read, in bytes; with 30000 bytes grub hangs.
const LONGEST_LINE: usize = 8000;

/// Commands whose failure prevents or changes the boot of a guest.
const CHECKED: [&str; 18] = [
    "linux",
    "linux16",
    "initrd",
    "initrd16",
    "kfreebsd",
    "kfreebsd_loadenv",
    "kfreebsd_module",
    "kfreebsd_module_elf",
    "knetbsd",
    "knetbsd_module",
    "knetbsd_module_elf",
    "kopenbsd",
    "kopenbsd_ramdisk",
    "module",
    "module2",
    "multiboot",
    "multiboot2",
    "xnu_kernel64",
];

/// Commands that wait for input, or run a file of unknown content.
const INTERACTIVE: [&str; 10] = [
    ".",
    "authenticate",
    "configfile",
    "extract_entries_configfile",
    "menuentry",
    "normal",
    "read",
    "sleep",
    "source",
    "submenu",
];

/// Commands that grub runs to their end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrubCommands {
    text: String,
    script: Script,
}

impl GrubCommands {
    /// Parses commands for grub: lines, or commands between semicolons.
    ///
    /// # Errors
    /// If the text has no commands, or grub would skip some of them, hang, or crash.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(error("no commands".to_owned()));
        }
        read(text)
            .map(|script| Self {
                text: text.to_owned(),
                script,
            })
            .map_err(|fault| error(fault.to_string()))
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a command may ask the user, so that grub needs a console.
    pub fn asks(&self) -> bool {
        self.script.commands.iter().any(|found| match &found.name {
            None => true,
            Some(name) => INTERACTIVE.contains(&name.as_str()),
        })
    }

    /// The text with a check after each counting command: if the command fails, `echo` shows grub's
    /// message, which only `echo` does, and grub exits with status 1.
    pub fn checked(&self) -> String {
        let mut checked = String::new();
        let mut at = 0;
        let mut push = |text: Option<&str>| checked.push_str(text.unwrap_or_default());
        for found in self
            .script
            .commands
            .iter()
            .filter(|found| self.is_checked(found))
        {
            // Inside the block of another checked command.
            if found.from < at {
                continue;
            }
            push(self.text.get(at..found.from));
            push(Some("if "));
            push(self.text.get(found.from..found.to));
            push(Some("; then true; else echo; exit; fi"));
            at = found.to;
        }
        push(self.text.get(at..));
        checked
    }

    fn is_checked(&self, found: &Found) -> bool {
        let counts = found
            .name
            .as_deref()
            .is_none_or(|name| CHECKED.contains(&name));
        let is_unseen = match &found.place {
            Place::Plain => true,
            Place::Tested => false,
            Place::Function(name) => !self.script.tested.contains(name),
        };
        counts && is_unseen
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    /// A quote that is not closed, and the text from the start of its word.
    Quote(char, String),
    /// A backslash at the end.
    Backslash,
    /// A construct that is not closed.
    Open(&'static str),
    /// A character that makes grub skip its line, and that line.
    Reserved(char, String),
    /// A line that grub skips.
    Syntax(String),
    /// Constructs nested too deeply.
    Deep,
    /// A loop over no words.
    EmptyFor,
    /// Two kernels.
    TwoKernels,
    /// Too many bytes of words for a kernel; their number.
    LongCommandLine(usize),
    /// A line that is too long; its bytes.
    LongLine(usize),
    /// A NUL.
    Nul,
    /// A command that grub-bhyve does not have, and the replacement.
    Missing(String, &'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| {
            let line = text.lines().next().unwrap_or_default();
            let short: String = line.chars().take(60).collect();
            let dots = if short.len() < line.len() { "…" } else { "" };
            format!("\"{short}{dots}\"")
        };
        match self {
            Self::Quote(quote, from) => write!(
                f,
                "the {quote} in {} is never closed, and grub would wait for the rest forever; \
                 close it, or write \\{quote} for the character itself",
                shown(from)
            ),
            Self::Backslash => f.write_str(
                "a backslash at the end joins the next line of grub.cfg; remove the backslash",
            ),
            Self::Open(open) => {
                let close = match *open {
                    "if" => "fi",
                    "for" | "while" => "done",
                    _ => "}",
                };
                write!(
                    f,
                    "{open} is never closed, and grub would wait for the rest forever; end it with {close}"
                )
            }
            Self::Reserved(what, line) => write!(
                f,
                "grub does not accept {what} here and skips the whole line {}; separate commands by ; alone, \
                 and quote a literal {what}",
                shown(line)
            ),
            Self::Syntax(line) => write!(
                f,
                "grub cannot parse the line {} and skips it; end each command with one ; or \
                 newline, and quote a literal reserved word or brace",
                shown(line)
            ),
            Self::Deep => f.write_str("constructs are nested too deeply; use fewer levels"),
            Self::EmptyFor => f.write_str("grub crashes at for without words; add a word, or remove the loop"),
            Self::TwoKernels => f.write_str(
                "grub crashes at boot when linux has loaded a kernel twice; keep one of the linux commands",
            ),
            Self::LongCommandLine(bytes) => write!(
                f,
                "the words of linux have {bytes} bytes, and grub silently drops those beyond \
                 {LONGEST_COMMAND_LINE}; shorten the command line"
            ),
            Self::LongLine(bytes) => write!(
                f,
                "a line of {bytes} bytes is longer than grub can read; keep each line below {LONGEST_LINE}"
            ),
            Self::Nul => f.write_str("grub ignores the rest of a line after a NUL; remove the NUL"),
            Self::Missing(name, other) => {
                write!(f, "grub-bhyve has no command {name} and would skip it; write {other}")
            }
        }
    }
}

fn read(text: &str) -> Result<Script, Fault> {
    if text.contains('\0') {
        return Err(Fault::Nul);
    }
    let is_long = |line: &&str| line.len() > LONGEST_LINE && !line.starts_with('#');
    if let Some(line) = text.lines().find(is_long) {
        return Err(Fault::LongLine(line.len()));
    }
    let script = parser::parse(text)?;
    if script.kernels > 1 {
        return Err(Fault::TwoKernels);
    }
    Ok(script)
}

/// Refuses a command whose words grub drops, or that grub-bhyve does not have.
fn refuse_words(name: &str, words: &[Word<'_>]) -> Result<(), Fault> {
    match name {
        "linuxefi" => Err(Fault::Missing(name.to_owned(), "linux")),
        "initrdefi" => Err(Fault::Missing(name.to_owned(), "initrd")),
        "linux" | "linux16" => {
            let lengths = words.iter().skip(1).filter_map(Word::literal);
            let bytes = PREFIX_LENGTH + lengths.map(|word| word.len() + 1).sum::<usize>();
            if bytes > LONGEST_COMMAND_LINE {
                return Err(Fault::LongCommandLine(bytes));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
