//! Modules, sysctls, bridges and taps that a VM needs before it starts.

use super::vlan;
use crate::config::settings;
use crate::error::{Error, Result};
use crate::finding::FindingName;
use crate::model::device::Nic;
use crate::model::name::{IfName, TapName, VmName};
use crate::model::{Shared, Uplink, Vm};
use crate::operation::free::until_closed;
use crate::operation::gone;
use crate::operation::refuse::state;
use crate::plan::{Form, Plan, Undo, When};
use crate::survey::{State, Survey};
use crate::tools::ifconfig::{self, Interface};
use crate::tools::kld::{self, Module};
use crate::tools::sysctl;

/// The release from which a NIC with an address joins a bridge only if a sysctl allows it.
pub(crate) const MEMBER_IFADDRS: u32 = 1_500_000;
/// The release from which a NIC with an address cannot join a bridge.
pub(crate) const NO_MEMBER_ADDRESS: u32 = 1_600_000;

/// Refuses a network that no plan can set up, before any change; returns notes.
///
/// # Errors
/// If a tap is open in another process, was created for another VM that is busy, or is a member of
/// another bridge; if the uplink of one of its bridges cannot join.
pub fn refuse(vm: &Vm, survey: &Survey) -> Result<Vec<String>> {
    for (nic, tap) in taps(vm) {
        refuse_tap(vm, nic, tap, survey)?;
    }
    for nic in &vm.nics {
        let bridge = nic.bridge.as_ref();
        let bridge = bridge.and_then(|bridge| survey.interface(bridge.as_str()));
        if let Some(other) = bridge.filter(|bridge| !bridge.is_in(&["bridge"])) {
            return Err(Error::config(format!("{} is not a bridge", other.name))
                .at(nic.bridge_origin)
                .help("name a bridge, for example bridge0; a missing bridge is created"));
        }
    }
    let bridges = vm.bridges();
    let mut notes = Vec::new();
    for bridge in bridges.iter().filter(|_| survey.is_freebsd) {
        refuse_uplink(&vm.shared, bridge, &bridges, survey)?;
        notes.extend(vlan::in_use(&vm.shared, bridge, survey).map(|found| found.what));
    }
    Ok(notes)
}

/// The NICs that have a tap, and their taps.
fn taps(vm: &Vm) -> impl Iterator<Item = (&Nic, &TapName)> {
    let nics = vm.nics.iter();
    nics.filter_map(|nic| nic.tap().map(|tap| (nic, tap)))
}

fn refuse_tap(vm: &Vm, nic: &Nic, own: &TapName, survey: &Survey) -> Result<()> {
    let Some(tap) = survey.interface(own.interface().as_str()) else {
        return Ok(());
    };
    if let Some(pid) = tap.opened_by {
        let by = survey
            .processes
            .by_pid(pid)
            .map_or_else(String::new, |who| format!(" ({})", who.args));
        return Err(Error::host(format!("{own} is open by pid {pid}{by}"))
            .at(nic.origin)
            .help(format!(
                "set another tap for if{} of {}, or end that process",
                nic.number, vm.name
            )));
    }
    refuse_owner(vm, nic, tap, survey)?;
    match survey.bridge_of(&tap.name) {
        Some(bridge) if !nic.joins(&bridge.name) && !is_marked(vm, own, survey) => {
            let wanted = match &nic.bridge {
                Some(wanted) => format!(", not of {wanted}"),
                None => format!(", but if{}_bridge is none", nic.number),
            };
            Err(Error::host(format!(
                "{own} was not created for {}, and is a member of {}{wanted}",
                vm.name, bridge.name
            ))
            .at(nic.origin)
            .help(format!(
                "if {} shall use {}: {}",
                vm.name,
                bridge.name,
                vm.spelling.command(format_args!(
                    "set {} if{}_bridge={}",
                    vm.name, nic.number, bridge.name
                ))
            ))
            .help(format!(
                "or remove the tap from {}, as root: {}",
                bridge.name,
                ifconfig::delete_member(&bridge.name, &tap.name)
            )))
        }
        _ => Ok(()),
    }
}

/// Refuses a tap that was created for another VM, if that VM runs or is being loaded.
///
/// Differs: A tap of another VM that is being loaded is neither taken nor moved
fn refuse_owner(vm: &Vm, nic: &Nic, tap: &Interface, survey: &Survey) -> Result<()> {
    let other = tap.owner().filter(|owner| *owner != vm.name.as_str());
    let Some(owner) = other.and_then(|owner| VmName::parse(owner).ok()) else {
        return Ok(());
    };
    match survey.state(&owner) {
        State::Stopped | State::LeftOver => Ok(()),
        State::Busy(process, role) => Err(Error::host(format!(
            "{} was created for {owner}, which {}",
            tap.name,
            process.who.does(role)
        ))
        .at(nic.origin)
        .help(format!(
            "set another tap for if{} of {}, or end {owner} first",
            nic.number, vm.name
        ))),
        State::Unknown => Err(state::unknown(&owner)
            .note(format!("{} was created for {owner}", tap.name))
            .at(nic.origin)),
    }
}

