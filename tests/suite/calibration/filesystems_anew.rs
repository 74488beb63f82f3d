//! Images made anew by the commands of the records, and in tables, as far as the programs are installed.

use super::filesystems::{Record, agrees, records};
use crate::place::{Place, skip};
use easy_bhyve::inspect::inspect;
use easy_bhyve::inspect::judge::{Answer, Verdict, grub_reads, loaders};
use easy_bhyve::inspect::report::{Content, Report, Table};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs that make images in the records without mounting them.
const MAKERS: [&str; 3] = ["mke2fs", "mkfs.xfs", "mkfs.btrfs"];

/// The first MiB of a disk in which an image is a partition.
const MIB: u64 = 1 << 20;

fn is_installed(program: &str) -> bool {
    let found = which::which_in(program, Some("/usr/bin:/usr/sbin:/bin:/sbin"), "/");
    found.is_ok()
}

fn shell(line: &str) -> bool {
    let output = Command::new("sh")
        .args(["-c", line])
        .env_clear()
        .env("PATH", "/usr/bin:/usr/sbin:/bin:/sbin")
        .output()
        .expect("a shell");
    output.status.success()
}

/// The directories from which images are made.
fn tree(place: &Place) {
    for tree in ["TREE", "TREEBSD"] {
        place.write(&format!("{tree}/boot/grub/grub.cfg"), "boot\n");
        place.write(&format!("{tree}/boot/vmlinuz"), vec![7; 65536]);
    }
}

/// Whether the recorded commands need only programs that are here, and no mounts.
fn can_be_made(record: &Record) -> bool {
    let program = record.made.split(' ').next().unwrap_or_default();
    let then = record.then.as_deref().unwrap_or("debugfs");
    let is_command = ["debugfs ", "truncate ", "dd "];
    let is_command = is_command.iter().any(|word| then.starts_with(word));
    let is_plain = !["mount", "losetup", "mcopy", "WORK"]
        .iter()
        .any(|word| record.made.contains(word));
    MAKERS.contains(&program)
        && is_installed(program)
        && is_plain
        && (record.then.is_none() || is_command)
}

/// Makes the image; none if the program here does not take the command.
fn make(place: &Place, record: &Record) -> Option<PathBuf> {
    let image = place.path("IMG");
    let _ = fs::remove_file(&image);
    let size = match record.kind.as_str() {
        "ext" => Some(24),
        "xfs" => Some(320),
        "btrfs" => Some(128),
        "fat" => Some(64),
        "other" => Some(8),
        _ => None,
    };
    if let Some(mib) = size {
        let file = File::create(&image).expect("created");
        file.set_len(mib * MIB).expect("a sparse file");
    }
    // Files are not what this is about, and a prototype of them is another file.
    let made = record.made.replace("-p PROTO", "");
    let commands = [Some(made), record.then.clone()];
    let is_made = commands.into_iter().flatten().all(|line| {
        let line = line.replace("TREEBSD", &place.shown("TREEBSD"));
        let line = line.replace("TREE ", &format!("{} ", place.shown("TREE")));
        let line = line.replace("IMG", &image.display().to_string());
        let line = line.strip_suffix("TREE").map_or(line.clone(), |line| {
            format!("{line}{}", place.shown("TREE"))
        });
        shell(&line)
    });
    is_made.then_some(image)
}

fn inspected(path: &Path) -> Report {
    let bytes = fs::read(path).expect("an image");
    inspect(&bytes.as_slice(), None).expect("readable")
}

/// Whether the image is what was recorded; a newer program has other defaults.
fn is_as_recorded(found: &Content, recorded: &Content) -> bool {
    match (found, recorded) {
        (Content::Ext(one), Content::Ext(other)) => {
            let key = |ext: &easy_bhyve::inspect::report::Ext| {
                let masks = [ext.compat, ext.incompat, ext.ro_compat, ext.revision];
                (masks, ext.block, ext.inode)
            };
            key(one) == key(other)
        }
        (
            Content::Xfs { version, ftype, .. },
            Content::Xfs {
                version: other,
                ftype: has,
                ..
            },
        ) => version == other && ftype == has,
        (
            Content::Btrfs { incompat, .. },
            Content::Btrfs {
                incompat: other, ..
            },
        ) => incompat == other,
        (Content::Iso(_), Content::Iso(_)) | (Content::Fat { .. }, Content::Fat { .. }) => true,
        (one, other) => one == other,
    }
}

