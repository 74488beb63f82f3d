//! `clean`: frees the leftovers of a VM that has ended.

use super::context::{Asked, Assumption, Context, Outcome};
use super::free;
use super::options::DryRun;
use super::plan_context::PlanContext;
use super::refuse::state;
use super::wire::{Options, Words};
use super::{Locks, Operation, Planned, Request, RootJob};
use crate::config::settings::Need;
use crate::error::Result;
use crate::model::Vm;
use crate::survey::Survey;

/// Options of `clean`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
}

impl Operation for Args {
    const NEED: Need = Need::End;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        context.need_host(self.dry_run)?;
        Ok(Asked {
            assumption: Assumption::Started,
            ..context.asked(vm, Clean, self.dry_run)
        }
        .into())
    }
}

/// Frees the leftovers of a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clean;

impl RootJob for Clean {
    const VERB: &'static str = "clean";
    const DOES: &'static str = "is being cleaned";
    const FREES: bool = true;

    fn locks(&self) -> Locks {
        Locks::Vm
    }

    fn write(&self, _words: &mut Words) {}

    fn parse(_verb: &str, _options: &mut Options<'_>) -> Result<Self> {
        Ok(Self)
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let vm = request.vm()?;
        let survey = if context.is_freebsd {
            let (at, look) = context.asking();
            let survey = Survey::for_freeing(look, &at, std::iter::once(vm))?;
            state::refuse_busy_state(vm, survey.state(&vm.name))?;
            survey
        } else {
            Survey::of_ended(context.devices(), vm)
        };
        let open = survey.interfaces.iter().filter_map(|tap| {
            let is_ours = tap.description.as_deref() == Some(vm.name.mark().as_str());
            let pid = tap.opened_by.filter(|_| is_ours)?;
            Some(format!(
                "{} is not destroyed: pid {pid} has it open",
                tap.name
            ))
        });
        let notes = open.collect();
        let plan = free::plan(vm, &survey, free::Extent::Whole);
        let done = if plan.forms.is_empty() {
            format!("{} has no leftovers", vm.name)
        } else {
            format!("freed the leftovers of {}", vm.name)
        };
        Ok(Planned {
            plan,
            notes,
            done: Some(done),
            ..Planned::default()
        })
    }
}