/// Refuses the uplink of a bridge that cannot be a member of the bridge on this host. `bridges` are all
/// bridges whose uplinks join.
///
/// # Errors
/// If the interface does not exist, is wireless, is a member of another bridge, would get another MTU there, or
/// has an address on a release that allows none.
pub(crate) fn refuse_uplink(
    shared: &Shared,
    bridge: &IfName,
    bridges: &[&IfName],
    survey: &Survey,
) -> Result<()> {
    let Some(Uplink {
        name: netif,
        origin,
    }) = shared.uplink_of(bridge)
    else {
        return Ok(());
    };
    let own = settings::uplink_of(bridge).filter(|_| shared.uplinks.contains_key(bridge));
    let setting = own.as_deref().unwrap_or("netif");
    let Some(uplink) = survey.interface(netif.as_str()) else {
        return Err(
            Error::host(format!("network interface {netif} does not exist"))
                .at(*origin)
                .named(FindingName::NetifMissing)
                .help("list the interfaces: ifconfig -l")
                .help(format!(
                    "or set {setting}= (empty) for a bridge without uplink"
                )),
        );
    };
    if !uplink.is_ethernet || uplink.is_in(&["bridge"]) {
        return Err(Error::host(format!(
            "{netif} cannot be a member of a bridge: it is a bridge itself, or not Ethernet"
        ))
        .at(*origin)
        .named(FindingName::NetifBridge)
        .help(format!(
            "set {setting} to an Ethernet interface: ifconfig -l ether"
        )));
    }
    if uplink.is_wireless {
        return Err(Error::host(format!(
            "{netif} is wireless: it cannot be a member of a bridge"
        ))
        .at(*origin)
        .named(FindingName::NetifWireless)
        .help(format!(
            "set {setting} to a wired interface, or {setting}= (empty) for a bridge without uplink"
        )));
    }
    let joined = survey.bridge_of(netif.as_str());
    if let Some(joined) = joined.filter(|joined| joined.name != bridge.as_str()) {
        let setting = if own.is_some() {
            "ifN_bridge"
        } else {
            "bridge"
        };
        return Err(Error::host(format!(
            "{netif} is a member of {}, not of {bridge}",
            joined.name
        ))
        .at(*origin)
        .named(FindingName::NetifBridge)
        .help(format!(
            "set {setting}={}, or remove it from the bridge, as root: {}",
            joined.name,
            ifconfig::delete_member(&joined.name, netif.as_str())
        )));
    }
    if joined.is_some() {
        return Ok(());
    }
    vlan::refuse(shared, bridge, bridges, survey).map_err(|error| error.at(*origin))?;
    if let Some(existing) = survey.interface(bridge.as_str()) {
        refuse_mtu(uplink, existing).map_err(|error| error.at(*origin))?;
    }
    let moves_address = survey
        .kernel
        .osreldate
        .is_some_and(|release| release >= NO_MEMBER_ADDRESS);
    if moves_address && uplink.has_address {
        let refused = Error::host(format!(
            "{netif} has an address: since FreeBSD 16 such an interface cannot be a member of a bridge"
        ))
        .at(*origin)
        .named(FindingName::NetifBridge);
        return Err(move_address(bridge, netif)
            .into_iter()
            .fold(refused, Error::help));
    }
    Ok(())
}

/// How the address of an uplink moves to its bridge for good: without any of these lines the host has no network
/// after its next start.
pub(crate) fn move_address(bridge: &IfName, netif: &IfName) -> [String; 5] {
    [
        format!(
            "assign the address to {bridge} instead, in /etc/rc.conf, whose variables keep their other words:"
        ),
        format!("  cloned_interfaces=\"{bridge}\""),
        format!("  ifconfig_{bridge}=\"addm {netif} up DHCP\" (or inet and the address)"),
        format!("  ifconfig_{netif}=\"up\""),
        format!("  if ifconfig_{netif}_ipv6 is set, rename it to ifconfig_{bridge}_ipv6"),
    ]
}

/// Refuses an uplink whose MTU the bridge would change for the whole host: a bridge with members sets
/// its own MTU on each new one, and one without takes that of its first (`sys/net/if_bridge.c`).
fn refuse_mtu(uplink: &Interface, bridge: &Interface) -> Result<()> {
    match (uplink.mtu, bridge.mtu) {
        (Some(own), Some(of_bridge)) if own != of_bridge && !bridge.members.is_empty() => {
            let (netif, bridge) = (&uplink.name, &bridge.name);
            let what = format!(
                "{netif} has an MTU of {own}, which {bridge} would change to its own, {of_bridge}"
            );
            Err(Error::host(what)
                .named(FindingName::NetifBridge)
                .help(format!(
                    "give {bridge} and its members the MTU of {netif}, as root: ifconfig {bridge} mtu {own}"
                ))
                .help("or let the NICs join another bridge"))
        }
        _ => Ok(()),
    }
}

