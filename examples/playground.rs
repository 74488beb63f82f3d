//! A simulated FreeBSD host on PATH: called by the name of a host program it is that program.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

#[path = "../tests/support/host/mod.rs"]
mod host;

use host::program;

fn main() -> ExitCode {
    match run() {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX)),
        Err(error) => {
            let _ = writeln!(io::stderr(), "playground: {error}");
            ExitCode::from(125)
        }
    }
}

fn run() -> io::Result<i32> {
    let mut args = env::args_os();
    let called = args.next().unwrap_or_default();
    let name = Path::new(&called)
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    if !host::PROGRAMS.contains(&name.as_str()) {
        writeln!(
            io::stdout(),
            "This is a simulated FreeBSD host for trying easy-bhyve without one. Through a link \
             that is named\nlike a program of the host (ifconfig, zfs, bhyve, ...) it is that \
             program; the host's state lies in\nthe directory that {} names.",
            program::DIRECTORY
        )?;
        return Ok(0);
    }
    let directory = program::directory_of(&called)?;
    let args: Vec<_> = args.collect();
    program::main_as(&name, &args, &directory)
}
