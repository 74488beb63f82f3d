//! `setup --man`: the manual pages below a directory.

use crate::place::{PROGRAM, Place, Said};
use std::fs;

const FILES: [(&str, &str); 4] = [
    ("man1/easy-bhyve.1", "1"),
    ("man5/easy-bhyve.conf.5", "5"),
    ("man7/easy-bhyve-examples.7", "7"),
    ("ja.UTF-8/man1/easy-bhyve.1", "ja"),
];

fn called(place: &Place, words: &[&str]) -> Said {
    let output = place.call(PROGRAM).args(words).output().unwrap();
    Said::of(&output)
}

/// The pages are there as `man --source` prints them.
fn assert_installed(place: &Place) {
    for (file, page) in FILES {
        let installed = fs::read_to_string(place.path(format!("man/{file}"))).unwrap();
        assert_eq!(
            installed,
            called(place, &["man", "--source", page]).out,
            "{file}"
        );
    }
}

#[test]
fn every_page_is_written_where_man_looks_for_it_without_a_configuration() {
    let place = Place::new();
    let directory = place.path("man");
    let directory = directory.to_str().unwrap();
    let said = called(&place, &["setup", "--man", directory]);
    let wrote = format!("easy-bhyve: wrote the manual pages below {directory}\n");
    assert_eq!(said, Said::new(0, "", &wrote));
    assert_installed(&place);

    let said = called(&place, &["setup", "--man", directory]);
    let same = format!("easy-bhyve: the manual pages below {directory} are up to date\n");
    assert_eq!(said, Said::new(0, "", &same));
}

#[test]
fn a_page_of_an_earlier_version_is_replaced() {
    let place = Place::new();
    let directory = place.path("man");
    fs::create_dir_all(directory.join("man5")).unwrap();
    fs::write(directory.join("man5/easy-bhyve.conf.5"), "older\n").unwrap();
    let said = called(&place, &["setup", "--man", directory.to_str().unwrap()]);
    assert_eq!(said.status, Some(0), "{said:?}");
    assert_installed(&place);
}

#[test]
fn a_dry_run_shows_the_files_and_writes_none() {
    let place = Place::new();
    let directory = place.path("man");
    let said = called(
        &place,
        &["setup", "-d", "--man", directory.to_str().unwrap()],
    );
    assert_eq!(said.status, Some(0), "{said:?}");
    for (file, page) in FILES {
        let lines = called(&place, &["man", "--source", page])
            .out
            .lines()
            .count();
        let shown = format!("{file}: {lines} lines\n");
        assert!(said.out.contains(&shown), "{shown}: {}", said.out);
    }
    assert!(said.out.lines().count() < 20, "{}", said.out);
    assert!(!directory.exists());
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let place = Place::new();
    fs::write(place.path("man"), "a file").unwrap();
    let directory = place.path("man");
    let said = called(&place, &["setup", "--man", directory.to_str().unwrap()]);
    assert_eq!((said.status, said.out.as_str()), (Some(1), ""));
    assert!(
        said.err.contains(directory.to_str().unwrap()),
        "{}",
        said.err
    );
}
