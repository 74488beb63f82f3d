//! Which loader can boot a disk, and why another cannot.
//!
//! What grub-bhyve reads is recorded in `tests/calibration/grub_filesystems`.

use super::ext;
use super::report::{Content, Ext, Iso, Report, Table};
use serde::Serialize;

/// Whether something works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// What was read does not tell.
    Unknown,
}

impl Answer {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// An answer with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The answer.
    pub answer: Answer,
    /// The reason.
    pub why: String,
}

impl Verdict {
    fn new(answer: Answer, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { answer, why }
    }

    fn yes(why: impl Into<String>) -> Self {
        Self::new(Answer::Yes, why)
    }

    fn no(why: impl Into<String>) -> Self {
        Self::new(Answer::No, why)
    }

    fn unknown(why: impl Into<String>) -> Self {
        Self::new(Answer::Unknown, why)
    }
}

/// The features of ext that grub-bhyve as published reads, and those that the patch of FreeBSD's port
/// adds (`sysutils/grub2-bhyve`).
const EXT: u32 = 0x2c6;
const EXT_PATCHED: u32 = 0x63c6;

/// Whether grub-bhyve reads files from this file system.
pub fn grub_reads(content: &Content) -> Verdict {
    match content {
        Content::Ext(ext) => ext_by_grub(ext),
        Content::Xfs { version: 5, .. } => Verdict::no("grub-bhyve reads no XFS of version 5"),
        Content::Xfs { ftype: true, .. } => Verdict::no("grub-bhyve reads no XFS with ftype=1"),
        Content::Btrfs { incompat, .. } => btrfs_by_grub(*incompat),
        Content::Ufs {
            is_big_endian: true,
            ..
        } => Verdict::no("grub-bhyve reads no big-endian UFS"),
        Content::Ufs { has_ea: true, .. } => {
            Verdict::no("grub-bhyve reads no FFSv2 with extended attributes (FFSv2ea)")
        }
        Content::Iso(Iso { is_cut: true, .. }) => {
            Verdict::no("the image is shorter than its volume: it is not whole")
        }
        // The numbers of gzip, lzo and xz in `squashfs_fs.h`.
        Content::Squashfs {
            compression: 1 | 3 | 4,
        }
        | Content::Xfs { .. }
        | Content::Fat { .. }
        | Content::Ufs { .. }
        | Content::Iso(_) => Verdict::yes(""),
        Content::Squashfs { compression } => {
            let name = match compression {
                2 => "lzma",
                5 => "lz4",
                6 => "zstd",
                _ => "unknown",
            };
            Verdict::no(format!(
                "grub-bhyve reads no squashfs of {name} compression"
            ))
        }
        Content::Luks { .. } => {
            Verdict::no("it is encrypted: grub-bhyve would ask for a passphrase")
        }
        Content::Other { name } => other_by_grub(name),
    }
}

fn ext_by_grub(ext: &Ext) -> Verdict {
    const BIGALLOC: u32 = 0x200;
    let names = |bits| ext::incompat_names(bits).join(", ");
    let beyond = ext.incompat & !EXT_PATCHED;
    let is_ignored = ext.revision == 0;
    if ext.is_cut {
        Verdict::no("it is not whole: its inodes are behind the end of the disk")
    } else if beyond != 0 {
        Verdict::no(format!("grub-bhyve reads no ext with {}", names(beyond)))
    } else if is_ignored && !matches!(ext.inode, 0 | 128) {
        Verdict::no("grub-bhyve reads no ext of revision 0 with inodes of other than 128 bytes")
    } else if ext.ro_compat & BIGALLOC != 0 && ext.block == 1024 && ext.cluster > ext.block {
        Verdict::no("grub-bhyve reads no ext with bigalloc and blocks of 1 KiB")
    } else if ext.incompat & !EXT != 0 {
        let patched = names(ext.incompat & !EXT);
        Verdict::yes(format!("only the patched grub2-bhyve reads {patched}"))
    } else {
        Verdict::yes("")
    }
}

