//! The content of a disk or an ISO image, as grub sees it: partitions, file systems, files.

use serde::{Deserialize, Serialize};

/// The content of a disk, as far as a test describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The content of the whole disk.
    pub whole: Volume,
    /// Its partitions by the names that grub lists, such as `msdos1`, in the order of the table.
    pub partitions: Vec<(String, Volume)>,
}

impl Image {
    /// A disk with a file system and no partition, as an ISO image.
    #[must_use]
    pub fn whole(tree: Tree) -> Self {
        Self {
            whole: Volume::Read(tree),
            partitions: Vec::new(),
        }
    }

    /// With a partition.
    #[must_use]
    pub fn with_partition(mut self, name: &str, volume: Volume) -> Self {
        self.partitions.push((name.into(), volume));
        self
    }

    /// The partition of this name; `1` is the first one with that number. Leading zeros are ignored, and
    /// so is the text behind the number.
    pub fn partition(&self, name: &str) -> Option<&Volume> {
        let is_letter = |letter: char| letter.is_ascii_lowercase();
        let (scheme, number) = name.split_at(name.len() - name.trim_start_matches(is_letter).len());
        let digits = number.len()
            - number
                .trim_start_matches(|one: char| one.is_ascii_digit())
                .len();
        let number: u32 = number[..digits].parse().ok()?;
        self.partitions
            .iter()
            .find(|(known, _)| {
                let (of, its) = split(known);
                (scheme.is_empty() || scheme == of) && its.parse() == Ok(number)
            })
            .map(|(_, volume)| volume)
    }
}

fn split(name: &str) -> (&str, &str) {
    name.split_at(
        name.trim_end_matches(|letter: char| letter.is_ascii_digit())
            .len(),
    )
}

/// A disk or a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Volume {
    /// No file system that grub knows.
    #[default]
    Unknown,
    /// A file system that it reads.
    Read(Tree),
}

/// A file system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// Its label.
    pub label: String,
    /// Its UUID.
    pub uuid: String,
    /// Every file by its path without a leading slash, in the order in which `ls` shows them;
    /// directories exist as the parents of files.
    pub files: Vec<(String, File)>,
}

impl Tree {
    /// With this label and UUID, without files.
    #[must_use]
    pub fn new(label: &str, uuid: &str) -> Self {
        Self {
            label: label.into(),
            uuid: uuid.into(),
            files: Vec::new(),
        }
    }

    /// With a file.
    #[must_use]
    pub fn with(mut self, path: &str, file: File) -> Self {
        self.files.push((path.trim_start_matches('/').into(), file));
        self
    }

    /// The node at a path; `.`, `..` and empty parts of the path are ignored.
    pub fn at(&self, path: &str) -> Option<Node<'_>> {
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        let path = parts.join("/");
        if let Some((_, file)) = self.files.iter().find(|(known, _)| *known == path) {
            return Some(Node::File(file));
        }
        let below = if path.is_empty() {
            path
        } else {
            format!("{path}/")
        };
        let is_above = self.files.iter().any(|(file, _)| file.starts_with(&below));
        (is_above || below.is_empty()).then_some(Node::Directory)
    }

    /// The names directly below a directory; those of directories end in a slash.
    pub fn list(&self, path: &str) -> Vec<String> {
        let below = match path.trim_matches('/') {
            "" => String::new(),
            path => format!("{path}/"),
        };
        let mut names: Vec<String> = Vec::new();
        let inner = self
            .files
            .iter()
            .filter_map(|(file, _)| file.strip_prefix(&below));
        for rest in inner {
            let name = match rest.split_once('/') {
                Some((directory, _)) => format!("{directory}/"),
                None => rest.to_owned(),
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// A node of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node<'tree> {
    /// A file.
    File(&'tree File),
    /// A directory.
    Directory,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum File {
    /// A Linux kernel, gzipped or not.
    Linux,
    /// NetBSD's or a 64-bit kernel of the BSDs, with its entry.
    Elf(u64),
    /// Bytes that are no kernel, as an initrd.
    Data(u64),
    /// Text.
    Text(String),
}

impl File {
    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Linux | Self::Elf(_) => 64 << 10,
            Self::Data(size) => *size,
            Self::Text(text) => text.len() as u64,
        }
    }
}
