//! A VM as names and values, and back: the lines of `resources`, which are the words of the root
//! side, too.

use super::cpu::CpuTopology;
use super::grub::GrubCommands;
use super::name::{Dataset, IfName, NameError, TapName, VmName};
use super::policy::{Delay, OnCrash, OnReboot, Policy, Seconds};
use super::resolve::{HIGHEST_NUMBER, refuse_blank, refuse_for_bhyve, refuse_twins};
use super::settings::{BootPart, Id, YesNo};
use super::size::MemSize;
use super::{Cd, Disk, Grub, Loader, Nic, Shared, Vm, Volume};
use crate::error::{Error, Result};
use crate::verb::Spelling;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The names and values, in the order of the manual; `host` is the host's name up to its first dot.
pub fn lines(vm: &Vm, host: &str, devices: &Path) -> Vec<(String, OsString)> {
    let mut lines: Vec<(String, OsString)> = Vec::new();
    let mut add = |name: String, value: &OsStr| lines.push((name, value.to_owned()));
    add("host".into(), OsStr::new(host));
    add("system".into(), vm.name.as_ref());
    add("con".into(), console(devices, vm.id).as_os_str());
    add("cpu".into(), vm.cpu.as_ref());
    add("mem".into(), vm.mem.as_ref());
    let zvol = match &vm.volume {
        Volume::Zfs(dataset) => dataset.as_ref(),
        Volume::File(_) => OsStr::new(""),
    };
    add("zvol".into(), zvol);
    if vm.cds.first().is_none_or(|cd| cd.number != 0) {
        add("cd0".into(), OsStr::new(""));
    }
    for cd in &vm.cds {
        add(format!("cd{}", cd.number), cd.path.as_os_str());
    }
    let shared = |name: &Option<IfName>| {
        name.as_ref()
            .map_or_else(OsString::new, |name| name.as_str().into())
    };
    add("host_netif".into(), &shared(&vm.shared.netif));
    add("host_bridge".into(), &shared(&vm.shared.bridge));
    for nic in &vm.nics {
        add(format!("if{}", nic.number), nic.tap.as_ref());
        add(format!("if{}_bridge", nic.number), nic.bridge.as_ref());
    }
    for disk in &vm.disks {
        add(format!("hd{}", disk.number), disk.path.as_os_str());
    }
    if let Loader::Grub(grub) = &vm.loader {
        add("grub_bootpart".into(), OsStr::new(&grub.bootpart));
        for (name, value) in [
            ("grub_install", &grub.install),
            ("grub_bootcmd", &grub.boot),
        ] {
            if let Some(value) = value {
                add(name.into(), OsStr::new(value.as_str()));
            }
        }
    }
    let policy = &vm.policy;
    let autostart = if policy.autostart { "YES" } else { "NO" };
    for (name, value) in [
        ("on_reboot", policy.on_reboot.as_str().to_owned()),
        ("on_crash", policy.on_crash.as_str().to_owned()),
        ("loader_timeout", policy.loader_timeout.to_string()),
        ("stop_timeout", policy.stop_timeout.to_string()),
        ("autostart", autostart.to_owned()),
        ("autostart_delay", policy.autostart_delay.to_string()),
    ] {
        add(name.into(), OsStr::new(&value));
    }
    lines
}

/// The node of the console at the host's end: `DEVICES/nmdmNA`, N the VM's id (nmdm(4)).
fn console(devices: &Path, id: u16) -> PathBuf {
    devices.join(format!("nmdm{id}A"))
}

