//! What `inspect` says of grub compared with grub-bhyve itself; see
//! `tests/calibration/grub_filesystems/README.md`.

use crate::case::root;
use easy_bhyve::inspect::judge::{Answer, grub_reads};
use easy_bhyve::inspect::report::{Content, Ext, Iso};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The record of one image.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) table: String,
    pub(super) made: String,
    pub(super) then: Option<String>,
    masks: Option<BTreeMap<String, String>>,
    rev: Option<u32>,
    block: Option<u64>,
    inode_size: Option<u16>,
    versionnum: Option<String>,
    features2: Option<String>,
    blkid: Option<String>,
    program: String,
    grub: Answers,
    grub_patched: Option<Answers>,
}

/// What grub answered.
#[derive(Clone, Debug, Deserialize)]
struct Answers {
    linux: Option<String>,
}

/// What the recorded features do not tell, and why; in each, grub reads no kernel.
const EXCEPTED: [(&str, &str); 7] = [
    (
        "ext4-superblock wiped",
        "the masks are those of no superblock",
    ),
    (
        "ext4-truncated to 1500 bytes",
        "the masks are those before; the image is made anew",
    ),
    (
        "ext4-truncated to 64 KiB",
        "the masks are those before; the image is made anew",
    ),
    (
        "ext4-in-gpt-backup-only",
        "the table; the image is made anew",
    ),
    ("iso-zisofs", "single files are compressed"),
    (
        "iso-truncated",
        "its size is not recorded; the image is made anew",
    ),
    ("lvm-linear with xfs v5", "what is in LVM is not looked at"),
];

pub(super) fn records() -> Vec<Record> {
    let path = root().join("tests/calibration/grub_filesystems/filesystems.jsonl");
    let text = std::fs::read_to_string(path).expect("the records");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a record"))
        .collect()
}

fn hexadecimal(text: &str) -> u64 {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("a hexadecimal number")
}

impl Record {
    fn mask(&self, name: &str) -> u64 {
        let masks = self.masks.as_ref().expect("masks");
        hexadecimal(&masks[name])
    }

    /// Whether grub reads a kernel: as published, and with the patch of FreeBSD's port.
    pub(super) fn reads(&self) -> [Option<bool>; 2] {
        let is_ok = |answers: &Answers| answers.linux.as_deref() == Some("ok");
        let here = is_ok(&self.grub);
        match (&self.grub_patched, self.program.as_str()) {
            (Some(patched), _) => [Some(here), Some(is_ok(patched))],
            (None, "plain") => [Some(here), Some(here)],
            (None, _) => [None, Some(here)],
        }
    }

    /// What the recorded features say is on the image.
    pub(super) fn content(&self) -> Option<Content> {
        let narrow = |mask: &str| u32::try_from(self.mask(mask)).expect("32 bits");
        let label = None;
        Some(match self.kind.as_str() {
            "ext" => Content::Ext(Ext {
                revision: self.rev?,
                block: self.block?,
                // Sixteen blocks, unless mke2fs is asked for more.
                cluster: if self.made.contains("bigalloc") {
                    self.block? * 16
                } else {
                    self.block?
                },
                inode: self.inode_size?,
                compat: narrow("compat"),
                incompat: narrow("incompat"),
                ro_compat: narrow("ro_compat"),
                ..Ext::default()
            }),
            "xfs" => {
                let version = hexadecimal(self.versionnum.as_ref()?) & 0xf;
                let ftype = match version {
                    5 => self.mask("incompat") & 1,
                    _ => hexadecimal(self.features2.as_ref()?) & 0x200,
                };
                Content::Xfs {
                    version: u8::try_from(version).expect("a version"),
                    ftype: ftype != 0,
                    label,
                }
            }
            "btrfs" => Content::Btrfs {
                incompat: self.mask("incompat"),
                label,
            },
            "fat" => Content::Fat {
                bits: 32,
                label,
                efi: None,
                menus: None,
            },
            "ufs" => Content::Ufs {
                version: if self.made.contains("version=1") {
                    1
                } else {
                    2
                },
                is_big_endian: self.made.contains("-B be"),
                has_ea: self.id.contains("FFSv2ea"),
                label,
            },
            "iso" => Content::Iso(Iso::default()),
            "squashfs" => {
                let (_, compression) = self.id.split_once('-').expect("a compression");
                let all = ["gzip", "lzma", "lzo", "xz", "lz4", "zstd"];
                let at = all.iter().position(|one| *one == compression);
                let compression = u16::try_from(at.expect("known") + 1).expect("small");
                Content::Squashfs { compression }
            }
            "luks" => Content::Luks {
                version: if self.id == "luks1" { 1 } else { 2 },
            },
            _ => Content::Other {
                name: self.other()?,
            },
        })
    }

