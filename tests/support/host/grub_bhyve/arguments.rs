//! The command line of grub-bhyve, by argp(3): options in any order, abbreviated, joined with their
//! values (grub-core/kern/emu/main.c, kern/emu/argp_common.c).

use super::super::words::memory_size;

/// sysexits(3): the exit status of argp for a wrong command line.
const EX_USAGE: i32 = 64;

const LONG: [(&str, char, bool); 12] = [
    ("cons-dev", 'c', true),
    ("directory", 'd', true),
    ("evga", 'e', false),
    ("grub-cfg", 'g', true),
    ("help", '?', false),
    ("memory", 'M', true),
    ("device-map", 'm', true),
    ("ncons", 'n', false),
    ("root", 'r', true),
    ("usage", 'u', false),
    ("verbose", 'v', false),
    ("version", 'V', false),
];

/// The settings of grub-bhyve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arguments {
    pub(super) vm: String,
    pub(super) console: String,
    pub(super) directory: String,
    pub(super) configuration: String,
    pub(super) map: String,
    pub(super) root: String,
    /// Bytes.
    pub(super) memory: u64,
    pub(super) adds_console: bool,
    /// `-H` without a number: it waits for a debugger.
    pub(super) is_held: bool,
}

/// A command line that starts nothing: the status, and the text on stdout and on stderr.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) status: i32,
    pub(super) out: &'static str,
    pub(super) err: String,
}

/// Reads the words behind the program's name.
pub(super) fn read(words: &[String]) -> Result<Arguments, Ends> {
    let mut read = Arguments {
        vm: String::new(),
        console: "stdio".into(),
        directory: "/boot/grub".into(),
        configuration: "grub.cfg".into(),
        map: "/boot/grub/device.map".into(),
        root: "host".into(),
        memory: 256 << 20,
        adds_console: true,
        is_held: false,
    };
    let mut named = false;
    let mut rest = words.iter();
    let mut only_names = false;
    while let Some(word) = rest.next() {
        if only_names || !word.starts_with('-') || word == "-" {
            read.vm.clone_from(word);
            named = true;
            continue;
        }
        if word == "--" {
            only_names = true;
            continue;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, joined) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let Some((_, letter, takes)) = LONG.iter().find(|(known, ..)| known.starts_with(name))
            else {
                return Err(misused(&format!("unrecognized option '{word}'")));
            };
            let value = if *takes {
                joined.or_else(|| rest.next().cloned())
            } else {
                None
            };
            if *takes && value.is_none() {
                return Err(misused(&format!("option '{word}' requires an argument")));
            }
            read.take(*letter, value.unwrap_or_default())?;
            continue;
        }
        let mut letters = word[1..].chars();
        while let Some(letter) = letters.next() {
            let value = match letter {
                'c' | 'd' | 'g' | 'm' | 'M' | 'r' => {
                    let joined: String = letters.by_ref().collect();
                    let value = if joined.is_empty() {
                        rest.next().cloned()
                    } else {
                        Some(joined)
                    };
                    let Some(value) = value else {
                        let text = format!("option requires an argument -- '{letter}'");
                        return Err(misused(&text));
                    };
                    value
                }
                'H' => letters.by_ref().collect(),
                _ => String::new(),
            };
            read.take(letter, value)?;
        }
    }
    if !named {
        return Err(Ends {
            status: 1,
            out: "",
            err: "Required VM name parameter not supplied\nTry ` --help' or ` --usage' for more \
                 information."
                .into(),
        });
    }
    Ok(read)
}

impl Arguments {
    fn take(&mut self, letter: char, value: String) -> Result<(), Ends> {
        match letter {
            'c' => self.console = value,
            'd' => self.directory = value,
            'g' => self.configuration = value,
            'm' => self.map = value,
            'r' => self.root = value,
            'n' => self.adds_console = false,
            'e' | 'S' | 'v' => {}
            'H' => self.is_held = value.is_empty(),
            'M' => match memory_size(&value) {
                Some(memory) => self.memory = memory,
                None => {
                    return Err(Ends {
                        status: 1,
                        out: "",
                        err: format!(
                            "Invalid guest memory size `{value}'.\nError in parsing command line arguments"
                        ),
                    });
                }
            },
            '?' | 'u' => return Err(told("Usage: grub-bhyve [OPTION...] vmname\n")),
            'V' => return Err(told("grub-bhyve (GRUB-BHYVE) 2.00:0.40\n")),
            letter => return Err(misused(&format!("invalid option -- '{letter}'"))),
        }
        Ok(())
    }
}

fn told(out: &'static str) -> Ends {
    Ends {
        status: 0,
        out,
        err: String::new(),
    }
}

fn misused(text: &str) -> Ends {
    Ends {
        status: EX_USAGE,
        out: "",
        err: format!(
            "grub-bhyve: {text}\nTry `grub-bhyve --help' or `grub-bhyve --usage' for more information."
        ),
    }
}
