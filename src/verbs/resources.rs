//! `resources`: every resolved setting, and with `-V` the VM's disk.

use super::{Asked, Context, Outcome, Planned, json, wants_json};
use crate::config::lines::{self, Line};
use crate::config::{lint, unsilenced};
use crate::error::Result;
use crate::invocation::options::ResourcesArgs;
use crate::job::Job;
use crate::model::Vm;
use crate::plan::disk::Allocation;
use crate::plan::{Action, Plan, Step};
use crate::quote;

pub(super) fn resources(
    context: &mut Context<'_>,
    vm: Vm,
    args: &ResourcesArgs,
) -> Result<Outcome> {
    let mut settings = lines::lines(&vm, context.process.host(), &context.process.devices);
    settings.retain(|line| args.all || !line.is_usual);
    let text = if wants_json(args.dry_run.format, args.dry_run.dry_run) {
        let table: serde_json::Map<String, serde_json::Value> = settings
            .iter()
            .map(|line| {
                let value = line.value.to_string_lossy().into_owned();
                (line.name.clone(), value.into())
            })
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
fn shown(settings: &[Line]) -> Vec<u8> {
    let mut lines = Vec::new();
    for line in settings {
        lines.extend_from_slice(line.name.as_bytes());
        lines.push(b'=');
        quote::push(&mut lines, &line.value);
        lines.push(b'\n');
    }
    lines
}
