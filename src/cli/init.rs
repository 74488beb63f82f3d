//! `easy-bhyve init`: writes the first configuration, from what the host answers.

use super::invocation::{Invocation, options::InitArgs};
use super::locate;
use crate::config::{self, Config, Source};
use crate::error::{Error, Result};
use crate::host::Look;
use crate::operation::context::{CallersPlan, not_freebsd};
use crate::plan::{FileChange, Guard, Plan, Refusal, Test};
use crate::run::not_written;
use crate::session::Session;
use crate::survey::{answer, is_freebsd, try_answer};
use crate::tools::ifconfig::{self, Interface};
use crate::tools::{route, zfs};
use crate::{quote, vis};
use std::fmt::Write;
use std::path::Path;

/// What a preview assumes on a host that is not FreeBSD.
const ASSUMED: &str =
    "this host is not FreeBSD: the file is for a host with the interface igb0 and the pool zroot";

/// The settings of a host, each with the comment above it.
struct Found {
    bridge: (String, String),
    netif: (String, String),
    volroot: (String, String),
    /// What the user should know before the file is used.
    notes: Vec<String>,
}

/// The plan that writes the first configuration, which is shown and, unless `--yes` is given,
/// confirmed by the user; and that configuration.
///
/// # Errors
/// If a configuration exists, the host cannot be queried, or the user does not confirm.
pub(super) fn init(
    session: &mut Session<'_, '_>,
    invocation: &Invocation,
    args: InitArgs,
) -> Result<(Config, CallersPlan)> {
    let path = locate::first(session.process, invocation)?;
    let dry_run = args.dry_run;
    let found = if is_freebsd(session.host) {
        ask(session.host)?
    } else if dry_run.dry_run {
        assumed()
    } else {
        return Err(not_freebsd(session.host)
            .help("-d shows the file for a host with one network card and a ZFS pool"));
    };
    let text = text(&found);
    let source = Source::new(&path, text.clone().into_bytes());
    let config = locate::with_outside(session.process, |outside| {
        config::parse(vec![source], outside)
    });
    let config = config.map_err(|error| Error::config(error.to_string()))?;
    let mut notes = found.notes;
    if !dry_run.dry_run {
        for note in notes.drain(..) {
            session.say(&note);
        }
        let output = &mut *session.output;
        let shown = output.out.write_all(text.as_bytes());
        shown
            .and_then(|()| output.out.flush())
            .map_err(not_written)?;
        if !args.yes {
            confirm(session, &path)?;
        }
    }
    let done = format!(
        "wrote {}; next: {}",
        vis::shown(&path),
        invocation
            .spelling
            .command("new VM --cd ISO --disk 20G --links")
    );
    let plan = CallersPlan {
        plan: plan(&path, text),
        dry_run,
        notes,
        done: Some(done),
        ..CallersPlan::default()
    };
    Ok((config, plan))
}

/// Asks whether the shown file is written.
fn confirm(session: &mut Session<'_, '_>, path: &Path) -> Result<()> {
    let question = format!("Write {}?", vis::shown(path));
    match session.host.confirm(&question) {
        Some(true) => Ok(()),
        Some(false) => Err(Error::host("nothing was written")),
        None => Err(
            Error::usage(format!("{question} There is no terminal to ask on"))
                .help("to proceed without the question: --yes"),
        ),
    }
}

/// The plan that writes a file that does not exist yet.
fn plan(path: &Path, text: String) -> Plan {
    let mut plan = Plan::default();
    let exists = format!("{} already exists", vis::shown(path));
    plan.push(Guard {
        test: !Test::Exists(path.to_owned()),
        refusal: Refusal::host(exists),
    });
    if let Some(directory) = path.parent().filter(|directory| !directory.is_dir()) {
        plan.push(FileChange::MakeDirectories(directory.to_owned()));
    }
    plan.push(FileChange::Write {
        path: path.to_owned(),
        text: text.into_bytes(),
    });
    plan
}

/// Asks the host.
fn ask(look: &mut dyn Look) -> Result<Found> {
    let mut routed = None;
    for family in route::FAMILIES {
        if routed.is_none() {
            let found = try_answer(look, &route::show_default(family))?;
            routed = found
                .ok()
                .as_deref()
                .and_then(route::interface)
                .map(str::to_owned);
        }
    }
    let interfaces = ifconfig::parse(&answer(look, &ifconfig::list())?);
    // A host without zfs(8), without its module or without a pool has no filesystem.
    let filesystems = match look.find("zfs") {
        Some(_) => try_answer(look, &zfs::filesystems())?.unwrap_or_default(),
        None => String::new(),
    };
    let mut found = network(&interfaces, routed.as_deref());
    found.volroot = place(look, &zfs::by_room(&filesystems), &mut found.notes)?;
    Ok(found)
}

