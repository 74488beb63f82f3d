//! ext2, ext3 and ext4: the superblock.

use super::ext_tree::ExtTree;
use super::image::{Bytes, Part};
use super::menu::menus;
use super::report::{Content, Ext};

/// The names of `s_feature_compat`, bit by bit (`lib/e2p/feature.c` of e2fsprogs).
const COMPAT: [&str; 13] = [
    "dir_prealloc",
    "imagic_inodes",
    "has_journal",
    "ext_attr",
    "resize_inode",
    "dir_index",
    "lazy_bg",
    "",
    "",
    "sparse_super2",
    "fast_commit",
    "stable_inodes",
    "orphan_file",
];

/// The names of `s_feature_incompat`.
const INCOMPAT: [&str; 18] = [
    "compression",
    "filetype",
    "needs_recovery",
    "journal_dev",
    "meta_bg",
    "",
    "extent",
    "64bit",
    "mmp",
    "flex_bg",
    "ea_inode",
    "",
    "dirdata",
    "metadata_csum_seed",
    "large_dir",
    "inline_data",
    "encrypt",
    "casefold",
];

/// The names of `s_feature_ro_compat`.
const RO_COMPAT: [&str; 17] = [
    "sparse_super",
    "large_file",
    "",
    "huge_file",
    "uninit_bg",
    "dir_nlink",
    "extra_isize",
    "",
    "quota",
    "bigalloc",
    "metadata_csum",
    "replica",
    "read-only",
    "project",
    "shared_blocks",
    "verity",
    "orphan_present",
];

/// The superblock in the start of a part.
pub(super) fn probe(part: Part<'_>, head: &Bytes, directories: &[&str]) -> Option<Content> {
    const AT: usize = 1024;
    if !head.has(AT + 0x38, b"\x53\xef") || head.len() < AT + 1024 {
        return None;
    }
    let field = |at: usize| head.u32(AT + at);
    // Linux knows blocks of 1 to 64 KiB: larger ones are no file system.
    let block = 1024_u64
        .checked_shl(field(0x18))
        .filter(|_| field(0x18) <= 6)?;
    let (compat, incompat, ro_compat) = (field(0x5c), field(0x60), field(0x64));
    let groups = usize::try_from((u64::from(field(0x14)) + 1) * block).ok()?;
    let table = u64::from(head.u32(groups + 8)) * block;
    let mut features = names(compat, &COMPAT, "compat");
    features.extend(names(incompat, &INCOMPAT, "incompat"));
    features.extend(names(ro_compat, &RO_COMPAT, "ro_compat"));
    let mut ext = Ext {
        revision: field(0x4c),
        block,
        cluster: 1024_u64.checked_shl(field(0x1c)).unwrap_or_default(),
        inode: head.u16(AT + 0x58),
        compat,
        incompat,
        ro_compat,
        features,
        is_cut: table >= part.size,
        label: head.text(AT + 0x78, 16),
        menus: None,
    };
    let tree = ExtTree::new(part, &ext, head);
    ext.menus = tree.and_then(|tree| menus(&tree, directories));
    Some(Content::Ext(ext))
}

/// The names of some bits of `s_feature_incompat`.
pub(super) fn incompat_names(bits: u32) -> Vec<String> {
    names(bits, &INCOMPAT, "incompat")
}

fn names(bits: u32, known: &[&str], mask: &str) -> Vec<String> {
    let set = (0..u32::BITS).filter(|bit| bits >> bit & 1 == 1);
    set.map(|bit| match known.get(bit as usize) {
        Some(name) if !name.is_empty() => (*name).to_owned(),
        _ => format!("{mask}:{:#x}", 1_u32 << bit),
    })
    .collect()
}
