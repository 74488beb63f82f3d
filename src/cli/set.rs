//! `easy-bhyve set`: changes settings of a VM or of the host in the file that contains them.

use super::edit::{self, Edited, refused, unwritten};
use super::invocation::options::{SetArgs, SetWord};
use super::locate::Refused;
use crate::config::edit::{
    TypedSetting, TypedSettingError, is_same, set as edits_of, standing, variable,
};
use crate::config::settings::{self, Need};
use crate::config::{Config, resolve};
use crate::error::{Error, Result};
use crate::operation::context::{CallersPlan, Context, Outcome};
use crate::quote;
use crate::survey::{Processes, State, Traces};
use crate::verb::Spelling;

/// The plan that changes these settings.
///
/// # Errors
/// If there is no such VM, a setting cannot be edited, or the edited configuration has an error;
/// nothing is written then.
pub(super) fn set(context: &mut Context<'_>, args: &SetArgs) -> Result<Edited, Box<Refused>> {
    let config = context.config;
    let here = |error| refused(error, Some(config.clone()));
    let (vm, settings) = split(&args.words, &context.spelling).map_err(here)?;
    refuse_twice(&settings).map_err(here)?;
    if let Some(vm) = vm {
        resolve::known(config, vm).map_err(here)?;
        let is_no_id = |setting: &TypedSetting| setting.key() == "id" && setting.value().is_empty();
        if settings.iter().any(is_no_id) {
            let error = Error::usage(format!("the id of {vm} must not be empty"));
            let destroy = context.spelling.command(format_args!("destroy {vm}"));
            return Err(here(error.help(format!("to remove the VM: {destroy}"))));
        }
    }
    let (mut edits, mut notes) = (Vec::new(), Vec::new());
    let mut changed = Vec::new();
    for setting in &settings {
        let of_setting = edits_of(config, vm, setting).map_err(|span| {
            let name = variable(vm, setting.key());
            let what = format!("{name} is set within an expansion");
            let help = "set edits only a plain NAME=VALUE: change this setting by hand";
            here(Error::config(what).at(span).help(help))
        })?;
        if of_setting.is_empty() {
            notes.push(already(context, vm, setting));
        } else {
            changed.push(setting.key());
        }
        edits.extend(of_setting);
    }
    if edits.is_empty() {
        return Ok(Edited {
            config: config.clone(),
            outcome: edit::nothing(notes, args.dry_run),
        });
    }
    let draft = edit::draft(context, vm, &edits)?;
    for setting in &settings {
        refuse_unknown_bridge(&draft.config, setting, &context.spelling)
            .map_err(|error| unwritten(error, Some(draft.config.clone())))?;
        edit::refuse_unread(&draft, vm, setting)
            .map_err(|error| unwritten(error, Some(draft.config.clone())))?;
    }
    let mut done = vec![edit::changes(config, &draft.config, &edits)];
    done.extend(until_then(context, vm, &changed));
    Ok(Edited {
        outcome: Outcome::Plan(CallersPlan {
            plan: edit::alone(draft.plan),
            dry_run: args.dry_run,
            warnings: draft.warnings,
            notes,
            done: Some(done.join("\n")),
        }),
        config: draft.config,
    })
}

/// The VM, if the first word is one, and the settings.
fn split<'words>(
    words: &'words [SetWord],
    spelling: &Spelling,
) -> Result<(Option<&'words str>, Vec<TypedSetting>)> {
    let (vm, words) = match words.split_first() {
        Some((SetWord::Vm(vm), rest)) => (Some(vm.as_str()), rest),
        _ => (None, words),
    };
    let settings: Result<Vec<TypedSetting>> = words
        .iter()
        .map(|word| match word {
            SetWord::Vm(word) => Err(Error::usage(format!(
                "\"{word}\": {}",
                TypedSettingError::NoEquals
            ))),
            SetWord::Setting(setting) => owned(vm, setting, spelling),
        })
        .collect();
    let settings = settings?;
    if settings.is_empty() {
        return Err(Error::usage(TypedSettingError::NoEquals.to_string())
            .help("usage: easy-bhyve set [OPTIONS] [VM] KEY=VALUE..."));
    }
    Ok((vm, settings))
}

