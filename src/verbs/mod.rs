//! The verbs: each asks the host what it must know, refuses what cannot be, and returns a plan or
//! a text.

mod end;
mod history;
mod resources;
mod snapshots;
mod start;

use crate::config::{Config, Finding};
use crate::error::{Error, Result};
use crate::host::Look;
use crate::invocation::Work;
use crate::invocation::options::{DryRun, Format};
use crate::model::Vm;
use crate::model::name::{Dataset, VmName};
use crate::model::{Volume, resolve};
use crate::plan::Plan;
use crate::process::Process;
use crate::survey::{self, State, Surroundings};
use crate::verb::{Spelling, Verb};

/// What a verb has to work with.
pub struct Context<'run> {
    /// What surrounds the run.
    pub process: &'run Process,
    /// The configuration.
    pub config: &'run Config,
    /// The host, for questions.
    pub look: &'run mut dyn Look,
    /// Whether the host can answer: it is FreeBSD.
    pub is_answered: bool,
    /// How the user calls verbs.
    pub spelling: Spelling,
}

/// What a verb wants done.
#[derive(Debug)]
pub enum Outcome {
    /// A plan to carry out, or to show.
    Plan(Planned),
    /// A text for standard output.
    Text(String),
    /// A text from which something is missing, and why.
    Partly(String, Error),
}

/// A plan with what goes with it.
#[derive(Debug, Default)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// Whether and how it is only shown.
    pub dry_run: DryRun,
    /// What looks wrong in the configuration.
    pub warnings: Vec<Finding>,
    /// What is said on standard error beforehand.
    pub notes: Vec<String>,
    /// What a preview on a host that cannot be asked takes for granted.
    pub assumption: Assumption,
    /// What is said on standard error when it is done.
    pub done: Option<String>,
}

/// What a preview on a host that is not FreeBSD takes for granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Assumption {
    /// A freshly booted host.
    #[default]
    FreshlyBooted,
    /// A host on which the VM runs, or has run.
    Started,
}

impl Assumption {
    /// As a remark.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FreshlyBooted => {
                "this is not FreeBSD: the plan is the one for a freshly booted host"
            }
            Self::Started => {
                "this is not FreeBSD: the plan is the one for a host on which the VM was started"
            }
        }
    }
}

/// Does what was asked for the VM of that name, as far as planning goes.
///
/// # Errors
/// What is wrong with the configuration, the VM's state, or the host.
pub fn serve(context: &mut Context<'_>, name: &str, work: Work) -> Result<Outcome> {
    let vm = resolve::vm(
        context.config,
        name,
        context.spelling,
        &context.process.devices,
    )?;
    match work {
        Work::Install(args) => start::install(context, vm, args),
        Work::Boot(args) => start::boot(context, vm, args),
        Work::Ttyboot(args) => start::ttyboot(context, vm, args),
        Work::Console(args) => end::console(context, &vm, args),
        Work::Shutdown(args) => end::shutdown(context, &vm, args),
        Work::Clean(args) => end::clean(context, &vm, args),
        Work::Resources(args) => resources::resources(context, vm, &args),
        Work::Snapshot(args) => snapshots::snapshot(context, &vm, &args),
        Work::Rollback(args) => snapshots::rollback(context, &vm, &args),
        Work::Clone(args) => snapshots::clone(context, &vm, &args),
        Work::History(format) => history::history(context, &vm, format),
    }
}

impl Context<'_> {
    /// Refuses a real run on a host that is not FreeBSD; a dry run goes on.
    fn need_host(&self, dry_run: DryRun) -> Result<()> {
        if self.is_answered || dry_run.dry_run {
            Ok(())
        } else {
            Err(not_freebsd(self.look)
                .help("-d shows what would be done on a freshly booted FreeBSD host"))
        }
    }

    /// The surroundings and the host at once, for a question.
    pub fn asking(&mut self) -> (Surroundings<'_>, &mut dyn Look) {
        (
            Surroundings {
                devices: &self.process.devices,
                uid: self.process.uid,
            },
            &mut *self.look,
        )
    }
}

/// The VM's volume, for a verb that needs one.
fn volume(vm: &Vm, verb: Verb) -> Result<&Dataset> {
    match &vm.volume {
        Volume::Zfs(dataset) => Ok(dataset),
        Volume::File(path) => Err(Error::state(format!(
            "{verb} needs a ZFS volume, and the disk of {} is {}",
            vm.name,
            path.display()
        ))
        .at(vm.disks.first().and_then(|disk| disk.origin))
        .help("a volume is made where volroot names a ZFS dataset, for example volroot=zroot/vm")),
    }
}

/// The refusal where the host is not FreeBSD.
fn not_freebsd(look: &dyn Look) -> Error {
    Error::host("this is not FreeBSD, so there is no bhyve to talk to")
        .note(format!("kldstat is nowhere along {}", look.search_path()))
}

/// A line about the disks that a ZFS verb leaves alone.
fn other_disks(vm: &Vm) -> Option<String> {
    let others: Vec<String> = vm
        .disks
        .iter()
        .skip(1)
        .map(|disk| format!("hd{} ({})", disk.number, disk.path.display()))
        .collect();
    (!others.is_empty()).then(|| format!("only hd0 is concerned, not {}", others.join(", ")))
}

/// Other VMs of the configuration that have a VM node and one of the disks of `vm`.
fn rivals(context: &mut Context<'_>, vm: &Vm) -> Result<Vec<VmName>> {
    if !context.is_answered {
        return Ok(Vec::new());
    }
    let nodes = survey::Nodes::ask(context.look, &context.process.devices)?;
    let mut rivals = Vec::new();
    for name in nodes.names().filter(|name| *name != vm.name.as_str()) {
        // A VM of somebody else's, or one that is misconfigured, is not known to have a disk.
        let Ok(other) = resolve::vm(
            context.config,
            name,
            context.spelling,
            &context.process.devices,
        ) else {
            continue;
        };
        if other
            .disks
            .iter()
            .any(|disk| vm.disks.iter().any(|ours| ours.path == disk.path))
        {
            rivals.push(other.name);
        }
    }
    Ok(rivals)
}

/// Refuses where another VM that runs, or may run, has one of our disks.
///
/// Differs: A disk that another running VM has is refused, for `rollback` and for `clone` from now,
/// too
fn refuse_rival(vm: &Vm, rival: &VmName, state: State<'_>) -> Result<()> {
    let how = match state {
        State::Stopped | State::LeftOver => return Ok(()),
        State::Busy(process, role) => process.does(role),
        State::Unknown => {
            return Err(survey::unknown(rival).note(format!("{rival} has a disk of {}", vm.name)));
        }
    };
    Err(
        Error::state(format!("{rival} has a disk of {} and {how}", vm.name))
            .at(vm.disks.first().and_then(|disk| disk.origin))
            .note("what two VMs do to one disk destroys it")
            .help(format!(
                "end {rival} first, or give {} a disk of its own",
                vm.name
            )),
    )
}

/// A value as `--format json` shows it.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn json(value: &impl serde::Serialize) -> Result<String> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::host(format!("could not write JSON: {error}")))?;
    text.push('\n');
    Ok(text)
}

/// Whether the result is wanted as data, and not the plan.
fn wants_json(format: Option<Format>, dry_run: bool) -> bool {
    format == Some(Format::Json) && !dry_run
}
