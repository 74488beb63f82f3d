//! Where grub begins on the images of the corpus.

use super::image;
use easy_bhyve::inspect::inspect;
use easy_bhyve::inspect::report::Report;
use easy_bhyve::inspect::start::{Certainty, Fault, Start, Wanted, begin};
use easy_bhyve::model::loader::{BootPart, GrubDir};
use std::fs;

fn report(name: &str) -> Report {
    let bytes = fs::read(image(name)).expect("an image");
    inspect(&bytes.as_slice(), Some("/further")).expect("readable")
}

fn on(name: &str, part: &str, directory: &str, needs_menu: bool) -> Result<Start, Fault> {
    let part = BootPart::parse(part).expect("a partition");
    let directory = GrubDir::parse(directory).expect("a directory");
    begin(
        &report(name),
        Wanted {
            part: &part,
            directory: &directory,
            needs_menu,
        },
    )
}

/// The partition and the directory, and the reason against them.
fn told(name: &str, part: &str, directory: &str) -> String {
    let better = |fault: &Fault| match &fault.better {
        Some((part, directory)) => format!("; {part} {directory}"),
        None => String::new(),
    };
    let sure = |fault: &Fault| match fault.certainty {
        Certainty::Sure => "",
        Certainty::Written => "now ",
        Certainty::Unsure => "perhaps ",
    };
    match on(name, part, directory, true) {
        Ok(start) => {
            let begins = format!("{} {}", start.part, start.directory);
            start.fault.map_or(begins.clone(), |fault| {
                let (sure, better) = (sure(&fault), better(&fault));
                format!("{begins}: {sure}{}{better}", fault.why)
            })
        }
        Err(fault) => format!("none: {}{}", fault.why, better(&fault)),
    }
}

/// An image, a partition, a directory; where grub begins, and why it may find no menu.
const STARTS: [(&str, &str, &str, &str); 22] = [
    ("grub-mbr", "msdos1", "/boot/grub", "msdos1 /boot/grub"),
    ("grub-mbr", "msdos01", "auto", "msdos01 /boot/grub"),
    (
        "grub-mbr",
        "msdos1",
        "/grub",
        "msdos1 /grub: now ext4 is on it, without /grub/grub.cfg; msdos1 /boot/grub",
    ),
    (
        "grub-mbr",
        "msdos2",
        "/boot/grub",
        "msdos2 /boot/grub: the MBR has msdos1 (ext4); msdos1 /boot/grub",
    ),
    (
        "grub-mbr",
        "none",
        "auto",
        "none /boot/grub: the disk has partitions: msdos1 (ext4); msdos1 /boot/grub",
    ),
    (
        "grub-mbr",
        "openbsd1",
        "auto",
        "openbsd1 /boot/grub: perhaps the MBR has msdos1 (ext4); msdos1 /boot/grub",
    ),
    (
        "grub-gpt",
        "msdos1",
        "/boot/grub",
        "msdos1 /boot/grub: the GPT has gpt1 (FAT12), gpt2 (ext4), gpt3 (XFS v5); gpt2 /grub2",
    ),
    (
        "grub-gpt",
        "gpt1",
        "auto",
        "gpt1 /boot/grub: now FAT12 is on it, without grub.cfg in a directory where one usually is; gpt2 /grub2",
    ),
    (
        "grub-gpt",
        "gpt3",
        "auto",
        "gpt3 /boot/grub: XFS v5 is on it: grub-bhyve reads no XFS of version 5; gpt2 /grub2",
    ),
    ("grub-gpt", "auto", "auto", "gpt2 /grub2"),
    ("grub-gpt", "auto", "/grub2", "gpt2 /grub2"),
    (
        "grub-gpt",
        "auto",
        "/boot/grub",
        "none: no /boot/grub/grub.cfg was found on gpt1 (FAT12), gpt2 (ext4), gpt3 (XFS v5); gpt2 /grub2",
    ),
    ("ubuntu-gpt", "auto", "/boot/grub", "gpt2 /boot/grub"),
    ("iso-grub", "none", "auto", "none /boot/grub"),
    (
        "no-menu",
        "auto",
        "auto",
        "none: no grub.cfg was found on msdos1 (ext4)",
    ),
    (
        "inline-data",
        "auto",
        "auto",
        "none: ext4 on msdos1: grub-bhyve reads no ext with inline_data",
    ),
    (
        "inline-data",
        "msdos1",
        "/boot/grub",
        "msdos1 /boot/grub: ext4 is on it: grub-bhyve reads no ext with inline_data",
    ),
    (
        "freebsd-slice",
        "auto",
        "auto",
        "msdos1,bsd1 /boot/grub: perhaps grub.cfg was not looked for in UFS2, and /boot/grub is used",
    ),
    (
        "freebsd-slice",
        "msdos1",
        "auto",
        "msdos1 /boot/grub: perhaps no file system that is known is on it",
    ),
    (
        "gpt-damaged",
        "gpt2",
        "auto",
        "gpt2 /boot/grub: the first copy of the GPT is damaged, and grub-bhyve reads no other",
    ),
    (
        "btrfs-zstd",
        "msdos1",
        "/boot/grub",
        "msdos1 /boot/grub: perhaps the disk has no partition table",
    ),
    (
        "zfs",
        "auto",
        "auto",
        "none: ZFS: grub-bhyve reads no ZFS pool with feature flags",
    ),
];

#[test]
fn a_start_is_right_wrong_or_unknown() {
    for (name, part, directory, expected) in STARTS {
        assert_eq!(told(name, part, directory), expected, "{name} {part}");
    }
}

#[test]
fn without_a_menu_the_partition_that_grub_reads_is_found() {
    for (name, part) in [("no-menu", "msdos1"), ("gpt", "gpt2"), ("grub-gpt", "gpt2")] {
        let start = on(name, "auto", "auto", false).expect(name);
        assert_eq!((start.part.as_str(), start.fault), (part, None), "{name}");
    }
    let fault = on("inline-data", "auto", "auto", false).expect_err("unreadable");
    assert_eq!(fault.certainty, Certainty::Sure);
    // What is set is not called into question.
    let start = on("no-menu", "msdos1", "/boot/grub", false).expect("a start");
    assert_eq!(start.fault, None);
}
