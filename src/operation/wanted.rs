//! The snapshot of a VM that typed words mean.

mod part;

use super::label;
use super::taken::{DiskVolume, Found, Taken};
use super::wire::{Options, Words};
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::device::disk_number;
use crate::model::name::{Dataset, SnapName};
use crate::tools::zfs::group::{Numbers, PROPERTY};
use crate::verb::Verb;
use part::{part, refuse_newest_part, refuse_part};
use std::collections::HashSet;

/// A snapshot as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The name, or a part of its label; `None`: the newest.
    name: Option<SnapName>,
    /// One of the volumes that have the snapshot; any if there is none.
    volume: Option<Dataset>,
    /// The numbers of all disks that have the snapshot; any if there are none.
    disks: Vec<u8>,
}

impl Wanted {
    /// Reads `NAME`, `@NAME`, or `VOLUME@NAME` of one of this VM's volumes; `disks` are typed numbers of its
    /// volumes.
    ///
    /// # Errors
    /// If it is no name of a snapshot, or the volume is that of no disk.
    pub(crate) fn typed(
        vm: &Vm,
        volumes: &[DiskVolume],
        text: Option<&str>,
        disks: &[u8],
    ) -> Result<Self> {
        let (dataset, name) = match text.map(|text| (text, text.split_once('@'))) {
            None => (None, None),
            Some((text, None)) => (None, Some(text)),
            Some((_, Some(("", name)))) => (None, Some(name)),
            Some((_, Some((dataset, name)))) => (Some(dataset), Some(name)),
        };
        let own = |dataset: &str| {
            let mut all = volumes.iter().map(|one| &one.volume);
            let found = all.find(|volume| volume.as_str() == dataset);
            found.cloned().ok_or_else(|| not_of(vm, volumes, dataset))
        };
        let name = name.map(SnapName::parse).transpose();
        Ok(Self {
            name: name.map_err(|error| Error::usage(error.to_string()))?,
            volume: dataset.map(own).transpose()?,
            disks: super::taken::once(disks),
        })
    }

    /// The name, or a part of its label, if one was typed.
    pub(crate) fn name(&self) -> Option<&SnapName> {
        self.name.as_ref()
    }

    /// This snapshot, by its whole name.
    pub(crate) fn named(self, name: SnapName) -> Self {
        Self {
            name: Some(name),
            ..self
        }
    }

    /// Writes the options that [`Self::parse`] reads.
    pub(crate) fn write(&self, words: &mut Words) {
        if let Some(name) = &self.name {
            words.add("snapshot", name.as_str());
        }
        if let Some(volume) = &self.volume {
            words.add("of", volume.as_str());
        }
        for number in &self.disks {
            words.add("disk", &number.to_string());
        }
    }

    /// Reads the options that [`Self::write`] has written.
    ///
    /// # Errors
    /// If a value has another form.
    pub(crate) fn parse(options: &mut Options<'_>) -> Result<Self> {
        Ok(Self {
            name: options.parsed("snapshot", SnapName::parse)?,
            volume: options.parsed("of", Dataset::parse)?,
            disks: options.all("disk", disk_number)?,
        })
    }

    /// Those of the volumes that are meant, on a host that cannot be asked.
    pub(crate) fn assumed<'all>(&self, volumes: &'all [DiskVolume]) -> Vec<&'all DiskVolume> {
        let is_meant =
            |one: &&DiskVolume| self.disks.is_empty() || self.disks.contains(&one.number);
        volumes.iter().filter(is_meant).collect()
    }

    /// Whether a snapshot is of the volume and the disks that were typed. Without them it must be one that
    /// the program has noted, or of `hd0`.
    fn admits(&self, taken: &Taken<'_>) -> bool {
        let is_of = |volume: &Dataset| taken.parts.iter().any(|(disk, _)| disk.volume == *volume);
        match (&self.volume, self.disks.as_slice()) {
            (None, []) => taken.is_noted || taken.numbers.is_first_alone(),
            (volume, disks) => {
                volume.as_ref().is_none_or(is_of)
                    && (disks.is_empty() || taken.there().iter().eq(disks.iter().copied()))
            }
        }
    }
}

