//! grub's menu: grub-core/normal/menu.c.

use super::parser::Command;
use super::script::{Grub, Leaves, Stop};

/// An entry of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) is_submenu: bool,
    pub(super) commands: Vec<Command>,
}

/// The outcome of a menu that grub has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Went {
    /// grub exits.
    Left(Leaves),
    /// The entry failed with a message.
    Failed,
}

impl Grub {
    /// Shows the entries, if there are any, until the time is over. `None`: there is no menu.
    pub(super) fn menu(&mut self) -> Option<Leaves> {
        if self.entries.is_empty() {
            return None;
        }
        let entries = std::mem::take(&mut self.entries);
        let timeout = self.value("timeout").parse::<i64>();
        let default = self.value("default").to_owned();
        // A key stops the countdown; without a key its end chooses the entry.
        let keys = std::mem::take(&mut self.keys);
        if timeout != Ok(0) {
            if let Some(left) = self.menu_by_keys(&keys) {
                return Some(left);
            }
            if keys.is_empty() && !timeout.is_ok_and(|seconds| seconds > 0) {
                return Some(self.waits(&entries));
            }
        }
        if let Went::Left(left) = self.choose(&entries, &default) {
            return Some(left);
        }
        let fallback = self.value("fallback").to_owned();
        let second = fallback
            .parse::<usize>()
            .ok()
            .and_then(|number| entries.get(number));
        if let Some(entry) = second {
            self.screen
                .write(&format!("Falling back to `{}'\n\n", entry.title));
            if let Went::Left(left) = self.run(entry) {
                return Some(left);
            }
        }
        self.screen
            .write("  Failed to boot both default and fallback entries.\n\n");
        self.any_key();
        // With a fallback the menu repeats without end.
        Some(if second.is_some() {
            Leaves::Waits
        } else {
            self.waits(&entries)
        })
    }

    /// The outcome of keys at a menu, unless they choose the default entry as the end of the countdown
    /// does.
    pub(super) fn menu_by_keys(&mut self, keys: &[u8]) -> Option<Leaves> {
        let mut rest = keys;
        while let Some((key, behind)) = rest.split_first() {
            match key {
                b'\n' => return None,
                b'c' => return Some(self.prompt(behind)),
                b'e' => return Some(Leaves::Waits),
                _ => rest = behind,
            }
        }
        (!keys.is_empty()).then_some(Leaves::Waits)
    }

    /// The menu that waits for a key.
    fn waits(&mut self, entries: &[Entry]) -> Leaves {
        self.screen.clear();
        let titles: Vec<String> = entries
            .iter()
            .map(|entry| format!("|{}|\n", entry.title))
            .collect();
        self.screen.say(&titles.concat());
        self.screen
            .say("Use the ^ and v keys to select which entry is highlighted.\n");
        Leaves::Waits
    }

    fn choose(&mut self, entries: &[Entry], default: &str) -> Went {
        let (first, inner) = default.split_once('>').unwrap_or((default, ""));
        let chosen = first
            .parse::<usize>()
            .ok()
            .and_then(|number| entries.get(number))
            .or_else(|| {
                entries
                    .iter()
                    .find(|entry| entry.id == first || entry.title == first)
            })
            .or_else(|| entries.first());
        let Some(entry) = chosen else {
            return Went::Failed;
        };
        self.screen.clear();
        self.screen
            .write(&format!("  Booting `{}'\n\n", entry.title));
        if entry.is_submenu {
            self.env.insert("default".into(), inner.into());
            return match self.commands(&entry.commands) {
                Err(Stop::Left(left)) => Went::Left(left),
                Ok(_) | Err(Stop::Returned) => match self.menu() {
                    Some(left) => Went::Left(left),
                    None => Went::Failed,
                },
            };
        }
        self.run(entry)
    }

    /// Runs an entry: its messages are shown for a while, and a kernel is booted in any case.
    fn run(&mut self, entry: &Entry) -> Went {
        self.screen.errors = 0;
        match self.commands(&entry.commands) {
            Err(Stop::Left(left)) => return Went::Left(left),
            Ok(_) | Err(Stop::Returned) => {}
        }
        if self.screen.errors > 0 {
            self.any_key();
        }
        if self.kernel.is_some() {
            return Went::Left(self.boots());
        }
        Went::Failed
    }

    fn any_key(&mut self) {
        self.screen.say("Press any key to continue...\n");
    }
}
