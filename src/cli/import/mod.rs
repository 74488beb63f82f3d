//! `easy-bhyve import`: the VMs of another manager as lines of the configuration.
//!
//! Reads the files of the other manager, and asks the host where its datastore is; changes nothing of it.

mod place;
mod sources;

use super::edit::{self, Edited, refused};
use super::invocation::Invocation;
use super::invocation::options::{ImportArgs, Manager};
use super::locate::{self, Refused};
use crate::config::edit::append;
use crate::config::{self, Config, Source};
use crate::error::{Error, Result};
use crate::operation::context::{CallersPlan, Context, Outcome};
use crate::process::Process;
use crate::run::not_written;
use crate::session::Session;
use crate::span::FileId;
use crate::{quote, vis};
use place::{Placed, Placing, valid};
use sources::{is_empty, name, read};
use std::fmt::Write;

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
    let is_new = locate::is_nowhere(process, invocation);
    let mut config = if is_new {
        of_text(process, None)?
    } else {
        locate::load(process, invocation).map_err(|refused| refused.error)?
    };
    let main_file = config.main_file().to_owned();
    // A shell makes the file that it writes to before the program runs.
    let is_first = is_empty(&config);
    let found = read(process, session.host, args, &config)?;
    if is_first {
        // What `init` will write has an effect on what is valid.
        let mut text = "bridge=bridge0\nvolroot=/vm\n".to_owned();
        for (key, value) in &found.host {
            let _ = writeln!(text, "{key}={}", quote::shown(value));
        }
        config = of_text(process, Some(text))?;
    }
    let mut placing = Placing::new(session.host, &config, &found.guests)?;
    let (placed, notes) = placing.place(found.guests)?;
    let spelling = &invocation.spelling;
    let (placed, notes) = valid(process, spelling, &config, placed, notes);
    let mut text = String::new();
    let is_unset = |key: &str| is_first || config.get(key).is_none_or(|set| set.value.is_empty());
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
    if placed.is_empty() {
        return Ok(());
    }
    let from = args
        .from
        .as_deref()
        .map(|from| format!(" {}", quote::shown(from)));
    let add = spelling.command(format_args!(
        "import {}{} --add",
        name(args.manager),
        from.unwrap_or_default()
    ));
    session.say(&if is_new {
        let init = spelling.command("init");
        format!("there is no configuration yet: {init} writes one for this host; then: {add}")
    } else if is_first {
        format!(
            "{} was empty: the lines are a whole configuration; when they are in the file: {}",
            vis::shown(&main_file),
            spelling.command("setup")
        )
    } else {
        format!("to add these lines to {}: {add}", vis::shown(&main_file))
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
    let mut placing = Placing::new(context.look, config, &found.guests).map_err(here)?;
    let (placed, notes) = placing.place(found.guests).map_err(here)?;
    let (process, spelling) = (context.process, &context.spelling);
    let (placed, mut notes) = valid(process, spelling, config, placed, notes);
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

/// A configuration of this text, which is in no file, or without a text.
fn of_text(process: &Process, text: Option<String>) -> Result<Config> {
    let source = text.map(|text| Source::new("easy-bhyve.conf", text.into_bytes()));
    let sources = source.into_iter().collect();
    locate::with_outside(process, |outside| config::parse(sources, outside))
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
