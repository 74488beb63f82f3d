//! zfs(8), OpenZFS, as far as `tests/calibration/zfs` has compared it with the real one.
//!
//! `create.rs`, `clone.rs`, `snapshot.rs`, `rollback.rs`, `destroy.rs`, `rename.rs` and `set.rs` change
//! datasets, `key.rs` loads keys, `list.rs` lists datasets; all use `name.rs` (valid names), `property.rs` (properties of a dataset)
//! and `relation.rs` (dependencies).
//!
//! Sources: cmd/zfs/zfs_main.c, lib/libzfs/libzfs_dataset.c, module/zcommon/zfs_namecheck.c.

mod clone;
mod create;
mod destroy;
mod gather;
mod hold;
mod key;
mod list;
mod name;
mod property;
mod relation;
mod rename;
mod rollback;
mod set;
mod settings;
mod size;
mod snapshot;
mod table;
mod usage;

use super::Host;
use super::call::{Answer, Call};
use super::state::State;

/// Runs `zfs SUBCOMMAND ...`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = call.words();
    let Some((verb, rest)) = words.split_first() else {
        return usage::general(&host.state, "missing command");
    };
    let answer = match verb.as_str() {
        "bookmark" => snapshot::bookmark(host, call, rest),
        "clone" => clone::clone(host, call, rest),
        "create" => create::create(host, call, rest),
        "destroy" => destroy::destroy(host, call, rest),
        "get" => list::get(&host.state, rest),
        "hold" => hold::hold(host, call, rest),
        "inherit" => set::inherit(host, call, rest),
        "load-key" => key::load(host, call, rest),
        "list" => list::list(&host.state, rest),
        "promote" => clone::promote(host, call, rest),
        "release" => hold::release(host, call, rest),
        "rename" => rename::rename(host, call, rest),
        "rollback" => rollback::rollback(host, call, rest),
        "set" => set::set(host, call, rest),
        "snapshot" | "snap" => snapshot::snapshot(host, call, rest),
        _ => {
            let problem = format!("unrecognized command '{verb}'");
            Err(usage::general(&host.state, &problem))
        }
    };
    answer.unwrap_or_else(|refusal| refusal)
}

/// A property's value as `zfs get -p` prints it; `-` if it has none.
pub(super) fn property(state: &State, name: &str, property: &str) -> String {
    property::Property::named(property)
        .and_then(|property| property.value(state, name))
        .unwrap_or_else(|| "-".into())
}

/// Whether this FreeBSD has OpenZFS 2.2 or newer: 13 has 2.1.
fn since_2_2(state: &State) -> bool {
    state.major() >= 14
}

/// Whether this FreeBSD has OpenZFS 2.3 or newer: 14 has 2.2, 15 has 2.4.
fn since_2_3(state: &State) -> bool {
    state.major() >= 15
}

/// The failure of one operation: status 1.
fn refused(what: &str, why: &str) -> Answer {
    Answer::fail(1, format!("{what}: {why}"))
}

/// `permission denied` for all but root; nothing is delegated here.
fn denied(call: &Call, what: &str) -> Option<Answer> {
    (call.uid != 0).then(|| refused(what, "permission denied"))
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
