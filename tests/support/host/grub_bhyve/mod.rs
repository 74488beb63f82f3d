//! grub-bhyve (port sysutils/grub2-bhyve): this file reads the command line and the device map,
//! `script.rs` runs what grub would run.
//!
//! Sources: grub-core/kern/emu/main.c, grub-core/kern/emu/hostdisk.c, term/emu/console.c.

pub(super) mod script;

use std::collections::BTreeMap;
use std::path::Path;

use super::Host;
use super::call::{Answer, Call, Status};
use super::devices::Device;
use super::live::Session;
use super::live::loader::{self, First, Shell};
use super::process::Loader;
use super::words::{Words, memory_size};
use script::{Grub, Leaves};

const USAGE: &str = "Usage: grub-bhyve [OPTION...] vmname\nTry `grub-bhyve --help' or \
     `grub-bhyve --usage' for more information.";

const LONG: [(&str, bool); 9] = [
    ("root", true),
    ("device-map", true),
    ("directory", true),
    ("grub-cfg", true),
    ("memory", true),
    ("cons-dev", true),
    ("ncons", false),
    ("evga", false),
    ("verbose", false),
];

/// Runs `grub-bhyve [-r ROOT] [-m MAP] [-d DIR] [-g CFG] [-M SIZE] [-c TTY] [-neS] VM`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = match Words::parse_long(&permuted(&call.words()), "r:m:d:g:M:c:neSvH", &LONG) {
        Ok(words) => words,
        Err(error) => return Answer::fail(1, format!("grub-bhyve: {error}")).and_err(USAGE),
    };
    let value = |short: &str, long: &str, default: &str| {
        words
            .last(short)
            .or_else(|| words.last(long))
            .unwrap_or(default)
            .to_owned()
    };
    let [vm] = words.operands.as_slice() else {
        return Answer::fail(1, USAGE);
    };
    let Some(memory) = memory_size(&value("M", "--memory", "256")) else {
        let text = format!(
            "grub-bhyve: invalid memory size `{}'",
            value("M", "--memory", "")
        );
        return Answer::fail(1, text).and_err(USAGE);
    };
    let console = value("c", "--cons-dev", "stdio");
    if console != "stdio"
        && !matches!(
            host.resolve(Path::new(&console), call.uid),
            Some(Device::Nmdm(..))
        )
    {
        let text = format!("grub-bhyve: could not open {console}: No such file or directory");
        return Answer::fail(1, text);
    }
    if !call.env.contains_key("TERM") {
        // initscr(3X)
        return Answer::fail(1, "Error opening terminal: unknown.");
    }
    if let Err((step, _)) = host.prepare_vm(vm, memory, call.uid) {
        // grub_emu_bhyve_init (kern/emu/bhyve.c) says no reason.
        let what = match step {
            "vm_create" => format!("Could not create VM {vm}"),
            "vm_reinit" => format!("Could not reinit VM {vm}"),
            _ => "Could not setup memory for VM".into(),
        };
        return Answer::fail(1, what).and_err("Error in initializing VM");
    }
    let map = value("m", "--device-map", "/boot/grub/device.map");
    let drives = match device_map(host, &map) {
        Ok(drives) => drives,
        Err(text) => return Answer::fail(1, text),
    };
    let root = value("r", "--root", "host");
    let plan = host.state.plan_of(vm);
    let directory = value("d", "--directory", "/boot/grub");
    let configuration = value("g", "--grub-cfg", "grub.cfg");
    let mut grub = Grub::new(host, &drives, plan.loader, &root);
    let file = format!("{}/{configuration}", directory.trim_end_matches('/'));
    let first = if plan.loader == Loader::Stuck {
        First::Stuck
    } else if root == "host" {
        match host.files().read(Path::new(&file)) {
            Ok(text) => grub
                .lines(&String::from_utf8_lossy(&text))
                .map_or(First::Prompt, First::Leaves),
            Err(_) => First::Prompt,
        }
    } else if grub.has_own_menu(&directory, &configuration) {
        First::Menu
    } else {
        First::Prompt
    };
    if host.state.real_time {
        let pid = host.add_loader(call, vm, &console);
        host.session = Some(Session::Loader(loader::Session {
            pid,
            vm: vm.clone(),
            console: host.place_of(&console),
            said: grub.take_said(),
            first,
            menu_ms: plan.loader_ms,
            shell: Shell::Grub(grub),
        }));
        return Answer::of(Status::Running);
    }
    #[allow(clippy::cast_precision_loss)]
    host.advance(plan.loader_ms as f64 / 1000.0);
    let left = match first {
        // Keys that were typed ahead choose in its menu or are lost; its time runs out.
        First::Menu => Leaves::Booted,
        First::Leaves(left) => left,
        First::Prompt => grub.prompt(&call.stdin),
        First::Stuck => Leaves::Waits,
    };
    let answer = match left {
        Leaves::Booted => {
            host.loaded(vm, grub.system);
            Answer::ok()
        }
        Leaves::Rebooted => Answer::ok(),
        Leaves::Exited => Answer::exit(1),
        Leaves::Waits => Answer::of(Status::Hang),
    };
    if console == "stdio" {
        return answer.and_out(grub.take_said());
    }
    answer
}

/// argp(3) takes options behind the operand, too.
fn permuted(args: &[String]) -> Vec<String> {
    let (mut options, mut operands) = (Vec::new(), Vec::new());
    let mut rest = args.iter();
    while let Some(word) = rest.next() {
        let takes = |letter: &str| ["r", "m", "d", "g", "M", "c"].contains(&letter);
        let long = word
            .strip_prefix("--")
            .is_some_and(|name| LONG.iter().any(|(known, takes)| *known == name && *takes));
        options.extend(word.starts_with('-').then(|| word.clone()));
        if !word.starts_with('-') {
            operands.push(word.clone());
        } else if long || word.strip_prefix('-').is_some_and(takes) {
            options.extend(rest.next().cloned());
        }
    }
    options.into_iter().chain(operands).collect()
}

/// Reads a device map (hostdisk.c, read_device_map): drives by name. A path that cannot be opened
/// is left out without a word, and so is a map that is not there.
fn device_map(host: &mut Host, map: &str) -> Result<BTreeMap<String, String>, String> {
    let mut drives = BTreeMap::new();
    let Ok(text) = host.files().read(Path::new(map)) else {
        return Ok(drives);
    };
    for (index, line) in String::from_utf8_lossy(&text).lines().enumerate() {
        let wrong = |text: &str| format!("grub-bhyve: error: {map}:{}: {text}.", index + 1);
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some(rest) = line.strip_prefix('(') else {
            return Err(wrong("No open parenthesis found"));
        };
        let Some((name, path)) = rest.split_once(')') else {
            return Err(wrong("No close parenthesis found"));
        };
        if name.contains(',') {
            // A partition: ignored with a warning.
            continue;
        }
        let letters = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        if !["hd", "fd", "cd"].contains(&letters) || letters == name {
            return Err(wrong("Bad device name"));
        }
        let Some(path) = path.split_whitespace().next() else {
            return Err(wrong("No filename found"));
        };
        if host.open_disk(path).is_ok() {
            drives.insert(name.to_owned(), path.to_owned());
        }
    }
    Ok(drives)
}

#[cfg(test)]
mod tests;
