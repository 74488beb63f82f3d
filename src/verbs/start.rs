//! `install`, `boot` and `ttyboot`.

use super::{Context, Outcome, Planned, rivals};
use crate::error::{Error, Origin, Result};
use crate::invocation::options::{BootArgs, StartArgs, TtybootArgs};
use crate::locate;
use crate::model::{Loader, Vm, resolve};
use crate::plan::boot::{self, Start};
use crate::plan::loader::Source;
use crate::plan::network;
use crate::survey::{self, State, Survey};
use crate::tools::process::Role;
use crate::verb::Verb;
use std::path::Path;

pub(super) fn install(context: &mut Context<'_>, vm: Vm, args: StartArgs) -> Result<Outcome> {
    if vm.install_cd().is_none() {
        return Err(Error::config(format!(
            "{} has no {}_cd0, so there is nothing to install from",
            vm.name, vm.name
        ))
        .help(format!(
            "set it in {}: {}_cd0=/path/to/an.iso",
            locate::main_file(context.config).display(),
            vm.name
        )));
    }
    start(context, vm, args, Start::Install, Source::Cd)
}

pub(super) fn boot(context: &mut Context<'_>, vm: Vm, args: BootArgs) -> Result<Outcome> {
    if args.tty {
        return ttyboot(context, vm, args.start);
    }
    let source = source(&vm, &args.start)?;
    start(context, vm, args.start.start, Start::Background, source)
}

pub(super) fn ttyboot(context: &mut Context<'_>, vm: Vm, args: TtybootArgs) -> Result<Outcome> {
    let source = source(&vm, &args)?;
    start(context, vm, args.start, Start::Terminal, source)
}

fn source(vm: &Vm, args: &TtybootArgs) -> Result<Source> {
    match (args.pause, &vm.loader) {
        (false, _) => Ok(Source::Disk),
        (true, Loader::Grub(_)) => Ok(Source::Prompt),
        (true, Loader::Bhyveload) => Err(Error::usage(format!(
            "-p stops at grub's prompt, and {} is loaded by bhyveload",
            vm.name
        ))
        .help("press a key at bhyveload's own menu instead")),
    }
}

fn start(
    context: &mut Context<'_>,
    mut vm: Vm,
    args: StartArgs,
    start: Start,
    source: Source,
) -> Result<Outcome> {
    context.need_host(args.dry_run)?;
    vm.with(args.with.cpu, args.with.mem);
    resolve::refuse_shared_id(context.config, &vm)?;
    let survey = if context.is_answered {
        let rivals = rivals(context, &vm)?;
        let (at, look) = context.asking();
        let survey = Survey::for_boot(look, &at, &vm, &rivals)?;
        survey::refuse_busy_state(&vm, survey.state(&vm.name))?;
        for rival in &rivals {
            refuse_rival(&vm, rival.as_str(), survey.state(rival))?;
        }
        refuse_missing(context, &vm, source)?;
        if survey.kernel.is_amd64 == Some(false) {
            return Err(Error::host(
                "bhyveload and grub-bhyve are made for amd64 only, and this host is another",
            )
            .help("there is no other loader here yet"));
        }
        survey
    } else {
        Survey::fresh(&context.process.devices)
    };
    network::refuse(&vm, &survey)?;
    let plan = boot::plan(&vm, start, source, &survey, &context.process.scratch);
    Ok(Outcome::Plan(Planned {
        plan,
        dry_run: args.dry_run,
        done: (start == Start::Background).then(|| {
            format!(
                "{} is running; {} connects to its console, ~. leaves it",
                vm.name,
                vm.command(Verb::Console)
            )
        }),
        ..Planned::default()
    }))
}

/// Refuses where another VM that runs, or may run, has one of our disks.
fn refuse_rival(vm: &Vm, rival: &str, state: State<'_>) -> Result<()> {
    let how = match state {
        State::Stopped | State::LeftOver => return Ok(()),
        State::Busy(process, Role::Running | Role::Starting) => {
            format!("is running (pid {})", process.pid)
        }
        State::Busy(process, Role::Loading) => format!("is being loaded (pid {})", process.pid),
        State::Unknown => "may be running: it has a VM node, and processes are hidden".to_owned(),
    };
    Err(
        Error::state(format!("{rival} has a disk of {} and {how}", vm.name))
            .note("two VMs on one disk destroy what is on it")
            .help(format!(
                "end {rival} first, or give {} a disk of its own",
                vm.name
            )),
    )
}

/// Refuses where a disk, or for an installation an ISO image, is not there.
fn refuse_missing(context: &mut Context<'_>, vm: &Vm, source: Source) -> Result<()> {
    for disk in &vm.disks {
        if !exists(context, &disk.path)? {
            let error = missing("disk", &disk.path, disk.origin.as_ref());
            return Err(match disk.number {
                0 => error.help(format!("create it: {} -V 20G", vm.command(Verb::Resources))),
                _ => error,
            });
        }
    }
    for cd in vm.cds.iter().filter(|_| source == Source::Cd) {
        if !exists(context, &cd.path)? {
            return Err(missing("ISO image", &cd.path, cd.origin.as_ref()));
        }
    }
    Ok(())
}

fn missing(kind: &str, path: &Path, origin: Option<&Origin>) -> Error {
    Error::host(format!("{kind} {} does not exist", path.display())).at(origin)
}

fn exists(context: &mut Context<'_>, path: &Path) -> Result<bool> {
    context
        .look
        .exists(path)
        .map_err(|error| Error::host(format!("could not look for {}: {error}", path.display())))
}
