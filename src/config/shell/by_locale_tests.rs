//! Tests of values that depend on the locale: which are refused and which are not.

use crate::config::tests::{read, refused, value, with_outside};
use crate::config::{ConfigError, Outside, Source, parse};
use crate::finding::FindingName;
use std::ffi::OsString;
use std::fs;

#[test]
fn a_locale_counts_only_where_a_variable_differs_in_the_end() {
    for text in [
        "b=é; a=${#b}; a=1",
        "b=é; a=${c+${#b}}1",
        "b=é; c=${b#?}; c=; a=1",
        "a=$'\\u00e9'; a=1",
        "b=é; a=${b%[[:digit:]]}; a=1",
        "export LC_ALL=C; b=é; a=${#b}; a=${a%2}1",
    ] {
        assert_eq!(value(text, "a"), "1", "{text}");
    }
    // The finding names the place, not the variable whose value differs.
    let place = "test.conf:1:8".to_owned();
    assert_eq!(
        refused("b=é; c=${#b}; a=$c; c="),
        (FindingName::Locale, place)
    );
    let place = "test.conf:1:25".to_owned();
    assert_eq!(refused("b=é; c=${#b}; c=; a=${b#?}").1, place);
}

#[test]
fn a_locale_that_the_file_chooses_counts_only_if_it_is_exported() {
    let length = |before: &str| format!("{before}; b=é; a=${{#b}}");
    for before in [
        "LC_ALL=C",
        "export x; LC_ALL=C",
        "export LC_ALL=C.UTF-8",
        "readonly LC_ALL=C",
    ] {
        assert_eq!(refused(&length(before)).0, FindingName::Locale, "{before}");
    }
    for before in [
        "export LC_ALL=C",
        "export LC_ALL; LC_ALL=POSIX",
        "LC_ALL=C; export a LC_ALL",
    ] {
        assert_eq!(value(&length(before), "a"), "2", "{before}");
    }
    let outside = Outside {
        variable: &|name| (name == "LC_ALL").then(|| OsString::from("en_US.UTF-8")),
        home: &|_| None,
    };
    let source = |before: &str| vec![Source::new("test.conf", length(before).into_bytes())];
    assert!(parse(source("LC_ALL=C"), &outside).is_ok());
    assert!(parse(source("LANG=C"), &outside).is_err());
}

#[test]
fn what_a_locale_includes_counts() {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(place.path().join(name), text).unwrap();
    let places = || {
        let main = Source::new(place.path().join("c"), "b=é; n=./${#b}; . $n; n=\n".into());
        let read = with_outside(|outside| parse(vec![main], outside));
        let Err(ConfigError::Refused(config)) = read else {
            return Vec::new();
        };
        let places = config
            .findings()
            .iter()
            .map(|one| config.place(one.span).column);
        places.collect()
    };
    write("2", "x=1\n");
    assert_eq!(places(), [10], "there is no other file");
    write("1", "y=1\n");
    assert_eq!(places(), [10], "it sets another variable");
    write("1", "x=1 y=1\n");
    assert_eq!(places(), [10], "it sets one more");
    write("1", "x=2\n");
    assert_eq!(places(), [10], "it sets another value");
    write("1", "x=1\n");
    assert_eq!(places(), [0; 0]);
}

#[test]
fn no_more_than_a_hundred_places_are_named() {
    let line = format!("b=é a=\nb=$b a={}\n", "${#b}".repeat(101));
    let Err(ConfigError::Refused(config)) = read(line.as_bytes()) else {
        panic!("accepted");
    };
    assert_eq!(config.findings().len(), 100);
}
