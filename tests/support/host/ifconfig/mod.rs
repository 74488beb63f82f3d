//! ifconfig(8): this file reads the command line and changes interfaces, `show.rs` prints them.
//!
//! Sources: sbin/ifconfig/{ifconfig,ifclone,ifbridge}.c, sys/net/{if_clone,if_tuntap,if_bridge}.c.

mod bridge;
mod show;
mod tap;

use super::Host;
use super::call::{Answer, Call, Status};
use super::errno::Errno;
use super::live::Session;
use super::state::{Interface, Kind};
use super::words::Words;

pub(super) use tap::unit;

const USAGE: &str = "usage: ifconfig [-j jail] [-f type:format] interface address_family\n            \
     [address [dest_address]] [parameters]\n       ifconfig [-j jail] interface create\n       \
     ifconfig -a [-j jail] [-d] [-m] [-u] [-v] [-f type:format] [address_family]\n       \
     ifconfig -l [-d] [-u] [address_family]\n       ifconfig [-j jail] [-d] [-m] [-u] [-v]";

/// Longest interface name (IFNAMSIZ - 1).
const NAME_MAX: usize = 15;

/// Runs ifconfig.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = match Words::parse(&call.words(), "adf:G:g:j:klLmnuvX") {
        Ok(words) => words,
        Err(error) => return Answer::fail(1, format!("ifconfig: {error}")).and_err(USAGE),
    };
    let selected = |interface: &Interface| {
        !(words.has("u") && !interface.up || words.has("d") && interface.up)
    };
    if words.has("l") {
        let names: Vec<&str> = show::ordered(host)
            .into_iter()
            .filter(|(_, interface)| selected(interface))
            .map(|(name, _)| name)
            .collect();
        return Answer::out(format!("{}\n", names.join(" ")));
    }
    if words.has("a") || words.operands.is_empty() {
        let all: String = show::ordered(host)
            .into_iter()
            .filter(|(_, interface)| selected(interface))
            .map(|(name, interface)| show::interface(host, name, interface))
            .collect();
        return Answer::out(all);
    }
    let (name, parameters) = (words.operands[0].clone(), &words.operands[1..]);
    let mut work = Work {
        host,
        uid: call.uid,
        name,
        announce: false,
        autoload: !words.has("n"),
    };
    let answer = work.run(parameters);
    // printifnamemaybe, at exit
    if work.announce {
        let name = work.name;
        return answer.and_out(format!("{name}\n"));
    }
    answer
}

/// One call that works on one interface.
struct Work<'host> {
    host: &'host mut Host,
    uid: u32,
    name: String,
    /// Whether the name is printed, because it is not the given one.
    announce: bool,
    autoload: bool,
}

