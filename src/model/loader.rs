//! The loader of a guest.

use super::grub::GrubCommands;
use super::name::{NameError, error, text_newtype};
use std::ffi::OsStr;
use std::fmt;

/// The loader of a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loader {
    /// bhyveload(8): FreeBSD.
    Bhyveload,
    /// grub-bhyve: everything else.
    Grub(Grub),
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

/// A kind of loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoaderKind {
    /// bhyveload(8).
    Bhyveload,
    /// grub-bhyve.
    Grub,
}

/// The properties of a kind of loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The name.
    pub name: &'static str,
    /// How a configuration selects the loader, in words that follow "has".
    pub choice: &'static str,
    /// The settings in addition to the id that select the loader, without the VM's name.
    pub settings: &'static [&'static str],
    /// Whether the loader can stop at a prompt.
    pub has_prompt: bool,
    /// Whether the loader ends a path at a blank (`grub-core/kern/emu/hostdisk.c`).
    pub ends_paths_at_blanks: bool,
    /// Whether the loader needs a VM node that has never run: when the guest reboots, the node is
    /// destroyed and created again (`lib/libvmmapi/vmmapi.c`, `vm_reinit`).
    pub needs_fresh_node: bool,
}

impl LoaderKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Bhyveload, Self::Grub];

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
                choice: "freebsd=YES and is loaded by bhyveload",
                settings: &["freebsd=YES"],
                has_prompt: false,
                ends_paths_at_blanks: false,
                needs_fresh_node: false,
            },
            Self::Grub => &Facts {
                name: "grub-bhyve",
                choice: "no freebsd=YES and is loaded by grub-bhyve",
                settings: &[],
                has_prompt: true,
                ends_paths_at_blanks: true,
                needs_fresh_node: true,
            },
        }
    }
}

impl Loader {
    /// The kind.
    pub fn kind(&self) -> LoaderKind {
        match self {
            Self::Bhyveload => LoaderKind::Bhyveload,
            Self::Grub(_) => LoaderKind::Grub,
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
mod tests {
    use super::{BootPart, GrubDir};

    #[test]
    fn the_directory_of_a_menu_is_an_absolute_path() {
        for good in ["/boot/grub", "/grub2", "/@/boot/grub", "/", "auto"] {
            assert!(GrubDir::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "grub",
            "Auto",
            "/boot grub",
            "/a;b",
            "/boot/../etc",
            "(hd0)/grub",
        ] {
            assert!(GrubDir::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn partitions_are_named_as_grub_names_them() {
        for good in ["msdos1", "gpt12", "msdos1,bsd1", "netbsd1", "none", "auto"] {
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
            "auto,gpt1",
            "hd0",
            "hd0,gpt1",
        ] {
            assert!(BootPart::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_alone_is_answered_with_the_names_that_it_may_mean() {
        for (number, answer) in [
            ("2", "write gpt2 on a GPT or msdos2 on an MBR, none"),
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
