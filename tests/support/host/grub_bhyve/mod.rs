//! grub-bhyve (port sysutils/grub2-bhyve) by the records in `tests/calibration/grub`: this file starts
//! it; `script.rs` runs what grub would run.
//!
//! Sources: grub-core/kern/emu/main.c, grub-core/kern/emu/hostdisk.c, term/emu/console.c.

mod arguments;
mod commands;
pub mod image;
mod kernel;
mod lexer;
mod map;
mod menu;
mod parser;
mod place;
mod screen;
pub(super) mod script;

use std::path::{Component, Path, PathBuf};

use super::Host;
use super::call::{Answer, Call, Status};
use super::devices::Device;
use super::live::Session;
use super::live::loader::{self, First, Shell};
use super::process::Loader;
use script::{Content, Grub, Leaves, Start};

/// The terminals that curses knows here.
const TERMINALS: [&str; 10] = [
    "ansi", "cons25", "dumb", "linux", "rxvt", "screen", "tmux", "vt", "wsvt25", "xterm",
];

/// Runs `grub-bhyve [-r ROOT] [-m MAP] [-d DIR] [-g CFG] [-M SIZE] [-c TTY] [-neS] VM`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let told = match arguments::read(&call.words()) {
        Ok(told) => told,
        Err(ends) => {
            return Answer::exit(ends.status)
                .and_out(ends.out)
                .and_err(&ends.err);
        }
    };
    let vm = &told.vm;
    // A console that cannot be opened is not reported: grub has no terminal then.
    let has_console = told.console == "stdio"
        || matches!(
            host.resolve(Path::new(&told.console), call.uid),
            Some(Device::Nmdm(..))
        );
    let prepared = match told.memory {
        0 => Err("vm_setup_memory"),
        memory => host
            .prepare_vm(vm, memory, call.uid)
            .map_err(|(step, _)| step),
    };
    if let Err(step) = prepared {
        // grub_emu_bhyve_init (kern/emu/bhyve.c) gives no reason.
        let what = match step {
            "vm_create" => format!("Could not create VM {vm}"),
            "vm_reinit" => format!("Could not reinit VM {vm}"),
            _ => "Could not setup memory for VM".into(),
        };
        return Answer::fail(1, what).and_err("Error in initializing VM");
    }
    if told.console == "stdio"
        && let Some(terminal) = call.env.get("TERM")
        && !TERMINALS.iter().any(|known| terminal.starts_with(known))
    {
        // initscr(3X); where TERM is not set, grub sets it itself.
        let shown = if terminal.is_empty() {
            "unknown"
        } else {
            terminal
        };
        return Answer::fail(1, format!("Error opening terminal: {shown}."));
    }
    let map = match map::read(host, &told.map) {
        Ok(map) => map,
        Err(text) => return Answer::fail(1, text),
    };
    let warned = |answer: Answer| map.warnings.iter().fold(answer, Answer::and_err);
    if told.is_held {
        return warned(Answer::of(Status::Hang));
    }
    let plan = host.state.plan_of(vm);
    let start = Start {
        root: &told.root,
        directory: told.directory.trim_end_matches('/'),
        configuration: &told.configuration,
        adds_console: told.adds_console,
        memory: told.memory,
        keys: if host.state.real_time {
            &[]
        } else {
            &call.stdin
        },
    };
    let mut grub = Grub::new(host, &map.drives, plan.loader, &start);
    let first = if plan.loader == Loader::Stuck {
        First::Stuck
    } else {
        grub.first(host, &start)
    };
    let is_heard = has_console && told.console != "stdio";
    if host.state.real_time {
        let pid = host.add_loader(call, vm, &told.console);
        host.session = Some(Session::Loader(loader::Session {
            pid,
            vm: vm.clone(),
            console: host.place_of(if has_console {
                &told.console
            } else {
                "/dev/null"
            }),
            said: grub.take_said(),
            first,
            menu_ms: plan.loader_ms,
            shell: Shell::Grub(Box::new(grub)),
        }));
        return warned(Answer::of(Status::Running));
    }
    #[allow(clippy::cast_precision_loss)]
    host.advance(plan.loader_ms as f64 / 1000.0);
    let left = match first {
        First::Menu => grub.menu_by_keys(&call.stdin).unwrap_or(Leaves::Booted),
        First::Leaves(left) => left,
        First::Prompt => grub.prompt(&call.stdin),
        First::Stuck => Leaves::Waits,
    };
    let answer = match left {
        Leaves::Booted => {
            host.loaded(vm, grub.system, grub.kernel.take());
            Answer::ok()
        }
        Leaves::Rebooted => Answer::ok(),
        Leaves::Exited => Answer::exit(1),
        Leaves::Waits => Answer::of(Status::Hang),
        Leaves::Crashed(signal) => Answer::of(Status::Signal(signal)),
    };
    warned(match is_heard || told.console != "stdio" {
        true => answer,
        false => answer.and_out(grub.take_said()),
    })
}

/// An absolute path without its `..`.
fn plain(path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    let mut plain = path.is_absolute().then(PathBuf::new)?;
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    Some(plain)
}

impl Grub {
    /// Whether a root device without a description has a file with a menu that boots.
    pub(super) fn has_own_menu(&self, directory: &str, configuration: &str) -> bool {
        let root = self.value("root").split(',').next().unwrap_or_default();
        self.loader == Loader::Menu
            && self
                .drives
                .iter()
                .any(|(name, content)| name == root && *content == Content::Installed)
            && ["/boot/grub", "/boot/grub2", "/grub", "/grub2"].contains(&directory)
            && configuration == "grub.cfg"
    }

    /// The start of grub, before it accepts input.
    fn first(&mut self, host: &Host, start: &Start<'_>) -> First {
        let place = format!("{}/{}", start.directory, start.configuration);
        let text = if start.root == "host" {
            // The directory is opened before root's rights are dropped; a relative directory has no effect.
            let path = plain(&place);
            let read = path.and_then(|path| host.files().read(&path).ok());
            read.map(|text| String::from_utf8_lossy(&text).into_owned())
        } else {
            let name = format!("({}){place}", start.root);
            self.set("config_file", &name);
            self.set(
                "config_directory",
                &format!("({}){}", start.root, start.directory),
            );
            if self.has_own_menu(start.directory, start.configuration) {
                return First::Menu;
            }
            self.text_of(&[name])
        };
        let left = text.and_then(|text| self.configuration(&text));
        left.map_or(First::Prompt, First::Leaves)
    }
}

#[cfg(test)]
mod tests;
