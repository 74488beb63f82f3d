//! Sizes: a VM's memory and a new disk.
//!
//! Sources: `vm_parse_memsize` in `lib/libvmmapi/vmmapi.c`, expand_number(3), zfs-create(8),
//! truncate(1).

use super::name::{NameError, text_newtype};
use smol_str::SmolStr;
use std::ffi::OsStr;
use std::fmt;

const MIB: u64 = 1 << 20;

/// A VM's memory as the user spelled it; bhyve(8) and the loaders get it unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemSize(SmolStr);
text_newtype!(MemSize);

impl MemSize {
    /// The default of a VM: 256 MiB, as in bhyve(8).
    pub fn usual() -> Self {
        Self(SmolStr::new_static("256M"))
    }

    /// Parses a memory size in bhyve's syntax: a number of MiB (of bytes from 1048576 on),
    /// or an integer with a suffix from K to E in either case, optionally followed by `b`.
    ///
    /// # Errors
    /// If bhyve(8) refuses the size or cannot set up the memory: zero, or not a whole number of pages.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match memory_bytes(text) {
            Ok(_) => Ok(Self(text.into())),
            Err(why) => Err(super::name::error(format!(
                "\"{text}\" is not a memory size: {why}; write for example 512M or 4G"
            ))),
        }
    }

    /// The size in bytes.
    pub fn bytes(&self) -> u64 {
        memory_bytes(&self.0).unwrap_or_default()
    }
}

/// The size in bytes as bhyve(8) reads it, or the reason for the error.
fn memory_bytes(text: &str) -> Result<u64, String> {
    let (number, suffix) =
        leading_number(text).ok_or_else(|| "the size must begin with a whole number".to_owned())?;
    let no_unit = || format!("\"{suffix}\" is not a unit");
    let bytes = match suffix.as_bytes() {
        [] if number < MIB => number.checked_mul(MIB),
        [] => Some(number),
        [unit] | [unit, b'b' | b'B'] => number.checked_mul(1 << shift(*unit).ok_or_else(no_unit)?),
        _ => return Err(no_unit()),
    };
    match bytes {
        None => Err("the maximum is 16 EiB".to_owned()),
        Some(0) => Err("the size must not be zero".to_owned()),
        Some(bytes) if bytes % 4096 != 0 => {
            Err("the size must be a whole number of pages of 4096 bytes".to_owned())
        }
        Some(bytes) => Ok(bytes),
    }
}

/// Parses an unsigned number as strtoul(3) does with base 0: `0x` hexadecimal, `0` octal.
fn leading_number(text: &str) -> Option<(u64, &str)> {
    let (radix, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', next, ..] if next.is_ascii_hexdigit() => (16, &text[2..]),
        [b'0', ..] => (8, text),
        _ => (10, text),
    };
    let mut bytes = digits.bytes();
    let end = bytes.position(|byte| !char::from(byte).is_digit(radix));
    let end = end.unwrap_or(digits.len());
    let (number, rest) = digits.split_at(end);
    Some((u64::from_str_radix(number, radix).ok()?, rest))
}

fn shift(unit: u8) -> Option<u32> {
    let position = b"kmgtpe"
        .iter()
        .position(|&known| known == unit.to_ascii_lowercase())?;
    u32::try_from(position)
        .ok()
        .map(|position| 10 * (position + 1))
}

/// The size of a new disk, as the user spelled it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskSize {
    text: String,
    bytes: u64,
}

impl DiskSize {
    /// Parses a disk size: a number, optionally with decimals, and a suffix K to E in either case.
    ///
    /// # Errors
    /// If the text is not a size, is zero, or is not a whole number of sectors of 512 bytes.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let refuse = |why: &str| {
            Err(super::name::error(format!(
                "\"{text}\" is not a disk size: {why}; write for example 20G"
            )))
        };
        let number_end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(number_end);
        let shift = match suffix.as_bytes() {
            [] => 0,
            [unit] | [unit, b'b' | b'B'] | [unit, b'i', b'B'] => match shift(*unit) {
                Some(shift) => shift,
                None => return refuse(&format!("\"{suffix}\" is not a unit")),
            },
            _ => return refuse(&format!("\"{suffix}\" is not a unit")),
        };
        let Some(bytes) = scaled(number, shift) else {
            return refuse("the number is missing, too precise or too large");
        };
        if bytes == 0 {
            return refuse("the size must not be zero");
        }
        if bytes % 512 != 0 {
            return refuse("the size must be a whole number of sectors of 512 bytes");
        }
        Ok(Self {
            text: text.to_owned(),
            bytes,
        })
    }

    /// The text as the user spelled it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The size in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// A size in bytes, exactly, in the largest unit of which it is a whole number: `20G`, `1536M`, `512`.
