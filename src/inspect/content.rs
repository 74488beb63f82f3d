//! What a disk or a partition holds, by its magic numbers.

use super::image::{Bytes, Part};
use super::report::Content;
use super::{ext, fat, iso, magic};
use std::io;

/// The size of the start that is read: the magic number of every kind but ZFS and MD raid is in it.
const HEAD: u64 = (64 << 10) + 8192;

/// What a disk or a partition holds; none if nothing is recognized.
///
/// # Errors
/// If the image cannot be read, or too much of it would have to be.
pub(super) fn probe(part: Part<'_>, directories: &[&str]) -> io::Result<Option<Content>> {
    let head = part.read(0, HEAD)?;
    if head.has(0x8001, b"CD001") {
        return iso::probe(part, &head, directories).map(Some);
    }
    let found = own(&head)
        .or_else(|| ext::probe(part, &head, directories))
        .or_else(|| ufs(&head));
    if found.is_some() {
        return Ok(found);
    }
    if is_zfs(part)? {
        return Ok(Some(Content::other("ZFS")));
    }
    if let Some(name) = magic::name(&head) {
        return Ok(Some(Content::other(name)));
    }
    fat::probe(part, &head, directories)
}

/// Kinds of which more is read than the magic number.
fn own(head: &Bytes) -> Option<Content> {
    const BTRFS: usize = 64 << 10;
    /// `XFS_SB_VERSION2_FTYPE` and `XFS_SB_FEAT_INCOMPAT_FTYPE` (`xfs_format.h`).
    const FTYPE: (u32, u32) = (0x200, 0x1);
    if head.has(0, b"LUKS\xba\xbe") {
        let version = head.u16_be(6);
        return Some(Content::Luks { version });
    }
    if head.has(0, b"XFSB") {
        let is_new = head.u16_be(100) & 0xf == 5;
        return Some(Content::Xfs {
            version: if is_new { 5 } else { 4 },
            ftype: if is_new {
                head.u32_be(216) & FTYPE.1 != 0
            } else {
                head.u32_be(200) & FTYPE.0 != 0
            },
            label: head.text(108, 12),
        });
    }
    if head.has(BTRFS + 0x40, b"_BHRfS_M") {
        return Some(Content::Btrfs {
            incompat: head.u64(BTRFS + 0xbc),
            label: head.text(BTRFS + 0x12b, 256),
        });
    }
    head.has(0, b"hsqs").then(|| Content::Squashfs {
        compression: head.u16(20),
    })
}

/// UFS; its superblock is in one of three places (`ufs/ffs/fs.h`).
fn ufs(head: &Bytes) -> Option<Content> {
    [64 << 10, 8 << 10, 0].into_iter().find_map(|at| {
        let magic = [head.u32(at + 1372), head.u32_be(at + 1372)];
        let known = |magic: &u32| match magic {
            0x0001_1954 => Some((1, false)),
            0x1954_0119 => Some((2, false)),
            0x1901_2038 => Some((2, true)),
            _ => None,
        };
        let found = magic.iter().position(|magic| known(magic).is_some())?;
        let (version, has_ea) = magic.get(found).and_then(known)?;
        Some(Content::Ufs {
            version,
            is_big_endian: found == 1,
            has_ea,
            label: head.text(at + 680, 32).filter(|_| version == 2),
        })
    })
}

/// Whether a ring of uberblocks, from 128 KiB on, has one (`sys/fs/zfs/vdev_label.c`); a new pool has
/// only some of them.
fn is_zfs(part: Part<'_>) -> io::Result<bool> {
    let ring = part.read(128 << 10, 128 << 10)?;
    let magic = |at: usize| [ring.u64(at), u64::from(ring.u32_be(at + 4))];
    let mut places = (0..ring.len()).step_by(1024);
    Ok(places.any(|at| magic(at).contains(&0x00ba_b10c)))
}