/// What [`ask`] finds on a freshly installed host.
fn assumed() -> Found {
    let igb0 = Interface {
        name: "igb0".to_owned(),
        is_ethernet: true,
        ..Interface::default()
    };
    let mut found = network(&[igb0], Some("igb0"));
    found.volroot = dataset("zroot/vm".to_owned());
    found.notes = vec![ASSUMED.to_owned()];
    found
}

/// The bridge and its uplink, from the interface that has the default route.
fn network(interfaces: &[Interface], routed: Option<&str>) -> Found {
    let found = |bridge: String, about: &str, netif: &str, why: String, notes| Found {
        bridge: (bridge, about.to_owned()),
        netif: (netif.to_owned(), why),
        volroot: (String::new(), String::new()),
        notes,
    };
    let made = "The bridge of the VMs; made when the first VM boots.";
    let present = "The bridge of the VMs; it exists already.";
    let routed = routed.and_then(|name| interfaces.iter().find(|one| one.name == name));
    let Some(routed) = routed else {
        let why = "No interface has a default route: the bridge has no uplink.";
        let note = "no interface has a default route, so netif is empty: set it to the interface that the VMs shall use";
        return found(
            free_bridge(interfaces),
            made,
            "",
            why.to_owned(),
            vec![note.to_owned()],
        );
    };
    let name = &routed.name;
    if routed.is_in(&["bridge"]) {
        let why = format!("{name} has the default route; its members are the host's business.");
        return found(name.clone(), present, "", why, Vec::new());
    }
    if let Some(bridge) = interfaces.iter().find(|one| one.members.contains(name)) {
        let why = format!(
            "The interface with the default route, a member of {}.",
            bridge.name
        );
        return found(bridge.name.clone(), present, name, why, Vec::new());
    }
    let obstacle = if routed.is_wireless {
        Some("is wireless")
    } else if !routed.is_ethernet {
        Some("is not Ethernet")
    } else {
        None
    };
    if let Some(obstacle) = obstacle {
        let why = format!("{name} has the default route, but {obstacle} and cannot join a bridge.");
        let note = format!(
            "{name}, the interface with the default route, {obstacle} and cannot join a bridge: netif is empty, and VMs reach only each other and this host"
        );
        return found(free_bridge(interfaces), made, "", why, vec![note]);
    }
    let why = "The interface with the default route; it joins the bridge.".to_owned();
    let note = format!(
        "when the first VM boots, {name} joins a bridge: its link may stall for a second or two, and with it this session if it uses {name}"
    );
    found(free_bridge(interfaces), made, name, why, vec![note])
}

/// The first name of a bridge that no interface has.
fn free_bridge(interfaces: &[Interface]) -> String {
    let mut names = (0..=interfaces.len()).map(|unit| format!("bridge{unit}"));
    let is_free = |name: &String| interfaces.iter().all(|one| one.name != *name);
    names.find(is_free).unwrap_or_default()
}

/// The place of the disks: `POOL/vm` of an existing dataset, or else of the pool with the most free
/// bytes; without a pool `/vm`.
fn place(
    look: &mut dyn Look,
    by_room: &[&str],
    notes: &mut Vec<String>,
) -> Result<(String, String)> {
    let is_place = |name: &&&str| name.split_once('/').is_some_and(|(_, below)| below == "vm");
    if let Some(existing) = by_room.iter().find(is_place) {
        return Ok(dataset((*existing).to_owned()));
    }
    if let Some(pool) = by_room.iter().find(|name| !name.contains('/')) {
        let volroot = format!("{pool}/vm");
        let make = zfs::create_parent(&volroot);
        notes.push(format!("{volroot} does not exist yet; as root: {make}"));
        return Ok(dataset(volroot));
    }
    let directory = Path::new("/vm");
    let exists = look.exists(directory);
    if !exists.map_err(|error| Error::host(format!("could not access /vm: {error}")))? {
        notes.push("/vm does not exist yet; as root: mkdir /vm".to_owned());
    }
    Ok(("/vm".to_owned(), "The directory of the disks.".to_owned()))
}

fn dataset(name: String) -> (String, String) {
    (name, "The ZFS dataset of the disks.".to_owned())
}

/// The text of the file.
fn text(found: &Found) -> String {
    let mut text = "# Settings of this host, written by easy-bhyve init.\n\
        # easy-bhyve new adds a VM; easy-bhyve man 5 explains every setting.\n"
        .to_owned();
    let settings = [
        ("bridge", &found.bridge),
        ("netif", &found.netif),
        ("volroot", &found.volroot),
    ];
    for (name, (value, about)) in settings {
        let value = if value.is_empty() {
            String::new()
        } else {
            quote::shown(value)
        };
        let _ = write!(text, "\n# {about}\n{name}={value}\n");
    }
    text
}
