//! From a configuration to a [`Vm`]: the only file that spells a key or a default.

use super::name::{Dataset, IfName, TapName, VmName};
use super::settings::{HostSettings, VmSettings};
use super::{Cd, Disk, Grub, Loader, Nic, Shared, Vm, Volume};
use crate::config::de::{self, Located, Text};
use crate::config::{Assignment, Config, Keys, canonical};
use crate::error::{Error, Origin, Result};
use crate::model::cpu::CpuTopology;
use crate::model::size::MemSize;
use crate::suggest;
use crate::verb::Spelling;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The highest number of a NIC, a disk or a CD: the functions of one PCI slot.
const HIGHEST_NUMBER: u8 = 7;

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

/// The taps of the VM of that name.
///
/// # Errors
/// If its network settings are wrong.
pub fn taps(config: &Config, name: &str) -> Result<Vec<TapName>> {
    let name = known(config, name)?;
    let host = host(config)?;
    let (settings, numbered) = settings(config, &name, &config.keys_of(name.as_str()))?;
    Ok(nics(&name, settings.id.value.0, &numbered, &host)?
        .into_iter()
        .map(|nic| nic.tap)
        .collect())
}

/// Refuses a VM whose id another VM has, too.
///
/// # Errors
/// With the places of both.
pub fn refuse_shared_id(config: &Config, vm: &Vm) -> Result<()> {
    let ours = config.get(&format!("{}_id", vm.name));
    let Some((other, assignment)) = config.same_id(vm.name.as_str()).into_iter().next() else {
        return Ok(());
    };
    Err(Error::config(format!(
        "{} and {other} have the same id, {}",
        vm.name, vm.id
    ))
    .at(ours.map(|ours| origin(&ours)).as_ref())
    .note(format!(
        "{other}_id is set at {}",
        config.place(assignment.value_span)
    ))
    .help("give one of them another: it is the number of its tap and of its console"))
}

/// Numbers that no VM has, the smallest first.
pub fn free_ids(config: &Config) -> impl Iterator<Item = u16> {
    let taken: BTreeSet<u16> = config
        .vms()
        .filter_map(|(_, id)| std::str::from_utf8(id.value).ok()?.parse().ok())
        .collect();
    (0..=32767).filter(move |id| !taken.contains(id))
}

/// The dataset below which volumes are made; none if disks are files.
///
/// # Errors
/// If `volroot` is no dataset.
pub fn volume_root(config: &Config) -> Result<Option<Dataset>> {
    match host(config)?.volroot {
        Some(root) if !root.value.as_os_str().as_bytes().starts_with(b"/") => {
            dataset_of(&root).map(Some)
        }
        _ => Ok(None),
    }
}

/// The directory of the links, absolute.
///
/// # Errors
/// If a host variable is wrong.
pub fn link_directory(config: &Config) -> Result<PathBuf> {
    let name = host(config)?
        .ebdir
        .map_or_else(|| PathBuf::from("eb"), |ebdir| path(&ebdir.value));
    Ok(crate::locate::directory(config).join(name))
}

/// How commands become root's.
///
/// # Errors
/// If a host variable is wrong.
pub fn privilege(config: &Config) -> Result<crate::host::elevate::Choice> {
    Ok(host(config)?
        .privilege
        .map(|choice| choice.value)
        .unwrap_or_default())
}

impl Vm {
    /// What was typed wins over what is configured.
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
    let set = HostSettings::NAMES
        .into_iter()
        .filter_map(|name| Some((name, config.get(name)?)));
    de::from_keys(set).map_err(|error| setting_error(&error))
}

fn known(config: &Config, name: &str) -> Result<VmName> {
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
        Error::config(error.to_string()).at(config
            .get(&format!("{name}_id"))
            .map(|id| origin(&id))
            .as_ref())
    })
}

/// Values of numbered keys, each key's by number.
type Numbered<'config> = BTreeMap<&'static str, BTreeMap<u8, Assignment<'config>>>;

/// The settings of a VM: those with a name of their own, and the numbered ones.
fn settings<'config>(
    config: &Config,
    name: &VmName,
    keys: &Keys<'config>,
) -> Result<(VmSettings, Numbered<'config>)> {
    let mut named: BTreeMap<&str, Assignment<'config>> = BTreeMap::new();
    let mut numbered = Numbered::new();
    for &(key, assignment) in &keys.keys {
        if assignment.value.is_empty() {
            continue;
        }
        if let Some((kind, number)) = number_of(key) {
            let number = number.filter(|&number| number <= HIGHEST_NUMBER).ok_or_else(|| {
                Error::config(format!("{}: numbers go up to {HIGHEST_NUMBER}, one for each function of a PCI slot", assignment.name))
                    .at(Some(&origin(&assignment)))
            })?;
            numbered.entry(kind).or_default().insert(number, assignment);
            continue;
        }
        // Differs: the script ignored its own older names without a word.
        let current = canonical(key);
        match named.get(current) {
            Some(other) if other.value != assignment.value => {
                return Err(Error::config(format!(
                    "{} and {} are one setting, and have two values",
                    other.name, assignment.name
                ))
                .at(Some(&origin(&assignment)))
                .note(format!(
                    "{} is set at {}",
                    other.name,
                    config.place(other.value_span)
                ))
                .help(format!("keep {name}_{current} and remove the other")));
            }
            _ => {
                named.insert(current, assignment);
            }
        }
    }
    let settings = de::from_keys(named).map_err(|error| setting_error(&error))?;
    Ok((settings, numbered))
}

