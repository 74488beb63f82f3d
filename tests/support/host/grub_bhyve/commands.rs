//! The commands of grub that a boot needs: grub-core/commands, script/main.c.

use super::super::process::Loader;
use super::menu::Entry;
use super::parser::Command;
use super::script::{Grub, Leaves, Outcome, Stop};

/// Numbers of errors (include/grub/err.h).
pub(super) mod number {
    pub(in super::super) const TEST_FAILURE: i32 = 1;
    pub(in super::super) const BAD_FILE_TYPE: i32 = 4;
    pub(in super::super) const FILE_NOT_FOUND: i32 = 5;
    pub(in super::super) const BAD_FILENAME: i32 = 7;
    pub(in super::super) const UNKNOWN_FS: i32 = 8;
    pub(in super::super) const UNKNOWN_DEVICE: i32 = 12;
    pub(in super::super) const BAD_ARGUMENT: i32 = 18;
    pub(in super::super) const BAD_OS: i32 = 21;
    pub(in super::super) const NO_KERNEL: i32 = 22;
}

pub(super) const NO_KERNEL: &str = "you need to load the kernel first";

pub(super) fn fault<T>(number: i32, text: impl Into<String>) -> Result<T, (i32, String)> {
    Err((number, text.into()))
}

impl Grub {
    /// Runs a command of grub itself; `None` if grub has no such command.
    pub(super) fn known(
        &mut self,
        name: &str,
        words: &[String],
        block: Option<&[Command]>,
    ) -> Result<Option<Outcome>, Stop> {
        let outcome = match name {
            "set" => {
                self.set_all(words);
                Ok(())
            }
            "unset" => {
                for word in words {
                    self.env.remove(word);
                }
                Ok(())
            }
            "true" | "export" | "insmod" | "terminal_output" | "terminal_input" | "serial"
            | "loadfont" | "load_env" | "kfreebsd_module" | "kfreebsd_loadenv" | "rmmod"
            | "background_color" => Ok(()),
            "lsmod" => {
                self.screen.write("Name\tRef Count\tDependencies\n");
                Ok(())
            }
            "save_env" => {
                let path = format!("{}/grubenv", self.value("prefix"));
                let path = path.find(')').map_or(path.as_str(), |end| &path[end + 1..]);
                fault(number::FILE_NOT_FOUND, format!("file `{path}' not found"))
            }
            "false" => fault(number::TEST_FAILURE, ""),
            "test" | "[" => self.test(words),
            "echo" => {
                let (words, end) = match words {
                    [first, rest @ ..] if first == "-n" => (rest, ""),
                    words => (words, "\n"),
                };
                self.screen.say(&format!("{}{end}", words.join(" ")));
                Ok(())
            }
            "sleep" => {
                if words.iter().any(|word| word == "--interruptible") {
                    self.screen.refresh();
                }
                Ok(())
            }
            "read" => {
                self.screen.refresh();
                return Err(Stop::Left(Leaves::Waits));
            }
            "ls" => self.ls(words),
            "cat" => self.cat(words),
            "search" => self.search(words),
            "linux" | "linux16" if Self::are_too_many(words) => {
                return Err(Stop::Left(Leaves::Crashed(6)));
            }
            "linux" | "linux16" => self.linux(words),
            "initrd" | "initrd16" => self.initrd(words),
            "knetbsd" | "kopenbsd" | "kfreebsd" => self.bsd(name, words),
            "multiboot" => self
                .file(words.first().map_or("", String::as_str))
                .and_then(|_| fault(number::BAD_OS, "no multiboot header found")),
            "source" | "." => {
                if let Some(text) = self.text_of(words) {
                    self.source(&text)?;
                }
                Ok(())
            }
            "configfile" => {
                self.configfile(words)?;
                Ok(())
            }
            "normal" | "clear" => {
                self.screen.clear();
                Ok(())
            }
            "menuentry" | "submenu" => self.entry(name == "submenu", words, block),
            "boot" if self.kernel.is_none() => fault(number::NO_KERNEL, NO_KERNEL),
            "boot" => return Err(Stop::Left(self.boots())),
            "reboot" | "halt" => return Err(Stop::Left(Leaves::Rebooted)),
            "exit" => return Err(Stop::Left(Leaves::Exited)),
            "return" if self.is_in_function() => return Err(Stop::Returned),
            "return" => fault(number::BAD_ARGUMENT, "not in function body"),
            _ => return Ok(None),
        };
        Ok(Some(outcome))
    }

    fn set_all(&mut self, words: &[String]) {
        if words.is_empty() {
            let all: Vec<String> = self
                .env
                .iter()
                .map(|(name, value)| format!("{name}={value}\n"))
                .collect();
            self.screen.write(&all.concat());
        }
        for word in words {
            let Some((name, value)) = word.split_once('=') else {
                continue;
            };
            self.set(name, value);
        }
    }

    fn test(&mut self, words: &[String]) -> Outcome {
        let words: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .filter(|word| *word != "]")
            .collect();
        let number = |text: &str| text.parse::<i64>().unwrap_or(0);
        let holds = match words.as_slice() {
            [left, "=" | "==", right] => left == right,
            [left, "!=", right] => left != right,
            [left, "-eq", right] => number(left) == number(right),
            [left, "-ne", right] => number(left) != number(right),
            ["-f", path] => self.file(path).is_ok(),
            ["-d", path] => self
                .file(path)
                .is_err_and(|(number, _)| number == number::BAD_FILE_TYPE),
            ["-e", path] => {
                self.file(path).is_ok_and(|_| true)
                    || self
                        .file(path)
                        .is_err_and(|(number, _)| number == number::BAD_FILE_TYPE)
            }
            ["-s", path] => self.file(path).is_ok_and(|(file, _)| file.size() > 0),
            ["-n", word] | [word] => !word.is_empty(),
            ["-z", word] => word.is_empty(),
            _ => false,
        };
        if holds {
            Ok(())
        } else {
            fault(number::TEST_FAILURE, "")
        }
    }

    /// Runs a file with a screen and variables of its own, and shows its menu.
    fn configfile(&mut self, words: &[String]) -> Result<(), Stop> {
        self.screen.clear();
        let name = words.first().map_or("", String::as_str);
        if self.loader == Loader::Menu && self.has_all(name) {
            return Err(Stop::Left(Leaves::Booted));
        }
        let Some(text) = self.text_of(words) else {
            return Ok(());
        };
        let env = self.env.clone();
        let inner = ["root", "prefix", "grub_platform", "grub_cpu"];
        self.env.retain(|name, _| {
            inner.contains(&name.as_str()) || name.starts_with("feature_") || name == "?"
        });
        let outer = std::mem::take(&mut self.entries);
        let left = self.configuration(&text);
        self.entries = outer;
        self.env = env;
        match left {
            Some(left) => Err(Stop::Left(left)),
            None => Ok(()),
        }
    }

    fn entry(&mut self, is_submenu: bool, words: &[String], block: Option<&[Command]>) -> Outcome {
        let mut id = None;
        let mut title = None;
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match word.as_str() {
                "--id" => id = rest.next().cloned(),
                "--class" | "--users" | "--hotkey" => drop(rest.next()),
                option if option.starts_with("--") => {}
                _ if title.is_none() => title = Some(word.clone()),
                _ => {}
            }
        }
        let (Some(title), Some(commands)) = (title, block) else {
            return fault(number::BAD_ARGUMENT, "missing arguments");
        };
        self.entries.push(Entry {
            id: id.unwrap_or_else(|| title.clone()),
            title,
            is_submenu,
            commands: commands.to_vec(),
        });
        Ok(())
    }
}
