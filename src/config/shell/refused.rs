//! The error that ends the parsing of a statement.

use crate::finding::Finding;

/// A finding that ends a statement; boxed, because nearly every step of the parser can return one.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Box<Finding>);

impl From<Finding> for Refused {
    fn from(finding: Finding) -> Self {
        Self(Box::new(finding))
    }
}
