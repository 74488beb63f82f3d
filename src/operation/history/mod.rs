//! `history`: the ancestors of a VM's disks, and all volumes that have one of them.

mod tree;

use super::Operation;
use super::context::{Context, Outcome, json, not_freebsd};
use super::options::{Format, FormatArgs};
use super::refuse::list_of;
use super::snapshot::SCHEMA;
use super::taken::{DiskVolume, chosen, volumes};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::device::disk_number;
use crate::model::name::{Dataset, SnapName};
use crate::verb::Verb;
use serde::Serialize;

/// An upper bound for the ancestors of a clone; a longer chain is a bug in this program.
const DEEPEST: usize = 1000;

/// A volume of the chain, with its snapshots up to the origin of the next volume.
#[derive(Debug, Serialize)]
struct Ancestor {
    /// The number of the disk.
    disk: u8,
    volume: String,
    snapshots: Vec<String>,
}

/// The history as `--format json` shows it.
#[derive(Debug, Serialize)]
struct List {
    schema: u32,
    volumes: Vec<Ancestor>,
}

/// Options of `history`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// How the result is shown.
    #[command(flatten)]
    pub format: FormatArgs,
    /// Show all volumes that were cloned from the oldest ancestor, their VMs, and what each would free
    #[arg(long)]
    pub tree: bool,
    /// Only the disk hdN instead of all that are ZFS volumes; may be repeated
    #[arg(long = "disk", value_name = "N", value_parser = disk_number)]
    pub disks: Vec<u8>,
}

impl Operation for Args {
    const NEED: Need = Need::Disks;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        let volumes = volumes(&vm, &context.process.devices, Verb::History)?;
        let volumes = chosen(&vm, volumes, &self.disks, Verb::History)?;
        if !context.is_freebsd {
            return Err(not_freebsd(context.look).help("run it on the host of the VM"));
        }
        if self.tree {
            let tree = tree::Tree::ask(context, &vm, &volumes)?;
            return match self.format.format.unwrap_or_default() {
                Format::Json => json(&tree.document()),
                Format::Text => Ok(tree.text(context.process.clock)),
            }
            .map(Outcome::Text);
        }
        let mut all = Vec::new();
        for one in &volumes {
            all.extend(chain(context, &vm, one)?);
        }
        match self.format.format.unwrap_or_default() {
            Format::Json => json(&List {
                schema: SCHEMA,
                volumes: all,
            })
            .map(Outcome::Text),
            Format::Text => {
                let mut text = String::new();
                for ancestor in all {
                    for name in std::iter::once(ancestor.volume).chain(ancestor.snapshots) {
                        text.push_str(&name);
                        text.push('\n');
                    }
                }
                Ok(Outcome::Text(text))
            }
        }
    }
}

/// The ancestors of a disk and the disk itself, the oldest first.
fn chain(context: &mut Context<'_>, vm: &Vm, disk: &DiskVolume) -> Result<Vec<Ancestor>> {
    let mut chain = Vec::new();
    let mut next: Option<(Dataset, Option<SnapName>)> = Some((disk.volume.clone(), None));
    while let Some((volume, last)) = next.take() {
        let found = list_of(context.look, vm, &volume)?;
        let names = found.snapshots.iter().map(|snapshot| &snapshot.name);
        let end = last.and_then(|last| names.clone().position(|name| *name == last));
        let snapshots = names
            .take(end.map_or(usize::MAX, |end| end + 1))
            .map(|name| format!("{volume}@{name}"));
        chain.push(Ancestor {
            disk: disk.number,
            volume: volume.to_string(),
            snapshots: snapshots.collect(),
        });
        // Differs: `history` asks ZFS for the origin
        next = found
            .origin
            .map(|origin| (origin.dataset, Some(origin.name)));
        if chain.len() > DEEPEST {
            return Err(Error::host(format!(
                "{} has more than {DEEPEST} ancestors",
                disk.volume
            )));
        }
    }
    chain.reverse();
    Ok(chain)
}
