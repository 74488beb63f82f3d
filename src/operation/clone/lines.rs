//! The settings of a VM that is made by cloning another one.

use crate::config::edit::TypedSetting;
use crate::config::{Config, resolve};
use crate::error::{Error, Result};
use crate::model::name::{Dataset, VmName};
use crate::operation::context::Context;
use crate::survey;
use crate::tools::ifconfig;
use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

/// A new VM with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewVm {
    /// The name.
    pub(crate) name: VmName,
    /// The settings: the id first.
    pub(crate) settings: Vec<TypedSetting>,
}

impl NewVm {
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

/// The ids and taps that are in use.
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
                .filter(|value| value.starts_with(b"tap"))
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

    /// A tap for a NIC other than the first, which nobody has: from 1000 times its number and the id on.
    fn tap(&mut self, id: u16, nic: u32) -> Result<String> {
        let first = nic.saturating_mul(1000).saturating_add(u32::from(id));
        let names = (first..=32767).map(|unit| format!("tap{unit}"));
        let mut free = names.filter(|name| !self.taps.contains(name.as_bytes()));
        let tap = free
            .next()
            .ok_or_else(|| Error::config("no tap is left for a NIC of the new VM"))?;
        self.taps.insert(tap.clone().into_bytes());
        Ok(tap)
    }
}

/// Settings that a clone does not get: what is its own, what belongs to an installation, and the
/// protection.
const OWN: [&str; 6] = ["id", "zvol", "hdN", "cdN", "ifN_mac", "protect"];

/// The settings of the new VM `name`, which has these volumes, by the numbers of its disks: those of `vm`
/// that differ from their defaults, with an id, taps and disks of its own.
///
/// # Errors
/// If no id or no tap is left, or `volroot` is wrong.
pub(super) fn of_new(
    config: &Config,
    vm: &VmName,
    name: &VmName,
    disks: &[(u8, Dataset)],
    devices: &Path,
    taken: &mut Taken,
) -> Result<NewVm> {
    let id = taken.id()?;
    let mut settings = vec![TypedSetting::new("id", id.to_string())];
    let mut add = |key: &str, value: OsString| -> Result<()> {
        let mut word = OsString::from(format!("{key}="));
        word.push(value);
        let setting = TypedSetting::parse(&word);
        settings.push(setting.map_err(|error| Error::config(error.to_string()))?);
        Ok(())
    };
    for key in config.keys_of(vm.as_str()).keys {
        let value = OsString::from_vec(key.set.value.to_vec());
        let is_of_disk = key.setting.part_of == Some("hdN");
        let has_disk = disks
            .iter()
            .any(|(number, _)| u32::from(*number) == key.number);
        if value.is_empty()
            || OWN.contains(&key.setting.name)
            || key.setting.is_default(&value)
            || is_of_disk && !has_disk
        {
            continue;
        }
        match (key.setting.name, key.number) {
            // The default is the tap of the id.
            ("ifN", 0) => {}
            ("ifN", nic) => add(key.spelling, taken.tap(id, nic)?.into())?,
            _ => add(key.spelling, value)?,
        }
    }
    let root = resolve::volume_root(config)?;
    for (number, dataset) in disks {
        if *number > 0 {
            let path = devices.join("zvol").join(dataset.as_str());
            add(&format!("hd{number}"), path.into())?;
        } else if root
            .as_ref()
            .and_then(|root| root.child(name.as_str()).ok())
            .as_ref()
            != Some(dataset)
        {
            add("zvol", dataset.as_str().into())?;
        }
    }
    Ok(NewVm {
        name: name.clone(),
        settings,
    })
}
