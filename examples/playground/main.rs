//! Try easy-bhyve without FreeBSD: a shell on a simulated host (`--demo`: a demonstration).
//!
//! By the name it is called by, this program is the launcher, any program of the simulated host, or,
//! through the library, easy-bhyve itself. By its first argument it is easy-bhyve's root side, which
//! is called by the program's own path.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

mod demo;
#[path = "../../tests/support/host/mod.rs"]
mod host;
mod place;
mod shell;

use easy_bhyve::process::Places;
use host::{Role, nodes, program};

const USAGE: &str = "\
usage: playground [--demo [--fast]]

Starts a shell on a simulated FreeBSD host, with easy-bhyve, the example configuration and its
links. Only easy-bhyve itself is real: no root, no FreeBSD and no bhyve are needed, and nothing of
this machine is changed.

Without a terminal it runs the commands of its standard input.

  --demo   runs a demonstration of a VM's life instead, and shows each command with its output
  --fast   does so without pauses
";

fn main() -> ExitCode {
    let mut args = env::args_os();
    let called = args.next().unwrap_or_default();
    let args: Vec<OsString> = args.collect();
    match run(&called, &args) {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX)),
        // By a signal, as a shell shows the usual one.
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            let _ = writeln!(io::stderr(), "\nplayground: interrupted");
            ExitCode::from(130)
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "playground: {error}");
            ExitCode::from(125)
        }
    }
}

fn run(called: &OsStr, args: &[OsString]) -> io::Result<i32> {
    if let Some(role) = Role::own() {
        return role.play(&program::directory_of(called)?);
    }
    // The process that inspects a disk for the root side has no environment and needs no host.
    if args.first().is_some_and(|word| word == "root-inspect") {
        return Ok(easy_bhyve::start().into());
    }
    let name = Path::new(called).file_name().and_then(OsStr::to_str);
    match name {
        Some(name) if host::PROGRAMS.contains(&name) => {
            program::main_as(name, args, &program::directory_of(called)?)
        }
        Some(name) if !name.starts_with("playground") || is_for_root(args) => {
            easy_bhyve(args, &program::directory_of(called)?)
        }
        _ => launch(args),
    }
}

/// Runs easy-bhyve. The caller of a root side that waits for it opens the console itself.
fn easy_bhyve(args: &[OsString], directory: &Path) -> io::Result<i32> {
    let places = places(directory)?;
    let start = || easy_bhyve::start_at(places).into();
    let waits = args.iter().any(|word| word == "waits=yes");
    let mut words = args.iter().filter_map(|word| word.to_str());
    let console = words.find_map(|word| word.strip_prefix("con="));
    match console.filter(|_| waits) {
        Some(console) => nodes::with_line(directory, Path::new(console), start),
        None => Ok(start()),
    }
}

/// Whether the first word is a verb of the root side.
fn is_for_root(args: &[OsString]) -> bool {
    let verb = args.first().and_then(|word| word.to_str());
    verb.is_some_and(|verb| verb.starts_with("root-"))
}

/// The directory with all files of this host.
fn places(directory: &Path) -> io::Result<Places> {
    let (devices, pace) =
        program::with_host(directory, |host| (host.state.dev.clone(), host.state.pace))?;
    Ok(Places {
        search_path: format!("{}:/usr/bin:/bin", directory.join("bin").display()),
        devices,
        pace,
        run: directory.join(program::RUN).join("easy-bhyve"),
        logs: directory.join(program::LOG).join("easy-bhyve"),
        share: directory.join(program::SHARE),
    })
}

/// Pauses are only for those who watch.
fn manner(is_paced: bool) -> demo::Manner {
    let is_watched = io::stdout().is_terminal();
    demo::Manner {
        is_paced: is_paced && is_watched,
        is_watched,
    }
}

fn launch(args: &[OsString]) -> io::Result<i32> {
    let words: Vec<_> = args.iter().map(|word| word.to_string_lossy()).collect();
    match words.iter().map(AsRef::as_ref).collect::<Vec<&str>>()[..] {
        [] => shell::enter(),
        ["--demo"] => demo::play(manner(true)),
        ["--demo", "--fast"] => demo::play(manner(false)),
        ["--help" | "-h"] => {
            io::stdout().write_all(USAGE.as_bytes())?;
            Ok(0)
        }
        _ => {
            io::stderr().write_all(USAGE.as_bytes())?;
            Ok(2)
        }
    }
}
