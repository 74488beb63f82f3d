//! A rename that was killed: what the next commands make of it.

use super::{datasets, home, host};
use crate::home::Home;
use crate::host::Host;

const NEW: &str = "www_id=2\nwww_hd1=/dev/zvol/zroot/vm/www-1\n";

/// `web` as it is after SIGKILL before its second disk: its lines and its first disk have the new name.
fn killed() -> Home {
    let host = host().with_commands(&["zfs rename zroot/vm/web zroot/vm/www"]);
    let home = Home::new(host, NEW);
    for name in ["web-boot", "web-log"] {
        home.link(name);
    }
    home.fake.write_log("web", None, "text\n");
    home
}

#[test]
fn a_rename_that_was_killed_is_undone_by_its_opposite() {
    let mut home = killed();
    let said = home.does("rename www web -f");
    assert!(
        said.err
            .contains("hd1 has its new name already: zroot/vm/web-1\n"),
        "{said:?}"
    );
    assert_eq!(home.vms(), "web_id=2\nweb_hd1=/dev/zvol/zroot/vm/web-1\n");
    assert_eq!(datasets(&home), ["web", "web-1", "web0", "web_data"]);
    assert_eq!(
        home.links(),
        ["web-boot", "web-log"].map(str::to_owned).into()
    );
    home.does("rename web www -f");
    assert_eq!(datasets(&home), ["web0", "web_data", "www", "www-1"]);
    assert_eq!(
        home.links(),
        ["www-boot", "www-log"].map(str::to_owned).into()
    );
}

#[test]
fn a_disk_that_is_missing_since_then_is_named() {
    let help = "there is a disk of web, which is no VM: if a rename of web was interrupted, \
                undo it: easy-bhyve rename www web\n";
    let mut home = killed();
    let err = home.refuses("boot www", 1);
    assert!(
        err.contains("/dev/zvol/zroot/vm/www-1 does not exist\n"),
        "{err}"
    );
    assert!(err.contains(help), "{err}");
    // Killed before the first disk: web0 and web_data have other VMs.
    let others = "web0_id=3\nweb_data_id=4\n";
    let vms = format!("{others}www_id=2\n");
    for trace in ["links", "log"] {
        let mut home = Home::new(host(), &vms);
        match trace {
            "links" => home.link("web-log"),
            _ => home.fake.write_log("web", None, "text\n"),
        }
        let err = home.refuses("boot www", 1);
        assert!(err.contains(help), "{trace}: {err}");
    }
    // Killed before the second disk; the VM had neither links nor a log.
    let moved = host().with_commands(&["zfs rename zroot/vm/web zroot/vm/www"]);
    let err = Home::new(moved, NEW).refuses("boot www", 1);
    assert!(err.contains(help), "{err}");
    // Any of several could be meant.
    let mut home = Home::new(host(), "www_id=2\n");
    for name in ["web-boot", "web0-boot"] {
        home.link(name);
    }
    let err = home.refuses("boot www", 1);
    assert!(!err.contains("interrupted"), "{err}");
}

#[test]
fn a_disk_of_no_vm_without_a_trace_of_a_rename_is_not_offered() {
    let kept = |vms: &str| {
        let host = Host::freebsd(14).with_volume("zroot/vm/web", 1 << 30);
        Home::new(host, vms)
    };
    // The disk of a destroyed VM stays.
    let mut home = kept("web_id=2\nnext_id=3\n");
    home.link("web-boot");
    home.fake.write_log("web", Some("old\n"), "text\n");
    home.does("destroy web -f");
    let err = home.refuses("boot next", 1);
    assert!(err.contains("/dev/zvol/zroot/vm/next does not exist\n"));
    assert!(!err.contains("interrupted"), "{err}");
    // A clone that has no lines yet.
    let mut home = kept("web_id=2\nnext_id=3\n");
    home.does("clone web test");
    let err = home.refuses("boot next", 1);
    assert!(!err.contains("interrupted"), "{err}");
}

#[test]
fn a_file_with_both_names_loses_the_old_one() {
    let both = host().with_commands(&["ln -P /vm/web /vm/www"]);
    let mut home = Home::whole(both, "bridge=bridge0 volroot=/vm\nweb_id=1\n");
    home.does("rename web www -f");
    let host = home.fake.host();
    assert!(host.files().exists("/vm/www".as_ref()) && !host.files().exists("/vm/web".as_ref()));
    drop(host);
    // Another file of the new name is not touched.
    let other = self::host().with_image("/vm/www", 1 << 30);
    let mut home = Home::whole(other, "bridge=bridge0 volroot=/vm\nweb_id=1\n");
    let err = home.refuses("rename web www -f", 1);
    assert!(err.contains("/vm/www already exists\n"), "{err}");
}

#[test]
fn a_link_of_another_program_is_not_taken_for_one_that_was_left() {
    let mut home = home();
    let links = home.file().with_file_name("eb");
    std::os::unix::fs::symlink("/bin/sh", links.join("www-boot")).unwrap();
    let err = home.refuses("rename web www -f", 2);
    assert!(err.contains("HERE/eb/www-boot already exists\n"), "{err}");
}
