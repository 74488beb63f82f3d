//! Tests of the names.

use super::{Dataset, IfName, SnapName, TapName, VmId, VmName};

#[test]
fn ids_end_where_tap_units_do() {
    for (text, id) in [("0", 0), ("32767", 32767), ("007", 7)] {
        assert_eq!(VmId::parse(text), Ok(VmId(id)));
    }
    for text in ["abc", "-1", "+1", "32768", "65536", "0x1f", "1 "] {
        assert!(VmId::parse(text).is_err(), "{text}");
    }
}

#[test]
fn vm_names_are_letters_digits_and_underscores() {
    for good in ["a", "fbsd0", "web_1", "Z9_"] {
        assert_eq!(VmName::parse(good).expect(good).as_str(), good);
    }
    for bad in ["", "0a", "_a", "a-b", "a b", "a.b", "ä", &"a".repeat(201)] {
        assert!(VmName::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_text_that_is_no_vm_name_has_a_like_one() {
    for (text, like) in [
        ("obsd-dev", Some("obsd_dev")),
        ("web.1", Some("web_1")),
        ("0a", Some("vm0a")),
        ("-x-", Some("x")),
        ("", None),
        ("--", None),
    ] {
        let found = VmName::like(text);
        assert_eq!(found.as_ref().map(VmName::as_str), like, "{text}");
    }
}

#[test]
fn a_named_interface_knows_the_cloner_that_makes_it() {
    let name = |text| IfName::parse(text).expect(text);
    assert_eq!(name("bridge0").renamed_from("bridge"), None);
    assert_eq!(name("lan").renamed_from("bridge"), Some("bridge"));
    assert_eq!(name("bridge").renamed_from("bridge"), Some("bridge"));
    assert!(IfName::parse("tap0,mac=1").is_err());
    assert!(IfName::parse("a-name-too-long-x").is_err());
}

#[test]
fn taps_are_what_bhyve_takes_for_one() {
    for good in ["tap0", "tap32767", "vmnet3", "tapweb"] {
        assert_eq!(TapName::parse(good).expect(good).to_string(), good);
    }
    for bad in ["igb0", "tap32768", "tap01", "epair0a", "tap/0"] {
        assert!(TapName::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn datasets_are_what_zfs_takes() {
    for good in ["zroot", "zroot/vm/a", "tank/with blank/x.y-z:1"] {
        assert_eq!(Dataset::parse(good).expect(good).as_str(), good);
    }
    for bad in [
        "",
        "/vm",
        "zroot//a",
        "zroot/vm/",
        "z/..",
        "z/a@b",
        "z/ä",
        "z/50%",
    ] {
        assert!(Dataset::parse(bad).is_err(), "{bad}");
    }
    assert!(SnapName::parse("_202611232306-before_x").is_ok());
    assert!(SnapName::parse("a/b").is_err());
}
