//! The settings as serde reads them from a configuration: typed, but without defaults.

use super::cpu::CpuTopology;
use super::grub::GrubCommands;
use super::name::{Dataset, IfName, NameError, parsed_by_serde};
use super::policy::{Delay, OnCrash, OnReboot, Seconds};
use super::size::MemSize;
use crate::config::de::{Located, Text};
use crate::host::elevate::Choice;
use serde::Deserialize;

/// The host variables.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct HostSettings {
    /// The default bridge.
    pub bridge: Option<Located<IfName>>,
    /// The physical interface.
    pub netif: Option<Located<IfName>>,
    /// Where disks are.
    pub volroot: Option<Located<Text>>,
    /// The directory of the links.
    pub ebdir: Option<Located<Text>>,
    /// The default number of cpus.
    pub cpu: Option<Located<CpuTopology>>,
    /// The default memory.
    pub mem: Option<Located<MemSize>>,
    /// How commands become root's.
    pub privilege: Option<Located<Choice>>,
}

impl HostSettings {
    /// The names of the host variables.
    pub const NAMES: [&str; 7] = [
        "bridge",
        "netif",
        "volroot",
        "ebdir",
        "cpu",
        "mem",
        "privilege",
    ];
}

/// The variables of a VM that have no number.
#[derive(Debug, Deserialize)]
pub struct VmSettings {
    /// Its number.
    pub id: Located<Id>,
    /// Its cpus.
    pub cpu: Option<Located<CpuTopology>>,
    /// Its memory.
    pub mem: Option<Located<MemSize>>,
    /// Whether it is FreeBSD.
    pub freebsd: Option<Located<YesNo>>,
    /// Its volume.
    pub zvol: Option<Located<Dataset>>,
    /// Its grub commands for an installation.
    pub grub_install: Option<Located<GrubCommands>>,
    /// Its grub commands for a boot.
    pub grub_bootcmd: Option<Located<GrubCommands>>,
    /// The partition that grub boots from.
    pub grub_bootpart: Option<Located<BootPart>>,
    /// What follows when its guest reboots.
    pub on_reboot: Option<Located<OnReboot>>,
    /// What follows when its guest crashes.
    pub on_crash: Option<Located<OnCrash>>,
    /// How long its loader may take in the background.
    pub loader_timeout: Option<Located<Seconds>>,
    /// How long its guest may take to shut itself down.
    pub stop_timeout: Option<Located<Seconds>>,
    /// Whether it is started with the host.
    pub autostart: Option<Located<YesNo>>,
    /// How long the next VM waits behind it when the host starts.
    pub autostart_delay: Option<Located<Delay>>,
}

/// A VM's number: 0 to 32767.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(pub u16);

parsed_by_serde!(Id);

impl Id {
    /// Reads digits.
    ///
    /// # Errors
    /// If it is no number that a tap can have.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text.parse() {
            Ok(number @ 0..=32767) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Self(number))
            }
            _ => Err(super::name::error(format!(
                "\"{text}\" is not a number from 0 to 32767"
            ))),
        }
    }
}

/// `YES` or `NO`, in any case.
///
/// Differs: `freebsd` is `YES` or `NO` in any case, all else is an error
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YesNo(pub bool);

parsed_by_serde!(YesNo);

impl YesNo {
    /// Reads the word.
    ///
    /// # Errors
    /// If it is another one.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.eq_ignore_ascii_case("yes") {
            Ok(Self(true))
        } else if text.eq_ignore_ascii_case("no") {
            Ok(Self(false))
        } else {
            Err(super::name::error(format!(
                "\"{text}\" is neither YES nor NO; write one of them"
            )))
        }
    }
}

/// A partition as grub names it: `msdos1`, `gpt2`, `msdos1,bsd1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootPart(pub String);

parsed_by_serde!(BootPart);

impl BootPart {
    /// Reads the names of partitions, separated by commas.
    ///
    /// # Errors
    /// If one of them is none.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let is_partition = |part: &str| {
            let number = part.trim_start_matches(|c: char| c.is_ascii_lowercase());
            number.len() < part.len()
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        if text.split(',').all(is_partition) {
            Ok(Self(text.to_owned()))
        } else {
            Err(super::name::error(format!(
                "\"{text}\" is not a partition of grub's; write for example msdos1 or gpt2"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BootPart, Id, YesNo};

    #[test]
    fn ids_end_where_tap_units_do() {
        for (text, id) in [("0", 0), ("32767", 32767), ("007", 7)] {
            assert_eq!(Id::parse(text), Ok(Id(id)));
        }
        for text in ["abc", "-1", "+1", "32768", "65536", "0x1f", "1 "] {
            assert!(Id::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn yes_and_no_have_any_case_and_no_other_word_counts() {
        assert_eq!(YesNo::parse("Yes"), Ok(YesNo(true)));
        assert_eq!(YesNo::parse("NO"), Ok(YesNo(false)));
        assert!(YesNo::parse("true").is_err());
    }

    #[test]
    fn partitions_are_named_as_grub_names_them() {
        for good in ["msdos1", "gpt12", "msdos1,bsd1", "netbsd1"] {
            assert!(BootPart::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "1", "gpt", "hd0,", "(hd0,gpt1)", "gpt 1"] {
            assert!(BootPart::parse(bad).is_err(), "{bad}");
        }
    }
}
