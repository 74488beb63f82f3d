//! Network interfaces: ifconfig(8), bridge(4), tap(4).

use crate::command::{Command, args};
use crate::model::name::{IfName, TapName, VmName};
use crate::plan::Test;

/// One interface in the output of `ifconfig -a`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact in the output"
)]
pub struct Interface {
    /// The name.
    pub name: String,
    /// Whether the interface is up.
    pub is_up: bool,
    /// The MTU in bytes.
    pub mtu: Option<u32>,
    /// Whether the interface has an inet or inet6 address.
    pub has_address: bool,
    /// Whether the interface has an Ethernet address, without which it cannot join a bridge(4).
    pub is_ethernet: bool,
    /// Whether the interface is wireless: `media: IEEE 802.11`.
    pub is_wireless: bool,
    /// The groups: a tap(4) is in `tap` or `vmnet`, an if_bridge(4) in `bridge`.
    pub groups: Vec<String>,
    /// The description.
    pub description: Option<String>,
    /// The bridge's members.
    pub members: Vec<String>,
    /// The members that are isolated from each other: `PRIVATE`.
    pub private_members: Vec<String>,
    /// The parent of a vlan(4).
    pub parent: Option<String>,
    /// The process that has the tap open.
    pub opened_by: Option<u32>,
}

impl Interface {
    /// Whether the interface belongs to one of these groups.
    pub fn is_in(&self, groups: &[&str]) -> bool {
        self.groups
            .iter()
            .any(|group| groups.contains(&group.as_str()))
    }

    /// The VM in the mark of a tap; none for other interfaces.
    pub fn owner(&self) -> Option<&str> {
        let owner = self.description.as_deref()?.strip_prefix(VmName::MARK)?;
        self.is_in(&["tap", "vmnet"]).then_some(owner)
    }

    /// Whether the interface is a tap with the mark of `vm`.
    pub fn is_made_for(&self, vm: &VmName) -> bool {
        self.owner() == Some(vm.as_str())
    }
}

/// The messages of ifconfig(8) for a missing interface (`sbin/ifconfig/ifconfig.c`), and for one that
/// disappears in the meantime: ENXIO of `sys/net/if.c`.
const ABSENT: &[&str] = &[" does not exist", ": Device not configured"];

/// Queries one interface: `ifconfig IF`.
fn show(name: &str) -> Command {
    Command::question("ifconfig", args![name]).absent(ABSENT)
}

/// Queries all interfaces: `ifconfig -a`.
pub fn list() -> Command {
    Command::question("ifconfig", args!["-a"])
}

/// Parses the output of [`list`]; unknown lines are skipped.
pub fn parse(listing: &str) -> Vec<Interface> {
    let mut interfaces: Vec<Interface> = Vec::new();
    for line in listing.lines() {
        if !line.starts_with([' ', '\t']) {
            let Some((name, rest)) = line.split_once(": flags=") else {
                continue;
            };
            let flags = rest
                .split_once('<')
                .and_then(|(_, rest)| rest.split_once('>'));
            let is_up = flags.is_some_and(|(flags, _)| flags.split(',').any(|flag| flag == "UP"));
            let mtu = rest.split_once(" mtu ").map(|(_, mtu)| mtu);
            let mtu = mtu.and_then(|mtu| mtu.split_ascii_whitespace().next()?.parse().ok());
            interfaces.push(Interface {
                name: name.to_owned(),
                is_up,
                mtu,
                ..Interface::default()
            });
            continue;
        }
        let Some(interface) = interfaces.last_mut() else {
            continue;
        };
        let line = line.trim_start();
        if let Some(text) = line.strip_prefix("description: ") {
            interface.description = Some(text.to_owned());
        } else if let Some(text) = line.strip_prefix("groups: ") {
            interface
                .groups
                .extend(text.split_ascii_whitespace().map(str::to_owned));
        } else if let Some(text) = line.strip_prefix("member: ") {
            let (member, flags) = text.split_once(' ').unwrap_or((text, ""));
            interface.members.push(member.to_owned());
            if flags.contains("PRIVATE") {
                interface.private_members.push(member.to_owned());
            }
        } else if line.starts_with("vlan: ") {
            let parent = line.split_once("parent interface: ");
            interface.parent = parent.map(|(_, parent)| parent.trim_end().to_owned());
        } else if let Some(text) = line.strip_prefix("Opened by PID ") {
            interface.opened_by = text.trim().parse().ok();
        } else if line.starts_with("media: IEEE 802.11") {
            interface.is_wireless = true;
        } else if line.starts_with("ether ") {
            interface.is_ethernet = true;
        } else if line.starts_with("inet ") || line.starts_with("inet6 ") {
            interface.has_address = true;
        }
    }
    interfaces
}

