//! All volumes that were cloned from the oldest ancestor of each disk of a VM.

use crate::config::resolve;
use crate::config::settings::Need;
use crate::error::Result;
use crate::model::name::{Dataset, SnapName, Snapshot, VmName};
use crate::model::size::short;
use crate::model::{Vm, Volume};
use crate::operation::context::Context;
use crate::operation::refuse::{list_of, lists_of};
use crate::operation::snapshot::SCHEMA;
use crate::operation::taken::DiskVolume;
use crate::process::Clock;
use crate::survey;
use crate::table::table;
use crate::tools::zfs::family::{self, Member};
use crate::tools::zfs::{self, SnapshotLine};
use serde::Serialize;
use std::collections::HashMap;

/// The number of volumes that one command asks about: the words of a command are limited (`ARG_MAX`).
const AT_ONCE: usize = 1000;

/// The headings of the columns.
const HEAD: [&str; 6] = ["NAME", "VM", "CREATED", "USED", "REFER", "FREES"];

/// The volumes, each behind the one that it was cloned from.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

/// One volume.
#[derive(Debug)]
struct Node {
    member: Member,
    /// The place of the volume that it was cloned from.
    parent: Option<usize>,
    /// The disks of VMs that it is.
    disks: Vec<OfVm>,
    content: zfs::Volume,
    /// Bytes that its destruction frees, with all volumes that were cloned from it.
    frees: u64,
}

/// A disk of a VM.
#[derive(Clone, Debug, Serialize)]
struct OfVm {
    vm: VmName,
    disk: u8,
}

/// The tree as `--format json` shows it.
#[derive(Serialize)]
pub(super) struct Document<'tree> {
    schema: u32,
    volumes: Vec<Line<'tree>>,
}

/// A volume as `--format json` shows it.
#[derive(Serialize)]
struct Line<'tree> {
    volume: &'tree Dataset,
    origin: Option<&'tree Snapshot>,
    vms: &'tree [OfVm],
    used: u64,
    refer: u64,
    frees: u64,
    snapshots: Vec<SnapshotOf<'tree>>,
}

/// A snapshot as `--format json` shows it.
#[derive(Serialize)]
struct SnapshotOf<'tree> {
    name: &'tree SnapName,
    creation: i64,
    holds: u64,
    used: u64,
    refer: u64,
    /// None if it cannot be destroyed alone.
    frees: Option<u64>,
}

impl Tree {
    /// Queries ZFS about the families of volumes.
    ///
    /// # Errors
    /// If ZFS cannot be queried, or the configuration has a wrong host variable.
    pub(super) fn ask(context: &mut Context<'_>, vm: &Vm, volumes: &[DiskVolume]) -> Result<Self> {
        let mut disks = disks(context)?;
        let mut nodes: Vec<Node> = Vec::new();
        let mut pools: Vec<&str> = volumes.iter().map(|one| one.volume.pool()).collect();
        pools.sort_unstable();
        pools.dedup();
        for pool in pools {
            let own = volumes.iter().map(|one| &one.volume);
            let own = own.filter(|volume| volume.pool() == pool);
            let command = family::volumes(pool).works_for(vm);
            let members = family::parse(&survey::answer(context.look, &command)?);
            let order = families(context, vm, &members, own)?;
            let names: Vec<&Dataset> = order
                .iter()
                .filter_map(|(at, _)| members.get(*at).map(|one| &one.volume))
                .collect();
            let mut contents = Vec::new();
            for some in names.chunks(AT_ONCE) {
                contents.extend(lists_of(context.look, vm, some)?);
            }
            let before = nodes.len();
            let of_pool = order.iter().zip(contents);
            nodes.extend(of_pool.filter_map(|((at, parent), content)| {
                let member = members.get(*at)?.clone();
                Some(Node {
                    parent: parent.map(|parent| before + parent),
                    disks: disks.remove(&member.volume).unwrap_or_default(),
                    frees: member.used,
                    member,
                    content,
                })
            }));
        }
        // Each volume stands behind the one that it was cloned from.
        for at in (0..nodes.len()).rev() {
            let Some(Node {
                parent: Some(parent),
                frees,
                ..
            }) = nodes.get(at)
            else {
                continue;
            };
            let (parent, frees) = (*parent, *frees);
            if let Some(parent) = nodes.get_mut(parent) {
                parent.frees = parent.frees.saturating_add(frees);
            }
        }
        Ok(Self { nodes })
    }

