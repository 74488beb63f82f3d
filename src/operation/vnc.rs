//! `vnc`: says where the screen of a VM is, and opens a viewer.

use super::Operation;
use super::boot::screen::where_to_connect;
use super::context::{CallersPlan, Context, Outcome, json};
use super::options::DryRunOrFormat;
use super::refuse::state::{not_running, with_last_end};
use crate::command::Command;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::screen::{Place, Screen};
use crate::plan::{Action, Plan, Step};
use crate::survey::{Processes, State};
use crate::tools::viewer::VIEWERS;
use crate::verb::Verb;
use serde::Serialize;
use std::path::Path;

/// Options of `vnc`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// -d, --format
    #[command(flatten)]
    pub dry_run: DryRunOrFormat,
}

/// The screen as JSON; easy-bhyve(1) documents the form.
#[derive(Serialize)]
struct Document<'vm> {
    schema: u32,
    vm: &'vm str,
    place: String,
    password_file: Option<String>,
}

impl Operation for Args {
    const NEED: Need = Need::Screen;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        let wants_json = self.dry_run.wants_json()?;
        context.need_host(self.dry_run.into())?;
        let screen = vm.screen.as_ref().ok_or_else(|| none(context, &vm))?;
        let mut notes = Vec::new();
        if context.is_freebsd {
            notes.extend(refuse_stopped(context, &vm)?);
        }
        let text = if wants_json {
            json(&document(&vm, screen))?
        } else {
            format!("{}\n", where_to_connect(&vm, screen))
        };
        let show = Action::Print(text.into_bytes());
        let mut plan = Plan::new(vec![Step::from(show).into()]);
        if !wants_json {
            match viewer(context, screen) {
                Ok(open) => plan.push(open),
                Err(why) => notes.push(why),
            }
        }
        Ok(Outcome::Plan(CallersPlan {
            plan,
            dry_run: self.dry_run.into(),
            notes,
            ..CallersPlan::default()
        }))
    }
}

fn document<'vm>(vm: &'vm Vm, screen: &Screen) -> Document<'vm> {
    let file = screen.password_file.as_deref();
    Document {
        schema: 1,
        vm: vm.name.as_str(),
        place: screen.place.to_string(),
        password_file: file.map(Path::to_string_lossy).map(Into::into),
    }
}

/// The error for a VM without a screen.
fn none(context: &Context<'_>, vm: &Vm) -> Error {
    let error = Error::config(format!("{} has no screen", vm.name));
    let id = context.config.id_of(vm.name.as_str());
    let error = error.at(id.map(|id| id.value_span)).help(format!(
        "its console is text: {}",
        vm.command(Verb::Console)
    ));
    if vm.loader.has_screen() {
        error.help(format!("for a screen, set {}_vnc=YES", vm.name))
    } else {
        error.help(format!(
            "for a screen, set {0}_vnc=YES and {0}_loader=uefi",
            vm.name
        ))
    }
}

/// Refuses a VM that does not run; returns a note if that is unknown.
fn refuse_stopped(context: &mut Context<'_>, vm: &Vm) -> Result<Option<String>> {
    let (at, look) = context.asking();
    let (traces, processes) = Processes::of_traced(look, &at, &vm.name)?;
    match processes.state(vm.name.as_str(), &traces) {
        State::Busy(..) => Ok(None),
        State::Unknown => Ok(Some(format!(
            "could not determine whether {} is running: processes are hidden",
            vm.name
        ))),
        State::Stopped | State::LeftOver => {
            let refusal = not_running(vm);
            let refusal = refusal.help(format!("start it first: {}", vm.command(Verb::Boot)));
            let now = context.look.uptime();
            Err(with_last_end(Error::from(&refusal), vm, &traces, now))
        }
    }
}

/// The command that opens a viewer, as the user.
///
/// # Errors
/// The reason why none is opened: a sentence.
fn viewer(context: &mut Context<'_>, screen: &Screen) -> std::result::Result<Command, String> {
    let process = context.process;
    if process.uid == 0 {
        return Err("no viewer is opened as root".to_owned());
    }
    let has_display = ["WAYLAND_DISPLAY", "DISPLAY"];
    let mut displays = has_display
        .into_iter()
        .filter_map(|name| process.variable(name));
    if displays.next().is_none() {
        let through = match &screen.place {
            Place::Tcp(address) if process.is_over_ssh() && address.ip().is_loopback() => format!(
                "; on the machine with the display: ssh -L {}:{address} {}",
                address.port(),
                process.host_name
            ),
            _ => String::new(),
        };
        return Err(format!("no viewer is opened: there is no display{through}"));
    }
    let mut known = VIEWERS
        .iter()
        .filter_map(|viewer| viewer.open(&screen.place));
    known
        .find(|open| context.look.find(open.program).is_some())
        .ok_or_else(|| {
            let programs: Vec<&str> = VIEWERS.iter().map(|viewer| viewer.program).collect();
            format!(
                "no viewer is opened: none of {} is installed; as root: pkg install tigervnc-viewer",
                programs.join(", ")
            )
        })
}
