//! Volumes and snapshots: zfs(8).

pub mod node;
pub mod refusal;

use crate::command::{Command, Streams, args};
use crate::model::name::{Dataset, SnapName, Snapshot};
use crate::model::size::DiskSize;
use crate::plan::Test;
use serde::Serialize;
use std::ffi::OsString;
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

/// Takes a snapshot: `zfs snapshot VOLUME@NAME`.
pub fn snapshot(snapshot: &Snapshot) -> Command {
    snapshot_all(&[snapshot])
}

/// Takes several snapshots atomically: `zfs snapshot VOLUME@NAME…`.
pub fn snapshot_all(snapshots: &[&Snapshot]) -> Command {
    let mut words = args!["snapshot"];
    words.extend(snapshots.iter().map(|snapshot| snapshot.to_string().into()));
    Command::root("zfs", words)
}

/// Rolls back: `zfs rollback VOLUME@NAME`; fails if a newer snapshot exists.
pub fn rollback(snapshot: &Snapshot) -> Command {
    Command::root("zfs", args!["rollback", snapshot.to_string()])
}

/// Creates a clone: `zfs clone -o volmode=dev VOLUME@NAME NEW`; the origin's local properties do not apply.
pub fn clone(origin: &Snapshot, new: &Dataset) -> Command {
    Command::root(
        "zfs",
        args!["clone", "-o", "volmode=dev", origin.to_string(), new],
    )
}

/// Destroys exactly one clone: `zfs destroy VOLUME`.
pub fn destroy_volume(volume: &Dataset) -> Command {
    Command::root("zfs", args!["destroy", volume])
}

/// Destroys exactly one snapshot or bookmark: `zfs destroy VOLUME@NAME`, `zfs destroy VOLUME#NAME`.
pub fn destroy_mark(volume: &Dataset, mark: &Mark) -> Command {
    Command::root("zfs", args!["destroy", format!("{volume}{mark}")])
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

/// Lists a volume and its snapshots, oldest first:
/// `zfs list -d 1 -o name,volsize,used,refer,creation -s createtxg -t volume,snapshot VOLUME`.
pub fn show(volume: &Dataset) -> Command {
    Command::question(
        "zfs",
        args![
            "list",
            "-d",
            "1",
            "-o",
            "name,volsize,used,refer,creation",
            "-s",
            "createtxg",
            "-t",
            "volume,snapshot",
            volume
        ],
    )
    .streams(Streams::Shown)
}

/// Lists a volume's origin, its snapshots and its bookmarks, oldest first:
/// `zfs list -Hp -d 1 -o name,origin,clones,used,refer,creation,createtxg,userrefs -s createtxg
/// -t volume,snapshot,bookmark VOLUME`.
pub fn list(volume: &Dataset) -> Command {
    Command::question(
        "zfs",
        args![
            "list",
            "-Hp",
            "-d",
            "1",
            "-o",
            "name,origin,clones,used,refer,creation,createtxg,userrefs",
            "-s",
            "createtxg",
            "-t",
            "volume,snapshot,bookmark",
            volume
        ],
    )
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

/// A volume, its snapshots and its bookmarks, from [`list`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// The snapshot from which the volume was cloned.
    pub origin: Option<Snapshot>,
    /// The snapshots, oldest first.
    pub snapshots: Vec<SnapshotLine>,
    /// The bookmarks, oldest first, each with the transaction group of its creation.
    pub bookmarks: Vec<(SnapName, u64)>,
}

/// One snapshot of a [`Volume`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SnapshotLine {
    /// The part after the `@`.
    pub name: SnapName,
    /// The volumes cloned from this snapshot.
    pub clones: Vec<String>,
    /// Bytes unique to the snapshot.
    pub used: u64,
    /// Bytes referenced by the snapshot.
    pub refer: u64,
    /// The creation time, in seconds since 1970.
    pub creation: i64,
    /// The transaction group of the creation: later groups have greater numbers.
    #[serde(skip)]
    pub createtxg: u64,
    /// The number of holds that prevent its destruction.
    #[serde(skip)]
    pub holds: u64,
}

