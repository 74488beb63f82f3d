//! The state of ZFS, as plain data.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A volume's own properties.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Bytes.
    pub volsize: u64,
    /// Bytes.
    pub volblocksize: u64,
    /// Bytes; 0 is none.
    pub refreservation: u64,
    /// Whether no system was ever installed on it.
    pub blank: bool,
}

/// A ZFS filesystem or volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// A volume's properties; `None` is a filesystem.
    pub volume: Option<Volume>,
    /// Properties set on it itself.
    pub local: BTreeMap<String, String>,
    /// The snapshot that it was cloned from.
    pub origin: Option<String>,
    /// Seconds since the epoch.
    pub creation: u64,
    /// Transaction group that made it.
    pub createtxg: u64,
    /// When its node appears, if it is a volume: milliseconds since the epoch.
    pub node_at: u64,
    /// Its snapshots by the part after `@`.
    pub snapshots: BTreeMap<String, Snapshot>,
    /// Its bookmarks by the part after `#`.
    pub bookmarks: BTreeMap<String, Bookmark>,
}

/// A bookmark: what remains of a snapshot as a base of incremental sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    /// Seconds since the epoch.
    pub creation: u64,
    /// Transaction group that made the snapshot.
    pub createtxg: u64,
}

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Seconds since the epoch.
    pub creation: u64,
    /// Transaction group that made it.
    pub createtxg: u64,
    /// The volume as it was.
    pub volume: Option<Volume>,
    /// Names of holds on it.
    pub holds: BTreeSet<String>,
    /// User properties set on it itself.
    pub local: BTreeMap<String, String>,
}
