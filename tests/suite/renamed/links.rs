//! The links of a VM that is renamed, and files that cannot be written.

use super::{RENAMED, VMS, host};
use crate::home::Home;
use easy_bhyve::host::Interruption;
use std::collections::BTreeSet;
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

const LINKS: [&str; 4] = ["boot", "console", "log", "shutdown"];

fn home() -> Home {
    let home = Home::new(host(), VMS);
    for verb in LINKS {
        home.link(&format!("web-{verb}"));
    }
    home
}

#[test]
fn the_links_have_one_name_at_every_moment_at_which_a_rename_can_end() {
    let names = |vm: &str| -> BTreeSet<String> {
        LINKS
            .map(|verb| format!("{vm}-{verb}"))
            .into_iter()
            .collect()
    };
    let (old, new) = (names("web"), names("www"));
    let mut moments = 0;
    for at in 1..200 {
        let mut home = home();
        home.fake.interrupted = Some((at, Interruption::Signal(15)));
        let said = home.call("rename web www -f");
        if said.status == 0 {
            assert_eq!(home.links(), new);
            break;
        }
        assert_eq!(home.links(), old, "{at}: {said:?}");
        moments += u32::from(home.vms() == RENAMED);
    }
    // Before each link that is made, and before each that is removed.
    assert!(moments >= 8, "only {moments} moments among the links");
}

#[test]
fn what_cannot_be_written_is_refused_by_a_preview_too() {
    for (path, words) in [
        ("easy-bhyve.conf", "rename web www -f"),
        ("eb", "rename web www -f"),
        ("easy-bhyve.conf", "disk web 1G"),
        ("easy-bhyve.conf", "clone web kid --add"),
        ("eb", "clone web kid --add"),
    ] {
        let mut home = home();
        let path = home.file().with_file_name(path);
        let mode = if path.is_dir() { 0o555 } else { 0o444 };
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let (run, shown) = (home.call(words), home.call(&format!("{words} -d")));
        set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        assert_eq!((run.status, shown.status), (1, 1), "{words}: {shown:?}");
        let last = |err: &str| err.lines().last().map(str::to_owned);
        assert_eq!(last(&run.err), last(&shown.err), "{words}");
        assert!(run.err.contains("ermission denied"), "{run:?}");
    }
}
