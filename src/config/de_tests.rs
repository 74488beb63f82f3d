//! Tests of the deserializer: types, places and messages.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Located, SettingError, Text, from_assignment, from_keys};
use crate::config::tests::config;
use crate::config::{Assignment, Config};

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Even(u32);

impl TryFrom<String> for Even {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number: Option<u32> = text.parse().ok();
        let even = number.filter(|number| number % 2 == 0);
        even.map(Self).ok_or(format!("\"{text}\" is not even"))
    }
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
    Green,
}

#[derive(Debug, Deserialize)]
struct Settings {
    id: Located<u16>,
    even: Option<Located<Even>>,
    path: Option<Located<Text>>,
    name: Option<String>,
    colour: Option<Colour>,
    freebsd: Option<bool>,
}

fn keys(config: &Config) -> Vec<(&str, Assignment<'_>)> {
    config
        .assignments()
        .map(|assignment| (assignment.name, assignment))
        .collect()
}

fn settings(text: &[u8]) -> Result<Settings, SettingError> {
    from_keys(keys(&config(text)))
}

#[test]
fn values_come_typed_and_with_their_places() {
    let config = config(b"id=7\neven='4'\npath=/\xff/x other=1 colour=green freebsd=yes name=\n");
    let settings: Settings = from_keys(keys(&config)).unwrap();
    assert_eq!(settings.id.value, 7);
    assert_eq!(config.place(settings.id.span).to_string(), "test.conf:1:4");
    let even = settings.even.unwrap();
    assert_eq!((even.value.0, even.span.start, even.span.end), (4, 10, 13));
    let path: PathBuf = settings.path.unwrap().value.into();
    assert_eq!(path.as_os_str().as_encoded_bytes(), b"/\xff/x");
    assert_eq!(settings.colour, Some(Colour::Green));
    assert_eq!(settings.freebsd, Some(true));
    assert_eq!(settings.name, None);
}

fn message(text: &[u8]) -> (String, Option<u32>) {
    let error = settings(text).unwrap_err();
    (error.to_string(), error.span.map(|span| span.start))
}

#[test]
fn a_wrong_value_is_named_with_its_place() {
    let number = "is not a number from 0 to 65535";
    assert_eq!(
        message(b"id=abc"),
        (format!("id: \"abc\" {number}"), Some(3))
    );
    assert_eq!(message(b"id=+1"), (format!("id: \"+1\" {number}"), Some(3)));
    assert_eq!(
        message(b"id=65536"),
        (format!("id: \"65536\" {number}"), Some(3))
    );
    assert_eq!(
        message(b"id=1 even=3"),
        ("even: \"3\" is not even".into(), Some(10))
    );
    assert_eq!(
        message(b"id=1 name=\xff"),
        ("name: the value is not UTF-8 text".into(), Some(10))
    );
    assert_eq!(
        message(b"id=1 colour=blue"),
        ("colour: \"blue\" is none of red, green".into(), Some(12))
    );
    assert_eq!(
        message(b"id=1 freebsd=maybe"),
        ("freebsd: \"maybe\" is neither YES nor NO".into(), Some(13))
    );
}

#[test]
fn a_missing_or_empty_setting_is_named() {
    assert_eq!(message(b"name=x"), ("id is not set".into(), None));
    assert_eq!(message(b"id="), ("id is not set".into(), None));
}

#[test]
fn one_assignment_can_be_read_alone() {
    let config = config(b"a=12 b=x c=");
    assert_eq!(from_assignment::<u8>(config.get("a").unwrap()), Ok(12));
    assert_eq!(
        from_assignment::<Option<u8>>(config.get("c").unwrap()),
        Ok(None)
    );
    let error = from_assignment::<Located<u8>>(config.get("b").unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "b: \"x\" is not a number from 0 to 255");
    assert_eq!(error.span.map(|span| span.start), Some(7));
}