fn btrfs_by_grub(incompat: u64) -> Verdict {
    /// Bits of `incompat_flags` (`include/uapi/linux/btrfs.h`).
    const REFUSED: [(u64, &str); 7] = [
        (1 << 4, "zstd compression"),
        (1 << 7, "RAID5 or RAID6"),
        (1 << 11, "RAID1C3 or RAID1C4"),
        (1 << 12, "zoned"),
        (1 << 13, "extent-tree-v2"),
        (1 << 14, "raid-stripe-tree"),
        (1 << 16, "simple-quota"),
    ];
    let mut refused = REFUSED.iter().filter(|(bit, _)| incompat & bit != 0);
    match refused.next() {
        // Newer than the record, and not about how files are read.
        Some((bit, name)) if *bit == 1 << 16 => {
            Verdict::unknown(format!("btrfs with {name} was not tried with grub-bhyve"))
        }
        Some((_, name)) => Verdict::no(format!("grub-bhyve reads no btrfs with {name}")),
        None => Verdict::yes(""),
    }
}

fn other_by_grub(name: &str) -> Verdict {
    match name {
        "NTFS" | "cpio" | "tar" => Verdict::yes(""),
        "exFAT" => Verdict::no("grub-bhyve reads no large file from exFAT"),
        "ZFS" => Verdict::no("grub-bhyve reads no ZFS pool with feature flags"),
        "LVM" | "MD raid" => Verdict::unknown(format!(
            "grub-bhyve reads linear and striped {name}; what is in it was not looked at"
        )),
        "JFS" | "ReiserFS" | "NILFS2" | "UDF" | "HFS+" => Verdict::unknown(format!(
            "grub-bhyve knows {name}; whether it boots from there was not tried"
        )),
        "qcow2" | "VMDK" | "VHDX" => Verdict::no(format!(
            "{name} is no disk image that bhyve reads: convert it to a raw one"
        )),
        "gzip" | "xz" | "zstd" => Verdict::no(format!(
            "the image is compressed by {name}: decompress it first"
        )),
        _ => Verdict::no(format!("grub-bhyve reads no {name}")),
    }
}

/// Whether each of the loaders can boot the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loaders {
    /// bhyveload(8), for FreeBSD.
    pub bhyveload: Verdict,
    /// grub-bhyve.
    pub grub: Verdict,
    /// The UEFI firmware.
    pub uefi: Verdict,
}

/// Whether each of the loaders can boot the disk.
pub fn loaders(report: &Report) -> Loaders {
    if let Some(why) = no_disk(report) {
        let no = || Verdict::no(why.clone());
        return Loaders {
            bhyveload: no(),
            grub: no(),
            uefi: no(),
        };
    }
    Loaders {
        bhyveload: bhyveload(report),
        grub: grub(report),
        uefi: uefi(report),
    }
}

/// Why no loader can boot this.
fn no_disk(report: &Report) -> Option<String> {
    if report.content.is_none() && report.partitions.is_empty() {
        let table = match report.table {
            Table::None => "no partition table and no file system that is known",
            _ => "no partition",
        };
        return Some(format!("there is {table}"));
    }
    match &report.content {
        Some(content @ Content::Other { name })
            if matches!(
                *name,
                "qcow2" | "VMDK" | "VHDX" | "gzip" | "xz" | "zstd" | "swap" | "tar" | "cpio"
            ) =>
        {
            let verdict = grub_reads(content);
            let is_image = verdict.answer == Answer::No && *name != "swap";
            Some(if is_image {
                verdict.why
            } else {
                format!("it is {name}, not a system")
            })
        }
        _ => None,
    }
}

/// A place on the disk, for a message.
fn place(name: &str, content: &Content) -> String {
    match name {
        "" => content.name(),
        name => format!("{} on {name}", content.name()),
    }
}

