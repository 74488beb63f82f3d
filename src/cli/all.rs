//! `easy-bhyve stop-all` and `easy-bhyve autostart`: end VMs when the host shuts down, and start VMs
//! when it boots.

use super::preview::{self, Shown};
use super::rename::former;
use crate::config::Config;
use crate::config::resolve;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::host::Interruption;
use crate::model::Vm;
use crate::model::name::VmName;
use crate::operation::boot;
use crate::operation::context::{Asked, Assumption, Context};
use crate::operation::options::{DryRun, EndArgs, PlanFormat};
use crate::operation::shutdown::plan::Whom;
use crate::operation::shutdown::{How, Shutdown, shut, unconfigured};
use crate::plan::{Form, Plan};
use crate::report;
use crate::root::client;
use crate::run;
use crate::session::Session;
use crate::survey::{Processes, State, Traces};
use crate::tools::process::Role;
use std::cmp::Reverse;
use std::time::Duration;

/// Ends every running VM, the highest id first, and cuts the power of those that still run after the
/// time limit. A misconfigured VM is reported and skipped.
///
/// # Errors
/// If a query of the host or the end of a VM fails: the last failure, after all are reported.
pub(super) fn stop(session: &mut Session<'_, '_>, config: &Config, args: EndArgs) -> Result<()> {
    let (vms, wrong) = {
        let mut context = Context::of(session, config);
        context.need_host(args.dry_run)?;
        let found = running(&mut context)?;
        let mut vms = found.vms;
        vms.sort_by_key(|vm| Reverse(vm.id));
        let names = found.unconfigured.iter().map(VmName::as_str);
        vms.extend(unconfigured(&mut context, names)?);
        (vms, found.wrong)
    };
    let how = if args.force {
        How::Cut
    } else {
        How::ButtonThenCut
    };
    if vms.is_empty() && wrong.is_empty() && !args.quiet {
        session.say("no VM of the configuration is running");
    }
    let job = Shutdown {
        whom: Whom::All,
        how,
        quiet: args.quiet,
    };
    let asked = shut(&Context::of(session, config), vms, job, args.dry_run);
    let mut failure = None;
    for (name, error) in wrong {
        let what = format!("{name} is not shut down, because its configuration is wrong:");
        failure = Some(tell(session, config, &what, &error));
    }
    if args.dry_run.dry_run {
        preview::show_job(session, config, &asked)?;
    } else {
        client::carry_out(session, config, &asked)?;
    }
    failure.map_or(Ok(()), Err)
}

/// The VMs of the configuration that run, start, are being loaded or freed, or whose state is unknown.
#[derive(Default)]
struct Running {
    vms: Vec<Vm>,
    /// The VMs of `vms` that are being started or freed, or whose state is unknown.
    supervised: Vec<VmName>,
    /// Running VMs that are not in the configuration, by whatever program.
    unconfigured: Vec<VmName>,
    /// The VMs whose configuration is wrong, each with the first error.
    wrong: Vec<(String, Error)>,
}

fn running(context: &mut Context<'_>) -> Result<Running> {
    let mut found = Running::default();
    if !context.is_freebsd {
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
    for (name, is_supervised) in busy.chain(unknown.map(|name| (name, true))) {
        if !context.config.is_vm(name) {
            found.unconfigured.extend(VmName::parse(name));
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

/// Starts every VM with `autostart=YES`, in the order of their ids; a failure does not stop the
/// others.
///
/// # Errors
/// The last failure, after all are reported.
pub(super) fn start(session: &mut Session<'_, '_>, config: &Config, dry_run: DryRun) -> Result<()> {
    let (mut vms, mut failure) = (Vec::new(), None);
    for (name, vm) in
        resolve::autostarting(config, session.spelling.clone(), &session.process.devices)?
    {
        match vm {
            Ok(vm) if vm.policy.autostart => vms.push(vm),
            Ok(_) => {}
            Err(error) => {
                let what = format!("{name} is not started, because its configuration is wrong:");
                failure = Some(tell(session, config, &what, &error));
            }
        }
    }
    vms.sort_by_key(|vm| vm.id);
    if vms.is_empty() && failure.is_none() {
        session.say("no VM has autostart=YES");
    }
    let running = running(&mut Context::of(session, config))?;
    // For a VM that has only a supervisor, or whose process may be hidden, the boot determines whether
    // the VM starts or ends.
    let is_running = |vm: &Vm| {
        running.vms.iter().any(|other| other.name == vm.name)
            && !running.supervised.contains(&vm.name)
    };
    let last = vms.len();
    let mut shown = Plan::default();
    for (at, vm) in vms.into_iter().enumerate() {
        if let Some(Interruption::Signal(signal)) = session.host.interrupted() {
            return Err(Error::host(run::interrupted_by(signal)));
        }
        if is_running(&vm) {
            session.say(&format!("{} is already running", vm.name));
            continue;
        }
        let delay = Duration::from_secs(vm.policy.autostart_delay.0.into());
        let name = vm.name.to_string();
        let asked = boot::in_background(&mut Context::of(session, config), vm, dry_run);
        let done = asked.and_then(|asked| {
            if dry_run.dry_run {
                show_one(session, config, &asked, &mut shown)
            } else {
                client::carry_out(session, config, &asked)
                    .map_err(|error| former::explained(session, config, &asked, error))
            }
        });
        if let Err(error) = done {
            let what = format!(
                "{name} {} not started:",
                if dry_run.dry_run { "is" } else { "was" }
            );
            failure = Some(tell(session, config, &what, &error));
        }
        if at + 1 < last && !dry_run.dry_run {
            session.host.pause(delay);
        }
    }
    if !shown.forms.is_empty() || dry_run.format == Some(PlanFormat::Json) {
        let shown = Shown {
            plan: &shown,
            dry_run,
            assumption: Some(Assumption::FreshlyBooted),
        };
        preview::show(session, config, &shown)?;
    }
    failure.map_or(Ok(()), Err)
}

/// Appends what a plan does that the plans before it have not done: it was made for the same host.
fn append_needed(plan: &mut Plan, next: Plan) {
    let is_done = |form: &Form| plan.forms.contains(form);
    let forms: Vec<Form> = next
        .forms
        .into_iter()
        .filter(|form| !is_done(form))
        .collect();
    plan.append(Plan::new(forms));
}

/// Reports a failure and continues; returns an error that is marked as reported.
fn tell(session: &mut Session<'_, '_>, config: &Config, what: &str, error: &Error) -> Error {
    session.say(what);
    if !error.is_said() {
        let text = report::render(error, session.title, Some(config), session.process.colour);
        let _ = session.output.err.write_all(text.as_bytes());
    }
    Error::said(error.kind)
}

/// Shows the start of one VM as a script, or adds its plan to those that are shown together.
fn show_one(
    session: &mut Session<'_, '_>,
    config: &Config,
    asked: &Asked,
    shown: &mut Plan,
) -> Result<()> {
    if asked.dry_run.format == Some(PlanFormat::Sh) {
        return preview::show_job(session, config, asked);
    }
    let plan = preview::plan_of(session, config, asked)?;
    append_needed(shown, plan);
    Ok(())
}