fn not_of(vm: &Vm, volumes: &[DiskVolume], dataset: &str) -> Error {
    let names: Vec<&str> = volumes.iter().map(|one| one.volume.as_str()).collect();
    Error::usage(match names.as_slice() {
        [only] => format!(
            "{dataset} is not the volume of {}, which is {only}",
            vm.name
        ),
        several => format!(
            "{dataset} is not a volume of {}, which has {}",
            vm.name,
            several.join(", ")
        ),
    })
}

/// A snapshot that was chosen.
pub(crate) struct Meant<'found> {
    /// The snapshot.
    pub(crate) taken: Taken<'found>,
    /// Whether only a part of its label was typed: the user must confirm the choice.
    pub(crate) is_by_label: bool,
    /// Whether the disks were typed, so that a part of a snapshot can be meant.
    pub(crate) is_by_disks: bool,
    /// The words that mean this snapshot and no other.
    pub(crate) words: String,
    /// Notes about properties that are ignored, and about snapshots that are passed over.
    pub(crate) notes: Vec<String>,
}

/// The snapshot that was typed; without a name the newest that is complete.
///
/// # Errors
/// If no snapshot or more than one is meant.
pub(crate) fn choose<'found>(
    vm: &Vm,
    found: &'found Found,
    wanted: &Wanted,
    verb: Verb,
) -> Result<Meant<'found>> {
    let mut all = found.taken();
    let volumes = || found.disks.iter().map(|disk| (disk.number, &disk.volume));
    let mut volumes_meant = volumes().filter(|(number, volume)| {
        wanted.volume.as_ref().is_none_or(|one| one == *volume)
            && (wanted.disks.is_empty() || wanted.disks.contains(number))
    });
    let first = volumes_meant.next().or_else(|| volumes().next());
    let are_several = volumes_meant.next().is_some();
    let none = || Error::state(format!("{} has no volume", vm.name));
    let first = first.map(|(_, volume)| volume).ok_or_else(none)?;
    refuse_part(vm, wanted, &all, verb)?;
    all.retain(|taken| wanted.admits(taken));
    let mut seen = HashSet::new();
    let names = all.iter().map(|taken| taken.name);
    let names: Vec<&SnapName> = names.filter(|name| seen.insert(*name)).collect();
    let mut passed = Vec::new();
    let (at, is_by_label) = match &wanted.name {
        _ if all.is_empty() => {
            return Err(Error::host(format!("{first} has no snapshot"))
                .help(format!("take one: {} WORD", vm.command(Verb::Snapshot))));
        }
        Some(name) => {
            let of = if are_several {
                vm.name.as_str()
            } else {
                first.as_str()
            };
            let chosen = label::among(of, name, &names)?;
            let is_meant = |taken: &Taken<'_>| *taken.name == chosen.name;
            refuse_twins(vm, all.iter().filter(|taken| is_meant(taken)), verb)?;
            (all.iter().position(is_meant), chosen.is_by_label)
        }
        None => {
            let numbers = Numbers::of(volumes().map(|(number, _)| number));
            let why = |taken: &Taken<'_>| match wanted.disks.as_slice() {
                [] => lack(vm, taken).or_else(|| part(taken, &numbers)),
                _ => None,
            };
            let at = all.iter().rposition(|taken| why(taken).is_none());
            if let (None, Some(newest)) = (at, all.last()) {
                refuse_newest_part(vm, newest, &numbers, verb)?;
            }
            let newer = at.and_then(|at| all.get(at + 1..)).unwrap_or_default();
            passed.extend(newer.iter().map(|taken| {
                let why = why(taken).unwrap_or_default();
                format!("@{} is newer and is passed over: {why}", taken.name)
            }));
            (at.or(all.len().checked_sub(1)), false)
        }
    };
    let has_twin = at.and_then(|at| all.get(at)).is_some_and(|one| {
        let same = all.iter().filter(|other| other.name == one.name);
        same.count() > 1
    });
    let none = || Error::host(format!("{first} has no such snapshot"));
    let taken = at
        .filter(|at| *at < all.len())
        .map(|at| all.swap_remove(at));
    let taken = taken.ok_or_else(none)?;
    let mut notes = found.foreign(taken.name);
    notes.extend(passed);
    Ok(Meant {
        is_by_label,
        is_by_disks: !wanted.disks.is_empty(),
        words: words(&taken, wanted, has_twin),
        taken,
        notes,
    })
}

