//! Which of several files is edited, and the remaining state if a file cannot be written.

use super::{HOST, say, vms};
use crate::place::{Place, Said};
use nix::unistd::{Uid, gethostname};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// A user without files.
const SOMEBODY: u32 = 1234;

/// The overlay of this host.
fn overlay() -> String {
    let name = gethostname().unwrap().into_string().unwrap();
    format!("bin/easy-bhyve-{}.conf", name.split('.').next().unwrap())
}

/// `bin/easy-bhyve` with a common configuration and the host's own.
fn two(common: &str, own: &str) -> Place {
    let place = Place::new();
    place.program("bin/easy-bhyve");
    place.write("bin/easy-bhyve.conf", format!("{HOST}{common}"));
    place.write(&overlay(), own);
    place
}

fn text(place: &Place, file: &str) -> String {
    let text = fs::read_to_string(place.path(file)).unwrap();
    text.strip_prefix(HOST).unwrap_or(&text).to_owned()
}

/// Calls with these words, and asserts the result.
#[track_caller]
fn both(place: &Place, words: &[&str], common: &str, own: &str) -> Said {
    let mut call = place.call(place.path("bin/easy-bhyve"));
    let output = call.args(words).env("EASY_BHYVE_PATH", "/bin:/usr/bin");
    let said = Said::of(&output.output().unwrap());
    assert_eq!(text(place, "bin/easy-bhyve.conf"), common, "{said:?}");
    assert_eq!(text(place, &overlay()), own, "{said:?}");
    said
}

#[test]
fn a_key_is_edited_in_the_file_whose_value_applies_and_a_new_key_is_added_beside_the_id() {
    let place = two("a_id=1 a_mem=1G\nb_id=2\n", "a_mem=2G\nc_id=3\n");
    let common = "a_id=1 a_mem=1G\na_cpu=2\nb_id=2\n";
    let said = both(
        &place,
        &["set", "a", "mem=3G", "cpu=2"],
        common,
        "a_mem=3G\nc_id=3\n",
    );
    let err = format!(
        "easy-bhyve: {}:1:1: a_mem=3G (was 2G)\neasy-bhyve: {}:3:1: a_cpu=2 (new)\n",
        place.shown(&overlay()),
        place.shown("bin/easy-bhyve.conf")
    );
    assert_eq!(said, Said::new(0, "", err));
    both(
        &place,
        &["set", "c", "mem=1G"],
        common,
        "a_mem=3G\nc_id=3\nc_mem=1G\n",
    );
}

#[test]
fn a_new_vm_is_added_to_the_common_file_or_to_a_named_one() {
    let place = two("a_id=1", "b_id=0\n\n");
    let common = "a_id=1\n\nc_id=2";
    both(&place, &["new", "c"], common, "b_id=0\n\n");
    let own = overlay();
    both(
        &place,
        &["new", "d", "mem=1G", "--file", &own, "gpt=gpt2"],
        common,
        "b_id=0\n\nd_id=3\nd_mem=1G\nd_gpt=gpt2\n",
    );
    place.write("other.conf", "");
    let said = both(
        &place,
        &["new", "e", "--file", "other.conf"],
        common,
        "b_id=0\n\nd_id=3\nd_mem=1G\nd_gpt=gpt2\n",
    );
    let (other, first) = (
        place.shown("other.conf"),
        place.shown("bin/easy-bhyve.conf"),
    );
    let err = format!(
        "easy-bhyve: {other} is not a file of the configuration: a VM in that file would not be found\n  \
         help: files of the configuration: {first} and {}\n",
        place.shown(&own)
    );
    assert_eq!(said, Said::new(2, "", err));
}

