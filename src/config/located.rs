//! Types of settings that need more than serde's data model: text in any encoding, and places.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::marker::PhantomData;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::source::{FileId, Span};

/// A value and where it stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Located<V> {
    /// The value.
    pub value: V,
    /// Where it stands in its file.
    pub span: Span,
}

/// Text that need not be UTF-8, such as a path.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Text(OsString);

impl Text {
    /// The text.
    pub fn as_os_str(&self) -> &OsStr {
        &self.0
    }

    /// The text as a path.
    pub fn into_path(self) -> PathBuf {
        self.0.into()
    }
}

impl From<OsString> for Text {
    fn from(text: OsString) -> Self {
        Self(text)
    }
}

impl From<Text> for PathBuf {
    fn from(text: Text) -> Self {
        text.0.into()
    }
}

impl From<Text> for OsString {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.into()))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(OsString::from_vec(bytes.to_vec())))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

// Names that no setting has: our deserializer knows by them that it is asked for a place.
pub(super) const LOCATED: &str = "$easy_bhyve::Located";
pub(super) const LOCATED_FIELDS: &[&str] = &["$value", "$file", "$start", "$end"];

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Located<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Parts<V> {
            type Value = Located<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its place")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let missing = || A::Error::custom("only a configuration knows places");
                let mut numbers = [0; 3];
                map.next_key::<&str>()?.ok_or_else(missing)?;
                let value = map.next_value()?;
                for number in &mut numbers {
                    map.next_key::<&str>()?.ok_or_else(missing)?;
                    *number = map.next_value()?;
                }
                let [file, start, end] = numbers;
                let span = Span {
                    file: FileId(file),
                    start,
                    end,
                };
                Ok(Located { value, span })
            }
        }
        deserializer.deserialize_struct(LOCATED, LOCATED_FIELDS, Parts(PhantomData))
    }
}
