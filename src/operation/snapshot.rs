//! `snapshot`: takes or lists snapshots of a VM's first disk.

use super::context::{CallersPlan, Context, Outcome, json};
use super::options::DryRunOrFormat;
use super::plan_context::PlanContext;
use super::refuse::{list_of, other_disks, refuse_filesystem, volume};
use super::wire::{self, Options, Words};
use super::{Locks, Operation, Planned, Request, RootJob};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::{NameError, SnapName, error};
use crate::plan::Plan;
use crate::survey::Traces;
use crate::tools::zfs;
use crate::verb::Verb;
use chrono::NaiveDateTime;
use serde::Serialize;

/// Options of `snapshot`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d, --format
    #[command(flatten)]
    pub dry_run: DryRunOrFormat,
    /// Purpose of the snapshot; without words the snapshots are listed
    #[arg(value_name = "WORD", index = 2)]
    pub words: Vec<String>,
}

impl Operation for Args {
    const NEED: Need = Need::Disks;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        let volume = volume(&vm, Verb::Snapshot)?;
        let wants_json = self.dry_run.wants_json()?;
        context.need_host(self.dry_run.into())?;
        if self.words.is_empty() {
            if wants_json {
                let found = list_of(context.look, &vm, volume)?;
                return json(&List {
                    schema: SCHEMA,
                    snapshots: &found.snapshots,
                })
                .map(Outcome::Text);
            }
            if context.is_freebsd && !self.dry_run.dry_run {
                refuse_filesystem(context.look, &context.process.devices, &vm, volume)?;
            }
            return Ok(Outcome::Plan(CallersPlan {
                plan: Plan::new(vec![zfs::show(volume).into()]),
                dry_run: self.dry_run.into(),
                ..CallersPlan::default()
            }));
        }
        let name = name(context.process.clock.now(), &self.words)?;
        Ok(context
            .asked(vm, TakeSnapshot(name), self.dry_run.into())
            .into())
    }
}

/// The version of `--format json`, raised with each change that a reader would notice.
pub(super) const SCHEMA: u32 = 2;

/// The snapshots as `--format json` shows them.
#[derive(Serialize)]
struct List<'found> {
    schema: u32,
    snapshots: &'found [zfs::SnapshotLine],
}

/// Takes a snapshot with this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeSnapshot(pub SnapName);

impl RootJob for TakeSnapshot {
    const VERB: &'static str = "snapshot";
    const DOES: &'static str = "is being snapshotted";

    fn locks(&self) -> Locks {
        Locks::Nothing
    }

    fn write(&self, words: &mut Words) {
        words.add("snapshot", self.0.as_str());
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let name = options.parsed("snapshot", SnapName::parse)?;
        Ok(Self(wire::needed("snapshot", name)?))
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let vm = request.vm()?;
        let volume = volume(vm, Verb::Snapshot)?;
        if context.is_freebsd && context.process.is_client() {
            refuse_filesystem(context.look, &context.process.devices, vm, volume)?;
        }
        let target = volume.snapshot(&self.0);
        let mut notes: Vec<String> = other_disks(vm).into_iter().collect();
        if context.is_freebsd
            && Traces::ask(context.look, &context.process.surroundings())?.has_node(&vm.name)
        {
            notes.push(format!(
                "if {} is running, the snapshot has the state of the disk as after a power cut",
                vm.name
            ));
        }
        Ok(Planned {
            plan: Plan::new(vec![zfs::snapshot(&target).works_for(vm).into()]),
            notes,
            done: Some(format!("took {target}")),
            ..Planned::default()
        })
    }
}

/// The name of a snapshot of the local time `now`: `_YYYYMMDDHHMM-WORD_WORD`.
///
/// Differs: The words of a snapshot are taken as typed
///
/// # Errors
/// If ZFS does not accept the name.
pub fn name(now: NaiveDateTime, words: &[String]) -> Result<SnapName> {
    let words: Vec<&str> = words
        .iter()
        .flat_map(|word| word.split_ascii_whitespace())
        .collect();
    if words.is_empty() {
        return Err(Error::usage("the words of the snapshot are blank")
            .help("give the purpose of the snapshot, or no words to list the snapshots"));
    }
    let label = words.join("_");
    SnapName::parse(&format!("{}-{label}", Stamp::of(now).as_str()))
        .map_err(|error| Error::usage(error.to_string()))
}

/// The local time in a snapshot's name: `_YYYYMMDDHHMM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp(String);

impl Stamp {
    const FORM: &str = "_%Y%m%d%H%M";

    /// This time.
    pub fn of(now: NaiveDateTime) -> Self {
        Self(now.format(Self::FORM).to_string())
    }

    /// Parses the text of [`Self::as_str`].
    ///
    /// # Errors
    /// If it is another text.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let time = NaiveDateTime::parse_from_str(text, Self::FORM);
        let stamp = time.ok().map(Self::of).filter(|stamp| stamp.0 == text);
        stamp.ok_or_else(|| error(format!("\"{text}\" is not a time as _YYYYMMDDHHMM")))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
