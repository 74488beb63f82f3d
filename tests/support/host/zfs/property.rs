//! The properties of a dataset, snapshot or bookmark (module/zcommon/zfs_prop.c).

use std::borrow::Cow;

use super::super::state::State;
use super::name::{self, Types};
use super::relation::{available, clones, reserved, used};
use super::size;

/// The format of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// A number of bytes: `0B`, `20.3G`.
    Bytes,
    /// A number of bytes; zero is shown as `none`.
    Reservation,
    /// A number that has no `B` when it is small.
    Size,
    /// A number that is never shortened.
    Number,
    /// Seconds since 1970.
    Date,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any text.
    Text,
}

/// How a property gets its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// It is read-only.
    ReadOnly,
    /// It is set when the dataset is created.
    Once,
    /// Each dataset has its own value.
    Own,
    /// A dataset inherits it from its parent, unless it is set.
    Inherited,
    /// The same for a user property, which snapshots have, too, but which has no default.
    User,
}

/// A property that this host knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Property {
    /// Its full name.
    pub(super) name: Cow<'static, str>,
    /// The heading of its column; in lower case also a name of the property.
    pub(super) column: Cow<'static, str>,
    /// The format of its value.
    pub(super) look: Look,
    /// How it gets its value.
    pub(super) access: Access,
    /// The types that have it.
    pub(super) types: Types,
}

/// The values of `volmode`.
const MODES: &[&str] = &["default", "full", "geom", "dev", "none"];

/// All but user properties, in the order of their names.
pub(super) static PROPERTIES: [Property; 19] = {
    use Access::{Inherited, Once, Own, ReadOnly};
    use Look::{Bytes, Date, Number, Reservation, Size, Text, Word};
    const SIZED: Types = Types::VOLUME.and(Types::SNAPSHOT);
    [
        of("available", "AVAIL", Bytes, ReadOnly, Types::HEADS),
        of("clones", "CLONES", Text, ReadOnly, Types::SNAPSHOT),
        of("createtxg", "CREATETXG", Number, ReadOnly, Types::ALL),
        of("creation", "CREATION", Date, ReadOnly, Types::ALL),
        of("encryption", "ENCRYPTION", Text, Once, Types::DATASETS),
        of("encryptionroot", "ENCROOT", Text, ReadOnly, Types::DATASETS),
        of("keystatus", "KEYSTATUS", Text, ReadOnly, Types::DATASETS),
        of(
            "mountpoint",
            "MOUNTPOINT",
            Text,
            Inherited,
            Types::FILESYSTEM,
        ),
        of("name", "NAME", Text, ReadOnly, Types::ALL),
        of("origin", "ORIGIN", Text, ReadOnly, Types::HEADS),
        of("referenced", "REFER", Bytes, ReadOnly, Types::ALL),
        of(
            "refreservation",
            "REFRESERV",
            Reservation,
            Own,
            Types::HEADS,
        ),
        of("type", "TYPE", Text, ReadOnly, Types::ALL),
        of("used", "USED", Bytes, ReadOnly, Types::DATASETS),
        of("userrefs", "USERREFS", Number, ReadOnly, Types::SNAPSHOT),
        of("volblocksize", "VOLBLOCK", Size, Once, Types::VOLUME),
        of("volmode", "VOLMODE", Word(MODES), Inherited, Types::HEADS),
        of("volsize", "VOLSIZE", Size, Own, SIZED),
        of("written", "WRITTEN", Size, ReadOnly, Types::DATASETS),
    ]
};

const fn of(
    name: &'static str,
    column: &'static str,
    look: Look,
    access: Access,
    types: Types,
) -> Property {
    Property {
        name: Cow::Borrowed(name),
        column: Cow::Borrowed(column),
        look,
        access,
        types,
    }
}

impl Property {
    /// The property of this name, or of this column in lower case, or the user property.
    pub(super) fn named(name: &str) -> Option<Self> {
        let mut known = PROPERTIES.iter();
        let known = known.find(|one| one.name == name || one.column.to_lowercase() == name);
        known.cloned().or_else(|| Self::of_user(name))
    }

