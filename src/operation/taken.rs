//! The snapshots of a VM: those that one command has taken of several disks are one.

use super::refuse::refuse_no_volume;
use crate::error::{Error, Result};
use crate::host::Look;
use crate::model::device;
use crate::model::name::{Dataset, SnapName, Snapshot};
use crate::model::size::short;
use crate::model::{Vm, Volume};
use crate::process::Clock;
use crate::survey;
use crate::tools::zfs::group::{self, Claim, Details, Numbers, PROPERTY};
use crate::tools::zfs::{self, SnapshotLine};
use crate::verb::Verb;
use std::collections::HashMap;
use std::path::Path;

/// A disk of a VM that is a ZFS volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiskVolume {
    /// The number of the disk.
    pub(crate) number: u8,
    /// The volume.
    pub(crate) volume: Dataset,
}

/// The ZFS volumes of a VM, by the numbers of the disks.
///
/// # Errors
/// If the VM has none.
pub(crate) fn volumes(vm: &Vm, devices: &Path, verb: Verb) -> Result<Vec<DiskVolume>> {
    let volume = |disk: &device::Disk| match disk.volume(devices) {
        Volume::Zfs(volume) => Some(DiskVolume {
            number: disk.number,
            volume,
        }),
        Volume::File(_) => None,
    };
    let found: Vec<DiskVolume> = vm.disks.iter().filter_map(volume).collect();
    if found.is_empty() {
        return Err(refuse_no_volume(vm, verb));
    }
    Ok(found)
}

/// Those of the volumes whose disks have these numbers; all if there are none.
///
/// # Errors
/// If a number is that of no volume.
pub(crate) fn chosen(
    vm: &Vm,
    volumes: Vec<DiskVolume>,
    numbers: &[u8],
    verb: Verb,
) -> Result<Vec<DiskVolume>> {
    let is_there = |number: &&u8| !volumes.iter().any(|one| one.number == **number);
    if let Some(missing) = numbers.iter().find(is_there) {
        let disk = vm.disks.iter().find(|disk| disk.number == *missing);
        let names: Vec<String> = volumes
            .iter()
            .map(|one| format!("{} (hd{})", one.number, one.number))
            .collect();
        let error = match disk {
            Some(disk) => Error::state(format!(
                "{verb} needs a ZFS volume, and hd{missing} of {} is {}",
                vm.name,
                disk.path.display()
            ))
            .at(disk.origin),
            None => Error::usage(format!("{} has no disk hd{missing}", vm.name)),
        };
        return Err(error.help(format!("the ZFS volumes are {}", names.join(", "))));
    }
    let is_chosen = |one: &DiskVolume| numbers.is_empty() || numbers.contains(&one.number);
    Ok(volumes.into_iter().filter(is_chosen).collect())
}

/// Typed numbers of disks, each once, ascending.
pub(crate) fn once(numbers: &[u8]) -> Vec<u8> {
    Numbers::of(numbers.iter().copied()).iter().collect()
}

/// The numbers of the disks of these volumes.
pub(crate) fn numbers<'all>(volumes: impl IntoIterator<Item = &'all DiskVolume>) -> Numbers {
    Numbers::of(volumes.into_iter().map(|one| one.number))
}

/// A volume of a VM, with its snapshots and bookmarks.
#[derive(Debug)]
pub(crate) struct Disk {
    /// The number of the disk.
    pub(crate) number: u8,
    /// The volume.
    pub(crate) volume: Dataset,
    /// Its snapshots and bookmarks.
    pub(crate) content: zfs::Volume,
}

/// What ZFS answers about the volumes of a VM.
#[derive(Debug)]
pub(crate) struct Found {
    /// The volumes.
    pub(crate) disks: Vec<Disk>,
    details: Details,
}

/// A snapshot of one or more disks of a VM.
#[derive(Clone, Debug)]
pub(crate) struct Taken<'found> {
    /// The part of the names after the `@`.
    pub(crate) name: &'found SnapName,
    /// The numbers of the disks that it was taken of.
    pub(crate) numbers: Numbers,
    /// The snapshots that exist, by the numbers of the disks.
    pub(crate) parts: Vec<(&'found Disk, &'found SnapshotLine)>,
    /// Whether the program has noted the disks.
    pub(crate) is_noted: bool,
}

impl Found {
    /// Queries ZFS.
    ///
    /// # Errors
    /// If a volume does not exist, or is a filesystem.
    pub(crate) fn ask(look: &mut dyn Look, vm: &Vm, volumes: Vec<DiskVolume>) -> Result<Self> {
        let names: Vec<&Dataset> = volumes.iter().map(|one| &one.volume).collect();
        let contents = super::refuse::lists_of(look, vm, &names)?;
        let details = survey::answer(look, &group::details(&names).works_for(vm))?;
        let disks = volumes.into_iter().zip(contents);
        let disks = disks.map(|(one, content)| Disk {
            number: one.number,
            volume: one.volume,
            content,
        });
        Ok(Self {
            disks: disks.collect(),
            details: Details::parse(&details),
        })
    }

