//! What of a VM its profile does not fit: less than the profile asks for, and a screen that the loader cannot show.

use super::Profile;
use crate::config::Config;
use crate::finding::{Finding, FindingName};
use crate::model::Vm;
use crate::model::loader::LoaderKind;

/// Warnings about a VM that its profile does not fit.
pub fn misfits(config: &Config, vm: &Vm, profile: &Profile) -> Vec<Finding> {
    let mut findings = least(config, vm, profile);
    findings.extend(unshown_screen(config, vm, profile));
    findings
}

/// A screen of the profile that the VM has not, because another loader cannot show it.
fn unshown_screen(config: &Config, vm: &Vm, profile: &Profile) -> Option<Finding> {
    profile.preset("vnc").filter(|vnc| vnc.text != "NO")?;
    let set = |key: &str| {
        let set = config.get(&format!("{}_{key}", vm.name))?;
        (!set.value.is_empty()).then_some(set)
    };
    if vm.loader.has_screen() || set("vnc").is_some() {
        return None;
    }
    let chosen = LoaderKind::choosing_settings().find_map(set)?;
    let (os, loader) = (profile.name(), vm.loader.facts().name);
    Some(Finding::new(
        FindingName::UnusedScreen,
        chosen.name_span,
        format!(
            "{} has no screen: that of the profile {os} needs UEFI firmware, and {loader} loads the VM",
            vm.name
        ),
        format!("remove {}, or set {}_vnc=NO", chosen.name, vm.name),
    ))
}

/// Warnings about a VM that has less than its profile asks for, at the VM's setting, or else at its `os`: an
/// option replaces the setting.
fn least(config: &Config, vm: &Vm, profile: &Profile) -> Vec<Finding> {
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
        let help = match (own, set(key)) {
            // An option replaces the setting.
            (None, Some(_)) => format!("use --{key} {value}"),
            _ => format!("set {}_{key}={value}", vm.name),
        };
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
