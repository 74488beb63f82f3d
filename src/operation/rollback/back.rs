//! The plan that rolls disks back, and what it destroys.

use crate::error::{Error, Result};
use crate::host::Look;
use crate::model::Vm;
use crate::model::name::{Dataset, SnapName, Snapshot};
use crate::model::size::{exact, short};
use crate::operation::gone::{self, AT_ONCE};
use crate::operation::refuse::{clones_of, holds_of};
use crate::operation::taken::{Disk, Found, facts, listed};
use crate::plan::{Guard, NoReturn, Plan, Refusal, Test};
use crate::process::Clock;
use crate::survey;
use crate::tools::zfs::{self, BookmarkLine, Mark, SnapshotLine, volume};
use crate::verb::Verb;
use std::collections::HashSet;

/// A rollback of one disk, and what it destroys.
#[derive(Debug)]
pub(super) struct Back<'found> {
    /// The number of the disk.
    pub(super) number: u8,
    /// Its volume.
    pub(super) volume: &'found Dataset,
    /// The snapshot.
    pub(super) target: Snapshot,
    /// The newer snapshots, oldest first.
    pub(super) snapshots: &'found [SnapshotLine],
    /// The newer bookmarks, oldest first.
    pub(super) bookmarks: Vec<&'found BookmarkLine>,
    /// The size of the disk in bytes, and that at the time of the snapshot.
    pub(super) sizes: Option<(u64, u64)>,
}

/// A question before a rollback.
pub(super) struct Question {
    /// The text.
    pub(super) text: String,
    /// The words that mean the snapshot in a call without the question.
    pub(super) words: String,
}

impl<'found> Back<'found> {
    /// The rollback of a disk of a VM to one of its snapshots.
    ///
    /// # Errors
    /// If the sizes cannot be queried.
    pub(super) fn of(
        look: &mut dyn Look,
        vm: &Vm,
        disk: &'found Disk,
        line: &SnapshotLine,
    ) -> Result<Self> {
        let question = volume::sizes_of_all(&disk.volume).works_for(vm);
        let answer = survey::answer(look, &question)?;
        let target = disk.volume.snapshot(&line.name);
        let size = |name: &str| volume::size_in(&answer, name);
        let all = &disk.content.snapshots;
        let position = all.iter().position(|one| one.name == line.name);
        let newer = position.and_then(|at| all.get(at + 1..));
        let bookmarks = disk.content.bookmarks.iter();
        Ok(Self {
            number: disk.number,
            volume: &disk.volume,
            sizes: size(disk.volume.as_str()).zip(size(&target.to_string())),
            target,
            snapshots: newer.unwrap_or_default(),
            bookmarks: bookmarks
                .filter(|one| one.createtxg > line.createtxg)
                .collect(),
        })
    }

    /// Whether it destroys snapshots or bookmarks, or a part of the disk.
    pub(super) fn destroys(&self) -> bool {
        !self.snapshots.is_empty() || !self.bookmarks.is_empty() || self.resized().is_some()
    }

    /// The size of the disk before and after the rollback, if they differ.
    pub(super) fn resized(&self) -> Option<String> {
        let (is, was) = self.sizes.filter(|(is, was)| is != was)?;
        Some(format!(
            "the size of {}, which goes from {} back to {}",
            self.volume,
            exact(is),
            exact(was)
        ))
    }

    /// Refuses newer snapshots that cannot be destroyed.
    pub(super) fn refuse_needed(&self, vm: &Vm) -> Result<()> {
        let (volume, target) = (self.volume, &self.target.name);
        for one in self.snapshots {
            let name = volume.snapshot(&one.name);
            if let Some(release) = holds_of(&name, one) {
                return Err(
                    Error::host(format!("{name} is newer than @{target} and is held"))
                        .help(format!("a rollback destroys newer snapshots; {release}")),
                );
            }
            if let Some(clones) = clones_of(one) {
                return Err(Error::host(format!(
                    "{name} is newer than @{target} and has clones: {clones}"
                ))
                .note(format!(
                    "a rollback destroys newer snapshots, and the promotion of such a clone would also take @{target} from {volume}"
                ))
                .help(format!(
                    "clone @{target} for a new VM instead: {} @{target} NEW; or first destroy the clones",
                    vm.command(Verb::Clone)
                )));
            }
        }
        Ok(())
    }

    /// What it destroys, oldest first, with the dates and the sizes of snapshots.
    fn marks(&self) -> Vec<(Mark, i64, Option<u64>)> {
        let snapshots = self.snapshots.iter().map(|one| {
            let mark = Mark::Snapshot(one.name.clone());
            (one.createtxg, (mark, one.creation, Some(one.used)))
        });
        let bookmarks = self.bookmarks.iter().map(|one| {
            let mark = Mark::Bookmark(one.name.clone());
            (one.createtxg, (mark, one.creation, None))
        });
        let mut marks: Vec<_> = snapshots.chain(bookmarks).collect();
        marks.sort_by_key(|(createtxg, _)| *createtxg);
        marks.into_iter().map(|(_, mark)| mark).collect()
    }
}