    /// zfs_prop_user: a user property has a colon, and no capital letter.
    fn of_user(name: &str) -> Option<Self> {
        let is_valid = |c: char| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | ':')
        };
        let is_one = name.contains(':') && name.chars().all(is_valid);
        is_one.then(|| Self {
            name: name.to_owned().into(),
            column: name.to_uppercase().into(),
            look: Look::Text,
            access: Access::User,
            types: Types::DATASETS,
        })
    }

    /// The properties of a list with commas, or the error for a word that is not a property.
    pub(super) fn list(text: &str) -> Result<Vec<Self>, String> {
        if text.is_empty() {
            return Err("bad property list: no properties specified".into());
        }
        text.split(',')
            .map(|name| {
                Self::named(name)
                    .ok_or_else(|| format!("bad property list: invalid property '{name}'"))
            })
            .collect()
    }

    /// Whether it can be set on a dataset.
    pub(super) fn is_readonly(&self) -> bool {
        matches!(self.access, Access::ReadOnly | Access::Once)
    }

    /// Its value as `-p` prints it, if the thing with this name has it.
    pub(super) fn value(&self, state: &State, full: &str) -> Option<String> {
        let kind = name::kind(state, full).filter(|kind| self.types.has(*kind))?;
        let (base, label) = full.split_at(full.find(['@', '#']).unwrap_or(full.len()));
        let dataset = state.datasets.get(base)?;
        let label = label.get(1..).unwrap_or_default();
        let snapshot = dataset.snapshots.get(label);
        let bookmark = dataset.bookmarks.get(label);
        let volume = match kind {
            Types::SNAPSHOT => snapshot?.volume.as_ref(),
            _ => dataset.volume.as_ref(),
        };
        let taken = snapshot
            .map(|snapshot| (snapshot.creation, snapshot.createtxg))
            .or(bookmark.map(|bookmark| (bookmark.creation, bookmark.createtxg)))
            .unwrap_or((dataset.creation, dataset.createtxg));
        let referenced = volume.map_or(96 << 10, super::relation::referenced);
        let number = match &*self.name {
            "available" => available(state, base)?,
            "createtxg" => taken.1,
            "creation" => taken.0,
            "referenced" | "written" => referenced,
            "refreservation" => reserved(dataset),
            "used" if kind == Types::SNAPSHOT => 0,
            "used" => used(state, base),
            "userrefs" => u64::try_from(snapshot?.holds.len()).ok()?,
            "volblocksize" => volume?.volblocksize,
            "volsize" => volume?.volsize,
            _ => return self.text(state, full, kind),
        };
        Some(number.to_string())
    }

    /// The value of a property that is not a number.
    fn text(&self, state: &State, full: &str, kind: Types) -> Option<String> {
        match &*self.name {
            _ if self.access == Access::User => {
                set_by_user(state, full, &self.name).map(|(value, _)| value.into())
            }
            "clones" => Some(clones(state, full).collect::<Vec<_>>().join(","))
                .filter(|clones| !clones.is_empty()),
            "encryption" => Some(
                super::key::root(state, base(full))
                    .map_or("off", |_| "aes-256-gcm")
                    .into(),
            ),
            "encryptionroot" => super::key::root(state, base(full)).map(str::to_owned),
            "keystatus" => super::key::root(state, base(full)).map(|root| {
                let is_loaded = !state.locked.contains(root);
                (if is_loaded {
                    "available"
                } else {
                    "unavailable"
                })
                .into()
            }),
            "mountpoint" => Some(mountpoint(state, full)),
            "origin" => state.datasets.get(full)?.origin.clone(),
            "type" => Some(kind.word().into()),
            "volmode" => Some(
                inherited(state, full, &self.name)
                    .map_or("default", |at| at.0)
                    .into(),
            ),
            _ => Some(full.into()),
        }
    }

    /// Its value as it is printed, `-` if it has none; `exact` is `-p`.
    pub(super) fn shown(&self, state: &State, full: &str, exact: bool) -> String {
        let Some(value) = self.value(state, full) else {
            return "-".into();
        };
        let is_text = self.look == Look::Text;
        let Some(number) = value.parse().ok().filter(|_| !exact && !is_text) else {
            return value;
        };
        match self.look {
            Look::Reservation if number == 0 => "none".into(),
            Look::Bytes | Look::Reservation => size::bytes(number),
            Look::Size => size::number(number),
            Look::Date => date(number),
            Look::Number | Look::Word(_) | Look::Text => value,
        }
    }

    /// The source of its value.
    pub(super) fn source(&self, state: &State, full: &str) -> String {
        if self.access == Access::User {
            return match set_by_user(state, full, &self.name) {
                None => "-".into(),
                Some((_, at)) if at == full => "local".into(),
                Some((_, at)) => format!("inherited from {at}"),
            };
        }
        if self.value(state, full).is_none() {
            return "-".into();
        }
        let Some(dataset) = state.datasets.get(full) else {
            // For a snapshot only the size of its volume has a source.
            let source = if self.name == "volsize" { "local" } else { "-" };
            return source.into();
        };
        let is_default = match (self.access, &dataset.volume) {
            (Access::ReadOnly | Access::User, _) => return "-".into(),
            (Access::Once, Some(volume)) if volume.volblocksize != default_block(state) => {
                return "-".into();
            }
            (Access::Once, _) => true,
            (Access::Own, Some(volume)) if self.name == "refreservation" => {
                volume.refreservation == 0 && !dataset.local.contains_key(&*self.name)
            }
            (Access::Own, volume) => volume.is_none() && !dataset.local.contains_key(&*self.name),
            (Access::Inherited, _) => match inherited(state, full, &self.name) {
                None => true,
                Some((_, at)) if at == full => false,
                Some((_, at)) => return format!("inherited from {at}"),
            },
        };
        (if is_default { "default" } else { "local" }).into()
    }
}

