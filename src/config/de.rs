//! Settings as typed values: a serde deserializer over assignments.
//!
//! serde sees values only; where they stand comes back through [`Located`] and [`SettingError`].

use std::fmt;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, Unexpected, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

use super::located::{LOCATED, LOCATED_FIELDS};
use super::{Assignment, Span};

pub use super::located::{Located, Text};

/// Why a setting has no value of the wanted type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SettingError {
    /// The variable, unless the setting is one that is missing.
    pub name: Option<String>,
    /// Where the value stands, unless it is missing.
    pub span: Option<Span>,
    /// What is wrong, in one sentence without name and place.
    pub message: String,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for SettingError {}

impl serde::de::Error for SettingError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            name: None,
            span: None,
            message: message.to_string(),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("{field} is not set"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!(
            "\"{variant}\" is none of {}",
            expected.join(", ")
        ))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::custom(format_args!("{field} is set in two spellings"))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::invalid_value(unexpected, expected)
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        match unexpected {
            Unexpected::Str(value) => Self::custom(format_args!("\"{value}\" is not {expected}")),
            other => Self::custom(format_args!("{other} is not {expected}")),
        }
    }
}

impl SettingError {
    fn at(mut self, assignment: &Assignment<'_>) -> Self {
        self.name.get_or_insert_with(|| assignment.name.to_owned());
        self.span.get_or_insert(assignment.value_span);
        self
    }
}

/// Makes a value of type `T` from keys and their assignments; an empty value counts as unset.
///
/// # Errors
/// Returns the first setting that is not of its type, or that `T` needs and nobody has set.
pub fn from_keys<'c, T: Deserialize<'c>>(
    keys: impl IntoIterator<Item = (&'c str, Assignment<'c>)>,
) -> Result<T, SettingError> {
    let keys = keys
        .into_iter()
        .filter(|(_, assignment)| !assignment.value.is_empty());
    T::deserialize(KeysDeserializer { keys, value: None })
}

/// Makes a value of type `T` from one assignment; `Option` makes an empty value `None`.
///
/// # Errors
/// Returns why the value is not of that type.
pub fn from_assignment<'c, T: Deserialize<'c>>(
    assignment: Assignment<'c>,
) -> Result<T, SettingError> {
    T::deserialize(Value(assignment)).map_err(|error| error.at(&assignment))
}

struct KeysDeserializer<'de, I> {
    keys: I,
    value: Option<Assignment<'de>>,
}

impl<'de, I: Iterator<Item = (&'de str, Assignment<'de>)>> Deserializer<'de>
    for KeysDeserializer<'de, I>
{
    type Error = SettingError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingError> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

impl<'de, I: Iterator<Item = (&'de str, Assignment<'de>)>> MapAccess<'de>
    for KeysDeserializer<'de, I>
{
    type Error = SettingError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, SettingError> {
        let Some((key, assignment)) = self.keys.next() else {
            return Ok(None);
        };
        self.value = Some(assignment);
        let key = seed.deserialize(BorrowedStrDeserializer::<SettingError>::new(key));
        key.map(Some).map_err(|error| error.at(&assignment))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, SettingError> {
        let unasked = || SettingError::custom("a value was asked for without its key");
        let assignment = self.value.take().ok_or_else(unasked)?;
        seed.deserialize(Value(assignment))
            .map_err(|error| error.at(&assignment))
    }
}

/// The value of one assignment.
struct Value<'de>(Assignment<'de>);

impl<'de> Value<'de> {
    fn text(&self) -> Result<&'de str, SettingError> {
        std::str::from_utf8(self.0.value)
            .map_err(|_| SettingError::custom("the value is not UTF-8 text"))
    }

    fn number<N: std::str::FromStr + fmt::Display>(
        &self,
        least: &N,
        most: &N,
    ) -> Result<N, SettingError> {
        let text = String::from_utf8_lossy(self.0.value);
        // A sign or a blank would pass `parse`, but is no part of a setting.
        let plain = text
            .strip_prefix('-')
            .unwrap_or(&text)
            .bytes()
            .all(|b| b.is_ascii_digit());
        let number = plain.then(|| text.parse().ok()).flatten();
        let wrong = || {
            let message = format_args!("\"{text}\" is not a number from {least} to {most}");
            SettingError::custom(message)
        };
        number.ok_or_else(wrong)
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ident),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingError> {
            visitor.$visit(self.number(&$type::MIN, &$type::MAX)?)
        })*
    };
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = SettingError;

    numbers! {
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingError> {
        let text = self.text()?;
        if text.eq_ignore_ascii_case("yes") {
            visitor.visit_bool(true)
        } else if text.eq_ignore_ascii_case("no") {
            visitor.visit_bool(false)
        } else {
            Err(SettingError::custom(format_args!(
                "\"{text}\" is neither YES nor NO"
            )))
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingError> {
        visitor.visit_borrowed_bytes(self.0.value)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingError> {
        visitor.visit_borrowed_bytes(self.0.value)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SettingError> {
        if self.0.value.is_empty() {
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, SettingError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SettingError> {
        if name == LOCATED {
            return visitor.visit_map(Parts {
                assignment: self.0,
                asked: 0,
            });
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SettingError> {
        visitor.visit_enum(self.text()?.into_deserializer())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, SettingError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string unit unit_struct seq tuple tuple_struct map identifier
    }
}

/// An assignment as the parts of a [`Located`].
struct Parts<'de> {
    assignment: Assignment<'de>,
    asked: usize,
}

impl<'de> MapAccess<'de> for Parts<'de> {
    type Error = SettingError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, SettingError> {
        let Some(field) = LOCATED_FIELDS.get(self.asked) else {
            return Ok(None);
        };
        self.asked += 1;
        seed.deserialize(BorrowedStrDeserializer::<SettingError>::new(field))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, SettingError> {
        let Span { file, start, end } = self.assignment.value_span;
        let number = |number: u32| number.into_deserializer();
        match self.asked {
            1 => seed.deserialize(Value(self.assignment)),
            2 => seed.deserialize(number(file.0)),
            3 => seed.deserialize(number(start)),
            _ => seed.deserialize(number(end)),
        }
    }
}

#[cfg(test)]
#[path = "de_tests.rs"]
mod tests;
