//! The settings of a VM that is made by cloning another one.

use super::Target;
use crate::config::edit::TypedSetting;
use crate::config::{Config, Key, resolve};
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::arguments::BhyveArgs;
use crate::model::backend::{Forwards, NicBackend};
use crate::model::name::{VmId, VmName};
use crate::model::screen::{Place, Vnc};
use crate::operation::context::Context;
use crate::process::Process;
use crate::survey;
use crate::tools::ifconfig;
use crate::tools::zfs::node;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

/// A new VM with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewVm {
    /// The name.
    pub(crate) name: VmName,
    /// The settings: the id first.
    pub(crate) settings: Vec<TypedSetting>,
    /// What differs from the VM that is cloned, and is not seen in the settings.
    pub(crate) notes: Vec<String>,
}

impl NewVm {
    /// Without the UUID, which each run chooses anew, and with a note about it.
    pub(super) fn without_uuid(mut self) -> Self {
        let before = self.settings.len();
        self.settings.retain(|setting| setting.key() != "uuid");
        if self.settings.len() < before {
            let note = format!(
                "the run also sets {}_uuid, to a UUID that it chooses",
                self.name
            );
            self.notes.push(note);
        }
        self
    }

    /// The lines of the configuration.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |setting: &TypedSetting| {
            let written = setting.written();
            let written = String::from_utf8_lossy(&written);
            format!("{}_{}={written}", self.name, setting.key())
        };
        self.settings.iter().map(line).collect()
    }
}

/// The ids, and the taps and vmnet interfaces, that are in use.
pub(crate) struct Taken {
    ids: Vec<u16>,
    taps: HashSet<Vec<u8>>,
}

impl Taken {
    /// Those of the configuration, and of the host if it is asked.
    ///
    /// # Errors
    /// If the host cannot list its interfaces.
    pub(crate) fn new(context: &mut Context<'_>, asks_host: bool) -> Result<Self> {
        let mut taps: HashSet<Vec<u8>> = HashSet::new();
        if asks_host && context.is_freebsd {
            let interfaces = ifconfig::parse(&survey::answer(context.look, &ifconfig::list())?);
            taps.extend(interfaces.into_iter().map(|one| one.name.into_bytes()));
        }
        let values = context.config.assignments().map(|set| set.value);
        taps.extend(
            values
                .filter(|value| value.starts_with(b"tap") || value.starts_with(b"vmnet"))
                .map(<[u8]>::to_vec),
        );
        let ids = context
            .config
            .vms()
            .filter_map(|(_, id)| std::str::from_utf8(id.value).ok());
        taps.extend(ids.map(|id| format!("tap{id}").into_bytes()));
        let is_free = |id: &u16| !taps.contains(format!("tap{id}").as_bytes());
        let mut ids: Vec<u16> = context.config.free_ids().filter(is_free).collect();
        ids.reverse();
        Ok(Self { ids, taps })
    }

    /// The smallest id that no VM has and whose tap nobody has.
    fn id(&mut self) -> Result<u16> {
        let id = self.ids.pop();
        let id = id.ok_or_else(|| Error::config("all ids from 0 to 32767 are in use"))?;
        self.taps.insert(format!("tap{id}").into_bytes());
        Ok(id)
    }

    /// A tap or a vmnet interface which nobody has: from 1000 times the number of its NIC and the id on.
    fn interface(&mut self, kind: &str, id: u16, nic: u32) -> Result<String> {
        let first = nic.saturating_mul(1000).saturating_add(u32::from(id));
        let names = (first..=32767).map(|unit| format!("{kind}{unit}"));
        let mut free = names.filter(|name| !self.taps.contains(name.as_bytes()));
        let tap = free
            .next()
            .ok_or_else(|| Error::config(format!("no {kind} is left for a NIC of the new VM")))?;
        self.taps.insert(tap.clone().into_bytes());
        Ok(tap)
    }
}

/// Settings that a clone does not get: what is its own, what belongs to an installation, and the
/// protection.
const OWN: [&str; 8] = [
    "id",
    "zvol",
    "hdN",
    "cdN",
    "ifN_mac",
    "uuid",
    "uefi_vars",
    "protect",
];

