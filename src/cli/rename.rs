//! `easy-bhyve rename`: gives a VM another name: its lines, its disks, its log, its links.

use super::edit::{self, Edited, refused};
use super::invocation::options::RenameArgs;
use super::locate::Refused;
use super::setup;
use crate::config::edit::{Edit, TypedSetting, set as edits_of, standing, variable};
use crate::config::settings::Need;
use crate::config::{Config, owned, resolve};
use crate::error::{Error, Result};
use crate::model::device::Disk;
use crate::model::name::VmName;
use crate::model::{Vm, Volume};
use crate::operation::context::{Asked, Context, rivals};
use crate::operation::rename::{Rename, moved};
use crate::plan::{FileChange, Step};
use crate::plan::{Guard, Plan, Refusal, Test, Undo, When};
use crate::survey::Traces;
use crate::verb::Verb;
use crate::vis;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The plan that renames the VM: the lines first, undone if the disks cannot be renamed; the links last.
///
/// # Errors
/// If there is no such VM, the new name is in use, or another variable uses the settings of the VM.
pub(super) fn rename(context: &mut Context<'_>, args: &RenameArgs) -> Result<Edited, Box<Refused>> {
    let config = context.config;
    let here = |error| refused(error, Some(config.clone()));
    context.need_host(args.dry_run).map_err(here)?;
    let vm = context.vm_for(&args.vm, Need::Disks).map_err(here)?;
    let new = free_name(context, &vm, &args.new).map_err(here)?;
    let (old, name) = (vm.name.as_str(), new.as_str());
    let mut edits =
        owned::renaming(config, old, name).map_err(|place| here(edit::by_hand(old, place)))?;
    let names: BTreeSet<String> = edits
        .iter()
        .map(|edit| edit.name.clone())
        .chain(
            owned::assignments(config, old)
                .unwrap_or_default()
                .iter()
                .map(|set| set.name.to_owned()),
        )
        .collect();
    let disks = disks(context, &vm, &new);
    edits.extend(disks.iter().flat_map(|one| one.edits.clone()));
    let renamed = edit::edited(context, &edits)?;
    edit::refuse_dependent(config, &renamed, old, &names)?;
    refuse_changed(config, &renamed, &vm, &new, &disks)?;
    let (renamed, edits) = if args.keep {
        with_addresses(context, renamed, edits, &vm, &new)?
    } else {
        (renamed, edits)
    };
    let links = Links::of(context, old, &new).map_err(here)?;
    let mut before = Plan::default();
    if !args.keep && !args.force {
        before = question(context, &vm, &new);
    }
    before.append(edit::plan(context, &edits)?);
    let mut notes: Vec<String> = disks.iter().filter_map(|one| one.note.clone()).collect();
    notes.extend(addresses(&vm, &new, args.keep));
    let numbers = disks.iter().filter(|one| one.is_moved);
    let job = Rename {
        new: new.clone(),
        disks: numbers.map(|one| one.number).collect(),
    };
    let rivals = rivals(context, &vm).map_err(here)?;
    let done = format!(
        "{old} is {name} now; next: {}",
        context.spelling.of(Verb::Boot, name)
    );
    let mut asked = context.asked(vm, job, args.dry_run).with_rivals(rivals);
    asked = Asked {
        before,
        after: links.plan(),
        notes,
        done: Some(done),
        ..asked
    };
    Ok(Edited {
        outcome: asked.into(),
        config: renamed,
    })
}

/// The new name, if nothing has it.
fn free_name(context: &mut Context<'_>, vm: &Vm, name: &str) -> Result<VmName> {
    let new = VmName::parse(name).map_err(|error| Error::usage(error.to_string()))?;
    if new == vm.name {
        return Err(Error::usage(format!("{new} is its name already")));
    }
    if let Some(set) = owned::waiting(context.config, new.as_str()) {
        return Err(Error::state(format!("{} is already set", set.name))
            .at(set.name_span)
            .help("choose another name, or remove these lines"));
    }
    if context.is_freebsd {
        let (at, look) = context.asking();
        if Traces::ask(look, &at)?.has(new.as_str()) {
            return Err(Error::state(format!(
                "a VM {new}, which is not in the configuration, runs or has left something"
            ))
            .help(format!("see: {}", context.spelling.command("status"))));
        }
    }
    Ok(new)
}

/// What becomes of a disk.
struct Fate {
    number: u8,
    is_moved: bool,
    /// The changes of the settings that name it.
    edits: Vec<Edit>,
    note: Option<String>,
}

