//! `easy-bhyve list`: every VM of the configuration.

use super::table;
use crate::error::Result;
use crate::invocation::Format;
use crate::model::{Loader, Vm, resolve};
use crate::survey::{Nodes, Processes, State};
use crate::tools::process::Role;
use crate::verbs::Context;
use serde::Serialize;

/// One VM as `--format json` shows it.
#[derive(Debug, Serialize)]
struct Line {
    id: u16,
    name: String,
    loader: &'static str,
    cpu: String,
    mem: String,
    disk: String,
    state: &'static str,
}

/// The list as text.
///
/// Asks the host for processes only if a VM of the configuration has a VM node.
///
/// # Errors
/// If a VM is misconfigured, or the question fails.
pub fn list(context: &mut Context<'_>, format: Format) -> Result<String> {
    let nodes = Nodes::ask(context.look, &context.process.devices)?;
    let vms: Vec<Vm> = resolve::all(context.config, context.spelling, &context.process.devices)?
        .collect::<Result<_>>()?;
    let processes = if vms.iter().any(|vm| nodes.has(&vm.name)) {
        let (at, look) = context.asking();
        Processes::ask(look, &at, &nodes)?
    } else {
        Processes::default()
    };
    let mut lines: Vec<Line> = vms
        .iter()
        .map(|vm| line(vm, processes.state(vm.name.as_str(), &nodes)))
        .collect();
    lines.sort_by_key(|line| line.id);
    match format {
        Format::Json => crate::verbs::json(&lines),
        Format::Text => {
            let rows: Vec<Vec<String>> = lines
                .into_iter()
                .map(|line| {
                    vec![
                        line.id.to_string(),
                        line.name,
                        line.loader.into(),
                        line.cpu,
                        line.mem,
                        line.disk,
                        line.state.into(),
                    ]
                })
                .collect();
            Ok(table(
                &["ID", "NAME", "LOADER", "CPU", "MEMORY", "DISK", "STATE"],
                &rows,
            ))
        }
    }
}

fn line(vm: &Vm, state: State<'_>) -> Line {
    Line {
        id: vm.id,
        name: vm.name.to_string(),
        loader: match vm.loader {
            Loader::Bhyveload => "bhyveload",
            Loader::Grub(_) => "grub-bhyve",
        },
        cpu: vm.cpu.to_string(),
        mem: vm.mem.to_string(),
        disk: vm
            .disks
            .first()
            .map(|disk| disk.path.display().to_string())
            .unwrap_or_default(),
        state: match state {
            State::Stopped => "stopped",
            State::LeftOver => "left over",
            State::Busy(_, Role::Running) => "running",
            State::Busy(_, Role::Starting) => "starting",
            State::Busy(_, Role::Loading) => "loading",
            State::Unknown => "unknown",
        },
    }
}
