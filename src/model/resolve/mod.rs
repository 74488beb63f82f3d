//! From a configuration to a [`Vm`]: the only module that spells a key or a default.

mod disk;
mod faults;
mod keys;
mod need;
mod network;

use super::grub::GrubCommands;
use super::name::{Dataset, TapName, VmName};
use super::settings::{HostSettings, VmSettings};
use super::{Cd, Disk, Grub, Loader, Shared, Vm};
use crate::config::de::{self, Located, Text};
use crate::config::{Assignment, Config, Keys, lint};
use crate::error::{Error, Result};
use crate::model::cpu::CpuTopology;
use crate::model::policy::Policy;
use crate::model::size::MemSize;
use crate::suggest;
use crate::verb::Spelling;
pub use disk::refuse_blank;
use disk::{dataset_of, device_path, first_disk};
pub(super) use disk::{refuse_for_bhyve, refuse_twins};
pub use faults::{Checked, checked};
pub(super) use keys::HIGHEST_NUMBER;
use keys::{Kind, settings};
pub use need::{Need, all_for, vm_for};
use network::nics;
use serde::Deserialize;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The VM of that name, every setting resolved.
///
/// # Errors
/// If there is no such VM, or the first of its settings that is wrong.
pub fn vm(config: &Config, name: &str, spelling: Spelling, devices: &Path) -> Result<Vm> {
    let name = known(config, name)?;
    let keys = config.keys_of(name.as_str());
    resolve(config, &host(config)?, name, &keys, spelling, devices)
}

/// All VMs, in the order of the configuration, each resolved when it is its turn.
///
/// Differs: `list` and `setup` agree on what a VM is, and a VM in both files is listed once
///
/// # Errors
/// If a host variable is wrong; then, in a VM's place, the first of its settings that is wrong.
pub fn all<'config>(
    config: &'config Config,
    spelling: Spelling,
    devices: &'config Path,
) -> Result<impl Iterator<Item = Result<Vm>>> {
    let host = host(config)?;
    Ok(config.keys_of_all().into_iter().map(move |keys| {
        let name = name(config, keys.vm)?;
        resolve(config, &host, name, &keys, spelling, devices)
    }))
}

