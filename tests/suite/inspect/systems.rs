//! `new` says what an ISO image installs, if the loader of the new VM does not boot it.

use super::image;
use crate::place::{PROGRAM, Place};
use std::fs;

/// What `new` says of an image with this label and publisher, with these settings.
fn notes(label: &str, publisher: &str, settings: &[&str]) -> Vec<String> {
    const VOLUME: usize = 0x8000;
    let place = Place::new();
    place.write("a.conf", "bridge=bridge0\nnetif=em0\nvolroot=/vm\n");
    let mut bytes = fs::read(image("iso-grub")).expect("an image");
    for (at, length, text) in [(40, 32, label), (318, 128, publisher)] {
        let field = &mut bytes[VOLUME + at..VOLUME + at + length];
        field.fill(b' ');
        field[..text.len()].copy_from_slice(text.as_bytes());
    }
    let iso = place.write("a.iso", bytes);
    let iso = iso.display().to_string();
    let words = ["new", "a0", "--cd", &iso, "id=1"];
    let said = place.say(PROGRAM, words.iter().chain(settings), "a.conf");
    assert_eq!(said.status, Some(0), "{said:?}");
    let lines = said.err.lines().filter_map(|line| {
        let (_, note) = line.split_once(&format!("{iso} "))?;
        line.contains("installs").then(|| note.to_owned())
    });
    lines.collect()
}

#[test]
fn an_image_that_the_loader_does_not_boot_has_a_note() {
    let freebsd = "THE FREEBSD PROJECT.  HTTPS://WWW.FREEBSD.ORG/";
    for (label, publisher, settings, note) in [
        (
            "Debian 13.2.0 amd64 n",
            "",
            &[][..],
            Some("installs debian; to use the profile of that system: easy-bhyve set a0 os=debian"),
        ),
        ("15_0_RELEASE_AMD64_CD", freebsd, &["freebsd=YES"], None),
        (
            "15_0_RELEASE_AMD64_CD",
            freebsd,
            &[],
            Some(
                "installs freebsd; to use the profile of that system: easy-bhyve set a0 os=freebsd",
            ),
        ),
        ("15_0_RELEASE_AMD64_CD", freebsd, &["os=freebsd"], None),
        ("Debian 13.2.0 amd64 n", "", &["os=debian"], None),
        (
            "15_0_RELEASE_AMD64_CD",
            freebsd,
            &["os=debian"],
            Some("installs freebsd, and a0_os is debian"),
        ),
        ("MY_BACKUP", "", &["os=debian"], None),
        (
            "Debian 13.2.0 amd64 n",
            "",
            &["freebsd=YES"],
            Some("installs debian, and bhyveload boots FreeBSD alone: remove a0_freebsd"),
        ),
        (
            "OpenBSD/amd64   7.8 Install CD",
            "",
            &[],
            Some(
                "installs openbsd; to use the profile of that system: easy-bhyve set a0 os=openbsd",
            ),
        ),
        (
            "Fedora-S-dvd-x86_64-43",
            "",
            &["grub_install=linux /images/pxeboot/vmlinuz"],
            None,
        ),
        ("MY_BACKUP", "", &[], None),
    ] {
        let found = notes(label, publisher, settings);
        let expected: Vec<&str> = note.into_iter().collect();
        assert_eq!(found, expected, "{label}");
    }
}