    /// The tree as data.
    pub(super) fn document(&self) -> Document<'_> {
        let volumes = self.nodes.iter().map(|node| {
            let snapshots = node.content.snapshots.iter().map(|one| SnapshotOf {
                name: &one.name,
                creation: one.creation,
                holds: one.holds,
                used: one.used,
                refer: one.refer,
                frees: frees_alone(one),
            });
            Line {
                volume: &node.member.volume,
                origin: node.member.origin.as_ref(),
                vms: &node.disks,
                used: node.member.used,
                refer: node.member.refer,
                frees: node.frees,
                snapshots: snapshots.collect(),
            }
        });
        Document {
            schema: SCHEMA,
            volumes: volumes.collect(),
        }
    }

    /// The tree as text: the clones of a snapshot stand below it.
    pub(super) fn text(&self, clock: Clock) -> String {
        let clones = self.clones();
        let mut rows: Vec<[String; 6]> = Vec::new();
        let mut waiting: Vec<(usize, Option<usize>, usize)> = Vec::new();
        let roots = (0..self.nodes.len()).rev();
        let roots = roots.filter(|at| self.nodes.get(*at).is_some_and(|one| one.parent.is_none()));
        waiting.extend(roots.map(|root| (root, None, 0)));
        while let Some((at, snapshot, depth)) = waiting.pop() {
            let Some(node) = self.nodes.get(at) else {
                continue;
            };
            let indent = "  ".repeat(depth);
            let Some(number) = snapshot else {
                rows.push(node.row(&indent));
                let snapshots = (0..node.content.snapshots.len()).rev();
                waiting.extend(snapshots.map(|number| (at, Some(number), depth + 1)));
                continue;
            };
            let Some(line) = node.content.snapshots.get(number) else {
                continue;
            };
            let frees = frees_alone(line);
            rows.push([
                format!("{indent}@{}", line.name),
                String::new(),
                clock.date(line.creation),
                short(line.used),
                short(line.refer),
                frees.map_or_else(|| "-".to_owned(), short),
            ]);
            let below = clones.get(&(at, &line.name)).into_iter().flatten();
            waiting.extend(below.rev().map(|clone| (*clone, None, depth + 1)));
        }
        table(&HEAD, rows.iter())
    }

    /// The places of the volumes cloned from each snapshot.
    fn clones(&self) -> HashMap<(usize, &SnapName), Vec<usize>> {
        let mut clones: HashMap<(usize, &SnapName), Vec<usize>> = HashMap::new();
        for (at, node) in self.nodes.iter().enumerate() {
            if let (Some(parent), Some(origin)) = (node.parent, &node.member.origin) {
                clones.entry((parent, &origin.name)).or_default().push(at);
            }
        }
        clones
    }
}

/// Bytes that the destruction of a snapshot frees; none if it has clones or is held.
fn frees_alone(line: &SnapshotLine) -> Option<u64> {
    (line.holds == 0 && line.clones.is_empty()).then_some(line.used)
}

impl Node {
    fn row(&self, indent: &str) -> [String; 6] {
        let disks = self.disks.iter();
        let disks: Vec<String> = disks
            .map(|one| format!("{} hd{}", one.vm, one.disk))
            .collect();
        [
            format!("{indent}{}", self.member.volume),
            disks.join(", "),
            String::new(),
            short(self.member.used),
            short(self.member.refer),
            short(self.frees),
        ]
    }
}

/// The places of the volumes of the families of `own`, each behind the one that it was cloned from, whose
/// number in this order stands beside it.
///
/// # Errors
/// If one of `own` is no volume.
fn families<'own>(
    context: &mut Context<'_>,
    vm: &Vm,
    members: &[Member],
    own: impl Iterator<Item = &'own Dataset>,
) -> Result<Vec<(usize, Option<usize>)>> {
    let volumes = members.iter().enumerate();
    let places: HashMap<&Dataset, usize> = volumes.map(|(at, one)| (&one.volume, at)).collect();
    let parent = |at: usize| {
        let origin = members.get(at)?.origin.as_ref()?;
        places.get(&origin.dataset).copied()
    };
    let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
    for at in 0..members.len() {
        if let Some(parent) = parent(at) {
            children.entry(parent).or_default().push(at);
        }
    }
    let mut roots: Vec<usize> = Vec::new();
    for volume in own {
        let Some(own) = places.get(volume) else {
            // The error says why: the volume does not exist, or is a filesystem.
            list_of(context.look, vm, volume)?;
            continue;
        };
        let root = (0..members.len()).try_fold(*own, |at, _| parent(at).ok_or(at));
        let root = root.unwrap_or_else(|root| root);
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    let mut order = Vec::new();
    let mut waiting: Vec<_> = roots.into_iter().rev().map(|root| (root, None)).collect();
    while let Some((at, parent)) = waiting.pop() {
        let number = order.len();
        order.push((at, parent));
        let below = children.get(&at).into_iter().flatten().rev();
        waiting.extend(below.map(|child| (*child, Some(number))));
    }
    Ok(order)
}

/// The disks of all VMs of the configuration, by their volumes. A misconfigured VM has none.
fn disks(context: &Context<'_>) -> Result<HashMap<Dataset, Vec<OfVm>>> {
    let mut found: HashMap<Dataset, Vec<OfVm>> = HashMap::new();
    for vm in resolve::all(context.config, context.wanted(Need::Disks))?.filter_map(Result::ok) {
        for disk in &vm.disks {
            if let Volume::Zfs(volume) = disk.volume(&context.process.devices) {
                found.entry(volume).or_default().push(OfVm {
                    vm: vm.name.clone(),
                    disk: disk.number,
                });
            }
        }
    }
    Ok(found)
}
