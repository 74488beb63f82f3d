//! A volume with its snapshots and bookmarks, as `zfs list` shows them.

use crate::command::{Command, args};
use crate::model::name::{Dataset, SnapName, Snapshot};
use serde::Serialize;
use std::collections::HashMap;

/// Lists a volume's origin, its snapshots and its bookmarks, oldest first; see [`list_all`].
pub fn list(volume: &Dataset) -> Command {
    list_all(&[volume])
}

/// Lists the origins, the snapshots and the bookmarks of volumes, oldest first:
/// `zfs list -Hp -d 1 -o name,origin,clones,used,refer,creation,createtxg,userrefs -s createtxg
/// -t volume,snapshot,bookmark VOLUME…`.
pub fn list_all(volumes: &[&Dataset]) -> Command {
    let mut words = args![
        "list",
        "-Hp",
        "-d",
        "1",
        "-o",
        "name,origin,clones,used,refer,creation,createtxg,userrefs",
        "-s",
        "createtxg",
        "-t",
        "volume,snapshot,bookmark"
    ];
    words.extend(volumes.iter().map(|volume| volume.as_str().into()));
    Command::question("zfs", words)
}

/// A volume, its snapshots and its bookmarks, from [`list`] or [`list_all`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// The snapshot from which the volume was cloned.
    pub origin: Option<Snapshot>,
    /// The snapshots, oldest first.
    pub snapshots: Vec<SnapshotLine>,
    /// The bookmarks, oldest first.
    pub bookmarks: Vec<BookmarkLine>,
}

/// One bookmark of a [`Volume`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookmarkLine {
    /// The part after the `#`.
    pub name: SnapName,
    /// The creation time of its snapshot, in seconds since 1970.
    pub creation: i64,
    /// The transaction group of the creation.
    pub createtxg: u64,
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

/// Parses what the output of [`list_all`] says about one volume; see [`parse_lists`].
pub fn parse_list(volume: &Dataset, output: &str) -> Volume {
    let mut found = parse_lists(&[volume], output);
    found.pop().unwrap_or_default()
}

/// Parses what the output of [`list_all`] says about volumes; other lines are skipped, such as those of
/// the volumes below a filesystem.
pub fn parse_lists(volumes: &[&Dataset], output: &str) -> Vec<Volume> {
    let names = volumes.iter().map(|volume| volume.as_str());
    let places: HashMap<&str, usize> = names.enumerate().map(|(at, name)| (name, at)).collect();
    let mut found = vec![Volume::default(); volumes.len()];
    for line in output.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let Some(name) = fields.first() else {
            continue;
        };
        let dataset = name.split(['@', '#']).next().unwrap_or_default();
        if let Some(volume) = places.get(dataset).and_then(|at| found.get_mut(*at)) {
            volume.add(&fields);
        }
    }
    found
}

impl Volume {
    /// Adds what a line says about the volume, a snapshot or a bookmark of it.
    fn add(&mut self, fields: &[&str]) {
        let [
            name,
            origin,
            clones,
            used,
            refer,
            creation,
            createtxg,
            holds,
        ] = fields
        else {
            return;
        };
        let createtxg = createtxg.parse().unwrap_or_default();
        let creation = creation.parse().unwrap_or_default();
        if let Some((_, bookmark)) = name.split_once('#') {
            let bookmark = SnapName::parse(bookmark).ok();
            self.bookmarks.extend(bookmark.map(|name| BookmarkLine {
                name,
                creation,
                createtxg,
            }));
            return;
        }
        let Some((_, snapshot)) = name.split_once('@') else {
            self.origin = parse_snapshot(origin);
            return;
        };
        let Ok(name) = SnapName::parse(snapshot) else {
            return;
        };
        self.snapshots.push(SnapshotLine {
            name,
            clones: clones
                .split(',')
                .filter(|one| !matches!(*one, "" | "-"))
                .map(str::to_owned)
                .collect(),
            used: used.parse().unwrap_or_default(),
            refer: refer.parse().unwrap_or_default(),
            creation,
            createtxg,
            holds: holds.parse().unwrap_or_default(),
        });
    }
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
    use super::{BookmarkLine, Volume, parse_list, parse_lists};
    use crate::model::name::{Dataset, SnapName};

    fn volume(name: &str) -> Dataset {
        Dataset::parse(name).expect(name)
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
        let bookmark = BookmarkLine {
            name: SnapName::parse("one").expect("a name"),
            creation: 1_700_000_001,
            createtxg: 11,
        };
        assert_eq!(found.bookmarks, [bookmark]);
    }

    #[test]
    fn each_volume_gets_its_own_lines() {
        let (a, ab) = (volume("zroot/vm/a"), volume("zroot/vm/ab"));
        let output = "zroot/vm/ab\t-\t-\t9\t1\t1\t1\t-\n\
            zroot/vm/a@s\t-\t\t0\t1\t5\t11\t0\n\
            zroot/vm/ab@s\t-\t\t0\t1\t5\t11\t0\n\
            zroot/vm/ab@t\t-\t\t0\t1\t6\t12\t0\n";
        let numbers = parse_lists(&[&ab, &a], output);
        let numbers: Vec<usize> = numbers.iter().map(|one| one.snapshots.len()).collect();
        assert_eq!(numbers, [2, 1]);
    }

    #[test]
    fn the_origin_of_a_volume_below_is_not_that_of_a_filesystem() {
        let output = "zroot/vm/b\tzroot/vm/a@s\t-\t65536\t1\t1700000000\t9\t-\n";
        assert_eq!(parse_list(&volume("zroot/vm"), output), Volume::default());
    }
}