/// The settings of the new VM `name`, which has these volumes: those of `vm` that differ from their
/// defaults, with an id, taps, disks, a UUID and a place of its screen of its own.
///
/// # Errors
/// If no id or no tap is left, or `volroot` is wrong.
pub(super) fn of_new(
    config: &Config,
    vm: &Vm,
    name: &VmName,
    disks: &[Target],
    process: &Process,
    taken: &mut Taken,
) -> Result<NewVm> {
    let id = taken.id()?;
    let mut new = NewVm {
        name: name.clone(),
        settings: vec![TypedSetting::new("id", id.to_string())],
        notes: Vec::new(),
    };
    // A profile may have another value than the default.
    let is_usual = |key: &Key<'_>, value: &OsStr| vm.os.is_none() && key.setting.is_default(value);
    for key in config.keys_of(vm.name.as_str()).keys {
        let value = OsString::from_vec(key.set.value.to_vec());
        let is_of_disk = key.setting.part_of == Some("hdN");
        let has_disk = disks.iter().any(|one| u32::from(one.number) == key.number);
        if value.is_empty()
            || OWN.contains(&key.setting.name)
            || is_usual(&key, &value)
            || is_of_disk && !has_disk
        {
            continue;
        }
        match key.setting.name {
            "ifN" => new.add_nic(vm, key.spelling, (id, key.number), &value, taken)?,
            "vnc" => new.add(key.spelling, screen(id, &value))?,
            "autostart" if !key.setting.is_default(&value) => {
                new.notes.push(format!(
                    "{name} has autostart as {} has: the command autostart boots both",
                    vm.name
                ));
                new.add(key.spelling, value)?;
            }
            _ => new.add(key.spelling, value)?,
        }
    }
    new.add_disks(config, disks, &process.devices)?;
    if vm.uuid_on(None).is_some() {
        new.add("uuid", process.uuid_for(name).to_string().into())?;
    }
    if vm.bhyve_args.as_ref().is_some_and(BhyveArgs::has_device) {
        new.notes.push(format!(
            "{name} has the bhyve_args of {}, with the same devices: two VMs must not write to one file",
            vm.name
        ));
    }
    Ok(new)
}

impl NewVm {
    fn add(&mut self, key: &str, value: OsString) -> Result<()> {
        let mut word = OsString::from(format!("{key}="));
        word.push(value);
        let setting = TypedSetting::parse(&word);
        self.settings
            .push(setting.map_err(|error| Error::config(error.to_string()))?);
        Ok(())
    }

    /// Adds a NIC: with a tap or a vmnet interface of its own, or with slirp, whose forwarded ports only one VM can have.
    fn add_nic(
        &mut self,
        vm: &Vm,
        key: &str,
        (id, number): (u16, u32),
        value: &OsStr,
        taken: &mut Taken,
    ) -> Result<()> {
        let backend = value.to_str().and_then(|text| NicBackend::parse(text).ok());
        match backend {
            Some(NicBackend::Slirp(forwards)) => {
                if forwards != Forwards::default() {
                    self.notes.push(format!(
                        "{key} of {} has no forwarded ports: those of {} are of one VM",
                        self.name, vm.name
                    ));
                }
                self.add(
                    key,
                    NicBackend::Slirp(Forwards::default()).to_string().into(),
                )
            }
            Some(NicBackend::Tap(tap)) if tap.kind() == "vmnet" => {
                self.add(key, taken.interface(tap.kind(), id, number)?.into())
            }
            // The default is the tap of the id.
            _ if number == 0 => Ok(()),
            _ => self.add(key, taken.interface("tap", id, number)?.into()),
        }
    }

    /// Adds the disks, as far as they have not the default names.
    fn add_disks(&mut self, config: &Config, disks: &[Target], devices: &Path) -> Result<()> {
        let root = resolve::volume_root(config)?;
        let usual = root.and_then(|root| root.child(self.name.as_str()).ok());
        for Target { number, volume } in disks {
            if *number > 0 {
                self.add(&format!("hd{number}"), node::of(devices, volume).into())?;
            } else if usual.as_ref() != Some(volume) {
                self.add("zvol", volume.as_str().into())?;
            }
        }
        Ok(())
    }
}

/// The place of the screen of a VM with this id: the address stays, and the port follows from the id. A
/// socket is that of one VM.
fn screen(id: u16, value: &OsStr) -> OsString {
    let vnc = value.to_str().and_then(|text| Vnc::parse(text).ok());
    let own = Vnc::Yes.place(VmId(id)).ok().flatten();
    match (vnc, own) {
        (Some(Vnc::No), _) => "NO".into(),
        (Some(Vnc::At(Place::Tcp(address))), Some(Place::Tcp(own)))
            if !address.ip().is_loopback() =>
        {
            SocketAddr::new(address.ip(), own.port()).to_string().into()
        }
        _ => "YES".into(),
    }
}
