//! The kinds of disks and NICs that bhyve(8) emulates, and their options.

use super::name::{NameError, VmName, error, text_newtype};
use md5::{Digest, Md5};
use std::ffi::OsStr;
use std::fmt;

/// The device that a disk is for the guest (`usr.sbin/bhyve/pci_virtio_block.c`, `pci_nvme.c`,
/// `pci_ahci.c`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiskKind {
    /// A virtio(4) disk.
    #[default]
    VirtioBlk,
    /// An nvme(4) disk.
    Nvme,
    /// A SATA disk.
    AhciHd,
}

impl DiskKind {
    /// The words of the kinds, as bhyve(8) has them.
    pub const WORDS: &[&str] = &["virtio-blk", "nvme", "ahci-hd"];

    /// The word of the kind.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VirtioBlk => "virtio-blk",
            Self::Nvme => "nvme",
            Self::AhciHd => "ahci-hd",
        }
    }

    /// Parses one of [`Self::WORDS`].
    ///
    /// # Errors
    /// If the text is another word.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let mut all = [Self::VirtioBlk, Self::Nvme, Self::AhciHd].into_iter();
        all.find(|kind| kind.as_str() == text)
            .ok_or_else(|| unknown(text, Self::WORDS))
    }
}

/// The device that a NIC is for the guest (`usr.sbin/bhyve/pci_virtio_net.c`, `pci_e82545.c`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NicKind {
    /// A virtio(4) NIC.
    #[default]
    VirtioNet,
    /// An Intel 82545.
    E1000,
}

impl NicKind {
    /// The words of the kinds, as bhyve(8) has them.
    pub const WORDS: &[&str] = &["virtio-net", "e1000"];

    /// The word of the kind.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VirtioNet => "virtio-net",
            Self::E1000 => "e1000",
        }
    }

    /// Parses one of [`Self::WORDS`].
    ///
    /// # Errors
    /// If the text is another word.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let mut all = [Self::VirtioNet, Self::E1000].into_iter();
        all.find(|kind| kind.as_str() == text)
            .ok_or_else(|| unknown(text, Self::WORDS))
    }
}

fn unknown(text: &str, words: &[&str]) -> NameError {
    error(format!("\"{text}\" is not one of {}", words.join(", ")))
}

/// Options of a disk for bhyve(8), separated by blanks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskOptions(String);
text_newtype!(DiskOptions);

impl DiskOptions {
    const READ_ONLY: &str = "ro";

    /// Parses the words `nocache`, `direct`, `ro`, `nodelete` and `sectorsize=LOGICAL[/PHYSICAL]`, each
    /// at most once.
    ///
    /// # Errors
    /// If there is another word, a word twice, or a size that bhyve refuses
    /// (`usr.sbin/bhyve/block_if.c`).
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let mut seen = Vec::new();
        for word in &words {
            let name = match word.split_once('=') {
                Some((name @ "sectorsize", sizes)) => {
                    check_sectors(sizes)?;
                    name
                }
                _ => word,
            };
            if ![
                "nocache",
                "direct",
                Self::READ_ONLY,
                "nodelete",
                "sectorsize",
            ]
            .contains(&name)
                || *word == "sectorsize"
            {
                return Err(error(format!(
                    "\"{word}\" is not an option of a disk; write some of nocache, direct, ro, nodelete \
                     and sectorsize=SIZE, separated by blanks"
                )));
            }
            if seen.contains(&name) {
                return Err(error(format!("{name} is given twice")));
            }
            seen.push(name);
        }
        if words.is_empty() {
            return Err(error("there is no option in the value".to_owned()));
        }
        Ok(Self(words.join(" ")))
    }

    /// The options, in the order of the text.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.split_ascii_whitespace()
    }

    /// Whether the guest cannot write to the disk.
    pub fn is_read_only(&self) -> bool {
        self.words().any(|word| word == Self::READ_ONLY)
    }
}

/// Checks the sizes of a sector: powers of two from 512 on, the logical size at most the physical one.
fn check_sectors(sizes: &str) -> Result<(), NameError> {
    let size = |text: &str| {
        let is_plain = text.starts_with(|first: char| first.is_ascii_digit() && first != '0');
        let size: u32 = text.parse().ok().filter(|_| is_plain)?;
        (size.is_power_of_two() && (512..=1 << 30).contains(&size)).then_some(size)
    };
    let (logical, physical) = sizes.split_once('/').unwrap_or((sizes, sizes));
    match (size(logical), size(physical)) {
        (Some(logical), Some(physical)) if logical <= physical => Ok(()),
        _ => Err(error(format!(
            "\"{sizes}\" is not a sector size; write a power of two from 512 on, as 4096, or the logical and \
             the physical size, as 512/4096"
        ))),
    }
}

/// The address of a NIC: six bytes, of one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mac([u8; 6]);

impl Mac {
    /// Parses six hexadecimal numbers, separated by `:`.
    ///
    /// bhyve(8) refuses the address of a group and the address of zeros, and ignores text behind the
    /// last number (`usr.sbin/bhyve/net_utils.c`), which is refused here.
    ///
    /// # Errors
    /// If the text is not such an address.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let byte = |part: &str| {
            let is_plain = part.bytes().all(|digit| digit.is_ascii_hexdigit()) && part.len() <= 2;
            u8::from_str_radix(part, 16).ok().filter(|_| is_plain)
        };
        let bytes: Option<Vec<u8>> = text.split(':').map(byte).collect();
        let bytes = bytes.and_then(|bytes| <[u8; 6]>::try_from(bytes).ok());
        match bytes {
            Some([0, 0, 0, 0, 0, 0]) => Err(error(format!("\"{text}\" is no address of a NIC"))),
            Some([first, ..]) if first % 2 == 1 => Err(error(format!(
                "\"{text}\" is the address of a group, because its first number is odd"
            ))),
            Some(bytes) => Ok(Self(bytes)),
            None => Err(error(format!(
                "\"{text}\" is not a MAC address; write six hexadecimal numbers, for example 58:9c:fc:00:00:01"
            ))),
        }
    }
}

