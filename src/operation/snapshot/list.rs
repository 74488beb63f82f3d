//! Lists the snapshots of a VM.

use super::SCHEMA;
use crate::command::Streams;
use crate::error::Result;
use crate::model::Vm;
use crate::model::name::{Dataset, SnapName};
use crate::model::size::short;
use crate::operation::context::{CallersPlan, Context, Outcome, json};
use crate::operation::options::DryRun;
use crate::operation::taken::{DiskVolume, Found, Taken};
use crate::plan::Plan;
use crate::survey::record::length;
use crate::table::table;
use crate::tools::zfs;
use crate::tools::zfs::group::{self, Numbers};
use serde::Serialize;

/// The headings of the columns.
const HEAD: [&str; 7] = [
    "SNAPSHOT",
    "DATE",
    "AGE",
    "USED",
    "REFER",
    "DISKS",
    "NEEDED BY",
];

/// The snapshots as `--format json` shows them.
#[derive(Serialize)]
struct List<'found> {
    schema: u32,
    volumes: Vec<OfDisk<'found>>,
    snapshots: Vec<Line<'found>>,
}

/// A volume of the VM.
#[derive(Serialize)]
struct OfDisk<'found> {
    disk: u8,
    volume: &'found Dataset,
}

/// One snapshot.
#[derive(Serialize)]
struct Line<'found> {
    name: &'found SnapName,
    /// The numbers of the disks that it was taken of.
    disks: Vec<u8>,
    /// Those of which it no longer exists.
    missing_disks: Vec<u8>,
    clones: Vec<&'found str>,
    holds: u64,
    used: u64,
    refer: u64,
    creation: i64,
    age: i64,
}

impl<'found> Line<'found> {
    /// What is known about a snapshot; `chosen` are the disks that ZFS was asked about, if not all.
    fn of(taken: &Taken<'found>, now: i64, chosen: &[u8]) -> Self {
        let lines = || taken.parts.iter().map(|(_, line)| *line);
        let mut missing = taken.missing();
        missing.retain(|number| chosen.is_empty() || chosen.contains(number));
        Self {
            name: taken.name,
            disks: taken.numbers.iter().collect(),
            missing_disks: missing,
            clones: lines()
                .flat_map(|line| line.clones.iter().map(String::as_str))
                .collect(),
            holds: lines().map(|line| line.holds).sum(),
            used: taken.used(),
            refer: lines().map(|line| line.refer).sum(),
            creation: taken.creation(),
            age: now.saturating_sub(taken.creation()),
        }
    }

    /// The disks, and those of which the snapshot no longer exists.
    fn shown_disks(&self) -> String {
        let numbers = Numbers::of(self.disks.iter().copied());
        match self.missing_disks.as_slice() {
            [] => numbers.to_string(),
            missing => format!(
                "{numbers} (without {})",
                Numbers::of(missing.iter().copied())
            ),
        }
    }

    fn needed_by(&self) -> String {
        let holds = match self.holds {
            0 => None,
            1 => Some("1 hold".to_owned()),
            several => Some(format!("{several} holds")),
        };
        let clones = self.clones.iter().map(|clone| (*clone).to_owned());
        clones.chain(holds).collect::<Vec<_>>().join(", ")
    }
}

/// The list of the snapshots of these volumes, or the commands that ask for it; `chosen` are the typed
/// numbers of disks.
pub(super) fn list(
    context: &mut Context<'_>,
    vm: &Vm,
    volumes: Vec<DiskVolume>,
    chosen: &[u8],
    dry_run: DryRun,
    wants_json: bool,
) -> Result<Outcome> {
    if dry_run.dry_run {
        let names: Vec<&Dataset> = volumes.iter().map(|one| &one.volume).collect();
        let commands = [zfs::list_all(&names), group::details(&names)];
        let commands = commands.map(|command| command.streams(Streams::Shown).into());
        return Ok(Outcome::Plan(CallersPlan {
            plan: Plan::new(commands.into()),
            dry_run,
            ..CallersPlan::default()
        }));
    }
    let found = Found::ask(context.look, vm, volumes)?;
    let clock = context.process.clock;
    let (taken, now) = (found.taken(), clock.seconds());
    let lines: Vec<Line<'_>> = taken.iter().map(|one| Line::of(one, now, chosen)).collect();
    if wants_json {
        let volumes = found.disks.iter().map(|disk| OfDisk {
            disk: disk.number,
            volume: &disk.volume,
        });
        return json(&List {
            schema: SCHEMA,
            volumes: volumes.collect(),
            snapshots: lines,
        })
        .map(Outcome::Text);
    }
    let rows: Vec<[String; 7]> = lines
        .iter()
        .map(|line| {
            [
                format!("@{}", line.name),
                clock.date(line.creation),
                length(u64::try_from(line.age).unwrap_or_default()),
                short(line.used),
                short(line.refer),
                line.shown_disks(),
                line.needed_by(),
            ]
        })
        .collect();
    Ok(Outcome::Text(table(&HEAD, rows.iter())))
}
