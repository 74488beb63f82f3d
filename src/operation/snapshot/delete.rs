//! Destroys a snapshot of all its disks.

use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::{SnapName, Snapshot};
use crate::operation::plan_context::PlanContext;
use crate::operation::refuse::{clones_of, holds_of};
use crate::operation::taken::{Found, Taken, facts, volumes};
use crate::operation::wanted::{self, Wanted, choose, refuse_label};
use crate::operation::wire::{self, Options, Words};
use crate::operation::{Locks, Planned, Request, RootJob, gone, temporary};
use crate::plan::{Guard, NoReturn, Plan, Refusal, Test};
use crate::quote;
use crate::tools::zfs::Mark;
use crate::verb::Verb;

/// Destroys a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteSnapshot {
    /// The snapshot, by its name or a part of its label.
    pub wanted: Wanted,
    /// Whether it is destroyed without a question; then `wanted` has a whole name.
    pub force: bool,
}

impl RootJob for DeleteSnapshot {
    const VERB: &'static str = "snapshot-delete";
    const DOES: &'static str = "loses a snapshot";

    fn locks(&self) -> Locks {
        Locks::Nothing
    }

    fn write(&self, words: &mut Words) {
        self.wanted.write(words);
        words.flag("force", self.force);
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let wanted = Wanted::parse(options)?;
        wire::needed("snapshot", wanted.name())?;
        Ok(Self {
            wanted,
            force: options.flag("force")?,
        })
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let vm = request.vm()?;
        let volumes = volumes(vm, context.devices(), Verb::Snapshot)?;
        if !context.is_freebsd {
            let name = wire::needed("snapshot", self.wanted.name())?;
            let volumes = self.wanted.assumed(&volumes);
            let targets = volumes.iter().map(|one| one.volume.snapshot(name));
            return Ok(Planned {
                plan: plan(None, &targets.collect::<Vec<_>>()),
                ..Planned::default()
            });
        }
        let found = Found::ask(context.look, vm, volumes)?;
        let meant = choose(vm, &found, &self.wanted, Verb::Snapshot)?;
        if self.force {
            refuse_label(vm, &meant, Verb::Snapshot)?;
        }
        refuse_needed(&meant.taken)?;
        refuse_in_use(context, vm, &meant.taken)?;
        let targets: Vec<Snapshot> = meant.taken.snapshots().collect();
        let names: Vec<String> = targets.iter().map(Snapshot::to_string).collect();
        let question = (!self.force).then(|| Guard {
            test: Test::Confirmed {
                question: question(context, &meant.taken),
                otherwise: format!(
                    "to destroy it without the question: {} {}",
                    wanted::call(vm, Verb::Snapshot, "-f"),
                    meant.words
                ),
            },
            refusal: Refusal::host("nothing was destroyed"),
        });
        let mut notes = meant.notes;
        let missing = meant.taken.missing().into_iter();
        notes.extend(missing.map(|number| gone_already(vm, number, meant.taken.name)));
        Ok(Planned {
            plan: plan(question, &targets),
            notes,
            done: Some(format!("destroyed {}", names.join(" "))),
            ..Planned::default()
        })
    }
}

/// A note about a disk of a snapshot that has no part of it now.
fn gone_already(vm: &Vm, number: u8, name: &SnapName) -> String {
    if vm.disks.iter().any(|disk| disk.number == number) {
        format!("hd{number} has no snapshot @{name} any more")
    } else {
        format!(
            "{} has no hd{number}, of which @{name} was taken, too",
            vm.name
        )
    }
}

/// Refuses a snapshot that has clones or holds.
fn refuse_needed(taken: &Taken<'_>) -> Result<()> {
    for (disk, line) in &taken.parts {
        let name = disk.volume.snapshot(&line.name);
        if let Some(clones) = clones_of(line) {
            let clone = line.clones.first().map(quote::shown);
            return Err(Error::host(format!("{name} has clones: {clones}")).help(format!(
                "make a clone independent, and the snapshot moves to it: the verb promote of its VM, or as root: zfs promote {}",
                clone.unwrap_or_default()
            )));
        }
        if let Some(release) = holds_of(&name, line) {
            return Err(Error::host(format!("{name} is held")).help(release));
        }
    }
    Ok(())
}

/// Refuses the snapshot to which the disks of a running VM are rolled back at its end.
fn refuse_in_use(context: &mut PlanContext<'_>, vm: &Vm, taken: &Taken<'_>) -> Result<()> {
    for snapshot in taken.snapshots() {
        if temporary::runs_from(context, &vm.name, &snapshot)? {
            return Err(Error::state(format!(
                "{} runs from @{}, and its disks are rolled back to it when it ends",
                vm.name, taken.name
            ))
            .help(format!("end it first: {}", vm.command(Verb::Shutdown))));
        }
    }
    Ok(())
}

fn question(context: &PlanContext<'_>, taken: &Taken<'_>) -> String {
    let lines = taken.parts.iter().map(|(disk, line)| {
        format!(
            "  the snapshot {}@{}{}\n",
            disk.volume,
            line.name,
            facts(context.process.clock, line.creation, Some(line.used))
        )
    });
    format!(
        "This will be lost:\n{}Destroy @{}?",
        lines.collect::<String>(),
        taken.name
    )
}

/// The plan that destroys these snapshots, each of another volume.
fn plan(question: Option<Guard>, targets: &[Snapshot]) -> Plan {
    let mut plan = Plan::default();
    if let Some(question) = question {
        plan.push(question);
    }
    let names: Vec<String> = targets.iter().map(Snapshot::to_string).collect();
    for (at, target) in targets.iter().enumerate() {
        if let Some((done, rest)) = names
            .split_at_checked(at)
            .filter(|(done, _)| !done.is_empty())
        {
            plan.push(NoReturn {
                done: format!(
                    "destroyed {}; still there: {}",
                    done.join(" "),
                    rest.join(" ")
                ),
            });
        }
        plan.push(gone::mark(
            &target.dataset,
            &Mark::Snapshot(target.name.clone()),
        ));
    }
    plan
}