    /// The name of a kind of which nothing more is read.
    fn other(&self) -> Option<&'static str> {
        let id = self.id.split([' ', '-']).next().expect("a word");
        Some(match id {
            "lvm" => "LVM",
            "md" => "MD raid",
            "ntfs" => "NTFS",
            "exfat" => "exFAT",
            "udf" => "UDF",
            "swap" => "swap",
            "f2fs" => "F2FS",
            "jfs" => "JFS",
            "reiserfs" => "ReiserFS",
            "nilfs2" => "NILFS2",
            "erofs" => "EROFS",
            "cramfs" => "cramfs",
            "qcow2" => "qcow2",
            "gzip" => "gzip",
            "cpio" => "cpio",
            "tar" => "tar",
            _ => return None,
        })
    }
}

/// Whether a verdict is what grub did; one that is unknown is not wrong.
pub(super) fn agrees(content: &Content, reads: [Option<bool>; 2]) -> bool {
    let verdict = grub_reads(content);
    let is_yes = match verdict.answer {
        Answer::Yes => true,
        Answer::No => false,
        Answer::Unknown => return true,
    };
    let needs_patch = verdict.why.contains("patched");
    let [plain, patched] = reads;
    plain.is_none_or(|plain| plain == (is_yes && !needs_patch))
        && patched.is_none_or(|patched| patched == is_yes)
}

#[test]
fn the_verdict_on_each_recorded_file_system_is_what_grub_did() {
    let mut compared = 0;
    for record in records() {
        let content = record.content();
        let Some(content) = content else {
            assert!(!record.reads().contains(&Some(true)), "{}", record.id);
            continue;
        };
        let is_excepted = EXCEPTED.iter().any(|(id, _)| *id == record.id);
        let agrees = agrees(&content, record.reads());
        let is_unknown = grub_reads(&content).answer == Answer::Unknown;
        if is_excepted {
            assert!(!agrees || is_unknown, "{} needs no exception", record.id);
            continue;
        }
        assert!(
            agrees,
            "{}: {:?} {record:?}",
            record.id,
            grub_reads(&content)
        );
        if is_unknown {
            let empty = ["udf", "jfs", "reiserfs", "nilfs2"];
            let inside = ["lvm", "md"];
            let kind = record.kind.as_str();
            assert!(
                empty.contains(&kind) || inside.contains(&kind),
                "{}",
                record.id
            );
        } else {
            compared += 1;
        }
    }
    assert_eq!(compared, 196);
}

#[test]
fn every_record_has_a_type_that_its_content_explains() {
    for record in records().iter().filter(|record| record.blkid.is_none()) {
        let known = record.content().map(|content| content.name());
        let by_hand = ["qcow2", "gzip", "cpio", "tar"];
        let is_unknown_to_blkid = known.as_deref().is_none_or(|name| by_hand.contains(&name));
        let is_changed = ["wiped", "truncated", "FFSv2ea", "atari"];
        let is_changed = is_changed.iter().any(|word| record.id.contains(word));
        assert!(is_unknown_to_blkid || is_changed, "{}", record.id);
    }
}