/// Parses the output of [`list`]; unknown lines are skipped, such as those of the volumes below a
/// filesystem.
pub fn parse_list(volume: &Dataset, output: &str) -> Volume {
    let mut found = Volume::default();
    for line in output.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [
            name,
            origin,
            clones,
            used,
            refer,
            creation,
            createtxg,
            holds,
        ] = fields.as_slice()
        else {
            continue;
        };
        let createtxg = createtxg.parse().unwrap_or_default();
        if let Some((dataset, bookmark)) = name.split_once('#') {
            let bookmark = SnapName::parse(bookmark).ok();
            let bookmark = bookmark.filter(|_| dataset == volume.as_str());
            found
                .bookmarks
                .extend(bookmark.map(|name| (name, createtxg)));
            continue;
        }
        match name.split_once('@') {
            None if *name == volume.as_str() => found.origin = parse_snapshot(origin),
            Some((dataset, snapshot)) if dataset == volume.as_str() => {
                let Ok(name) = SnapName::parse(snapshot) else {
                    continue;
                };
                found.snapshots.push(SnapshotLine {
                    name,
                    clones: clones
                        .split(',')
                        .filter(|one| !matches!(*one, "" | "-"))
                        .map(str::to_owned)
                        .collect(),
                    used: used.parse().unwrap_or_default(),
                    refer: refer.parse().unwrap_or_default(),
                    creation: creation.parse().unwrap_or_default(),
                    createtxg,
                    holds: holds.parse().unwrap_or_default(),
                });
            }
            None | Some(_) => {}
        }
    }
    found
}

/// Parses `VOLUME@NAME`.
pub fn parse_snapshot(text: &str) -> Option<Snapshot> {
    let (dataset, name) = text.split_once('@')?;
    Some(Snapshot {
        dataset: Dataset::parse(dataset).ok()?,
        name: SnapName::parse(name).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::{
        Mark, Volume, children, clone, create, destroy_mark, destroy_volume, parse_list, rollback,
        show, snapshot,
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
            (snapshot(&snap), "zfs snapshot zroot/vm/a@_202611232306-x"),
            (rollback(&snap), "zfs rollback zroot/vm/a@_202611232306-x"),
            (
                clone(&snap, &volume("zroot/vm/b")),
                "zfs clone -o volmode=dev zroot/vm/a@_202611232306-x zroot/vm/b",
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
                show(&a),
                "zfs list -d 1 -o name,volsize,used,refer,creation -s createtxg -t volume,snapshot zroot/vm/a",
            ),
            (
                children(&volume("zroot/vm")),
                "zfs list -H -d 1 -o name -t filesystem,volume zroot/vm",
            ),
        ] {
            assert_eq!(command.to_string(), line);
        }
    }

    #[test]
    fn a_listing_becomes_a_volume_with_its_snapshots() {
        let output = "zroot/vm/b\tzroot/vm/a@s\t-\t65536\t1\t1700000000\t9\t-\n\
            zroot/vm/b@one\t-\t\t0\t1\t1700000001\t11\t0\n\
            zroot/vm/b#one\t-\t-\t-\t-\t1700000001\t11\t-\n\
            zroot/vm/b@two\t-\tzroot/vm/c,zroot/vm/d\t0\t1\t1700000002\t12\t2\n";
        let found = parse_list(&volume("zroot/vm/b"), output);
        assert_eq!(
            found.origin.map(|origin| origin.to_string()).as_deref(),
            Some("zroot/vm/a@s")
        );
        assert_eq!(found.snapshots.len(), 2);
        assert_eq!(found.snapshots[1].clones, ["zroot/vm/c", "zroot/vm/d"]);
        assert_eq!(
            (found.snapshots[1].createtxg, found.snapshots[1].holds),
            (12, 2)
        );
        assert_eq!(
            found.bookmarks,
            [(SnapName::parse("one").expect("a name"), 11)]
        );
    }

    #[test]
    fn the_origin_of_a_volume_below_is_not_that_of_a_filesystem() {
        let output = "zroot/vm/b\tzroot/vm/a@s\t-\t65536\t1\t1700000000\t9\t-\n";
        assert_eq!(parse_list(&volume("zroot/vm"), output), Volume::default());
    }
}
