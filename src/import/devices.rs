//! The disks and NICs of a VM of another manager: what becomes of the others, and of the settings of the
//! same device, if one has no counterpart.

use super::{Guest, Network, setting, shown_once};
use crate::config::edit::TypedSetting;
use crate::config::settings;
use crate::model::device::{Slot, Slots};
use crate::model::name::IfName;
use crate::quote;
use std::ffi::OsStr;
use std::fmt::{self, Write};
use std::path::Path;

impl Guest {
    /// Attaches a disk with this number. One that cannot be attached keeps its number, so that the others
    /// keep theirs.
    pub(super) fn set_disk(&mut self, number: usize, disk: &Disk<'_>, theirs: impl fmt::Display) {
        let (ours, theirs) = (format!("hd{number}"), theirs.to_string());
        let shown = format!("its kind is {}", disk.kind);
        let kind = setting(&format!("{ours}_type"), disk.kind)
            .map_err(|why| format!("{shown}: {}", shown_once(&shown, disk.kind, why)));
        let absolute = |path| absolute(&ours, path).map_err(|why| shown_once(&theirs, path, why));
        let path = || disk.path.map_err(str::to_owned).and_then(absolute);
        let options = format!("{ours}_opts");
        let (why, kind) = match (path(), kind) {
            (Ok(path), Ok(kind)) => {
                self.settings.extend(path.into_iter().chain(kind));
                if !disk.options.is_empty() {
                    let theirs = format_args!("the option {} of {theirs}", disk.options);
                    self.set(&options, disk.options, theirs);
                }
                return;
            }
            (Err(why), kind) => (why, kind.ok().flatten()),
            (Ok(_), Err(why)) => (why, None),
        };
        let options = setting(&options, disk.options).ok().flatten();
        let options = options.filter(|_| !disk.options.is_empty());
        self.lose_disk(number, theirs, &why, kind.into_iter().chain(options));
    }

    /// Reports a disk that is not attached, whose number stays free, and its other settings.
    pub fn lose_disk(
        &mut self,
        number: usize,
        theirs: impl fmt::Display,
        why: &str,
        rest: impl IntoIterator<Item = TypedSetting>,
    ) {
        let mut end = match number {
            0 => "write the path of a disk as hd0".to_owned(),
            _ => format!("the number of hd{number} stays free for it"),
        };
        for (at, setting) in rest.into_iter().enumerate() {
            let value = String::from_utf8_lossy(setting.value());
            let value = quote::shown(OsStr::new(value.as_ref()));
            let before = if at == 0 { ", with" } else { " and" };
            let _ = write!(end, "{before} {}={value}", setting.key());
        }
        self.lose(theirs, &format!("{why}; {end}"));
    }

    /// Attaches an ISO image with this number.
    pub(super) fn set_cd(&mut self, number: usize, path: &str, theirs: impl fmt::Display) {
        let theirs = theirs.to_string();
        match absolute(&format!("cd{number}"), path) {
            Ok(path) => {
                self.settings.extend(path);
                let text = "an ISO image is attached when the VM is installed, not at each boot";
                self.remark_once(text.to_owned());
            }
            Err(why) => self.lose(&theirs, &shown_once(&theirs, path, why)),
        }
    }

    /// Gives NIC `number` this tap, or one whose name is free: the first NIC has one by default.
    pub(super) fn set_tap(&mut self, number: usize, tap: Option<&str>, theirs: impl fmt::Display) {
        let own = format!("if{number}");
        if let Some(tap) = tap {
            let mut nics = self.settings.iter().filter(|one| is_nic(one.key()));
            let other = nics.find(|one| one.value() == tap.as_bytes());
            let other = other.map(|other| format!("it is already that of {}", other.key()));
            match other.map_or_else(|| self.try_set(&own, tap), Err) {
                Ok(()) => return,
                Err(why) => {
                    let theirs = theirs.to_string();
                    self.lose(&theirs, &shown_once(&theirs, tap, why));
                }
            }
        }
        if number > 0 && setting(&own, "tap0").is_ok() {
            self.without_tap.push(number);
        }
    }

    /// Gives NIC `number` this address; without one bhyve derives it from the slot.
    pub(super) fn set_mac(&mut self, number: usize, mac: Option<&str>) {
        let Some(mac) = mac else {
            return self.remarks.push(format!(
                "NIC {number} has no address of its own there: bhyve derives another one from the new slot"
            ));
        };
        if let Err(why) = self.try_set(&format!("if{number}_mac"), mac) {
            let theirs = format!("mac {mac}");
            self.lose(&theirs, &shown_once(&theirs, mac, why));
            let text = format!("bhyve derives an address of NIC {number} from its slot");
            self.remarks.push(text);
        }
    }