/// The VM of that name whose [`lines`] these are, strictly: each name that is always there, none
/// twice, and no other.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse<'words>(
    name: &str,
    pairs: impl Iterator<Item = (&'words str, &'words OsStr)>,
    devices: &Path,
    spelling: Spelling,
) -> Result<Vm> {
    let name = VmName::parse(name).map_err(|error| Error::usage(error.to_string()))?;
    let mut given = Given::default();
    for (key, value) in pairs {
        if given.0.insert(key, value).is_some() {
            return Err(Error::usage(format!("{key}= is there twice")));
        }
    }
    // The name of a host may be empty, and no VM depends on it.
    given.need("host")?;
    if given.parsed("system", VmName::parse)? != name {
        return Err(Error::usage(format!("system= is not {name}")));
    }
    let id = id(&mut given, devices)?;
    let loader = loader(&mut given)?;
    let (volume, disks) = disks(&mut given, &name, &loader, devices)?;
    let vm = Vm {
        id,
        cpu: given.parsed("cpu", CpuTopology::parse)?,
        mem: given.parsed("mem", MemSize::parse)?,
        loader,
        nics: nics(&mut given)?,
        disks,
        cds: cds(&mut given)?,
        volume,
        shared: Shared {
            bridge: given.parsed_unless_empty("host_bridge", IfName::parse)?,
            netif: given.parsed_unless_empty("host_netif", IfName::parse)?,
            netif_origin: None,
        },
        policy: Policy {
            on_reboot: given.parsed("on_reboot", OnReboot::parse)?,
            on_crash: given.parsed("on_crash", OnCrash::parse)?,
            loader_timeout: given.parsed("loader_timeout", Seconds::parse)?,
            stop_timeout: given.parsed("stop_timeout", Seconds::parse)?,
            autostart: given.parsed("autostart", YesNo::parse)?.0,
            autostart_delay: given.parsed("autostart_delay", Delay::parse)?,
        },
        spelling,
        name,
    };
    match given.0.keys().next() {
        None => Ok(vm),
        Some(unknown) => Err(Error::usage(format!("{unknown}= is not known"))),
    }
}

fn id(given: &mut Given<'_>, devices: &Path) -> Result<u16> {
    let con = given.need("con")?;
    let number = Path::new(con)
        .strip_prefix(devices)
        .ok()
        .and_then(Path::to_str)
        .and_then(|node| node.strip_prefix("nmdm")?.strip_suffix('A'))
        .and_then(|number| Id::parse(number).ok());
    // One console has one spelling.
    number
        .filter(|id| console(devices, id.0).as_os_str() == con)
        .map(|id| id.0)
        .ok_or_else(|| {
            Error::usage(format!(
                "con={} is not {} with a VM's id for N",
                con.display(),
                devices.join("nmdmNA").display()
            ))
        })
}

fn loader(given: &mut Given<'_>) -> Result<Loader> {
    let Some(bootpart) = given.parsed_if_there("grub_bootpart", BootPart::parse)? else {
        return Ok(Loader::Bhyveload);
    };
    Ok(Loader::Grub(Grub {
        bootpart: bootpart.0,
        install: given.parsed_if_there("grub_install", GrubCommands::parse)?,
        boot: given.parsed_if_there("grub_bootcmd", GrubCommands::parse)?,
    }))
}

fn disks(
    given: &mut Given<'_>,
    name: &VmName,
    loader: &Loader,
    devices: &Path,
) -> Result<(Volume, Vec<Disk>)> {
    let first = path("hd0", given.need("hd0")?)?;
    let volume = match given.parsed_unless_empty("zvol", Dataset::parse)? {
        None => Volume::File(first.clone()),
        Some(dataset) if first == devices.join("zvol").join(dataset.as_str()) => {
            Volume::Zfs(dataset)
        }
        Some(dataset) => {
            return Err(Error::usage(format!(
                "zvol={dataset} is not the volume of hd0={}",
                first.display()
            )));
        }
    };
    let disk = |number, path| Disk {
        number,
        path,
        origin: None,
    };
    let mut disks = vec![disk(0, first)];
    for number in 1..=HIGHEST_NUMBER {
        let own = given.path_if_there(&format!("hd{number}"))?;
        disks.extend(own.map(|path| disk(number, path)));
    }
    refuse_twins(name, &disks)?;
    if matches!(loader, Loader::Grub(_)) {
        disks
            .iter()
            .try_for_each(|disk| refuse_blank(&disk.path, None))?;
    }
    Ok((volume, disks))
}

