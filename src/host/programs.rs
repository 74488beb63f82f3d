//! Checks for programs, and how to install them.

use super::Look;
use crate::error::{Error, Result};

/// How to install a program.
pub fn how_to_install(program: &str) -> String {
    match program {
        "grub-bhyve" => "install it: pkg install grub2-bhyve".into(),
        "doas" | "sudo" => format!("install it: pkg install {program}"),
        "mdo" => "mdo is part of FreeBSD since 14.2; sudo and doas are packages".into(),
        "bhyve" | "bhyveload" | "bhyvectl" => {
            format!(
                "{program} is part of FreeBSD on amd64; with pkgbase: pkg install FreeBSD-bhyve"
            )
        }
        _ => format!(
            "{program} is part of FreeBSD: check that this host is FreeBSD with a complete base system"
        ),
    }
}

/// Fails if a program is not installed.
///
/// # Errors
/// If `program` is not in the search path; the error names its package.
pub fn require(program: &'static str, look: &mut dyn Look) -> Result<()> {
    if look.find(program).is_some() {
        return Ok(());
    }
    Err(Error::host(format!("{program} is not installed"))
        .note(format!("search path: {}", look.search_path()))
        .help(how_to_install(program)))
}