/// What was destroyed, for the last message.
pub(super) fn destroyed(backs: &[Back<'_>]) -> String {
    let names = backs.iter().flat_map(|back| {
        let volume = if backs.len() > 1 {
            back.volume.as_str()
        } else {
            ""
        };
        let marks = back.marks().into_iter();
        marks.map(move |(mark, ..)| format!("{volume}{mark}"))
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        return String::new();
    }
    format!("; destroyed: {}", listed(&names, "snapshots and bookmarks"))
}

/// The question before the rollback, below what will be lost.
pub(super) fn question(vm: &Vm, clock: Clock, found: &Found, backs: &[Back<'_>]) -> String {
    let mut lost: Vec<String> = Vec::new();
    for back in backs {
        let volume = if backs.len() > 1 {
            back.volume.as_str()
        } else {
            ""
        };
        for (mark, creation, used) in back.marks() {
            let kind = match mark {
                Mark::Snapshot(_) => "snapshot",
                Mark::Bookmark(_) => "bookmark",
            };
            let facts = facts(clock, creation, used);
            lost.push(format!("  the {kind} {volume}{mark}{facts}\n"));
        }
    }
    for back in backs {
        let disk = found.disks.iter().find(|disk| disk.number == back.number);
        let written = disk.map_or(0, |disk| found.written_since(disk, back.snapshots));
        lost.push(format!(
            "  what {} has written to {} since @{} (up to {})\n",
            vm.name,
            back.volume,
            back.target.name,
            short(written)
        ));
    }
    let resized = backs.iter().filter_map(Back::resized);
    for line in halves(found, backs).into_iter().chain(resized) {
        lost.push(format!("  {line}\n"));
    }
    let name = backs.first().map(|back| back.target.name.to_string());
    format!(
        "This will be lost:\n{}Roll back to @{}?",
        lost.concat(),
        name.unwrap_or_default()
    )
}

/// The snapshots of several disks of which only a part is destroyed, so that they are no longer one.
pub(super) fn halves(found: &Found, backs: &[Back<'_>]) -> Vec<String> {
    let newer = |back: &'_ Back<'_>| {
        let names = back.snapshots.iter().map(|one| one.name.clone());
        names.map(|name| (back.number, name)).collect::<Vec<_>>()
    };
    let gone: HashSet<(u8, SnapName)> = backs.iter().flat_map(newer).collect();
    let taken = found.taken();
    let halves = taken.iter().filter_map(|taken| {
        let is_gone = |disk: &Disk| gone.contains(&(disk.number, taken.name.clone()));
        let (lost, kept): (Vec<&Disk>, Vec<&Disk>) = taken
            .parts
            .iter()
            .map(|(disk, _)| *disk)
            .partition(|disk| is_gone(disk));
        let kept: Vec<String> = kept
            .iter()
            .map(|disk| disk.volume.snapshot(taken.name).to_string())
            .collect();
        (!lost.is_empty() && !kept.is_empty()).then(|| {
            let stays = if kept.len() > 1 { "stay" } else { "stays" };
            format!(
                "the snapshot @{} of {} as a whole; {} {stays}",
                taken.name,
                taken.numbers.disks(),
                kept.join(" ")
            )
        })
    });
    halves.collect()
}

/// The plan that rolls each disk back and destroys what is newer. Bookmarks are destroyed, too: ZFS
/// refuses to roll back past one. No disk is rolled back before all can be.
///
/// Each is destroyed by name: `zfs rollback -r` would also destroy those made in the meantime.
///
/// The guard `stopped` checks again that no process of the VM runs.
///
/// Differs: `rollback` refuses a running VM, and asks before it destroys newer snapshots, each by
/// its name
pub(super) fn plan(
    vm: &Vm,
    backs: &[Back<'_>],
    question: Option<Question>,
    stopped: Guard,
) -> Plan {
    let mut plan = Plan::default();
    if let Some(Question { text, words }) = question {
        plan.push(Guard {
            test: Test::Confirmed {
                question: text,
                otherwise: format!(
                    "to roll back without the question: {} -f {words}",
                    vm.command(Verb::Rollback)
                ),
            },
            refusal: Refusal::host("nothing was rolled back"),
        });
    }
    plan.push(stopped);
    let mut done = Vec::new();
    for back in backs {
        destroy_newer(&mut plan, back, backs.len() > 1, &mut done);
    }
    for (at, back) in backs.iter().enumerate() {
        if at > 0 {
            let rest = backs.iter().skip(at).map(|back| back.target.to_string());
            let rest: Vec<String> = rest.collect();
            plan.push(NoReturn {
                done: format!(
                    "{}; not rolled back yet, which the same command does: {}",
                    done.join(", "),
                    rest.join(" ")
                ),
            });
        }
        plan.push(zfs::rollback(&back.target).works_for(vm));
        done.push(format!("rolled back to {}", back.target));
    }
    plan
}

/// Adds the steps that destroy what is newer than the target of a disk.
fn destroy_newer(plan: &mut Plan, back: &Back<'_>, is_named: bool, done: &mut Vec<String>) {
    let volume = if is_named { back.volume.as_str() } else { "" };
    let mut add = |plan: &mut Plan, step, what: String| {
        plan.push(step);
        done.push(format!("destroyed {what}"));
        plan.push(NoReturn {
            done: done.join(", "),
        });
    };
    let names: Vec<SnapName> = back.snapshots.iter().map(|one| one.name.clone()).collect();
    for some in names.rchunks(AT_ONCE) {
        let names = some.iter().map(|one| format!("{volume}@{one}"));
        let what = listed(&names.collect::<Vec<_>>(), "snapshots");
        add(plan, gone::snapshots(back.volume, some), what);
    }
    for one in back.bookmarks.iter().rev() {
        let mark = Mark::Bookmark(one.name.clone());
        add(
            plan,
            gone::mark(back.volume, &mark),
            format!("{volume}{mark}"),
        );
    }
}
