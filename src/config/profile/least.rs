//! What a profile asks for at least.

use super::Profile;
use crate::config::Config;
use crate::finding::{Finding, FindingName};
use crate::model::Vm;

/// Warnings about a VM that has less than its profile asks for, at the VM's setting, or else at its `os`: an
/// option replaces the setting.
pub fn least(config: &Config, vm: &Vm, profile: &Profile) -> Vec<Finding> {
    let set = |key: &str| {
        let set = config.get(&format!("{}_{key}", vm.name))?;
        (!set.value.is_empty()).then_some(set)
    };
    let warning = |name, key: &str, value: &str, has: &str, least: &str| {
        let os = profile.name();
        let own = set(key).filter(|set| set.value == value.as_bytes());
        let span = own.or_else(|| set("os"))?.value_span;
        let message = format!(
            "{} has {has}, and the profile {os} asks for at least {least}",
            vm.name
        );
        let value = least.split(' ').next().unwrap_or_default();
        let help = format!("set {}_{key}={value}, or use --{key} {value}", vm.name);
        Some(Finding::new(name, span, message, help))
    };
    let mut findings = Vec::new();
    let mem = profile.least_mem.as_ref();
    if let Some(least) = mem.filter(|least| vm.mem.bytes() < least.bytes()) {
        let has = format!("{} of memory", vm.mem);
        findings.extend(warning(
            FindingName::LeastMemory,
            "mem",
            vm.mem.as_str(),
            &has,
            least.as_str(),
        ));
    }
    let cpu = profile.least_cpu.map(u64::from);
    if let Some(least) = cpu.filter(|least| vm.cpu.count() < *least) {
        let cpus = |count: u64| match count {
            1 => "1 cpu".to_owned(),
            more => format!("{more} cpus"),
        };
        let has = cpus(vm.cpu.count());
        findings.extend(warning(
            FindingName::LeastCpus,
            "cpu",
            vm.cpu.as_str(),
            &has,
            &cpus(least),
        ));
    }
    findings
}
