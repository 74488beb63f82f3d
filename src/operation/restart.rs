//! `restart`: ends a VM, if running, and starts the VM again in the background.

use super::boot::loader::Source;
use super::boot::plan::Start;
use super::boot::{self, network, store};
use super::context::{Asked, Assumption, Context, Outcome};
use super::options::{Override, StartArgs};
use super::plan_context::PlanContext;
use super::shutdown::plan::Whom;
use super::shutdown::{How, ending};
use super::wire::{Options, Words};
use super::{Attachment, Locks, Operation, Planned, Request, RootJob};
use crate::config::settings::Need;
use crate::error::Result;
use crate::model::Vm;
use crate::plan::Plan;
use crate::survey::{State, Survey};
use crate::verb::Verb;

/// Options of `restart`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d, --timings, -c, -m
    #[command(flatten)]
    pub start: StartArgs,
    /// Cut the power instead of pressing the power button
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Do not report progress
    #[arg(short = 'q', long)]
    pub quiet: bool,
}

impl Operation for Args {
    const NEED: Need = Need::Boot;

    fn given(&self) -> Option<&Override> {
        Some(&self.start.with)
    }

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        let job = Restart {
            how: How::of(self.force),
            quiet: self.quiet,
        };
        let done = (!self.quiet).then(|| vm.running_note(context.process.is_over_ssh()));
        let asked = boot::start(context, vm, self.start.shown, job)?;
        Ok(Asked {
            done,
            assumption: Assumption::Started,
            ..asked
        }
        .into())
    }
}

/// Ends a VM in this way, if running, and starts the VM again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// How it is ended.
    pub how: How,
    /// Whether progress is not shown.
    pub quiet: bool,
}

impl RootJob for Restart {
    const VERB: &'static str = "restart";
    const DOES: &'static str = "is being restarted";
    const ENDS_FIRST: bool = true;

    fn locks(&self) -> Locks {
        Locks::VmAndDisks
    }

    fn attachment(&self) -> Attachment {
        Attachment::Background
    }

    fn write(&self, words: &mut Words) {
        words.add("how", self.how.as_str());
        words.flag("quiet", self.quiet);
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        Ok(Self {
            how: How::parse(options)?,
            quiet: options.flag("quiet")?,
        })
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let (vm, rivals) = (request.vm()?, &request.rivals);
        let survey = if context.is_freebsd {
            let (at, look) = context.asking();
            Survey::for_boot(look, &at, vm, rivals)?
        } else {
            Survey::of_running(context.devices(), vm)
        };
        let mut first = Plan::default();
        let state = survey.state(&vm.name);
        let runs = matches!(state, State::Busy(..) | State::Unknown) || !context.is_freebsd;
        let mut survey = if runs {
            let vms = std::slice::from_ref(vm);
            first = ending(vms, &survey, Whom::Named, self.how, Verb::Restart)?;
            if self.quiet {
                first = first.without_progress();
            }
            survey.once_ended(vm)
        } else {
            survey
        };
        let mut notes = if context.is_freebsd {
            boot::refuse(context, vm, rivals, &survey, Source::Disk)?
        } else {
            Vec::new()
        };
        let looked = boot::look::begin(context, vm, Source::Disk, runs)?;
        let vm = &looked.vm.on(survey.kernel.machine);
        notes.extend(looked.notes);
        notes.extend(network::refuse(vm, &survey)?);
        notes.extend(boot::screen::refuse(context, vm, request.uid)?);
        notes.extend(boot::foreign_uuid(context, vm));
        let (how, mut of_store) = ((Source::Disk, false), Vec::new());
        let store = store::prepare(context, vm, how, &mut survey, &mut of_store)?;
        // A temporary run that is still to be ended restores the store itself.
        if !runs || !context.is_freebsd {
            notes.append(&mut of_store);
        }
        let scratch = context.process.scratch_of(&vm.name);
        Ok(Planned {
            ending: first,
            plan: boot::plan::plan(
                vm,
                Start::Background,
                Source::Disk,
                &survey,
                &scratch,
                store,
                request.uid,
            ),
            notes,
            ..Planned::default()
        })
    }
}
