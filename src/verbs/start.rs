//! `install`, `boot` and `ttyboot`.

use super::{Context, Outcome, Planned, refuse_rival, rivals};
use crate::config::Span;
use crate::error::{Error, Result};
use crate::invocation::options::{BootArgs, StartArgs, TtybootArgs};
use crate::locate;
use crate::model::{Loader, Vm, resolve};
use crate::plan::boot::{self, Start};
use crate::plan::loader::Source;
use crate::plan::network;
use crate::survey::{self, Survey};
use crate::tools::sysctl::Kernel;
use crate::verb::Verb;
use std::path::Path;

pub(super) fn install(context: &mut Context<'_>, vm: Vm, args: StartArgs) -> Result<Outcome> {
    if vm.install_cd().is_none() {
        let id = context.config.id_of(vm.name.as_str());
        return Err(Error::config(format!(
            "{0} has no {0}_cd0, so there is nothing to install from",
            vm.name
        ))
        .at(id.map(|id| id.value_span))
        .help(format!(
            "set it in {}: {}_cd0=/path/to/an.iso",
            locate::main_file(context.config).display(),
            vm.name
        )));
    }
    if matches!(vm.loader, Loader::Grub(_)) {
        vm.cds
            .iter()
            .try_for_each(|cd| resolve::refuse_blank(&cd.path, cd.origin))?;
    }
    start(context, vm, args, Start::Install, Source::Cd)
}

pub(super) fn boot(context: &mut Context<'_>, vm: Vm, args: BootArgs) -> Result<Outcome> {
    // Differs: `boot -t` is `ttyboot`
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

/// From where the guest is loaded: its disk, with `-p` by hand at grub's prompt.
///
/// Differs: `-p` keeps grub's root, and is refused for a VM that bhyveload loads
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

/// The plan of a start, once it is sure that nothing known stands in its way.
///
/// Differs: Everything is checked before anything is touched
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
            refuse_rival(&vm, rival, survey.state(rival))?;
        }
        refuse_missing(context, &vm, source)?;
        refuse_host(&vm, &survey.kernel)?;
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

/// Refuses what this host cannot run, or not so that its caller could see it.
fn refuse_host(vm: &Vm, kernel: &Kernel) -> Result<()> {
    if kernel.is_amd64 == Some(false) {
        return Err(Error::host(
            "bhyveload and grub-bhyve are made for amd64 only, and this host is another",
        )
        .help("there is no other loader here yet"));
    }
    // Without the limit of the module: 13 had a fixed one (`usr.sbin/bhyve/bhyverun.c`).
    let fixed = kernel
        .osreldate
        .filter(|&release| release < 1_400_000)
        .map(|_| 16);
    // Differs: More cpus than the host gives a VM are refused before anything is touched
    if let Some(most) = kernel.max_cpus.or(fixed)
        && vm.cpu.count() > most
    {
        return Err(Error::config(format!(
            "{} has {} cpus, and this host gives a VM at most {most}",
            vm.name,
            vm.cpu.count()
        ))
        .help(format!("set {}_cpu={most} or less, or -c {most}", vm.name)));
    }
    // Differs: Who cannot see root's processes starts nothing
    if kernel.hides_root {
        return Err(Error::host(format!(
            "could not tell whether {} would start: root's processes are hidden from you",
            vm.name
        ))
        .note("security.bsd.see_other_uids or see_other_gids is 0")
        .help("start it as root"));
    }
    Ok(())
}

/// Refuses where a disk, or for an installation an ISO image, is not there.
fn refuse_missing(context: &mut Context<'_>, vm: &Vm, source: Source) -> Result<()> {
    for disk in &vm.disks {
        if !exists(context, &disk.path)? {
            let error = missing("disk", &disk.path, disk.origin);
            return Err(match disk.number {
                0 => error.help(format!("create it: {} -V 20G", vm.command(Verb::Resources))),
                number => error.help(format!("create it, or correct {}_hd{number}", vm.name)),
            });
        }
    }
    for cd in vm.cds.iter().filter(|_| source == Source::Cd) {
        if !exists(context, &cd.path)? {
            return Err(missing("ISO image", &cd.path, cd.origin)
                .help(format!("fetch it, or correct {}_cd{}", vm.name, cd.number)));
        }
    }
    Ok(())
}

fn missing(kind: &str, path: &Path, origin: Option<Span>) -> Error {
    Error::host(format!("{kind} {} does not exist", path.display())).at(origin)
}

fn exists(context: &mut Context<'_>, path: &Path) -> Result<bool> {
    context
        .look
        .exists(path)
        .map_err(|error| Error::host(format!("could not look for {}: {error}", path.display())))
}
