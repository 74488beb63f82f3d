//! Kernel state: sysctl(8).

use crate::command::{Command, args};
use crate::model::release::Machine;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The kernel state that the program uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kernel {
    /// `kern.osreldate`: 1400097 is 14.0; decides between versions.
    pub osreldate: Option<u32>,
    /// `hw.machine`.
    pub machine: Option<Machine>,
    /// Whether opening a tap brings it up; unknown until if_tuntap is loaded.
    pub tap_up_on_open: Option<bool>,
    /// Whether a bridge accepts members with an address (FreeBSD 15); unknown until if_bridge is loaded.
    pub member_ifaddrs: Option<bool>,
    /// The most vCPUs that a VM may have (`hw.vmm.maxcpu`); unknown until vmm is loaded.
    pub max_cpus: Option<u64>,
    /// The cpus of the host (`hw.ncpu`).
    pub cpus: Option<u64>,
    /// The UUID of the host (`kern.hostuuid`), if it was asked.
    pub host_uuid: Option<Uuid>,
    /// The memory of the host in bytes (`hw.physmem`).
    pub memory: Option<u64>,
    /// Whether root's processes are hidden from the caller.
    pub hides_root: bool,
    /// Whether this is a jail, which hides the processes outside it.
    pub is_jailed: bool,
}

impl Kernel {
    /// Whether an unlisted process may exist.
    pub fn hides_processes(&self) -> bool {
        self.hides_root || self.is_jailed
    }
}

const NAMES: [&str; 7] = [
    "hw.vmm.maxcpu",
    "kern.osreldate",
    "hw.machine",
    "hw.ncpu",
    "hw.physmem",
    "net.link.tap.up_on_open",
    "net.link.bridge.member_ifaddrs",
];

/// The names that say whether processes are hidden.
const VISIBILITY: [&str; 3] = [
    "security.bsd.see_other_uids",
    "security.bsd.see_other_gids",
    "security.jail.jailed",
];

/// The name of the host's UUID.
const HOST_UUID: &str = "kern.hostuuid";

/// Queries all of [`Kernel`] but the UUID: `sysctl -i NAME…`, which skips unknown names.
pub fn ask() -> Command {
    ask_names(NAMES.iter().chain(&VISIBILITY))
}

/// Queries all of [`Kernel`]: `sysctl -i NAME…`.
pub fn ask_with_uuid() -> Command {
    ask_names(NAMES.iter().chain(&VISIBILITY).chain([&HOST_UUID]))
}

/// Queries all of [`Kernel`], and more: `sysctl -i NAME…`.
pub fn ask_also(names: &[&'static str]) -> Command {
    ask_names(NAMES.iter().chain(&VISIBILITY).chain(names))
}

/// Every name with its value, from the lines `NAME: VALUE` of an answer.
pub fn values(output: &str) -> BTreeMap<String, String> {
    let pairs = output.lines().filter_map(|line| line.split_once(": "));
    pairs
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect()
}

/// Queries only whether processes are hidden: `sysctl -i NAME…`.
pub fn ask_visibility() -> Command {
    ask_names(VISIBILITY.iter())
}

/// Queries only the machine: `sysctl -i hw.machine`.
pub fn ask_machine() -> Command {
    ask_names(["hw.machine"].iter())
}

fn ask_names<'name>(names: impl Iterator<Item = &'name &'static str>) -> Command {
    let mut words = args!["-i"];
    words.extend(names.map(std::ffi::OsString::from));
    Command::question("sysctl", words)
}

/// Parses the lines `NAME: VALUE` of [`ask`].
pub fn parse(output: &str, uid: u32) -> Kernel {
    let mut kernel = Kernel::default();
    for (name, value) in output.lines().filter_map(|line| line.split_once(": ")) {
        let value = value.trim();
        match name {
            "kern.osreldate" => kernel.osreldate = value.parse().ok(),
            "hw.machine" => kernel.machine = Some(Machine::parse(value)),
            "net.link.tap.up_on_open" => kernel.tap_up_on_open = Some(value != "0"),
            "net.link.bridge.member_ifaddrs" => kernel.member_ifaddrs = Some(value != "0"),
            "security.bsd.see_other_uids" | "security.bsd.see_other_gids" => {
                kernel.hides_root |= value == "0" && uid != 0;
            }
            "security.jail.jailed" => kernel.is_jailed = value != "0",
            "hw.vmm.maxcpu" => kernel.max_cpus = value.parse().ok(),
            "hw.ncpu" => kernel.cpus = value.parse().ok(),
            HOST_UUID => kernel.host_uuid = Uuid::try_parse(value).ok(),
            "hw.physmem" => kernel.memory = value.parse().ok(),
            _ => {}
        }
    }
    kernel
}

/// Brings taps up when bhyve opens them: `sysctl net.link.tap.up_on_open=1`.
pub fn set_tap_up_on_open() -> Command {
    Command::root("sysctl", args!["net.link.tap.up_on_open=1"])
}

/// Lets a NIC with an address join a bridge: `sysctl net.link.bridge.member_ifaddrs=1`.
pub fn set_member_ifaddrs() -> Command {
    Command::root("sysctl", args!["net.link.bridge.member_ifaddrs=1"])
}

#[cfg(test)]
mod tests {
    use super::{Kernel, ask, parse};
    use crate::model::release::Machine;

    #[test]
    fn the_arguments_are_those_of_sysctl() {
        assert_eq!(
            ask().to_string(),
            "sysctl -i hw.vmm.maxcpu kern.osreldate hw.machine hw.ncpu hw.physmem net.link.tap.up_on_open net.link.bridge.member_ifaddrs \
             security.bsd.see_other_uids security.bsd.see_other_gids security.jail.jailed"
        );
    }

    #[test]
    fn lines_become_values_and_absent_names_stay_unknown() {
        let output = "kern.osreldate: 1500068\nhw.machine: amd64\nnet.link.tap.up_on_open: 0\n\
                      security.bsd.see_other_uids: 0\nsecurity.jail.jailed: 0\n";
        let kernel = Kernel {
            osreldate: Some(1_500_068),
            machine: Some(Machine::Amd64),
            tap_up_on_open: Some(false),
            member_ifaddrs: None,
            max_cpus: None,
            cpus: None,
            host_uuid: None,
            memory: None,
            hides_root: true,
            is_jailed: false,
        };
        assert_eq!(parse(output, 1001), kernel);
        assert_eq!(
            parse(output, 0),
            Kernel {
                hides_root: false,
                ..kernel
            }
        );
        assert!(parse("security.jail.jailed: 1\n", 0).hides_processes());
        assert_eq!(parse("hw.vmm.maxcpu: 8\n", 0).max_cpus, Some(8));
        let uuid = "4c4c4544-0042-3210-8054-b4c04f4a3031";
        let kernel = parse(&format!("kern.hostuuid: {uuid}\n"), 0);
        assert_eq!(
            kernel.host_uuid.map(|uuid| uuid.to_string()).as_deref(),
            Some(uuid)
        );
    }
}
