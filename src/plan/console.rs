//! Connects to the console of a running VM.

use super::{Guard, Plan, shutdown};
use crate::model::Vm;
use crate::tools::{cu, process};
use std::path::Path;

/// The plan that connects the terminal to `vm`.
pub fn plan(vm: &Vm, devices: &Path) -> Plan {
    let line = devices.join(format!("nmdm{}B", vm.id));
    let mut refusal = shutdown::not_running(vm);
    refusal.help = Some(format!(
        "start it first: {}",
        vm.command(crate::verb::Verb::Boot)
    ));
    let mut plan = Plan::default();
    plan.push(Guard {
        test: process::is_running(&vm.name),
        refusal,
    });
    plan.push(cu::connect(&line));
    plan
}