/// The VMs that say whether they start with the host, each resolved when it is its turn.
///
/// # Errors
/// If a host variable is wrong; then, in a VM's place, the first of its settings that is wrong.
pub fn autostarting<'config>(
    config: &'config Config,
    spelling: Spelling,
    devices: &'config Path,
) -> Result<impl Iterator<Item = (&'config str, Result<Vm>)>> {
    let host = host(config)?;
    let says_so =
        |(key, set): &(&str, Assignment<'_>)| *key == "autostart" && !set.value.is_empty();
    let all = config.keys_of_all().into_iter();
    let asked = all.filter(move |keys| keys.keys.iter().any(says_so));
    Ok(asked.map(move |keys| {
        let vm = name(config, keys.vm).and_then(|name| {
            resolve(config, &host, name.clone(), &keys, spelling, devices).or_else(|_| {
                let (keys, need) = (keys.clone(), Need::Autostart);
                need::without_the_needless(config, &name, keys, need, spelling, devices)
            })
        });
        (keys.vm, vm)
    }))
}

/// The taps of the VM of that name.
///
/// # Errors
/// If its network settings are wrong.
pub fn taps(config: &Config, name: &str) -> Result<Vec<TapName>> {
    let name = known(config, name)?;
    let host = host(config)?;
    let (settings, numbered) = settings(config, &name, &config.keys_of(name.as_str()))?;
    let id = (settings.id.value.0, settings.id.span);
    Ok(nics(&name, id, &numbered, &host)?
        .into_iter()
        .map(|nic| nic.tap)
        .collect())
}

/// Refuses a VM whose id another VM has, too.
///
/// Differs: An id must be a number, and a shared one stops `install`, `boot` and `ttyboot`
///
/// # Errors
/// With the places of both.
pub fn refuse_shared_id(config: &Config, vm: &Vm) -> Result<()> {
    let ours = config.id_of(vm.name.as_str());
    let other = config.same_id(vm.name.as_str()).into_iter().next();
    match (ours, other) {
        (Some(ours), Some(other)) => {
            Err(lint::same_id(config, (vm.name.as_str(), ours), other).into())
        }
        _ => Ok(()),
    }
}

/// The dataset below which volumes are made; none if disks are files.
///
/// # Errors
/// If `volroot` is no dataset.
pub fn volume_root(config: &Config) -> Result<Option<Dataset>> {
    match host_of(config, &["volroot"])?.volroot {
        Some(root) if !root.value.as_os_str().as_bytes().starts_with(b"/") => {
            dataset_of(&root).map(Some)
        }
        _ => Ok(None),
    }
}

/// The directory of disk image files, where `volroot` is one.
pub fn image_directory(config: &Config) -> PathBuf {
    let root = config.get("volroot");
    PathBuf::from(OsStr::from_bytes(root.map_or(b"", |root| root.value)))
}

/// The directory of the links, absolute.
///
/// # Errors
/// If `ebdir` is wrong.
pub fn link_directory(config: &Config) -> Result<PathBuf> {
    let name = host_of(config, &["ebdir"])?
        .ebdir
        .map_or_else(|| PathBuf::from("eb"), |ebdir| path(&ebdir.value));
    Ok(crate::locate::directory(config).join(name))
}

/// Whether the links move along with the configuration: their directory is not named by an absolute path.
pub fn links_move_along(config: &Config) -> bool {
    config
        .get("ebdir")
        .is_none_or(|ebdir| !ebdir.value.starts_with(b"/"))
}

/// How commands become root's.
///
/// # Errors
/// If `privilege` is wrong.
pub fn privilege(config: &Config) -> Result<crate::host::elevate::Choice> {
    Ok(host_of(config, &["privilege"])?
        .privilege
        .map(|choice| choice.value)
        .unwrap_or_default())
}

impl Vm {
    /// What was typed wins over what is configured.
    ///
    /// Differs: `-c` and `-m` win over the configuration
    pub fn with(&mut self, cpu: Option<CpuTopology>, mem: Option<MemSize>) {
        if let Some(cpu) = cpu {
            self.cpu = cpu;
        }
        if let Some(mem) = mem {
            self.mem = mem;
        }
    }
}

fn host(config: &Config) -> Result<HostSettings> {
    host_of(config, &HostSettings::NAMES)
}

/// These of the host variables.
fn host_of(config: &Config, names: &[&str]) -> Result<HostSettings> {
    let set = names
        .iter()
        .filter_map(|name| Some((*name, config.get(name)?)));
    de::from_keys(set).map_err(|error| setting_error(&error))
}

/// The name, if there is a VM of it.
///
/// # Errors
/// If there is none; the message names those that there are.
pub fn known(config: &Config, name: &str) -> Result<VmName> {
    if !config.is_vm(name) {
        let names = suggest::nearest_first(name, config.vms().map(|(name, _)| name));
        let error = Error::usage(format!(
            "there is no VM \"{name}\" in {}",
            crate::locate::files(config)
        ));
        return Err(match names.len() {
            0 => error.help(format!(
                "a VM is whatever has an id, for example: {name}_id=0"
            )),
            1..=12 => error.note(format!("VMs: {}", names.join(" "))),
            more => error.note(format!(
                "VMs: {} and {} more",
                names.get(..12).unwrap_or_default().join(" "),
                more - 12
            )),
        });
    }
    self::name(config, name)
}

/// The name of a VM that is known.
fn name(config: &Config, name: &str) -> Result<VmName> {
    VmName::parse(name).map_err(|error| {
        let id = config.get(&format!("{name}_id"));
        Error::config(error.to_string()).at(id.map(|id| id.value_span))
    })
}

fn resolve(
    config: &Config,
    host: &HostSettings,
    name: VmName,
    keys: &Keys<'_>,
    spelling: Spelling,
    devices: &Path,
) -> Result<Vm> {
    let (settings, numbered) = settings(config, &name, keys)?;
    let id = settings.id.value.0;
    let (volume, first) = first_disk(&name, &settings, &numbered, host, devices)?;
    let mut disks = vec![first];
    for (number, set) in numbered.all(Kind::Disk).filter(|(number, _)| *number > 0) {
        disks.push(Disk {
            number,
            path: device_path(set)?,
            origin: Some(set.value_span),
        });
    }
    refuse_twins(&name, &disks)?;
    let mut cds = Vec::new();
    for (number, set) in numbered.all(Kind::Cd) {
        cds.push(Cd {
            number,
            path: device_path(set)?,
            origin: Some(set.value_span),
        });
    }
    let is_freebsd = settings
        .freebsd
        .as_ref()
        .is_some_and(|freebsd| freebsd.value.0);
    let loader = if is_freebsd {
        Loader::Bhyveload
    } else {
        disks
            .iter()
            .try_for_each(|disk| refuse_blank(&disk.path, disk.origin))?;
        Loader::Grub(grub(&settings))
    };
    let usual = Policy::default();
    Ok(Vm {
        id,
        cpu: pick(settings.cpu, host.cpu.as_ref(), || CpuTopology::parse("1"))?,
        // Differs: The default memory is 256M
        mem: pick(settings.mem, host.mem.as_ref(), || MemSize::parse("256M"))?,
        loader,
        disks,
        cds,
        nics: nics(&name, (id, settings.id.span), &numbered, host)?,
        volume,
        policy: Policy {
            on_reboot: or(settings.on_reboot, usual.on_reboot),
            on_crash: or(settings.on_crash, usual.on_crash),
            loader_timeout: or(settings.loader_timeout, usual.loader_timeout),
            stop_timeout: or(settings.stop_timeout, usual.stop_timeout),
            autostart: settings
                .autostart
                .map_or(usual.autostart, |set| set.value.0),
            autostart_delay: or(settings.autostart_delay, usual.autostart_delay),
        },
        shared: shared(host),
        spelling,
        name,
    })
}

/// The VM's own value, or else the usual one.
fn or<T>(own: Option<Located<T>>, usual: T) -> T {
    own.map_or(usual, |set| set.value)
}

fn shared(host: &HostSettings) -> Shared {
    let netif = host.netif.as_ref();
    Shared {
        bridge: host.bridge.as_ref().map(|bridge| bridge.value.clone()),
        netif: netif.map(|netif| netif.value.clone()),
        netif_origin: netif.map(|netif| netif.span),
    }
}

/// The VM's own value, else the host's, else the program's.
fn pick<T: Clone, E: std::fmt::Display>(
    own: Option<Located<T>>,
    host: Option<&Located<T>>,
    default: impl FnOnce() -> Result<T, E>,
) -> Result<T> {
    match own.or_else(|| host.cloned()) {
        Some(set) => Ok(set.value),
        None => default().map_err(|error| Error::config(error.to_string())),
    }
}

fn grub(settings: &VmSettings) -> Grub {
    let commands = |set: &Option<Located<GrubCommands>>| set.as_ref().map(|set| set.value.clone());
    Grub {
        // Differs: `grub_bootpart` has a default
        bootpart: settings
            .grub_bootpart
            .as_ref()
            .map_or_else(|| "msdos1".to_owned(), |set| set.value.0.clone()),
        install: commands(&settings.grub_install),
        boot: commands(&settings.grub_bootcmd),
    }
}

/// One value of a numbered key.
fn typed<'config, T: Deserialize<'config>>(set: &Assignment<'config>) -> Result<T> {
    de::from_assignment(*set).map_err(|error| setting_error(&error))
}

fn path(text: &Text) -> PathBuf {
    PathBuf::from(text.as_os_str())
}

fn setting_error(error: &de::SettingError) -> Error {
    let what = match &error.name {
        Some(name) => format!("{name}: {}", error.message),
        None => error.message.clone(),
    };
    Error::config(what).at(error.span)
}