fn cds(given: &mut Given<'_>) -> Result<Vec<Cd>> {
    let cd = |number, path| Cd {
        number,
        path,
        origin: None,
    };
    let mut cds = Vec::new();
    let first = given.need("cd0")?;
    if !first.is_empty() {
        cds.push(cd(0, path("cd0", first)?));
    }
    for number in 1..=HIGHEST_NUMBER {
        let own = given.path_if_there(&format!("cd{number}"))?;
        cds.extend(own.map(|path| cd(number, path)));
    }
    Ok(cds)
}

fn nics(given: &mut Given<'_>) -> Result<Vec<Nic>> {
    let mut nics: Vec<Nic> = Vec::new();
    for number in 0..=HIGHEST_NUMBER {
        let key = format!("if{number}");
        let tap = match number {
            0 => given.parsed(&key, TapName::parse)?,
            _ => match given.parsed_if_there(&key, TapName::parse)? {
                Some(tap) => tap,
                None => continue,
            },
        };
        if let Some(other) = nics.iter().find(|other| other.tap == tap) {
            return Err(Error::usage(format!(
                "if{} and {key} are both {tap}",
                other.number
            )));
        }
        nics.push(Nic {
            number,
            tap,
            bridge: given.parsed(&format!("{key}_bridge"), IfName::parse)?,
            origin: None,
            bridge_origin: None,
        });
    }
    Ok(nics)
}

/// What was given and not read yet.
#[derive(Default)]
struct Given<'words>(BTreeMap<&'words str, &'words OsStr>);

impl<'words> Given<'words> {
    /// A value that must be there, as it is.
    fn need(&mut self, name: &str) -> Result<&'words OsStr> {
        self.0
            .remove(name)
            .ok_or_else(|| Error::usage(format!("{name}= is missing")))
    }

    /// A value that must be there.
    fn parsed<T>(&mut self, name: &str, parse: Parse<T>) -> Result<T> {
        typed(name, self.need(name)?, parse)
    }

    /// A value that must be there, but may be empty.
    fn parsed_unless_empty<T>(&mut self, name: &str, parse: Parse<T>) -> Result<Option<T>> {
        let value = self.need(name)?;
        let value = (!value.is_empty()).then_some(value);
        value.map(|value| typed(name, value, parse)).transpose()
    }

    /// A value that need not be there.
    fn parsed_if_there<T>(&mut self, name: &str, parse: Parse<T>) -> Result<Option<T>> {
        let value = self.0.remove(name);
        value.map(|value| typed(name, value, parse)).transpose()
    }

    /// A path that need not be there.
    fn path_if_there(&mut self, name: &str) -> Result<Option<PathBuf>> {
        self.0
            .remove(name)
            .map(|value| path(name, value))
            .transpose()
    }
}

/// How a newtype is read.
type Parse<T> = fn(&str) -> Result<T, NameError>;

fn typed<T>(name: &str, value: &OsStr, parse: Parse<T>) -> Result<T> {
    let text = value
        .to_str()
        .ok_or_else(|| Error::usage(format!("{name}= is not UTF-8")))?;
    parse(text).map_err(|error| Error::usage(format!("{name}: {error}")))
}

/// An absolute path that bhyve(8) can take.
fn path(name: &str, value: &OsStr) -> Result<PathBuf> {
    let path = PathBuf::from(value);
    if path.is_relative() {
        return Err(Error::usage(format!(
            "{name}={} is not an absolute path",
            path.display()
        )));
    }
    refuse_for_bhyve(&path, None)?;
    Ok(path)
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "lines_property_tests.rs"]
mod property_tests;