/// Creates a bridge: `ifconfig BRIDGE create`, or `ifconfig bridge create name BRIDGE`.
pub fn create_bridge(bridge: &IfName) -> Command {
    Command::root(
        "ifconfig",
        match bridge.renamed_from("bridge") {
            None => args![bridge, "create"],
            Some(kind) => args![kind, "create", "name", bridge],
        },
    )
}

/// Creates a tap with its VM's mark: `ifconfig TAP create description MARK`.
pub fn create_tap(tap: &TapName, owner: &VmName) -> Command {
    Command::root(
        "ifconfig",
        match tap.interface().renamed_from(tap.kind()) {
            None => args![tap, "create", "description", owner.mark()],
            Some(kind) => args![kind, "create", "name", tap, "description", owner.mark()],
        },
    )
}

/// Destroys an interface: `ifconfig IF destroy`. Blocks while a tap is open.
pub fn destroy(name: &str) -> Command {
    Command::root("ifconfig", args![name, "destroy"])
}

/// Adds a member and brings the bridge up: `ifconfig BRIDGE addm IF up`.
pub fn add_member(bridge: &IfName, member: &IfName) -> Command {
    Command::root("ifconfig", args![bridge, "addm", member, "up"])
}

/// As [`add_member`], isolated from the other private members from the first packet on: `ifconfig BRIDGE
/// addm IF private IF up`.
pub fn add_private_member(bridge: &IfName, member: &IfName) -> Command {
    let words = args![bridge, "addm", member, "private", member, "up"];
    Command::root("ifconfig", words)
}

/// Isolates a member from the other private members, or no longer: `ifconfig BRIDGE [-]private IF`.
pub fn set_private(bridge: &IfName, member: &IfName, is_private: bool) -> Command {
    let flag = if is_private { "private" } else { "-private" };
    Command::root("ifconfig", args![bridge, flag, member])
}

/// Removes a member: `ifconfig BRIDGE deletem IF`.
pub fn delete_member(bridge: &str, member: &str) -> Command {
    Command::root("ifconfig", args![bridge, "deletem", member])
}

/// Brings an interface up: `ifconfig IF up`.
pub fn up(name: &IfName) -> Command {
    Command::root("ifconfig", args![name, "up"])
}

/// Whether a process has the tap open: `ifconfig TAP` prints `Opened by PID`.
pub fn is_open(tap: &str) -> Test {
    Test::Mentions {
        command: show(tap),
        text: "Opened by PID".to_owned(),
    }
}

/// Whether an interface exists: `ifconfig IF` exits with 1 if not.
pub fn exists(name: &str) -> Test {
    Test::Succeeds(show(name))
}

/// Whether a bridge has any member: `ifconfig BRIDGE` prints `member: IF`.
pub fn has_members(bridge: &IfName) -> Test {
    Test::Mentions {
        command: show(bridge.as_str()),
        text: "member: ".to_owned(),
    }
}

