//! `install`, `boot`, `ttyboot` and `restart`.

use super::{Asked, Assumption, Context, Outcome, rivals};
use crate::config::resolve;
use crate::error::{Error, Result};
use crate::invocation::options::{BootArgs, DryRun, RestartArgs, StartArgs, TtybootArgs};
use crate::job::{Boot, How, Job};
use crate::locate;
use crate::model::Vm;
use crate::model::name::SnapName;
use crate::plan::boot::Start;
use crate::plan::loader::Source;
use crate::plan::snapshot;
use crate::verb::Verb;
use crate::vis;

pub(super) fn install(context: &mut Context<'_>, vm: Vm, args: &StartArgs) -> Result<Outcome> {
    if vm.install_cd().is_none() {
        let id = context.config.id_of(vm.name.as_str());
        return Err(Error::config(format!(
            "{0} has no {0}_cd0, so there is nothing to install from",
            vm.name
        ))
        .at(id.map(|id| id.value_span))
        .help(format!(
            "set it in {}: {}_cd0=/path/to/an.iso",
            vis::shown(locate::main_file(context.config)),
            vm.name
        )));
    }
    let done = format!(
        "once it is installed, start {}: {}",
        vm.name,
        vm.command(Verb::Boot)
    );
    let boot = Boot {
        start: Start::Install,
        source: Source::Cd,
        waits: false,
        temp: None,
    };
    let asked = start(context, vm, args.dry_run, Job::Start(boot))?;
    Ok(Asked {
        done: Some(done),
        ..asked
    }
    .into())
}

pub(super) fn boot(context: &mut Context<'_>, vm: Vm, args: &BootArgs) -> Result<Outcome> {
    let source = source(&vm, args.start.pause)?;
    let temp = temp(context, args.temp)?;
    // Differs: `boot -t` is `ttyboot`
    if args.tty {
        return terminal(context, vm, &args.start, temp);
    }
    // Somebody has to type at the prompt.
    let is_attended = args.console || source == Source::Prompt;
    // Whoever leaves the console is told what has become of the VM.
    let done = (!is_attended).then(|| vm.running_note());
    let boot = Boot {
        start: if is_attended {
            Start::Attended
        } else {
            Start::Background
        },
        source,
        waits: false,
        temp,
    };
    let dry_run = args.start.start.dry_run;
    let asked = start(context, vm, dry_run, Job::Start(boot))?;
    Ok(Asked { done, ..asked }.into())
}

pub(super) fn ttyboot(context: &mut Context<'_>, vm: Vm, args: &TtybootArgs) -> Result<Outcome> {
    terminal(context, vm, args, None)
}

pub(super) fn restart(context: &mut Context<'_>, vm: Vm, args: &RestartArgs) -> Result<Outcome> {
    let how = if args.end.force {
        How::Cut
    } else {
        How::Button
    };
    let done = (!args.end.quiet).then(|| vm.running_note());
    let asked = start(context, vm, args.end.dry_run, Job::Restart(how))?;
    Ok(Asked {
        done,
        assumption: Assumption::Started,
        ..asked
    }
    .into())
}

fn terminal(
    context: &mut Context<'_>,
    vm: Vm,
    args: &TtybootArgs,
    temp: Option<SnapName>,
) -> Result<Outcome> {
    let boot = Boot {
        start: Start::Terminal,
        source: source(&vm, args.pause)?,
        waits: false,
        temp,
    };
    let dry_run = args.start.dry_run;
    start(context, vm, dry_run, Job::Start(boot)).map(Outcome::from)
}

/// A boot without any option.
pub(super) fn in_background(context: &mut Context<'_>, vm: Vm, dry_run: DryRun) -> Result<Outcome> {
    let done = format!("{} is running", vm.name);
    let boot = Boot {
        start: Start::Background,
        source: Source::Disk,
        waits: false,
        temp: None,
    };
    let asked = start(context, vm, dry_run, Job::Start(boot))?;
    Ok(Asked {
        done: Some(done),
        ..asked
    }
    .into())
}

/// From where the guest is loaded: its disk, with `-p` by hand at grub's prompt.
///
/// Differs: `-p` keeps grub's root, and is refused for a VM that bhyveload loads
fn source(vm: &Vm, pause: bool) -> Result<Source> {
    let loader = vm.loader.facts();
    match (pause, loader.has_prompt) {
        (false, _) => Ok(Source::Disk),
        (true, true) => Ok(Source::Prompt),
        (true, false) => Err(Error::usage(format!(
            "-p stops at grub's prompt, and {} is loaded by {}",
            vm.name, loader.name
        ))
        .help(format!("press a key at {}'s own menu instead", loader.name))),
    }
}

/// The name of the snapshots for a run without a trace.
fn temp(context: &Context<'_>, is_wanted: bool) -> Result<Option<SnapName>> {
    is_wanted
        .then(|| snapshot::name(context.process.clock.now(), &["temp".to_owned()]))
        .transpose()
}

fn start(context: &mut Context<'_>, vm: Vm, dry_run: DryRun, job: Job) -> Result<Asked> {
    context.need_host(dry_run)?;
    resolve::refuse_shared_id(context.config, &vm)?;
    let rivals = rivals(context, &vm)?;
    Ok(context.asked(vm, job, dry_run).with_rivals(rivals))
}