#[test]
fn the_verdict_on_images_made_anew_is_what_grub_did() {
    let place = Place::new();
    tree(&place);
    let (mut compared, mut with_menu, mut other) = (0, 0, Vec::new());
    let all = records();
    for record in all.iter().filter(|record| record.table == "none") {
        if !can_be_made(record) {
            continue;
        }
        let Some(image) = make(&place, record) else {
            other.push(&record.id);
            continue;
        };
        let report = inspected(&image);
        let is_cut = ["wiped", "truncated to 1500"];
        if is_cut.iter().any(|word| record.id.contains(word)) {
            assert_eq!(report.content, None, "{}", record.id);
            assert_eq!(loaders(&report).grub.answer, Answer::No, "{}", record.id);
            continue;
        }
        let found = report.content.expect(&record.id);
        let recorded = record.content().expect("a content");
        if !is_as_recorded(&found, &recorded) {
            other.push(&record.id);
            continue;
        }
        assert!(agrees(&found, record.reads()), "{}: {found:?}", record.id);
        // Where grub read the menu, it is found, too.
        if let (Some(menus), Some(true)) = (found.menus(), record.reads()[1].or(record.reads()[0]))
            && record.made.contains("TREE")
        {
            assert_eq!(menus, ["/boot/grub"], "{}", record.id);
            with_menu += 1;
        }
        compared += 1;
    }
    if MAKERS.iter().all(|maker| is_installed(maker)) {
        println!("{compared} compared; made otherwise here: {other:?}");
        assert!(compared >= 60, "{compared} compared; otherwise: {other:?}");
        assert!(with_menu >= 40, "{with_menu} with a menu");
    } else {
        skip("not every program that makes file systems is installed");
    }
}

/// A disk with an ext4 image at these places.
fn disk(place: &Place, size: u64, at: &[u64]) -> File {
    let disk = File::options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(place.path("disk"))
        .expect("created");
    disk.set_len(size).expect("a sparse file");
    let image = fs::read(place.path("image")).expect("an image");
    for at in at {
        disk.write_all_at(&image, *at).expect("written");
    }
    disk
}

/// The partitions in which grub reads ext4.
fn read_by_grub(report: &Report) -> Vec<&str> {
    let is_read = |content: &Content| grub_reads(content).answer == Answer::Yes;
    let parts = report.contents().filter(|(_, content)| is_read(content));
    parts.map(|(name, _)| name).collect()
}

#[test]
fn partitions_have_the_names_that_grub_has_for_them() {
    let missing = ["mke2fs", "sgdisk", "sfdisk"];
    let missing = missing.iter().find(|program| !is_installed(program));
    if let Some(missing) = missing {
        return skip(&format!("{missing} is not installed"));
    }
    let place = Place::new();
    tree(&place);
    let image = place.shown("image");
    let size = 8 * MIB;
    File::create(&image)
        .and_then(|file| file.set_len(size))
        .expect("a sparse file");
    let line = format!("mke2fs -q -F -t ext4 -d {} {image}", place.shown("TREE"));
    assert!(shell(&line));
    let path = place.path("disk");
    let shown = place.shown("disk");

    let gpt = format!("sgdisk -n 1:2048:+8M -n 2:18432:+8M -t 2:a503 -c 2:root {shown}");
    let gpt_disk = disk(&place, 32 * MIB, &[]);
    assert!(shell(&gpt));
    let written = fs::read(&image).expect("an image");
    for at in [MIB, 9 * MIB] {
        gpt_disk.write_all_at(&written, at).expect("written");
    }
    let report = inspected(&path);
    assert_eq!((report.table, report.is_damaged), (Table::Gpt, false));
    assert_eq!(read_by_grub(&report), ["gpt1", "gpt2"]);
    let second = &report.partitions[1];
    assert_eq!((second.start, second.size), (9 * MIB, 8 * MIB));
    assert_eq!(second.kind, "freebsd-ufs");
    assert_eq!(second.label.as_deref(), Some("root"));

    // Grub looks at the first copy alone.
    gpt_disk.write_all_at(&[0; 512], 512).expect("written");
    let report = inspected(&path);
    assert!(report.is_damaged);
    assert_eq!(report.partitions.len(), 2);
    let Verdict { answer, why } = loaders(&report).grub;
    assert_eq!(answer, Answer::No);
    assert!(why.contains("first copy of the GPT"), "{why}");

    let at = [MIB, 10 * MIB, 19 * MIB];
    let dos = "start=2048,size=16384,type=83\\nstart=18432,size=40960,type=5\\n\
               start=20480,size=16384,type=83\\nstart=38912,size=16384,type=8e\\n";
    drop(disk(&place, 32 * MIB, &at));
    assert!(shell(&format!(
        "printf 'label: dos\\n{dos}' | sfdisk -q {shown}"
    )));
    let report = inspected(&path);
    assert_eq!(report.table, Table::Mbr);
    assert_eq!(read_by_grub(&report), ["msdos1", "msdos5", "msdos6"]);
    let kinds: Vec<&str> = { report.partitions.iter() }
        .map(|part| part.kind.as_str())
        .collect();
    assert_eq!(kinds, ["linux", "linux", "linux-lvm"]);
}

