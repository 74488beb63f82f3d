//! The menu of grub is found in directories of each form that the real programs make.

use crate::place::{Place, skip};
use easy_bhyve::inspect::inspect;
use std::fs::{self, File};
use std::process::Command;

/// Makes an image of this many MiB by lines of sh(1), in which IMG and TREE stand for the image and a
/// directory with a menu; the directories in which a menu is found.
///
/// # Errors
/// If a program is missing.
fn menus(lines: &str, mib: u64, further: Option<&str>) -> Result<Option<Vec<String>>, String> {
    let place = Place::new();
    place.write("TREE/boot/grub/grub.cfg", "boot\n");
    // Many blocks, of which that with the menu is not the first.
    for number in 0..600 {
        let name = format!("TREE/boot/grub/a_module_with_a_long_name_{number:04}.mod");
        place.write(&name, "");
    }
    place.write("TREE/boot/grub2/locale/grub.cfg", "boot\n");
    place.write("TREE/grub2", "a file");
    place.write("TREE/other/place/grub.cfg", "boot\n");
    fs::create_dir(place.path("TREE/grub")).expect("a directory");
    let image = place.path("IMG");
    { File::create(&image).and_then(|file| file.set_len(mib << 20)) }.expect("a sparse file");
    let lines = lines
        .replace("IMG", &place.shown("IMG"))
        .replace("TREE", &place.shown("TREE"));
    let output = Command::new("sh")
        .args(["-ec", &lines])
        .env("PATH", "/usr/bin:/usr/sbin:/bin:/sbin")
        .output()
        .expect("a shell");
    if output.status.code() == Some(127) {
        return Err(format!("a program is missing: {lines}"));
    }
    assert!(output.status.success(), "{lines}: {output:?}");
    let bytes = fs::read(&image).expect("an image");
    let report = inspect(&bytes.as_slice(), further).expect("readable");
    let content = report.content.expect(&lines);
    Ok(content.menus().map(<[String]>::to_vec))
}

#[test]
fn a_menu_is_found_in_directories_of_each_form() {
    for (lines, mib) in [
        ("mke2fs -q -F -t ext4 -d TREE IMG", 24),
        ("mke2fs -q -F -t ext4 -b 1024 -O 64bit -d TREE IMG", 24),
        (
            "mke2fs -q -F -t ext4 -b 4096 -I 128 -O ^64bit,^metadata_csum -d TREE IMG",
            24,
        ),
        // Blocks by a map, of which some are indirect.
        ("mke2fs -q -F -t ext2 -b 1024 -d TREE IMG", 24),
        ("mke2fs -q -F -t ext3 -b 4096 -d TREE IMG", 24),
        ("mke2fs -q -F -t ext2 -r 0 -b 1024 -O none -d TREE IMG", 24),
        // An index of the directory.
        (
            "mke2fs -q -F -t ext4 -b 1024 -d TREE IMG; e2fsck -fyD IMG || [ $? = 1 ]",
            24,
        ),
        (
            "mkfs.vfat -F 12 IMG; mcopy -s -i IMG TREE/boot TREE/grub TREE/other ::/",
            8,
        ),
        (
            "mkfs.vfat -F 16 IMG; mcopy -s -i IMG TREE/boot TREE/grub TREE/other ::/",
            24,
        ),
        (
            "mkfs.vfat -F 32 IMG; mcopy -s -i IMG TREE/boot TREE/grub TREE/other ::/",
            48,
        ),
        (
            "rm IMG; xorriso -as mkisofs -quiet -J -R -o IMG TREE 2>IMG.err",
            1,
        ),
        ("rm IMG; genisoimage -quiet -l -o IMG TREE 2>IMG.err", 1),
    ] {
        let found = match menus(lines, mib, None) {
            Ok(found) => found.expect(lines),
            Err(why) => {
                skip(&why);
                continue;
            }
        };
        assert_eq!(found, ["/boot/grub"], "{lines}");
        let further = menus(lines, mib, Some("/other/place"));
        let further = further.ok().flatten().expect(lines);
        assert_eq!(further, ["/boot/grub", "/other/place"], "{lines}");
    }
}

#[test]
fn of_what_is_not_read_no_menu_is_told() {
    for (lines, mib) in [
        ("mkfs.btrfs -q IMG", 128),
        (
            "rm TREE/boot/grub/a*; rm -r TREE/grub; ln -s boot/grub TREE/grub; mke2fs -q -F -t ext4 -d TREE IMG",
            24,
        ),
    ] {
        match menus(lines, mib, None) {
            Err(why) => skip(&why),
            Ok(found) => assert_eq!(found, None, "{lines}"),
        }
    }
}
