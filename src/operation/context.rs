//! The input of an operation, and its outcome.

use super::options::{DryRun, Format};
use super::others::exclude_each_other;
use super::{Job, Request};
use crate::config::Config;
use crate::config::profile::{Library, Profile};
use crate::config::resolve::{self, Wanted};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::host::Look;
use crate::model::Vm;
use crate::model::name::VmName;
use crate::plan::Plan;
use crate::process::{Process, Surroundings};
use crate::session::Session;
use crate::survey;
use crate::verb::Spelling;
use crate::vis;

/// The input of an operation.
pub struct Context<'run> {
    /// The surroundings of the run.
    pub process: &'run Process,
    /// The configuration.
    pub config: &'run Config,
    /// The host, for queries.
    pub look: &'run mut dyn Look,
    /// Whether the host is FreeBSD and can be queried.
    pub is_freebsd: bool,
    /// How the user calls verbs: by link or by word.
    pub spelling: Spelling,
    /// The program as it was called.
    pub title: &'run str,
}

/// The outcome of an operation.
#[derive(Debug)]
pub enum Outcome {
    /// A request to the root side, to be carried out or shown.
    Job(Box<Asked>),
    /// A plan that the caller carries out, or that is shown.
    Plan(CallersPlan),
    /// A text for standard output.
    Text(String),
    /// An incomplete text, and the error because of which it is incomplete.
    Partly(String, Error),
}

/// A plan that the caller carries out, with its messages.
#[derive(Debug, Default)]
pub struct CallersPlan {
    /// The plan.
    pub plan: Plan,
    /// Whether the plan is only shown, and in which format.
    pub dry_run: DryRun,
    /// Warnings about the configuration.
    pub warnings: Vec<Finding>,
    /// Notes on standard error before the plan.
    pub notes: Vec<String>,
    /// The message on standard error after the plan.
    pub done: Option<String>,
}

/// A request to the root side, with its messages.
#[derive(Debug)]
pub struct Asked {
    /// The request.
    pub request: Request,
    /// Whether the plan is only shown, and in which format.
    pub dry_run: DryRun,
    /// The format in which the timings of the start are shown, if they are.
    pub timings: Option<Format>,
    /// Warnings about the configuration.
    pub warnings: Vec<Finding>,
    /// Notes on standard error before the request.
    pub notes: Vec<String>,
    /// What changes or stays: notes on standard error once nothing refuses the request.
    pub changes: Vec<String>,
    /// What a preview assumes on a host that is not FreeBSD.
    pub assumption: Assumption,
    /// A plan that the caller carries out before the request; undone if the request fails.
    pub before: Plan,
    /// A plan that the caller carries out after the request.
    pub after: Plan,
    /// The message on standard error after all plans.
    pub done: Option<String>,
}

impl Asked {
    pub(crate) fn with_rivals(mut self, rivals: Vec<VmName>) -> Self {
        self.request.rivals = rivals;
        self
    }
}

impl From<Asked> for Outcome {
    fn from(asked: Asked) -> Self {
        Self::Job(Box::new(asked))
    }
}

/// What a preview assumes on a host that is not FreeBSD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Assumption {
    /// A freshly booted host.
    #[default]
    FreshlyBooted,
    /// A host on which the VM runs, or has run.
    Started,
}

impl Assumption {
    /// The text of the note.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FreshlyBooted => {
                "this host is not FreeBSD: the plan is for a freshly booted host"
            }
            Self::Started => {
                "this host is not FreeBSD: the plan is for a host on which the VM was started"
            }
        }
    }
}

impl<'run> Context<'run> {
    /// The input of a session.
    pub fn of(session: &'run mut Session<'_, '_>, config: &'run Config) -> Self {
        Self {
            process: session.process,
            config,
            is_freebsd: survey::is_freebsd(session.host),
            look: &mut *session.host,
            spelling: session.spelling.clone(),
            title: session.title,
        }
    }
}

impl Context<'_> {
    /// Resolves the VM of that name for `need`.
    pub(crate) fn vm_for(&self, name: &str, need: Need) -> Result<Vm> {
        resolve::vm(self.config, name, &self.wanted(need))
    }

    /// What a VM is resolved for, as this run is called.
    pub(crate) fn wanted(&self, need: Need) -> Wanted<'_> {
        Wanted::new(need, self.spelling.clone(), &self.process.devices)
    }

    /// The profile of a VM, if the VM has one.
    pub(crate) fn profile_of(&self, vm: &Vm) -> Result<Option<Profile>> {
        let library = Library::of(Some(self.config));
        vm.os.as_ref().map(|os| library.load(os)).transpose()
    }

    /// Refuses a real run on a host that is not FreeBSD; a dry run passes.
    pub(crate) fn need_host(&self, dry_run: DryRun) -> Result<()> {
        if self.is_freebsd || dry_run.dry_run {
            Ok(())
        } else {
            Err(not_freebsd(self.look)
                .help("-d shows what would be done on a freshly booted FreeBSD host"))
        }
    }

    /// The surroundings and the host together, for queries.
    pub fn asking(&mut self) -> (Surroundings<'_>, &mut dyn Look) {
        (self.process.surroundings(), &mut *self.look)
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
                uid: self.process.behind().unwrap_or(self.process.uid),
                title: self.title.to_owned(),
                is_over_ssh: self.process.is_over_ssh(),
                display: self.process.display,
                timings: None,
            },
            dry_run,
            timings: None,
            warnings: Vec::new(),
            notes: Vec::new(),
            changes: Vec::new(),
            assumption: Assumption::FreshlyBooted,
            before: Plan::default(),
            after: Plan::default(),
            done: None,
        }
    }
}

/// The error for a host that is not FreeBSD.
pub(crate) fn not_freebsd(look: &dyn Look) -> Error {
    Error::host("this host is not FreeBSD and has no bhyve")
        .note(format!("kldstat was not found in {}", look.search_path()))
}

/// Other VMs of the configuration that may be running and share a file with `vm` that is written.
pub(crate) fn rivals(context: &mut Context<'_>, vm: &Vm) -> Result<Vec<VmName>> {
    if !context.is_freebsd {
        return Ok(Vec::new());
    }
    let traces = survey::Traces::ask(context.look, &context.process.surroundings())?;
    let mut rivals = Vec::new();
    for name in traces.vms().filter(|name| *name != vm.name.as_str()) {
        // The disks of another user's VM, or of a misconfigured VM, are unknown.
        let Ok(other) = context.vm_for(name, Need::Disks) else {
            continue;
        };
        if exclude_each_other(context.look, vm, &other) {
            rivals.push(other.name);
        }
    }
    Ok(rivals)
}

/// Writes a value as `--format json` shows it.
///
/// # Errors
/// If the value has no form in JSON.
pub fn json(value: &impl serde::Serialize) -> Result<String> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::host(format!("could not format the result as JSON: {error}")))?;
    text.push('\n');
    Ok(vis::json(text))
}
