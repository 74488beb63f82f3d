//! `clean`: frees the leftovers of a VM that has ended.

use super::boot::store;
use super::context::{Asked, Assumption, Context, Outcome, rivals};
use super::free;
use super::options::DryRun;
use super::plan_context::PlanContext;
use super::refuse::state::{self, stopped};
use super::wire::{Options, Words};
use super::{Locks, Operation, Planned, Request, RootJob};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::survey::Survey;

/// Options of `clean`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Also remove the store of UEFI variables: the next start makes it anew
    #[arg(long)]
    pub uefi_vars: bool,
}

impl Operation for Args {
    const NEED: Need = Need::End;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        if self.uefi_vars && vm.uefi().is_none() {
            return Err(Error::usage(format!(
                "{} {}, and has no UEFI variables",
                vm.name,
                vm.loader.facts().loads
            )));
        }
        context.need_host(self.dry_run)?;
        let rivals = if self.uefi_vars {
            rivals(context, &vm)?
        } else {
            Vec::new()
        };
        let clean = Clean {
            resets_store: self.uefi_vars,
        };
        let asked = Asked {
            assumption: Assumption::Started,
            ..context.asked(vm, clean, self.dry_run)
        };
        Ok(asked.with_rivals(rivals).into())
    }
}

/// Frees the leftovers of a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clean {
    /// Whether the store of its UEFI variables is removed.
    pub resets_store: bool,
}

impl RootJob for Clean {
    const VERB: &'static str = "clean";
    const DOES: &'static str = "is being cleaned";
    const FREES: bool = true;

    fn locks(&self) -> Locks {
        if self.resets_store {
            Locks::VmAndStore
        } else {
            Locks::Vm
        }
    }

    fn write(&self, words: &mut Words) {
        words.flag("uefi-vars", self.resets_store);
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        Ok(Self {
            resets_store: options.flag("uefi-vars")?,
        })
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let vm = request.vm()?;
        let survey = if context.is_freebsd {
            let (at, look) = context.asking();
            let survey = Survey::for_freeing(look, &at, std::iter::once(vm))?;
            state::refuse_busy_state(vm, survey.state(&vm.name))?;
            if !request.rivals.is_empty() {
                stopped(context, vm, &request.rivals)?;
            }
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
        let mut notes: Vec<String> = open.collect();
        let mut plan = free::plan(vm, &survey, free::Extent::Whole);
        let mut done = if plan.forms.is_empty() {
            format!("{} has no leftovers", vm.name)
        } else {
            format!("freed the leftovers of {}", vm.name)
        };
        if let Some(uefi) = vm.uefi() {
            notes.extend(store::left_at(context, uefi)?);
            if self.resets_store {
                plan.append(store::reset(context, vm, uefi)?);
                done.push_str("; the next start makes its UEFI variables anew");
            }
        }
        Ok(Planned {
            plan,
            notes,
            done: Some(done),
            ..Planned::default()
        })
    }
}