/// The plan that sets up the network of `vm`; its taps are destroyed when the VM ends.
pub fn plan(vm: &Vm, survey: &Survey) -> Plan {
    let mut plan = Plan::default();
    let bridges = vm.bridges();
    let has_taps = taps(vm).next().is_some();
    let is_needed = |module: &Module| match module {
        Module::Bridge => !bridges.is_empty(),
        Module::Tap => has_taps,
        Module::Vmm | Module::Nmdm => true,
    };
    let missing: Vec<Module> = Module::ALL
        .into_iter()
        .filter(|module| is_needed(module) && !survey.modules.contains(module))
        .collect();
    if !missing.is_empty() {
        plan.push(kld::load(&missing));
    }
    if has_taps && survey.kernel.tap_up_on_open != Some(true) {
        plan.push(sysctl::set_tap_up_on_open());
    }
    for bridge in bridges {
        make_bridge(&mut plan, vm, bridge, survey);
    }
    for (nic, tap) in taps(vm) {
        make_tap(&mut plan, vm, nic, tap, survey);
    }
    plan
}

fn make_bridge(plan: &mut Plan, vm: &Vm, bridge: &IfName, survey: &Survey) {
    let existing = survey.interface(bridge.as_str());
    if existing.is_none() {
        plan.push(ifconfig::create_bridge(bridge));
        let has_member = ifconfig::has_members(bridge);
        let destroy = gone::interface(bridge.as_str()).only_if(!has_member);
        plan.push(Undo::by(destroy, When::Failure, bridge));
    }
    let mut is_up = existing.is_some_and(|bridge| bridge.is_up);
    if let Some(uplink) = vm.shared.uplink_of(bridge) {
        is_up |= join_uplink(plan, bridge, &uplink.name, survey);
    }
    let joins =
        taps(vm).any(|(nic, tap)| nic.joins(bridge.as_str()) && !is_member(nic, tap, survey));
    if !is_up && !joins {
        plan.push(ifconfig::up(bridge));
    }
}

/// Makes `netif` a member of `bridge`; returns whether this brings the bridge up.
fn join_uplink(plan: &mut Plan, bridge: &IfName, netif: &IfName, survey: &Survey) -> bool {
    let uplink = survey.interface(netif.as_str());
    let joins = survey.bridge_of(netif.as_str()).is_none();
    if joins {
        let release = survey.kernel.osreldate.unwrap_or_default();
        if (MEMBER_IFADDRS..NO_MEMBER_ADDRESS).contains(&release)
            && uplink.is_some_and(|uplink| uplink.has_address)
            && survey.kernel.member_ifaddrs != Some(true)
        {
            let allow = Form::from(sysctl::set_member_ifaddrs());
            // One call is enough for the uplinks of several bridges.
            if !plan.forms.contains(&allow) {
                plan.push(allow);
            }
        }
        plan.push(ifconfig::add_member(bridge, netif));
    }
    if !uplink.is_some_and(|uplink| uplink.is_up) {
        plan.push(ifconfig::up(netif));
    }
    joins
}

fn make_tap(plan: &mut Plan, vm: &Vm, nic: &Nic, own: &TapName, survey: &Survey) {
    let tap = own.interface();
    let is_foreign = survey.interface(tap.as_str()).is_some() && !is_marked(vm, own, survey);
    if !is_foreign {
        plan.push(ifconfig::create_tap(own, &vm.name));
        let destroy = gone::interface(tap.as_str());
        plan.push(Undo {
            forms: vec![
                until_closed(tap.as_str()).into(),
                destroy.only_if(!ifconfig::is_open(tap.as_str())).into(),
            ],
            when: When::End,
            what: tap.to_string(),
        });
    }
    let Some(bridge) = nic.bridge.as_ref() else {
        return;
    };
    let is_member = is_foreign && is_member(nic, own, survey);
    if !is_member {
        plan.push(if nic.is_private {
            ifconfig::add_private_member(bridge, tap)
        } else {
            ifconfig::add_member(bridge, tap)
        });
    }
    if is_foreign && !is_member {
        let remove = gone::member(bridge.as_str(), tap.as_str());
        let what = format!("{tap} in {bridge}");
        plan.push(Undo::by(remove, When::End, &what));
    }
    if is_member && nic.is_private && !is_private(tap, survey) {
        plan.push(ifconfig::set_private(bridge, tap, true));
        let restore = gone::private_member(bridge, tap);
        let what = format!("the isolation of {tap} in {bridge}");
        plan.push(Undo::by(restore, When::End, &what));
    }
}

fn is_private(member: &IfName, survey: &Survey) -> bool {
    let bridge = survey.bridge_of(member.as_str());
    let mut private = bridge.iter().flat_map(|bridge| &bridge.private_members);
    private.any(|private| private == member.as_str())
}

/// Whether the tap has this VM's mark: such a tap is destroyed and created again.
fn is_marked(vm: &Vm, tap: &TapName, survey: &Survey) -> bool {
    survey
        .interface(tap.interface().as_str())
        .is_some_and(|tap| tap.is_made_for(&vm.name))
}

fn is_member(nic: &Nic, tap: &TapName, survey: &Survey) -> bool {
    survey
        .bridge_of(tap.interface().as_str())
        .is_some_and(|bridge| nic.joins(&bridge.name))
}
