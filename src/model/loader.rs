//! What loads a guest.

use super::name::{NameError, error};

/// A kind of loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoaderKind {
    /// bhyveload(8).
    Bhyveload,
    /// grub-bhyve.
    Grub,
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
