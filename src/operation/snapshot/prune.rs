//! Destroys old snapshots that `snapshot` has taken.

use super::{Stamp, is_base, is_temporary};
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::{Dataset, NameError, SnapName, error};
use crate::operation::gone::{self, AT_ONCE};
use crate::operation::plan_context::PlanContext;
use crate::operation::refuse::{clones_of, holds_of};
use crate::operation::taken::{Found, Taken, facts, volumes};
use crate::operation::wanted::{self, lack};
use crate::operation::wire::{self, Options, Words};
use crate::operation::{Locks, Planned, Request, RootJob};
use crate::plan::{Guard, NoReturn, Plan, Refusal, Test};
use crate::report::counted;
use crate::tools::zfs::group::Numbers;
use crate::verb::Verb;
use std::collections::HashMap;

/// The number of the newest snapshots that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep(u32);

impl Keep {
    /// Parses `keep=N`.
    ///
    /// # Errors
    /// If it is another text, or zero.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let number = text.strip_prefix("keep=").unwrap_or_default();
        match number.parse() {
            Ok(number) if number > 0 => Ok(Self(number)),
            _ => Err(error(format!(
                "\"{text}\" is not keep=N with a number from 1 on; write for example keep=10"
            ))),
        }
    }

    /// Splits snapshots, which are sorted oldest first: those that stay, and those that are older than
    /// enough others of the same disks. One of which a disk no longer has its part is not enough.
    fn split(self, all: Vec<Taken<'_>>) -> (Vec<Taken<'_>>, Vec<Taken<'_>>) {
        let mut newer: HashMap<Numbers, u32> = HashMap::new();
        let (mut new, mut old) = (Vec::new(), Vec::new());
        for taken in all.into_iter().rev() {
            let whole = newer.entry(taken.numbers.clone()).or_default();
            if *whole >= self.0 {
                old.push(taken);
                continue;
            }
            *whole += u32::from(taken.is_whole());
            new.push(taken);
        }
        new.reverse();
        old.reverse();
        (new, old)
    }
}

/// Destroys all snapshots that `snapshot` has taken, but the newest of each set of disks; and those that
/// `clone` has taken, of which no clone is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PruneSnapshots {
    /// The number of complete snapshots that are kept, for each set of disks.
    pub keep: Keep,
    /// Whether they are destroyed without a question.
    pub force: bool,
}

impl RootJob for PruneSnapshots {
    const VERB: &'static str = "snapshot-prune";
    const DOES: &'static str = "loses snapshots";

    fn locks(&self) -> Locks {
        Locks::Nothing
    }

    fn write(&self, words: &mut Words) {
        words.add("prune", &format!("keep={}", self.keep.0));
        words.flag("force", self.force);
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let keep = options.parsed("prune", Keep::parse)?;
        Ok(Self {
            keep: wire::needed("prune", keep)?,
            force: options.flag("force")?,
        })
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let vm = request.vm()?;
        if !context.is_freebsd {
            return Err(
                Error::host("the snapshots are unknown, because this host is not FreeBSD").help(
                    format!("name one: {} SNAP", wanted::call(vm, Verb::Snapshot, "")),
                ),
            );
        }
        let volumes = volumes(vm, context.devices(), Verb::Snapshot)?;
        let found = Found::ask(context.look, vm, volumes)?;
        let mut ours = found.taken();
        ours.retain(|taken| taken.is_noted || taken.numbers.is_first_alone());
        let mut bases = ours.clone();
        bases.retain(|taken| is_base(taken.name) && need(taken).is_none());
        ours.retain(|taken| is_ours(taken.name));
        let all = ours.len();
        let (new, old) = self.keep.split(ours);
        let (needed, mut old): (Vec<_>, Vec<_>) =
            old.into_iter().partition(|one| need(one).is_some());
        let mut notes: Vec<String> = needed.iter().filter_map(need).collect();
        notes.extend(new.iter().filter_map(|taken| {
            let why = lack(vm, taken)?;
            Some(format!("@{} stays and is not counted: {why}", taken.name))
        }));
        let kept = all - old.len();
        old.extend(bases);
        old.sort_by_key(Taken::creation);
        if old.is_empty() {
            return Ok(Planned {
                notes,
                done: Some(format!(
                    "nothing to destroy: {} has {}",
                    vm.name,
                    counted(kept, "snapshot")
                )),
                ..Planned::default()
            });
        }
        let question = (!self.force).then(|| question(context, vm, self.keep, &found, &old));
        Ok(Planned {
            plan: plan(question, &found, &old),
            notes,
            done: Some(format!(
                "destroyed {}, and kept {kept}",
                counted(old.len(), "snapshot")
            )),
            ..Planned::default()
        })
    }
}

/// Whether `snapshot` has taken it, by the form of its name, and not `clone` or `boot -T`.
fn is_ours(name: &SnapName) -> bool {
    Stamp::split(name).is_some() && !is_base(name) && !is_temporary(name)
}

/// A note about a snapshot that cannot be destroyed.
fn need(taken: &Taken<'_>) -> Option<String> {
    taken.parts.iter().find_map(|(disk, line)| {
        let name = disk.volume.snapshot(&line.name);
        if let Some(clones) = clones_of(line) {
            return Some(format!("{name} stays, because it has clones: {clones}"));
        }
        holds_of(&name, line).map(|_| format!("{name} stays, because it is held"))
    })
}

fn question(
    context: &PlanContext<'_>,
    vm: &Vm,
    keep: Keep,
    found: &Found,
    old: &[Taken<'_>],
) -> Guard {
    let lines = old.iter().map(|taken| {
        let disks = match found.disks.len() {
            1 => String::new(),
            _ => format!(
                " of {}",
                taken
                    .parts
                    .iter()
                    .map(|(disk, _)| format!("hd{}", disk.number))
                    .collect::<Vec<_>>()
                    .join(" ")
            ),
        };
        let facts = facts(context.process.clock, taken.creation(), Some(taken.used()));
        format!("  the snapshot @{}{disks}{facts}\n", taken.name)
    });
    Guard {
        test: Test::Confirmed {
            question: format!(
                "This will be lost:\n{}Destroy {} of {}?",
                lines.collect::<String>(),
                counted(old.len(), "snapshot"),
                vm.name
            ),
            otherwise: format!(
                "to destroy without the question: {} --prune keep={} -f",
                vm.command(Verb::Snapshot),
                keep.0
            ),
        },
        refusal: Refusal::host("nothing was destroyed"),
    }
}

/// The plan that destroys old snapshots, volume by volume.
fn plan(question: Option<Guard>, found: &Found, old: &[Taken<'_>]) -> Plan {
    let mut plan = Plan::default();
    if let Some(question) = question {
        plan.push(question);
    }
    let mut done = 0;
    for disk in &found.disks {
        let names = old.iter().flat_map(|taken| &taken.parts);
        let names = names.filter(|(of, _)| of.number == disk.number);
        let names: Vec<SnapName> = names.map(|(_, line)| line.name.clone()).collect();
        destroy_each(&mut plan, &disk.volume, &names, &mut done);
    }
    plan
}

/// Adds the steps that destroy these snapshots of a volume, after `done` others.
fn destroy_each(plan: &mut Plan, volume: &Dataset, names: &[SnapName], done: &mut usize) {
    for some in names.chunks(AT_ONCE) {
        if *done > 0 {
            plan.push(NoReturn {
                done: format!(
                    "destroyed {}; repeat the command to destroy the rest",
                    counted(*done, "snapshot")
                ),
            });
        }
        plan.push(gone::snapshots(volume, some));
        *done += some.len();
    }
}
