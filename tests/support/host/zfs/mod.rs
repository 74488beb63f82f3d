//! zfs(8), OpenZFS: `list.rs` answers questions, `change.rs` makes datasets, `history.rs` works with
//! snapshots.
//!
//! Sources: cmd/zfs/zfs_main.c, lib/libzfs/libzfs_dataset.c, module/zcommon/zfs_namecheck.c.

mod change;
mod history;
mod list;
mod name;
mod property;
mod size;

use super::Host;
use super::call::{Answer, Call};
use super::state::State;

/// Runs `zfs SUBCOMMAND ...`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = call.words();
    let Some((verb, rest)) = words.split_first() else {
        return Answer::fail(2, "missing command\nusage: zfs command args ...");
    };
    match verb.as_str() {
        "create" => change::create(host, call, rest),
        "destroy" => change::destroy(host, call, rest),
        "set" => change::set(host, call, rest),
        "rename" => change::rename(host, call, rest),
        "clone" => history::clone(host, call, rest),
        "promote" => history::promote(host, call, rest),
        "rollback" => history::rollback(host, call, rest),
        "snapshot" | "snap" => history::snapshot(host, call, rest),
        "hold" | "release" => history::hold(host, call, verb == "hold", rest),
        "get" => list::get(host, rest),
        "list" => list::list(host, rest),
        _ => Answer::fail(
            2,
            format!("unrecognized command '{verb}'\nusage: zfs command args ..."),
        ),
    }
}

/// A wrong command line: status 2.
fn usage(problem: &str, verb: &str) -> Answer {
    Answer::fail(2, format!("{problem}\nusage:\n\t{verb}"))
}

/// A property's value as `zfs get -p` prints it; `-` where it has none.
pub(super) fn property(state: &State, name: &str, property: &str) -> String {
    property::property(state, name, property)
}

/// `permission denied` for all but root; nothing is delegated here.
fn denied(call: &Call, what: &str) -> Option<Answer> {
    (call.uid != 0).then(|| Answer::fail(1, format!("{what}: permission denied")))
}

impl Host {
    /// Whether a running VM or another process has a volume open.
    pub fn volume_is_open(&self, name: &str) -> bool {
        let node = std::path::Path::new("zvol").join(name);
        self.state.processes.values().any(|process| {
            process
                .open
                .iter()
                .any(|path| self.below_dev(path) == Some(&node))
        })
    }
}

#[cfg(test)]
mod tests;
