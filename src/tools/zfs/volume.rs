//! The size and the name of a volume: zfs(8).

use super::get;
use crate::command::{Command, args};
use crate::model::name::Dataset;
use crate::plan::Test;

/// The sizes of a volume, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The size of the disk.
    pub volsize: u64,
    /// The size of a block, of which `volsize` is a multiple.
    pub volblocksize: u64,
    /// What the pool keeps free for the volume; 0 for a sparse one.
    pub refreservation: u64,
}

impl Sizes {
    /// Parses the output of [`sizes`].
    pub fn parse(output: &str) -> Option<Self> {
        Some(Self {
            volsize: number(output, "volsize")?,
            volblocksize: number(output, "volblocksize")?.max(1),
            refreservation: number(output, "refreservation")?,
        })
    }

    /// The smallest whole number of blocks of at least so many bytes, as zfs-create(8) rounds a size.
    pub fn rounded(&self, bytes: u64) -> u64 {
        let next = bytes.checked_next_multiple_of(self.volblocksize);
        next.unwrap_or(bytes)
    }

    /// Whether a part of the volume is reserved, not all of its blocks. Even more may be reserved than
    /// these need, so that the reservation does not grow with the volume (`lib/libzfs/libzfs_dataset.c`,
    /// `zfs_add_synthetic_resv`).
    pub fn is_partly_reserved(&self) -> bool {
        self.refreservation > 0 && self.refreservation < self.volsize
    }
}

/// A property in the output of `zfs get -Hp -o property,value`.
fn number(output: &str, property: &str) -> Option<u64> {
    let mut rows = output.lines().filter_map(|line| line.split_once('\t'));
    let (_, value) = rows.find(|(name, _)| *name == property)?;
    value.parse().ok()
}

/// Asks for the room of the pool of a volume: `zfs get -Hp -o property,value used,available POOL`.
pub fn room(volume: &Dataset) -> Command {
    get("used,available", volume.pool())
}

/// Parses the output of [`room`]: the bytes that all datasets of the pool can have together.
pub fn parse_room(output: &str) -> Option<u64> {
    number(output, "used")?.checked_add(number(output, "available")?)
}

/// Asks for the sizes of a volume:
/// `zfs get -Hp -o property,value volsize,volblocksize,refreservation VOLUME`.
pub fn sizes(volume: &Dataset) -> Command {
    get("volsize,volblocksize,refreservation", volume)
}

/// Asks for the sizes of a volume, now and at the times of its snapshots:
/// `zfs list -Hp -o name,volsize,used,refer -t all -d 1 VOLUME`.
pub fn sizes_of_all(volume: &Dataset) -> Command {
    Command::question(
        "zfs",
        args![
            "list",
            "-Hp",
            "-o",
            "name,volsize,used,refer",
            "-t",
            "all",
            "-d",
            "1",
            volume
        ],
    )
}

/// The size in bytes of the volume or snapshot of this name, in the output of [`sizes_of_all`].
pub fn size_in(output: &str, name: &str) -> Option<u64> {
    output.lines().find_map(|line| {
        let mut fields = line.split('\t');
        let is_it = fields.next() == Some(name);
        fields.next().filter(|_| is_it)?.parse().ok()
    })
}

/// Whether a volume has exactly this size: `zfs get -Hp -o property,value volsize,type VOLUME`.
///
/// The next property follows the size in the text, so that no longer number fits; sh(1) drops a newline at
/// the end.
pub fn has_size(volume: &Dataset, bytes: u64) -> Test {
    Test::Mentions {
        command: get("volsize,type", volume),
        text: format!("volsize\t{bytes}\ntype\t"),
    }
}

/// Changes the size of a volume, a whole number of blocks: `zfs set volsize=BYTES VOLUME`.
pub fn set_size(volume: &Dataset, bytes: u64) -> Command {
    Command::root("zfs", args!["set", format!("volsize={bytes}"), volume])
}

/// Renames a volume; its snapshots and clones follow: `zfs rename OLD NEW`.
pub fn rename(old: &Dataset, new: &Dataset) -> Command {
    Command::root("zfs", args!["rename", old, new])
}

#[cfg(test)]
mod tests {
    use super::{
        Sizes, has_size, parse_room, rename, room, set_size, size_in, sizes, sizes_of_all,
    };
    use crate::model::name::Dataset;
    use crate::plan::Test;

    #[test]
    fn the_arguments_are_those_of_zfs() {
        let [a, b] = ["zroot/vm/a", "zroot/vm/b"].map(|name| Dataset::parse(name).expect(name));
        for (command, line) in [
            (
                sizes(&a),
                "zfs get -Hp -o property,value volsize,volblocksize,refreservation zroot/vm/a",
            ),
            (
                sizes_of_all(&a),
                "zfs list -Hp -o name,volsize,used,refer -t all -d 1 zroot/vm/a",
            ),
            (
                set_size(&a, 1 << 30),
                "zfs set volsize=1073741824 zroot/vm/a",
            ),
            (rename(&a, &b), "zfs rename zroot/vm/a zroot/vm/b"),
        ] {
            assert_eq!(command.to_string(), line);
        }
        let Test::Mentions { command, text } = has_size(&a, 512) else {
            panic!("another test");
        };
        assert_eq!(
            (command.to_string().as_str(), text.as_str()),
            (
                "zfs get -Hp -o property,value volsize,type zroot/vm/a",
                "volsize\t512\ntype\t"
            )
        );
    }

    #[test]
    fn a_size_is_that_of_the_whole_name() {
        let output = "a\t2048\t1\t1\na@ab\t512\t1\t1\na@a\t1024\t1\t1\na#b\t-\t-\t-\n";
        assert_eq!(size_in(output, "a"), Some(2048));
        assert_eq!(size_in(output, "a@a"), Some(1024));
        assert_eq!(size_in(output, "a@b"), None);
        assert_eq!(size_in(output, "a#b"), None);
    }

    #[test]
    fn sizes_are_read_and_rounded_up_to_blocks() {
        let output = "volsize\t1048576\nvolblocksize\t16384\nrefreservation\t3000000\n";
        let found = Sizes::parse(output).expect("sizes");
        assert_eq!(
            (found.volsize, found.volblocksize, found.refreservation),
            (1 << 20, 1 << 14, 3_000_000)
        );
        assert!(!found.is_partly_reserved());
        assert_eq!(found.rounded(1), 16384);
        assert_eq!(found.rounded(32768), 32768);
        assert_eq!(found.rounded(u64::MAX), u64::MAX);
        for wrong in ["", "volsize\t-\nvolblocksize\t16384\nrefreservation\t0\n"] {
            assert_eq!(Sizes::parse(wrong), None);
        }
        let sparse = Sizes {
            refreservation: 0,
            ..found
        };
        assert!(!sparse.is_partly_reserved());
    }

    #[test]
    fn the_room_of_a_pool_is_what_is_used_and_what_is_left() {
        let a = Dataset::parse("zroot/vm/a").expect("a dataset");
        let line = "zfs get -Hp -o property,value used,available zroot";
        assert_eq!(room(&a).to_string(), line);
        assert_eq!(parse_room("used\t100\navailable\t50\n"), Some(150));
        for wrong in ["", "used\t100\n", "used\t-\navailable\t-\n"] {
            assert_eq!(parse_room(wrong), None);
        }
    }
}
