//! Starts a VM: `boot`, and its variants `ttyboot` and `install`.

pub mod install;
pub(super) mod loader;
pub mod network;
pub mod plan;
pub mod temp;
pub mod ttyboot;
pub mod vlan;

use super::context::{Asked, Context, Outcome, rivals};
use super::options::{DryRun, Override};
use super::plan_context::PlanContext;
use super::refuse::media::{refuse_blank, refuse_disks, refuse_missing};
use super::refuse::refuse_host;
use super::refuse::state;
use super::snapshot;
use super::wire::{self, Options, Words};
use super::{Attachment, Job, Locks, Operation, Planned, Request, RootJob};
use crate::config::resolve;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::{SnapName, VmName};
use crate::model::size::MemSize;
use crate::survey::Survey;
use crate::survey::record::Record;
use crate::verb::Verb;
use loader::Source;
use plan::Start;

/// Options of `boot`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d, -c, -m, -p
    #[command(flatten)]
    pub start: ttyboot::Args,
    /// Boot on this terminal: the same as ttyboot
    #[arg(short = 't', long, conflicts_with = "console")]
    pub tty: bool,
    /// Connect this terminal to the console before the loader starts; ~. leaves
    #[arg(long)]
    pub console: bool,
    /// Take a snapshot first, and roll back to it when the VM ends
    #[arg(short = 'T', long)]
    pub temp: bool,
}

impl Operation for Args {
    const NEED: Need = Need::Boot;

    fn given(&self) -> Option<&Override> {
        Some(&self.start.start.with)
    }

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        let source = source(&vm, self.start.pause)?;
        let temp = temp(context, self.temp)?;
        // Differs: `boot -t` is `ttyboot`
        if self.tty {
            return terminal(context, vm, &self.start, temp);
        }
        // A user must type at the prompt.
        let is_attended = self.console || source == Source::Prompt;
        // An attended boot reports the state of the VM when the user leaves the console.
        let done = (!is_attended).then(|| vm.running_note(context.process.is_over_ssh()));
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
        let dry_run = self.start.start.dry_run;
        let asked = start(context, vm, dry_run, boot)?;
        Ok(Asked { done, ..asked }.into())
    }
}

fn terminal(
    context: &mut Context<'_>,
    vm: Vm,
    args: &ttyboot::Args,
    temp: Option<SnapName>,
) -> Result<Outcome> {
    let boot = Boot {
        start: Start::Terminal,
        source: source(&vm, args.pause)?,
        waits: false,
        temp,
    };
    let dry_run = args.start.dry_run;
    start(context, vm, dry_run, boot).map(Outcome::from)
}

/// A boot without options.
///
/// # Errors
/// If the configuration is wrong.
pub fn in_background(context: &mut Context<'_>, vm: Vm, dry_run: DryRun) -> Result<Asked> {
    let done = format!("{} is running", vm.name);
    let boot = Boot {
        start: Start::Background,
        source: Source::Disk,
        waits: false,
        temp: None,
    };
    let asked = start(context, vm, dry_run, boot)?;
    Ok(Asked {
        done: Some(done),
        ..asked
    })
}

/// The source of the guest's kernel: the disk, or with `-p` the commands typed at grub's prompt.
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
        .help(format!(
            "press a key at the menu of {} instead",
            loader.name
        ))),
    }
}

/// The name of the snapshots for a temporary run (`-T`).
fn temp(context: &Context<'_>, is_wanted: bool) -> Result<Option<SnapName>> {
    is_wanted
        .then(|| {
            snapshot::name(
                context.process.clock.now(),
                &[snapshot::TEMPORARY.to_owned()],
            )
        })
        .transpose()
}

pub(super) fn start(
    context: &mut Context<'_>,
    vm: Vm,
    dry_run: DryRun,
    job: impl Into<Job>,
) -> Result<Asked> {
    context.need_host(dry_run)?;
    resolve::refuse_shared_id(context.config, &vm)?;
    let rivals = rivals(context, &vm)?;
    Ok(context.asked(vm, job, dry_run).with_rivals(rivals))
}

/// How a VM is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// In the background, on the terminal, or as an installation.
    pub start: Start,
    /// Where its guest is loaded from.
    pub source: Source,
    /// Whether the supervisor waits for the caller's permission before it loads the guest.
    pub waits: bool,
    /// The name of the snapshots to which the disks are rolled back when the VM ends.
    pub temp: Option<SnapName>,
}