    /// Bytes written to a volume since one of its snapshots, or since its beginning: an estimate, since
    /// blocks that were written twice count twice.
    pub(crate) fn written_since(&self, disk: &Disk, newer: &[SnapshotLine]) -> u64 {
        let of = |name: &str| self.details.of(name).map_or(0, |detail| detail.written);
        let newer = newer.iter().map(|one| of(&full(disk, one)));
        newer.sum::<u64>() + of(disk.volume.as_str())
    }

    /// The snapshots of the VM, oldest first.
    pub(crate) fn taken(&self) -> Vec<Taken<'_>> {
        let mut all: Vec<Taken<'_>> = Vec::new();
        let mut noted: HashMap<(&SnapName, Numbers), usize> = HashMap::new();
        for disk in &self.disks {
            for line in &disk.content.snapshots {
                let detail = self.details.of(&full(disk, line));
                let claim = detail.and_then(|detail| detail.claim.as_ref());
                let Some(Claim::Of(numbers)) = claim else {
                    all.push(Taken {
                        name: &line.name,
                        numbers: Numbers::of([disk.number]),
                        parts: vec![(disk, line)],
                        is_noted: false,
                    });
                    continue;
                };
                let at = *noted
                    .entry((&line.name, numbers.clone()))
                    .or_insert(all.len());
                match all.get_mut(at) {
                    Some(taken) => taken.parts.push((disk, line)),
                    None => all.push(Taken {
                        name: &line.name,
                        numbers: numbers.clone(),
                        parts: vec![(disk, line)],
                        is_noted: true,
                    }),
                }
            }
        }
        // Transaction groups are numbers of one pool, and say more than the clock, which may have been set.
        let mut pools = self.disks.iter().map(|disk| disk.volume.pool());
        let first = pools.next();
        let is_one_pool = pools.all(|pool| Some(pool) == first);
        all.sort_by_key(|taken| {
            let creation = if is_one_pool { 0 } else { taken.creation() };
            (creation, taken.createtxg())
        });
        all
    }

    /// A note about each value of the property that the program does not write.
    pub(crate) fn foreign(&self, name: &SnapName) -> Vec<String> {
        let disks = self.disks.iter();
        let claims = disks.filter_map(|disk| {
            let full = disk.volume.snapshot(name).to_string();
            match &self.details.of(&full)?.claim {
                Some(Claim::Foreign(value)) => Some(format!(
                    "{full} has the property {PROPERTY}={value}, which easy-bhyve does not write: it is ignored"
                )),
                _ => None,
            }
        });
        claims.collect()
    }
}

fn full(disk: &Disk, line: &SnapshotLine) -> String {
    disk.volume.snapshot(&line.name).to_string()
}

impl Taken<'_> {
    /// When it was taken, in seconds since 1970.
    pub(crate) fn creation(&self) -> i64 {
        self.parts.first().map_or(0, |(_, line)| line.creation)
    }

    fn createtxg(&self) -> u64 {
        self.parts.first().map_or(0, |(_, line)| line.createtxg)
    }

    /// Bytes that only its snapshots need.
    pub(crate) fn used(&self) -> u64 {
        self.parts.iter().map(|(_, line)| line.used).sum()
    }

    /// The numbers of the disks whose snapshot does not exist.
    pub(crate) fn missing(&self) -> Vec<u8> {
        let is_there = |number: &u8| self.parts.iter().any(|(disk, _)| disk.number == *number);
        let mut numbers: Vec<u8> = self.numbers.iter().collect();
        numbers.retain(|number| !is_there(number));
        numbers
    }

    /// The numbers of the disks whose snapshot exists.
    pub(crate) fn there(&self) -> Numbers {
        Numbers::of(self.parts.iter().map(|(disk, _)| disk.number))
    }

    /// Whether all of its snapshots exist, and those of no other disk.
    pub(crate) fn is_whole(&self) -> bool {
        self.there() == self.numbers
    }

    /// Its snapshots, with the names of the volumes.
    pub(crate) fn snapshots(&self) -> impl Iterator<Item = Snapshot> {
        let parts = self.parts.iter();
        parts.map(|(disk, line)| disk.volume.snapshot(&line.name))
    }
}

/// The date and the size of what will be lost, for a question: ` (2026-01-01 00:00, 1.2G)`.
pub(crate) fn facts(clock: Clock, creation: i64, size: Option<u64>) -> String {
    let size = size.map_or_else(String::new, |size| format!(", {}", short(size)));
    format!(" ({}{size})", clock.date(creation))
}

/// The names of snapshots or bookmarks; of many only the number.
pub(crate) fn listed(names: &[String], kind: &str) -> String {
    match names.len() {
        few if few <= FEW => names.join(" "),
        many => format!("{many} {kind}"),
    }
}

/// The greatest number of names in a message.
const FEW: usize = 20;
