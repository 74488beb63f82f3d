//! `easy-bhyve list`: every VM of the configuration.

use super::state::{self, End, VmState};
use crate::config::lint;
use crate::config::resolve::overview::{self, Overview};
use crate::error::{Error, Result};
use crate::host::terminal::columns;
use crate::model::loader::LoaderKind;
use crate::model::name::VmName;
use crate::model::size::MemSize;
use crate::operation::context::{Context, Outcome};
use crate::operation::options::Format;
use crate::survey::{Processes, State, Traces};
use crate::table::{table, table_shortening};
use console::Term;
use serde::{Serialize, Serializer};
use smol_str::SmolStr;
use std::path::PathBuf;

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
    vms: &'lines [Line],
}

/// One VM as `--format json` shows it.
#[derive(Debug, Serialize)]
struct Line {
    id: u16,
    name: VmName,
    #[serde(serialize_with = "name")]
    loader: LoaderKind,
    /// The number of cpus.
    cpu: u64,
    #[serde(rename = "mem_bytes", serialize_with = "bytes")]
    mem: MemSize,
    autostart: bool,
    disk: String,
    state: VmState,
    #[serde(skip_serializing_if = "Option::is_none")]
    // Few VMs have one, and every line has room for it.
    last_end: Option<Box<End>>,
}

impl Line {
    /// The state as text.
    fn shown_state(&self) -> Cell<'_> {
        let end = self
            .last_end
            .as_deref()
            .filter(|_| self.state == VmState::Stopped);
        match end.and_then(End::state) {
            Some(state) => Cell::Made(state.into()),
            None => Cell::Text(self.state.as_str()),
        }
    }
}

/// A cell of the table; a number needs no allocation.
enum Cell<'line> {
    Text(&'line str),
    Made(SmolStr),
}

impl Cell<'_> {
    fn number(number: u64) -> Self {
        Self::Made(SmolStr::new(itoa::Buffer::new().format(number)))
    }
}

impl AsRef<str> for Cell<'_> {
    fn as_ref(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Made(text) => text,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn name<S: Serializer>(loader: &LoaderKind, serializer: S) -> Result<S::Ok, S::Error> {
    loader.facts().name.serialize(serializer)
}

fn bytes<S: Serializer>(mem: &MemSize, serializer: S) -> Result<S::Ok, S::Error> {
    mem.bytes().serialize(serializer)
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
    let (mut lines, mut wrong) = (Vec::new(), None);
    let (spelling, devices) = (context.spelling.clone(), &context.process.devices);
    let all = overview::all(config, spelling, devices)?;
    lines.reserve(all.size_hint().0);
    for vm in all {
        match vm {
            Ok(vm) => {
                let state = state_of(context, &processes, &traces, vm.name.as_str());
                let end = traces.last_end(vm.name.as_str());
                lines.push(line(vm, state, end.map(|end| Box::new(End::of(end, now)))));
            }
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    lines.sort_by_key(|line| line.id);
    // A fast path: the lines have the ids of all VMs unless one is misconfigured.
    let are_unique = wrong.is_none() && lines.is_sorted_by(|one, next| one.id < next.id);
    let twice = (!are_unique).then(|| lint::same_ids(config));
    let mut twice = twice.into_iter().flatten();
    let first = twice.next().map(Error::from);
    let first = first.map(|first| twice.fold(first, |first, other| first.note(other.message)));
    let wrong = wrong.or(first);
    let text = match format {
        Format::Json => crate::operation::context::json(&List {
            schema: SCHEMA,
            vms: &lines,
        })?,
        Format::Text => {
            let rows = lines.iter().map(|line| {
                [
                    Cell::number(line.id.into()),
                    Cell::Text(line.name.as_str()),
                    Cell::Text(line.loader.facts().name),
                    Cell::number(line.cpu),
                    Cell::Text(line.mem.as_str()),
                    Cell::Text(if line.autostart { "yes" } else { "no" }),
                    Cell::Text(&line.disk),
                    line.shown_state(),
                ]
            });
            if context.process.is_watched {
                let room = columns(&Term::stdout()).unwrap_or(80);
                table_shortening(&HEAD, rows, DISK, room)
            } else {
                table(&HEAD, rows)
            }
        }
    };
    Ok(match wrong {
        None => Outcome::Text(text),
        Some(error) => Outcome::Partly(text, error),
    })
}

/// The path as text; copied only if not UTF-8.
fn text(path: PathBuf) -> String {
    let text = path.into_os_string().into_string();
    text.unwrap_or_else(|bytes| bytes.to_string_lossy().into_owned())
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

fn line(vm: Overview, state: VmState, last_end: Option<Box<End>>) -> Line {
    Line {
        id: vm.id,
        loader: vm.loader,
        cpu: vm.cpu.count(),
        mem: vm.mem,
        autostart: vm.autostart,
        disk: text(vm.disk),
        state,
        last_end,
        name: vm.name,
    }
}
