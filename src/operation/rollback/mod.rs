//! `rollback`: rolls the disks of a VM back to a snapshot.

mod back;

use super::boot::store;
use super::context::{Context, Outcome, rivals};
use super::options::DryRun;
use super::plan_context::PlanContext;
use super::refuse::state::stopped;
use super::refuse::{disks_beside, refuse_protected};
use super::taken::{self, DiskVolume, Found, Meant, named_of, refuse_label, volumes};
use super::wire::{Options, Words};
use super::{Locks, Operation, Planned, Request, RootJob};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::SnapName;
use crate::tools::zfs;
use crate::tools::zfs::group::PROPERTY;
use crate::verb::Verb;
use back::{Back, destroyed, plan, question};

/// Options of `rollback`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Do not ask before newer snapshots are destroyed; SNAP is then a whole name
    #[arg(short = 'f', long)]
    pub force: bool,
    /// The snapshot: NAME, @NAME, VOLUME@NAME, or a word or the beginning of its label; without it the newest
    #[arg(value_name = "SNAP", index = 2)]
    pub snapshot: Option<String>,
}

impl Operation for Args {
    const NEED: Need = Need::Disks;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        refuse_protected(&vm)?;
        let volumes = volumes(&vm, &context.process.devices, Verb::Rollback)?;
        context.need_host(self.dry_run)?;
        let wanted = self
            .snapshot
            .as_deref()
            .map(|text| named_of(&vm, &volumes, text))
            .transpose()?;
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
    /// The snapshot to roll back to, or a part of its label; `None`: the newest.
    pub wanted: Option<SnapName>,
    /// Whether newer snapshots are destroyed without a question; then `wanted` is a whole name.
    pub force: bool,
}

impl RootJob for Rollback {
    const VERB: &'static str = "rollback";
    const DOES: &'static str = "is being rolled back";

    fn locks(&self) -> Locks {
        Locks::VmAndDisks
    }

    fn write(&self, words: &mut Words) {
        if let Some(wanted) = &self.wanted {
            words.add("snapshot", wanted.as_str());
        }
        words.flag("force", self.force);
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let wanted = options.parsed("snapshot", SnapName::parse)?;
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
        let meant = taken::choose(vm, &found, self.wanted.as_ref())?;
        if self.force {
            refuse_label(vm, &meant, Verb::Rollback, "-f")?;
        }
        refuse_incomplete(vm, &meant)?;
        let parts = meant.taken.parts.iter();
        let backs: Vec<Back<'_>> = parts.map(|(disk, line)| Back::of(disk, line)).collect();
        for back in &backs {
            back.refuse_needed(vm)?;
        }
        let stopped = stopped(context, vm, rivals)?;
        let asks = !self.force && (meant.is_by_label || backs.iter().any(Back::destroys));
        let clock = context.process.clock;
        let question = asks.then(|| question(vm, clock, &found, &backs));
        let mut notes = meant.notes;
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
        let name = self.wanted.as_ref().ok_or_else(|| {
            Error::host("the newest snapshot is unknown, because this host is not FreeBSD")
                .help("give the name of a snapshot")
        })?;
        let backs = volumes.iter().map(|one| Back {
            number: one.number,
            volume: &one.volume,
            target: one.volume.snapshot(name),
            snapshots: &[],
            bookmarks: Vec::new(),
        });
        let backs: Vec<Back<'_>> = backs.collect();
        let stopped = stopped(context, vm, &[])?;
        Ok(Planned {
            notes: disks_beside(vm, &taken::numbers(volumes))
                .into_iter()
                .chain(store::stays(vm))
                .collect(),
            plan: plan(vm, &backs, None, stopped),
            ..Planned::default()
        })
    }
}

/// Refuses a snapshot of disks that are not there, or that no longer have the snapshot: all of its disks
/// are rolled back, or none.
fn refuse_incomplete(vm: &Vm, meant: &Meant<'_>) -> Result<()> {
    let taken = &meant.taken;
    let others = taken.parts.iter().map(|(disk, _)| disk);
    let mut others = others.filter(|disk| !taken.numbers.has(disk.number));
    let why = match (taken.missing().first(), others.next()) {
        (None, None) => return Ok(()),
        (None, Some(disk)) => format!("hd{} ({}) has it, too", disk.number, disk.volume),
        (Some(number), _) => match vm.disks.iter().find(|disk| disk.number == *number) {
            Some(disk) => format!("hd{number} ({}) does not have it", disk.path.display()),
            None => format!("{} has no hd{number}", vm.name),
        },
    };
    let by_hand: Vec<String> = taken
        .snapshots()
        .map(|target| zfs::rollback(&target).to_string())
        .collect();
    Err(Error::host(format!(
        "@{} was taken of the disks {} of {}, and {why}",
        taken.name, taken.numbers, vm.name
    ))
    .note(format!("the property {PROPERTY} of the snapshot says so"))
    .help(format!(
        "to roll back only what has the snapshot, as root, while {} does not run: {}",
        vm.name,
        by_hand.join("; ")
    )))
}