pub fn exact(bytes: u64) -> String {
    let units = ["", "K", "M", "G", "T", "P", "E"];
    let fits = |power: usize| bytes != 0 && bytes.trailing_zeros() as usize >= 10 * power;
    let power = (1..units.len()).take_while(|power| fits(*power)).last();
    let power = power.unwrap_or_default();
    let unit = units.get(power).copied().unwrap_or_default();
    format!("{}{unit}", bytes >> (10 * power))
}

/// A size in bytes, for a person: in the largest unit that it reaches, cut to two digits or more.
pub fn short(bytes: u64) -> String {
    let units = ["B", "K", "M", "G", "T", "P", "E"];
    let reaches = |(power, _): &(usize, &str)| bytes >> (10 * power) > 0;
    let (power, unit) = units
        .into_iter()
        .enumerate()
        .rev()
        .find(reaches)
        .unwrap_or((0, "B"));
    let tenths = (u128::from(bytes) * 10) >> (10 * power);
    if tenths >= 100 || tenths % 10 == 0 {
        format!("{}{unit}", tenths / 10)
    } else {
        format!("{}.{}{unit}", tenths / 10, tenths % 10)
    }
}

/// `number`, a decimal fraction, times 2 to the power of `shift`, if the result is a whole number.
fn scaled(number: &str, shift: u32) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || fraction.len() > 9 {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let scaled = digits.checked_mul(1 << shift)?;
    (scaled % scale == 0)
        .then_some(scaled / scale)
        .and_then(|bytes| u64::try_from(bytes).ok())
}

#[cfg(test)]
mod tests {
    use super::{DiskSize, MemSize};

    #[test]
    fn memory_follows_bhyves_grammar() {
        for (text, bytes) in [
            ("256M", 256 << 20),
            ("512", 512 << 20),
            ("1073741824", 1 << 30),
            ("4g", 4 << 30),
            ("256MB", 256 << 20),
            ("0x100", 256 << 20),
            ("010", 8 << 20),
            ("1048576", 1 << 20),
            ("2T", 2 << 40),
        ] {
            assert_eq!(super::memory_bytes(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn an_exact_size_is_read_back_as_the_same() {
        for (bytes, text) in [
            (512, "512"),
            (20 << 30, "20G"),
            (3 << 29, "1536M"),
            ((20 << 30) + 512, "21474836992"),
            (1 << 60, "1E"),
            (u64::MAX - 511, "18446744073709551104"),
        ] {
            assert_eq!(super::exact(bytes), text);
            assert_eq!(DiskSize::parse(text).map(|size| size.bytes()), Ok(bytes));
        }
        assert_eq!(super::exact(0), "0");
    }

    #[test]
    fn a_short_size_has_the_largest_unit_that_it_reaches() {
        for (bytes, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (1536, "1.5K"),
            (1 << 30, "1G"),
            (10_300_000_000, "9.5G"),
            (20_400_000_000, "18G"),
            (u64::MAX, "15E"),
        ] {
            assert_eq!(super::short(bytes), text);
        }
    }

    #[test]
    fn memory_that_bhyve_would_refuse_is_refused() {
        for text in [
            "",
            "M",
            "1.5G",
            "-1",
            "+1G",
            "12Q",
            "4GiB",
            "0",
            "0M",
            "08",
            "1k",
            "99999999999G",
            " 1G",
            "1 G",
            "20E",
        ] {
            assert!(MemSize::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn disk_sizes_may_have_decimals() {
        for (text, bytes) in [
            ("20g", 20 << 30),
            ("1.5G", 3 << 29),
            ("512", 512),
            ("1GiB", 1 << 30),
            ("8MB", 8 << 20),
        ] {
            assert_eq!(DiskSize::parse(text).expect(text).bytes(), bytes, "{text}");
        }
        for text in [
            "",
            "g",
            "0",
            "0g",
            "1..5g",
            ".5g",
            "5x",
            "100",
            "-1g",
            "1.3k",
            "99999999E",
            "20 g",
            "1Gi",
        ] {
            assert!(DiskSize::parse(text).is_err(), "{text}");
        }
    }
}
