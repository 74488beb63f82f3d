//! The easy-bhyve program: exits with the status that the library returns.

use std::process::ExitCode;

fn main() -> ExitCode {
    easy_bhyve::start().into()
}
