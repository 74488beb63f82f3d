//! The files that grub reaches, by device and path: kern/device.c, kern/file.c, commands/ls.c,
//! commands/search.c.

use std::path::Path;

use super::super::Host;
use super::super::files::{Files, MemoryFiles};
use super::super::process::Loader;
use super::super::real_files::RealFiles;
use super::commands::{fault, number};
use super::image::{File, Node, Volume};
use super::script::{Content, Grub, Outcome};

/// The beginning of a file of the host that is a kernel.
const KERNEL: &str = "a Linux kernel";

/// The files of the host, to which `(host)` leads.
#[derive(Clone, Debug)]
pub(super) enum HostFiles {
    Memory(MemoryFiles),
    Real(RealFiles),
}

impl HostFiles {
    pub(super) fn of(host: &Host) -> Self {
        match &host.real {
            Some(files) => Self::Real(files.clone()),
            None => Self::Memory(host.state.files.clone()),
        }
    }

    /// The text of a file.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        let bytes = match self {
            Self::Memory(files) => files.read(Path::new(path)).ok()?,
            Self::Real(files) => files.read(Path::new(path)).ok()?,
        };
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Grub {
    /// The device and the path of a name.
    fn place<'name>(
        &'name self,
        name: &'name str,
    ) -> Result<(&'name str, &'name str), (i32, String)> {
        let (device, path) = match name.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            Some((device, path)) => (device, path),
            None if name.starts_with('/') => (self.value("root"), name),
            None => return fault(number::BAD_FILENAME, format!("invalid file name `{name}'")),
        };
        if device.is_empty() {
            return fault(number::BAD_ARGUMENT, "variable `root' isn't set");
        }
        if !path.is_empty() && !path.starts_with('/') {
            return fault(number::BAD_FILENAME, format!("invalid file name `{name}'"));
        }
        Ok((device, path))
    }

    /// The volume of a device; `None` is a volume that has every file.
    fn volume(&self, device: &str) -> Result<Option<&Volume>, (i32, String)> {
        let missing = || match device.contains(',') {
            true => fault(number::UNKNOWN_DEVICE, format!("disk `{device}' not found")),
            false => fault(number::UNKNOWN_DEVICE, "no server is specified"),
        };
        let (drive, partition) = match device.split_once(',') {
            Some((drive, partition)) => (drive, Some(partition)),
            None => (device, None),
        };
        let Some((_, content)) = self.drives.iter().find(|(name, _)| name == drive) else {
            return missing();
        };
        match (content, partition) {
            (Content::Blank, _) => Ok(Some(&Volume::Unknown)),
            (Content::Installed, _) => Ok(None),
            (Content::Described(image), None) => Ok(Some(&image.whole)),
            (Content::Described(image), Some(name)) => match image.partition(name) {
                Some(volume) => Ok(Some(volume)),
                None => missing(),
            },
        }
    }

    /// A file, and the path without its device.
    pub(super) fn file<'name>(
        &'name self,
        name: &'name str,
    ) -> Result<(File, &'name str), (i32, String)> {
        let (device, path) = self.place(name)?;
        let missing = || fault(number::FILE_NOT_FOUND, format!("file `{path}' not found"));
        if device == "host" {
            return match self.host_files.read(path) {
                Some(text) if text.starts_with(KERNEL) => Ok((File::Linux, path)),
                Some(text) => Ok((File::Text(text), path)),
                None => fault(
                    number::FILE_NOT_FOUND,
                    format!("can't open `{path}': No such file or directory"),
                ),
            };
        }
        match self.volume(device)? {
            None if self.loader == Loader::Broken => missing(),
            None => Ok((File::Data(64 << 10), path)),
            Some(Volume::Unknown) => fault(number::UNKNOWN_FS, "unknown filesystem"),
            Some(Volume::Read(tree)) => match tree.at(path) {
                Some(Node::File(file)) => Ok((file.clone(), path)),
                Some(Node::Directory) => fault(number::BAD_FILE_TYPE, "not a regular file"),
                None => missing(),
            },
        }
    }

    /// Whether a device has all files, because no test has described it.
    pub(super) fn has_all(&self, name: &str) -> bool {
        self.place(name)
            .is_ok_and(|(device, _)| device != "host" && matches!(self.volume(device), Ok(None)))
    }

    /// The text of an existing file.
    pub(super) fn text_of(&self, words: &[String]) -> Option<String> {
        match self.file(words.first()?) {
            Ok((File::Text(text), _)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn ls(&mut self, words: &[String]) -> Outcome {
        let Some(word) = words.iter().find(|word| !word.starts_with('-')) else {
            let mut text = String::new();
            for (name, content) in &self.drives {
                text.push_str(&format!("({name}) "));
                if let Content::Described(image) = content {
                    for (partition, _) in image.partitions.iter().rev() {
                        text.push_str(&format!("({name},{partition}) "));
                    }
                }
            }
            self.screen.say(&format!("{text}(host)\n"));
            return Ok(());
        };
        let (device, path) = self.place(word)?;
        let text = match self.volume(device)? {
            Some(Volume::Read(tree)) if path.is_empty() => {
                let kind = if device.contains(',') {
                    "Partition"
                } else {
                    "Device"
                };
                format!(
                    "{kind} {device}: Label `{}', UUID {}\n",
                    tree.label, tree.uuid
                )
            }
            Some(Volume::Unknown) if path.is_empty() => {
                format!("Device {device}: No known filesystem detected\n")
            }
            Some(Volume::Read(tree)) => format!("{}\n", tree.list(path).join(" ")),
            Some(Volume::Unknown) => return fault(number::UNKNOWN_FS, "unknown filesystem"),
            None => "\n".to_owned(),
        };
        self.screen.say(&text);
        Ok(())
    }

    pub(super) fn cat(&mut self, words: &[String]) -> Outcome {
        let word = words.first().map_or("", String::as_str);
        let text = match self.file(word)?.0 {
            File::Text(text) => text,
            _ => String::new(),
        };
        self.screen.say(&text);
        Ok(())
    }

    pub(super) fn search(&mut self, words: &[String]) -> Outcome {
        let is_said = |option: &str| words.iter().any(|word| word == option);
        let variable = words
            .iter()
            .find_map(|word| word.strip_prefix("--set="))
            .map(str::to_owned);
        let variable = variable.or_else(|| is_said("--set").then(|| "root".to_owned()));
        let Some(wanted) = words.iter().rfind(|word| !word.starts_with('-')).cloned() else {
            return fault(number::BAD_ARGUMENT, "one argument expected");
        };
        let is_it = |volume: &Volume| match volume {
            Volume::Unknown => false,
            Volume::Read(tree) if is_said("--label") || is_said("-l") => tree.label == wanted,
            Volume::Read(tree) if is_said("--fs-uuid") || is_said("-u") => {
                tree.uuid.eq_ignore_ascii_case(&wanted)
            }
            Volume::Read(tree) => tree.at(&wanted).is_some(),
        };
        let found = self
            .drives
            .iter()
            .find_map(|(name, content)| match content {
                Content::Blank => None,
                // Its first partition has the label or file.
                Content::Installed => Some(match name.starts_with("cd") {
                    true => name.clone(),
                    false => format!("{name},msdos1"),
                }),
                Content::Described(image) if is_it(&image.whole) => Some(name.clone()),
                Content::Described(image) => image
                    .partitions
                    .iter()
                    .find(|(_, volume)| is_it(volume))
                    .map(|(partition, _)| format!("{name},{partition}")),
            });
        match (found, variable) {
            (None, _) => fault(number::FILE_NOT_FOUND, format!("no such device: {wanted}")),
            (Some(found), Some(variable)) => {
                self.set(&variable, &found);
                Ok(())
            }
            (Some(found), None) => {
                self.screen.say(&format!(" {found}\n"));
                Ok(())
            }
        }
    }
}