/// Writes a disklabel with two partitions, and a third that is the slice itself.
fn put_label(disk: &File, slice: u64, partitions: [(u64, u64, u8); 3]) {
    const MAGIC: [u8; 4] = 0x8256_4557_u32.to_le_bytes();
    let mut label = [0; 512];
    label[..4].copy_from_slice(&MAGIC);
    label[132..136].copy_from_slice(&MAGIC);
    label[138] = 3;
    for (number, (start, size, kind)) in partitions.into_iter().enumerate() {
        let at = 148 + 16 * number;
        let narrow = |bytes: u64| u32::try_from(bytes / 512).expect("small").to_le_bytes();
        label[at..at + 4].copy_from_slice(&narrow(size));
        label[at + 4..at + 8].copy_from_slice(&narrow(start));
        label[at + 12] = kind;
    }
    disk.write_all_at(&label, slice + 512).expect("written");
}

fn put_slice(disk: &File, kind: u8) {
    let mut sector = [0; 512];
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    sector[446 + 4] = kind;
    sector[446 + 8..446 + 12].copy_from_slice(&2048_u32.to_le_bytes());
    sector[446 + 12..446 + 16].copy_from_slice(&40960_u32.to_le_bytes());
    disk.write_all_at(&sector, 0).expect("written");
}

#[test]
fn partitions_of_disklabels_have_the_names_that_grub_has_for_them() {
    if !is_installed("mke2fs") {
        return skip("mke2fs is not installed");
    }
    let place = Place::new();
    tree(&place);
    let image = place.shown("image");
    File::create(&image)
        .and_then(|file| file.set_len(8 * MIB))
        .expect("a sparse file");
    assert!(shell(&format!("mke2fs -q -F -t ext4 {image}")));
    let (slice, size) = (MIB, 20 * MIB);
    let part = slice + MIB;
    for (kind, names) in [
        (0xa5, ["msdos1", "msdos1,bsd1", "msdos1,bsd2"]),
        (0xa6, ["msdos1", "openbsd1", "openbsd2"]),
        (0xa9, ["msdos1", "netbsd1", "netbsd2"]),
    ] {
        let disk = disk(&place, 32 * MIB, &[part]);
        put_slice(&disk, kind);
        let all = [
            (part, 8 * MIB, 7),
            (part + 8 * MIB, 4 * MIB, 1),
            (slice, size, 0),
        ];
        put_label(&disk, slice, all);
        let report = inspected(&place.path("disk"));
        let found: Vec<&str> = { report.partitions.iter() }
            .map(|part| part.name.as_str())
            .collect();
        assert_eq!(found, names);
        assert_eq!(read_by_grub(&report), [names[1]], "{kind:x}");
        assert_eq!(report.partitions[1].start, part);
    }
    // A label without a master boot record.
    let disk = disk(&place, 32 * MIB, &[part]);
    put_label(&disk, 0, [(part, 8 * MIB, 7), (0, 0, 0), (0, 32 * MIB, 0)]);
    let report = inspected(&place.path("disk"));
    assert_eq!(report.table, Table::Bsd);
    assert_eq!(read_by_grub(&report), ["bsd1"]);
}
