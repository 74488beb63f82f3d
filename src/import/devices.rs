//! The disks and NICs of a VM of another manager: what becomes of the others, and of the settings of the
//! same device, if one has no counterpart.

use super::{Guest, setting};
use crate::config::edit::TypedSetting;
use crate::config::settings;
use crate::model::device::{Slot, Slots};
use crate::model::name::IfName;
use std::fmt;
use std::path::Path;

impl Guest {
    /// Attaches a disk with this number. One that cannot be attached keeps its number, so that the others
    /// keep theirs.
    pub(super) fn set_disk(&mut self, number: usize, disk: &Disk<'_>, theirs: impl fmt::Display) {
        let ours = format!("hd{number}");
        let (kind_key, kind) = (format!("{ours}_type"), disk.kind);
        let kind = setting(&kind_key, kind).map_err(|why| format!("its kind is {kind}: {why}"));
        match kind.and_then(|kind| Ok((absolute(&ours, disk.path)?, kind))) {
            Ok((path, kind)) => self.settings.extend(path.into_iter().chain(kind)),
            Err(why) => return self.lose_disk(number, theirs, &why),
        }
        if !disk.options.is_empty() {
            let theirs = format_args!("the option {} of {theirs}", disk.options);
            self.set(&format!("{ours}_opts"), disk.options, theirs);
        }
    }

    /// Reports a disk that is not attached, whose number stays free.
    pub(super) fn lose_disk(&mut self, number: usize, theirs: impl fmt::Display, why: &str) {
        let end = match number {
            0 => "write it as hd0, which without a setting is the disk of volroot".to_owned(),
            _ => format!("the number of hd{number} stays free for it"),
        };
        self.lose(theirs, &format!("{why}; {end}"));
    }

    /// Attaches an ISO image with this number.
    pub(super) fn set_cd(&mut self, number: usize, path: &str, theirs: impl fmt::Display) {
        match absolute(&format!("cd{number}"), path) {
            Ok(path) => self.settings.extend(path),
            Err(why) => self.lose(theirs, &why),
        }
    }

    /// Gives NIC `number` this tap, or one whose name is free: the first NIC has one by default.
    pub(super) fn set_tap(&mut self, number: usize, tap: Option<&str>, theirs: impl fmt::Display) {
        let own = format!("if{number}");
        if let Some(tap) = tap {
            let mut nics = self.settings.iter().filter(|one| is_nic(one.key()));
            let other = nics.find(|one| one.value() == tap.as_bytes());
            match other.map(|other| other.key().to_owned()) {
                Some(other) => self.lose(theirs, &format!("it is already that of {other}")),
                None if self.set(&own, tap, theirs) => return,
                None => {}
            }
        }
        if number > 0 && setting(&own, "tap0").is_ok() {
            self.without_tap.push(number);
        }
    }

    /// Gives NIC `number` this address; without one bhyve derives it from the slot.
    pub(super) fn set_mac(&mut self, number: usize, mac: Option<&str>) {
        let own = format!("if{number}_mac");
        if !mac.is_some_and(|mac| self.set(&own, mac, format_args!("mac {mac}"))) {
            self.remarks.push(match mac {
                None => format!(
                    "NIC {number} has no address of its own there: bhyve derives another one from the new slot"
                ),
                Some(_) => format!("bhyve derives an address of NIC {number} from its slot"),
            });
        }
    }

    /// Makes NIC `number` join this bridge, or nothing if it cannot. Whether it can.
    pub(super) fn join(&mut self, number: usize, bridge: &str, theirs: impl fmt::Display) -> bool {
        match setting(&format!("if{number}_bridge"), bridge) {
            Ok(bridge) => {
                self.settings.extend(bridge);
                true
            }
            Err(why) => {
                self.disconnect(number, theirs, &why);
                false
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
    pub(super) fn uplink(&mut self, number: usize, bridge: &str, uplink: &str) {
        let setting = IfName::parse(bridge).ok();
        let setting = setting.and_then(|bridge| settings::uplink_of(&bridge));
        let how = match setting {
            Some(setting) => format!("{setting}={uplink} makes it that here"),
            None => format!(
                "no setting can name the uplink of such a bridge: make the bridge with it in rc.conf(5), or set if{number}_bridge=bridge1 and bridge1_netif={uplink}"
            ),
        };
        let text = format!("the uplink of {bridge} was {uplink}; {how}");
        self.remarks.push(text);
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
            let text = "the NICs are in other PCI slots: a Linux guest may give its interfaces other names";
            return self.remarks.push(text.to_owned());
        };
        let names = linux_names(before).into_iter().zip(linux_names(&ours));
        let changed = names.filter(|(there, here)| there != here);
        let changed: Vec<String> = changed
            .map(|(there, here)| format!("{there} becomes {here}"))
            .collect();
        if !changed.is_empty() {
            self.remarks.push(format!(
                "the NICs are in other PCI slots: in a Linux guest {}",
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
    pub(super) path: &'text str,
    /// The kind, as our settings name it.
    pub(super) kind: &'text str,
    /// The options, separated by blanks.
    pub(super) options: &'text str,
}
