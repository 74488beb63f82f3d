//! `easy-bhyve destroy`: what goes, what stays, and what a failure leaves.

mod failures;
mod refused;

use crate::home::{HOST, Home};
use crate::host::Host;
use std::collections::BTreeSet;

/// A host with the disks of several VMs, whose names begin with each other.
fn host() -> Host {
    Host::freebsd(14)
        .with_volume("zroot/vm/web", 1 << 30)
        .with_volume("zroot/vm/web-1", 1 << 30)
        .with_volume("zroot/vm/web0", 1 << 30)
        .with_volume("zroot/other/far", 1 << 30)
        .with_image("/vm/file", 1 << 30)
        .with_commands(&[
            "zfs snapshot zroot/vm/web@one",
            "zfs snapshot zroot/vm/web@two",
            "zfs snapshot zroot/vm/web0@one",
        ])
}

const VMS: &str = "# the first\nweb0_id=1\n\nweb_id=2 # a server\nweb_mem=1G\n\
    web_hd1=/dev/zvol/zroot/vm/web-1\n\nweb_a_id=3\n# web_id=2\n";

/// [`VMS`] without `web`.
const LEFT: &str = "# the first\nweb0_id=1\n\nweb_a_id=3\n# web_id=2\n";

fn home() -> Home {
    let home = Home::new(host(), VMS);
    for name in ["web0-boot", "web-boot", "web-log", "web_a-boot", "other"] {
        home.link(name);
    }
    home.fake.write_log("web", Some("old\n"), "text\n");
    home.fake.write_log("web0", None, "text\n");
    home
}