/// The kind and the number of a numbered key; no number if it is too large for one.
fn number_of(key: &str) -> Option<(&'static str, Option<u8>)> {
    let (key, bridge) = match key.strip_suffix("_bridge") {
        Some(key) => (key, true),
        None => (key, false),
    };
    let (kind, number) = key.split_at_checked(2)?;
    let kind = match (kind, bridge) {
        ("hd", false) => "hd",
        ("cd", false) => "cd",
        ("if", false) => "if",
        ("if", true) => "if_bridge",
        _ => return None,
    };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| (kind, number.parse().ok()))
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
    for (&number, assignment) in numbered
        .get("hd")
        .into_iter()
        .flatten()
        .filter(|(number, _)| **number > 0)
    {
        disks.push(Disk {
            number,
            path: device_path(assignment)?,
            origin: Some(origin(assignment)),
        });
    }
    let mut cds = Vec::new();
    for (&number, assignment) in numbered.get("cd").into_iter().flatten() {
        cds.push(Cd {
            number,
            path: device_path(assignment)?,
            origin: Some(origin(assignment)),
        });
    }
    let nics = nics(&name, id, &numbered, host)?;
    let is_freebsd = settings
        .freebsd
        .as_ref()
        .is_some_and(|freebsd| freebsd.value.0);
    let loader = if is_freebsd {
        Loader::Bhyveload
    } else {
        Loader::Grub(grub(&settings))
    };
    if matches!(loader, Loader::Grub(_)) {
        for (path, origin) in disks
            .iter()
            .map(|disk| (&disk.path, &disk.origin))
            .chain(cds.iter().map(|cd| (&cd.path, &cd.origin)))
        {
            if path
                .as_os_str()
                .as_bytes()
                .iter()
                .any(u8::is_ascii_whitespace)
            {
                return Err(Error::config(format!(
                    "{}: grub-bhyve takes no path with a blank",
                    path.display()
                ))
                .at(origin.as_ref())
                .help("rename it, or give it a second name without one: ln -s"));
            }
        }
    }
    Ok(Vm {
        id,
        cpu: pick(settings.cpu, host.cpu.as_ref(), || CpuTopology::parse("1"))?,
        mem: pick(settings.mem, host.mem.as_ref(), || MemSize::parse("256M"))?,
        loader,
        disks,
        cds,
        nics,
        volume,
        shared: Shared {
            bridge: host.bridge.as_ref().map(|bridge| bridge.value.clone()),
            netif: host.netif.as_ref().map(|netif| netif.value.clone()),
            netif_origin: host.netif.as_ref().map(|netif| Origin {
                name: "netif".to_owned(),
                span: netif.span,
            }),
            privilege: host
                .privilege
                .as_ref()
                .map(|choice| choice.value)
                .unwrap_or_default(),
        },
        spelling,
        name,
    })
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

/// The first disk, and what it is.
///
/// Differs: the script's ZFS verbs worked on `volroot/VM`, whatever disk was in use.
fn first_disk(
    name: &VmName,
    settings: &VmSettings,
    numbered: &Numbered<'_>,
    host: &HostSettings,
    devices: &Path,
) -> Result<(Volume, Disk)> {
    let zvols = devices.join("zvol");
    let disk = |path: PathBuf, origin| Disk {
        number: 0,
        path,
        origin,
    };
    let zvol_origin = |zvol: &Located<Dataset>| Origin {
        name: format!("{name}_zvol"),
        span: zvol.span,
    };
    let set = numbered.get("hd").and_then(|disks| disks.get(&0));
    match (set, &settings.zvol) {
        (Some(set), zvol) => {
            let path = device_path(set)?;
            let volume = match path.strip_prefix(&zvols) {
                Ok(dataset) => Volume::Zfs(dataset_of_path(dataset, set)?),
                Err(_) => Volume::File(path.clone()),
            };
            match (zvol, &volume) {
                (Some(zvol), Volume::Zfs(dataset)) if zvol.value == *dataset => {}
                (Some(zvol), _) => {
                    return Err(Error::config(format!(
                        "{name}_zvol is {}, but {name}_hd0 is {}",
                        zvol.value,
                        path.display()
                    ))
                    .at(Some(&zvol_origin(zvol)))
                    .help(format!(
                        "remove one of them; {} is the disk of {}",
                        zvols.join(zvol.value.as_str()).display(),
                        zvol.value
                    )));
                }
                (None, _) => {}
            }
            Ok((volume, disk(path, Some(origin(set)))))
        }
        (None, Some(zvol)) => Ok((
            Volume::Zfs(zvol.value.clone()),
            disk(zvols.join(zvol.value.as_str()), Some(zvol_origin(zvol))),
        )),
        (None, None) => {
            let Some(root) = &host.volroot else {
                return Err(Error::config(format!(
                    "volroot is not set, so the disk of {name} is unknown"
                ))
                .help("for ZFS: zfs create -o mountpoint=none zroot/vm, and set volroot=zroot/vm")
                .help("for disk image files: mkdir /vm, and set volroot=/vm"));
            };
            let origin = Some(Origin {
                name: "volroot".to_owned(),
                span: root.span,
            });
            if root.value.as_os_str().as_bytes().starts_with(b"/") {
                let path = path(&root.value).join(name.as_str());
                refuse_comma(&path, origin.as_ref())?;
                return Ok((Volume::File(path.clone()), disk(path, origin)));
            }
            let dataset = dataset_of(root)?
                .child(name.as_str())
                .map_err(|error| Error::config(error.to_string()).at(origin.as_ref()))?;
            Ok((
                Volume::Zfs(dataset.clone()),
                disk(zvols.join(dataset.as_str()), origin),
            ))
        }
    }
}

