//! The files of vm-bhyve.

/// The keys of a file.
#[derive(Clone, Debug, Default)]
pub struct File {
    pub(super) values: Vec<(String, String)>,
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
                    if file.get(key).is_none() {
                        file.values.push((key.to_owned(), value.replace('"', "")));
                    } else {
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
        let mut values = self.values.iter();
        let found = values.find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }
}