impl Mac {
    /// The address that bhyve(8) gives to the NIC of a VM at this position without `mac=`: three bytes of
    /// the digest of `SLOT-FUNCTION-NAME`, of which 79 bytes count (`net_genmac` in
    /// `usr.sbin/bhyve/net_utils.c`).
    pub fn derived(vm: &VmName, slot: u8, function: u8) -> Self {
        let text = format!("{slot}-{function}-{vm}");
        let digest = Md5::digest(text.as_bytes().get(..79).unwrap_or(text.as_bytes()));
        let mut bytes = digest.iter().copied();
        let mut next = || bytes.next().unwrap_or_default();
        Self([0x00, 0xa0, 0x98, next(), next(), next()])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.map(|byte| format!("{byte:02x}"));
        f.write_str(&bytes.join(":"))
    }
}

#[cfg(test)]
mod tests {
    use super::{DiskKind, DiskOptions, Mac, NicKind, VmName};

    #[test]
    fn an_address_is_derived_as_bhyve_derives_it() {
        let derived = |name: &str, device, function| {
            let name = VmName::parse(name).unwrap();
            Mac::derived(&name, device, function).to_string()
        };
        // printf %s 2-0-fbsd0 | md5sum, and so on
        assert_eq!(derived("fbsd0", 2, 0), "00:a0:98:53:51:25");
        assert_eq!(derived("fbsd0", 12, 7), "00:a0:98:e1:2c:1b");
        // 79 bytes count: 2-0- and 75 of the name.
        assert_eq!(
            derived(&"a".repeat(75), 2, 0),
            derived(&"a".repeat(90), 2, 0)
        );
        assert_ne!(
            derived(&"a".repeat(74), 2, 0),
            derived(&"a".repeat(75), 2, 0)
        );
        assert_eq!(derived(&"a".repeat(75), 2, 0), "00:a0:98:d9:80:5e");
    }

    #[test]
    fn a_kind_is_spelt_as_bhyve_spells_it() {
        for word in DiskKind::WORDS {
            assert_eq!(DiskKind::parse(word).map(DiskKind::as_str), Ok(*word));
        }
        for word in NicKind::WORDS {
            assert_eq!(NicKind::parse(word).map(NicKind::as_str), Ok(*word));
        }
        assert!(DiskKind::parse("virtio-net").is_err() && NicKind::parse("E1000").is_err());
    }

    #[test]
    fn options_of_a_disk_are_words_that_bhyve_takes() {
        for (text, written) in [
            ("ro", "ro"),
            (
                "  nocache\tdirect ro nodelete ",
                "nocache direct ro nodelete",
            ),
            ("sectorsize=512/4096 ro", "sectorsize=512/4096 ro"),
            ("sectorsize=8192/8192", "sectorsize=8192/8192"),
        ] {
            let options = DiskOptions::parse(text).unwrap();
            assert_eq!(options.as_str(), written);
            assert_eq!(options.is_read_only(), text.contains("ro"), "{text}");
            assert_eq!(DiskOptions::parse(written), Ok(options));
        }
        for bad in [
            " ",
            "RO",
            "ro,direct",
            "ro ro",
            "ro=on",
            "sync",
            "bootindex=1",
            "sectorsize",
            "sectorsize=",
            "sectorsize=0",
            "sectorsize=256",
            "sectorsize=500",
            "sectorsize=0512",
            "sectorsize=512/",
            "sectorsize=4096/512",
            "sectorsize=512/3000",
            "sectorsize=+512",
            "sectorsize=512/512/512",
            "sectorsize=512 sectorsize=512",
            "sectorsize=99999999999",
        ] {
            assert!(DiskOptions::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_that_of_one_nic() {
        for (text, written) in [
            ("58:9c:fc:00:00:01", "58:9c:fc:00:00:01"),
            ("2:0:0:0:0:1", "02:00:00:00:00:01"),
            ("58:9C:FC:AB:CD:EF", "58:9c:fc:ab:cd:ef"),
        ] {
            let mac = Mac::parse(text).unwrap();
            assert_eq!(mac.to_string(), written);
            assert_eq!(Mac::parse(written), Ok(mac));
        }
        for bad in [
            "",
            "auto",
            "58-9c-fc-00-00-01",
            "589cfc000001",
            "58:9c:fc:00:00",
            "58:9c:fc:00:00:",
            "58:9c:fc:00:00:g1",
            "58:9c:fc:00:00:01x",
            "58:9c:fc:00:00:01:02",
            "58:9c:fc::00:01",
            "58:9c:fc:00:00:001",
            "0x58:9c:fc:0:0:1",
            "+5:9c:fc:0:0:1",
            " 58:9c:fc:00:00:01",
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "01:00:5e:00:00:01",
            "59:9c:fc:00:00:01",
        ] {
            assert!(Mac::parse(bad).is_err(), "{bad}");
        }
    }
}