/// The words that mean a snapshot and no other.
fn words(taken: &Taken<'_>, wanted: &Wanted, has_twin: bool) -> String {
    if !wanted.disks.is_empty() {
        let numbers = Numbers::of(wanted.disks.iter().copied());
        return format!("{} {}", options(&numbers), taken.name);
    }
    match taken.snapshots().next() {
        Some(first) if has_twin || wanted.volume.is_some() => first.to_string(),
        _ => taken.name.to_string(),
    }
}

/// The options that name disks: `--disk 0 --disk 2`.
pub(crate) fn options(numbers: &Numbers) -> String {
    let words: Vec<String> = numbers.iter().map(|one| format!("--disk {one}")).collect();
    words.join(" ")
}

/// Refuses several snapshots of one name that were not taken together.
fn refuse_twins<'all, 'found: 'all>(
    vm: &Vm,
    twins: impl Iterator<Item = &'all Taken<'found>>,
    verb: Verb,
) -> Result<()> {
    let twins: Vec<&Taken<'_>> = twins.collect();
    let (Some(one), true) = (twins.first(), twins.len() > 1) else {
        return Ok(());
    };
    let lines: Vec<String> = twins
        .iter()
        .map(|taken| {
            let names: Vec<String> = taken.snapshots().map(|one| one.to_string()).collect();
            names.join(" ")
        })
        .collect();
    let ways = twins.iter().filter_map(|taken| taken.snapshots().next());
    let ways: Vec<String> = ways
        .map(|one| format!("{} {one}", call(vm, verb, "")))
        .collect();
    Err(Error::host(format!(
        "there are {} snapshots @{}, which were not taken together: {}",
        twins.len(),
        one.name,
        lines.join(", and ")
    ))
    .help(format!("name one with its volume: {}", ways.join(", or "))))
}

/// The command for a snapshot with these options, up to the snapshot's name; `snapshot` destroys it.
pub(crate) fn call(vm: &Vm, verb: Verb, options: &str) -> String {
    let delete = match verb {
        Verb::Snapshot => "--delete",
        _ => "",
    };
    let mut call = vm.command(verb);
    for word in [options, delete].iter().filter(|word| !word.is_empty()) {
        call.extend([" ", word]);
    }
    call
}

/// Refuses `-f` with only a part of a label.
pub(crate) fn refuse_label(vm: &Vm, meant: &Meant<'_>, verb: Verb) -> Result<()> {
    if !meant.is_by_label {
        return Ok(());
    }
    let does = match verb {
        Verb::Rollback => "roll back to",
        _ => "destroy",
    };
    Err(Error::usage(format!(
        "-f does not ask whether @{} is meant, so the whole name is needed",
        meant.taken.name
    ))
    .help(format!(
        "to {does} it: {} {}",
        call(vm, verb, "-f"),
        meant.words
    )))
}

/// What a snapshot that is not whole lacks, or has beside its disks.
pub(crate) fn lack(vm: &Vm, taken: &Taken<'_>) -> Option<String> {
    let others = taken.parts.iter().map(|(disk, _)| disk);
    let mut others = others.filter(|disk| !taken.numbers.has(disk.number));
    match (taken.missing().first(), others.next()) {
        (None, None) => None,
        (None, Some(disk)) => Some(format!("hd{} ({}) has it, too", disk.number, disk.volume)),
        (Some(number), _) => Some(match vm.disks.iter().find(|disk| disk.number == *number) {
            Some(disk) => format!("hd{number} ({}) does not have it", disk.path.display()),
            None => format!("{} has no hd{number}", vm.name),
        }),
    }
}

/// Refuses a snapshot of disks that are not there, or that no longer have the snapshot, unless the disks
/// were typed: all of its disks are meant, or none.
pub(crate) fn refuse_incomplete(vm: &Vm, meant: &Meant<'_>, verb: Verb) -> Result<()> {
    let taken = &meant.taken;
    let Some(why) = lack(vm, taken).filter(|_| !meant.is_by_disks) else {
        return Ok(());
    };
    let error = Error::host(format!(
        "@{} was taken of the disks {} of {}, and {why}",
        taken.name, taken.numbers, vm.name
    ))
    .note(format!("the property {PROPERTY} of the snapshot says so"));
    Err(match verb {
        Verb::Rollback => error.help(format!(
            "to roll back only what has the snapshot: {} {}",
            call(vm, verb, &options(&taken.there())),
            taken.name
        )),
        _ => error.help(format!(
            "the list of the snapshots says which are complete: {}",
            vm.command(Verb::Snapshot)
        )),
    })
}
