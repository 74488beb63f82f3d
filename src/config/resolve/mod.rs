//! From a configuration to a [`Vm`], by the table of [`super::settings`].
//!
//! One pass finds all faults of a VM, in order. Each fault has a list of the needs that it stops, so
//! that an invalid setting does not stop an operation that does not use the setting.

mod disks;
mod faults;
mod loader;
mod nics;
pub mod origin;
pub mod overview;
mod preset;
mod read;
mod screen;
mod uplinks;
mod vm;

pub(crate) use read::has_effect;

use super::profile::{Profile, Profiles};
use super::settings::{HostSettings, Need, every_row, needs};
use super::{Config, Keys, lint};
use crate::error::{Error, Result};
use crate::finding::FindingName;
use crate::model::Vm;
use crate::model::cpu::CpuTopology;
use crate::model::name::{Dataset, TapName, VmName};
use crate::model::privilege::Choice;
use crate::model::size::MemSize;
use crate::suggest;
use crate::verb::Spelling;
use disks::dataset_of;
use faults::Faults;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
pub(super) use vm::of_words;
use vm::{Parts, construct};

/// The purpose for which a VM is resolved, and the inputs other than the configuration.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The purpose.
    pub need: Need,
    /// The cpus from the command line.
    pub cpu: Option<CpuTopology>,
    /// The memory from the command line.
    pub mem: Option<MemSize>,
    /// The style in which the user calls verbs.
    pub spelling: Spelling,
    /// The directory of devices: `/dev`.
    pub devices: &'a Path,
}

impl<'a> Wanted<'a> {
    /// A request without options from the command line.
    pub fn new(need: Need, spelling: Spelling, devices: &'a Path) -> Self {
        Self {
            need,
            cpu: None,
            mem: None,
            spelling,
            devices,
        }
    }
}

/// The VM of this name, checked for the need.
///
/// # Errors
/// If no such VM exists, or the first fault of a needed setting.
pub fn vm(config: &Config, name: &str, wanted: &Wanted<'_>) -> Result<Vm> {
    let name = known(config, name)?;
    let keys = config.keys_of(name.as_str());
    let profiles = Profiles::of(config);
    let host = host(config, wanted.need)?;
    one(config, &host, name, &keys, &profiles, wanted)
}

/// All VMs, in the order of the configuration, each checked for its need and resolved lazily.
///
/// # Errors
/// If a host variable is invalid; then, in place of a VM, the first fault of its needed settings.
pub fn all<'config>(
    config: &'config Config,
    wanted: Wanted<'config>,
) -> Result<impl Iterator<Item = Result<Vm>>> {
    let host = host(config, wanted.need)?;
    let profiles = Profiles::of(config);
    Ok(config.keys_of_all(every_row).map(move |keys| {
        let name = name(config, keys.vm)?;
        one(config, &host, name, &keys, &profiles, &wanted)
    }))
}

/// The VMs with a setting for the start with the host, resolved lazily.
///
/// # Errors
/// If a host variable is invalid; then, in place of a VM, the first fault of its settings.
pub fn autostarting<'config>(
    config: &'config Config,
    spelling: Spelling,
    devices: &'config Path,
) -> Result<impl Iterator<Item = (&'config str, Result<Vm>)>> {
    let wanted = Wanted::new(Need::Autostart, spelling, devices);
    let host = host(config, wanted.need)?;
    let asked = config.keys_of_all(every_row).filter(|keys| {
        let mut keys = keys.keys.iter();
        keys.any(|key| key.setting.name == "autostart" && !key.set.value.is_empty())
    });
    let profiles = Profiles::of(config);
    Ok(asked.map(move |keys| {
        let vm = name(config, keys.vm);
        let vm = vm.and_then(|name| one(config, &host, name, &keys, &profiles, &wanted));
        (keys.vm, vm)
    }))
}

/// The taps of the VM of this name.
///
/// # Errors
/// If a network setting is invalid.
pub fn taps(config: &Config, name: &str) -> Result<Vec<TapName>> {
    // No NIC depends on the directory of devices.
    let wanted = Wanted::new(Need::End, Spelling::default(), Path::new("/dev"));
    let vm = vm(config, name, &wanted)?;
    Ok(vm
        .nics
        .iter()
        .filter_map(|nic| nic.tap().cloned())
        .collect())
}

/// Refuses a VM that shares its id with another VM.
///
/// Differs: An id must be a number, and a shared one stops `install`, `boot` and `ttyboot`
///
/// # Errors
/// If the id is shared; the error names both places.
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

