//! The easy-bhyve program: leaves with the library's exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    easy_bhyve::start().into()
}