impl Work<'_> {
    fn run(&mut self, parameters: &[String]) -> Answer {
        if !self.host.state.interfaces.contains_key(&self.name) {
            let creates = parameters
                .first()
                .is_some_and(|word| word == "create" || word == "plumb");
            if !creates {
                return failed(&format!("interface {} does not exist", self.name));
            }
            if self.name.len() > NAME_MAX {
                return failed(&format!("{}: cloning name too long", self.name));
            }
        }
        if parameters.is_empty() {
            let name = &self.name;
            return match self.host.state.interfaces.get(name) {
                Some(interface) => Answer::out(show::interface(self.host, name, interface)),
                None => Answer::ok(),
            };
        }
        let mut words = parameters.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let step = self.step(word, &mut words);
            match step {
                Ok(None) => {}
                Ok(Some(answer)) => return answer,
                Err(text) => return failed(&text),
            }
        }
        Answer::ok()
    }

    /// Runs one parameter; an answer ends the call early.
    fn step<'word>(
        &mut self,
        word: &str,
        rest: &mut impl Iterator<Item = &'word str>,
    ) -> Result<Option<Answer>, String> {
        let mut argument = || {
            rest.next()
                .map(str::to_owned)
                .ok_or_else(|| format!("'{word}' requires argument"))
        };
        match word {
            "create" | "plumb" => self.create()?,
            "destroy" | "unplumb" => return self.destroy(),
            "up" | "down" => {
                self.may(word)?;
                self.interface()?.up = word == "up";
            }
            "addm" => self.add_member(&argument()?)?,
            "deletem" => self.delete_member(&argument()?)?,
            "private" | "-private" => self.set_private(&argument()?, word == "private")?,
            "description" | "descr" => {
                let text = argument()?;
                self.permitted("ioctl (set descr)")?;
                self.interface()?.description = text;
            }
            "-description" | "-descr" => {
                self.permitted("ioctl (set descr)")?;
                self.interface()?.description.clear();
            }
            "name" => self.rename(&argument()?)?,
            "group" => {
                let group = argument()?;
                // ifconfig(8): a group must not end in a digit.
                if group.ends_with(|letter: char| letter.is_ascii_digit()) {
                    return Err("setifgroup: group names may not end in a digit".into());
                }
                self.permitted("setifgroup: SIOCAIFGROUP")?;
                self.interface()?.groups.push(group);
            }
            "link0" => self.interface()?.link0 = true,
            "-link0" => self.interface()?.link0 = false,
            "mtu" => {
                let value = argument()?;
                self.permitted("ioctl (set mtu)")?;
                let mtu = value.parse().map_err(|_| format!("{value}: bad value"))?;
                self.interface()?.mtu = mtu;
            }
            "inet" => {
                let address = argument()?;
                self.add_address(&address)?;
            }
            "-alias" | "delete" => {
                self.may("ioctl (SIOCDIFADDR)")?;
                self.interface()?.addresses.clear();
            }
            "alias" | "promisc" | "-promisc" | "stp" | "-stp" | "link" | "ether" => {}
            other if other.contains('.') => self.add_address(other)?,
            other => return Err(format!("{other}: bad value")),
        }
        Ok(None)
    }

    fn interface(&mut self) -> Result<&mut Interface, String> {
        let gone = format!("interface {} does not exist", self.name);
        self.host.state.interfaces.get_mut(&self.name).ok_or(gone)
    }

    /// Perrorc, whose text for EPERM is its own.
    fn may(&self, shown: &str) -> Result<(), String> {
        match self.uid {
            0 => Ok(()),
            _ => Err(format!("{shown}: permission denied")),
        }
    }

    /// err(3), whose text for EPERM is that of strerror(3).
    fn permitted(&self, shown: &str) -> Result<(), String> {
        match self.uid {
            0 => Ok(()),
            _ => Err(format!("{shown}: {}", Errno::NotPermitted.text())),
        }
    }

    /// SIOCIFCREATE2 (sbin/ifconfig/ifclone.c, sys/net/if_clone.c).
    fn create(&mut self) -> Result<(), String> {
        let name = self.name.clone();
        if self.host.state.interfaces.contains_key(&name) {
            return Err(format!("interface {name} already exists"));
        }
        let refuse = |errno: Errno| format!("SIOCIFCREATE2 ({name}): {}", errno.text());
        if let Some((parent, tag)) = name.rsplit_once('.') {
            return self.create_vlan(parent, tag);
        }
        let (cloner, digits) = match name.find(|letter: char| letter.is_ascii_digit()) {
            Some(at) => name.split_at(at),
            None => (name.as_str(), ""),
        };
        let (kind, module) = match cloner {
            "tap" => (Kind::Tap, "if_tap"),
            "vmnet" => (Kind::Vmnet, "if_tap"),
            "bridge" => (Kind::Bridge, "if_bridge"),
            _ if self.uid != 0 => return Err(refuse(Errno::NotPermitted)),
            _ => return Err(refuse(Errno::Invalid)),
        };
        if self.autoload && !self.host.has_module(module) {
            self.host.autoload(module, self.uid);
        }
        if self.uid != 0 {
            return Err(refuse(Errno::NotPermitted));
        }
        if !self.host.has_module(module) {
            return Err(refuse(Errno::Invalid));
        }
        if digits.is_empty() {
            let free = (0..=32_767)
                .map(|unit| format!("{cloner}{unit}"))
                .find(|name| !self.host.state.interfaces.contains_key(name));
            self.name = free.unwrap_or_default();
            self.announce = true;
        } else {
            unit(digits).map_err(refuse)?;
        }
        let name = self.name.clone();
        self.host.add_interface(&name, kind);
        Ok(())
    }

    /// SIOCIFDESTROY; for an open tap the caller waits (sys/net/if_tuntap.c, tun_destroy).
    fn destroy(&mut self) -> Result<Option<Answer>, String> {
        self.permitted("SIOCIFDESTROY")?;
        let interface = self.interface()?;
        match interface.kind {
            Kind::Physical | Kind::Wireless | Kind::Loopback => {
                return Err(format!("SIOCIFDESTROY: {}", Errno::Invalid.text()));
            }
            _ if interface.opened_by.is_some() => {
                interface.dying = true;
                let index = interface.index;
                let name = self.name.clone();
                self.host
                    .harmed(format!("a process waits until {name} is closed"));
                self.host.session = Some(Session::Destroy(index));
                return Ok(Some(Answer::of(Status::Hang)));
            }
            _ => {}
        }
        let name = self.name.clone();
        self.host.remove_interface(&name);
        Ok(Some(Answer::ok()))
    }

    /// SIOCSIFNAME.
    fn rename(&mut self, new: &str) -> Result<(), String> {
        let refuse = |errno: Errno| format!("ioctl SIOCSIFNAME (set name): {}", errno.text());
        if self.uid != 0 {
            return Err(refuse(Errno::NotPermitted));
        }
        if new.is_empty() || new.len() > NAME_MAX {
            return Err(refuse(Errno::Invalid));
        }
        if self.host.state.interfaces.contains_key(new) {
            return Err(refuse(Errno::Exists));
        }
        let old = self.name.clone();
        let interfaces = &mut self.host.state.interfaces;
        if let Some(interface) = interfaces.remove(&old) {
            interfaces.insert(new.into(), interface);
        }
        for interface in interfaces.values_mut() {
            for member in interface.members.iter_mut().filter(|name| **name == old) {
                *member = new.into();
            }
            if interface.private.remove(&old) {
                interface.private.insert(new.into());
            }
            if let Some((_, parent)) = interface.vlan.as_mut().filter(|(_, parent)| *parent == old)
            {
                *parent = new.into();
            }
        }
        self.name = new.into();
        self.announce = true;
        Ok(())
    }

    fn add_address(&mut self, text: &str) -> Result<(), String> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, length.parse().unwrap_or(33)),
            None => (text, 24_u32),
        };
        let Ok(address) = address.parse::<std::net::Ipv4Addr>() else {
            return Err(format!("{address}: bad value"));
        };
        if length > 32 {
            return Err(format!("{text}: bad value"));
        }
        self.may("ioctl (SIOCAIFADDR)")?;
        let name = self.name.clone();
        let state = &self.host.state;
        let allowed = state.major() < 15
            || (state.major() == 15 && state.number("net.link.bridge.member_ifaddrs") != 0);
        if state.bridge_of(&name).is_some() && !allowed {
            return Err(format!("ioctl (SIOCAIFADDR): {}", Errno::Invalid.text()));
        }
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        let broadcast = std::net::Ipv4Addr::from(u32::from(address) | !mask);
        let line = format!("inet {address} netmask {mask:#010x} broadcast {broadcast}");
        let interface = self.interface()?;
        interface.up = true;
        interface.addresses.push(line);
        Ok(())
    }
}

fn failed(text: &str) -> Answer {
    Answer::fail(1, format!("ifconfig: {text}"))
}

#[cfg(test)]
mod tests;
