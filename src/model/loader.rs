//! What loads a guest.

use super::grub::GrubCommands;
use super::name::{NameError, error};

/// How a VM is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loader {
    /// By bhyveload(8): FreeBSD.
    Bhyveload,
    /// By grub-bhyve: everything else.
    Grub(Grub),
}

/// What grub is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grub {
    /// The partition of the first disk that it boots from: `msdosN` or `gptN`.
    pub bootpart: String,
    /// Its commands for an installation.
    pub install: Option<GrubCommands>,
    /// Its commands for a boot.
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

/// What holds of a kind of loader, whatever it loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What it is called.
    pub name: &'static str,
    /// How a configuration chooses it, in words that follow "has".
    pub choice: &'static str,
    /// The settings of a VM besides its id that choose it, without the VM's name.
    pub settings: &'static [&'static str],
    /// Whether it stops at a prompt if asked to.
    pub has_prompt: bool,
    /// Whether a path ends at a blank for it (`grub-core/kern/emu/hostdisk.c`).
    pub ends_paths_at_blanks: bool,
    /// Whether it wants a VM node that nobody has run yet: when the guest reboots, the node is made
    /// anew (`lib/libvmmapi/vmmapi.c`, `vm_reinit`).
    pub needs_fresh_node: bool,
}

impl LoaderKind {
    /// What holds of it.
    pub fn facts(self) -> &'static Facts {
        match self {
            Self::Bhyveload => &Facts {
                name: "bhyveload",
                choice: "freebsd=YES, so bhyveload loads it",
                settings: &["freebsd=YES"],
                has_prompt: false,
                ends_paths_at_blanks: false,
                needs_fresh_node: false,
            },
            Self::Grub => &Facts {
                name: "grub-bhyve",
                choice: "no freebsd=YES, so grub-bhyve loads it",
                settings: &[],
                has_prompt: true,
                ends_paths_at_blanks: true,
                needs_fresh_node: true,
            },
        }
    }
}

impl Loader {
    /// Its kind.
    pub fn kind(&self) -> LoaderKind {
        match self {
            Self::Bhyveload => LoaderKind::Bhyveload,
            Self::Grub(_) => LoaderKind::Grub,
        }
    }

    /// What holds of it, whatever it loads.
    pub fn facts(&self) -> &'static Facts {
        self.kind().facts()
    }
}

/// A partition as grub names it: `msdos1`, `gpt2`, `msdos1,bsd1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootPart(pub String);

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
            Err(error(format!(
                "\"{text}\" is not a partition of grub's; write for example msdos1 or gpt2"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::BootPart;

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