/// A user property of a dataset or a snapshot, which inherits it from its dataset, and where it is set.
fn set_by_user<'state>(
    state: &'state State,
    full: &'state str,
    property: &str,
) -> Option<(&'state str, &'state str)> {
    let Some((base, label)) = full.split_once('@') else {
        return inherited(state, full, property);
    };
    let snapshot = state.datasets.get(base)?.snapshots.get(label)?;
    match snapshot.local.get(property) {
        Some(value) => Some((value, full)),
        None => inherited(state, base, property),
    }
}

/// The default block size of a volume.
pub(super) fn default_block(state: &State) -> u64 {
    match super::since_2_2(state) {
        true => 16 << 10,
        false => 8 << 10,
    }
}

/// The dataset of a snapshot.
fn base(full: &str) -> &str {
    full.split('@').next().unwrap_or(full)
}

/// An inherited mount point continues below the one that is set.
fn mountpoint(state: &State, full: &str) -> String {
    match inherited(state, full, "mountpoint") {
        None => format!("/{full}"),
        Some((path, at)) if path.starts_with('/') => format!("{path}{}", &full[at.len()..]),
        Some((word, _)) => word.into(),
    }
}

/// A property set on a dataset or on its nearest ancestor, and where.
fn inherited<'state>(
    state: &'state State,
    dataset: &'state str,
    property: &str,
) -> Option<(&'state str, &'state str)> {
    let mut at = Some(dataset);
    while let Some(here) = at {
        let set = state.datasets.get(here)?.local.get(property);
        if let Some(value) = set {
            return Some((value, here));
        }
        at = name::parent(here);
    }
    None
}

/// `Thu Jan 15 12:00 2026`
fn date(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0))
        .map_or_else(
            || "-".into(),
            |date| date.format("%a %b %e %k:%M %Y").to_string(),
        )
}
