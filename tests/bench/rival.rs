//! vm-bhyve's `vm list` beside ours, from the checkout that a variable names.
//!
//! Its functions are called without the checks before them, which want a FreeBSD host and root.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::ground::Size;

/// Names the checkout.
const VARIABLE: &str = "EB_VM_BHYVE";

/// What is left out, or is done by [`PROLOGUE`] instead.
const NOT_LOADED: &str = "vm-base";

/// What vm-bhyve has from rc.subr(8), from its checks, and from a host on which no VM runs.
const PROLOGUE: &str = "\
setvar() { eval \"$1=\\$2\"; }
checkyesno() { return 0; }
pgrep() { return 1; }
vm_list=
VM_DATASTORE_LIST=default
";

/// The largest size that vm-bhyve lists: it needs some milliseconds for each VM.
pub(super) const LARGEST: Size = Size(1_000);

/// vm-bhyve and its VMs.
pub(super) struct Rival {
    library: PathBuf,
    /// The directories of VMs, one for each size.
    vms: PathBuf,
}

impl Rival {
    /// vm-bhyve, if a checkout is named, with its VMs below this directory.
    pub(super) fn named(vms: PathBuf) -> Result<Option<Self>> {
        let Some(checkout) = std::env::var_os(VARIABLE) else {
            return Ok(None);
        };
        let library = Path::new(&checkout).join("lib");
        let library = library
            .canonicalize()
            .with_context(|| format!("{VARIABLE} names no checkout of vm-bhyve"))?;
        Ok(Some(Self { library, vms }))
    }

    /// Makes as many VMs, each with as many settings as ours, and a script that lists them.
    pub(super) fn add(&self, size: Size) -> Result<()> {
        let directory = self.vms.join(size.0.to_string());
        for vm in 0..size.0 {
            let directory = directory.join(format!("vm{vm}"));
            fs::create_dir_all(&directory)?;
            let text = "loader=\"grub\"\ncpu=4\nmemory=512M\ndisk0_name=\"disk0.img\"\n";
            fs::write(directory.join(format!("vm{vm}.conf")), text)?;
        }
        let mut script = PROLOGUE.to_owned();
        let mut parts = fs::read_dir(&self.library)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        parts.retain(|part| part.file_name().is_some_and(|name| name != NOT_LOADED));
        parts.sort();
        for part in parts {
            writeln!(script, ". '{}'", part.display())?;
        }
        writeln!(script, "vm_dir='{}'\ncore::list", directory.display())?;
        fs::write(self.script(size), script)?;
        Ok(())
    }

    /// The call that lists the VMs.
    pub(super) fn list(&self, size: Size) -> Command {
        // A shell that accepts a colon in the name of a function.
        let shells = ["/usr/local/bin/bash", "/bin/bash", "/bin/sh"];
        let shell = if cfg!(target_os = "freebsd") {
            "/bin/sh"
        } else {
            let found = shells.into_iter().find(|shell| Path::new(shell).exists());
            found.unwrap_or("/bin/sh")
        };
        let mut command = Command::new(shell);
        command.arg(self.script(size));
        command
    }

    /// Checks that every VM is listed.
    pub(super) fn prove(&self, size: Size) -> Result<()> {
        let output = self.list(size).output()?;
        let listed = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        let count = listed.lines().filter(|line| line.starts_with("vm")).count();
        ensure!(count == usize::try_from(size.0)?, "{listed}{said}");
        Ok(())
    }

    fn script(&self, size: Size) -> PathBuf {
        self.vms.join(format!("{}.sh", size.0))
    }
}
