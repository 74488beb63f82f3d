//! A configuration that was found by the search is read only if no other user controls its content.

use super::{config, overlay};
use crate::place::{PROGRAM, Place, Said};
use crate::wait;
use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Users without a relation to the caller.
const SOMEBODY: u32 = 1234;
const ANOTHER: u32 = 1235;

fn mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// `home/bin` with a configuration, and a program elsewhere.
fn place() -> Place {
    let place = Place::new();
    place.program("opt/bin/easy-bhyve");
    place.write("home/bin/easy-bhyve.conf", config("1G"));
    for directory in ["", "home", "home/bin", "opt", "opt/bin"] {
        mode(place.path(directory), 0o755);
    }
    mode(place.path("home/bin/easy-bhyve.conf"), 0o644);
    place
}

fn call(place: &Place, words: &[&str]) -> Command {
    let mut call = place.call(place.path("opt/bin/easy-bhyve"));
    call.env("HOME", place.path("home")).args(words);
    call
}

fn say(call: Command) -> Said {
    Said::of(&wait::output_of(call))
}

fn resources(place: &Place) -> Said {
    say(call(place, &["resources", "vm"]))
}

/// The message that refuses this place's configuration.
fn refused(place: &Place, why: &str, helps: &[String]) -> Said {
    let file = place.shown("home/bin/easy-bhyve.conf");
    let mut err = format!("easy-bhyve: the configuration {file} is refused: {why}\n");
    for help in helps {
        err.push_str(&format!("  help: {help}\n"));
    }
    err.push_str(&format!(
        "  help: to use this file nevertheless, name it: --config {file}\n"
    ));
    Said::new(1, "", err)
}

#[test]
fn a_file_that_every_user_may_write_is_refused_unless_it_is_named() {
    for (below, bits, is_sticky) in [
        ("home/bin/easy-bhyve.conf", 0o646, false),
        ("home/bin", 0o757, false),
        ("home/bin", 0o1777, true),
    ] {
        let place = place();
        mode(place.path(below), bits);
        let shown = place.shown(below);
        let why = format!("every user may write {shown}");
        let helps = if is_sticky {
            Vec::new()
        } else {
            vec![format!("chmod o-w {shown}")]
        };
        assert_eq!(resources(&place), refused(&place, &why, &helps));
        // Every verb reads it.
        for words in [
            &["list"][..],
            &["check"],
            &["set", "vm", "mem=2G"],
            &["boot", "vm", "-d"],
        ] {
            assert_eq!(
                say(call(&place, words)),
                refused(&place, &why, &helps),
                "{words:?}"
            );
        }
        let named = place.shown("home/bin/easy-bhyve.conf");
        let said = say(call(&place, &["--config", &named, "resources", "vm"]));
        assert_eq!((said.status, said.err.as_str()), (Some(0), ""));
        let mut by_variable = call(&place, &["resources", "vm"]);
        by_variable.env("EASY_BHYVE_CONFIG", &named);
        assert_eq!(say(by_variable).status, Some(0));
        mode(place.path(below), bits & 0o755);
        assert_eq!(resources(&place).status, Some(0));
    }
}

#[test]
fn the_file_of_this_host_and_included_files_are_checked_as_well() {
    let place = place();
    let own = place.write(&format!("home/bin/{}", overlay()), "vm_cpu=2\n");
    mode(&own, 0o666);
    let said = resources(&place);
    let why = format!("is refused: every user may write {}\n", own.display());
    assert_eq!(said.status, Some(1));
    assert!(said.err.contains(&why), "{said:?}");
    fs::remove_file(own).unwrap();

    place.write("home/bin/easy-bhyve.conf", config("1G") + ". ./more/vms\n");
    let more = place.write("home/bin/more/vms", "vm_cpu=2\n");
    mode(&more, 0o644);
    mode(place.path("home/bin/more"), 0o755);
    assert_eq!(resources(&place).status, Some(0));
    for (path, bits) in [(more.clone(), 0o646), (place.path("home/bin/more"), 0o777)] {
        mode(&path, bits);
        let said = resources(&place);
        let shown = path.display();
        assert_eq!((said.status, said.out.as_str()), (Some(1), ""));
        for part in [
            format!("/more/vms is refused: every user may write {shown}\n"),
            format!("help: chmod o-w {shown}\n"),
            "help: to use this configuration nevertheless, name it: --config FILE\n".into(),
            "easy-bhyve.conf:2:3".into(),
        ] {
            assert!(said.err.contains(&part), "{part} is not in {}", said.err);
        }
        let said = say(call(&place, &["check"]));
        assert!(said.out.contains("error[include-foreign]"), "{said:?}");
        // The user who names a file trusts its includes.
        let named = place.shown("home/bin/easy-bhyve.conf");
        let said = say(call(&place, &["--config", &named, "resources", "vm"]));
        assert_eq!(said.status, Some(0), "{said:?}");
        mode(&path, bits & 0o755);
    }
}

#[test]
fn a_link_leads_to_a_file_whose_directory_is_checked_as_the_links_own() {
    let place = place();
    let real = place.write("dots/c.conf", config("2G"));
    fs::remove_file(place.path("home/bin/easy-bhyve.conf")).unwrap();
    place.link("home/bin/easy-bhyve.conf", &real);
    mode(&real, 0o644);
    mode(place.path("dots"), 0o755);
    assert_eq!(resources(&place).status, Some(0));
    for below in ["dots/c.conf", "dots", "home/bin"] {
        let path = place.path(below);
        mode(&path, 0o777);
        let why = format!("every user may write {}", place.shown(below));
        let help = format!("chmod o-w {}", place.shown(below));
        assert_eq!(resources(&place), refused(&place, &why, &[help]));
        mode(&path, 0o755);
    }
}