fn names(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

/// The lines of the view that have gone.
fn gone(before: &BTreeSet<String>, home: &Home) -> Vec<String> {
    let after = home.view();
    assert!(after.is_subset(before), "something is new: {after:?}");
    before.difference(&after).cloned().collect()
}

#[test]
fn lines_links_and_log_go_and_the_disks_stay() {
    let mut home = home();
    let before = home.view();
    let said = home.does("destroy web -f");
    assert_eq!(home.vms(), LEFT);
    assert_eq!(home.links(), names(&["web0-boot", "web_a-boot", "other"]));
    assert_eq!(gone(&before, &home), Vec::<String>::new());
    let logs: Vec<String> = home.fake.logs().into_keys().collect();
    assert_eq!(logs, ["web0"]);
    assert_eq!(
        said.err,
        "easy-bhyve: easy-bhyve.conf:5:1: web_id=2 goes\n\
         easy-bhyve: easy-bhyve.conf:6:1: web_mem=1G goes\n\
         easy-bhyve: easy-bhyve.conf:7:1: web_hd1=/dev/zvol/zroot/vm/web-1 goes\n\
         easy-bhyve: 2 links in HERE/eb go: boot log\n\
         easy-bhyve: hd0 stays, because --disks is not given: /dev/zvol/zroot/vm/web\n\
         easy-bhyve: hd1 stays, because --disks is not given: /dev/zvol/zroot/vm/web-1\n\
         easy-bhyve: destroyed web: 3 settings and 2 links are removed\n"
    );
}

#[test]
fn with_disks_the_volumes_go_with_their_snapshots_and_no_other() {
    let mut home = home();
    let before = home.view();
    let said = home.does("destroy web --disks -f");
    // Nobody was asked, so what goes is named here.
    for goes in [
        "the volume zroot/vm/web of ",
        "the volume zroot/vm/web-1 of ",
    ] {
        assert!(said.err.contains(goes), "{said:?}");
    }
    assert!(said.err.contains(" goes, with 2 snapshots\n"), "{said:?}");
    assert_eq!(home.vms(), LEFT);
    let gone = gone(&before, &home);
    assert!(!gone.is_empty());
    for line in gone {
        let is_of_web = ["zroot/vm/web ", "zroot/vm/web@", "zroot/vm/web-1 "];
        let line = format!("{line} ").replace([',', ':'], " ");
        assert!(is_of_web.iter().any(|name| line.contains(name)), "{line}");
    }
    let host = home.fake.host();
    let left: Vec<&String> = host.state.datasets.keys().collect();
    assert!(
        left.iter().all(|name| !name.starts_with("zroot/vm/web-")),
        "{left:?}"
    );
    assert!(host.state.datasets.contains_key("zroot/vm/web0"));
    assert!(!host.state.datasets.contains_key("zroot/vm/web"));
    let harmful = host
        .calls()
        .iter()
        .any(|call| call.argv.iter().any(|word| word == "-R" || word == "-r"));
    assert!(!harmful);
}

#[test]
fn the_name_must_be_typed_below_all_that_goes() {
    let mut home = home();
    let err = home.refuses("destroy web --disks", 2);
    assert!(
        err.ends_with(
            "easy-bhyve: Type web to destroy it: There is no terminal to ask on\n  \
             This will be destroyed:\n  \
             the volume zroot/vm/web of 1G\n  \
             the snapshot zroot/vm/web@one, which alone uses 0B\n  \
             the snapshot zroot/vm/web@two, which alone uses 0B\n  \
             the volume zroot/vm/web-1 of 1G\n  \
             the file /var/log/easy-bhyve/web.log.0\n  \
             the file /var/log/easy-bhyve/web.log\n  \
             the lines and links of web\n  \
             help: to destroy it without the question: easy-bhyve destroy web -f --disks\n"
        ),
        "{err}"
    );
    home.fake.answer = Some(false);
    let err = home.refuses("destroy web --disks", 1);
    assert!(
        err.ends_with("easy-bhyve: nothing was destroyed\n"),
        "{err}"
    );
    home.fake.answer = Some(true);
    home.does("destroy web --disks");
    assert_eq!(home.vms(), LEFT);
}

#[test]
fn a_preview_shows_all_and_changes_nothing() {
    let mut home = home();
    for format in ["text", "sh", "json"] {
        let before = (home.text(), home.links(), home.view());
        let said = home.does(&format!("destroy web --disks -d --format {format}"));
        assert_eq!((home.text(), home.links(), home.view()), before);
        for part in [
            "zroot/vm/web@two",
            "Type web to destroy it:",
            "/var/log/easy-bhyve/web.log",
        ] {
            assert!(said.out.contains(part), "{part}: {}", said.out);
        }
        if format == "text" {
            // However many links there are, one line removes them, and one makes them again.
            let links = said
                .out
                .lines()
                .filter(|line| line.starts_with("# web: 2 links"));
            assert_eq!(links.count(), 2, "{}", said.out);
        }
        if format != "json" {
            crate::case::sh_accepts(&said.out).unwrap();
        }
    }
}

#[test]
fn what_depends_on_a_volume_is_named_and_nothing_goes() {
    for (commands, err) in [
        (
            &["zfs clone zroot/vm/web@one zroot/vm/kid"][..],
            "volumes were cloned from zroot/vm/web: zroot/vm/kid\n",
        ),
        (
            &["zfs hold keep zroot/vm/web@two"],
            "zroot/vm/web@two is held\n",
        ),
    ] {
        let mut home = Home::new(host().with_commands(commands), VMS);
        let said = home.refuses("destroy web --disks -f", 1);
        assert!(said.contains(err), "{said}");
        home.does("destroy web -f");
    }
}

#[test]
fn a_volume_follows_its_own_clone() {
    let host = Host::freebsd(14)
        .with_volume("zroot/vm/a", 1 << 30)
        .with_commands(&[
            "zfs snapshot zroot/vm/a@one",
            "zfs clone zroot/vm/a@one zroot/vm/a-1",
        ]);
    let mut home = Home::new(host, "a_id=1\na_hd1=/dev/zvol/zroot/vm/a-1\n");
    home.does("destroy a --disks -f");
    assert_eq!(
        home.fake.host().state.datasets.keys().last().unwrap(),
        "zroot/vm"
    );
}

#[test]
fn the_snapshot_that_was_made_for_a_clone_stays_and_is_named() {
    let mut home = Home::new(
        Host::freebsd(14).with_volume("zroot/vm/web", 1 << 30),
        "web_id=1\n",
    );
    home.does("clone web one two --add");
    let base = "zroot/vm/web@_202611231234-clone_base";
    let said = home.does("destroy one --disks -f");
    assert!(!said.err.contains("clone_base"), "{said:?}");
    let said = home.does("destroy two --disks -f");
    let line = format!(
        "easy-bhyve: {base}, from which zroot/vm/two was cloned, stays, and has no other clones; \
         to destroy it: easy-bhyve snapshot web --delete _202611231234-clone_base\n"
    );
    assert!(said.err.contains(&line), "{said:?}");
    home.does("snapshot web -f --delete _202611231234-clone_base");
    let host = home.fake.host();
    assert!(host.state.datasets["zroot/vm/web"].snapshots.is_empty());
}

#[test]
fn a_disk_elsewhere_or_of_another_vm_stays() {
    let lies = |host: Host, is_seen: bool| {
        let mut host = host.with_image("/jail/vm/file", 1 << 30);
        let from = is_seen.then(|| "/vm".into());
        host.state.nullfs.insert("/jail/vm".into(), from);
        host
    };
    let zfs = HOST;
    let files = "bridge=bridge0 volroot=/vm\n";
    for (host, config, why) in [
        (
            host(),
            format!("{zfs}a_id=1 a_zvol=zroot/other/far\n"),
            "it is not directly below volroot",
        ),
        (
            host(),
            format!("{zfs}a_id=1 a_hd0=/vm/file\n"),
            "it is not directly below volroot",
        ),
        (
            host(),
            format!("{zfs}a_id=1 a_hd0=/dev/null\n"),
            "it is not directly below volroot",
        ),
        (
            host(),
            format!("{files}a_id=1 a_zvol=zroot/vm/web\n"),
            "it is not directly below volroot",
        ),
        (
            host(),
            format!("{zfs}a_id=1 a_zvol=zroot/vm/web\nb_id=2 b_hd1=/dev/zvol/zroot/vm/web\n"),
            "it is a disk of b, too",
        ),
        (
            lies(host(), true),
            format!("{files}a_id=1 a_hd0=/vm/file\nb_id=2 b_hd0=/jail/vm/file\n"),
            "it is a disk of b, too",
        ),
        (
            lies(host(), false),
            format!("{files}a_id=1 a_hd0=/vm/file\nb_id=2 b_hd0=/jail/vm/file\n"),
            "it may be a disk of b, too",
        ),
    ] {
        let mut home = Home::whole(host, &config);
        let before = home.view();
        let said = home.does("destroy a --disks -f");
        assert!(said.err.contains(why), "{said:?}");
        assert_eq!(gone(&before, &home), Vec::<String>::new(), "{said:?}");
        assert!(!home.text().contains("a_id"));
    }
}

#[test]
fn an_image_file_below_volroot_goes() {
    let mut home = Home::whole(host(), "bridge=bridge0 volroot=/vm\nfile_id=1\nb_id=2\n");
    home.does("destroy file --disks -f");
    assert!(!home.fake.host().files().exists("/vm/file".as_ref()));
    assert_eq!(home.text(), "bridge=bridge0 volroot=/vm\nb_id=2\n");
}

#[test]
fn a_vm_that_runs_or_is_protected_or_used_is_refused() {
    let running = host().with_running_vm("web", "/dev/zvol/zroot/vm/web", "tap2");
    let mut home = Home::new(running, VMS);
    let err = home.refuses("destroy web -f", 2);
    assert!(
        err.contains("end it first: easy-bhyve shutdown web"),
        "{err}"
    );

    let mut home = Home::new(
        host(),
        "a_id=1\na_protect=YES\nb_id=2\nc_id=3 c_mem=${b_mem:-1G}\n",
    );
    let err = home.refuses("destroy a -f", 2);
    assert!(err.contains("a is protected by a_protect=YES\n"), "{err}");
    assert!(err.contains("easy-bhyve.conf:3:11"), "{err}");
    home.does("destroy b -f");

    let mut home = Home::new(host(), "b_id=2 b_mem=2G\nc_id=3 c_mem=$b_mem\n");
    let err = home.refuses("destroy b -f", 1);
    assert!(
        err.contains("c_mem uses a setting of b, and would change\n"),
        "{err}"
    );
    let err = home.refuses("destroy d -f", 2);
    assert!(err.contains("there is no VM \"d\""), "{err}");

    let mut home = Home::new(host(), "a_id=1\nb_id=2 b_hd1=relative\n");
    let err = home.refuses("destroy a --disks -f", 1);
    assert!(
        err.contains("no disk is destroyed while the disks of another VM are unknown"),
        "{err}"
    );
    home.does("destroy a -f");
}

#[test]
fn the_last_vm_goes_and_one_of_two_files_keeps_its_lines() {
    let mut home = Home::new(host(), "a_id=1");
    home.does("destroy a -f");
    assert_eq!(home.vms(), "");
}