fn bhyveload(report: &Report) -> Verdict {
    let is_foreign = |name: &str| {
        let part = report.partitions.iter().find(|part| part.name == name);
        let kind = part.map_or("", |part| part.kind.as_str());
        let systems = ["netbsd", "openbsd", "linux", "windows"];
        let mut both = systems.into_iter();
        both.any(|system| name.starts_with(system) || kind.starts_with(system))
    };
    let mut boots = report.contents().filter(|(name, content)| {
        let is_root = match content {
            Content::Ufs {
                is_big_endian,
                has_ea,
                ..
            } => !is_big_endian && !has_ea,
            Content::Other { name } => *name == "ZFS",
            Content::Iso(iso) => is_freebsd(iso) && !iso.is_cut,
            _ => false,
        };
        is_root && !is_foreign(name)
    });
    if let Some((name, content)) = boots.next() {
        return Verdict::yes(place(name, content));
    }
    let has_boot = |kind: &str| kind == "freebsd-boot" || kind == "freebsd-zfs";
    if report.partitions.iter().any(|part| has_boot(&part.kind)) {
        let why = "FreeBSD's boot blocks are there, but neither UFS nor ZFS was recognized; \
                   is it encrypted?";
        return Verdict::unknown(why);
    }
    Verdict::no("there is neither UFS nor ZFS of FreeBSD: bhyveload boots nothing else")
}

fn is_freebsd(iso: &Iso) -> bool {
    let publisher = iso.publisher.as_deref().unwrap_or_default();
    publisher.to_ascii_uppercase().contains("FREEBSD")
}

fn grub(report: &Report) -> Verdict {
    if report.is_damaged {
        return Verdict::no("the first copy of the GPT is damaged: grub-bhyve reads no other");
    }
    // These hold firmware's files and Windows, seldom a kernel that grub-bhyve can start.
    let is_kernels = |content: &Content| {
        let is_windows = matches!(content, Content::Other { name: "NTFS" });
        !is_windows && !matches!(content, Content::Fat { .. })
    };
    let (mut yes, mut unknown, mut no) = (None, None, None);
    for (name, content) in report.contents() {
        let verdict = grub_reads(content);
        let at = place(name, content);
        let why = match verdict.why.as_str() {
            "" => at,
            why => format!("{at}: {why}"),
        };
        match verdict.answer {
            Answer::Yes if is_kernels(content) => yes = yes.or(Some(why)),
            Answer::Yes | Answer::No if matches!(content, Content::Other { name: "NTFS" }) => {
                let why = format!("{why}: grub-bhyve does not boot Windows");
                no = no.or(Some(why));
            }
            Answer::Yes => {
                let why = format!("{why}: whether it has a kernel was not looked at");
                unknown = unknown.or(Some(why));
            }
            Answer::Unknown => unknown = unknown.or(Some(why)),
            Answer::No => no = no.or(Some(why)),
        }
    }
    match (yes, no, unknown) {
        (Some(why), ..) => Verdict::yes(why),
        (None, Some(why), _) => Verdict::no(why),
        (None, None, Some(why)) => Verdict::unknown(why),
        (None, None, None) => Verdict::no("there is no file system that is known"),
    }
}

fn uefi(report: &Report) -> Verdict {
    const BOOT: &str = "BOOTX64.EFI";
    let mut left = None;
    for (name, content) in report.contents() {
        let Some(efi) = content.efi() else {
            continue;
        };
        let at = place(name, content);
        if efi.boot.iter().any(|file| file == BOOT) {
            return Verdict::yes(format!("\\EFI\\BOOT\\{BOOT} in {at}"));
        }
        left = left.or(Some((at, efi)));
    }
    match left {
        Some((at, efi)) if efi.boot.iter().any(|file| file == "BOOTAA64.EFI") => {
            Verdict::no(format!("{at} has BOOTAA64.EFI, for arm64, and no {BOOT}"))
        }
        Some((at, _)) => Verdict::unknown(format!(
            "there is no \\EFI\\BOOT\\{BOOT} in {at}: only a variable store of the installation finds its system"
        )),
        None => Verdict::no("there is no FAT file system with \\EFI\\BOOT"),
    }
}