fn dataset_of(root: &Located<Text>) -> Result<Dataset> {
    Dataset::parse(&String::from_utf8_lossy(root.value.as_os_str().as_bytes())).map_err(|error| {
        Error::config(format!("volroot: {error}")).at(Some(&Origin {
            name: "volroot".to_owned(),
            span: root.span,
        }))
    })
}

fn dataset_of_path(path: &Path, set: &Assignment<'_>) -> Result<Dataset> {
    Dataset::parse(&path.to_string_lossy())
        .map_err(|error| Error::config(format!("{}: {error}", set.name)).at(Some(&origin(set))))
}

/// The NICs; the first is there without being set.
fn nics(name: &VmName, id: u16, numbered: &Numbered<'_>, host: &HostSettings) -> Result<Vec<Nic>> {
    let taps = numbered.get("if");
    let bridges = numbered.get("if_bridge");
    let bridge_of = |number: u8| -> Result<IfName> {
        match (
            bridges.and_then(|bridges| bridges.get(&number)),
            &host.bridge,
        ) {
            (Some(set), _) => typed(set),
            (None, Some(bridge)) => Ok(bridge.value.clone()),
            (None, None) => Err(Error::config(format!(
                "neither {name}_if{number}_bridge nor bridge is set"
            ))
            .help("set the default for all VMs: bridge=bridge0")),
        }
    };
    let mut nics: Vec<Nic> = Vec::new();
    if taps.is_none_or(|taps| !taps.contains_key(&0)) {
        let tap = TapName::parse(&format!("tap{id}"))
            .map_err(|error| Error::config(error.to_string()))?;
        nics.push(Nic {
            number: 0,
            tap,
            bridge: bridge_of(0)?,
            origin: None,
        });
    }
    for (&number, set) in taps.into_iter().flatten() {
        let tap: TapName = typed(set)?;
        if let Some(other) = nics.iter().find(|other| other.tap == tap) {
            return Err(Error::config(format!(
                "if{} and if{number} of {name} are both {tap}",
                other.number
            ))
            .at(Some(&origin(set)))
            .help("each NIC needs a tap of its own"));
        }
        nics.push(Nic {
            number,
            tap,
            bridge: bridge_of(number)?,
            origin: Some(origin(set)),
        });
    }
    Ok(nics)
}

fn grub(settings: &VmSettings) -> Grub {
    let commands = |set: &Option<Located<String>>| set.as_ref().map(|set| set.value.clone());
    Grub {
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

/// The path of a disk or an ISO image: absolute, and one that bhyve(8) can take.
fn device_path(set: &Assignment<'_>) -> Result<PathBuf> {
    let path = PathBuf::from(OsStr::from_bytes(set.value));
    let origin = origin(set);
    if path.is_relative() {
        return Err(Error::config(format!(
            "{}: {} is not an absolute path",
            set.name,
            path.display()
        ))
        .at(Some(&origin))
        .help("begin it with / or with a variable such as ${iso_path} that does"));
    }
    refuse_comma(&path, Some(&origin))?;
    Ok(path)
}

/// A comma would end the path for bhyve(8), which then uses another file (`usr.sbin/bhyve/pci_emul.c`).
fn refuse_comma(path: &Path, origin: Option<&Origin>) -> Result<()> {
    if path.as_os_str().as_bytes().contains(&b',') {
        return Err(Error::config(format!(
            "{}: bhyve takes no path with a comma",
            path.display()
        ))
        .at(origin)
        .help("rename it, or give it a second name without one: ln -s"));
    }
    Ok(())
}

fn path(text: &Text) -> PathBuf {
    PathBuf::from(text.as_os_str())
}

fn origin(set: &Assignment<'_>) -> Origin {
    Origin {
        name: set.name.to_owned(),
        span: set.value_span,
    }
}

fn setting_error(error: &de::SettingError) -> Error {
    let what = match &error.name {
        Some(name) => format!("{name}: {}", error.message),
        None => error.message.clone(),
    };
    Error::config(what).at(error
        .span
        .map(|span| Origin {
            name: error.name.clone().unwrap_or_default(),
            span,
        })
        .as_ref())
}