/// What becomes of each disk: one with the name of the VM is renamed, if the settings that name it can be
/// edited.
fn disks(context: &Context<'_>, vm: &Vm, new: &VmName) -> Vec<Fate> {
    let of = |disk: &Disk| {
        let volume = disk.volume(&context.process.devices);
        let number = disk.number;
        let stays = |why: &str| Fate {
            number,
            is_moved: false,
            edits: Vec::new(),
            note: Some(format!(
                "hd{number} keeps its name, because {why}: {}",
                vis::shown(&disk.path)
            )),
        };
        let is_device =
            matches!(&volume, Volume::File(path) if path.starts_with(&context.process.devices));
        let Some(to) = moved(&volume, &vm.name, new).filter(|_| !is_device) else {
            return stays("it has not the name of the VM");
        };
        match value_edits(context.config, vm, new, disk, &volume, &to) {
            Some(edits) => Fate {
                number,
                is_moved: true,
                edits,
                note: None,
            },
            None => stays("its setting is not written out"),
        }
    };
    vm.disks.iter().map(of).collect()
}

/// The edits of the settings that name a disk: the last component of each changes. None if one does not
/// end with that component.
fn value_edits(
    config: &Config,
    vm: &Vm,
    new: &VmName,
    disk: &Disk,
    from: &Volume,
    to: &Volume,
) -> Option<Vec<Edit>> {
    let last = |volume: &Volume| -> Option<String> {
        match volume {
            Volume::Zfs(dataset) => dataset
                .as_str()
                .rsplit_once('/')
                .map(|(_, name)| name.to_owned()),
            Volume::File(path) => path.file_name()?.to_str().map(str::to_owned),
        }
    };
    let (from, to) = (last(from)?, last(to)?);
    let mut keys = vec![format!("hd{}", disk.number)];
    if disk.number == 0 {
        keys.push("zvol".to_owned());
    }
    let mut edits = Vec::new();
    for key in keys {
        let sets = standing(config, Some(vm.name.as_str()), &key);
        for set in sets.into_iter().filter(|set| !set.value.is_empty()) {
            let written = config.sources().text(set.value_span);
            let unquoted = written
                .strip_suffix(b"\"")
                .or_else(|| written.strip_suffix(b"'"));
            let end = unquoted.unwrap_or(written);
            let start = end.strip_suffix(from.as_bytes())?;
            if !start.ends_with(b"/") {
                return None;
            }
            let mut span = set.value_span;
            span.end = span.start.checked_add(u32::try_from(end.len()).ok()?)?;
            span.start = span.start.checked_add(u32::try_from(start.len()).ok()?)?;
            edits.push(Edit {
                span,
                text: to.clone().into_bytes(),
                name: variable(Some(new.as_str()), &key),
            });
        }
    }
    Some(edits)
}

/// Refuses a renamed VM whose settings are not those of the VM: a value uses another setting of the VM.
fn refuse_changed(
    old: &Config,
    renamed: &Config,
    vm: &Vm,
    new: &VmName,
    disks: &[Fate],
) -> Result<(), Box<Refused>> {
    let edited: BTreeSet<&str> = disks
        .iter()
        .flat_map(|one| &one.edits)
        .map(|edit| edit.name.as_str())
        .collect();
    let now = renamed.keys_of(new.as_str()).keys;
    let was = old.keys_of(vm.name.as_str()).keys;
    let pairs = was.iter().zip(&now);
    let mut changed = pairs.filter(|(was, now)| {
        was.spelling != now.spelling
            || was.set.value != now.set.value && !edited.contains(now.set.name)
    });
    let (was, _) = match changed.next() {
        Some(pair) => pair,
        None if was.len() == now.len() => return Ok(()),
        None => {
            return Err(refused(
                Error::config(format!("{new} would not have all settings of {}", vm.name)),
                Some(old.clone()),
            ));
        }
    };
    let error = Error::config(format!(
        "{} uses another setting of {}, and would change",
        was.set.name, vm.name
    ))
    .at(was.set.name_span)
    .help("first write its value itself");
    Err(edit::unwritten(error, Some(old.clone())))
}

