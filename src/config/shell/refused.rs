//! How a fault ends the reading of a statement.

use crate::finding::Finding;

/// A finding that ends a statement; small, since nearly every step of the parser could return one.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Box<Finding>);

impl From<Finding> for Refused {
    fn from(finding: Finding) -> Self {
        Self(Box::new(finding))
    }
}
