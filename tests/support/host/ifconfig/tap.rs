//! Taps as device nodes: opening, closing and destroying (tap(4), sys/net/if_tuntap.c).

use super::super::Host;
use super::super::errno::Errno;
use super::super::live::alive::Notice;
use super::super::state::Kind;

/// The unit number in an interface's name (sys/net/if_clone.c, ifc_name2unit; if_tuntap.c).
pub(in super::super) fn unit(digits: &str) -> Result<u32, Errno> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Errno::Invalid);
    }
    if digits.len() > 1 && digits.starts_with('0') {
        return Err(Errno::Invalid);
    }
    match digits.parse() {
        Ok(unit) if unit <= 32_767 => Ok(unit),
        _ => Err(Errno::NotConfigured),
    }
}

impl Host {
    /// Opens a tap's node for a process: exclusively, and creates the tap by devfs cloning.
    pub(in super::super) fn open_tap_node(&mut self, node: &str, pid: i32) -> Result<(), Errno> {
        let path = std::path::Path::new("/dev").join(node);
        let Some(super::super::devices::Device::Tap(name)) = self.resolve(&path, 0) else {
            return Err(Errno::NoEntry);
        };
        self.open_tap(&name, pid)
    }

    /// Opens an interface's node for a process.
    pub fn open_tap(&mut self, name: &str, pid: i32) -> Result<(), Errno> {
        let up_on_open = self.state.number("net.link.tap.up_on_open") != 0;
        // net_backends.c of 15: bhyve raises IFF_UP itself.
        let raised = self.state.major() >= 15
            && self
                .state
                .processes
                .get(&pid)
                .is_some_and(|process| process.comm == "bhyve");
        let interface = self.state.interfaces.get_mut(name).ok_or(Errno::NoEntry)?;
        if interface.opened_by.is_some() || interface.dying {
            return Err(Errno::Busy);
        }
        interface.opened_by = Some(pid);
        interface.up |= up_on_open || raised;
        Ok(())
    }

    /// Closes the devices that a process has open: a tap goes down and loses its addresses, but stays a
    /// member; a tap that a process waits to destroy is destroyed (tap(4)).
    pub(in super::super) fn close_taps(&mut self, pid: i32) {
        let mut gone = Vec::new();
        for (name, interface) in &mut self.state.interfaces {
            if interface.opened_by != Some(pid) {
                continue;
            }
            interface.opened_by = None;
            if interface.kind == Kind::Tap && !interface.link0 {
                interface.up = false;
                interface.addresses.clear();
            }
            if interface.dying {
                gone.push(name.clone());
            }
        }
        if !gone.is_empty() {
            let all = self.state.processes.values();
            let waiting = all.filter(|one| one.comm == "ifconfig" && one.live.is_some());
            let told: Vec<_> = waiting.map(|one| Notice::Look(one.pid)).collect();
            self.outbox.extend(told);
        }
        for name in gone {
            self.remove_interface(&name);
        }
    }

    /// Destroys an interface, and removes it from its bridge.
    pub(in super::super) fn remove_interface(&mut self, name: &str) {
        self.state.interfaces.remove(name);
        for interface in self.state.interfaces.values_mut() {
            interface.members.retain(|member| member != name);
            interface.private.remove(name);
            // A VLAN stays, without a parent (sys/net/if_vlan.c, vlan_ifdetach).
            if let Some((_, parent)) = interface.vlan.as_mut().filter(|(_, parent)| parent == name)
            {
                *parent = "<none>".into();
            }
        }
    }
}
