//! Device nodes as files of the real machine.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::devices::Device;
use super::live::{self, alive::Notice};
use super::program::with_host;
use super::{Host, shared};

/// Makes the files below `dev` agree with the device nodes: null modems are terminals, all others plain
/// files.
pub(super) fn mirror(host: &Host, directory: &Path, program: &Path) -> io::Result<()> {
    let dev = &host.state.dev;
    shared::make_directory(dev)?;
    let nodes: BTreeSet<PathBuf> = host.nodes().iter().map(|node| dev.join(node)).collect();
    sweep(dev, &nodes)?;
    for pair in host.state.nmdm.keys() {
        let is_there = |end: &str| dev.join(format!("{pair}{end}")).exists();
        if !is_there("A") || !is_there("B") {
            live::start_nmdm(pair, directory, program)?;
        }
    }
    for node in nodes.iter().filter(|node| node.symlink_metadata().is_err()) {
        if let Some(parent) = node.parent() {
            shared::make_directory(parent)?;
        }
        File::create(node)?;
    }
    write_contents(host)?;
    Ok(())
}

/// A disk with a Linux whose menu is on the first partition.
const INSTALLED: &[u8] = include_bytes!("../../fuzz/corpus/inspect/grub-mbr");
/// The same on the second partition of a GPT.
const INSTALLED_GPT: &[u8] = include_bytes!("../../fuzz/corpus/inspect/ubuntu-gpt");

/// Lets the file of each volume be empty while nothing is written to the volume, and then have the bytes
/// of an installed system: that of `ubu0` is on a GPT, as Ubuntu makes it.
fn write_contents(host: &Host) -> io::Result<()> {
    for node in host.nodes().iter().map(|node| host.state.dev.join(node)) {
        if !matches!(host.device(&node), Some(Device::Zvol(_))) {
            continue;
        }
        let is_blank = host.is_blank(&node);
        if (node.metadata()?.len() == 0) != is_blank {
            fs::write(
                &node,
                match node.file_name() {
                    _ if is_blank => &[],
                    Some(name) if name == "ubu0" => INSTALLED_GPT,
                    _ => INSTALLED,
                },
            )?;
        }
    }
    Ok(())
}

/// Removes files that are no longer nodes, and the directories that become empty.
fn sweep(directory: &Path, nodes: &BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            sweep(&path, nodes)?;
            if fs::read_dir(&path)?.next().is_none() {
                fs::remove_dir(&path)?;
            }
        } else if !nodes.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Creates the expected null modems, once nmdm is loaded.
pub(super) fn make_awaited(host: &mut Host) {
    if host.has_module("nmdm") {
        for line in std::mem::take(&mut host.state.awaited) {
            host.look_up(&line, 0);
        }
    }
}

/// Runs an action during which a program of the real machine opens an end of a null modem.
///
/// # Errors
/// If the state directory cannot be used.
pub fn with_line<Output>(
    directory: &Path,
    line: &Path,
    work: impl FnOnce() -> Output,
) -> io::Result<Output> {
    with_host(directory, |host| host.state.awaited.insert(line.to_owned()))?;
    let output = work();
    with_host(directory, |host| {
        host.state.awaited.remove(line);
        // A null modem that no process has opened is removed, too.
        if let Some(Device::Nmdm(pair, _)) = host.device(line) {
            host.outbox.push(Notice::Closed(pair));
        }
    })?;
    Ok(output)
}
