//! `easy-bhyve list`: every VM of the configuration.

use super::state::{self, End, VmState};
use crate::config::lint;
use crate::config::resolve::overview::{self, Overview};
use crate::error::{Error, Result};
use crate::host::cpus;
use crate::host::terminal::columns;
use crate::model::name::VmName;
use crate::operation::context::{Context, Outcome};
use crate::operation::options::Format;
use crate::survey::{Processes, State, Traces};
use crate::table::{Row, table, table_shortening};
use console::Term;
use serde::Serialize;
use std::borrow::Cow;

/// The version of `--format json`, raised with each change that a reader would notice.
const SCHEMA: u32 = 2;

/// The headings of the columns.
const HEAD: [&str; 8] = [
    "ID",
    "NAME",
    "LOADER",
    "CPU",
    "MEMORY",
    "AUTOSTART",
    "DISK",
    "STATE",
];

/// The column that is shortened if a line does not fit.
const DISK: usize = 6;

/// The list as `--format json` shows it.
#[derive(Debug, Serialize)]
struct List<'lines> {
    schema: u32,
    vms: Vec<Object<'lines>>,
}

/// One VM as `--format json` shows it.
#[derive(Debug, Serialize)]
struct Object<'line> {
    id: u16,
    name: &'line VmName,
    loader: &'static str,
    /// The number of cpus.
    cpu: u64,
    mem_bytes: u64,
    autostart: bool,
    disk: Cow<'line, str>,
    state: VmState,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_end: Option<&'line End>,
}

/// One VM.
struct Line<'all> {
    vm: &'all Overview,
    state: VmState,
    // Few VMs have one, and every line has room for it.
    last_end: Option<Box<End>>,
}

impl Line<'_> {
    fn object(&self) -> Object<'_> {
        let Self { vm, .. } = self;
        Object {
            id: vm.id,
            name: &vm.name,
            loader: vm.loader.facts().name,
            cpu: vm.cpu,
            mem_bytes: vm.mem.bytes(),
            autostart: vm.autostart,
            disk: vm.disk.to_string_lossy(),
            state: self.state,
            last_end: self.last_end.as_deref(),
        }
    }

    /// The state as text.
    fn shown_state(&self) -> Cow<'_, str> {
        let end = self
            .last_end
            .as_deref()
            .filter(|_| self.state == VmState::Stopped);
        match end.and_then(End::state) {
            Some(state) => Cow::Owned(state),
            None => Cow::Borrowed(self.state.as_str()),
        }
    }
}

impl Row for Line<'_> {
    fn cells(&self, mut each: impl FnMut(&str)) {
        let Self { vm, .. } = self;
        let mut number = itoa::Buffer::new();
        each(number.format(vm.id));
        each(vm.name.as_str());
        each(vm.loader.facts().name);
        each(number.format(vm.cpu));
        each(vm.mem.as_str());
        each(if vm.autostart { "yes" } else { "no" });
        each(&vm.disk.to_string_lossy());
        each(&self.shown_state());
    }
}

/// The list; a VM with a fault in what is shown is skipped, and the first such fault is reported, or else
/// the ids that several VMs have.
///
/// Processes are listed only if there is a trace of a VM of the configuration.
///
/// Differs: `list` shows every VM whose shown settings are right, then the first error
///
/// # Errors
/// If a host variable is wrong, or the host cannot be queried.
pub(super) fn list(context: &mut Context<'_>, format: Format) -> Result<Outcome> {
    let traces = Traces::ask(context.look, &context.process.surroundings())?;
    let config = context.config;
    let processes = if traces.vms().any(|name| config.is_vm(name)) {
        let (at, look) = context.asking();
        Processes::ask(look, &at, &traces)?
    } else {
        Processes::default()
    };
    let now = context.look.uptime();
    let (spelling, devices) = (context.spelling.clone(), &context.process.devices);
    let mut overviews = overview::all(config, spelling, devices, cpus)?;
    let wrong = overviews.faults.drain(..).next();
    let lines = overviews.vms().map(|vm| {
        let name = vm.name.as_str();
        let end = traces.last_end(name);
        Line {
            vm,
            state: state_of(context, &processes, &traces, name),
            last_end: end.map(|end| Box::new(End::of(end, now))),
        }
    });
    let mut lines: Vec<_> = lines.collect();
    lines.sort_by_key(|line| line.vm.id);
    // A fast path: the lines have the ids of all VMs unless one is misconfigured.
    let are_unique = wrong.is_none() && lines.is_sorted_by(|one, next| one.vm.id < next.vm.id);
    let twice = (!are_unique).then(|| lint::same_ids(config));
    let mut twice = twice.into_iter().flatten();
    let first = twice.next().map(Error::from);
    let first = first.map(|first| twice.fold(first, |first, other| first.note(other.message)));
    let wrong = wrong.or(first);
    let text = match format {
        Format::Json => crate::operation::context::json(&List {
            schema: SCHEMA,
            vms: lines.iter().map(Line::object).collect(),
        })?,
        Format::Text => {
            if context.process.is_watched {
                let room = columns(&Term::stdout()).unwrap_or(80);
                table_shortening(&HEAD, lines.iter(), DISK, room)
            } else {
                table(&HEAD, lines.iter())
            }
        }
    };
    Ok(match wrong {
        None => Outcome::Text(text),
        Some(error) => Outcome::Partly(text, error),
    })
}

fn state_of(
    context: &mut Context<'_>,
    processes: &Processes,
    traces: &Traces,
    name: &str,
) -> VmState {
    match processes.state(name, traces) {
        State::Stopped => VmState::Stopped,
        State::LeftOver => VmState::LeftOver,
        State::Unknown => VmState::Unknown,
        State::Busy(_, role) => {
            let noted = state::noted(context.look, &context.process.run, processes, name);
            VmState::of(role, processes, name, noted.as_ref())
        }
    }
}
