//! The easy-bhyve program: collects its surroundings and leaves with the library's exit status.

use easy_bhyve::host::system::System;
use easy_bhyve::process::Process;
use easy_bhyve::run::Output;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut err = io::stderr().lock();
    match Process::current() {
        Ok(process) => {
            let mut host = System::new(process.search_path.clone());
            easy_bhyve::main(
                &process,
                &mut host,
                &mut Output {
                    out: &mut out,
                    err: &mut err,
                },
            )
            .into()
        }
        Err(error) => {
            let _ = writeln!(err, "easy-bhyve: {error:#}");
            ExitCode::FAILURE
        }
    }
}
