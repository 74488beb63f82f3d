//! `snapshot`: takes or lists snapshots of a VM's first disk.

use super::context::{CallersPlan, Context, Outcome, json};
use super::options::DryRunOrFormat;
use super::plan_context::PlanContext;
use super::refuse::{other_disks, volume};
use super::wire::{self, Options, Words};
use super::{Job, Locks, Operation, Planned, Request, RootJob};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::SnapName;
use crate::plan::Plan;
use crate::survey::{self, Traces};
use crate::tools::zfs;
use crate::verb::Verb;
use chrono::NaiveDateTime;

/// Options of `snapshot`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d, --format
    #[command(flatten)]
    pub dry_run: DryRunOrFormat,
    /// What the snapshot is for; without words the snapshots are listed
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
                let found = survey::answer(context.look, &zfs::list(volume))?;
                return json(&zfs::parse_list(volume, &found).snapshots).map(Outcome::Text);
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

/// Takes a snapshot with this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeSnapshot(pub SnapName);

impl RootJob for TakeSnapshot {
    fn verb(&self) -> &'static str {
        "snapshot"
    }

    fn does(&self) -> &'static str {
        "gets a snapshot"
    }

    fn locks(&self) -> Locks {
        Locks::Nothing
    }

    fn write(&self, words: &mut Words) {
        words.add("snapshot", self.0.as_str());
    }

    fn parse(verb: &str, options: &mut Options<'_>) -> Result<Option<Job>> {
        if verb != "snapshot" {
            return Ok(None);
        }
        let name = options.parsed("snapshot", SnapName::parse)?;
        Ok(Some(Self(wire::needed("snapshot", name)?).into()))
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let vm = request.vm()?;
        let target = volume(vm, Verb::Snapshot)?.snapshot(&self.0);
        let mut notes: Vec<String> = other_disks(vm).into_iter().collect();
        if context.is_freebsd
            && Traces::ask(context.look, &context.process.surroundings())?.has_node(&vm.name)
        {
            notes.push(format!(
                "if {} is running, the snapshot is what a power cut would leave",
                vm.name
            ));
        }
        Ok(Planned {
            plan: Plan::new(vec![zfs::snapshot(&target).into()]),
            notes,
            done: Some(format!("took {target}")),
            ..Planned::default()
        })
    }
}

/// The name of a snapshot taken at `now`, local time: `_YYYYMMDDHHMM-WORD_WORD`.
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
        return Err(Error::usage("a snapshot's words are blank")
            .help("say what it is for, or give no words to list the snapshots"));
    }
    let label = words.join("_");
    SnapName::parse(&format!("{}-{label}", stamp(now)))
        .map_err(|error| Error::usage(error.to_string()))
}

/// The time as `_YYYYMMDDHHMM`.
pub fn stamp(now: NaiveDateTime) -> String {
    now.format("_%Y%m%d%H%M").to_string()
}
