//! The loader of a guest.

use super::grub::GrubCommands;
use super::kind::unknown;
use super::name::{NameError, VmName, error, text_newtype};
use crate::span::Span;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

/// The loader of a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loader {
    /// bhyveload(8): FreeBSD.
    Bhyveload,
    /// grub-bhyve: guests that it can read.
    Grub(Grub),
    /// UEFI firmware in the VM: every guest that boots by UEFI.
    Uefi(Uefi),
    /// U-Boot in the VM: what UEFI firmware is on arm64; see [`super::Vm::on`].
    UBoot,
}

/// The settings for grub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grub {
    /// The part of the first disk to boot from.
    pub bootpart: BootPart,
    /// The directory of the menu there.
    pub directory: GrubDir,
    /// The commands for an installation.
    pub install: Option<GrubCommands>,
    /// The commands for a boot.
    pub boot: Option<GrubCommands>,
}

/// The settings for UEFI firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uefi {
    /// The VM's own store of the firmware's variables.
    pub vars: PathBuf,
    /// The setting that the path comes from.
    pub origin: Option<Span>,
}

/// The directory of the files that belong to VMs without a directory of image files.
const OF_VMS: &str = "/var/db/easy-bhyve";

impl Uefi {
    /// The store of a VM without an image file: in a directory of the VM's own.
    pub fn in_own_directory(vm: &VmName) -> Self {
        Self {
            vars: Path::new(OF_VMS).join(vm.as_str()).join("uefi-vars"),
            origin: None,
        }
    }

    /// The directory of the store, if it is below that of VMs' own.
    pub fn own_directory(&self) -> Option<&Path> {
        let directory = self.vars.parent()?;
        (self.has_own_directory() && directory != Path::new(OF_VMS)).then_some(directory)
    }

    /// Whether the store is in a directory of VMs' own, which is made when it is missing.
    pub fn has_own_directory(&self) -> bool {
        self.vars.starts_with(OF_VMS)
    }
}

/// A kind of loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoaderKind {
    /// bhyveload(8).
    Bhyveload,
    /// grub-bhyve.
    Grub,
    /// UEFI firmware.
    Uefi,
    /// U-Boot.
    UBoot,
}

/// The properties of a kind of loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The name.
    pub name: &'static str,
    /// The word in the configuration.
    pub word: &'static str,
    /// What the loader does, in words that follow the name of a VM.
    pub loads: &'static str,
    /// The settings in addition to the id that select the loader, without the VM's name.
    pub settings: &'static [&'static str],
    /// What a user does in place of stopping at a prompt, if the loader has none.
    pub no_prompt: Option<&'static str>,
    /// Whether the guest can use a framebuffer: only UEFI firmware initialises one.
    pub has_screen: bool,
    /// Whether the loader ends a path at a blank (`grub-core/kern/emu/hostdisk.c`).
    pub ends_paths_at_blanks: bool,
    /// Whether the loader needs a VM node that has never run: when the guest reboots, the node is
    /// destroyed and created again (`lib/libvmmapi/vmmapi.c`, `vm_reinit`).
    pub needs_fresh_node: bool,
}

impl LoaderKind {
    /// Every kind that a configuration can choose.
    pub const ALL: [Self; 3] = [Self::Bhyveload, Self::Grub, Self::Uefi];

    /// The words in the configuration.
    pub const WORDS: &[&str] = &["bhyveload", "grub", "uefi"];

    /// Parses one of [`Self::WORDS`].
    ///
    /// # Errors
    /// If the text is another word.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.facts().word == text)
            .ok_or_else(|| unknown(text, Self::WORDS))
    }

    /// The settings of a VM that choose between the kinds, without the VM's name.
    pub fn choosing_settings() -> impl Iterator<Item = &'static str> {
        let settings = Self::ALL.iter().flat_map(|kind| kind.facts().settings);
        settings.filter_map(|setting| setting.split('=').next())
    }

    /// Whether the loader is a program of the host, and not firmware in the VM.
    pub fn is_program(self) -> bool {
        matches!(self, Self::Bhyveload | Self::Grub)
    }

    /// The properties.
    pub fn facts(self) -> &'static Facts {
        match self {
            Self::Bhyveload => &Facts {
                name: "bhyveload",
                word: "bhyveload",
                loads: "is loaded by bhyveload",
                settings: &["freebsd=YES"],
                no_prompt: Some("press a key at the menu of bhyveload instead"),
                has_screen: false,
                ends_paths_at_blanks: false,
                needs_fresh_node: false,
            },
            Self::Grub => &Facts {
                name: "grub-bhyve",
                word: "grub",
                loads: "is loaded by grub-bhyve",
                settings: &[],
                no_prompt: None,
                has_screen: false,
                ends_paths_at_blanks: true,
                needs_fresh_node: true,
            },
            Self::Uefi => &Facts {
                name: "uefi",
                word: "uefi",
                loads: "is started by its UEFI firmware",
                settings: &["loader=uefi"],
                // The firmware waits for no key (edk2: `PcdPlatformBootTimeOut` is 0).
                no_prompt: Some(
                    "hold Esc on the console while the VM starts: the firmware then shows its menu",
                ),
                has_screen: true,
                ends_paths_at_blanks: false,
                needs_fresh_node: false,
            },
            Self::UBoot => &Facts {
                name: "U-Boot",
                word: "uefi",
                loads: "is started by U-Boot",
                settings: &["loader=uefi"],
                no_prompt: Some("press a key on the console while U-Boot counts down"),
                has_screen: false,
                ends_paths_at_blanks: false,
                needs_fresh_node: false,
            },
        }
    }
}

