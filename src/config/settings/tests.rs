//! Tests of the table: columns that repeat a fact agree with each other and with the model.

use super::{Default, Form, Given, HOST, HostSettings, VM, VmSettings, find};
use crate::config::settings_text::lines;
use crate::model::tests::vm;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_spelling_leads_to_its_row_and_to_no_other() {
    let mut seen = BTreeSet::new();
    for setting in &VM {
        for name in setting.names() {
            assert!(seen.insert(name), "{name} twice");
            assert_eq!(name.contains('N'), setting.slots.is_some(), "{name}");
            let name = super::numbered(name, 7);
            let number = if setting.slots.is_some() { 7 } else { 0 };
            assert_eq!(find(&name), Some((setting, number)), "{name}");
        }
    }
    for none in [
        "",
        "_",
        "hd",
        "hd01",
        "hdN",
        "hd-1",
        "if0_",
        "if_bridge",
        "idx",
        "Id",
    ] {
        assert_eq!(find(none), None, "{none}");
    }
    assert_eq!(
        find("hd256").map(|(row, number)| (row.name, number)),
        Some(("hdN", 256))
    );
}

#[test]
fn a_default_is_a_value_that_its_setting_takes() {
    for setting in &HOST {
        if let Default::Value(text) = setting.default {
            let read = (setting.read)(&mut HostSettings::default(), Given::by_default(text));
            assert_eq!(read, Ok(()), "{}", setting.name);
        }
    }
    for setting in &VM {
        if let Default::Value(text) = setting.default {
            let read = (setting.read)(&mut VmSettings::default(), Given::by_default(text));
            assert_eq!(read, Ok(()), "{}", setting.name);
        }
    }
}

#[test]
fn a_setting_takes_the_words_of_its_form_and_no_others() {
    fn check<Into: std::default::Default>(setting: &super::Setting<Into>) {
        let Form::OneOf(words) = setting.form else {
            return;
        };
        let read = |word| (setting.read)(&mut Into::default(), Given::by_default(word));
        for word in words {
            assert_eq!(read(word), Ok(()), "{}={word}", setting.name);
        }
        assert!(read("perhaps").is_err(), "{}", setting.name);
    }
    HOST.iter().for_each(check);
    VM.iter().for_each(check);
}

#[test]
fn a_vm_for_which_nobody_says_anything_has_the_defaults_of_the_table() {
    let config = crate::config::tests::config(b"bridge=bridge0 volroot=/vm a_id=1\n");
    let wanted = crate::config::resolve::Wanted::new(
        super::Need::Settings,
        crate::verb::Spelling::default(),
        Path::new("/dev"),
    );
    let vm = crate::config::resolve::vm(&config, "a", &wanted).unwrap();
    let lines = lines(&vm, "", Path::new("/dev"));
    for setting in VM
        .iter()
        .filter(|one| matches!(one.default, Default::Value(_)))
    {
        let name = setting.numbered(0);
        let line = lines.iter().find(|line| line.name == name).unwrap();
        assert!(setting.is_default(&line.value), "{line:?}");
    }
}

#[test]
fn what_is_always_shown_is_never_left_out() {
    for line in lines(&vm(), "vmhost", Path::new("/dev")) {
        let row = find(&line.name).map(|(row, _)| row);
        let may_be_left_out = row.is_some_and(|row| !row.always_shown);
        assert!(may_be_left_out || !line.is_usual, "{line:?}");
    }
}