/// A setting, if its key is one of the VM, or without a VM of the host.
fn owned(vm: Option<&str>, setting: &TypedSetting, spelling: &Spelling) -> Result<TypedSetting> {
    let key = setting.key();
    let typed = String::from_utf8_lossy(setting.value());
    let value = quote::shown(typed.as_ref());
    let set = |key: &str, vm: &str| spelling.command(format_args!("set {vm}{key}={value}"));
    match vm {
        Some(vm) if settings::find(key).is_none() => {
            let what = format!("{key} is not a key of a VM, but of the host");
            let help = format!("change it for the host, without {vm}: {}", set(key, ""));
            let error = Error::usage(what).help(help);
            Err(match of_nic(key) {
                Some(own) => error.help(format!("or for {vm}: {}", set(&own, &format!("{vm} ")))),
                None => error,
            })
        }
        None if !settings::is_of_host(key) => Err(Error::usage(format!(
            "{key} is a key of a VM, and no VM is named"
        ))
        .help(format!("name the VM: {}", set(key, "VM ")))),
        _ => Ok(setting.clone()),
    }
}

/// The key of the first NIC of a VM for a host variable: `if0_bridge` for `bridge`.
fn of_nic(key: &str) -> Option<String> {
    let is_own = |name: &str| {
        name.strip_suffix(key)
            .is_some_and(|stem| stem.ends_with('_'))
    };
    let own = settings::VM.iter().find(|setting| is_own(setting.name))?;
    Some(own.numbered(0))
}

/// Refuses the uplink of a bridge that no NIC of the edited configuration joins.
fn refuse_unknown_bridge(
    config: &Config,
    setting: &TypedSetting,
    spelling: &Spelling,
) -> Result<()> {
    let bridge = settings::of_host(setting.key()).map_or("", |(_, bridge)| bridge);
    if bridge.is_empty() || setting.value().is_empty() {
        return Ok(());
    }
    let bridges = config.bridges();
    if bridges.contains(bridge) {
        return Ok(());
    }
    let what = format!(
        "{} would have no effect: no NIC joins {bridge}",
        setting.key()
    );
    let mut known: Vec<&str> = bridges.into_iter().collect();
    known.sort_unstable();
    let error = Error::usage(what).help(format!(
        "first let a NIC join it: {}",
        spelling.command(format_args!("set VM if0_bridge={bridge}"))
    ));
    Err(match known.as_slice() {
        [] => error,
        known => error.note(format!("NICs join {}", known.join(", "))),
    })
}

/// The note about running VMs, which keep the previous values until their next boot. A host that
/// cannot be queried gets none.
fn until_then(context: &mut Context<'_>, vm: Option<&str>, changed: &[&str]) -> Option<String> {
    let of_boot = |key: &&str| match vm {
        Some(_) => {
            settings::find(key).is_some_and(|(setting, _)| setting.needed_by.contains(&Need::Boot))
        }
        None => !matches!(*key, "ebdir" | "privilege"),
    };
    // The time limit of a shutdown is read by each shutdown.
    let mut of_boot = changed
        .iter()
        .filter(|key| **key != "stop_timeout" && of_boot(key));
    if !context.is_freebsd || of_boot.next().is_none() {
        return None;
    }
    let config = context.config;
    let (at, look) = context.asking();
    let traces = Traces::ask(look, &at).ok()?;
    let is_meant = |name: &&str| vm.map_or_else(|| config.is_vm(name), |vm| vm == *name);
    let meant: Vec<&str> = traces.vms().filter(is_meant).collect();
    if meant.is_empty() {
        return None;
    }
    let processes = Processes::ask(look, &at, &traces).ok()?;
    let runs = |name: &&str| matches!(processes.state(name, &traces), State::Busy(..));
    let running: Vec<&str> = meant.into_iter().filter(runs).collect();
    match running.as_slice() {
        [] => None,
        [one] => Some(format!(
            "{one} is running: the change takes effect at its next boot"
        )),
        several => Some(format!(
            "{} are running: the change takes effect at their next boots",
            several.join(", ")
        )),
    }
}

/// Refuses a key that is given twice.
pub(super) fn refuse_twice(settings: &[TypedSetting]) -> Result<()> {
    for (at, setting) in settings.iter().enumerate() {
        let others = settings.iter().skip(at + 1);
        if let Some(other) = others
            .into_iter()
            .find(|other| setting.key() == other.key() || is_same(setting.key(), other.key()))
        {
            let mut what = format!("{} is given twice", setting.key());
            if other.key() != setting.key() {
                what = format!("{} and {} are the same key", setting.key(), other.key());
            }
            return Err(Error::usage(what).help("give it once"));
        }
    }
    Ok(())
}

/// The note about a setting that already has the value.
fn already(context: &Context<'_>, vm: Option<&str>, setting: &TypedSetting) -> String {
    match standing(context.config, vm, setting.key()).first() {
        Some(set) => {
            let place = context.config.place(set.name_span);
            format!(
                "{place}: {} is already {}",
                set.name,
                edit::shown(set.value)
            )
        }
        None => format!("{} is not set", variable(vm, setting.key())),
    }
}
