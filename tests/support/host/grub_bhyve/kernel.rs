//! The kernels that grub loads: loader/i386/linux.c, loader/i386/bsd.c, lib/cmdline.c.

use super::super::state::{Kernel, System};
use super::commands::{NO_KERNEL, fault, number};
use super::image::File;
use super::script::{Grub, Leaves, Outcome};

/// The longest command line of the kernels here, in bytes, with its NUL.
const LONGEST: usize = 2048;
/// With this many bytes of words or more grub overwrites its own memory: somewhere between 2200 and
/// 5000.
const TOO_MANY: usize = 4096;
/// The least memory for a kernel here: below 17 MiB `linux` silently loads nothing.
const LEAST_MEMORY: u64 = 17 << 20;

impl Grub {
    /// The outcome of `boot` with a kernel.
    pub(super) fn boots(&self) -> Leaves {
        if self.is_spoilt {
            return Leaves::Crashed(11);
        }
        Leaves::Booted
    }

    pub(super) fn linux(&mut self, words: &[String]) -> Outcome {
        let outcome = self.try_linux(words);
        self.is_linux_loaded = outcome.is_ok() && self.memory >= LEAST_MEMORY;
        outcome
    }

    fn try_linux(&mut self, words: &[String]) -> Outcome {
        let Some(name) = words.first() else {
            return fault(number::BAD_ARGUMENT, "filename expected");
        };
        let (file, _) = self.file(name)?;
        match file {
            File::Linux => {}
            _ if self.has_all(name) => {}
            File::Elf(_) => return fault(number::BAD_OS, "invalid magic number"),
            _ => return fault(number::BAD_OS, format!("premature end of file {name}")),
        }
        if self.memory < LEAST_MEMORY {
            return Ok(());
        }
        let is_told = words.iter().any(|word| word.starts_with("console=ttyS0"));
        let begin = if self.adds_console && !is_told {
            "console=ttyS0 "
        } else {
            ""
        };
        let mut command_line = format!("{begin}BOOT_IMAGE=");
        for (index, word) in words.iter().enumerate() {
            let word = shown(word);
            if command_line.len() + word.len() + 2 > LONGEST {
                break;
            }
            if index > 0 {
                command_line.push(' ');
            }
            command_line.push_str(&word);
        }
        self.loaded(System::Linux, 0x0100_0000, Some(command_line));
        Ok(())
    }

    /// A second Linux frees its own command line: `grub_loader_set` unloads the first one at that time.
    fn loaded(&mut self, system: System, entry: u64, command_line: Option<String>) {
        let is_linux = |kernel: &Kernel| kernel.command_line.is_some();
        self.is_spoilt = command_line.is_some() && self.kernel.as_ref().is_some_and(is_linux);
        self.system = system;
        self.kernel = Some(Kernel {
            command_line,
            initrd: 0,
            entry,
        });
    }

    pub(super) fn initrd(&mut self, words: &[String]) -> Outcome {
        if words.is_empty() {
            return fault(number::BAD_ARGUMENT, "filename expected");
        }
        if !self.is_linux_loaded {
            return fault(number::BAD_ARGUMENT, NO_KERNEL);
        }
        let mut size = 0;
        for word in words {
            size += self.file(word)?.0.size();
        }
        if let Some(kernel) = &mut self.kernel {
            kernel.initrd = size;
        }
        Ok(())
    }

    pub(super) fn bsd(&mut self, name: &str, words: &[String]) -> Outcome {
        let takes = |word: &str| match name {
            "knetbsd" => word == "-r",
            "kopenbsd" => word == "-r" || word == "-h",
            _ => false,
        };
        let mut path = None;
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if !word.starts_with('-') {
                path = Some(word);
                break;
            }
            let is_known = word.len() == 2
                && word
                    .chars()
                    .nth(1)
                    .is_some_and(|one| "abcdhkmqrsvxz1".contains(one));
            if !is_known {
                return fault(number::BAD_ARGUMENT, format!("unknown argument `{word}'"));
            }
            if !takes(word) {
                continue;
            }
            let value = rest.next().map_or("", String::as_str);
            let unit = value
                .strip_prefix("com")
                .and_then(|unit| unit.parse::<u32>().ok());
            if name == "kopenbsd" && word == "-h" && unit.is_none_or(|unit| unit > 3) {
                return fault(number::BAD_ARGUMENT, "only com0-com3 are supported");
            }
            if name == "kopenbsd" && word == "-r" && !is_openbsd_device(value) {
                let text = "only device specifications of form [sd|wd]<number><lowercase letter> \
                     are supported";
                return fault(number::BAD_ARGUMENT, text);
            }
        }
        let Some(path) = path else {
            return fault(number::BAD_ARGUMENT, "filename expected");
        };
        let (file, _) = self.file(path)?;
        let entry = match file {
            File::Elf(entry) => entry,
            _ if self.has_all(path) => 0x0020_0000,
            _ => return fault(number::BAD_OS, "invalid a.out header"),
        };
        let system = match name {
            "knetbsd" => System::NetBsd,
            "kopenbsd" => System::OpenBsd,
            _ => System::FreeBsd,
        };
        self.is_linux_loaded = false;
        self.loaded(system, entry, None);
        Ok(())
    }

    /// Whether the words of a command exceed grub's memory.
    pub(super) fn are_too_many(words: &[String]) -> bool {
        words.iter().map(String::len).sum::<usize>() > TOO_MANY
    }
}

/// A word of a kernel's command line.
fn shown(word: &str) -> String {
    let mut shown = String::new();
    for letter in word.chars() {
        if matches!(letter, '\\' | '\'' | '"') {
            shown.push('\\');
        }
        shown.push(letter);
    }
    if word.contains(' ') {
        format!("\"{shown}\"")
    } else {
        shown
    }
}

fn is_openbsd_device(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("sd").or_else(|| name.strip_prefix("wd")) else {
        return false;
    };
    let part = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
    part.len() < rest.len() && matches!(part.as_bytes(), [b'a'..=b'z'])
}