/// The edits with a line for the address of each NIC that has none: the one that it has under the old
/// name.
fn with_addresses(
    context: &Context<'_>,
    renamed: Config,
    mut edits: Vec<Edit>,
    vm: &Vm,
    new: &VmName,
) -> Result<(Config, Vec<Edit>), Box<Refused>> {
    let config = context.config;
    let here = |error| refused(error, Some(config.clone()));
    for nic in vm.nics.iter().filter(|nic| nic.mac.is_none()) {
        let word = format!("if{}_mac={}", nic.number, nic.address(&vm.name));
        let setting = TypedSetting::parse(word.as_ref());
        let setting = setting.map_err(|error| here(Error::config(error.to_string())))?;
        let added = edits_of(config, Some(vm.name.as_str()), &setting)
            .map_err(|place| here(edit::by_hand(vm.name.as_str(), place)))?;
        edits.extend(added.into_iter().map(|edit| named(edit, &vm.name, new)));
    }
    if edits.is_empty() {
        return Ok((renamed, edits));
    }
    Ok((edit::edited(context, &edits)?, edits))
}

/// An edit of a setting of a VM, as one of the renamed VM: an added line begins with its name.
fn named(edit: Edit, old: &VmName, new: &VmName) -> Edit {
    let key = edit.name.strip_prefix(old.as_str()).unwrap_or_default();
    let line = format!("\n{}=", edit.name);
    let text = match edit.text.strip_prefix(line.as_bytes()) {
        Some(value) => [format!("\n{new}{key}=").as_bytes(), value].concat(),
        None => edit.text.clone(),
    };
    Edit {
        name: format!("{new}{key}"),
        text,
        ..edit
    }
}

/// What becomes of the addresses that bhyve(8) derives from the name.
fn addresses(vm: &Vm, new: &VmName, keep: bool) -> Vec<String> {
    let nics = vm.nics.iter().filter(|nic| nic.mac.is_none());
    nics.map(|nic| {
        let (was, is) = (nic.address(&vm.name), nic.address(new));
        if keep {
            format!("if{} keeps its address {was}, in if{0}_mac", nic.number)
        } else {
            format!("the address of if{} changes from {was} to {is}", nic.number)
        }
    })
    .collect()
}

/// The question about addresses that change; nothing if none does.
fn question(context: &Context<'_>, vm: &Vm, new: &VmName) -> Plan {
    let mut plan = Plan::default();
    if vm.nics.iter().all(|nic| nic.mac.is_some()) {
        return plan;
    }
    let command = format!("rename {} {new}", vm.name);
    plan.push(Guard {
        test: Test::Confirmed {
            question:
                "A reservation of a DHCP server, and a guest that knows its NIC by the address, \
                       do not fit then.\nRename it?"
                    .to_owned(),
            otherwise: format!(
                "to keep the addresses: {}; or to let them change: {}",
                context.spelling.command(format_args!("{command} --keep")),
                context.spelling.command(format_args!("{command} -f"))
            ),
        },
        refusal: Refusal::host("nothing was renamed"),
    });
    plan
}

/// The links of the VM and their new names.
struct Links {
    links: Vec<setup::OwnLink>,
    to: Vec<PathBuf>,
}

impl Links {
    /// The links of a VM.
    ///
    /// # Errors
    /// If a new name is in use.
    fn of(context: &Context<'_>, old: &str, new: &VmName) -> Result<Self> {
        let links = setup::links_of(context, old)?;
        let directory = resolve::link_directory(context.config);
        let used = Verb::ALL
            .into_iter()
            .map(|verb| directory.join(format!("{new}-{verb}")));
        if let Some(path) = used
            .into_iter()
            .find(|path| path.symlink_metadata().is_ok())
        {
            return Err(
                Error::state(format!("{} already exists", vis::shown(&path)))
                    .help("choose another name, or remove the file"),
            );
        }
        let to = links.iter().map(|link| {
            let name = format!("{new}-{}", link.verb);
            link.path.with_file_name(name)
        });
        Ok(Self {
            to: to.collect(),
            links,
        })
    }

    /// The plan that makes the links of the new name, and then removes the old ones.
    fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        for (link, path) in self.links.iter().zip(&self.to) {
            plan.push(FileChange::Link {
                target: link.target.clone(),
                path: path.clone(),
            });
        }
        let undo = self
            .to
            .iter()
            .map(|path| Step::from(FileChange::RemoveLink(path.clone())).into());
        if !self.to.is_empty() {
            plan.push(Undo {
                forms: undo.collect(),
                when: When::Failure,
                what: "new links".to_owned(),
            });
        }
        plan.append(setup::without(&self.links));
        plan
    }
}
