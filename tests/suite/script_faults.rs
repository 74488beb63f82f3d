//! The faults of the shell script, each under its number, unless a case in
//! `tests/cases/script_faults` shows it.

use crate::case::root;
use crate::place::Said;
use crate::setup::{VERBS, entries, links, listed, place, setup, total};
use std::fs;

/// The numbers of the faults that could destroy something (1 to 12) or broke the documentation (13 to 38).
const FAULTS: std::ops::RangeInclusive<u32> = 1..=38;

#[test]
fn every_fault_of_the_script_has_one_test() {
    let cases = fs::read_dir(root().join("tests/cases/script_faults")).unwrap();
    let cases = cases.map(|case| case.unwrap().file_name().into_string().unwrap());
    let here = include_str!("script_faults.rs").lines();
    let here = here.filter_map(|line| line.strip_prefix("fn fault_").map(str::to_owned));
    let mut numbers: Vec<u32> = cases.chain(here).map(|name| number(&name)).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, FAULTS.collect::<Vec<u32>>());
}

/// The number at the beginning of a name.
fn number(name: &str) -> u32 {
    let number = name.split('_').next().and_then(|word| word.parse().ok());
    number.unwrap_or_else(|| panic!("{name} begins with no number"))
}

/// The script removed every symbolic link below the directory, at any depth, and replaced files by
/// links of the same name.
#[test]
fn fault_08_setup_touches_no_link_and_no_file_that_is_not_its_own() {
    let place = place("a_id=1\n");
    place.write("elsewhere/easy-bhyve", "another program\n");
    place.write("bin/other", "another program\n");
    // Foreign links, named like links of an existing VM and of a missing one.
    for (name, target) in [
        ("a-boot", "../../elsewhere/easy-bhyve"),
        ("a-clean", "../other"),
        ("gone-boot", "../../elsewhere/easy-bhyve"),
        ("gone-clone", "/nowhere/easy-bhyve"),
        ("README", "../easy-bhyve"),
    ] {
        place.link(&format!("bin/eb/{name}"), target);
    }
    place.write("bin/eb/a-console", "a file\n");
    place.write("bin/eb/gone-console", "a file\n");
    fs::create_dir(place.path("bin/eb/a-clone")).unwrap();
    place.link("bin/eb/sub/gone-boot", "../../easy-bhyve");
    place.link("bin/eb/gone-history/gone-boot", "../../easy-bhyve");
    let before = entries(&place.path("bin/eb"));
    // An own link, of a VM that no longer exists.
    place.link("bin/eb/gone-shutdown", "../easy-bhyve");

    let said = setup(&place);
    let kept = ["boot", "clean", "clone", "console"];
    let made: Vec<&str> = VERBS
        .into_iter()
        .filter(|verb| !kept.contains(verb))
        .collect();
    let mut wanted = before.clone();
    wanted.extend(links("a", &made, "../easy-bhyve"));
    assert_eq!(entries(&place.path("bin/eb")), wanted);
    assert_eq!(
        fs::read_to_string(place.path("bin/eb/a-console")).unwrap(),
        "a file\n"
    );
    assert_eq!(
        fs::read_to_string(place.path("bin/eb/gone-console")).unwrap(),
        "a file\n"
    );
    for directory in ["bin/eb/sub", "bin/eb/gone-history"] {
        let inside = links("gone", &["boot"], "../../easy-bhyve");
        assert_eq!(entries(&place.path(directory)), inside);
    }
    let mut err = String::new();
    for verb in ["boot", "console", "clean", "clone"] {
        let link = place.shown(&format!("bin/eb/a-{verb}"));
        err.push_str(&format!(
            "easy-bhyve: {link} is not a link of easy-bhyve: not changed\n"
        ));
    }
    err.push_str(&listed("added", "a", &made));
    err.push_str(&total("added", made.len(), "a", &place.shown("bin/eb")));
    err.push_str(&listed("removed", "gone", &["shutdown"]));
    err.push_str(&total("removed", 1, "gone", &place.shown("bin/eb")));
    assert_eq!(said, Said::new(0, "", err));
}