#[test]
fn an_included_file_is_edited_in_its_own_place() {
    let place = Place::new();
    place.write("c.conf", format!("{HOST}. ./vms/more.conf\na_cpu=2\n"));
    place.write("vms/more.conf", "a_id=1\n");
    let said = say(&place, &["set", "a", "mem=1G", "cpu=3"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    assert_eq!(vms(&place), b". ./vms/more.conf\na_cpu=3\n");
    assert_eq!(text(&place, "vms/more.conf"), "a_id=1\na_mem=1G\n");
}

/// Calls as a user without the rights of root.
fn as_somebody(place: &Place, words: &[&str]) -> Said {
    let mut call: Command = place.call(place.path("easy-bhyve"));
    call.env("EASY_BHYVE_CONFIG", place.path("c.conf"))
        .env("EASY_BHYVE_PATH", "/bin:/usr/bin")
        .args(words);
    if Uid::effective().is_root() {
        call.uid(SOMEBODY).gid(SOMEBODY);
    }
    Said::of(&call.output().unwrap())
}

#[test]
fn a_file_that_cannot_be_written_stays_unchanged() {
    for (mode, directory) in [(0o400, 0o700), (0o600, 0o500)] {
        let place = super::place("a_id=1\n");
        place.program("easy-bhyve");
        let file = place.path("c.conf");
        if Uid::effective().is_root() {
            for path in [&file, &place.path("")] {
                chown(path, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
            }
        }
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        fs::set_permissions(place.path(""), Permissions::from_mode(directory)).unwrap();
        let said = as_somebody(&place, &["set", "a", "mem=1G"]);
        fs::set_permissions(place.path(""), Permissions::from_mode(0o700)).unwrap();
        let begins = format!(
            "easy-bhyve: could not replace {}: Permission denied",
            place.shown("c.conf")
        );
        assert_eq!(said.status, Some(1));
        assert!(said.err.starts_with(&begins), "{said:?}");
        assert!(
            said.err
                .ends_with("  help: check the owners of the file and its directory with ls -ld\n"),
            "{said:?}"
        );
        assert_eq!(vms(&place), b"a_id=1\n");
        assert_eq!(super::names(&place), ["c.conf", "easy-bhyve"]);
    }
}

#[test]
fn the_wait_for_a_file_that_another_process_has_locked_is_bounded() {
    let place = super::place("a_id=1\n");
    let file = fs::File::open(place.path("c.conf")).unwrap();
    file.lock_shared().unwrap();
    let said = say(&place, &["set", "a", "mem=1G"]);
    let err = format!(
        "easy-bhyve: could not replace {}: another process has locked the file\n  \
         help: repeat the command, which reads the current file\n",
        place.shown("c.conf")
    );
    assert_eq!(said, Said::new(1, "", err));
    assert_eq!(vms(&place), b"a_id=1\n");
    drop(file);
    assert_eq!(say(&place, &["set", "a", "mem=1G"]).status, Some(0));
}

#[test]
fn a_run_and_its_script_keep_the_owner_and_group_of_a_file() {
    if !Uid::effective().is_root() {
        // No other user has files.
        return;
    }
    for (owner, group) in [(SOMEBODY, 0), (0, SOMEBODY)] {
        let place = super::place("a_id=1\n");
        place.program("easy-bhyve");
        let file = place.path("c.conf");
        chown(place.path(""), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        chown(&file, Some(owner), Some(group)).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o660)).unwrap();
        let script = as_somebody(&place, &["set", "a", "mem=1G", "-d", "--format", "sh"]);
        assert_eq!(script.status, Some(0), "{script:?}");
        let mut sh = Command::new("/bin/sh");
        sh.arg("-c").arg(&script.out).uid(SOMEBODY).gid(SOMEBODY);
        let of_script = Said::of(&sh.output().unwrap());
        let of_run = as_somebody(&place, &["set", "a", "mem=1G"]);
        assert_eq!(
            (of_run.status, of_script.status),
            (Some(1), Some(1)),
            "{of_script:?}"
        );
        assert!(of_script.err.starts_with("chown: "), "{of_script:?}");
        let about = fs::metadata(&file).unwrap();
        assert_eq!((about.uid(), about.gid()), (owner, group));
        assert_eq!(vms(&place), b"a_id=1\n");
        assert_eq!(super::names(&place), ["c.conf", "easy-bhyve"]);
    }
}

#[test]
fn the_change_of_the_first_file_is_undone_if_the_second_cannot_be_written() {
    let place = Place::new();
    place.write("c.conf", format!("{HOST}a_id=1\n. ./more/c.conf\n"));
    place.write("more/c.conf", "a_mem=1G\n");
    place.program("easy-bhyve");
    if Uid::effective().is_root() {
        for below in ["", "c.conf", "more", "more/c.conf"] {
            chown(place.path(below), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        }
    }
    fs::set_permissions(place.path("more"), Permissions::from_mode(0o500)).unwrap();
    let said = as_somebody(&place, &["set", "a", "cpu=2", "mem=2G"]);
    fs::set_permissions(place.path("more"), Permissions::from_mode(0o700)).unwrap();
    let undone = format!("  undone: the change of {}\n", place.shown("c.conf"));
    assert_eq!(said.status, Some(1));
    assert!(said.err.contains(&undone), "{said:?}");
    assert_eq!(vms(&place), b"a_id=1\n. ./more/c.conf\n");
    assert_eq!(text(&place, "more/c.conf"), "a_mem=1G\n");
}

#[test]
fn a_value_that_is_set_already_is_not_written() {
    let place = super::place("a_id=1 a_mem=\"1\"G\n");
    let before = fs::metadata(place.path("c.conf")).unwrap();
    let said = say(&place, &["set", "a", "mem=1G", "cpu="]);
    let err = format!(
        "easy-bhyve: {}:2:8: a_mem is already 1G\neasy-bhyve: a_cpu is not set\n",
        place.shown("c.conf")
    );
    assert_eq!(said, Said::new(0, "", err));
    let after = fs::metadata(place.path("c.conf")).unwrap();
    assert_eq!(before.ino(), after.ino());
}
