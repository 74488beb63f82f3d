//! Snapshots of several disks of a VM: one command takes them, and a user property of each says which
//! disks it is one of.

use crate::command::{Command, args};
use crate::model::name::{Dataset, Snapshot};
use std::collections::HashMap;
use std::fmt;

/// The user property: the numbers of the disks.
pub const PROPERTY: &str = "easy-bhyve:disks";

/// The numbers of disks of a VM, as the property has them: `0,2`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Numbers(Vec<u8>);

impl Numbers {
    /// These numbers, in any order.
    pub fn of(numbers: impl IntoIterator<Item = u8>) -> Self {
        let mut numbers: Vec<u8> = numbers.into_iter().collect();
        numbers.sort_unstable();
        numbers.dedup();
        Self(numbers)
    }

    /// Parses the value of the property; `None` for a value that [`snapshot`] does not write.
    pub fn parse(text: &str) -> Option<Self> {
        let numbers: Option<Vec<u8>> = text.split(',').map(|word| word.parse().ok()).collect();
        let numbers = Self::of(numbers?);
        (numbers.to_string() == text).then_some(numbers)
    }

    /// Whether a disk is one of them.
    pub fn has(&self, number: u8) -> bool {
        self.0.contains(&number)
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u8> {
        self.0.iter().copied()
    }

    /// The disks as words: `hd0 hd2`.
    pub fn disks(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|number| format!("hd{number}")).collect();
        words.join(" ")
    }

    /// Whether they are those of a snapshot without the property: only that of the first disk.
    pub fn is_first_alone(&self) -> bool {
        self.0 == [0]
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(u8::to_string).collect();
        f.write_str(&words.join(","))
    }
}

/// Takes a snapshot of the disks with these numbers, all or none: `zfs snapshot VOLUME@NAME`, or
/// `zfs snapshot -o easy-bhyve:disks=0,2 VOLUME@NAME…`.
pub fn snapshot(snapshots: &[Snapshot], numbers: &Numbers) -> Command {
    let mut words = args!["snapshot"];
    if !numbers.is_first_alone() {
        words.extend(args!["-o", format!("{PROPERTY}={numbers}")]);
    }
    words.extend(snapshots.iter().map(|snapshot| snapshot.to_string().into()));
    Command::root("zfs", words)
}

/// Lists what was written to volumes before and after each of their snapshots, and the property:
/// `zfs get -Hp -d 1 -o name,property,value,source -t volume,snapshot written,easy-bhyve:disks VOLUME…`.
///
/// `zfs list` has no sources, and a snapshot inherits the user properties of its volume.
pub fn details(volumes: &[&Dataset]) -> Command {
    let mut words = args![
        "get",
        "-Hp",
        "-d",
        "1",
        "-o",
        "name,property,value,source",
        "-t",
        "volume,snapshot",
        format!("written,{PROPERTY}")
    ];
    words.extend(volumes.iter().map(|volume| volume.as_str().into()));
    Command::question("zfs", words)
}

/// The answer to [`details`], by the names of volumes and snapshots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details(HashMap<String, Detail>);

/// What [`details`] lists about one volume or snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// Bytes written since the snapshot before, or since the newest one.
    pub written: u64,
    /// The property that was set on it.
    pub claim: Option<Claim>,
}

/// The value of the property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The snapshot is one of those of these disks.
    Of(Numbers),
    /// Somebody else has written this value.
    Foreign(String),
}

impl Details {
    /// Parses the output of [`details`].
    pub fn parse(output: &str) -> Self {
        let mut found: HashMap<String, Detail> = HashMap::new();
        for line in output.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [name, property, value, source] = fields.as_slice() else {
                continue;
            };
            let detail = found.entry((*name).to_owned()).or_default();
            if *property == "written" {
                detail.written = value.parse().unwrap_or_default();
            } else if *property == PROPERTY && matches!(*source, "local" | "received") {
                let claim = Numbers::parse(value).map(Claim::Of);
                detail.claim = Some(claim.unwrap_or_else(|| Claim::Foreign((*value).to_owned())));
            }
        }
        Self(found)
    }

    /// What is known about a volume or a snapshot.
    pub fn of(&self, name: &str) -> Option<&Detail> {
        self.0.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::{Claim, Details, Numbers, details, snapshot};
    use crate::model::name::{Dataset, SnapName};

    #[test]
    fn only_a_snapshot_of_other_disks_than_the_first_has_the_property() {
        let volume = |name| Dataset::parse(name).expect(name);
        let (a, b) = (volume("zroot/vm/a"), volume("zroot/vm/b"));
        let name = SnapName::parse("s").expect("a name");
        let (first, second) = (a.snapshot(&name), b.snapshot(&name));
        let line = |snapshots: &[_], numbers: &[u8]| {
            snapshot(snapshots, &Numbers::of(numbers.iter().copied())).to_string()
        };
        let first = std::slice::from_ref(&first);
        assert_eq!(line(first, &[0]), "zfs snapshot zroot/vm/a@s");
        assert_eq!(
            line(&[first.to_vec(), vec![second]].concat(), &[2, 0]),
            "zfs snapshot -o easy-bhyve:disks=0,2 zroot/vm/a@s zroot/vm/b@s"
        );
        assert_eq!(
            line(first, &[10]),
            "zfs snapshot -o easy-bhyve:disks=10 zroot/vm/a@s"
        );
        assert_eq!(
            details(&[&a, &b]).to_string(),
            "zfs get -Hp -d 1 -o name,property,value,source -t volume,snapshot written,easy-bhyve:disks zroot/vm/a zroot/vm/b"
        );
    }

    #[test]
    fn only_a_value_that_the_program_writes_is_read() {
        for text in ["0", "0,2", "2,10"] {
            let numbers = Numbers::parse(text).map(|numbers| numbers.to_string());
            assert_eq!(numbers.as_deref(), Some(text));
        }
        assert_eq!(Numbers::of([2, 0]).disks(), "hd0 hd2");
        for text in [
            "", "-", "2,0", "0,0", "0,", ",0", "00", "+1", "0, 2", "0;2", "all", "256",
        ] {
            assert_eq!(Numbers::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_inherited_property_is_not_that_of_the_snapshot() {
        let output = "a\twritten\t7\t-\n\
            a\teasy-bhyve:disks\t0,1\tlocal\n\
            a@s\twritten\t5\t-\n\
            a@s\teasy-bhyve:disks\t0,1\tinherited from a\n\
            a@t\teasy-bhyve:disks\t0,2\treceived\n\
            a@u\teasy-bhyve:disks\tall\tlocal\n\
            a@v\teasy-bhyve:disks\t-\t-\n";
        let found = Details::parse(output);
        let claim = |name: &str| found.of(name).and_then(|detail| detail.claim.clone());
        assert_eq!(found.of("a").map(|detail| detail.written), Some(7));
        assert_eq!(found.of("a@s").map(|detail| detail.written), Some(5));
        assert_eq!(claim("a@s"), None);
        assert_eq!(claim("a@t"), Some(Claim::Of(Numbers::of([0, 2]))));
        assert_eq!(claim("a@u"), Some(Claim::Foreign("all".to_owned())));
        assert_eq!(claim("a@v"), None);
    }
}
