//! `easy-bhyve new`: writes the settings of a new VM, and makes its disk and its links if asked.

use super::edit::{self, Draft, Edited, refused};
use super::invocation::options::NewArgs;
use super::locate::Refused;
use super::set::refuse_twice;
use super::setup;
use crate::config::Config;
use crate::config::edit::{Edit, TypedSetting, append};
use crate::config::profile::Library;
use crate::error::{Error, Result};
use crate::host::Look;
use crate::inspect::iso;
use crate::inspect::report::{Content, Report};
use crate::model::Vm;
use crate::model::loader::Loader;
use crate::model::name::VmName;
use crate::operation::boot::image;
use crate::operation::context::{Asked, CallersPlan, Context, Outcome};
use crate::operation::resources::{Allocation, MakeDisk};
use crate::plan::Plan;
use crate::process::Process;
use crate::span::FileId;
use crate::survey;
use crate::tools::ifconfig::{self, Interface};
use crate::verb::{Links, Verb};
use crate::vis;
use std::io::ErrorKind;
use std::path::Path;

/// The plan that makes the VM: the settings are written first, and undone if the disk cannot be
/// made.
///
/// # Errors
/// If the name is invalid or in use, the ISO is missing, or the edited configuration has an error;
/// nothing is written then.
pub(super) fn new(context: &mut Context<'_>, args: &NewArgs) -> Result<Edited, Box<Refused>> {
    let config = context.config;
    let here = |error| refused(error, Some(config.clone()));
    let vm = free_name(context, &args.vm).map_err(here)?;
    let file = file(context, args.file.as_deref()).map_err(here)?;
    let settings = settings(context, &vm, args).map_err(here)?;
    if args.disk.is_some() {
        context.need_host(args.dry_run).map_err(here)?;
    }
    let edits = append(config, file, vm.as_str(), &settings);
    let draft = edit::draft(context, Some(vm.as_str()), &edits)?;
    let outcome = outcome(context, &draft, &edits, &settings, args)
        .map_err(|error| refused(error, Some(draft.config.clone())))?;
    Ok(Edited {
        outcome,
        config: draft.config,
    })
}

/// The outcome for a valid configuration.
fn outcome(
    context: &mut Context<'_>,
    draft: &Draft,
    edits: &[Edit],
    settings: &[TypedSetting],
    args: &NewArgs,
) -> Result<Outcome> {
    // A draft of a new VM has it.
    let none = || Error::state("the edited configuration has no new VM");
    let new = draft.vm.as_ref().ok_or_else(none)?;
    let vm = &new.name;
    for setting in settings {
        edit::refuse_unread(draft, Some(vm.as_str()), setting)?;
    }
    let mut after = Plan::default();
    let mut notes = found(&draft.config, vm, settings);
    // The image is only a hint: one that cannot be read says nothing.
    if let Some(cd) = new.install_cd()
        && let Ok(report) = context.look.inspect(&cd.path, None)
    {
        match proposed(context, new, &report, &draft.config) {
            Some(proposal) => notes.push(proposal),
            None => notes.extend(image::notes(new, &cd.path, &report)),
        }
    }
    let mut done = vec![edit::changes(context.config, &draft.config, edits)];
    if args.links {
        let links = setup::links(&mut Context {
            config: &draft.config,
            look: &mut *context.look,
            spelling: context.spelling.clone(),
            ..*context
        })?;
        after = links.plan;
        notes.extend(links.notes);
        done.push(links.done);
    }
    done.push(next(context, new, args));
    let done = Some(done.join("\n"));
    let Some(size) = &args.disk else {
        let mut plan = edit::alone(draft.plan.clone());
        plan.append(after);
        return Ok(Outcome::Plan(CallersPlan {
            plan,
            dry_run: args.dry_run,
            warnings: draft.warnings.clone(),
            notes,
            done,
        }));
    };
    let job = MakeDisk {
        number: 0,
        size: size.clone(),
        allocation: Allocation::Full,
    };
    Ok(Asked {
        before: draft.plan.clone(),
        after,
        warnings: draft.warnings.clone(),
        notes,
        done,
        ..context.asked(new.clone(), job, args.dry_run)
    }
    .into())
}

/// The profile of the system that the ISO image installs, if no setting of the VM says how it is loaded.
fn proposed(context: &Context<'_>, vm: &Vm, report: &Report, config: &Config) -> Option<String> {
    let is_open =
        vm.os.is_none() && matches!(&vm.loader, Loader::Grub(grub) if grub.install.is_none());
    let cd = vm.install_cd().filter(|_| is_open)?;
    let Some(Content::Iso(iso)) = &report.content else {
        return None;
    };
    let os = iso::system(iso)?;
    let names = Library::of(Some(config)).names().ok()?;
    names.iter().find(|name| name.as_str() == os)?;
    let command = format_args!("set {} os={os}", vm.name);
    Some(format!(
        "{} installs {os}; to use the profile of that system: {}",
        vis::shown(&cd.path),
        context.spelling.command(command)
    ))
}

/// What is to be done next with the new VM.
fn next(context: &mut Context<'_>, vm: &Vm, args: &NewArgs) -> String {
    let mut spelling = context.spelling.clone();
    if args.links {
        spelling.links = Some(Links::default());
    }
    let command = |verb| spelling.of(verb, vm.name.as_str());
    let disk = vm.disks.first();
    let mut has_disk = || disk.is_none_or(|disk| context.look.exists(&disk.path).unwrap_or(true));
    if args.disk.is_none() && !has_disk() {
        format!(
            "next, make its disk: {} -V 20G -s",
            command(Verb::Resources)
        )
    } else if vm.install_cd().is_some() {
        format!("next: {}", command(Verb::Install))
    } else if args.disk.is_none() {
        format!("next: {}", command(Verb::Boot))
    } else {
        format!(
            "next, name the ISO image to install from: {}",
            spelling.command(format_args!("set {} cd0=ISO", vm.name))
        )
    }
}

