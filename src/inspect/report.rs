//! What was found on a disk, as data.

use super::magic;
use serde::{Deserialize, Deserializer, Serialize};

/// What is on a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The size in bytes.
    pub size: u64,
    /// The partition table.
    pub table: Table,
    /// Whether the first copy of a GPT is damaged, so that these are the partitions of the second.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_damaged: bool,
    /// What the disk as a whole holds, such as the file system of a disk without partitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// The partitions, in the order of the tables.
    pub partitions: Vec<Partition>,
}

/// The kind of a partition table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    /// No table.
    None,
    /// A GUID partition table.
    Gpt,
    /// A master boot record.
    Mbr,
    /// A BSD disklabel on the whole disk.
    Bsd,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// The name that grub has for the partition, without its disk: `gpt1`, `msdos5`, `msdos1,bsd1`.
    pub name: String,
    /// Where the partition begins, in bytes.
    pub start: u64,
    /// The size in bytes, as far as the disk goes.
    pub size: u64,
    /// The type that the table gives: `linux`, `freebsd-zfs`; a number or a GUID without a name.
    #[serde(rename = "type")]
    pub kind: String,
    /// The label that the table gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What the partition holds, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
}

/// A file system, or what else a disk or a partition holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Content {
    /// ext2, ext3 or ext4.
    Ext(Ext),
    /// XFS.
    Xfs {
        /// 4 or 5.
        version: u8,
        /// Whether directories contain the types of files.
        ftype: bool,
        /// The label.
        label: Option<String>,
    },
    /// btrfs.
    Btrfs {
        /// `incompat_flags` of its superblock.
        incompat: u64,
        /// The label.
        label: Option<String>,
    },
    /// FAT.
    Fat {
        /// 12, 16 or 32.
        bits: u8,
        /// The label.
        label: Option<String>,
        /// The directory `\EFI`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        efi: Option<Efi>,
        /// The directories that have a menu of grub, of those in which one is looked for; none if no
        /// directory was read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        menus: Option<Vec<String>>,
    },
    /// UFS, which NetBSD and OpenBSD call FFS.
    Ufs {
        /// 1 or 2.
        version: u8,
        /// Whether its numbers are big-endian.
        is_big_endian: bool,
        /// Whether this is NetBSD's FFSv2 with extended attributes.
        has_ea: bool,
        /// The label.
        label: Option<String>,
    },
    /// ISO 9660.
    Iso(Iso),
    /// squashfs.
    Squashfs {
        /// The number of its compression.
        compression: u16,
    },
    /// LUKS.
    Luks {
        /// 1 or 2.
        version: u16,
    },
    /// A kind of which nothing more is read: `zfs`, `lvm`, `swap`.
    Other {
        /// The name.
        #[serde(deserialize_with = "known")]
        name: Name,
    },
}

/// ext2, ext3 or ext4: what its superblock says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ext {
    /// `s_rev_level`.
    pub revision: u32,
    /// The size of a block in bytes.
    pub block: u64,
    /// The size of a cluster in bytes, with bigalloc.
    pub cluster: u64,
    /// `s_inode_size`, in bytes.
    pub inode: u16,
    /// `s_feature_compat`.
    pub compat: u32,
    /// `s_feature_incompat`.
    pub incompat: u32,
    /// `s_feature_ro_compat`.
    pub ro_compat: u32,
    /// The names of all these features, as mke2fs(8) has them.
    pub features: Vec<String>,
    /// Whether its first table of inodes is behind the end of the disk.
    pub is_cut: bool,
    /// The label.
    pub label: Option<String>,
    /// The directories that have a menu of grub, of those in which one is looked for; none if no
    /// directory was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub menus: Option<Vec<String>>,
}

/// An ISO 9660 image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iso {
    /// The label of the volume.
    pub label: Option<String>,
    /// The volume set.
    pub volume_set: Option<String>,
    /// The publisher.
    pub publisher: Option<String>,
    /// The size of the volume in bytes.
    pub size: u64,
    /// Whether the image is shorter than its volume.
    pub is_cut: bool,
    /// What is in the images that it has for EFI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub efi: Option<Efi>,
    /// The directories that have a menu of grub, of those in which one is looked for; none if no
    /// directory was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub menus: Option<Vec<String>>,
}

/// The directory `\EFI` of an EFI system partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Efi {
    /// The files in `\EFI\BOOT`, in capital letters.
    pub boot: Vec<String>,
    /// The directories in `\EFI`.
    pub directories: Vec<String>,
}

impl Content {
    /// A kind of which nothing more is read.
    pub(super) fn other(name: &'static str) -> Self {
        Self::Other { name }
    }

    /// The name for a person: `ext4`, `XFS v5`.
    pub fn name(&self) -> String {
        match self {
            // As blkid(8) tells them apart.
            Self::Ext(ext) if ext.incompat & 0x8 != 0 => "journal of ext".into(),
            Self::Ext(ext) if ext.incompat & !0x6 != 0 || ext.ro_compat & !0x7 != 0 => {
                "ext4".into()
            }
            Self::Ext(ext) if ext.compat & 0x4 != 0 => "ext3".into(),
            Self::Ext(_) => "ext2".into(),
            Self::Xfs { version, .. } => format!("XFS v{version}"),
            Self::Btrfs { .. } => "btrfs".into(),
            Self::Fat { bits, .. } => format!("FAT{bits}"),
            Self::Ufs { version, .. } => format!("UFS{version}"),
            Self::Iso(_) => "ISO 9660".into(),
            Self::Squashfs { .. } => "squashfs".into(),
            Self::Luks { version } => format!("LUKS{version}"),
            Self::Other { name } => (*name).to_owned(),
        }
    }

    /// The label.
    pub fn label(&self) -> Option<&str> {
        match self {
            Self::Ext(Ext { label, .. })
            | Self::Xfs { label, .. }
            | Self::Btrfs { label, .. }
            | Self::Fat { label, .. }
            | Self::Ufs { label, .. }
            | Self::Iso(Iso { label, .. }) => label.as_deref(),
            Self::Squashfs { .. } | Self::Luks { .. } | Self::Other { .. } => None,
        }
    }

    /// See [`Ext::menus`].
    pub fn menus(&self) -> Option<&[String]> {
        match self {
            Self::Ext(Ext { menus, .. })
            | Self::Fat { menus, .. }
            | Self::Iso(Iso { menus, .. }) => menus.as_deref(),
            _ => None,
        }
    }

    /// The directory `\EFI`, if there is one.
    pub fn efi(&self) -> Option<&Efi> {
        match self {
            Self::Fat { efi, .. } | Self::Iso(Iso { efi, .. }) => efi.as_ref(),
            _ => None,
        }
    }
}

/// A name of [`Content::Other`]. An alias, because serde takes a field that it sees to be a reference for
/// a part of its input.
type Name = &'static str;

fn known<'text, D: Deserializer<'text>>(text: D) -> Result<&'static str, D::Error> {
    let text = String::deserialize(text)?;
    let unknown = || serde::de::Error::custom("no such content");
    magic::named(&text).ok_or_else(unknown)
}

impl Report {
    /// Everything that the disk holds, with the name of its partition (empty: the whole disk).
    pub fn contents(&self) -> impl Iterator<Item = (&str, &Content)> {
        let whole = self.content.iter().map(|content| ("", content));
        let named = |partition: &'_ Partition| partition.content.is_some();
        let parts = self.partitions.iter().filter(move |part| named(part));
        whole.chain(parts.filter_map(|part| Some((part.name.as_str(), part.content.as_ref()?))))
    }
}
