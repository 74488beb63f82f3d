//! How a guest runs and ends, and what it does as a real process.

use super::super::Host;
use super::super::call::Call;
use super::super::live::guest;
use super::super::process::{Ending, Guest};
use super::super::state::System;
use super::options::Options;
use super::rom::{self, Boots};
use super::{has_serial, read, screen};

/// How long a guest without a plan runs in the foreground.
const FOREGROUND_MS: u64 = 60_000;

/// What decides how a guest runs and ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    /// Whether there is code for its vCPUs.
    pub(super) loaded: bool,
    /// What its firmware boots, if it has one.
    pub(super) boots: Option<Boots>,
    /// Whether it runs under daemon(8).
    pub(super) background: bool,
    /// Whether bhyve waits for a viewer.
    pub(super) waits: bool,
}

/// Decides how the guest will run and end.
pub(super) fn settle(host: &mut Host, pid: i32, options: &Options, how: Settled) {
    let Settled {
        loaded,
        boots,
        background,
        waits,
    } = how;
    let vm = options.name.clone();
    let mut plan = host.state.plan_of(&vm);
    if host.state.machine != "amd64" {
        // There is no power button.
        plan.acpi_ms = None;
    }
    // rfb_init: the vCPUs are made once a viewer is connected.
    let viewer = if waits { plan.viewer_ms } else { Some(0) };
    let connects = viewer.map(|after| host.state.clock_ms + after);
    let now = connects.unwrap_or(host.state.clock_ms);
    let waits_for_ever = boots == Some(Boots::Nothing);
    let end = if waits_for_ever {
        None
    } else if loaded {
        let ending = if plan.endings.is_empty() {
            Ending::PowerOff
        } else {
            plan.endings.remove(0)
        };
        let waits = background || host.state.real_time;
        let after = plan.runs_ms.or((!waits).then_some(FOREGROUND_MS));
        if after.is_some() {
            host.state.guests.insert(vm.clone(), plan.clone());
        }
        after.map(|after| (now + after, ending))
    } else {
        // There is no code at the vCPU's entry point.
        Some((now + plan.title_ms + 100, Ending::TripleFault))
    };
    // An installer that boots from a CD leaves a system on the first disk; in real time it asks first.
    let asks = host.state.real_time && plan.runs_ms.is_none();
    if loaded
        && !asks
        && options.cd().is_some()
        && boots.is_none_or(|boots| boots == Boots::Cd)
        && let Some(disk) = options.disk().map(str::to_owned)
    {
        host.install_on(&disk);
    }
    let is_counted_later = loaded && plan.is_seen_first;
    let end_once_seen = end.filter(|_| is_counted_later);
    if let Some(process) = host.state.processes.get_mut(&pid) {
        process.guest = Some(Guest {
            vm,
            title_at: connects.map(|at| at + plan.title_ms),
            acpi_at: plan
                .acpi_ms
                .filter(|_| loaded && !waits_for_ever)
                .zip(connects)
                .map(|(after, at)| at + after),
            pressed: false,
            end: end.filter(|_| !is_counted_later && connects.is_some()),
            end_once_seen: end_once_seen.map(|(at, ending)| (at - now, ending)),
            destroy: options.destroy,
        });
    }
}

/// The behaviour of the guest as a real process.
pub(super) fn session(host: &Host, pid: i32, options: &Options, loaded: bool) -> guest::Session {
    let plan = host.state.plan_of(&options.name);
    let rom = options.bootrom.as_ref();
    let boots = rom.map(|_| rom::boots(host, options));
    let has_serial = has_serial(host, options);
    guest::Session {
        pid,
        vm: options.name.clone(),
        console: options
            .consoles
            .first()
            .filter(|_| has_serial)
            .map(|(_, backend)| host.place_of(backend)),
        system: match boots {
            Some(Boots::Nothing) => None,
            Some(Boots::Disk | Boots::Cd) => Some(System::Linux),
            None => loaded.then(|| {
                let node = host.state.vms.get(&options.name);
                node.map(|node| node.system).unwrap_or_default()
            }),
        },
        installs_on: options
            .cd()
            .filter(|_| boots.is_none_or(|boots| boots == Boots::Cd))
            .and(options.disk())
            .filter(|_| plan.runs_ms.is_none())
            .map(str::to_owned),
        cpus: options.cpus,
        memory: options.memory,
        boot_ms: Some(plan.acpi_ms.unwrap_or(plan.title_ms)),
        stop_ms: plan.button_ms.unwrap_or(1_000),
        screen: options.devices.iter().find_map(screen::live),
        noise: plan.noise,
    }
}

/// The behaviour of a running guest as a real process, from its command line.
pub(in super::super) fn session_of(host: &Host, pid: i32, call: &Call) -> Option<guest::Session> {
    let (options, _) = read(&mut host.clone(), call).ok()?;
    Some(session(host, pid, &options, true))
}
