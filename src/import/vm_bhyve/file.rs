//! The files of vm-bhyve.

use crate::import::keys::Keys;

/// The keys of a file.
#[derive(Clone, Debug, Default)]
pub struct File {
    pub(super) keys: Keys,
    /// Lines that vm-bhyve does not read, each with its number.
    pub(super) ignored: Vec<(usize, String)>,
}

impl File {
    /// Reads a file as vm-bhyve does.
    pub fn read(text: &str) -> Self {
        let mut file = Self::default();
        for (at, line) in text.lines().enumerate() {
            let code = line.split('#').next().unwrap_or_default().trim_end();
            let begins = code.starts_with(|first: char| first.is_ascii_lowercase());
            match code.split_once('=').filter(|_| begins) {
                Some((key, value)) => {
                    if !file.keys.add(key, value.replace('"', "")) {
                        file.ignored.push((at + 1, line.to_owned()));
                    }
                }
                None if code.trim().is_empty() => {}
                None => file.ignored.push((at + 1, line.to_owned())),
            }
        }
        file
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.keys.get(key)
    }
}
