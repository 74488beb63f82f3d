//! What a verb has to work with, and what it wants done.

use super::options::{DryRun, Format};
use super::plan_context::PlanContext;
use super::{Job, Request};
use crate::config::Config;
use crate::config::resolve::{self, Wanted};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::host::Look;
use crate::model::Vm;
use crate::model::name::VmName;
use crate::plan::Plan;
use crate::process::{Process, Surroundings};
use crate::survey;
use crate::verb::Spelling;
use crate::vis;
use std::path::Path;

/// What a verb has to work with.
pub struct Context<'run> {
    /// What surrounds the run.
    pub process: &'run Process,
    /// The configuration.
    pub config: &'run Config,
    /// The host, for questions.
    pub look: &'run mut dyn Look,
    /// Whether the host can answer: it is FreeBSD.
    pub is_freebsd: bool,
    /// How the user calls verbs.
    pub spelling: Spelling,
    /// The program as it was called.
    pub title: &'run str,
}

/// What a verb wants done.
#[derive(Debug)]
pub enum Outcome {
    /// What is to be done as root, or shown.
    Job(Box<Asked>),
    /// What is to be done as the caller, or shown.
    Plan(CallersPlan),
    /// A text for standard output.
    Text(String),
    /// A text from which something is missing, and why.
    Partly(String, Error),
}

/// A plan that the caller carries out, with what goes with it.
#[derive(Debug, Default)]
pub struct CallersPlan {
    /// The plan.
    pub plan: Plan,
    /// Whether and how it is only shown.
    pub dry_run: DryRun,
    /// What looks wrong in the configuration.
    pub warnings: Vec<Finding>,
    /// What is said on standard error beforehand.
    pub notes: Vec<String>,
    /// What is said on standard error when it is done.
    pub done: Option<String>,
}

/// A request with what goes with it.
#[derive(Debug)]
pub struct Asked {
    /// What is asked of the root side.
    pub request: Request,
    /// Whether and how it is only shown.
    pub dry_run: DryRun,
    /// What looks wrong in the configuration.
    pub warnings: Vec<Finding>,
    /// What is said on standard error beforehand.
    pub notes: Vec<String>,
    /// What a preview on a host that cannot be asked takes for granted.
    pub assumption: Assumption,
    /// What is done beforehand as the caller; taken back if the request fails.
    pub before: Plan,
    /// What is done afterwards as the caller.
    pub after: Plan,
    /// What is said on standard error when it is done.
    pub done: Option<String>,
}

impl Asked {
    pub(super) fn with_rivals(mut self, rivals: Vec<VmName>) -> Self {
        self.request.rivals = rivals;
        self
    }
}

impl From<Asked> for Outcome {
    fn from(asked: Asked) -> Self {
        Self::Job(Box::new(asked))
    }
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

impl Context<'_> {
    /// The VM of that name, for what is needed of it.
    pub(crate) fn vm_for(&self, name: &str, need: Need) -> Result<Vm> {
        resolve::vm(self.config, name, &self.wanted(need))
    }

    /// What a VM is wanted for, by whom called this program.
    pub(crate) fn wanted(&self, need: Need) -> Wanted<'_> {
        Wanted::new(need, self.spelling, &self.process.devices)
    }

    /// Refuses a real run on a host that is not FreeBSD; a dry run goes on.
    pub(crate) fn need_host(&self, dry_run: DryRun) -> Result<()> {
        if self.is_freebsd || dry_run.dry_run {
            Ok(())
        } else {
            Err(not_freebsd(self.look)
                .help("-d shows what would be done on a freshly booted FreeBSD host"))
        }
    }

    /// The surroundings and the host at once, for a question.
    pub fn asking(&mut self) -> (Surroundings<'_>, &mut dyn Look) {
        (self.process.surroundings(), &mut *self.look)
    }

    /// The same host, for planning.
    pub fn plan_context(&mut self) -> PlanContext<'_> {
        PlanContext {
            look: &mut *self.look,
            is_freebsd: self.is_freebsd,
            process: self.process,
        }
    }

    /// A request for one VM.
    pub(crate) fn asked(&self, vm: Vm, job: impl Into<Job>, dry_run: DryRun) -> Asked {
        self.asked_of(vec![vm], job, dry_run)
    }

    /// A request for several VMs.
    pub(crate) fn asked_of(&self, vms: Vec<Vm>, job: impl Into<Job>, dry_run: DryRun) -> Asked {
        Asked {
            request: Request {
                job: job.into(),
                vms,
                rivals: Vec::new(),
                title: self.title.to_owned(),
            },
            dry_run,
            warnings: Vec::new(),
            notes: Vec::new(),
            assumption: Assumption::FreshlyBooted,
            before: Plan::default(),
            after: Plan::default(),
            done: None,
        }
    }
}

/// The refusal where the host is not FreeBSD.
pub(super) fn not_freebsd(look: &dyn Look) -> Error {
    Error::host("this is not FreeBSD, so there is no bhyve to talk to")
        .note(format!("kldstat is nowhere along {}", look.search_path()))
}

/// Other VMs of the configuration that may be at work and have one of the disks of `vm`.
pub(super) fn rivals(context: &mut Context<'_>, vm: &Vm) -> Result<Vec<VmName>> {
    if !context.is_freebsd {
        return Ok(Vec::new());
    }
    let traces = survey::Traces::ask(context.look, &context.process.surroundings())?;
    let mut rivals = Vec::new();
    for name in traces.vms().filter(|name| *name != vm.name.as_str()) {
        // A VM of somebody else's, or one that is misconfigured, is not known to have a disk.
        let Ok(other) = context.vm_for(name, Need::Disks) else {
            continue;
        };
        let pairs = vm
            .disks
            .iter()
            .flat_map(|ours| other.disks.iter().map(move |theirs| (ours, theirs)));
        if pairs
            .into_iter()
            .any(|(ours, theirs)| is_one(context.look, &ours.path, &theirs.path))
        {
            rivals.push(other.name);
        }
    }
    Ok(rivals)
}

/// Whether two paths lead to one disk. Of what is not there, or may not be looked at, the path counts.
fn is_one(look: &mut dyn Look, one: &Path, other: &Path) -> bool {
    if one == other {
        return true;
    }
    let mut identity = |path: &Path| look.about(path).ok().map(|about| about.identity);
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

/// A value as `--format json` shows it.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn json(value: &impl serde::Serialize) -> Result<String> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::host(format!("could not write JSON: {error}")))?;
    text.push('\n');
    Ok(vis::json(text))
}

/// Whether the result is wanted as data, and not the plan.
pub(super) fn wants_json(format: Option<Format>, dry_run: bool) -> bool {
    format == Some(Format::Json) && !dry_run
}
