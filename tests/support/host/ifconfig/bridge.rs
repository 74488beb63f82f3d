//! Bridges and VLANs: sbin/ifconfig/ifbridge.c, sys/net/{if_bridge,if_vlan}.c.

use super::super::errno::Errno;
use super::super::state::{Interface, Kind};
use super::{Work, unit};

impl Work<'_> {
    /// BRDGADD (sys/net/if_bridge.c, bridge_ioctl_add).
    pub(super) fn add_member(&mut self, member: &str) -> Result<(), String> {
        let refuse = |errno: Errno| format!("BRDGADD {member}: {}", errno.text());
        if self.interface()?.kind != Kind::Bridge {
            return Err(refuse(Errno::Invalid));
        }
        if self.uid != 0 {
            return Err(refuse(Errno::NotPermitted));
        }
        let major = self.host.state.major();
        let allowed = major < 15
            || (major == 15 && self.host.state.number("net.link.bridge.member_ifaddrs") != 0);
        let Some(port) = self.host.state.interfaces.get(member) else {
            return Err(refuse(Errno::NoEntry));
        };
        match self.host.state.bridge_of(member) {
            Some(bridge) if bridge == self.name => return Err(refuse(Errno::Exists)),
            Some(_) => return Err(refuse(Errno::Busy)),
            None => {}
        }
        if matches!(port.kind, Kind::Loopback | Kind::Bridge) {
            return Err(refuse(Errno::Invalid));
        }
        // bridge(4): from 15 on an address belongs to the bridge, not to its member.
        if !port.addresses.is_empty() && !allowed {
            return Err(refuse(Errno::Invalid));
        }
        let mtu = port.mtu;
        let bridge = self.interface()?;
        let mtu = if bridge.members.is_empty() {
            bridge.mtu = mtu;
            mtu
        } else {
            bridge.mtu
        };
        bridge.members.push(member.into());
        if let Some(port) = self.host.state.interfaces.get_mut(member) {
            port.mtu = mtu;
        }
        Ok(())
    }

    /// BRDGDEL.
    pub(super) fn delete_member(&mut self, member: &str) -> Result<(), String> {
        let refuse = |errno: Errno| format!("BRDGDEL {member}: {}", errno.text());
        if self.interface()?.kind != Kind::Bridge {
            return Err(refuse(Errno::Invalid));
        }
        if self.uid != 0 {
            return Err(refuse(Errno::NotPermitted));
        }
        let bridge = self.interface()?;
        let at = bridge.members.iter().position(|name| name == member);
        match at {
            None => Err(refuse(Errno::NoEntry)),
            Some(at) => {
                bridge.members.remove(at);
                bridge.private.remove(member);
                Ok(())
            }
        }
    }

    /// BRDGGIFFLGS, BRDGSIFFLGS (ifbridge.c, do_bridgeflag; if_bridge.c, bridge_ioctl_gifflags).
    pub(super) fn set_private(&mut self, member: &str, is_private: bool) -> Result<(), String> {
        let refuse =
            |verb: &str, errno: Errno| format!("unable to {verb} bridge flags: {}", errno.text());
        let uid = self.uid;
        let bridge = self.interface()?;
        if bridge.kind != Kind::Bridge {
            return Err(refuse("get", Errno::Invalid));
        }
        if !bridge.members.iter().any(|name| name == member) {
            return Err(refuse("get", Errno::NoEntry));
        }
        if uid != 0 {
            return Err(refuse("set", Errno::NotPermitted));
        }
        if is_private {
            bridge.private.insert(member.into());
        } else {
            bridge.private.remove(member);
        }
        Ok(())
    }

    /// `ifconfig PARENT.TAG create` (vlan(4); sys/net/if_vlan.c, vlan_clone_match_ethervid).
    pub(super) fn create_vlan(&mut self, parent: &str, tag: &str) -> Result<(), String> {
        let name = self.name.clone();
        let refuse = |errno: Errno| format!("SIOCIFCREATE2 ({name}): {}", errno.text());
        if self.uid != 0 {
            return Err(refuse(Errno::NotPermitted));
        }
        let is_ethernet = |interface: &Interface| interface.kind != Kind::Loopback;
        let mtu = match self
            .host
            .state
            .interfaces
            .get(parent)
            .filter(|one| is_ethernet(one))
        {
            Some(parent) => parent.mtu,
            None => return Err(refuse(Errno::Invalid)),
        };
        let tag @ 1..=4094 = unit(tag).map_err(refuse)? else {
            return Err(refuse(Errno::Invalid));
        };
        let vlan = self.host.add_interface(&name, Kind::Vlan);
        vlan.vlan = Some((tag, parent.to_owned()));
        vlan.mtu = mtu;
        Ok(())
    }
}
