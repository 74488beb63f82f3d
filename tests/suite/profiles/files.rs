//! Files of the user's own profiles: who can change them, links, and what cannot be read.

use crate::place::{Place, Said};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

const CONFIG: &str =
    "bridge=none\nvolroot=zroot/vm\nmem=8G\nvm_id=1\nvm_cd0=/iso/x.iso\nvm_os=mine\n";
const MINE: &str = "[settings]\nwired = \"YES\"\n";

fn mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// `home/bin` with a configuration and a directory of profiles, and a program elsewhere.
fn place() -> Place {
    let place = Place::new();
    place.program("opt/bin/easy-bhyve");
    place.write("home/bin/easy-bhyve.conf", CONFIG);
    place.write("home/bin/os/mine.toml", MINE);
    for directory in ["", "home", "home/bin", "home/bin/os", "opt", "opt/bin"] {
        mode(place.path(directory), 0o755);
    }
    mode(place.path("home/bin/easy-bhyve.conf"), 0o644);
    mode(place.path("home/bin/os/mine.toml"), 0o644);
    place
}

fn resources(place: &Place) -> Said {
    let mut call = place.call(place.path("opt/bin/easy-bhyve"));
    call.env("HOME", place.path("home"))
        .args(["resources", "vm"]);
    Said::of(&call.output().unwrap())
}

/// The profile is refused for this reason.
#[track_caller]
fn refused(place: &Place, why: &str) {
    let said = resources(place);
    let file = place.shown("home/bin/os/mine.toml");
    let what = format!("could not read the profile {file}: ");
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(said.err.contains(&what), "{}", said.err);
    assert!(said.err.contains(why), "{}", said.err);
    // Where the configuration names it.
    assert!(said.err.contains("easy-bhyve.conf:6:7"), "{}", said.err);
}

#[track_caller]
fn accepted(place: &Place) {
    let said = resources(place);
    assert_eq!((said.status, said.err.as_str()), (Some(0), ""));
    assert!(said.out.contains("\nwired=YES\n"), "{}", said.out);
}

#[test]
fn a_profile_found_by_search_is_one_that_only_its_user_can_change() {
    let place = place();
    accepted(&place);
    mode(place.path("home/bin/os/mine.toml"), 0o666);
    refused(&place, "every user may write");
    mode(place.path("home/bin/os/mine.toml"), 0o644);
    mode(place.path("home/bin/os"), 0o777);
    refused(&place, "every user may write");
    // A configuration that is named is the caller's choice, with all that belongs to it.
    let mut call = place.call(place.path("opt/bin/easy-bhyve"));
    call.arg("--config")
        .arg(place.path("home/bin/easy-bhyve.conf"));
    let said = Said::of(&call.args(["resources", "vm"]).output().unwrap());
    assert_eq!((said.status, said.err.as_str()), (Some(0), ""));
}

#[test]
fn the_list_has_the_profiles_of_the_user_among_those_of_the_program() {
    let place = place();
    place.write("home/bin/os/debian.toml", "about = \"my own Debian\"\n");
    place.write("home/bin/os/wrong.toml", "x = 1\n");
    for own in ["debian", "wrong"] {
        mode(place.path(format!("home/bin/os/{own}.toml")), 0o644);
    }
    let list = |words: &[&str]| {
        let mut call = place.call(place.path("opt/bin/easy-bhyve"));
        call.env("HOME", place.path("home")).arg("os").args(words);
        let said = Said::of(&call.output().unwrap());
        assert_eq!(said.status, Some(1), "{said:?}");
        assert!(said.err.contains("unknown field `x`"), "{}", said.err);
        assert!(said.err.contains("os/wrong.toml:1:1"), "{}", said.err);
        said.out
    };
    let text = list(&[]);
    let lines = text.lines().skip(1);
    let names: Vec<&str> = lines
        .clone()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(names.is_sorted() && names.contains(&"freebsd"), "{names:?}");
    let own = lines.filter(|line| !line.ends_with("built in"));
    let own: Vec<Vec<&str>> = own
        .map(|line| {
            line.split("  ")
                .filter(|word| !word.is_empty())
                .map(str::trim)
                .collect()
        })
        .collect();
    let file = |name: &str| place.shown(&format!("home/bin/os/{name}.toml"));
    let files = ["debian", "mine", "wrong"].map(file);
    assert_eq!(
        own,
        [
            ["debian", "my own Debian", &files[0]],
            ["mine", "-", &files[1]],
            ["wrong", "-", &files[2]]
        ]
    );
    let json: serde_json::Value = serde_json::from_str(&list(&["--format", "json"])).unwrap();
    let profiles = json["profiles"].as_array().unwrap();
    assert_eq!(profiles.len(), names.len());
    for (profile, name) in profiles.iter().zip(names) {
        assert_eq!(profile["name"], name);
    }
}

#[test]
fn a_profile_that_the_group_may_write_is_a_finding() {
    let place = place();
    mode(place.path("home/bin/os/mine.toml"), 0o664);
    accepted(&place);
    let mut call = place.call(place.path("opt/bin/easy-bhyve"));
    call.env("HOME", place.path("home")).arg("check");
    let said = Said::of(&call.output().unwrap());
    assert!(said.out.contains("warning[group-writable]"), "{said:?}");
    assert!(said.out.contains("easy-bhyve.conf:6:7"), "{said:?}");
}

#[test]
fn a_link_leads_to_a_profile_and_one_that_leads_nowhere_is_an_error() {
    let place = place();
    let file = place.path("home/bin/os/mine.toml");
    fs::rename(&file, place.path("home/real.toml")).unwrap();
    symlink("../../real.toml", &file).unwrap();
    accepted(&place);
    fs::remove_file(place.path("home/real.toml")).unwrap();
    refused(&place, "No such file or directory");
}

#[test]
fn what_is_no_file_or_cannot_be_read_is_reported() {
    let place = place();
    let file = place.path("home/bin/os/mine.toml");
    if nix::unistd::geteuid().is_root() {
        println!("skipped for root, who may read every file: a profile without permissions");
    } else {
        mode(&file, 0o000);
        refused(&place, "Permission denied");
        mode(&file, 0o644);
    }
    fs::remove_file(&file).unwrap();
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    refused(&place, "a FIFO, not a regular file");
    fs::remove_file(&file).unwrap();
    fs::write(&file, vec![b'#'; 65 * 1024]).unwrap();
    let said = resources(&place);
    assert!(said.err.contains("longer than 64 KiB"), "{said:?}");
}

#[test]
fn a_file_os_beside_the_configuration_is_no_directory_of_profiles() {
    let place = place();
    fs::remove_dir_all(place.path("home/bin/os")).unwrap();
    place.write("home/bin/os", "mine");
    let said = resources(&place);
    assert!(
        said.err.contains("there is no profile \"mine\""),
        "{said:?}"
    );
}
