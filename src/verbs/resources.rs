//! `resources`: every resolved setting, and with `-V` the VM's disk.

use super::{Asked, Context, Outcome, Planned, json, wants_json};
use crate::config::{lint, unsilenced};
use crate::error::Result;
use crate::invocation::options::ResourcesArgs;
use crate::job::Job;
use crate::model::Vm;
use crate::model::lines;
use crate::plan::disk::Allocation;
use crate::plan::{Action, Plan, Step};
use crate::quote;
use std::ffi::OsString;

pub(super) fn resources(
    context: &mut Context<'_>,
    mut vm: Vm,
    args: &ResourcesArgs,
) -> Result<Outcome> {
    vm.with(args.with.cpu.clone(), args.with.mem.clone());
    let settings = lines::lines(&vm, context.process.host(), &context.process.devices);
    let text = if wants_json(args.dry_run.format, args.dry_run.dry_run) {
        let table: serde_json::Map<String, serde_json::Value> = settings
            .iter()
            .map(|(name, value)| (name.clone(), value.to_string_lossy().into_owned().into()))
            .collect();
        json(&table)?.into_bytes()
    } else {
        shown(&settings)
    };
    let found = lint::of_vm(context.config, vm.name.as_str());
    let warnings = unsilenced(context.config, found);
    let show = Plan::new(vec![Step::from(Action::Print(text)).into()]);
    let Some(size) = &args.size else {
        return Ok(Outcome::Plan(Planned {
            plan: show,
            dry_run: args.dry_run.into(),
            warnings,
            ..Planned::default()
        }));
    };
    context.need_host(args.dry_run.into())?;
    let job = Job::MakeDisk {
        size: size.clone(),
        allocation: if args.sparse {
            Allocation::Sparse
        } else {
            Allocation::Full
        },
    };
    Ok(Asked {
        warnings,
        after: show,
        ..context.asked(vm, job, args.dry_run.into())
    }
    .into())
}

/// `NAME=VALUE` lines that sh can read back.
fn shown(settings: &[(String, OsString)]) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in settings {
        lines.extend_from_slice(name.as_bytes());
        lines.push(b'=');
        quote::push(&mut lines, value);
        lines.push(b'\n');
    }
    lines
}
