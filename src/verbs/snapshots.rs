//! `snapshot`, `rollback` and `clone`.

use super::{Asked, Context, Outcome, Planned, json, rivals, wants_json};
use crate::config::resolve;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::invocation::options::{CloneArgs, RollbackArgs, SnapshotArgs};
use crate::job::{Job, volume};
use crate::locate;
use crate::model::name::{Dataset, SnapName, VmName};
use crate::model::{Vm, Volume};
use crate::plan::rollback::Consent;
use crate::plan::snapshot;
use crate::survey;
use crate::tools::zfs;
use crate::verb::Verb;
use crate::vis;

pub(super) fn snapshot(context: &mut Context<'_>, vm: Vm, args: &SnapshotArgs) -> Result<Outcome> {
    let volume = volume(&vm, Verb::Snapshot)?;
    context.need_host(args.dry_run.into())?;
    if args.words.is_empty() {
        if wants_json(args.dry_run.format, args.dry_run.dry_run) {
            let found = survey::answer(context.look, &zfs::list(volume))?;
            return json(&zfs::parse_list(volume, &found).snapshots).map(Outcome::Text);
        }
        return Ok(Outcome::Plan(Planned {
            plan: snapshot::show(volume),
            dry_run: args.dry_run.into(),
            ..Planned::default()
        }));
    }
    let name = snapshot::name(context.process.clock.now(), &args.words)?;
    Ok(context
        .asked(vm, Job::Snapshot(name), args.dry_run.into())
        .into())
}

pub(super) fn rollback(context: &mut Context<'_>, vm: Vm, args: &RollbackArgs) -> Result<Outcome> {
    let volume = volume(&vm, Verb::Rollback)?;
    context.need_host(args.dry_run)?;
    let wanted = args
        .snapshot
        .as_deref()
        .map(|text| own_snapshot(&vm, volume, text))
        .transpose()?;
    let consent = if args.force {
        Consent::Given
    } else {
        Consent::Ask
    };
    let rivals = rivals(context, &vm)?;
    Ok(context
        .asked(vm, Job::Rollback { wanted, consent }, args.dry_run)
        .with_rivals(rivals)
        .into())
}

/// `NAME`, `@NAME`, or `VOLUME@NAME` of this VM's volume.
fn own_snapshot(vm: &Vm, volume: &Dataset, text: &str) -> Result<SnapName> {
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

pub(super) fn clone(context: &mut Context<'_>, vm: Vm, args: &CloneArgs) -> Result<Outcome> {
    let volume = volume(&vm, Verb::Clone)?;
    context.need_host(args.dry_run)?;
    // Differs: `clone` takes `@NAME`, `_NAME` and `VOLUME@NAME`
    let (base, names) = match args.words.split_first() {
        Some((first, rest)) if first.starts_with('_') || first.contains('@') => {
            (Some(own_snapshot(&vm, volume, first)?), rest)
        }
        _ => (None, args.words.as_slice()),
    };
    if names.is_empty() {
        return Err(Error::usage("no new VM is named")
            .help(format!("for example: {} new0", vm.command(Verb::Clone))));
    }
    let job = Job::Clone {
        base,
        stamp: snapshot::stamp(context.process.clock.now()),
        targets: targets(context, &vm, volume, names)?,
    };
    let (rivals, done) = (rivals(context, &vm)?, next_step(context, &vm, names));
    Ok(Asked {
        done: Some(done),
        ..context.asked(vm, job, args.dry_run).with_rivals(rivals)
    }
    .into())
}

/// The volumes of the new VMs: as configured, or beside the one that is cloned.
fn targets(
    context: &Context<'_>,
    vm: &Vm,
    volume: &Dataset,
    names: &[String],
) -> Result<Vec<Dataset>> {
    let mut targets: Vec<Dataset> = Vec::new();
    for name in names {
        let name = VmName::parse(name).map_err(|error| Error::usage(error.to_string()))?;
        let target = if context.config.is_vm(name.as_str()) {
            match context.vm_for(name.as_str(), Need::Disks)?.volume {
                Volume::Zfs(dataset) => dataset,
                Volume::File(path) => {
                    return Err(Error::state(format!(
                        "the disk of {name} is {}, not a ZFS volume",
                        vis::shown(&path)
                    )));
                }
            }
        } else {
            resolve::volume_root(context.config)?
                .or_else(|| volume.parent())
                .ok_or_else(|| Error::host(format!("{volume} has no dataset above it")))?
                .child(name.as_str())
                .map_err(|error| Error::usage(error.to_string()))?
        };
        if target.pool() != volume.pool() {
            return Err(Error::host(format!(
                "{target} is in another pool than {volume}: ZFS clones within one"
            )));
        }
        if target == *volume {
            return Err(Error::usage(format!(
                "{target} is the volume of {} itself",
                vm.name
            )));
        }
        if targets.contains(&target) {
            return Err(Error::usage(format!("{target} is named twice")));
        }
        targets.push(target);
    }
    Ok(targets)
}

/// What to type so that the new disks become VMs.
///
/// Differs: `clone` says which lines to add to the configuration, and names disks that were not
/// cloned
fn next_step(context: &Context<'_>, vm: &Vm, names: &[String]) -> String {
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !context.config.is_vm(name))
        .collect();
    if missing.is_empty() {
        return format!("cloned to {}", names.join(", "));
    }
    let ids = context.config.free_ids().zip(&missing).map(|(id, name)| {
        let chosen = vm.loader.facts().settings.iter();
        let chosen = chosen.map(|setting| format!(" {name}_{setting}"));
        format!("{name}_id={id}{}", chosen.collect::<String>())
    });
    format!(
        "cloned to {}; to make VMs of them add to {}: {}",
        names.join(", "),
        vis::shown(locate::main_file(context.config)),
        ids.collect::<Vec<_>>().join(" ")
    )
}
