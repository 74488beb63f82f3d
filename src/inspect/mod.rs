//! What is on a disk: its partition table, its file systems, what it has for EFI; and which loader can
//! boot it.
//!
//! A guest has written these bytes, so they are hostile: what is read in all, a directory, the number of
//! partitions and the length of a chain have limits, and no number from the disk is an index.
//!
//! The tables are read here, and not by a crate: gptman asserts on products of numbers in the header and
//! reads the second copy of a table where grub reads none; fatfs needs an image that can be written to.

mod content;
mod ext;
mod ext_tree;
mod fat;
mod gpt;
mod image;
pub mod iso;
pub mod judge;
mod magic;
pub mod menu;
pub mod report;
mod slot;
pub mod start;
mod table;

pub use image::{Image, MOST};

use report::{Content, Partition, Report, Table};
use slot::Slot;
use std::io;
use table::Found;

/// Inspects a disk. A menu of grub is looked for in [`menu::DIRECTORIES`], and in a further directory.
///
/// # Errors
/// If the image cannot be read, or more than [`MOST`] bytes would have to be read.
pub fn inspect(image: &dyn Image, directory: Option<&str>) -> io::Result<Report> {
    let further = directory.filter(|one| !menu::DIRECTORIES.contains(one));
    let directories: Vec<&str> = { menu::DIRECTORIES.into_iter() }.chain(further).collect();
    let disk = image::Disk::new(image);
    let whole = disk.whole();
    let mut content = content::probe(whole, &directories)?;
    let found = match &content {
        // The boot sector of these may look like a master boot record.
        Some(
            Content::Fat { .. }
            | Content::Other {
                name: "NTFS" | "exFAT",
            },
        ) => none(),
        _ => table::read(whole)?,
    };
    if !found.slots.is_empty() && !matches!(content, Some(Content::Iso(_))) {
        content = None;
    }
    let slots = found.slots.into_iter().take(slot::MOST);
    let partition = |slot| partition(slot, &directories);
    let partitions = slots.map(partition).collect::<io::Result<_>>()?;
    Ok(Report {
        size: whole.size,
        table: found.table,
        is_damaged: found.is_damaged,
        content,
        partitions,
    })
}

fn none<'disk>() -> Found<'disk> {
    Found {
        table: Table::None,
        is_damaged: false,
        slots: Vec::new(),
    }
}

fn partition(slot: Slot<'_>, directories: &[&str]) -> io::Result<Partition> {
    Ok(Partition {
        content: content::probe(slot.part, directories)?,
        start: slot.part.start,
        size: slot.part.size,
        name: slot.name,
        kind: slot.kind,
        label: slot.label,
    })
}
