//! Starts a VM: `boot`, and its variants `ttyboot` and `install`.

pub(crate) mod image;
pub mod install;
pub(super) mod loader;
pub(super) mod look;
pub mod network;
pub mod plan;
pub(super) mod screen;
pub mod store;
pub mod temp;
pub mod ttyboot;
mod u_boot;
pub mod vlan;

use super::context::{Asked, Context, Outcome, rivals};
use super::options::{DryRun, DryRunOrTimings, Override};
use super::plan_context::PlanContext;
use super::refuse::media::{refuse_blank, refuse_disks, refuse_missing};
use super::refuse::refuse_host;
use super::refuse::state;
use super::snapshot;
use super::wire::{self, Options, Words};
use super::{Attachment, Job, Locks, Operation, Planned, Request, RootJob};
use crate::config::profile::misfits;
use crate::config::settings::Need;
use crate::config::{resolve, unsilenced};
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
    /// -d, --timings, -c, -m, -p
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
        let done = (!is_attended).then(|| {
            let running = vm.running_note(context.process.is_over_ssh());
            let note = store::where_to_look(&vm).map(|note| format!("{running}\n{note}"));
            note.unwrap_or(running)
        });
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
        let asked = start(context, vm, self.start.start.shown, boot)?;
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
    start(context, vm, args.start.shown, boot).map(Outcome::from)
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
    let asked = start(context, vm, dry_run.into(), boot)?;
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
    match (pause, loader.no_prompt) {
        (false, _) => Ok(Source::Disk),
        (true, None) => Ok(Source::Prompt),
        (true, Some(instead)) => Err(Error::usage(format!(
            "-p stops at grub's prompt, and {} {}",
            vm.name, loader.loads
        ))
        .help(instead)),
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
    shown: DryRunOrTimings,
    job: impl Into<Job>,
) -> Result<Asked> {
    let timings = shown.timings()?;
    let dry_run = DryRun::from(shown);
    context.need_host(dry_run)?;
    resolve::refuse_shared_id(context.config, &vm)?;
    let rivals = rivals(context, &vm)?;
    let profile = context.profile_of(&vm)?;
    let found = profile.map(|profile| misfits(context.config, &vm, &profile));
    let warnings = unsilenced(context.config, found.unwrap_or_default());
    Ok(Asked {
        timings,
        warnings,
        ..context.asked(vm, job, dry_run).with_rivals(rivals)
    })
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
        let mut survey = if context.is_freebsd {
            let (at, look) = context.asking();
            let survey = Survey::for_boot(look, &at, vm, rivals)?;
            state::refuse_busy_state(vm, survey.state(&vm.name))?;
            notes = refuse(context, vm, rivals, &survey, self.source)?;
            notes.extend(memory_note(context, vm, &survey));
            survey
        } else {
            Survey::fresh(context.devices())
        };
        let looked = look::begin(context, vm, self.source, false)?;
        let vm = &looked.vm.on(survey.kernel.machine);
        notes.extend(looked.notes);
        notes.extend(network::refuse(vm, &survey)?);
        notes.extend(screen::refuse(context, vm, request.uid)?);
        notes.extend(foreign_uuid(context, vm));
        let how = (self.source, self.temp.is_some());
        let mut first = store::prepare(context, vm, how, &mut survey, &mut notes)?;
        if let Some(name) = &self.temp {
            first.append(temp::plan(vm, &temp::disks(vm, context.devices(), name)?));
        }
        Ok(Planned {
            plan: plan::plan(
                vm,
                self.start,
                self.source,
                &survey,
                &context.process.scratch_of(&vm.name),
                first,
                request.uid,
            ),
            notes,
            ..Planned::default()
        })
    }
}

/// The note about a UUID that is derived where the host's is not known.
pub(super) fn foreign_uuid(context: &PlanContext<'_>, vm: &Vm) -> Option<String> {
    let is_derived = vm.uuid.is_none() && vm.uuid_on(None).is_some();
    (is_derived && !context.is_freebsd).then(|| {
        format!(
            "the UUID of {} is that of no host: on FreeBSD it also depends on kern.hostuuid",
            vm.name
        )
    })
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
    let mut notes = refuse_disks(context, vm, with_cds)?;
    if source == Source::Disk {
        refuse_blank(context, vm)?;
    }
    refuse_host(vm, &survey.kernel)?;
    notes.extend(u_boot::refuse(context, vm, &survey.kernel, source)?);
    Ok(notes)
}
