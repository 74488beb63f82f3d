//! The loader of a guest.

use super::grub::GrubCommands;
use super::kind::unknown;
use super::name::{NameError, error, text_newtype};
use crate::span::Span;
use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;

/// The loader of a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loader {
    /// bhyveload(8): FreeBSD.
    Bhyveload,
    /// grub-bhyve: guests that it can read.
    Grub(Grub),
    /// UEFI firmware in the VM: every guest that boots by UEFI.
    Uefi(Uefi),
}

/// The settings for grub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grub {
    /// The part of the first disk to boot from.
    pub bootpart: BootPart,
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

/// A kind of loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoaderKind {
    /// bhyveload(8).
    Bhyveload,
    /// grub-bhyve.
    Grub,
    /// UEFI firmware.
    Uefi,
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
    /// Whether a guest gets an error when it uses an MSR that bhyve(8) does not know, by default.
    pub strict_msrs: bool,
    /// Whether the loader ends a path at a blank (`grub-core/kern/emu/hostdisk.c`).
    pub ends_paths_at_blanks: bool,
    /// Whether the loader needs a VM node that has never run: when the guest reboots, the node is
    /// destroyed and created again (`lib/libvmmapi/vmmapi.c`, `vm_reinit`).
    pub needs_fresh_node: bool,
}

impl LoaderKind {
    /// Every kind.
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

    /// The properties.
    pub fn facts(self) -> &'static Facts {
        match self {
            Self::Bhyveload => &Facts {
                name: "bhyveload",
                word: "bhyveload",
                loads: "is loaded by bhyveload",
                settings: &["freebsd=YES"],
                no_prompt: Some("press a key at the menu of bhyveload instead"),
                strict_msrs: true,
                ends_paths_at_blanks: false,
                needs_fresh_node: false,
            },
            Self::Grub => &Facts {
                name: "grub-bhyve",
                word: "grub",
                loads: "is loaded by grub-bhyve",
                settings: &[],
                no_prompt: None,
                strict_msrs: true,
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
                strict_msrs: false,
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
        }
    }

    /// The properties of its kind.
    pub fn facts(&self) -> &'static Facts {
        self.kind().facts()
    }
}

/// The part of a disk that grub boots from: a partition in grub's syntax (`msdos1`, `gpt2`,
/// `msdos1,bsd1`), or `none` for a disk without partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootPart(String);
text_newtype!(BootPart);

impl Default for BootPart {
    fn default() -> Self {
        Self("msdos1".to_owned())
    }
}

impl BootPart {
    /// The text for a disk without partitions.
    const WHOLE_DISK: &str = "none";

    /// Parses names of partitions, separated by commas, or `none`.
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
        if text == Self::WHOLE_DISK || text.split(',').all(is_partition) {
            return Ok(Self(text.to_owned()));
        }
        let example = match text.trim_start_matches('0') {
            // Other programs write the number alone.
            "" if !text.is_empty() => {
                "partitions count from 1; write none for a disk without partitions".to_owned()
            }
            number if number.parse::<u32>().is_ok() => format!(
                "write gpt{number} on a GPT or msdos{number} on an MBR, or none for a disk without partitions"
            ),
            _ => {
                "write for example msdos1 or gpt2, or none for a disk without partitions".to_owned()
            }
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

#[cfg(test)]
mod tests {
    use super::{BootPart, LoaderKind};

    #[test]
    fn every_word_is_that_of_a_kind() {
        let words = LoaderKind::ALL.map(|kind| kind.facts().word);
        assert_eq!(words, LoaderKind::WORDS);
        assert!(LoaderKind::parse("grub-bhyve").is_err());
    }

    #[test]
    fn partitions_are_named_as_grub_names_them() {
        for good in ["msdos1", "gpt12", "msdos1,bsd1", "netbsd1", "none"] {
            assert!(BootPart::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "1",
            "gpt",
            "hd0,",
            "(hd0,gpt1)",
            "gpt 1",
            "none,gpt1",
            "hd0",
            "hd0,gpt1",
        ] {
            assert!(BootPart::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_alone_is_answered_with_the_names_that_it_may_mean() {
        for (number, answer) in [
            ("2", "write gpt2 on a GPT or msdos2 on an MBR, or none"),
            ("0", "write none for a disk without partitions"),
        ] {
            let error = BootPart::parse(number).unwrap_err().to_string();
            assert!(error.contains(answer), "{error}");
        }
    }

    #[test]
    fn none_is_the_whole_disk() {
        let device = |text| BootPart::parse(text).unwrap().of_disk("hd0");
        assert_eq!(device("gpt2"), "hd0,gpt2");
        assert_eq!(device("none"), "hd0");
    }
}
