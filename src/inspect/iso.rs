//! ISO 9660 images: what is in them for EFI, and the system that they install.

use super::fat;
use super::image::{Bytes, Part};
use super::menu::{Entry, MOST, Tree, menus, unread};
use super::report::{Content, Iso};
use std::io;

/// The systems by the texts that their installation images have as label or publisher, in capital
/// letters; a text in front counts at the start of the label alone.
///
/// The texts are those that each project's own program for images writes, and mostly begin with the
/// name of the system: debian-cd and live-build, cdimage of Ubuntu, pungi and lorax (Fedora, Alma, Rocky), kiwi (openSUSE),
/// `iso_label` of archiso, `-volid` in `mkimg.base.sh` (Alpine), `distrib/common/Makefile.bootcd`
/// (NetBSD), `mkhybrid -V` in `distrib/amd64/cdfs` (OpenBSD), `-o publisher` in
/// `release/amd64/mkisoimages.sh` (FreeBSD), kayak (OmniOS), oscdimg (Windows), `mk9660 -v` in
/// `sys/lib/dist` (9front), `nrelease` (DragonFly).
const SYSTEMS: [(Text, &str, &str); 23] = [
    (Text::Publisher, "FREEBSD", "freebsd"),
    (Text::Front, "FREEBSD", "freebsd"),
    (Text::Front, "DEBIAN", "debian"),
    (Text::Front, "D-LIVE", "debian"),
    // With it Xubuntu, Kubuntu and others.
    (Text::Label, "UBUNTU", "ubuntu"),
    (Text::Front, "FEDORA", "fedora"),
    (Text::Front, "ALMALINUX", "alma"),
    (Text::Front, "ROCKY", "rocky"),
    (Text::Front, "OPENSUSE", "opensuse"),
    (Text::Front, "ARCH_", "arch"),
    (Text::Publisher, "ARCH LINUX", "arch"),
    (Text::Front, "ALPINE", "alpine"),
    (Text::Front, "NETBSD", "netbsd"),
    (Text::Front, "OPENBSD", "openbsd"),
    (Text::Front, "OMNIOS", "omnios"),
    (Text::Publisher, "MICROSOFT", "windows"),
    // CCCOMA_X64FRE_EN-US_DV9, SSS_X64FREE_EN-US_DV9
    (Text::Label, "_X64FRE", "windows"),
    (Text::Front, "HAIKU", "haiku"),
    (Text::Front, "9FRONT", "plan9"),
    (Text::Front, "PLAN 9", "plan9"),
    (Text::Front, "DRAGONFLY", "dragonfly"),
    (Text::Front, "DFLY", "dragonfly"),
    (Text::Publisher, "DRAGONFLY", "dragonfly"),
];

/// Where a text stands that names a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Text {
    /// At the start of the label.
    Front,
    /// In the label.
    Label,
    /// In the name of the publisher.
    Publisher,
}

/// The system that an image installs, in lower case; none if neither label nor publisher tells.
pub fn system(iso: &Iso) -> Option<&'static str> {
    let upper = |text: &Option<String>| text.as_deref().unwrap_or_default().to_ascii_uppercase();
    let (label, publisher) = (upper(&iso.label), upper(&iso.publisher));
    let mut all = SYSTEMS.iter();
    let found = all.find(|(place, text, _)| match place {
        Text::Front => label.starts_with(text),
        Text::Label => label.contains(text),
        Text::Publisher => publisher.contains(text),
    });
    found.map(|(.., system)| *system)
}

/// Whether [`system`] can find a system of this name.
pub fn is_known(system: &str) -> bool {
    SYSTEMS.iter().any(|(.., known)| *known == system)
}

/// The size of a logical sector.
const SECTOR: u64 = 2048;

/// An ISO 9660 image: ECMA-119, 8.4; El Torito, 2.0.
pub(super) fn probe(part: Part<'_>, head: &Bytes, directories: &[&str]) -> io::Result<Content> {
    const VOLUME: usize = 0x8000;
    const BOOT: usize = 0x8800;
    let size = u64::from(head.u32(VOLUME + 80)) * SECTOR;
    let root = extent(head, VOLUME + 156);
    let mut efi = None;
    if head.has(BOOT, b"\0CD001\x01EL TORITO SPECIFICATION") {
        let catalog = u64::from(head.u32(BOOT + 0x47)) * SECTOR;
        let catalog = part.read(catalog, SECTOR)?;
        for image in efi_images(&catalog) {
            let Some(image) = part.part(image * SECTOR, u64::MAX) else {
                continue;
            };
            let found = fat::probe(image, &image.read(0, 512)?, &[])?;
            efi = efi.or_else(|| found.and_then(|fat| fat.efi().cloned()));
        }
    }
    Ok(Content::Iso(Iso {
        label: head.text(VOLUME + 40, 32),
        volume_set: head.text(VOLUME + 190, 128),
        publisher: head.text(VOLUME + 318, 128),
        size,
        is_cut: size > part.size,
        efi,
        menus: menus(&IsoTree { part, root }, directories),
    }))
}