impl Loader {
    /// Whether the guest can use a framebuffer: only UEFI firmware initialises one.
    pub fn has_screen(&self) -> bool {
        self.kind() == LoaderKind::Uefi
    }

    /// The kind.
    pub fn kind(&self) -> LoaderKind {
        match self {
            Self::Bhyveload => LoaderKind::Bhyveload,
            Self::Grub(_) => LoaderKind::Grub,
            Self::Uefi(_) => LoaderKind::Uefi,
            Self::UBoot => LoaderKind::UBoot,
        }
    }

    /// The properties of its kind.
    pub fn facts(&self) -> &'static Facts {
        self.kind().facts()
    }
}

/// The part of a disk that grub boots from: a partition in grub's syntax (`msdos1`, `gpt2`,
/// `msdos1,bsd1`), `none` for a disk without partitions, or `auto`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootPart(Box<str>);
text_newtype!(BootPart);

impl Default for BootPart {
    fn default() -> Self {
        Self("msdos1".into())
    }
}

impl BootPart {
    /// The text for a disk without partitions.
    const WHOLE_DISK: &str = "none";
    /// The text for the partition that is found at each start.
    const AUTO: &str = "auto";

    /// Whether the partition is found at each start, by what is on the disk.
    pub fn is_auto(&self) -> bool {
        self.as_str() == Self::AUTO
    }

    /// Whether this is a disk without partitions.
    pub fn is_whole_disk(&self) -> bool {
        self.as_str() == Self::WHOLE_DISK
    }

    /// The partition of this name in a report of what is on a disk; empty for the whole disk.
    ///
    /// # Errors
    /// If the name is invalid.
    pub fn of_report(name: &str) -> Result<Self, NameError> {
        match name {
            "" => Ok(Self(Self::WHOLE_DISK.into())),
            name => Self::parse(name),
        }
    }

    /// Parses names of partitions, separated by commas, or `none`, or `auto`.
    ///
    /// # Errors
    /// If a name is invalid.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let is_partition = |part: &str| {
            let number = part.trim_start_matches(|c: char| c.is_ascii_lowercase());
            let is_disk = part.starts_with("hd") || part.starts_with("cd");
            !is_disk
                && number.len() < part.len()
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        if [Self::WHOLE_DISK, Self::AUTO].contains(&text) || text.split(',').all(is_partition) {
            return Ok(Self(text.into()));
        }
        let example = match text.trim_start_matches('0') {
            // Other programs write the number alone.
            "" if !text.is_empty() => {
                "partitions count from 1; write none for a disk without partitions".to_owned()
            }
            number if number.parse::<u32>().is_ok() => format!(
                "write gpt{number} on a GPT or msdos{number} on an MBR, none for a disk without partitions, or auto"
            ),
            _ => "write for example msdos1 or gpt2, none for a disk without partitions, or auto"
                .to_owned(),
        };
        Err(error(format!(
            "\"{text}\" is not a partition in grub's syntax; {example}"
        )))
    }

    /// The device for grub, without parentheses: `hd0,msdos1`, or `hd0` for the whole disk.
    pub fn of_disk(&self, disk: &str) -> String {
        match self.as_str() {
            Self::WHOLE_DISK => disk.to_owned(),
            partition => format!("{disk},{partition}"),
        }
    }
}

/// The directory of grub's menu: an absolute path on grub's root, or `auto`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrubDir(Box<str>);
text_newtype!(GrubDir);

impl Default for GrubDir {
    fn default() -> Self {
        Self(Self::USUAL.into())
    }
}

impl GrubDir {
    /// The directory in which grub-bhyve looks by itself (`include/grub/emu/misc.h`).
    pub const USUAL: &str = "/boot/grub";
    /// The text for the directory that is found at each start.
    const AUTO: &str = "auto";

    /// The directory that is found at each start.
    pub fn auto() -> Self {
        Self(Self::AUTO.into())
    }

    /// Whether the directory is found at each start, by what is on the disk.
    pub fn is_auto(&self) -> bool {
        self.as_str() == Self::AUTO
    }

    /// Whether grub-bhyve looks in this directory by itself.
    pub fn is_usual(&self) -> bool {
        self.as_str() == Self::USUAL
    }

    /// Parses an absolute path that grub's own scripts need not quote, or `auto`.
    ///
    /// # Errors
    /// If the text is neither.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._@-+".contains(&byte);
        let is_path = text.starts_with('/') && text.bytes().all(is_plain);
        if !is_path && text != Self::AUTO {
            return Err(error(format!(
                "\"{text}\" is not a directory for grub; write a path of letters, digits and . _ @ - + \
                 such as /boot/grub2, or auto"
            )));
        }
        if text.split('/').any(|name| name == "..") {
            return Err(error(format!(
                "\"{text}\" has .. in it; write the path without it"
            )));
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
#[path = "loader_tests.rs"]
mod tests;