/// The dataset below which volumes are created; none if disks are files.
///
/// # Errors
/// If `volroot` is not a valid dataset.
pub fn volume_root(config: &Config) -> Result<Option<Dataset>> {
    match read::of_host(config, &mut Faults::default()).volroot {
        Some(root) if root.value.is_relative() => dataset_of(&root).map(Some),
        _ => Ok(None),
    }
}

/// The directory of disk image files, if `volroot` is a directory.
pub fn image_directory(config: &Config) -> PathBuf {
    let root = config.get("volroot");
    PathBuf::from(OsStr::from_bytes(root.map_or(b"", |root| root.value)))
}

/// The absolute directory of the links.
pub fn link_directory(config: &Config) -> PathBuf {
    let host = read::of_host(config, &mut Faults::default());
    let name = host.ebdir.map(|set| set.value).unwrap_or_default();
    config.directory().join(name)
}

/// Whether the links move with the configuration: their directory is a relative path.
pub fn links_move_along(config: &Config) -> bool {
    config
        .get("ebdir")
        .is_none_or(|ebdir| !ebdir.value.starts_with(b"/"))
}

/// The way to become root.
///
/// # Errors
/// If `privilege` is invalid.
pub fn privilege(config: &Config) -> Result<Choice> {
    let choice = host(config, Need::Root)?.privilege;
    Ok(choice.map(|set| set.value).unwrap_or_default())
}

/// A VM with checked settings.
#[derive(Debug)]
pub struct Checked<'config> {
    /// The keys.
    pub keys: Keys<'config>,
    /// The VM, with invalid settings treated as not set; none if it cannot be built.
    pub vm: Option<Vm>,
    /// The profile, if the VM has one that can be used.
    pub profile: Option<Rc<Profile>>,
    /// The faults of its settings.
    pub faults: Vec<Error>,
}

/// Checks every setting: the faults of the host variables, and each VM.
///
/// Takes linear time. Help lines have this spelling.
pub fn checked<'config>(
    config: &'config Config,
    spelling: &Spelling,
    devices: &Path,
) -> (Vec<Error>, Vec<Checked<'config>>) {
    let mut of_host = Faults::default();
    let host = read::of_host(config, &mut of_host);
    let wanted = Wanted::new(Need::Settings, spelling.clone(), devices);
    let profiles = Profiles::of(config);
    let vms = config.keys_of_all(every_row).map(|keys| {
        let mut faults = Faults::default();
        let mut profile = None;
        let vm = match name(config, keys.vm) {
            Ok(name) => {
                let own = read::of_vm(config, &keys, &profiles, every_row, &mut faults);
                profile.clone_from(&own.profile);
                let parts = Parts {
                    name,
                    own,
                    host: &host,
                    wanted: &wanted,
                };
                Some(construct(parts, &mut faults)).filter(|_| faults.is_complete())
            }
            Err(error) => {
                faults.add_missing(error.named(FindingName::VmName), needs::ALL);
                None
            }
        };
        faults.explain(config);
        Checked {
            keys,
            vm,
            profile,
            faults: faults.into_errors(),
        }
    });
    let vms = vms.collect();
    of_host.explain(config);
    (of_host.into_errors(), vms)
}

fn host(config: &Config, need: Need) -> Result<HostSettings> {
    let mut faults = Faults::default();
    let host = read::of_host(config, &mut faults);
    faults.stop(need).map(|()| host)
}

fn one(
    config: &Config,
    host: &HostSettings,
    name: VmName,
    keys: &Keys<'_>,
    profiles: &Profiles,
    wanted: &Wanted<'_>,
) -> Result<Vm> {
    let mut faults = Faults::default();
    let own = read::of_vm(config, keys, profiles, every_row, &mut faults);
    let parts = Parts {
        name,
        own,
        host,
        wanted,
    };
    let vm = construct(parts, &mut faults);
    faults.explain(config);
    faults.stop(wanted.need).map(|()| vm)
}

/// The name, if such a VM exists.
///
/// # Errors
/// If no such VM exists; the message names the existing VMs.
pub fn known(config: &Config, name: &str) -> Result<VmName> {
    if !config.is_vm(name) {
        let names = suggest::nearest_first(name, config.vms().map(|(name, _)| name));
        let error = Error::usage(format!(
            "there is no VM \"{name}\" in {}",
            config.file_names()
        ));
        return Err(match names.len() {
            0 => error.help(format!(
                "define a VM by its id, for example: {}_id={}",
                VmName::like(name).map_or_else(|| "vm0".to_owned(), |like| like.to_string()),
                config.free_id().unwrap_or_default()
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

/// The name of an existing VM.
fn name(config: &Config, name: &str) -> Result<VmName> {
    VmName::parse(name).map_err(|error| {
        let id = config.get(&format!("{name}_id"));
        Error::config(error.to_string()).at(id.map(|id| id.value_span))
    })
}