impl Boot {
    /// How to leave a VM that uses the terminal, which has no key for this: its guest gets all of them.
    pub fn how_to_leave(&self, vm: &Vm) -> Option<String> {
        matches!(self.start, Start::Terminal | Start::Install).then(|| {
            format!(
                "{} uses this terminal until it ends: shut the guest down, or on another terminal: {}",
                vm.name,
                vm.command(Verb::Shutdown)
            )
        })
    }
}

impl RootJob for Boot {
    const VERB: &'static str = "boot";
    const DOES: &'static str = "is being started";

    fn has(verb: &str) -> bool {
        Start::of(verb).is_some()
    }

    fn verb(&self) -> &'static str {
        self.start.verb()
    }

    fn locks(&self) -> Locks {
        Locks::VmAndDisks
    }

    fn attachment(&self) -> Attachment {
        match self.start {
            Start::Background => Attachment::Background,
            Start::Attended | Start::Terminal | Start::Install => Attachment::Supervisor,
        }
    }

    fn write(&self, words: &mut Words) {
        words.flag("pause", self.source == Source::Prompt);
        words.flag("waits", self.waits);
        if let Some(temp) = &self.temp {
            words.add("temp", temp.as_str());
        }
    }

    fn parse(verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let start = Start::of(verb).ok_or_else(|| wire::unknown(verb))?;
        // An option that this start does not have stays unread, and is refused as unknown.
        let (source, temp) = match start {
            Start::Install => (Source::Cd, None),
            Start::Background | Start::Attended | Start::Terminal => {
                let source = if options.flag("pause")? {
                    Source::Prompt
                } else {
                    Source::Disk
                };
                (source, options.parsed("temp", SnapName::parse)?)
            }
        };
        let waits = start == Start::Background && options.flag("waits")?;
        Ok(Self {
            start,
            source,
            waits,
            temp,
        })
    }

    /// Differs: Everything is checked before anything is touched
    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let (vm, rivals) = (request.vm()?, &request.rivals);
        let mut notes = Vec::new();
        let survey = if context.is_freebsd {
            let (at, look) = context.asking();
            let survey = Survey::for_boot(look, &at, vm, rivals)?;
            state::refuse_busy_state(vm, survey.state(&vm.name))?;
            notes = refuse(context, vm, rivals, &survey, self.source)?;
            notes.extend(memory_note(context, vm, &survey));
            survey
        } else {
            Survey::fresh(context.devices())
        };
        notes.extend(network::refuse(vm, &survey)?);
        let without_trace = match &self.temp {
            Some(name) => temp::disks(vm, context.devices(), name)?,
            None => Vec::new(),
        };
        Ok(Planned {
            plan: plan::plan(
                vm,
                self.start,
                self.source,
                &survey,
                &context.process.scratch_of(&vm.name),
                &without_trace,
            ),
            notes,
            ..Planned::default()
        })
    }
}

/// The note about a VM that, with the VMs that run, has more memory than the host.
fn memory_note(context: &mut PlanContext<'_>, vm: &Vm, survey: &Survey) -> Option<String> {
    let host = survey.kernel.memory?;
    let others = survey.traces.nodes().filter_map(|name| {
        let other = VmName::parse(name).ok().filter(|name| *name != vm.name)?;
        let record = Record::of(context.look, &context.process.run, &other)?;
        Some(MemSize::parse(&record.mem?).ok()?.bytes())
    });
    let sum = others.fold(vm.mem.bytes(), u64::saturating_add);
    let mib = |bytes: u64| bytes >> 20;
    (sum > host).then(|| {
        let who = match vm.mem.bytes() {
            own if own == sum => vm.name.to_string(),
            _ => format!("the VMs that run and {} together", vm.name),
        };
        format!(
            "the memory of {who} is {}M, and this host has {}M: it may swap, or end a guest",
            mib(sum),
            mib(host),
        )
    })
}

/// Refuses a start for every reason except the VM's state and its network. Returns notes about the
/// VM's disks.
pub(super) fn refuse(
    context: &mut PlanContext<'_>,
    vm: &Vm,
    rivals: &[VmName],
    survey: &Survey,
    source: Source,
) -> Result<Vec<String>> {
    for rival in rivals {
        state::refuse_rival(vm, rival, survey.state(rival))?;
    }
    let with_cds = source == Source::Cd;
    refuse_missing(context, vm, with_cds)?;
    let notes = refuse_disks(context, vm, with_cds)?;
    if source == Source::Disk {
        refuse_blank(context, vm)?;
    }
    refuse_host(vm, &survey.kernel)?;
    Ok(notes)
}
