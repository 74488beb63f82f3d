//! Volumes and snapshots: zfs(8).

pub mod family;
pub mod group;
mod listing;
pub mod node;
pub mod refusal;
pub mod volume;

use crate::command::{Command, args};
use crate::model::name::{Dataset, SnapName, Snapshot};
use crate::model::size::DiskSize;
use crate::plan::Test;
pub use listing::{
    BookmarkLine, SnapshotLine, Volume, list, list_all, parse_list, parse_lists, parse_snapshot,
};
use std::ffi::{OsStr, OsString};
use std::fmt;

/// Creates a volume: `zfs create [-s] -o volmode=dev -V SIZE VOLUME`.
pub fn create(volume: &Dataset, size: &DiskSize, sparse: bool) -> Command {
    let mut words = args!["create"];
    if sparse {
        words.extend(args!["-s"]);
    }
    words.extend(args!["-o", "volmode=dev", "-V", size.as_str(), volume]);
    Command::root("zfs", words)
}

/// Rolls back: `zfs rollback VOLUME@NAME`; fails if a newer snapshot exists.
pub fn rollback(snapshot: &Snapshot) -> Command {
    Command::root("zfs", args!["rollback", snapshot.to_string()])
}

/// Creates a clone: `zfs clone -o volmode=dev -o easy-bhyve:PROPERTY=VALUE… VOLUME@NAME NEW`; the origin's
/// local properties do not apply. Its origin, this host and the time are recorded as user properties.
pub fn clone(origin: &Snapshot, new: &Dataset, host: &str, taken: &str) -> Command {
    let origin = origin.to_string();
    let mut words = args!["clone", "-o", "volmode=dev"];
    for (property, value) in [
        ("origin", origin.as_str()),
        ("host", host),
        ("taken", taken),
    ] {
        words.extend(args!["-o", format!("easy-bhyve:{property}={value}")]);
    }
    words.extend(args![origin, new]);
    Command::root("zfs", words)
}

/// Destroys exactly one clone: `zfs destroy VOLUME`.
pub fn destroy_volume(volume: &Dataset) -> Command {
    Command::root("zfs", args!["destroy", volume])
}

/// Destroys exactly one snapshot or bookmark: `zfs destroy VOLUME@NAME`, `zfs destroy VOLUME#NAME`.
pub fn destroy_mark(volume: &Dataset, mark: &Mark) -> Command {
    Command::root("zfs", args!["destroy", format!("{volume}{mark}")])
}

/// Destroys exactly these snapshots of a volume, or none of them: `zfs destroy VOLUME@NAME,NAME…`.
/// Those that do not exist are passed over.
pub fn destroy_snapshots(volume: &Dataset, names: &[SnapName]) -> Command {
    let names: Vec<&str> = names.iter().map(SnapName::as_str).collect();
    Command::root(
        "zfs",
        args!["destroy", format!("{volume}@{}", names.join(","))],
    )
}

/// Makes a clone independent: the snapshots up to its origin move to it, and the volume that it was
/// cloned from becomes its clone: `zfs promote CLONE`.
pub fn promote(clone: &Dataset) -> Command {
    Command::root("zfs", args!["promote", clone])
}

/// Whether a filesystem or a volume exists: `zfs list -H -o name DATASET`.
pub fn exists(dataset: &Dataset) -> Test {
    is_listed(&[], dataset.to_string())
}

/// Whether a volume has a snapshot or a bookmark: `zfs list -H -o name VOLUME@NAME`,
/// `zfs list -H -o name -t bookmark VOLUME#NAME`.
pub fn has_mark(volume: &Dataset, mark: &Mark) -> Test {
    let kind: &[&str] = match mark {
        Mark::Snapshot(_) => &[],
        Mark::Bookmark(_) => &["-t", "bookmark"],
    };
    is_listed(kind, format!("{volume}{mark}"))
}

fn is_listed(kind: &[&str], name: String) -> Test {
    let mut words = args!["list", "-H", "-o", "name"];
    words.extend(kind.iter().map(OsString::from));
    words.push(name.into());
    Test::Succeeds(Command::question("zfs", words))
}

/// Whether zfs(8) reports that the dataset does not exist.
pub fn is_missing(stderr: &[u8]) -> bool {
    String::from_utf8_lossy(stderr)
        .trim_end()
        .ends_with(": dataset does not exist")
}

/// Lists the datasets directly below another: `zfs list -H -d 1 -o name -t filesystem,volume DATASET`.
pub fn children(parent: &Dataset) -> Command {
    Command::question(
        "zfs",
        args![
            "list",
            "-H",
            "-d",
            "1",
            "-o",
            "name",
            "-t",
            "filesystem,volume",
            parent
        ],
    )
}

