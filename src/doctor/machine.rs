//! The machine: release, cpu, memory, jail, modules, visibility of processes, clock.

use super::Row;
use super::answers::Answers;
use super::private::Name;
use crate::model::Vm;
use crate::model::release::{Feature, Release};
use crate::tools::kld::Module;
use crate::tools::sysctl::Kernel;
use chrono::{Datelike, NaiveDateTime};
use std::fmt::Write;

/// No clock that is right shows an earlier year.
const YEAR: i32 = 2025;

pub(super) fn rows(answers: &Answers<'_>) -> Vec<Row> {
    let mut rows = match &answers.kernel {
        Ok(kernel) => vec![
            release(kernel),
            architecture(kernel),
            cpu(answers, kernel),
            memory(answers, kernel),
            jail(kernel),
            visibility(kernel),
        ],
        Err(why) => {
            let subjects = [
                "release",
                "architecture",
                "cpu",
                "memory",
                "jail",
                "processes",
            ];
            let rows = subjects.map(|subject| Row::not_asked(subject, why));
            rows.to_vec()
        }
    };
    rows.push(modules(answers));
    rows.push(clock(answers.known.process.clock.now()));
    rows
}

fn release(kernel: &Kernel) -> Row {
    let Some(date) = kernel.osreldate else {
        return Row::not_asked("release", "sysctl has no kern.osreldate");
    };
    let release = Release(date);
    let shown = format!("FreeBSD {release}");
    let old = if release < Release::FIRST {
        format!("easy-bhyve is made for {} and later", Release::FIRST)
    } else if release < Release::SUPPORTED {
        "VMs run, but the FreeBSD project no longer supports this release".to_owned()
    } else {
        return Row::pass("release", shown);
    };
    let remedy = format!(
        "upgrade the host to FreeBSD {} or later",
        Release::SUPPORTED
    );
    Row::warn("release", format!("{shown}: {old}"), remedy)
}

fn architecture(kernel: &Kernel) -> Row {
    let Some(machine) = kernel.machine else {
        return Row::not_asked("architecture", "sysctl has no hw.machine");
    };
    let shown = machine.as_str();
    match (Feature::Bhyve.since(machine), kernel.osreldate) {
        (None, _) => Row::fail(
            "architecture",
            "bhyve exists for amd64 and arm64 only",
            "use a host with one of them",
        ),
        (Some(first), Some(date)) if Release(date) < first => Row::fail(
            "architecture",
            format!("bhyve exists for {shown} from FreeBSD {first} on"),
            Feature::Bhyve.instead(),
        ),
        (Some(_), _) => Row::pass("architecture", shown),
    }
}

/// vmm(4) has `hw.vmm.maxcpu` only if the CPU can run VMs.
fn cpu(answers: &Answers<'_>, kernel: &Kernel) -> Row {
    let is_loaded = answers
        .modules
        .as_ref()
        .is_ok_and(|modules| modules.contains(&Module::Vmm));
    let cpus = kernel
        .cpus
        .map_or_else(|| "the".to_owned(), |cpus| cpus.to_string());
    match (is_loaded, kernel.max_cpus) {
        (true, Some(most)) => Row::pass(
            "cpu",
            format!("{cpus} cpus; vmm runs VMs of at most {most}"),
        ),
        (true, None) => Row::fail(
            "cpu",
            "vmm is loaded and has not found a CPU that can run VMs",
            "enable VT-x with EPT, or SVM with RVI, in the firmware of the host; dmesg says what is missing",
        ),
        (false, _) => Row {
            remedy: Some("kldload vmm, as root".to_owned()),
            ..Row::not_asked(
                "cpu",
                "vmm is not loaded, and only vmm knows whether the CPU can run VMs",
            )
        },
    }
}

/// What the host needs beside its guests, at least, in bytes.
const HOST: u64 = 512 << 20;