#[test]
fn check_warns_of_a_file_that_the_group_may_write() {
    for (below, bits) in [("home/bin/easy-bhyve.conf", 0o664), ("home/bin", 0o775)] {
        let place = place();
        mode(place.path(below), bits);
        let shown = place.shown(below);
        assert_eq!(
            (resources(&place).status, resources(&place).err.as_str()),
            (Some(0), "")
        );
        let said = say(call(&place, &["check"]));
        assert_eq!(said.status, Some(0), "{said:?}");
        for part in [
            format!("warning[group-writable]: the group may write {shown}\n"),
            format!("{}:1:1\n", place.shown("home/bin/easy-bhyve.conf")),
            format!("help: to deny changes by members of the group: chmod g-w {shown}\n"),
        ] {
            assert!(said.out.contains(&part), "{part} is not in {}", said.out);
        }
        mode(place.path(below), 0o755);
        let said = say(call(&place, &["check"]));
        assert!(!said.out.contains("group-writable"), "{said:?}");
    }
}

#[test]
fn a_path_that_is_not_a_file_is_refused_without_a_wait() {
    let place = place();
    let file = place.path("home/bin/easy-bhyve.conf");
    fs::remove_file(&file).unwrap();
    mkfifo(&file, Mode::from_bits_truncate(0o600)).unwrap();
    let shown = file.display().to_string();
    let err = format!(
        "easy-bhyve: could not read the configuration {shown}: a FIFO, not a regular file\n  \
         help: name a file with --config FILE\n"
    );
    assert_eq!(resources(&place), Said::new(1, "", &*err));
    let said = say(call(&place, &["--config", &shown, "resources", "vm"]));
    assert_eq!(said, Said::new(1, "", &*err));
    for (path, what) in [("/dev/null", "a device"), ("home/bin", "a directory")] {
        let said = say(call(&place, &["--config", path, "resources", "vm"]));
        let tail = format!("{what}, not a regular file\n  help: name a file with --config FILE\n");
        assert_eq!(said.status, Some(1));
        assert!(said.err.ends_with(&tail), "{said:?}");
    }
    let main = place.write("main.conf", config("1G") + &format!(". {shown}\n"));
    let main = main.display().to_string();
    let said = say(call(&place, &["--config", &main, "resources", "vm"]));
    assert_eq!(said.status, Some(1));
    assert!(
        said.err.contains("a FIFO, not a regular file\n"),
        "{said:?}"
    );
}

#[test]
fn a_file_of_another_user_is_refused() {
    if !Uid::effective().is_root() {
        // The gate runs this as root, too.
        println!("not tested: only root can give files to another user");
        return;
    }
    for below in ["home/bin/easy-bhyve.conf", "home/bin"] {
        let place = place();
        chown(place.path(below), Some(SOMEBODY), None).unwrap();
        let shown = place.shown(below);
        let why = format!("{shown} belongs to uid {SOMEBODY}, who is neither you nor root");
        assert_eq!(resources(&place), refused(&place, &why, &[]));
        // A file of the caller is read; that of another user is not.
        for (caller, status) in [(SOMEBODY, 0), (ANOTHER, 1)] {
            let mut call = call(&place, &["resources", "vm"]);
            call.uid(caller).gid(caller);
            // These variables count for root only.
            call.env("SUDO_UID", SOMEBODY.to_string());
            assert_eq!(say(call).status, Some(status), "{caller}");
        }
        // For root they name the user who became root for the call, and no other user.
        for (name, value, status) in [
            ("SUDO_UID", SOMEBODY.to_string(), 0),
            ("SUDO_UID", ANOTHER.to_string(), 1),
            ("SUDO_UID", "nonsense".to_owned(), 1),
            ("DOAS_USER", "root".to_owned(), 1),
            ("DOAS_USER", "no such user".to_owned(), 1),
        ] {
            let mut call = call(&place, &["resources", "vm"]);
            call.env(name, &value);
            assert_eq!(say(call).status, Some(status), "{name}={value}");
        }
    }
}

#[test]
fn root_reads_the_files_of_the_user_that_doas_names() {
    if !Uid::effective().is_root() {
        println!("not tested: only root can give files to another user");
        return;
    }
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let place = place();
    chown(
        place.path("home/bin/easy-bhyve.conf"),
        Some(nobody.uid.as_raw()),
        None,
    )
    .unwrap();
    assert_eq!(resources(&place).status, Some(1));
    let mut call = call(&place, &["resources", "vm"]);
    call.env("DOAS_USER", "nobody");
    assert_eq!(say(call).status, Some(0));
}

#[test]
fn the_directory_of_a_called_link_is_checked_too() {
    let place = Place::new();
    place.write("t/easy-bhyve.conf", config("1G"));
    place.link("t/vm-resources", PROGRAM);
    mode(place.path("t/easy-bhyve.conf"), 0o644);
    mode(place.path("t"), 0o1777);
    let said = Said::of(&wait::output_of(place.call(place.path("t/vm-resources"))));
    assert_eq!((said.status, said.out.as_str()), (Some(1), ""));
    let why = format!("is refused: every user may write {}\n", place.shown("t"));
    assert!(said.err.contains(&why), "{said:?}");
}
