//! As much of grub's command language as a boot needs.

use std::collections::BTreeMap;

use super::super::Host;
use super::super::process::Loader;
use super::super::state::System;

/// How grub-bhyve or bhyveload is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// A kernel is loaded.
    Booted,
    /// `reboot`: the same exit, but nothing is loaded.
    Rebooted,
    /// `exit`
    Exited,
    /// It waits for keys for ever.
    Waits,
}

/// grub between two commands.
#[derive(Clone, Debug)]
pub struct Grub {
    /// Drives that have something on them.
    drives: BTreeMap<String, bool>,
    loader: Loader,
    root: String,
    kernel: bool,
    /// Which system the kernel belongs to; that of a menu is Linux.
    pub system: System,
    said: String,
}

impl Grub {
    pub(super) fn new(
        host: &Host,
        drives: &BTreeMap<String, String>,
        loader: Loader,
        root: &str,
    ) -> Self {
        Self {
            drives: drives
                .iter()
                .map(|(name, path)| (name.clone(), !host.is_blank(path)))
                .collect(),
            loader,
            root: root.into(),
            kernel: false,
            system: System::Linux,
            said: String::new(),
        }
    }

    /// Whether the root device has a file with a menu that boots.
    pub(super) fn has_own_menu(&self, directory: &str, configuration: &str) -> bool {
        self.loader == Loader::Menu
            && self.readable(&self.root)
            && ["/boot/grub", "/grub", "/boot/grub2"].contains(&directory)
            && configuration == "grub.cfg"
    }

    /// Takes keys as commands. At their end grub waits for more (term/emu/console.c).
    pub(super) fn prompt(&mut self, keys: &[u8]) -> Leaves {
        self.said.push_str("grub> ");
        self.lines(&String::from_utf8_lossy(keys))
            .unwrap_or(Leaves::Waits)
    }

    /// Runs commands, until one leaves grub.
    pub fn lines(&mut self, text: &str) -> Option<Leaves> {
        text.lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(|line| line.split(';'))
            .find_map(|command| self.command(command))
    }

    /// What it has said since the last time.
    pub fn take_said(&mut self) -> String {
        std::mem::take(&mut self.said)
    }

    fn command(&mut self, text: &str) -> Option<Leaves> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (first, rest) = words.split_first()?;
        match *first {
            "set" => {
                if let Some(value) = rest.iter().find_map(|word| word.strip_prefix("root=")) {
                    self.root = bare(value);
                }
            }
            "linux" | "linux16" | "kfreebsd" | "kopenbsd" | "knetbsd" | "multiboot" => {
                let path = rest
                    .iter()
                    .find(|word| word.starts_with('/') || word.starts_with('('));
                let device = path
                    .and_then(|path| path.strip_prefix('('))
                    .and_then(|path| path.split(')').next())
                    .map_or_else(|| self.root.clone(), bare);
                if path.is_none() {
                    self.say("filename expected");
                } else if !self.known(&device) {
                    self.say(&format!("no such device: {device}"));
                } else if !self.readable(&device) {
                    self.say("unknown filesystem");
                } else if self.loader == Loader::Broken {
                    self.say(&format!("file `{}' not found", path.unwrap_or(&"")));
                } else {
                    self.kernel = true;
                    self.system = match *first {
                        "kfreebsd" => System::FreeBsd,
                        "knetbsd" => System::NetBsd,
                        "kopenbsd" => System::OpenBsd,
                        _ => System::Linux,
                    };
                }
            }
            "initrd" | "initrd16" | "kfreebsd_module" if !self.kernel => {
                self.say("you need to load the kernel first");
            }
            "initrd" | "initrd16" | "kfreebsd_module" | "kfreebsd_loadenv" | "insmod" | "echo"
            | "search" | "ls" | "terminal_output" | "true" | "cat" | "sleep" => {}
            "configfile" | "normal" => {
                if self.loader == Loader::Menu && self.readable(&self.root) {
                    return Some(Leaves::Booted);
                }
                self.say("file not found");
            }
            "boot" if self.kernel => return Some(Leaves::Booted),
            "boot" => self.say("you need to load the kernel first"),
            "reboot" => return Some(Leaves::Rebooted),
            "exit" => return Some(Leaves::Exited),
            assignment if assignment.contains('=') => {}
            other => self.say(&format!("can't find command `{other}'")),
        }
        None
    }

    fn known(&self, device: &str) -> bool {
        self.drives.contains_key(drive(device))
    }

    fn readable(&self, device: &str) -> bool {
        self.drives.get(drive(device)).copied().unwrap_or(false)
    }

    fn say(&mut self, text: &str) {
        self.said.push_str(&format!("error: {text}.\n"));
    }
}

/// A device name without parentheses and quotes.
fn bare(text: &str) -> String {
    text.trim_matches(['(', ')', '\'', '"']).into()
}

/// The drive of a device such as `hd0,msdos1`.
fn drive(device: &str) -> &str {
    device.split(',').next().unwrap_or(device)
}