/// The cache of ZFS gives way to guests, but slowly.
fn memory(answers: &Answers<'_>, kernel: &Kernel) -> Row {
    let Some(host) = kernel.memory else {
        return Row::not_asked("memory", "sysctl has no hw.physmem");
    };
    if let Some([row]) = answers.unknown(["memory"]) {
        return row;
    }
    let sum = |is_meant: &dyn Fn(&Vm) -> bool| {
        let vms = answers.vms.iter().filter(|vm| is_meant(vm));
        vms.fold(0_u64, |sum, vm| sum.saturating_add(vm.mem.bytes()))
    };
    let (started, guests) = (sum(&|vm| vm.policy.autostart), sum(&|_| true));
    // Without ZFS there is none.
    let cache = answers.number("kstat.zfs.misc.arcstats.c_max");
    let cache = cache.and_then(|cache| u64::try_from(cache).ok());
    let mut shown = format!(
        "the host has {}M, all VMs have {}M",
        host >> 20,
        guests >> 20
    );
    if started > 0 {
        let _ = write!(shown, ", those that autostart {}M", started >> 20);
    }
    if let Some(cache) = cache {
        let _ = write!(shown, ", and the cache of ZFS takes up to {}M", cache >> 20);
    }
    let fits = |guests: u64| guests.saturating_add(HOST) <= host;
    let largest = answers.vms.iter().max_by_key(|vm| vm.mem.bytes());
    if let Some(vm) = largest.filter(|vm| !fits(vm.mem.bytes())) {
        let remedy = format!("lower the memory of the largest: set {}_mem", vm.name);
        return Row::warn("memory", format!("{shown}: not every VM fits"), remedy)
            .naming(Name::vm(&vm.name));
    }
    if !fits(started) {
        return Row::warn(
            "memory",
            format!("{shown}: those that autostart do not fit at once"),
            "lower mem of VMs that autostart, or set autostart=NO for some",
        );
    }
    if !fits(guests) {
        return Row::warn(
            "memory",
            format!("{shown}: not all VMs fit at once"),
            "lower mem of VMs, or do not run all of them at once",
        );
    }
    if guests > 0 && guests.saturating_add(cache.unwrap_or_default()) > host {
        let room = host.saturating_sub(guests) >> 20;
        let remedy = format!(
            "leave the guests their memory: sysctl vfs.zfs.arc.max={} or less, also in sysctl.conf",
            (room / 2) << 20
        );
        return Row::warn("memory", shown, remedy);
    }
    Row::pass("memory", shown)
}

fn jail(kernel: &Kernel) -> Row {
    if kernel.is_jailed {
        return Row::warn(
            "jail",
            "this is a jail, in which VMs need allow.vmm and the devices of vmm, tap, nmdm and zvol",
            "run easy-bhyve on the host; see jail(8) and devfs.rules(5)",
        );
    }
    Row::pass("jail", "this is the host itself")
}

fn visibility(kernel: &Kernel) -> Row {
    if kernel.hides_root {
        return Row::warn(
            "processes",
            "the processes of root are hidden from you: status and list cannot show what runs",
            "sysctl security.bsd.see_other_uids=1 security.bsd.see_other_gids=1, or ask as root",
        );
    }
    Row::pass("processes", "the processes of VMs are visible")
}

fn modules(answers: &Answers<'_>) -> Row {
    let loaded = match &answers.modules {
        Ok(loaded) => loaded,
        Err(why) => return Row::not_asked("modules", why),
    };
    let missing: Vec<Module> = Module::ALL
        .into_iter()
        .filter(|one| !loaded.contains(one))
        .collect();
    if missing.is_empty() {
        return Row::pass("modules", "all are loaded");
    }
    let names: Vec<&str> = missing.iter().map(|module| module.file()).collect();
    let names = names.join(" ");
    let level = answers.number("kern.securelevel").unwrap_or(-1);
    let is_jailed = answers.kernel.as_ref().is_ok_and(|kernel| kernel.is_jailed);
    if level > 0 || is_jailed {
        let why = if is_jailed {
            "in a jail".to_owned()
        } else {
            format!("at securelevel {level}")
        };
        let lines: Vec<String> = missing
            .iter()
            .map(|one| format!("{}_load=\"YES\"", one.file()))
            .collect();
        return Row::fail(
            "modules",
            format!("{names}: not loaded, and cannot be loaded {why}"),
            format!(
                "add to /boot/loader.conf of the host, and reboot it: {}",
                lines.join(" ")
            ),
        );
    }
    Row::pass("modules", format!("{names}: loaded when a VM boots"))
}

fn clock(now: NaiveDateTime) -> Row {
    let shown = now.format("%Y-%m-%d %H:%M").to_string();
    if now.year() < YEAR {
        let text =
            format!("it is {shown}: snapshots get wrong dates, and certificates are not valid yet");
        return Row::warn("clock", text, "set the clock: service ntpd onestart");
    }
    Row::pass("clock", shown)
}

#[cfg(test)]
mod tests {
    use super::clock;
    use crate::doctor::Verdict;
    use chrono::NaiveDate;

    #[test]
    fn a_clock_of_another_time_is_reported() {
        let at = |year| {
            let day = NaiveDate::from_ymd_opt(year, 1, 2).unwrap();
            clock(day.and_hms_opt(3, 4, 5).unwrap())
        };
        assert_eq!(at(1970).verdict, Verdict::Warn);
        assert!(at(1970).finding.starts_with("it is 1970-01-02 03:04: "));
        assert_eq!(at(2026).verdict, Verdict::Pass);
    }
}
