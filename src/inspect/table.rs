//! Partition tables: master boot records with their logical partitions, and BSD disklabels.

use super::gpt;
use super::image::{Bytes, Part};
use super::report::Table;
use super::slot::{MOST, Slot};
use std::io;

/// The unit of a master boot record and of a disklabel.
const SECTOR: u64 = 512;

/// A table and its partitions.
pub(super) struct Found<'disk> {
    pub(super) table: Table,
    pub(super) is_damaged: bool,
    pub(super) slots: Vec<Slot<'disk>>,
}

/// The partition table of a disk.
///
/// # Errors
/// If the image cannot be read, or too much of it would have to be.
pub(super) fn read(disk: Part<'_>) -> io::Result<Found<'_>> {
    let found = |table, is_damaged, slots| Found {
        table,
        is_damaged,
        slots,
    };
    let sector = disk.read(0, SECTOR)?;
    if is_mbr(&sector) {
        // A hybrid table is a GPT, for grub as for FreeBSD.
        if entries(&sector).any(|entry| entry.kind == 0xee)
            && let Some((is_damaged, slots)) = gpt::read(disk)?
        {
            return Ok(found(Table::Gpt, is_damaged, slots));
        }
        let slots = mbr(disk, &sector)?;
        // The boot block of a bare disklabel may end as a master boot record does, without an entry.
        if !slots.is_empty() || !has_label(disk)? {
            return Ok(found(Table::Mbr, false, slots));
        }
    }
    let slots = disklabel(disk, disk, "", "bsd")?;
    let table = if has_label(disk)? {
        Table::Bsd
    } else {
        Table::None
    };
    Ok(found(table, false, slots))
}

/// An entry of a master boot record.
struct Entry {
    kind: u8,
    first: u64,
    sectors: u64,
}

/// Whether a sector ends as a master boot record and has no flag of a partition but "active", by which
/// grub, too, knows it from the boot sector of a file system (`partmap/msdos.c`).
fn is_mbr(sector: &Bytes) -> bool {
    let mut flags = (0..4).map(|at| sector.u8(446 + 16 * at));
    sector.has(510, b"\x55\xaa") && flags.all(|flag| matches!(flag, 0 | 0x80))
}

fn entries(sector: &Bytes) -> impl Iterator<Item = Entry> {
    (0..4).map(|number| {
        let at = 446 + 16 * number;
        Entry {
            kind: sector.u8(at + 4),
            first: sector.u32(at + 8).into(),
            sectors: sector.u32(at + 12).into(),
        }
    })
}

fn is_extended(entry: &Entry) -> bool {
    matches!(entry.kind, 0x05 | 0x0f | 0x85)
}

fn mbr<'disk>(disk: Part<'disk>, sector: &Bytes) -> io::Result<Vec<Slot<'disk>>> {
    let mut slots = Vec::new();
    let mut extended = None;
    for (number, entry) in (1..).zip(entries(sector)) {
        if is_extended(&entry) {
            extended = extended.or(Some(entry.first));
        } else {
            add(&mut slots, disk, number, &entry)?;
        }
    }
    if let Some(start) = extended {
        logical(&mut slots, disk, start)?;
    }
    Ok(slots)
}

/// The chain of logical partitions; every link is further on than the one before, so no chain is a circle.
fn logical<'disk>(slots: &mut Vec<Slot<'disk>>, disk: Part<'disk>, start: u64) -> io::Result<()> {
    let mut at = start;
    let mut number = 5;
    while slots.len() < MOST && number < MOST {
        let sector = disk.read(at * SECTOR, SECTOR)?;
        if !is_mbr(&sector) {
            break;
        }
        for mut entry in entries(&sector).filter(|entry| !is_extended(entry)) {
            entry.first += at;
            if add(slots, disk, number, &entry)? {
                number += 1;
            }
        }
        let next = entries(&sector).find(is_extended);
        match next.map(|next| start + next.first) {
            Some(next) if next > at => at = next,
            _ => break,
        }
    }
    Ok(())
}

