//! Builds a [`Vm`] from the settings of a configuration, or from the words of a call.

use super::faults::Faults;
use super::read::OfVm;
use super::{Wanted, disks, loader, nics, screen, uplinks};
use crate::config::profile::Spread;
use crate::config::settings::{HostSettings, Set, VmSettings};
use crate::error::Result;
use crate::model::cpu::CpuTopology;
use crate::model::name::{IfName, VmId, VmName};
use crate::model::policy::Policy;
use crate::model::size::MemSize;
use crate::model::{Protection, Shared, Uplink, Vm};

pub(super) struct Parts<'a> {
    pub(super) name: VmName,
    pub(super) own: OfVm,
    pub(super) host: &'a HostSettings,
    /// The purpose, and the options from the command line.
    pub(super) wanted: &'a Wanted<'a>,
}

/// The VM of already typed settings, checked for the need.
///
/// # Errors
/// The first fault.
pub(in crate::config) fn of_words(
    name: VmName,
    settings: VmSettings,
    host: &HostSettings,
    wanted: &Wanted<'_>,
) -> Result<Vm> {
    let mut faults = Faults::default();
    let parts = Parts {
        name,
        own: settings.into(),
        host,
        wanted,
    };
    let vm = construct(parts, &mut faults);
    faults.stop(wanted.need).map(|()| vm)
}

/// Builds the VM. Faults are recorded, and a placeholder is used for each invalid setting.
pub(super) fn construct(mut parts: Parts<'_>, faults: &mut Faults) -> Vm {
    let id = parts.own.settings.id.unwrap_or(placeholder_id());
    let kind = loader::kind(&parts.own.settings);
    let (volume, disks) = disks::disks(&parts, &id, kind, faults);
    let cds = disks::cds(&parts, kind, faults);
    let loader = loader::loader(&parts, kind, &volume, faults);
    let nics = nics::nics(&parts, &id, faults);
    let screen = screen::screen(&parts, &id, &loader, faults);
    let (cpu, mem) = (cpu(&mut parts), mem(&mut parts));
    let Parts {
        name,
        own: OfVm { settings: own, .. },
        host,
        wanted,
    } = parts;
    let usual = Policy::default();
    let mut vm = Vm {
        id: id.value.0,
        os: own.os.map(|set| set.value),
        cpu,
        mem,
        has_rng: or(own.rng, false),
        keeps_utc: or(own.utc, true),
        is_wired: or(own.wired, false),
        uuid: own.uuid.map(|set| set.value),
        has_strict_msrs: or(own.strict_msrs, true),
        has_tablet: or(own.tablet, screen.is_some()),
        screen,
        bhyve_args: None,
        protection: own
            .protect
            .filter(|protect| protect.value)
            .map(|protect| Protection {
                origin: protect.span,
            }),
        loader,
        disks,
        cds,
        volume,
        policy: Policy {
            on_reboot: or(own.on_reboot, usual.on_reboot),
            on_crash: or(own.on_crash, usual.on_crash),
            loader_timeout: or(own.loader_timeout, usual.loader_timeout),
            stop_timeout: or(own.stop_timeout, usual.stop_timeout),
            autostart: or(own.autostart, usual.autostart),
            autostart_delay: or(own.autostart_delay, usual.autostart_delay),
        },
        shared: Shared {
            bridge: host.bridge.as_ref().and_then(|bridge| bridge.value.clone()),
            netif: host.netif.as_ref().map(uplink),
            uplinks: {
                let is_used = |bridge: &IfName| nics.iter().any(|nic| nic.joins(bridge.as_str()));
                let used = uplinks::of_bridges(host, is_used, faults).into_iter();
                used.map(|(bridge, set)| (bridge.clone(), uplink(set)))
                    .collect()
            },
        },
        nics,
        spelling: wanted.spelling.clone(),
        name,
    };
    vm.bhyve_args = screen::bhyve_args(own.bhyve_args, &vm, faults);
    vm
}

/// The placeholder for an unknown number, so that the other settings can be checked.
pub(super) fn placeholder_id() -> Set<VmId> {
    Set {
        value: VmId(0),
        span: None,
    }
}

/// The cpus.
///
/// Differs: `-c` and `-m` win over the configuration
pub(super) fn cpu(parts: &mut Parts<'_>) -> CpuTopology {
    let Parts {
        own, host, wanted, ..
    } = parts;
    let cpu = first(
        wanted.cpu.as_ref(),
        own.settings.cpu.take(),
        host.cpu.as_ref(),
    );
    let cpu = cpu.unwrap_or_else(CpuTopology::one);
    match own.profile.as_ref().map(|profile| profile.spread) {
        Some(Spread::Cores) => cpu.as_cores(),
        _ => cpu,
    }
}

/// The memory.
///
/// Differs: The default memory is 256M
pub(super) fn mem(parts: &mut Parts<'_>) -> MemSize {
    let Parts {
        own, host, wanted, ..
    } = parts;
    let own = own.settings.mem.take();
    first(wanted.mem.as_ref(), own, host.mem.as_ref()).unwrap_or_else(MemSize::usual)
}

fn uplink(set: &Set<IfName>) -> Uplink {
    Uplink {
        name: set.value.clone(),
        origin: set.span,
    }
}

/// The value from the command line, else the VM's own, else the host's.
fn first<T: Clone>(typed: Option<&T>, own: Option<Set<T>>, host: Option<&Set<T>>) -> Option<T> {
    let set = || own.or_else(|| host.cloned()).map(|set| set.value);
    typed.cloned().or_else(set)
}

/// The VM's own value, or else the default.
fn or<T>(own: Option<Set<T>>, usual: T) -> T {
    own.map_or(usual, |set| set.value)
}
