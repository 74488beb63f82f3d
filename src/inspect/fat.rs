//! The FAT file system: its kind, and what is in `\EFI\BOOT`.

use super::image::{Bytes, Part};
use super::menu::{self, MOST, Tree, menus, unread};
use super::report::{Content, Efi};
use std::io;

/// The most names of a directory that are kept.
const NAMES: usize = 64;
/// The size of an entry of a directory.
const ENTRY: usize = 32;

/// A FAT file system: where its parts are, in bytes.
struct Fat<'disk> {
    part: Part<'disk>,
    bits: u8,
    table: u64,
    root: Root,
    data: u64,
    cluster: u64,
    clusters: u64,
}

/// Where the root directory is.
#[derive(Clone, Copy)]
enum Root {
    /// At this offset, of this size.
    Fixed(u64, u64),
    /// From this cluster on.
    Cluster(u64),
}

/// The FAT file system in a part of a disk.
///
/// A boot sector need not name its kind (those of Atari do not): the numbers of clusters decide, and
/// the first byte of the table repeats the medium (Microsoft, FAT specification, 3.5 and 4.1).
pub(super) fn probe(
    part: Part<'_>,
    head: &Bytes,
    directories: &[&str],
) -> io::Result<Option<Content>> {
    let Some(fat) = geometry(part, head) else {
        return Ok(None);
    };
    if fat.part.read(fat.table, 1)?.u8(0) != head.u8(21) {
        return Ok(None);
    }
    let label = head.text(if fat.bits == 32 { 0x47 } else { 0x2b }, 11);
    Ok(Some(Content::Fat {
        bits: fat.bits,
        label: label.filter(|label| label != "NO NAME"),
        efi: efi(&fat)?,
        menus: menus(&fat, directories),
    }))
}

fn geometry<'disk>(part: Part<'disk>, head: &Bytes) -> Option<Fat<'disk>> {
    let wide = |small: u16, large: u32| match small {
        0 => u64::from(large),
        small => u64::from(small),
    };
    let sector = u64::from(head.u16(11));
    let per_cluster = u64::from(head.u8(13));
    let (reserved, fats) = (u64::from(head.u16(14)), u64::from(head.u8(16)));
    let medium = head.u8(21);
    let is_sound = matches!(sector, 512 | 1024 | 2048 | 4096)
        && per_cluster.is_power_of_two()
        && reserved > 0
        && (1..=2).contains(&fats)
        && (medium == 0xf0 || medium >= 0xf8);
    if !is_sound {
        return None;
    }
    let fat_size = wide(head.u16(22), head.u32(36));
    let root_size = (u64::from(head.u16(17)) * ENTRY as u64).next_multiple_of(sector);
    let sectors = wide(head.u16(19), head.u32(32));
    let root = (reserved + fats * fat_size) * sector;
    let data = root + root_size;
    let cluster = sector * per_cluster;
    let clusters = (sectors * sector).checked_sub(data)? / cluster;
    if fat_size == 0 || clusters == 0 {
        return None;
    }
    let is_large = head.u16(22) == 0;
    Some(Fat {
        part,
        bits: match clusters {
            _ if is_large => 32,
            ..4085 => 12,
            _ => 16,
        },
        table: reserved * sector,
        root: if is_large {
            Root::Cluster(u64::from(head.u32(44)))
        } else {
            Root::Fixed(root, root_size)
        },
        data,
        cluster,
        clusters,
    })
}

/// What is in `\EFI`; none if there is no such directory.
fn efi(fat: &Fat<'_>) -> io::Result<Option<Efi>> {
    let Some(efi) = fat.below(fat.root, "EFI")? else {
        return Ok(None);
    };
    let entries = fat.entries(efi)?;
    let is_own = |entry: &Entry| entry.is_directory && !entry.name.starts_with('.');
    let directories = entries.into_iter().filter(is_own);
    let boot = match fat.below(efi, "BOOT")? {
        Some(boot) => fat.entries(boot)?,
        None => Vec::new(),
    };
    let files = boot.into_iter().filter(|entry| !entry.is_directory);
    Ok(Some(Efi {
        boot: files.map(|entry| entry.name).take(NAMES).collect(),
        directories: directories.map(|entry| entry.name).take(NAMES).collect(),
    }))
}