/// Adds a partition, and those of its disklabel; returns whether there is one.
fn add<'disk>(
    slots: &mut Vec<Slot<'disk>>,
    disk: Part<'disk>,
    number: usize,
    entry: &Entry,
) -> io::Result<bool> {
    let part = disk.part(entry.first * SECTOR, entry.sectors * SECTOR);
    let Some(part) = part.filter(|_| entry.kind != 0) else {
        return Ok(false);
    };
    let name = format!("msdos{number}");
    let inner = match entry.kind {
        0xa5 => disklabel(disk, part, &format!("{name},"), "bsd")?,
        0xa6 => disklabel(disk, part, "", "openbsd")?,
        0xa9 => disklabel(disk, part, "", "netbsd")?,
        _ => Vec::new(),
    };
    slots.push(Slot {
        name,
        kind: mbr_kind(entry.kind),
        label: None,
        part,
    });
    slots.extend(inner);
    Ok(true)
}

fn mbr_kind(kind: u8) -> String {
    let name = match kind {
        0x01 | 0x04 | 0x06 | 0x0b | 0x0c | 0x0e => "fat",
        0x07 => "ntfs",
        0x82 => "linux-swap",
        0x83 => "linux",
        0x8e => "linux-lvm",
        0xa5 => "freebsd",
        0xa6 => "openbsd",
        0xa9 => "netbsd",
        0xee => "gpt",
        0xef => "efi",
        0xfd => "linux-raid",
        _ => return format!("{kind:#04x}"),
    };
    name.to_owned()
}

/// The sector after the first of a disk or a slice has its disklabel (`sys/disklabel.h`).
fn label(slice: Part<'_>) -> io::Result<Bytes> {
    slice.read(SECTOR, SECTOR)
}

fn has_label(slice: Part<'_>) -> io::Result<bool> {
    const MAGIC: &[u8] = b"\x57\x45\x56\x82";
    let label = label(slice)?;
    Ok(label.has(0, MAGIC) && label.has(132, MAGIC))
}

/// The partitions of a disklabel, named as grub names them: by their number, from 1 on, without the third.
///
/// FreeBSD counts from the start of its third partition, which is the slice; NetBSD and OpenBSD count
/// from the start of the disk.
fn disklabel<'disk>(
    disk: Part<'disk>,
    slice: Part<'disk>,
    before: &str,
    system: &str,
) -> io::Result<Vec<Slot<'disk>>> {
    const PARTITION: usize = 16;
    const RAW: usize = 2;
    if !has_label(slice)? {
        return Ok(Vec::new());
    }
    let label = label(slice)?;
    let at = |number: usize| 148 + PARTITION * number;
    let raw = u64::from(label.u32(at(RAW) + 4));
    let most = (512 - at(0)) / PARTITION;
    let count = usize::from(label.u16(138)).min(most);
    let slots = (0..count).filter(|number| *number != RAW);
    Ok(slots
        .filter_map(|number| {
            let (sectors, first) = (label.u32(at(number)), label.u32(at(number) + 4));
            let kind = label.u8(at(number) + 12);
            let (first, size) = (u64::from(first), u64::from(sectors) * SECTOR);
            let part = if system == "bsd" {
                slice.part(first.checked_sub(raw)? * SECTOR, size)
            } else {
                disk.part(first * SECTOR, size)
            };
            Some(Slot {
                name: format!("{before}{system}{}", number + 1),
                kind: label_kind(kind)?,
                label: None,
                part: part?,
            })
        })
        .collect())
}

/// The type of a partition in a disklabel; none if it is unused.
fn label_kind(kind: u8) -> Option<String> {
    let name = match kind {
        0 => return None,
        1 => "swap",
        7 => "4.2BSD",
        8 => "fat",
        14 => "vinum",
        27 => "zfs",
        _ => return Some(format!("{kind:#04x}")),
    };
    Some(name.to_owned())
}
