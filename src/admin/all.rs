//! `easy-bhyve stop-all` and `easy-bhyve autostart`: what a host does with its VMs at its own end and
//! start.

use crate::config::Config;
use crate::config::resolve;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::host::{Host, Interruption};
use crate::invocation::options::{DryRun, EndArgs};
use crate::job::{How, Whom};
use crate::model::Vm;
use crate::model::name::VmName;
use crate::process::Process;
use crate::run::{self, Output};
use crate::survey::{self, Processes, State, Traces};
use crate::tools::process::Role;
use crate::verb::Spelling;
use crate::verbs::{self, Context, Outcome};
use crate::{front, report, say};
use std::cmp::Reverse;
use std::time::Duration;

/// Ends every VM that runs, those with the highest ids first; those that run on after a while have
/// their power cut. One that is misconfigured does not keep the others running.
///
/// # Errors
/// If a question fails, or the end of the VMs; the last of the failures, once all are told.
pub fn stop(
    process: &Process,
    config: &Config,
    title: &str,
    args: EndArgs,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    let mut context = context(process, config, title, host);
    let is_answered = context.is_answered;
    context.need_host(args.dry_run)?;
    let Running { mut vms, wrong, .. } = running(&mut context)?;
    vms.sort_by_key(|vm| Reverse(vm.id));
    let how = if args.force {
        How::Cut
    } else {
        How::ButtonThenCut
    };
    if vms.is_empty() && wrong.is_empty() && !args.quiet {
        say(output, title, "no VM of the configuration is running");
    }
    let asked = verbs::shutdown_of(&context, vms, Whom::All, how, args.quiet, args.dry_run);
    let mut failure = None;
    for (name, error) in wrong {
        let what = format!("{name} runs on, since its configuration is wrong:");
        failure = Some(tell(process, config, title, &what, &error, output));
    }
    if args.dry_run.dry_run {
        crate::show_job(process, config, &asked, is_answered, host, output)?;
    } else {
        front::carry_out(process, config, &asked, host, output)?;
    }
    failure.map_or(Ok(()), Err)
}

/// The VMs of the configuration that run, start, are being loaded or freed, or may be.
#[derive(Default)]
struct Running {
    vms: Vec<Vm>,
    /// Those of them that are only being started or freed.
    supervised: Vec<VmName>,
    /// Those that cannot be ended as they are configured, and the first setting that is wrong.
    wrong: Vec<(String, Error)>,
}

fn running(context: &mut Context<'_>) -> Result<Running> {
    let mut found = Running::default();
    if !context.is_answered {
        return Ok(found);
    }
    let (at, look) = context.asking();
    let traces = Traces::ask(look, &at)?;
    if traces.is_empty() {
        return Ok(found);
    }
    let processes = Processes::ask(look, &at, &traces)?;
    let unknown = traces
        .nodes()
        .filter(|name| matches!(processes.state(name, &traces), State::Unknown));
    let busy = processes
        .busy()
        .map(|(name, _, role)| (name, role == Role::Supervised));
    for (name, is_supervised) in busy.chain(unknown.map(|name| (name, false))) {
        if !context.config.is_vm(name) {
            continue;
        }
        match context.vm_for(name, Need::End) {
            Ok(vm) => {
                let supervised = is_supervised.then(|| vm.name.clone());
                found.supervised.extend(supervised);
                found.vms.push(vm);
            }
            Err(error) => found.wrong.push((name.to_owned(), error)),
        }
    }
    Ok(found)
}

/// Starts every VM that is to start with the host, in the order of their ids; one that fails does
/// not stop the others.
///
/// # Errors
/// The last of the failures, once all are told.
pub fn start(
    process: &Process,
    config: &Config,
    title: &str,
    dry_run: DryRun,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    let (mut vms, mut failure) = (Vec::new(), None);
    for (name, vm) in resolve::autostarting(config, Spelling::Word, &process.devices)? {
        match vm {
            Ok(vm) if vm.policy.autostart => vms.push(vm),
            Ok(_) => {}
            Err(error) if dry_run.dry_run => return Err(error),
            Err(error) => {
                let what = format!("{name} is not started, since its configuration is wrong:");
                failure = Some(tell(process, config, title, &what, &error, output));
            }
        }
    }
    vms.sort_by_key(|vm| vm.id);
    if vms.is_empty() && failure.is_none() {
        say(output, title, "no VM has autostart=YES");
    }
    let running = running(&mut context(process, config, title, host))?;
    // Whether one that has only its supervisor starts or ends is told by its boot.
    let is_running = |vm: &Vm| {
        running.vms.iter().any(|other| other.name == vm.name)
            && !running.supervised.contains(&vm.name)
    };
    let last = vms.len();
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
            let what = format!("{name} was not started:");
            failure = Some(tell(process, config, title, &what, &error, output));
        }
        if !dry_run.dry_run && at + 1 < last {
            host.pause(delay);
        }
    }
    failure.map_or(Ok(()), Err)
}

/// Tells a failure that does not keep the others from their turn; it is one that was told then.
fn tell(
    process: &Process,
    config: &Config,
    title: &str,
    what: &str,
    error: &Error,
    output: &mut Output<'_>,
) -> Error {
    say(output, title, what);
    if !error.is_said() {
        let text = report::render(error, title, Some(config), process.colour);
        let _ = output.err.write_all(text.as_bytes());
    }
    Error::said(error.kind)
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
