//! `easy-bhyve import`: the VMs of another manager as lines of the configuration.
//!
//! Reads the files of the other manager, and asks the host where its datastore is; changes nothing of it.

mod sources;

use super::edit::{self, Edited, refused};
use super::invocation::Invocation;
use super::invocation::options::{ImportArgs, Manager};
use super::locate::{self, Refused};
use super::new;
use crate::config::edit::{TypedSetting, append};
use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::host::Look;
use crate::import::Guest;
use crate::model::name::VmName;
use crate::operation::context::{CallersPlan, Context, Outcome};
use crate::process::Process;
use crate::run::not_written;
use crate::session::Session;
use crate::span::FileId;
use crate::{quote, vis};
use sources::{name, read};
use std::collections::BTreeSet;
use std::fmt::Write;

/// A VM with the name and the id that it gets here.
struct Placed {
    vm: String,
    guest: Guest,
    /// All settings, the id first.
    settings: Vec<TypedSetting>,
}

/// Prints the lines of every VM; remarks are comments above them.
///
/// # Errors
/// If the other manager's files cannot be read or contain no VM, or our configuration is refused.
pub(super) fn print(
    session: &mut Session<'_, '_>,
    invocation: &Invocation,
    args: &ImportArgs,
) -> Result<()> {
    if args.dry_run.format.is_some() {
        return Err(Error::usage(
            "--format needs --add: without it only text is printed",
        ));
    }
    let process = session.process;
    let config = if locate::is_nowhere(process, invocation) {
        empty(process)?
    } else {
        locate::load(process, invocation).map_err(|refused| refused.error)?
    };
    let found = read(process, session.host, args, &config)?;
    let (placed, notes) = place(session.host, &config, found.guests)?;
    let mut text = String::new();
    let is_unset = |key: &str| config.get(key).is_none_or(|set| set.value.is_empty());
    for (key, value) in found.host.iter().filter(|(key, _)| is_unset(key)) {
        let _ = writeln!(text, "{key}={}", quote::shown(value));
    }
    for one in &placed {
        if !text.is_empty() {
            text.push('\n');
        }
        push_block(&mut text, one, args.manager);
    }
    let output = &mut session.output.out;
    let written = output.write_all(vis::lines(&text).as_bytes());
    written.and_then(|()| output.flush()).map_err(not_written)?;
    for note in notes {
        session.say(&note);
    }
    let spelling = &invocation.spelling;
    let from = args
        .from
        .as_deref()
        .map(|from| format!(" {}", quote::shown(from)));
    let add = spelling.command(format_args!(
        "import {}{} --add",
        name(args.manager),
        from.unwrap_or_default()
    ));
    session.say(&if config.sources().iter().next().is_none() {
        let init = spelling.command("init");
        format!("there is no configuration yet: {init} writes one for this host; then: {add}")
    } else {
        format!(
            "to add these lines to {}: {add}",
            vis::shown(config.main_file())
        )
    });
    Ok(())
}

/// The plan that adds every VM to the configuration.
///
/// # Errors
/// If the other manager's files cannot be read or contain no VM, or the edited configuration has an
/// error; nothing is written then.
pub(super) fn add(context: &mut Context<'_>, args: &ImportArgs) -> Result<Edited, Box<Refused>> {
    let config = context.config;
    let here = |error| refused(error, Some(config.clone()));
    let found = read(context.process, context.look, args, config).map_err(here)?;
    let (placed, mut notes) = place(context.look, config, found.guests).map_err(here)?;
    for Placed { guest, .. } in &placed {
        let remarks = guest.remarks.iter();
        notes.extend(
            remarks.map(|remark| vis::line(&format!("{}: {remark}", guest.name)).into_owned()),
        );
    }
    if placed.is_empty() {
        return Ok(Edited {
            outcome: edit::nothing(notes, args.dry_run),
            config: config.clone(),
        });
    }
    let edits: Vec<_> = placed
        .iter()
        .flat_map(|one| append(config, FileId::default(), &one.vm, &one.settings))
        .collect();
    let draft = edit::draft(context, None, &edits)?;
    for one in &placed {
        for setting in &one.settings {
            edit::refuse_unread(&draft, Some(&one.vm), setting)
                .map_err(|error| edit::unwritten(error, Some(draft.config.clone())))?;
        }
    }
    let names: Vec<&str> = placed.iter().map(|one| one.vm.as_str()).collect();
    let done = format!(
        "added to {}: {}; next: {}",
        vis::shown(config.main_file()),
        names.join(" "),
        context.spelling.command("setup")
    );
    Ok(Edited {
        outcome: Outcome::Plan(CallersPlan {
            plan: edit::alone(draft.plan),
            dry_run: args.dry_run,
            notes,
            done: Some(done),
            ..CallersPlan::default()
        }),
        config: draft.config,
    })
}

