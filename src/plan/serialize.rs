//! Serializes paths and bytes as text; invalid UTF-8 becomes U+FFFD.

use serde::{Serialize, Serializer};
use std::path::Path;
use std::time::Duration;

pub(super) fn path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    path.to_string_lossy().serialize(serializer)
}

pub(super) fn bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    String::from_utf8_lossy(bytes).serialize(serializer)
}

pub(super) fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    time.as_secs_f64().serialize(serializer)
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
pub(super) fn optional_seconds<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}