/// The smallest number that no VM has as its id, and that neither a VM nor the host has as the number
/// of a tap.
fn free_id(context: &mut Context<'_>, vm: &VmName) -> Result<u16> {
    let interfaces = interfaces(context.look)?;
    let is_taken = |id: u16| {
        let tap = format!("tap{id}");
        let mut others = interfaces.iter().filter(|one| !one.is_made_for(vm));
        others.any(|one| one.name == tap)
    };
    let free = context.config.free_ids().find(|id| !is_taken(*id));
    free.ok_or_else(|| Error::config("all ids from 0 to 32767 are in use"))
}

/// The interfaces of the host; none if it is not FreeBSD.
pub(super) fn interfaces(look: &mut dyn Look) -> Result<Vec<Interface>> {
    if !survey::is_freebsd(look) {
        return Ok(Vec::new());
    }
    Ok(ifconfig::parse(&survey::answer(look, &ifconfig::list())?))
}

/// Parses a name that no VM has.
fn free_name(context: &Context<'_>, name: &str) -> Result<VmName> {
    let vm = VmName::parse(name).map_err(|error| {
        let error = Error::usage(error.to_string());
        match VmName::like(name) {
            Some(like) => error.help(format!(
                "for example: {}",
                context.spelling.command(format_args!("new {like}"))
            )),
            None => error,
        }
    })?;
    match context.config.get(&format!("{vm}_id")) {
        Some(id) if id.value.is_empty() => {
            Err(Error::state(format!("{vm} is disabled: its id is empty"))
                .at(id.name_span)
                .help("set the id to a number there"))
        }
        Some(id) => Err(Error::state(format!("VM {vm} already exists"))
            .at(id.name_span)
            .help(format!(
                "choose another name, or change this VM: {}",
                context.spelling.command(format_args!("set {vm} KEY=VALUE"))
            ))),
        None => Ok(vm),
    }
}

/// The file to write to: the typed one, if it belongs to the configuration, or else the first.
fn file(context: &Context<'_>, typed: Option<&Path>) -> Result<FileId> {
    let Some(typed) = typed else {
        return Ok(FileId::default());
    };
    let wanted = context.process.directory.join(typed);
    let is_wanted = |path: &Path| {
        let same = path.canonicalize().ok();
        path == wanted || same.is_some() && same == wanted.canonicalize().ok()
    };
    context.config.file(is_wanted).ok_or_else(|| {
        Error::usage(format!(
            "{} is not a file of the configuration: a VM in that file would not be found",
            vis::shown(&wanted)
        ))
        .help(format!(
            "files of the configuration: {}",
            context.config.file_names()
        ))
    })
}

/// The lines of the block: the id, the ISO, and what was typed.
fn settings(context: &mut Context<'_>, vm: &VmName, args: &NewArgs) -> Result<Vec<TypedSetting>> {
    let mut typed = args.settings.clone();
    let at = typed.iter().position(|setting| setting.key() == "id");
    let id = if let Some(at) = at {
        typed.remove(at)
    } else {
        TypedSetting::new("id", free_id(context, vm)?.to_string())
    };
    let mut settings = vec![id];
    let os = args.os.as_ref();
    settings.extend(os.map(|os| TypedSetting::new("os", os.as_str())));
    if let Some(cd) = &args.cd {
        let iso = context.process.directory.join(cd);
        let is_there = match context.look.exists(&iso) {
            // The root side checks again when the VM is installed.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => true,
            other => other.map_err(|error| {
                Error::host(format!("could not access {}: {error}", vis::shown(&iso)))
            })?,
        };
        if !is_there {
            return Err(Error::host(format!("{} does not exist", vis::shown(&iso)))
                .help("name an existing ISO image with --cd"));
        }
        settings.push(TypedSetting::new("cd0", iso));
    }
    settings.extend(typed);
    settings.extend(own_uuid(context.process, vm, &settings));
    refuse_twice(&settings)?;
    Ok(settings)
}

/// A random UUID for a VM with a profile or with UEFI firmware, which keeps it when the host or the name changes.
fn own_uuid(process: &Process, vm: &VmName, settings: &[TypedSetting]) -> Option<TypedSetting> {
    let has_one = settings.iter().any(|one| match one.key() {
        "loader" => one.value() == b"uefi",
        key => key == "os" && !one.value().is_empty(),
    });
    let is_set = settings.iter().any(|one| one.key() == "uuid");
    (has_one && !is_set).then(|| TypedSetting::new("uuid", process.uuid_for(vm).to_string()))
}

/// Notes about existing settings that apply to the new VM.
fn found(config: &Config, vm: &VmName, settings: &[TypedSetting]) -> Vec<String> {
    let keys = config.keys_of(vm.as_str()).keys.into_iter();
    let others = keys.filter(|key| {
        let mut settings = settings.iter();
        settings.all(|setting| setting.key() != key.spelling)
    });
    others
        .map(|key| {
            let place = config.place(key.set.name_span);
            format!(
                "{place}: {} is already set and applies to the new VM",
                key.set.name
            )
        })
        .collect()
}
