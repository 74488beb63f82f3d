//! `easy-bhyve stop-all` and `easy-bhyve autostart`: what a host does with its VMs at its own end and
//! start.

use crate::config::Config;
use crate::error::{Error, Result};
use crate::host::{Host, Interruption};
use crate::invocation::options::{DryRun, EndArgs};
use crate::job::How;
use crate::model::{Vm, resolve};
use crate::process::Process;
use crate::run::{self, Output};
use crate::survey::{self, Nodes, Processes, State};
use crate::verb::Spelling;
use crate::verbs::{self, Context, Outcome, Planned};
use crate::{front, say};
use std::time::Duration;

/// The request that ends every VM that runs, those with the highest ids first; those that run on
/// after a while have their power cut.
///
/// # Errors
/// If a question fails.
pub fn stop(context: &mut Context<'_>, args: EndArgs) -> Result<Outcome> {
    context.need_host(args.dry_run)?;
    let mut vms = running(context)?;
    vms.sort_by_key(|vm| std::cmp::Reverse(vm.id));
    if vms.is_empty() {
        return Ok(Outcome::Plan(Planned {
            dry_run: args.dry_run,
            done: (!args.quiet).then(|| "no VM is running".to_owned()),
            ..Planned::default()
        }));
    }
    let how = if args.force {
        How::Cut
    } else {
        How::ButtonThenCut
    };
    Ok(verbs::shutdown_of(
        context,
        vms,
        how,
        args.quiet,
        args.dry_run,
    ))
}

/// The VMs of the configuration that run, start or are being loaded.
fn running(context: &mut Context<'_>) -> Result<Vec<Vm>> {
    if !context.is_answered {
        return Ok(Vec::new());
    }
    let (at, look) = context.asking();
    let nodes = Nodes::ask(look, at.devices)?;
    if nodes.is_empty() {
        return Ok(Vec::new());
    }
    let processes = Processes::ask(look, &at, &nodes)?;
    let mut vms = Vec::new();
    for name in nodes.names() {
        if matches!(processes.state(name, &nodes), State::Busy(..)) && context.config.is_vm(name) {
            vms.push(resolve::vm(
                context.config,
                name,
                context.spelling,
                &context.process.devices,
            )?);
        }
    }
    Ok(vms)
}

/// Starts every VM that is to start with the host, in the order of their ids; one that fails does
/// not stop the others.
///
/// # Errors
/// The first failure, when all have been tried.
pub fn start(
    process: &Process,
    config: &Config,
    title: &str,
    dry_run: DryRun,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    let mut vms = resolve::all(config, Spelling::Word, &process.devices)?
        .filter(|vm| vm.as_ref().map_or(true, |vm| vm.policy.autostart))
        .collect::<Result<Vec<Vm>>>()?;
    vms.sort_by_key(|vm| vm.id);
    if vms.is_empty() {
        say(output, title, "no VM has autostart=YES");
    }
    let running = running(&mut context(process, config, title, host))?;
    let is_running = |vm: &Vm| running.iter().any(|other| other.name == vm.name);
    let (mut first, last) = (None, vms.len());
    for (at, vm) in vms.into_iter().enumerate() {
        if let Some(Interruption::Signal(signal)) = host.interrupted() {
            return Err(Error::host(run::interrupted_by(signal)));
        }
        if is_running(&vm) {
            say(output, title, &format!("{} is running already", vm.name));
            continue;
        }
        let delay = Duration::from_secs(vm.policy.autostart_delay.0.into());
        let name = vm.name.to_string();
        if let Err(error) = start_one(process, config, title, vm, dry_run, host, output) {
            if dry_run.dry_run {
                return Err(error);
            }
            say(output, title, &format!("{name} was not started: {error}"));
            first = first.or(Some(error));
        }
        if !dry_run.dry_run && at + 1 < last {
            host.pause(delay);
        }
    }
    first.map_or(Ok(()), Err)
}

fn context<'run>(
    process: &'run Process,
    config: &'run Config,
    title: &'run str,
    host: &'run mut dyn Host,
) -> Context<'run> {
    Context {
        process,
        config,
        is_answered: survey::is_freebsd(host),
        look: host,
        spelling: Spelling::Word,
        title,
    }
}

fn start_one(
    process: &Process,
    config: &Config,
    title: &str,
    vm: Vm,
    dry_run: DryRun,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    let mut context = context(process, config, title, host);
    let is_answered = context.is_answered;
    match verbs::boot_of(&mut context, vm, dry_run)? {
        Outcome::Job(asked) if dry_run.dry_run => {
            crate::show_job(process, config, &asked, is_answered, host, output)
        }
        Outcome::Job(asked) => front::carry_out(process, config, &asked, host, output),
        Outcome::Plan(_) | Outcome::Text(_) | Outcome::Partly(..) => {
            Err(Error::host("a boot is no job"))
        }
    }
}