/// The sectors of the images for EFI that a boot catalog names.
fn efi_images(catalog: &Bytes) -> Vec<u64> {
    const ENTRY: usize = 32;
    const EFI: u8 = 0xef;
    const BOOTABLE: u8 = 0x88;
    let mut platform = catalog.u8(1);
    let mut images = Vec::new();
    for at in (ENTRY..catalog.len()).step_by(ENTRY) {
        match catalog.u8(at) {
            0x90 | 0x91 => platform = catalog.u8(at + 1),
            BOOTABLE if platform == EFI => images.push(u64::from(catalog.u32(at + 8))),
            _ => {}
        }
    }
    images
}

/// The directories of an image, by their plain names: grub's menu has one of capital letters
/// (`BOOT/GRUB/GRUB.CFG;1`), whatever Rock Ridge and Joliet call it.
struct IsoTree<'disk> {
    part: Part<'disk>,
    root: Extent,
}

/// Where a directory is: its first sector and its size in bytes.
#[derive(Clone, Copy)]
struct Extent(u32, u32);

/// The place in a record of a directory: ECMA-119, 9.1.
fn extent(bytes: &Bytes, record: usize) -> Extent {
    Extent(bytes.u32(record + 2), bytes.u32(record + 10))
}

impl Tree for IsoTree<'_> {
    type Directory = Extent;

    fn root(&self) -> Extent {
        self.root
    }

    fn entry(&self, directory: &Extent, name: &str) -> io::Result<Option<Entry<Extent>>> {
        const DIRECTORY: u8 = 0x2;
        let Extent(first, size) = *directory;
        if u64::from(size) > MOST {
            return Err(unread());
        }
        let bytes = self.part.read(u64::from(first) * SECTOR, size.into())?;
        let mut at = 0;
        while at < bytes.len() {
            let length = usize::from(bytes.u8(at));
            if length == 0 {
                // No record crosses the end of a sector.
                at = (at + 1).next_multiple_of(2048);
                continue;
            }
            let named = bytes.slice(at + 33, bytes.u8(at + 32).into());
            let plain = named.split(|byte| *byte == b';').next();
            let plain = plain.unwrap_or_default();
            let plain = plain.strip_suffix(b".").unwrap_or(plain);
            if plain.eq_ignore_ascii_case(name.as_bytes()) {
                return Ok(Some(match bytes.u8(at + 25) & DIRECTORY {
                    0 => Entry::File,
                    _ => Entry::Directory(extent(&bytes, at)),
                }));
            }
            at += length;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::system;
    use crate::inspect::report::Iso;

    #[test]
    fn a_system_is_known_by_its_label_or_publisher() {
        for (label, publisher, found) in [
            (
                "15_0_RELEASE_AMD64_CD",
                "THE FREEBSD PROJECT. HTTPS://WWW.FREEBSD.ORG/",
                Some("freebsd"),
            ),
            ("Debian 13.2.0 amd64 n", "", Some("debian")),
            ("Ubuntu-Server 24.04.3 LTS amd64", "", Some("ubuntu")),
            ("Xubuntu 24.04 LTS amd64", "", Some("ubuntu")),
            ("Fedora-S-dvd-x86_64-43", "", Some("fedora")),
            ("AlmaLinux-10-0-x86_64-dvd", "", Some("alma")),
            ("Rocky-9-6-x86_64-minimal", "", Some("rocky")),
            ("openSUSE-Leap-15.6-DVD-x86_64710", "", Some("opensuse")),
            (
                "ARCH_202611",
                "ARCH LINUX <HTTPS://ARCHLINUX.ORG>",
                Some("arch"),
            ),
            ("alpine-virt 3.22.2 x86_64", "", Some("alpine")),
            ("NETBSD_101", "", Some("netbsd")),
            ("OpenBSD/amd64   7.8 Install CD", "", Some("openbsd")),
            ("OmniOSce r151054", "", Some("omnios")),
            (
                "CCCOMA_X64FRE_EN-US_DV9",
                "MICROSOFT CORPORATION",
                Some("windows"),
            ),
            ("SSS_X64FREE_EN-US_DV9", "", Some("windows")),
            ("haiku-r1~beta5-x86_64", "", Some("haiku")),
            ("Plan 9 Front", "", Some("plan9")),
            ("DragonFly-x86_64-6.4.2", "", Some("dragonfly")),
            ("my backup of debian", "", None),
            ("CDROM", "SOMEBODY", None),
            ("", "", None),
        ] {
            let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let iso = Iso {
                label: text(label),
                publisher: text(publisher),
                ..Iso::default()
            };
            assert_eq!(system(&iso), found, "{label}");
        }
    }
}