/// A file or a directory, by its short name, which is in capital letters.
struct Entry {
    name: String,
    is_directory: bool,
    cluster: u64,
}

impl Fat<'_> {
    /// The directory of this name in a directory.
    fn below(&self, directory: Root, name: &str) -> io::Result<Option<Root>> {
        let mut entries = self.entries(directory)?.into_iter();
        let found = entries.find(|entry| entry.is_directory && entry.name == name);
        Ok(found.map(|entry| Root::Cluster(entry.cluster)))
    }

    fn entries(&self, directory: Root) -> io::Result<Vec<Entry>> {
        self.whole_or_not(directory).map(|(entries, _)| entries)
    }

    /// The entries of a directory, and whether these are all.
    fn whole_or_not(&self, directory: Root) -> io::Result<(Vec<Entry>, bool)> {
        let mut entries = Vec::new();
        let mut is_whole = false;
        match directory {
            Root::Fixed(at, size) => {
                let bytes = self.part.read(at, size.min(MOST))?;
                is_whole = take_entries(&bytes, &mut entries) || size <= MOST;
            }
            Root::Cluster(mut cluster) => {
                let mut left = MOST;
                // A chain may be a circle: the limit ends it.
                while left > 0 && (2..self.clusters + 2).contains(&cluster) {
                    let size = self.cluster.min(left);
                    let at = self.data + (cluster - 2) * self.cluster;
                    is_whole = take_entries(&self.part.read(at, size)?, &mut entries);
                    if is_whole {
                        break;
                    }
                    left -= size;
                    cluster = self.next(cluster)?;
                    is_whole = cluster >= self.end();
                }
            }
        }
        Ok((entries, is_whole))
    }

    /// The first of the numbers that end a chain.
    fn end(&self) -> u64 {
        (1 << self.bits.min(28)) - 8
    }

    /// The cluster after this one.
    fn next(&self, cluster: u64) -> io::Result<u64> {
        Ok(match self.bits {
            12 => {
                let pair = self.part.read(self.table + cluster * 3 / 2, 2)?.u16(0);
                let next = if cluster.is_multiple_of(2) {
                    pair
                } else {
                    pair >> 4
                };
                u64::from(next & 0xfff)
            }
            16 => u64::from(self.part.read(self.table + cluster * 2, 2)?.u16(0)),
            _ => u64::from(self.part.read(self.table + cluster * 4, 4)?.u32(0) & 0x0fff_ffff),
        })
    }
}

impl Tree for Fat<'_> {
    type Directory = Root;

    fn root(&self) -> Root {
        self.root
    }

    fn entry(&self, directory: &Root, name: &str) -> io::Result<Option<menu::Entry<Root>>> {
        let (entries, is_whole) = self.whole_or_not(*directory)?;
        let mut entries = entries.into_iter();
        match entries.find(|entry| entry.name.eq_ignore_ascii_case(name)) {
            Some(entry) if entry.is_directory => {
                let below = Root::Cluster(entry.cluster);
                Ok(Some(menu::Entry::Directory(below)))
            }
            Some(_) => Ok(Some(menu::Entry::File)),
            None if is_whole => Ok(None),
            None => Err(unread()),
        }
    }
}

/// Appends the entries; returns whether the directory ends with them.
fn take_entries(bytes: &Bytes, entries: &mut Vec<Entry>) -> bool {
    const VOLUME: u8 = 0x08;
    const DIRECTORY: u8 = 0x10;
    for at in (0..bytes.len()).step_by(ENTRY) {
        let (first, attributes) = (bytes.u8(at), bytes.u8(at + 11));
        if first == 0 {
            return true;
        }
        // Erased entries, labels, and the pieces of long names.
        if first == 0xe5 || attributes & VOLUME != 0 {
            continue;
        }
        let stem = bytes.text(at, 8).unwrap_or_default();
        let ending = bytes.text(at + 8, 3);
        let high = u64::from(bytes.u16(at + 20)) << 16;
        entries.push(Entry {
            name: ending.map_or(stem.clone(), |ending| format!("{stem}.{ending}")),
            is_directory: attributes & DIRECTORY != 0,
            cluster: high | u64::from(bytes.u16(at + 26)),
        });
    }
    bytes.len() == 0
}