/// Lists the filesystems of the pools and directly below them, with the free bytes of each:
/// `zfs list -Hp -d 1 -o name,available -t filesystem`.
pub fn filesystems() -> Command {
    Command::question(
        "zfs",
        args![
            "list",
            "-Hp",
            "-d",
            "1",
            "-o",
            "name,available",
            "-t",
            "filesystem"
        ],
    )
}

/// Lists where filesystems are mounted: `zfs list -H -o name,mountpoint -t filesystem`.
pub fn mountpoints() -> Command {
    Command::question(
        "zfs",
        args!["list", "-H", "-o", "name,mountpoint", "-t", "filesystem"],
    )
}

/// Parses the output of [`mountpoints`]: each dataset and its mountpoint, which may be a word such as
/// `none`.
pub fn mounted(output: &str) -> impl Iterator<Item = (&str, &str)> {
    output.lines().filter_map(|line| line.split_once('\t'))
}

/// Asks for properties of a dataset: `zfs get -Hp -o property,value PROPERTIES DATASET`.
fn get(properties: &str, dataset: impl AsRef<OsStr>) -> Command {
    Command::question(
        "zfs",
        args!["get", "-Hp", "-o", "property,value", properties, dataset],
    )
}

/// Lists the properties that are set on datasets themselves: `zfs get -H -s local all`.
pub fn local_properties() -> Command {
    Command::question("zfs", args!["get", "-H", "-s", "local", "all"])
}

/// Makes the dataset for disks, of which nothing is mounted: `zfs create -o mountpoint=none DATASET`.
pub fn create_parent(dataset: &str) -> Command {
    Command::root("zfs", args!["create", "-o", "mountpoint=none", dataset])
}

/// Parses the output of [`filesystems`]: names, those with the most free bytes first.
pub fn by_room(output: &str) -> Vec<&str> {
    let rows = output.lines().filter_map(|line| line.split_once('\t'));
    let mut found: Vec<(u64, &str)> = rows
        .map(|(name, free)| (free.parse().unwrap_or(0), name))
        .collect();
    found.sort_by_key(|(free, _)| std::cmp::Reverse(*free));
    found.into_iter().map(|(_, name)| name).collect()
}

/// A snapshot or bookmark of a volume; printed as `@NAME` or `#NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A snapshot.
    Snapshot(SnapName),
    /// A bookmark: the rest of a snapshot for an incremental zfs-send(8).
    Bookmark(SnapName),
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snapshot(name) => write!(f, "@{name}"),
            Self::Bookmark(name) => write!(f, "#{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Mark, children, clone, create, destroy_mark, destroy_snapshots, destroy_volume, promote,
        rollback,
    };
    use crate::model::name::{Dataset, SnapName};
    use crate::model::size::DiskSize;

    fn volume(name: &str) -> Dataset {
        Dataset::parse(name).expect(name)
    }

    #[test]
    fn the_arguments_are_those_of_zfs() {
        let a = volume("zroot/vm/a");
        let snap = a.snapshot(&SnapName::parse("_202611232306-x").expect("a name"));
        let size = DiskSize::parse("20g").expect("a size");
        for (command, line) in [
            (
                create(&a, &size, false),
                "zfs create -o volmode=dev -V 20g zroot/vm/a",
            ),
            (
                create(&a, &size, true),
                "zfs create -s -o volmode=dev -V 20g zroot/vm/a",
            ),
            (rollback(&snap), "zfs rollback zroot/vm/a@_202611232306-x"),
            (
                clone(&snap, &volume("zroot/vm/b"), "svr1", "202611232306"),
                "zfs clone -o volmode=dev -o easy-bhyve:origin=zroot/vm/a@_202611232306-x \
                 -o easy-bhyve:host=svr1 -o easy-bhyve:taken=202611232306 \
                 zroot/vm/a@_202611232306-x zroot/vm/b",
            ),
            (destroy_volume(&a), "zfs destroy zroot/vm/a"),
            (
                destroy_mark(&a, &Mark::Bookmark(snap.name.clone())),
                "zfs destroy 'zroot/vm/a#_202611232306-x'",
            ),
            (
                destroy_mark(&a, &Mark::Snapshot(snap.name.clone())),
                "zfs destroy zroot/vm/a@_202611232306-x",
            ),
            (
                destroy_snapshots(
                    &a,
                    &[snap.name.clone(), SnapName::parse("y").expect("a name")],
                ),
                "zfs destroy zroot/vm/a@_202611232306-x,y",
            ),
            (promote(&a), "zfs promote zroot/vm/a"),
            (
                children(&volume("zroot/vm")),
                "zfs list -H -d 1 -o name -t filesystem,volume zroot/vm",
            ),
        ] {
            assert_eq!(command.to_string(), line);
        }
    }
}
