//! Commands for grub: what they come to when grub-bhyve runs them, as recorded of it.
//!
//! grub runs a file command by command. A line that it does not understand is skipped with a remark
//! that nobody sees, a command that fails is no reason to stop, and what stays open at the end leads to
//! a prompt at which nobody sits. So all of that is refused, and each command that a boot needs is
//! checked by itself.

mod lexer;
mod parser;

use super::name::{NameError, error};
use lexer::Word;
use parser::{Found, Place, Script};
use std::fmt;

/// The longest command line that a Linux kernel takes, in bytes; grub drops the words behind it.
const LONGEST_COMMAND_LINE: usize = 2047;
/// What grub puts in front of the words: `console=ttyS0 BOOT_IMAGE=`.
const IN_FRONT: usize = 25;
/// The longest line that grub is known to read, in bytes; at 30000 it never ends.
const LONGEST_LINE: usize = 8000;

/// Commands without which a guest does not boot, or not as it should.
const COUNTING: [&str; 18] = [
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

/// Commands that show something and wait, or run a file of which nothing is known.
const ASKING: [&str; 10] = [
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

/// Commands for grub that it runs to their end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrubCommands {
    text: String,
    script: Script,
}

impl GrubCommands {
    /// Reads commands for grub: lines, or commands between semicolons.
    ///
    /// # Errors
    /// If there are none, or grub would not run all of them, never come to their end, or crash.
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

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether somebody may be asked something, so that grub needs a console.
    pub fn asks(&self) -> bool {
        self.script.commands.iter().any(|found| match &found.name {
            None => true,
            Some(name) => ASKING.contains(&name.as_str()),
        })
    }

    /// The text in which each command that counts ends grub with status 1 if it fails, and what grub
    /// has to say to that is shown first, which only `echo` does.
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
            // Within the block of another that is checked.
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
            .is_none_or(|name| COUNTING.contains(&name));
        let is_unseen = match &found.place {
            Place::Plain => true,
            Place::Tested => false,
            Place::Function(name) => !self.script.tested.contains(name),
        };
        counts && is_unseen
    }
}

/// What is wrong with commands for grub.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    /// A quote that is not closed, and the text from its word on.
    Quote(char, String),
    /// A backslash at the end.
    Backslash,
    /// A construct that is not closed.
    Open(&'static str),
    /// A character, and the line that it makes grub skip.
    Reserved(char, String),
    /// A line that grub skips.
    Syntax(String),
    /// Constructs within constructs, and so on.
    Deep,
    /// A loop over no words.
    EmptyFor,
    /// Two kernels.
    TwoKernels,
    /// Too many bytes of words for a kernel.
    LongCommandLine(usize),
    /// A line of too many bytes.
    LongLine(usize),
    /// A NUL.
    Nul,
    /// A command that this grub does not have, and the one that does its work.
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
                "the {quote} in {} is never closed, and grub would wait for the rest for ever; \
                 close it, or write \\{quote} for the character itself",
                shown(from)
            ),
            Self::Backslash => f.write_str(
                "a backslash at the end joins the next line of grub.cfg to it; remove it",
            ),
            Self::Open(open) => {
                let close = match *open {
                    "if" => "fi",
                    "for" | "while" => "done",
                    _ => "}",
                };
                write!(
                    f,
                    "{open} is never closed, and grub would wait for the rest for ever; end it with {close}"
                )
            }
            Self::Reserved(what, line) => write!(
                f,
                "grub knows no {what} here and skips the whole line {}; put commands apart by ; alone, \
                 and quote {what} where it is meant as itself",
                shown(line)
            ),
            Self::Syntax(line) => write!(
                f,
                "grub does not understand the line {} and skips it; each command ends with one ; or \
                 newline, and a reserved word or brace that is meant as itself needs quotes",
                shown(line)
            ),
            Self::Deep => f.write_str("constructs lie too deep in one another; make it flatter"),
            Self::EmptyFor => f.write_str("grub crashes at for without a word; name one, or remove it"),
            Self::TwoKernels => f.write_str(
                "grub crashes at boot when linux has loaded a kernel twice; keep one of the linux commands",
            ),
            Self::LongCommandLine(bytes) => write!(
                f,
                "the words of linux have {bytes} bytes, and grub drops those beyond \
                 {LONGEST_COMMAND_LINE} without a word; make them fewer"
            ),
            Self::LongLine(bytes) => write!(
                f,
                "a line of {bytes} bytes is more than grub reads; break it below {LONGEST_LINE}"
            ),
            Self::Nul => f.write_str("grub reads no line further than to a NUL; remove it"),
            Self::Missing(name, other) => {
                write!(f, "grub-bhyve has no {name}, and goes on without it; write {other}")
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

/// Refuses a command whose words grub drops, or that it does not have.
fn refuse_words(name: &str, words: &[Word<'_>]) -> Result<(), Fault> {
    match name {
        "linuxefi" => Err(Fault::Missing(name.to_owned(), "linux")),
        "initrdefi" => Err(Fault::Missing(name.to_owned(), "initrd")),
        "linux" | "linux16" => {
            let lengths = words.iter().skip(1).filter_map(Word::literal);
            let bytes = IN_FRONT + lengths.map(|word| word.len() + 1).sum::<usize>();
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
