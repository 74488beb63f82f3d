//! `rollback`: rolls a VM's first disk back to a snapshot.

use super::boot::store;
use super::context::{Context, Outcome, rivals};
use super::options::DryRun;
use super::plan_context::PlanContext;
use super::refuse::state::stopped;
use super::refuse::{list_of, other_disks, refuse_protected, volume};
use super::wire::{Options, Words};
use super::{Locks, Operation, Planned, Request, RootJob};
use super::{gone, label};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::{Dataset, SnapName, Snapshot};
use crate::plan::{Guard, NoReturn, Plan, Refusal, Test};
use crate::quote;
use crate::tools::zfs::{self, Mark};
use crate::verb::Verb;

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
        let volume = volume(&vm, Verb::Rollback)?;
        context.need_host(self.dry_run)?;
        let wanted = self
            .snapshot
            .as_deref()
            .map(|text| own_snapshot(&vm, volume, text))
            .transpose()?;
        let force = self.force;
        let rivals = rivals(context, &vm)?;
        Ok(context
            .asked(vm, Rollback { wanted, force }, self.dry_run)
            .with_rivals(rivals)
            .into())
    }
}

/// Reads `NAME`, `@NAME`, or `VOLUME@NAME` of this VM's volume.
pub(super) fn own_snapshot(vm: &Vm, volume: &Dataset, text: &str) -> Result<SnapName> {
    let name = match text.split_once('@') {
        None => text,
        Some(("", name)) => name,
        Some((dataset, name)) if dataset == volume.as_str() => name,
        Some((dataset, _)) => {
            return Err(Error::usage(format!(
                "{dataset} is not the volume of {}, which is {volume}",
                vm.name
            )));
        }
    };
    SnapName::parse(name).map_err(|error| Error::usage(error.to_string()))
}

/// Rolls a VM's first disk back.
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
        let volume = volume(vm, Verb::Rollback)?;
        let (target, newer, is_by_label) = if context.is_freebsd {
            let found = list_of(context.look, vm, volume)?;
            choose(vm, volume, self.wanted.as_ref(), &found)?
        } else {
            let target = self.wanted.clone().ok_or_else(|| {
                Error::host("the newest snapshot is unknown, because this host is not FreeBSD")
                    .help("give the name of a snapshot")
            })?;
            (target, Vec::new(), false)
        };
        if self.force && is_by_label {
            return Err(Error::usage(format!(
                "-f does not ask whether @{target} is meant, so the whole name is needed"
            ))
            .help(format!(
                "to roll back to it: {} -f {target}",
                vm.command(Verb::Rollback)
            )));
        }
        let stopped = stopped(context, vm, rivals)?;
        let target = volume.snapshot(&target);
        let destroyed: Vec<String> = newer.iter().map(Mark::to_string).collect();
        let destroyed = match destroyed.as_slice() {
            [] => String::new(),
            names => format!("; destroyed: {}", names.join(" ")),
        };
        let asks = !self.force && (is_by_label || !newer.is_empty());
        let question = asks.then(|| question(vm, &target, &newer));
        Ok(Planned {
            plan: plan(vm, &target, &newer, question, stopped),
            notes: other_disks(vm)
                .into_iter()
                .chain(store::stays(vm))
                .collect(),
            done: Some(format!("rolled back to {target}{destroyed}")),
            ..Planned::default()
        })
    }
}

/// The snapshot to roll back to, the newer snapshots and bookmarks that must be destroyed, and whether
/// only a part of the label was typed.
fn choose(
    vm: &Vm,
    volume: &Dataset,
    wanted: Option<&SnapName>,
    found: &zfs::Volume,
) -> Result<(SnapName, Vec<Mark>, bool)> {
    let Some(newest) = found.snapshots.last() else {
        return Err(Error::host(format!("{volume} has no snapshot"))
            .help(format!("take one: {} WORD", vm.command(Verb::Snapshot))));
    };
    let label::Chosen {
        name: target,
        is_by_label,
    } = label::choose(volume, wanted.unwrap_or(&newest.name), found)?;
    let position = found.snapshots.iter().position(|one| one.name == target);
    let newer = position.and_then(|at| found.snapshots.get(at + 1..));
    let newer = newer.unwrap_or_default();
    for one in newer {
        if one.holds > 0 {
            return Err(Error::host(format!(
                "{volume}@{} is newer than @{target} and is held",
                one.name
            ))
            .help(format!(
                "a rollback destroys newer snapshots; list the holds (zfs holds {0}), then as root: zfs release TAG {0}",
                quote::shown(format!("{volume}@{}", one.name))
            )));
        }
        if !one.clones.is_empty() {
            return Err(Error::host(format!(
                "{volume}@{} is newer than @{target} and has clones: {}",
                one.name,
                one.clones.join(", ")
            ))
            .help("a rollback destroys newer snapshots; first make the clones independent, as root: zfs promote CLONE"));
        }
    }
    let reached = position.and_then(|at| found.snapshots.get(at));
    let reached = reached.map_or(0, |one| one.createtxg);
    let snapshots = newer
        .iter()
        .map(|one| (one.createtxg, Mark::Snapshot(one.name.clone())));
    let bookmarks = found
        .bookmarks
        .iter()
        .filter(|(_, createtxg)| *createtxg > reached)
        .map(|(name, createtxg)| (*createtxg, Mark::Bookmark(name.clone())));
    let mut marks: Vec<(u64, Mark)> = snapshots.chain(bookmarks).collect();
    marks.sort_by_key(|(createtxg, _)| *createtxg);
    let newer = marks.into_iter().map(|(_, mark)| mark).collect();
    Ok((target, newer, is_by_label))
}

/// The question before the rollback, below what will be lost.
fn question(vm: &Vm, target: &Snapshot, newer: &[Mark]) -> String {
    let marks = newer.iter().map(|mark| match mark {
        Mark::Snapshot(_) => format!("  the snapshot {mark}\n"),
        Mark::Bookmark(_) => format!("  the bookmark {mark}\n"),
    });
    format!(
        "This will be lost:\n{}  what {} has written to {} since @{3}\nRoll back to @{3}?",
        marks.collect::<String>(),
        vm.name,
        target.dataset,
        target.name,
    )
}

/// The plan that rolls back to `target` and destroys `newer`, which is sorted oldest first.
/// Bookmarks are destroyed, too: ZFS refuses to roll back past one.
///
/// Each is destroyed by name: `zfs rollback -r` would also destroy those made in the meantime.
///
/// The guard `stopped` checks again that no process of the VM runs.
///
/// Differs: `rollback` refuses a running VM, and asks before it destroys newer snapshots, each by
/// its name
fn plan(
    vm: &Vm,
    target: &Snapshot,
    newer: &[Mark],
    question: Option<String>,
    stopped: Guard,
) -> Plan {
    let mut plan = Plan::default();
    if let Some(question) = question {
        plan.push(Guard {
            test: Test::Confirmed {
                question,
                otherwise: format!(
                    "to roll back without the question: {} -f {}",
                    vm.command(Verb::Rollback),
                    target.name
                ),
            },
            refusal: Refusal::host("nothing was rolled back"),
        });
    }
    plan.push(stopped);
    let mut destroyed = Vec::new();
    for mark in newer.iter().rev() {
        plan.push(gone::mark(&target.dataset, mark));
        destroyed.push(mark.to_string());
        plan.push(NoReturn {
            done: format!("destroyed {}", destroyed.join(" ")),
        });
    }
    plan.push(zfs::rollback(target).works_for(vm));
    plan
}
