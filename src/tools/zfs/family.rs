//! The volumes of a pool, and which of them were cloned from which.

use super::listing::parse_snapshot;
use crate::command::{Command, args};
use crate::model::name::{Dataset, Snapshot};

/// Lists the volumes of a pool with their origins, in the order of their creation:
/// `zfs list -Hp -r -o name,origin,used,refer,createtxg -s createtxg -t volume POOL`.
///
/// The property `clones` of a snapshot is cut where it is long (`lib/libzfs/libzfs_dataset.c`,
/// `get_clones_string`), and a volume always has its whole origin.
pub fn volumes(pool: &str) -> Command {
    Command::question(
        "zfs",
        args![
            "list",
            "-Hp",
            "-r",
            "-o",
            "name,origin,used,refer,createtxg",
            "-s",
            "createtxg",
            "-t",
            "volume",
            pool
        ],
    )
}

/// One volume of the answer to [`volumes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The volume.
    pub volume: Dataset,
    /// The snapshot from which it was cloned.
    pub origin: Option<Snapshot>,
    /// Bytes of the volume, its snapshots and its reservation.
    pub used: u64,
    /// Bytes referenced by the volume.
    pub refer: u64,
}

/// Parses the output of [`volumes`]; a volume whose name the program cannot use is skipped.
pub fn parse(output: &str) -> Vec<Member> {
    let lines = output.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, origin, used, refer, _] = fields.as_slice() else {
            return None;
        };
        Some(Member {
            volume: Dataset::parse(name).ok()?,
            origin: parse_snapshot(origin),
            used: used.parse().unwrap_or_default(),
            refer: refer.parse().unwrap_or_default(),
        })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::{parse, volumes};

    #[test]
    fn a_volume_has_its_origin_and_sizes() {
        assert_eq!(
            volumes("zroot").to_string(),
            "zfs list -Hp -r -o name,origin,used,refer,createtxg -s createtxg -t volume zroot"
        );
        let found = parse("zroot/vm/a\t-\t7\t5\t1\nzroot/vm/b\tzroot/vm/a@s\t0\t5\t9\n");
        let lines: Vec<String> = found
            .iter()
            .map(|one| {
                format!(
                    "{} {:?} {} {}",
                    one.volume,
                    one.origin.as_ref().map(ToString::to_string),
                    one.used,
                    one.refer
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                "zroot/vm/a None 7 5",
                "zroot/vm/b Some(\"zroot/vm/a@s\") 0 5"
            ]
        );
    }
}
