//! `resources`: every resolved setting, and with `-V` the VM's disk.

use super::{Context, Outcome, Planned, json, wants_json};
use crate::config::lint;
use crate::error::{Error, Result};
use crate::invocation::options::ResourcesArgs;
use crate::model::name::Dataset;
use crate::model::size::DiskSize;
use crate::model::{Loader, Vm, Volume};
use crate::plan::disk::{self, Allocation};
use crate::plan::{Action, Plan, Step};
use crate::quote;
use crate::survey;
use crate::tools::zfs;
use std::ffi::{OsStr, OsString};
use std::path::Path;

pub(super) fn resources(
    context: &mut Context<'_>,
    mut vm: Vm,
    args: &ResourcesArgs,
) -> Result<Outcome> {
    vm.with(args.with.cpu.clone(), args.with.mem.clone());
    let settings = settings(context, &vm);
    let mut planned = Planned {
        dry_run: args.dry_run.into(),
        warnings: lint::of_vm(context.config, vm.name.as_str()),
        ..Planned::default()
    };
    if let Some(size) = &args.size {
        context.need_host(planned.dry_run)?;
        planned.plan = make_disk(
            context,
            &vm,
            size,
            if args.sparse {
                Allocation::Sparse
            } else {
                Allocation::Full
            },
        )?;
    }
    if wants_json(args.dry_run.format, args.dry_run.dry_run) {
        let table: serde_json::Map<String, serde_json::Value> = settings
            .iter()
            .map(|(name, value)| (name.clone(), value.to_string_lossy().into_owned().into()))
            .collect();
        planned
            .plan
            .push(Step::from(Action::Print(json(&table)?.into_bytes())));
    } else {
        planned
            .plan
            .push(Step::from(Action::Print(lines(&settings))));
    }
    Ok(Outcome::Plan(planned))
}

/// The plan for the disk, after a look at what is there.
fn make_disk(
    context: &mut Context<'_>,
    vm: &Vm,
    size: &DiskSize,
    allocation: Allocation,
) -> Result<Plan> {
    let Some(first) = vm.disks.first() else {
        return Ok(Plan::default());
    };
    if matches!(&vm.volume, Volume::File(path) if path.starts_with(&context.process.devices)) {
        return Err(Error::state(format!(
            "{} is a device: it cannot be made",
            first.path.display()
        ))
        .at(first.origin));
    }
    if context.is_answered {
        let there = context.look.exists(&first.path).map_err(|error| {
            Error::host(format!(
                "could not look for {}: {error}",
                first.path.display()
            ))
        })?;
        if there {
            let refusal = disk::exists(&first.path);
            let mut error = Error::new(refusal.kind, refusal.what).at(first.origin);
            error.help.extend(refusal.help);
            return Err(error);
        }
        match &vm.volume {
            Volume::Zfs(dataset) => refuse_dataset(context, vm, dataset)?,
            Volume::File(path) => refuse_directory(context, path, vm)?,
        }
    }
    Ok(disk::plan(vm, &first.path, size, allocation))
}

/// Refuses where the parent is missing, or the volume is there without a device node.
fn refuse_dataset(context: &mut Context<'_>, vm: &Vm, dataset: &Dataset) -> Result<()> {
    let origin = vm.disks.first().and_then(|disk| disk.origin);
    let Some(parent) = dataset.parent() else {
        return Err(Error::config(format!("{dataset} is a pool, not a volume in one")).at(origin));
    };
    match survey::try_answer(context.look, &zfs::children(&parent))? {
        Ok(names) if names.lines().any(|name| name == dataset.as_str()) => Err(Error::host(
            format!("dataset {dataset} exists already, without a device node"),
        )
        .at(origin)
        .help(format!(
            "look at its type and volmode: zfs get type,volmode {dataset}"
        ))),
        Ok(_) => Ok(()),
        Err(error) => {
            let mut missing =
                Error::host(format!("ZFS dataset {parent} cannot hold the disk")).at(origin);
            missing.notes = error.notes;
            Err(missing.help(format!(
                "create it as root: zfs create -o mountpoint=none {parent}"
            )))
        }
    }
}

fn refuse_directory(context: &mut Context<'_>, path: &Path, vm: &Vm) -> Result<()> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    let there = context.look.exists(parent).map_err(|error| {
        Error::host(format!("could not look for {}: {error}", parent.display()))
    })?;
    if there {
        return Ok(());
    }
    Err(
        Error::host(format!("directory {} does not exist", parent.display()))
            .at(vm.disks.first().and_then(|disk| disk.origin))
            .help(format!("create it as root: mkdir {}", parent.display())),
    )
}

/// The names and values, in the order of the manual.
fn settings(context: &Context<'_>, vm: &Vm) -> Vec<(String, OsString)> {
    let host = context
        .process
        .host_name
        .split('.')
        .next()
        .unwrap_or_default();
    let mut settings: Vec<(String, OsString)> = Vec::new();
    let mut add = |name: String, value: &OsStr| settings.push((name, value.to_owned()));
    add("host".into(), OsStr::new(host));
    add("system".into(), vm.name.as_ref());
    add(
        "con".into(),
        context
            .process
            .devices
            .join(format!("nmdm{}A", vm.id))
            .as_os_str(),
    );
    add("cpu".into(), vm.cpu.as_ref());
    add("mem".into(), vm.mem.as_ref());
    add(
        "zvol".into(),
        match &vm.volume {
            Volume::Zfs(dataset) => dataset.as_ref(),
            Volume::File(_) => OsStr::new(""),
        },
    );
    if vm.cds.first().is_none_or(|cd| cd.number != 0) {
        add("cd0".into(), OsStr::new(""));
    }
    for cd in &vm.cds {
        add(format!("cd{}", cd.number), cd.path.as_os_str());
    }
    add(
        "host_netif".into(),
        vm.shared
            .netif
            .as_ref()
            .map_or(OsStr::new(""), AsRef::as_ref),
    );
    add(
        "host_bridge".into(),
        vm.shared
            .bridge
            .as_ref()
            .map_or(OsStr::new(""), AsRef::as_ref),
    );
    for nic in &vm.nics {
        add(format!("if{}", nic.number), nic.tap.as_ref());
        add(format!("if{}_bridge", nic.number), nic.bridge.as_ref());
    }
    for disk in &vm.disks {
        add(format!("hd{}", disk.number), disk.path.as_os_str());
    }
    if let Loader::Grub(grub) = &vm.loader {
        add("grub_bootpart".into(), OsStr::new(&grub.bootpart));
        for (name, value) in [
            ("grub_install", &grub.install),
            ("grub_bootcmd", &grub.boot),
        ] {
            if let Some(value) = value {
                add(name.into(), OsStr::new(value));
            }
        }
    }
    settings
}

/// `NAME=VALUE` lines that sh can read back.
fn lines(settings: &[(String, OsString)]) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in settings {
        lines.extend_from_slice(name.as_bytes());
        lines.push(b'=');
        quote::push(&mut lines, value);
        lines.push(b'\n');
    }
    lines
}
