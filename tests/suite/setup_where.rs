//! The directory in which `setup` makes its links, and how they lead to the program.

use crate::place::{Place, Said};
use crate::setup::{ALL, HOST, VERBS, call, entries, links, listed, place, setup, total};
use std::fs;
use std::path::Path;

#[test]
fn ebdir_may_be_relative_absolute_and_have_blanks() {
    for (ebdir, target) in [
        ("eb", "../easy-bhyve"),
        ("with blank", "../easy-bhyve"),
        ("./eb2/", "../easy-bhyve"),
        ("../beside", "../bin/easy-bhyve"),
        (".", "easy-bhyve"),
    ] {
        let place = place(&format!("ebdir='{ebdir}'\na_id=1\n"));
        assert_eq!(setup(&place).status, Some(0), "{ebdir}");
        let directory = place.path("bin").join(ebdir).canonicalize().unwrap();
        let link = directory.join("a-boot");
        let found = link.canonicalize().unwrap();
        assert_eq!(found, place.path("bin/easy-bhyve"), "{ebdir}");
        assert_eq!(fs::read_link(&link).unwrap(), Path::new(target), "{ebdir}");
        let again = setup(&place);
        assert!(
            again
                .err
                .ends_with(&format!(" has {ALL} links, as before\n")),
            "{ebdir}: {again:?}"
        );
    }
    let place = Place::new();
    let program = place.program("bin/easy-bhyve");
    let ebdir = place.shown("some/where");
    place.write(
        "bin/easy-bhyve.conf",
        format!("{HOST}ebdir='{ebdir}'\na_id=1\n"),
    );
    let said = setup(&place);
    let err = listed("added", "a", &VERBS) + &total("added", ALL, "a", &place.shown("some/where"));
    assert_eq!(said, Said::new(0, "", err));
    assert_eq!(
        entries(&place.path("some/where")),
        links("a", &VERBS, &program)
    );
}

#[test]
fn a_program_outside_the_directory_gives_absolute_links() {
    let place = Place::new();
    let program = place.program("opt/easy-bhyve");
    place.write("home/bin/easy-bhyve.conf", format!("{HOST}a_id=1\n"));
    let mut call = call(&place, "opt/easy-bhyve", &[]);
    call.env("HOME", place.path("home"));
    let said = Said::of(&call.output().unwrap());
    let err = total("added", ALL, "a", &place.shown("home/bin/eb"));
    assert_eq!(said, Said::new(0, "", err));
    assert_eq!(
        entries(&place.path("home/bin/eb")),
        links("a", &VERBS, &program)
    );
    // A link to the program above the directory is used as well, and shortens them.
    place.link("home/bin/easy-bhyve", &program);
    assert_eq!(Said::of(&call.output().unwrap()).status, Some(0));
    assert_eq!(
        entries(&place.path("home/bin/eb")),
        links("a", &VERBS, "../easy-bhyve")
    );
}
