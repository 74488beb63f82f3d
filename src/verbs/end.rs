//! `console`, `shutdown` and `clean`: verbs for a VM that was started.

use super::{Asked, Assumption, Context, Outcome};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::invocation::options::{ConsoleArgs, DryRun, ShutdownArgs};
use crate::job::{How, Job, Whom};
use crate::model::Vm;

pub(super) fn console(context: &mut Context<'_>, vm: Vm, args: ConsoleArgs) -> Result<Outcome> {
    context.need_host(args.dry_run)?;
    let job = Job::Console { force: args.force };
    Ok(of_started(context.asked(vm, job, args.dry_run)))
}

pub(super) fn shutdown(context: &mut Context<'_>, vm: Vm, args: &ShutdownArgs) -> Result<Outcome> {
    context.need_host(args.end.dry_run)?;
    let mut vms = vec![vm];
    for name in &args.others {
        let other = context.vm_for(name, Need::End)?;
        if vms.iter().any(|vm| vm.name == other.name) {
            return Err(Error::usage(format!("{name} is named twice")));
        }
        vms.push(other);
    }
    let how = if args.end.force {
        How::Cut
    } else {
        How::Button
    };
    Ok(of_started(shut(
        context,
        vms,
        Job::Shutdown {
            whom: Whom::Named,
            how,
            quiet: args.end.quiet,
        },
        args.end.dry_run,
    )))
}

/// A request to end VMs.
pub(super) fn shut(context: &Context<'_>, vms: Vec<Vm>, job: Job, dry_run: DryRun) -> Asked {
    let mut asked = context.asked_of(vms, job, dry_run);
    asked.assumption = Assumption::Started;
    asked
}

pub(super) fn clean(context: &mut Context<'_>, vm: Vm, dry_run: DryRun) -> Result<Outcome> {
    context.need_host(dry_run)?;
    Ok(of_started(context.asked(vm, Job::Clean, dry_run)))
}

/// What is asked of a VM that was started.
fn of_started(asked: Asked) -> Outcome {
    Asked {
        assumption: Assumption::Started,
        ..asked
    }
    .into()
}
