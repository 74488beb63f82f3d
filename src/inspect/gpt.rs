//! GUID partition tables (UEFI, 5.3).

use super::image::Part;
use super::slot::{MOST, Slot};
use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use std::io;

/// The sizes of sectors that are tried, as grub does (`partmap/gpt.c`).
const SECTORS: [u64; 4] = [512, 1024, 2048, 4096];
/// The least size of a header.
const HEADER: usize = 92;

/// The partitions, and whether they are those of the second copy at the end of the disk; none if there
/// is no table.
///
/// # Errors
/// If the image cannot be read, or too much of it would have to be.
pub(super) fn read(disk: Part<'_>) -> io::Result<Option<(bool, Vec<Slot<'_>>)>> {
    for is_second in [false, true] {
        for sector in SECTORS {
            let at = if is_second {
                disk.size.saturating_sub(sector)
            } else {
                sector
            };
            if let Some(slots) = at_header(disk, at, sector)? {
                return Ok(Some((is_second, slots)));
            }
        }
    }
    Ok(None)
}

/// The partitions of the table whose header is at this offset.
fn at_header(disk: Part<'_>, at: u64, sector: u64) -> io::Result<Option<Vec<Slot<'_>>>> {
    const CHECKSUM: usize = 16;
    let header = disk.read(at, sector)?;
    let length = usize::try_from(header.u32(12)).map_err(io::Error::other)?;
    if !header.has(0, b"EFI PART") || !(HEADER..=header.len()).contains(&length) {
        return Ok(None);
    }
    let crc: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);
    let mut sum = crc.digest();
    sum.update(header.slice(0, CHECKSUM));
    sum.update(&[0; 4]);
    sum.update(header.slice(CHECKSUM + 4, length - CHECKSUM - 4));
    if sum.finalize() != header.u32(CHECKSUM) {
        return Ok(None);
    }
    let size = usize::try_from(header.u32(84)).map_err(io::Error::other)?;
    let count = header.u32(80).min(u32::try_from(MOST).unwrap_or(u32::MAX));
    let table = header.u64(72).checked_mul(sector);
    // The standard allows 128 times a power of two.
    let Some(table) = table.filter(|_| (128..=4096).contains(&size) && size.is_power_of_two())
    else {
        return Ok(None);
    };
    let entries = disk.read(table, u64::from(count) * size as u64)?;
    let slots = (0..entries.len()).step_by(size).zip(1..);
    Ok(Some(
        slots
            .filter_map(|(at, number)| {
                let (first, last) = (entries.u64(at + 32), entries.u64(at + 40));
                let sectors = last.checked_sub(first)?.checked_add(1)?;
                let start = first.checked_mul(sector)?;
                Some(Slot {
                    name: format!("gpt{number}"),
                    kind: kind(entries.slice(at, 16))?,
                    label: label(entries.slice(at + 56, 72)),
                    part: disk.part(start, sectors.saturating_mul(sector))?,
                })
            })
            .collect(),
    ))
}

fn label(name: &[u8]) -> Option<String> {
    let (units, _) = name.as_chunks::<2>();
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
    let name: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    (!name.is_empty()).then(|| String::from_utf16_lossy(&name))
}

/// The type of a partition; none if the entry is not used.
fn kind(guid: &[u8]) -> Option<String> {
    const KINDS: [(&str, &str); 18] = [
        ("c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "efi"),
        ("21686148-6449-6e6f-744e-656564454649", "bios-boot"),
        ("0fc63daf-8483-4772-8e79-3d69d8477de4", "linux"),
        ("4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "linux-root"),
        ("bc13c2ff-59e6-4262-a352-b275fd6f7172", "linux-boot"),
        ("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "linux-swap"),
        ("e6d6d379-f507-44c2-a23c-238f2a3df928", "linux-lvm"),
        ("a19d880f-05fc-4d3b-a006-743f0f84911e", "linux-raid"),
        ("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "windows"),
        ("e3c9e316-0b5c-4db8-817d-f92df00215ae", "windows-reserved"),
        ("de94bba4-06d1-4d40-a16a-bfd50179d6ac", "windows-recovery"),
        ("83bd6b9d-7f41-11dc-be0b-001560b84f0f", "freebsd-boot"),
        ("516e7cb5-6ecf-11d6-8ff8-00022d09712b", "freebsd-swap"),
        ("516e7cb6-6ecf-11d6-8ff8-00022d09712b", "freebsd-ufs"),
        ("516e7cba-6ecf-11d6-8ff8-00022d09712b", "freebsd-zfs"),
        ("824cc7a0-36a8-11e3-890a-952519ad3f61", "openbsd"),
        ("49f48d5a-b10e-11dc-b99b-0019d1879648", "netbsd-ffs"),
        ("49f48d32-b10e-11dc-b99b-0019d1879648", "netbsd-swap"),
    ];
    if guid.len() < 16 || guid.iter().all(|byte| *byte == 0) {
        return None;
    }
    // The first three fields are little-endian.
    let (first, rest) = guid.split_at_checked(4)?;
    let (second, rest) = rest.split_at_checked(2)?;
    let (third, rest) = rest.split_at_checked(2)?;
    let (fourth, fifth) = rest.split_at_checked(2)?;
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte))
    };
    let little = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0, |all, byte| all << 8 | u64::from(*byte))
    };
    let [first, second, third] = [first, second, third].map(little);
    let [fourth, fifth] = [fourth, fifth].map(number);
    let text = format!("{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-{fifth:012x}");
    let known = KINDS.iter().find(|(guid, _)| *guid == text);
    Some(known.map_or(text, |(_, name)| (*name).to_owned()))
}
