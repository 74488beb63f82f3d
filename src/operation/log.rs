//! `log`: shows what became of a VM: starts, ends, and the output of the loader and bhyve(8).

use super::context::{Asked, Assumption, CallersPlan, Context, Outcome};
use super::options::DryRun;
use super::plan_context::PlanContext;
use super::wire::{Options, Words};
use super::{Locks, Operation, Planned, Request, RootJob};
use crate::command::Privilege;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::host::directory::{log_of, rotated};
use crate::model::Vm;
use crate::plan::{Action, Log, Plan, Step};
use crate::run::not_read;
use crate::tools::log;
use crate::verb::Verb;
use crate::vis;
use std::io;
use std::path::Path;

/// Options of `log`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Also show the lines that are added later, until Ctrl-C
    #[arg(short = 'f', long)]
    pub follow: bool,
    /// Show only the last LINES lines
    #[arg(short = 'n', long, value_name = "LINES")]
    pub lines: Option<usize>,
}

impl Operation for Args {
    const NEED: Need = Need::Log;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        context.need_host(self.dry_run)?;
        let job = ShowLog {
            follow: self.follow,
            lines: self.lines,
        };
        let mut at = PlanContext {
            look: &mut *context.look,
            is_freebsd: context.is_freebsd,
            process: context.process,
        };
        let (plan, privilege) = job.plan_of(&mut at, &vm)?;
        Ok(match privilege {
            Privilege::User => Outcome::Plan(CallersPlan {
                plan,
                dry_run: self.dry_run,
                ..CallersPlan::default()
            }),
            Privilege::Root => Asked {
                assumption: Assumption::Started,
                ..context.asked(vm, job, self.dry_run)
            }
            .into(),
        })
    }
}

/// Shows the log of a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowLog {
    /// Whether the lines that are added later are also shown.
    pub follow: bool,
    /// How many lines are shown, counted from the end; all without it.
    pub lines: Option<usize>,
}

impl RootJob for ShowLog {
    const VERB: &'static str = "log";
    const DOES: &'static str = "has its log shown";

    fn locks(&self) -> Locks {
        Locks::Nothing
    }

    fn write(&self, words: &mut Words) {
        words.flag("follow", self.follow);
        if let Some(lines) = self.lines {
            words.add("lines", &lines.to_string());
        }
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let lines = options.one("lines")?.map(|lines| {
            let number = lines.parse();
            number.map_err(|error| Error::usage(format!("lines={lines}: {error}")))
        });
        Ok(Self {
            follow: options.flag("follow")?,
            lines: lines.transpose()?,
        })
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let (plan, _) = self.plan_of(context, request.vm()?)?;
        Ok(Planned {
            plan,
            ..Planned::default()
        })
    }
}

impl ShowLog {
    /// The plan that shows the log, and who may read it.
    fn plan_of(&self, context: &mut PlanContext<'_>, vm: &Vm) -> Result<(Plan, Privilege)> {
        let file = context.process.logs.join(log_of(&vm.name));
        let rotated = rotated(&file);
        let found = [&rotated, &file].map(|path| (path.as_path(), access(context, path)));
        let (mut files, mut privilege) = (Vec::new(), Privilege::User);
        for (path, access) in found {
            match access? {
                Access::Missing => continue,
                Access::Readable => {}
                Access::Closed => privilege = Privilege::Root,
            }
            files.push(path);
        }
        if files.is_empty() {
            if context.is_freebsd {
                return Err(missing(vm, &file));
            }
            // A preview for another host: the owner of the log there is root.
            files.push(&file);
            if context.process.uid != 0 {
                privilege = Privilege::Root;
            }
        }
        let shown = log::print(&files, privilege);
        let followed = self.follow.then(|| log::follow(&file, privilege));
        let log = Log {
            lines: self.lines,
            shown,
            followed,
            rotated,
            file,
        };
        let show = Step::from(Action::Log(Box::new(log)));
        Ok((Plan::new(vec![show.into()]), privilege))
    }
}

/// The access of this process to a file.
enum Access {
    Missing,
    Readable,
    Closed,
}

fn access(context: &mut PlanContext<'_>, path: &Path) -> Result<Access> {
    match context.look.open(path) {
        Ok(_) => Ok(Access::Readable),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound => Ok(Access::Missing),
            io::ErrorKind::PermissionDenied if context.process.is_client() => Ok(Access::Closed),
            _ => Err(not_read(path, &error)),
        },
    }
}

/// The error for a VM without a log.
fn missing(vm: &Vm, file: &Path) -> Error {
    Error::state(format!(
        "{} has no log: {} does not exist",
        vm.name,
        vis::shown(file)
    ))
    .note("every start of a VM writes to its log")
    .help(format!("start it: {}", vm.command(Verb::Boot)))
}
