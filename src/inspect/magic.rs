//! Kinds of which nothing more is read than a magic number.

use super::image::Bytes;

/// The place of each number, the number, and the name.
const MAGIC: [(usize, &[u8], &str); 24] = [
    (3, b"NTFS    ", "NTFS"),
    (3, b"EXFAT   ", "exFAT"),
    (4086, b"SWAPSPACE2", "swap"),
    (4086, b"SWAP-SPACE", "swap"),
    (1024, b"\x10\x20\xf5\xf2", "F2FS"),
    (1024, b"\xe2\xe1\xf5\xe0", "EROFS"),
    (1024, b"H+\0\x04", "HFS+"),
    (1024, b"HX\0\x05", "HFS+"),
    (1024, b"\x02\0\0\0\0\0\x34\x34", "NILFS2"),
    (32768, b"JFS1", "JFS"),
    (65588, b"ReIsEr", "ReiserFS"),
    (0, b"\x45\x3d\xcd\x28", "cramfs"),
    (0x8001, b"BEA01", "UDF"),
    (0, b"\xfc\x4e\x2b\xa9", "MD raid"),
    (4096, b"\xfc\x4e\x2b\xa9", "MD raid"),
    (4120, b"\xc6\x85\x73\xf6", "bcachefs"),
    (0, b"QFI\xfb", "qcow2"),
    (0, b"KDMV", "VMDK"),
    (0, b"vhdxfile", "VHDX"),
    (0, b"\x1f\x8b\x08", "gzip"),
    (0, b"\xfd7zXZ\0", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"070701", "cpio"),
    (257, b"ustar", "tar"),
];

/// The name of the kind, if a number is there.
pub(super) fn name(head: &Bytes) -> Option<&'static str> {
    let is_lvm = |at: usize| head.has(at, b"LABELONE") && head.has(at + 24, b"LVM2 001");
    if [0, 512, 1024, 1536].into_iter().any(is_lvm) {
        return Some("LVM");
    }
    let mut all = MAGIC.iter();
    let found = all.find(|(at, number, _)| head.has(*at, number));
    found.map(|(_, _, name)| *name)
}

/// The name of a kind of which nothing more is read, if this text is one.
pub(super) fn named(text: &str) -> Option<&'static str> {
    let names = MAGIC.iter().map(|(.., name)| *name);
    let mut names = names.chain(["ZFS", "LVM"]);
    names.find(|name| *name == text)
}
