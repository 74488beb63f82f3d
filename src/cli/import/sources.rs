//! The files and answers in which another manager describes its VMs.

use crate::cli::invocation::options::{ImportArgs, Manager};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::host::Look;
use crate::import::vm_bhyve::{self, Datastore, File};
use crate::import::{Guest, Network, iohyve, libvirt};
use crate::process::Process;
use crate::survey;
use crate::tools::{sysrc, zfs};
use crate::vis;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What was read of the other manager.
pub(super) struct Found {
    pub(super) guests: Vec<Guest>,
    /// Settings of the host, each with its value.
    pub(super) host: Vec<(&'static str, String)>,
}

/// The name of a manager.
pub(super) fn name(manager: Manager) -> &'static str {
    match manager {
        Manager::VmBhyve => "vm-bhyve",
        Manager::Iohyve => "iohyve",
        Manager::Libvirt => "libvirt",
    }
}

/// Reads the VMs of the other manager.
pub(super) fn read(
    process: &Process,
    look: &mut dyn Look,
    args: &ImportArgs,
    config: &Config,
) -> Result<Found> {
    let from = args.from.as_ref();
    let found = match args.manager {
        Manager::VmBhyve => of_vm_bhyve(process, look, from, config)?,
        Manager::Iohyve => {
            let (place, text) = if let Some(file) = from {
                let file = process.directory.join(file);
                (vis::shown(&file).to_string(), text_of(&file)?)
            } else {
                let question = zfs::local_properties();
                (question.to_string(), survey::answer(look, &question)?)
            };
            let guests = iohyve::guests(&text).map_err(|line| {
                let what = format!("{place}:{line}: expected a line of the output of zfs get all");
                Error::config(what)
            })?;
            Found {
                guests,
                host: Vec::new(),
            }
        }
        Manager::Libvirt => {
            let file = process
                .directory
                .join(from.map_or(Path::new(""), PathBuf::as_path));
            let place = vis::shown(&file).to_string();
            let guests = libvirt::guests(&place, &text_of(&file)?, own_network(config).as_ref());
            let guests = guests.map_err(|why| Error::config(format!("{place}: {why}")))?;
            Found {
                guests,
                host: Vec::new(),
            }
        }
    };
    if found.guests.is_empty() {
        let what = format!("there is no VM of {}", name(args.manager));
        return Err(Error::host(what).help(match args.manager {
            Manager::VmBhyve => "name its datastore, in which a VM is NAME/NAME.conf",
            Manager::Iohyve => {
                "give it the output of zfs get all, with the properties of POOL/iohyve/NAME"
            }
            Manager::Libvirt => "give it the output of virsh dumpxml",
        }));
    }
    Ok(found)
}

/// Whether a configuration has no text yet.
pub(super) fn is_empty(config: &Config) -> bool {
    config.sources().iter().all(|one| one.bytes().is_empty())
}

/// The network that a NIC without a setting joins.
fn own_network(config: &Config) -> Option<Network> {
    let of = |key: &str| {
        let set = config.get(key)?;
        let value = std::str::from_utf8(set.value).ok()?;
        (!value.is_empty()).then(|| value.to_owned())
    };
    Some(Network {
        bridge: of("bridge")?,
        uplink: of("netif"),
    })
}

