//! A volume that a clone makes, as a word of the root side.

use crate::model::device::disk_number;
use crate::model::name::{Dataset, NameError};

/// A volume that is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The number of the disk that is cloned.
    pub number: u8,
    /// The new volume.
    pub volume: Dataset,
}

impl Target {
    /// Parses `VOLUME`, for the first disk, or `VOLUME,NUMBER`.
    pub(super) fn parse(text: &str) -> Result<Self, NameError> {
        let (volume, number) = match text.split_once(',') {
            Some((volume, number)) => (volume, disk_number(number)?),
            None => (text, 0),
        };
        Ok(Self {
            number,
            volume: Dataset::parse(volume)?,
        })
    }

    /// The text that [`Self::parse`] reads.
    pub(super) fn written(&self) -> String {
        match self.number {
            0 => self.volume.to_string(),
            number => format!("{},{number}", self.volume),
        }
    }
}
