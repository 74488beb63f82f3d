//! `rollback`: rolls the disks of a VM back to a snapshot.

mod back;

use super::boot::store;
use super::context::{Context, Outcome, rivals};
use super::options::DryRun;
use super::plan_context::PlanContext;
use super::refuse::state::stopped;
use super::refuse::{disks_beside, refuse_protected};
use super::taken::{self, DiskVolume, Found, chosen, volumes};
use super::wanted::{Wanted, choose, refuse_incomplete, refuse_label};
use super::wire::{Options, Words};
use super::{Locks, Operation, Planned, Request, RootJob};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::device::disk_number;
use crate::verb::Verb;
use back::{Back, Question, destroyed, halves, plan, question};

/// Options of `rollback`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Do not ask before newer snapshots are destroyed; SNAP is then a whole name
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Only a snapshot that the disk hdN has and no other; may be repeated for a snapshot of several disks
    #[arg(long = "disk", value_name = "N", value_parser = disk_number)]
    pub disks: Vec<u8>,
    /// The snapshot: NAME, @NAME, VOLUME@NAME, or a word or the beginning of its label; without it the newest
    #[arg(value_name = "SNAP", index = 2)]
    pub snapshot: Option<String>,
}

impl Operation for Args {
    const NEED: Need = Need::Disks;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        refuse_protected(&vm)?;
        let volumes = volumes(&vm, &context.process.devices, Verb::Rollback)?;
        let volumes = chosen(&vm, volumes, &self.disks, Verb::Rollback)?;
        context.need_host(self.dry_run)?;
        let wanted = Wanted::typed(&vm, &volumes, self.snapshot.as_deref(), &self.disks)?;
        let force = self.force;
        let rivals = rivals(context, &vm)?;
        Ok(context
            .asked(vm, Rollback { wanted, force }, self.dry_run)
            .with_rivals(rivals)
            .into())
    }
}

/// Rolls the disks of a VM back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// The snapshot to roll back to.
    pub wanted: Wanted,
    /// Whether newer snapshots are destroyed without a question; then `wanted` has a whole name.
    pub force: bool,
}

impl RootJob for Rollback {
    const VERB: &'static str = "rollback";
    const DOES: &'static str = "is being rolled back";

    fn locks(&self) -> Locks {
        Locks::VmAndDisks
    }

    fn write(&self, words: &mut Words) {
        self.wanted.write(words);
        words.flag("force", self.force);
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let wanted = Wanted::parse(options)?;
        let force = options.flag("force")?;
        Ok(Self { wanted, force })
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let (vm, rivals) = (request.vm()?, &request.rivals);
        refuse_protected(vm)?;
        let volumes = volumes(vm, context.devices(), Verb::Rollback)?;
        if !context.is_freebsd {
            return self.assumed(context, vm, &volumes);
        }
        let found = Found::ask(context.look, vm, volumes)?;
        let meant = choose(vm, &found, &self.wanted, Verb::Rollback)?;
        if self.force {
            refuse_label(vm, &meant, Verb::Rollback)?;
        }
        refuse_incomplete(vm, &meant, Verb::Rollback)?;
        let parts = meant.taken.parts.iter();
        let backs = parts.map(|(disk, line)| Back::of(context.look, vm, disk, line));
        let backs = backs.collect::<Result<Vec<Back<'_>>>>()?;
        for back in &backs {
            back.refuse_needed(vm)?;
        }
        let stopped = stopped(context, vm, rivals)?;
        let asks = !self.force && (meant.is_by_label || backs.iter().any(Back::destroys));
        let question = asks.then(|| Question {
            text: question(vm, context.process.clock, &found, &backs),
            words: meant.words,
        });
        let mut notes = meant.notes;
        if self.force {
            let lost = halves(&found, &backs).into_iter();
            let lost = lost.chain(backs.iter().filter_map(Back::resized));
            notes.extend(lost.map(|what| format!("this will be lost: {what}")));
        }
        notes.extend(disks_beside(vm, &meant.taken.numbers));
        notes.extend(store::stays(vm));
        let targets: Vec<String> = meant.taken.snapshots().map(|one| one.to_string()).collect();
        Ok(Planned {
            notes,
            done: Some(format!(
                "rolled back to {}{}",
                targets.join(" "),
                destroyed(&backs)
            )),
            plan: plan(vm, &backs, question, stopped),
            ..Planned::default()
        })
    }
}

impl Rollback {
    /// The plan for a host that cannot be queried: the snapshot is one of all volumes, and the newest.
    fn assumed(
        &self,
        context: &mut PlanContext<'_>,
        vm: &Vm,
        volumes: &[DiskVolume],
    ) -> Result<Planned> {
        let name = self.wanted.name().ok_or_else(|| {
            Error::host("the newest snapshot is unknown, because this host is not FreeBSD")
                .help("give the name of a snapshot")
        })?;
        let volumes = self.wanted.assumed(volumes);
        let backs = volumes.iter().map(|one| Back {
            number: one.number,
            volume: &one.volume,
            target: one.volume.snapshot(name),
            snapshots: &[],
            bookmarks: Vec::new(),
            sizes: None,
        });
        let backs: Vec<Back<'_>> = backs.collect();
        let stopped = stopped(context, vm, &[])?;
        Ok(Planned {
            notes: disks_beside(vm, &taken::numbers(volumes.iter().copied()))
                .into_iter()
                .chain(store::stays(vm))
                .collect(),
            plan: plan(vm, &backs, None, stopped),
            ..Planned::default()
        })
    }
}