    /// Makes NIC `number` join the bridge of this network, or nothing if the NIC cannot; `ours` is the
    /// network that the NIC joins without a setting.
    pub(super) fn join(
        &mut self,
        number: usize,
        network: &Network,
        ours: Option<&Network>,
        theirs: impl fmt::Display,
    ) {
        let bridge = network.bridge.as_str();
        if ours.is_some_and(|ours| ours.bridge == bridge) {
            return;
        }
        match setting(&format!("if{number}_bridge"), bridge) {
            Ok(setting) => {
                self.settings.extend(setting);
                if let Some(uplink) = &network.uplink {
                    self.uplink(number, bridge, uplink, ours);
                }
            }
            Err(why) => {
                let theirs = theirs.to_string();
                let why = shown_once(&theirs, bridge, why);
                self.disconnect(number, theirs, &why);
            }
        }
    }

    /// Makes NIC `number` join nothing, because its network has no counterpart.
    pub(super) fn disconnect(&mut self, number: usize, theirs: impl fmt::Display, why: &str) {
        let own = format!("if{number}_bridge");
        self.lose(theirs, &format!("{why}: name a bridge by {own}"));
        self.settings.extend(setting(&own, "none").ok().flatten());
    }

    /// Reports that the bridge of NIC `number` had this uplink, and how it has it here.
    fn uplink(&mut self, number: usize, bridge: &str, uplink: &str, ours: Option<&Network>) {
        if let Some(ours) = ours.filter(|ours| ours.uplink.as_deref() == Some(uplink)) {
            // An interface is a member of one bridge, and the other manager makes its own.
            return self.remark_once(format!(
                "{uplink} is the uplink of {bridge} there and of {} here, and can be a member of one of them only: the VM joins {bridge}, which vm-bhyve makes; if vm-bhyve is no longer used, set bridge={bridge}",
                ours.bridge
            ));
        }
        let setting = IfName::parse(bridge).ok();
        let setting = setting.and_then(|bridge| settings::uplink_of(&bridge));
        let how = match setting {
            Some(setting) => format!("{setting}={uplink} makes it that here"),
            None => format!(
                "no setting can name the uplink of such a bridge: make the bridge with it in rc.conf(5), or set if{number}_bridge=bridge1 and bridge1_netif={uplink}"
            ),
        };
        self.remark_once(format!("the uplink of {bridge} was {uplink}; {how}"));
    }

    /// Reports that a VM without a NIC has one here, which joins nothing.
    pub(super) fn without_nics(&mut self) {
        self.set("if0_bridge", "none", "");
        let text = "it has no NIC there; here every VM has NIC 0, which joins nothing";
        self.remarks.push(text.to_owned());
    }

    /// Whether there is a NIC of this number here; the first that is not is reported.
    pub(super) fn has_nic(&mut self, number: usize) -> bool {
        let last = usize::from(Slots::NICS.last());
        if number > last {
            let why = format!("the numbers of NICs end at {last}");
            self.lose(format_args!("NIC {number} and those after it"), &why);
        }
        number <= last
    }

    /// Reports that the NICs are in other slots than before; `before` has the slots there, if all are
    /// known.
    pub(super) fn move_nics(&mut self, nics: usize, before: Option<&[Slot]>) {
        let ours = (0..=Slots::NICS.last()).map(|number| Slots::NICS.of(number));
        let ours: Vec<Slot> = ours.take(nics).collect();
        let Some(before) = before.filter(|before| before.len() == ours.len()) else {
            let text = "the NICs are in other PCI slots: a Linux guest may give its interfaces other names, and to Windows they are new NICs";
            return self.remarks.push(text.to_owned());
        };
        let names = linux_names(before).into_iter().zip(linux_names(&ours));
        let changed = names.filter(|(there, here)| there != here);
        let changed: Vec<String> = changed
            .map(|(there, here)| format!("{there} becomes {here}"))
            .collect();
        if !changed.is_empty() {
            self.remarks.push(format!(
                "the NICs are in other PCI slots: in a Linux guest {}; to Windows they are new NICs",
                changed.join(", ")
            ));
        }
    }
}

/// The names that a Linux guest gives to NICs in these slots; the function counts if the slot has several
/// (systemd.net-naming-scheme(7)).
fn linux_names(slots: &[Slot]) -> Vec<String> {
    let is_shared = |slot: &Slot| {
        let same = slots.iter().filter(|other| other.device == slot.device);
        same.count() > 1
    };
    let names = slots.iter().map(|slot| {
        let function = is_shared(slot).then(|| format!("f{}", slot.function));
        format!("enp0s{}{}", slot.device, function.unwrap_or_default())
    });
    names.collect()
}

/// Whether a key is that of a NIC itself.
pub fn is_nic(key: &str) -> bool {
    let number = key.strip_prefix("if");
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The setting of a path. A relative one would be below a directory of ours.
fn absolute(key: &str, path: &str) -> Result<Option<TypedSetting>, String> {
    if !Path::new(path).is_absolute() {
        return Err(format!("{path} is not an absolute path"));
    }
    setting(key, path)
}

/// A disk of another manager.
pub(super) struct Disk<'text> {
    /// The path, or why there is none here.
    pub(super) path: Result<&'text str, &'text str>,
    /// The kind, as our settings name it.
    pub(super) kind: &'text str,
    /// The options, separated by blanks.
    pub(super) options: &'text str,
}