/// Whether a bridge has this member: `ifconfig BRIDGE` prints `member: IF`.
pub fn is_member(bridge: &str, member: &str) -> Test {
    Test::Mentions {
        command: show(bridge),
        text: format!("member: {member} "),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Interface, add_member, add_private_member, create_bridge, create_tap, delete_member,
        destroy, parse, set_private, up,
    };
    use crate::model::name::{IfName, TapName, VmName};

    #[test]
    fn the_arguments_are_those_of_ifconfig() {
        let bridge = IfName::parse("bridge0").expect("a name");
        let lan = IfName::parse("lan").expect("a name");
        let tap = TapName::parse("tap7").expect("a name");
        let named = TapName::parse("tapweb").expect("a name");
        let vm = VmName::parse("fbsd0").expect("a name");
        for (command, line) in [
            (create_bridge(&bridge), "ifconfig bridge0 create"),
            (create_bridge(&lan), "ifconfig bridge create name lan"),
            (
                create_tap(&tap, &vm),
                "ifconfig tap7 create description easy-bhyve:fbsd0",
            ),
            (
                create_tap(&named, &vm),
                "ifconfig tap create name tapweb description easy-bhyve:fbsd0",
            ),
            (
                add_member(&bridge, tap.interface()),
                "ifconfig bridge0 addm tap7 up",
            ),
            (
                add_private_member(&bridge, tap.interface()),
                "ifconfig bridge0 addm tap7 private tap7 up",
            ),
            (
                set_private(&bridge, tap.interface(), false),
                "ifconfig bridge0 -private tap7",
            ),
            (
                delete_member("bridge0", "tap7"),
                "ifconfig bridge0 deletem tap7",
            ),
            (up(&lan), "ifconfig lan up"),
            (destroy("tap7"), "ifconfig tap7 destroy"),
        ] {
            assert_eq!(command.to_string(), line);
        }
    }

    #[test]
    fn a_listing_becomes_interfaces() {
        let listing = "igb0: flags=8863<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500\n\
            \toptions=4e527bb<RXCSUM>\n\tether 00:25:90:00:00:01\n\
            \tinet 192.0.2.10 netmask 0xffffff00 broadcast 192.0.2.255\n\tmedia: Ethernet autoselect\n\
            wlan0: flags=8802<BROADCAST,SIMPLEX,MULTICAST> metric 0 mtu 1500\n\
            \tmedia: IEEE 802.11 Wireless Ethernet autoselect\n\
            bridge0: flags=8843<UP,BROADCAST> metric 0 mtu 1500\n\
            \tmember: igb0 flags=143<LEARNING,DISCOVER,AUTOEDGE,AUTOPTP>\n\
            \t        ifmaxaddr 0 port 1 priority 128 path cost 20000\n\
            \tmember: tap0 flags=943<LEARNING,DISCOVER,PRIVATE,AUTOEDGE,AUTOPTP>\n\
            tap0: flags=8943<UP,BROADCAST> metric 0 mtu 1500\n\
            \tdescription: easy-bhyve:fbsd0\n\tgroups: tap\n\tOpened by PID 4711\n\
            igb0.7: flags=8843<UP,BROADCAST> metric 0 mtu 1500\n\
            \tgroups: vlan\n\
            \tvlan: 7 vlanproto: 802.1q vlanpcp: 0 parent interface: igb0\n";
        let interface = |name: &str| Interface {
            name: name.into(),
            mtu: Some(1500),
            ..Interface::default()
        };
        assert_eq!(
            parse(listing),
            [
                Interface {
                    is_up: true,
                    has_address: true,
                    is_ethernet: true,
                    ..interface("igb0")
                },
                Interface {
                    is_wireless: true,
                    ..interface("wlan0")
                },
                Interface {
                    is_up: true,
                    members: vec!["igb0".into(), "tap0".into()],
                    private_members: vec!["tap0".into()],
                    ..interface("bridge0")
                },
                Interface {
                    is_up: true,
                    groups: vec!["tap".into()],
                    description: Some("easy-bhyve:fbsd0".into()),
                    opened_by: Some(4711),
                    ..interface("tap0")
                },
                Interface {
                    is_up: true,
                    groups: vec!["vlan".into()],
                    parent: Some("igb0".into()),
                    ..interface("igb0.7")
                },
            ]
        );
    }
}