fn of_vm_bhyve(
    process: &Process,
    look: &mut dyn Look,
    from: Option<&PathBuf>,
    config: &Config,
) -> Result<Found> {
    let rc = match look.find("sysrc") {
        Some(_) => sysrc::parse(&survey::answer(
            look,
            &sysrc::ask(&["vm_dir", "vm_list", "vm_delay"]),
        )?),
        None => BTreeMap::new(),
    };
    let set = |key: &str| {
        rc.get(key)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    };
    let wanted = from.map(|from| from.display().to_string());
    let wanted = wanted.or(set("vm_dir").map(str::to_owned)).ok_or_else(|| {
        Error::usage("rc.conf has no vm_dir: the datastore is unknown")
            .help("name its directory, or its dataset as zfs:DATASET")
    })?;
    let store = datastore(process, look, &wanted)?;
    let system = store.directory.join(".config/system.conf");
    let system = if system.is_file() {
        File::read(&lossy_text_of(&system)?)
    } else {
        File::default()
    };
    let own = own_network(config);
    let first = vm_bhyve::first_network(&system);
    // Without a bridge of ours, that of the first switch is written as ours.
    let ours = own.or_else(|| first.clone().filter(|_| is_empty(config)));
    let is_of_rc = set("vm_dir").is_some_and(|named| named == wanted);
    let listed = set("vm_list").filter(|_| is_of_rc).unwrap_or_default();
    let listed: Vec<&str> = listed.split_whitespace().collect();
    let mut guests = Vec::new();
    for name in names(&store.directory)? {
        let path = store.directory.join(&name).join(format!("{name}.conf"));
        let file = File::read(&lossy_text_of(&path)?);
        let mut guest = vm_bhyve::guest(&name, &file, &store, &system, ours.as_ref());
        if listed.contains(&name.as_str()) {
            vm_bhyve::start_with_host(&mut guest, set("vm_delay"));
        }
        guests.push(guest);
    }
    // VMs start in the order of their ids.
    let at = |guest: &Guest| listed.iter().position(|name| *name == guest.name);
    guests.sort_by_key(|guest| at(guest).unwrap_or(usize::MAX));
    let mut host = Vec::new();
    if let Some(Network { bridge, uplink }) = first {
        host.push(("bridge", bridge));
        host.extend(uplink.map(|uplink| ("netif", uplink)));
    }
    let directory = store.directory.display().to_string();
    host.push(("volroot", store.dataset.unwrap_or(directory)));
    Ok(Found { guests, host })
}

/// The datastore that `vm_dir` names: a directory, or `zfs:DATASET`.
fn datastore(process: &Process, look: &mut dyn Look, wanted: &str) -> Result<Datastore> {
    let mounted = match look.find("zfs") {
        Some(_) => survey::try_answer(look, &zfs::mountpoints())?,
        None => Err(Error::host("zfs is not installed")),
    };
    if let Some(dataset) = wanted.strip_prefix("zfs:") {
        let mounted = mounted?;
        let mut rows = zfs::mounted(&mounted);
        let directory = rows.find(|(name, place)| *name == dataset && place.starts_with('/'));
        let (_, directory) = directory.ok_or_else(|| {
            Error::host(format!(
                "the dataset {dataset} does not exist or has no mountpoint"
            ))
        })?;
        return Ok(Datastore {
            directory: directory.into(),
            dataset: Some(dataset.to_owned()),
        });
    }
    // A path with `..` or a link is not the one at which zfs(8) shows a dataset.
    let named = process.directory.join(wanted);
    let directory = named
        .canonicalize()
        .map_err(|error| unread(&named, &error))?;
    let mounted = mounted.unwrap_or_default();
    let mut rows = zfs::mounted(&mounted);
    let dataset = rows.find(|(_, place)| directory == Path::new(place));
    Ok(Datastore {
        dataset: dataset.map(|(name, _)| name.to_owned()),
        directory,
    })
}

/// The VMs of a datastore: every NAME with a file NAME/NAME.conf.
fn names(directory: &Path) -> Result<BTreeSet<String>> {
    let failed = |error| unread(directory, &error);
    let entries = std::fs::read_dir(directory).map_err(failed)?;
    let mut names = BTreeSet::new();
    for entry in entries {
        let Ok(name) = entry.map_err(failed)?.file_name().into_string() else {
            continue;
        };
        if directory.join(&name).join(format!("{name}.conf")).is_file() {
            names.insert(name);
        }
    }
    Ok(names)
}

/// No file of another manager is larger, in bytes: a VM has some hundred.
const LARGEST: u64 = 1 << 20;

fn unread(path: &Path, error: &dyn fmt::Display) -> Error {
    Error::host(format!("could not read {}: {error}", vis::shown(path)))
}

/// The text of a file, which must be UTF-8.
fn text_of(path: &Path) -> Result<String> {
    String::from_utf8(bytes_of(path)?).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let shown = vis::shown(path);
        Error::config(format!("{shown}:{line}: the line is not UTF-8 text"))
    })
}

/// The text of a file whose comments may have any encoding.
fn lossy_text_of(path: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&bytes_of(path)?).into_owned())
}

/// The bytes of a file; reading anything else could wait, or read, for ever.
fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| unread(path, &error);
    if !path.metadata().map_err(failed)?.is_file() {
        let error = unread(path, &"it is not a file");
        return Err(error.help("write the text into a file first"));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    let read = file.take(LARGEST + 1).read_to_end(&mut bytes);
    if read.map_err(failed)? as u64 > LARGEST {
        let shown = vis::shown(path);
        return Err(Error::host(format!(
            "{shown} is larger than {}M",
            LARGEST >> 20
        )));
    }
    Ok(bytes)
}