/// A configuration without a file.
fn empty(process: &Process) -> Result<Config> {
    locate::with_outside(process, |outside| config::parse(Vec::new(), outside))
        .map_err(|error| Error::config(error.to_string()))
}

fn push_block(text: &mut String, one: &Placed, manager: Manager) {
    let Placed {
        vm,
        guest,
        settings,
    } = one;
    let head = format!("{} of {}: {}", guest.name, name(manager), guest.place);
    let _ = writeln!(text, "# {}", vis::line(&head));
    for remark in &guest.remarks {
        let _ = writeln!(text, "# {}", vis::line(remark));
    }
    for setting in settings {
        let value = String::from_utf8_lossy(&setting.written()).into_owned();
        let _ = writeln!(text, "{vm}_{}={value}", setting.key());
    }
}

/// Gives every VM a name, an id and taps that are free; also returns notes about those that have a VM
/// of their name here.
fn place(
    look: &mut dyn Look,
    config: &Config,
    guests: Vec<Guest>,
) -> Result<(Vec<Placed>, Vec<String>)> {
    let interfaces = new::interfaces(look)?;
    let is_free = |id: &u16| {
        let tap = format!("tap{id}");
        interfaces.iter().all(|one| one.name != tap)
    };
    let mut free: BTreeSet<u16> = config.free_ids().filter(is_free).collect();
    // 0 is the last, because other programs use tap0 first.
    let next = |free: &mut BTreeSet<u16>| {
        let id = free.range(1..).next().or(free.first()).copied();
        let id = id.ok_or_else(|| Error::config("all ids from 0 to 32767 are in use"))?;
        free.remove(&id);
        Ok::<u16, Error>(id)
    };
    let (mut placed, mut notes) = (Vec::<Placed>::new(), Vec::new());
    for mut guest in guests {
        let vm = VmName::like(&guest.name);
        let vm = vm.map_or_else(|| "vm".to_owned(), |vm| vm.to_string());
        if let Some(set) = config.get(&format!("{vm}_id")) {
            let at = config.place(set.name_span);
            let text = format!(
                "{} is not imported: {vm} already exists at {at}",
                guest.name
            );
            notes.push(vis::line(&text).into_owned());
            continue;
        }
        let is_taken = |name: &str| {
            placed.iter().any(|one| one.vm == name) || config.get(&format!("{name}_id")).is_some()
        };
        let mut numbered = (2..).map(|number| format!("{vm}_{number}"));
        let vm = if is_taken(&vm) {
            numbered.find(|name| !is_taken(name)).unwrap_or(vm)
        } else {
            vm
        };
        if vm != guest.name {
            guest.remarks.insert(0, format!("its name is {vm} here"));
        }
        let id = match guest.number.filter(|number| free.remove(number)) {
            Some(number) => number,
            None => next(&mut free)?,
        };
        let mut settings = vec![TypedSetting::new("id", id.to_string())];
        settings.append(&mut guest.settings);
        for number in &guest.without_tap {
            let own = format!("if{number}_");
            let at = settings
                .iter()
                .position(|setting| setting.key().starts_with(&own));
            let tap = TypedSetting::parse(format!("if{number}=tap{}", next(&mut free)?).as_ref());
            let tap = tap.map_err(|error| Error::config(error.to_string()))?;
            settings.insert(at.unwrap_or(settings.len()), tap);
        }
        placed.push(Placed {
            vm,
            guest,
            settings,
        });
    }
    Ok((placed, notes))
}
