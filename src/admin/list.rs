//! `easy-bhyve list`: every VM of the configuration.

use super::table;
use crate::error::Result;
use crate::invocation::Format;
use crate::model::cpu::CpuTopology;
use crate::model::name::VmName;
use crate::model::size::MemSize;
use crate::model::{Loader, Vm, resolve};
use crate::survey::{Nodes, Processes, State};
use crate::tools::process::Role;
use crate::verbs::Context;
use serde::Serialize;
use std::borrow::Cow;

/// One VM as `--format json` shows it.
#[derive(Debug, Serialize)]
struct Line {
    id: u16,
    name: VmName,
    loader: &'static str,
    cpu: CpuTopology,
    mem: MemSize,
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
    let config = context.config;
    let processes = if nodes.names().any(|name| config.is_vm(name)) {
        let (at, look) = context.asking();
        Processes::ask(look, &at, &nodes)?
    } else {
        Processes::default()
    };
    let mut lines: Vec<Line> = resolve::all(config, context.spelling, &context.process.devices)?
        .map(|vm| vm.map(|vm| line(vm, &processes, &nodes)))
        .collect::<Result<_>>()?;
    lines.sort_by_key(|line| line.id);
    match format {
        Format::Json => crate::verbs::json(&lines),
        Format::Text => {
            let rows = lines.iter().map(|line| -> [Cow<'_, str>; 7] {
                [
                    line.id.to_string().into(),
                    line.name.as_str().into(),
                    line.loader.into(),
                    line.cpu.as_str().into(),
                    line.mem.as_str().into(),
                    line.disk.as_str().into(),
                    line.state.into(),
                ]
            });
            Ok(table(
                &["ID", "NAME", "LOADER", "CPU", "MEMORY", "DISK", "STATE"],
                rows,
            ))
        }
    }
}

fn line(vm: Vm, processes: &Processes, nodes: &Nodes) -> Line {
    Line {
        id: vm.id,
        loader: match vm.loader {
            Loader::Bhyveload => "bhyveload",
            Loader::Grub(_) => "grub-bhyve",
        },
        cpu: vm.cpu,
        mem: vm.mem,
        disk: vm
            .disks
            .first()
            .map(|disk| disk.path.to_string_lossy().into_owned())
            .unwrap_or_default(),
        state: match processes.state(vm.name.as_str(), nodes) {
            State::Stopped => "stopped",
            State::LeftOver => "left over",
            State::Busy(_, Role::Running) => "running",
            State::Busy(_, Role::Starting) => "starting",
            State::Busy(_, Role::Loading) => "loading",
            State::Unknown => "unknown",
        },
        name: vm.name,
    }
}
