//! What zfs(8) says when it refuses a command, and what the user can do.

use crate::command::Command;
use crate::quote;

/// What zfs refused, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong: a sentence without a period.
    pub what: String,
    /// The remedy, with `VOLUME` for the dataset, and placeholders of [`Command::spelled`].
    help: &'static str,
    /// The dataset.
    dataset: String,
}

impl Refusal {
    /// The remedy for the failure of a command, with the VM that the command works for.
    pub fn help_for(&self, command: &Command) -> String {
        let help = command.spelled(self.help);
        help.replace("VOLUME", &quote::shown(&self.dataset))
    }
}

/// The meaning of the message with which a command of zfs has failed.
pub fn of(command: &Command, stderr: &[u8]) -> Option<Refusal> {
    let said = (command.program == "zfs").then(|| String::from_utf8_lossy(stderr));
    said.and_then(|said| meaning(&said))
}

/// The meaning of a message of zfs about a disk of a VM; none for another message
/// (`lib/libzfs/libzfs_util.c`, `libzfs_dataset.c`).
fn meaning(said: &str) -> Option<Refusal> {
    said.lines().find_map(|line| {
        let (before, rest) = line.split_once('\'')?;
        let (name, why) = rest.split_once('\'')?;
        let is_snapshot = name.contains('@');
        let refusal = |what: &str, help| Refusal {
            what: format!("{name} {what}"),
            help,
            dataset: name.split('@').next().unwrap_or(name).to_owned(),
        };
        match (before, why) {
            ("cannot open ", ": dataset does not exist") if !is_snapshot => {
                Some(refusal("does not exist", NO_DATASET))
            }
            ("cannot create snapshot ", ": dataset does not exist") => Some(refusal(
                "cannot be taken, because the volume does not exist",
                NO_DATASET,
            )),
            ("cannot create snapshot ", ": dataset already exists") => Some(refusal(
                "already exists: a snapshot with these words was taken within this minute",
                "wait for the next minute, or give the snapshot other words",
            )),
            ("cannot create ", ": encryption root's key is not loaded or provided") => {
                Some(refusal(
                    "cannot be made, because the key of the dataset above it is not loaded",
                    NO_KEY,
                ))
            }
            ("cannot set property for ", ": size is greater than available space") => Some(refusal(
                "cannot grow, because the pool has no room for its reservation",
                NO_ROOM,
            )),
            ("cannot destroy ", ": dataset is busy") => Some(refusal(
                "cannot be destroyed, because a process has its device open",
                "end that process (fstat /dev/zvol/VOLUME names it), and repeat the command",
            )),
            ("cannot create snapshot ", ": out of space") => Some(refusal(
                "cannot be taken: the pool is full, a quota is exceeded, or the volume has a reservation and needs room for all of its data once more",
                "see zpool list, and zfs get quota,refquota,refreservation,available; free space, or as root let the volume be sparse: zfs set refreservation=none VOLUME",
            )),
            _ => None,
        }
    })
}

const NO_KEY: &str = "zfs get encryptionroot names the dataset with the key; load the key as root: zfs load-key DATASET";

const NO_ROOM: &str = "free space in the pool, or as root let the volume be sparse: zfs set refreservation=none VOLUME";

const NO_DATASET: &str = "list what exists: zfs list; make the disk of a VM: VM-resources -V 20G; or correct volroot or VM_zvol";
