//! `easy-bhyve rename` and `easy-bhyve disk`: lines, disks, log and links, and what a failure leaves.

mod killed;
mod links;
mod running;
mod shared;

use crate::fake::Lost;
use crate::home::{HOST, Home};
use crate::host::{Fault, Host};
use easy_bhyve::host::Interruption;
use std::collections::BTreeSet;

fn host() -> Host {
    Host::freebsd(14)
        .with_volume("zroot/vm/web", 1 << 30)
        .with_volume("zroot/vm/web-1", 1 << 30)
        .with_volume("zroot/vm/web_data", 1 << 30)
        .with_volume("zroot/vm/web0", 1 << 30)
        .with_image("/vm/web", 1 << 30)
        .with_commands(&["zfs snapshot zroot/vm/web@one"])
}

const VMS: &str = "# web_id is 2\nweb0_id=1\nweb_id=2 web_mem=1G # web\nexport web_hd1=\"/dev/zvol/zroot/vm/web-1\"\n\
    web_hd2=/dev/zvol/zroot/vm/web_data\nweb_a_id=3 # web_a\nweb_own='web'\n";

/// [`VMS`] with `www` for `web`.
const RENAMED: &str = "# web_id is 2\nweb0_id=1\nwww_id=2 www_mem=1G # web\nexport www_hd1=\"/dev/zvol/zroot/vm/www-1\"\n\
    www_hd2=/dev/zvol/zroot/vm/web_data\nweb_a_id=3 # web_a\nweb_own='web'\n";

fn home() -> Home {
    let home = Home::new(host(), VMS);
    for name in ["web0-boot", "web-boot", "web-log", "web_a-boot"] {
        home.link(name);
    }
    home.fake.write_log("web", Some("old\n"), "text\n");
    home
}

/// Everything that a rename may change.
fn state(home: &Home) -> (String, BTreeSet<String>, BTreeSet<String>, Vec<String>) {
    let logs = home.fake.logs().into_keys().collect();
    (home.text(), home.links(), home.view(), logs)
}

/// The names of datasets below `zroot/vm`.
fn datasets(home: &Home) -> Vec<String> {
    let host = home.fake.host();
    let all = host.state.datasets.keys();
    all.filter_map(|name| name.strip_prefix("zroot/vm/"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn lines_disks_log_and_links_get_the_new_name_and_every_other_byte_stays() {
    let mut home = home();
    let said = home.does("rename web www -f");
    assert_eq!(home.vms(), RENAMED);
    let links = ["web0-boot", "web_a-boot", "www-boot", "www-log"];
    assert_eq!(home.links(), links.map(str::to_owned).into());
    assert_eq!(datasets(&home), ["web0", "web_data", "www", "www-1"]);
    assert!(
        home.fake.host().state.datasets["zroot/vm/www"]
            .snapshots
            .contains_key("one")
    );
    let logs: Vec<String> = home.fake.logs().into_keys().collect();
    assert_eq!(logs, ["www"]);
    assert_eq!(
        said.err,
        "easy-bhyve: hd2 keeps its name, because it has not the name of the VM: /dev/zvol/zroot/vm/web_data\n\
         easy-bhyve: the address of if0 changes from 00:a0:98:5e:e8:3a to 00:a0:98:3d:57:fc\n\
         easy-bhyve: the UUID of web changes, because it is derived from the name\n\
         easy-bhyve: web is www now; next: easy-bhyve boot www\n"
    );
    home.does("boot www");
}

#[test]
fn a_rename_back_restores_every_byte() {
    let mut home = home();
    let before = state(&home);
    home.does("rename web www -f");
    home.does("rename www web -f");
    assert_eq!(state(&home), before);
}

#[test]
fn the_address_is_kept_on_request_and_else_the_user_is_asked() {
    let mut home = home();
    let err = home.refuses("rename web www", 2);
    assert!(
        err.contains("Rename it? There is no terminal to ask on\n")
            && err.contains("to keep what can be kept: easy-bhyve rename web www --keep; or to let it change: easy-bhyve rename web www -f\n"),
        "{err}"
    );
    home.fake.answer = Some(false);
    let err = home.refuses("rename web www", 1);
    assert!(err.ends_with("easy-bhyve: nothing was renamed\n"), "{err}");
    home.does("rename web www --keep");
    let line = "www_hd2=/dev/zvol/zroot/vm/web_data\n";
    let kept = RENAMED.replace(line, &format!("{line}www_if0_mac=00:a0:98:5e:e8:3a\n"));
    assert_eq!(home.vms(), kept);
    // No NIC is without an address now; the UUID still depends on the name.
    home.fake.answer = None;
    home.does("rename www web -f");
    // The name is a part of its address.
    let mut short = Home::new(host(), "a_id=1\na_if0_mac=\n");
    short.does("rename a b --keep");
    assert_eq!(short.vms(), "b_id=1\nb_if0_mac=00:a0:98:75:b0:eb\n");
}

#[test]
fn a_new_name_that_something_has_is_refused() {
    let home = |vms: &str, commands: &[&str]| Home::new(host().with_commands(commands), vms);
    for (mut home, status, err) in [
        (
            home("web_id=1\nwww_mem=1G\n", &[]),
            2,
            "www_mem is already set\n",
        ),
        (
            home("web_id=1\nwww_id=2\n", &[]),
            2,
            "www_id is already set\n",
        ),
        (
            home("web_id=1\n", &["zfs create -s -V 1G zroot/vm/www"]),
            1,
            "zroot/vm/www already exists\n",
        ),
        (
            Home::new(
                host()
                    .with_commands(&["kldload -n vmm"])
                    .with_leftover_vm("www", 512 << 20),
                "web_id=1\n",
            ),
            2,
            "a VM www, which is not in the configuration, runs or has left something\n",
        ),
    ] {
        let said = home.refuses("rename web www -f", status);
        assert!(said.contains(err), "{err}: {said}");
    }
    for (name, err) in [
        ("web", "web is its name already\n"),
        ("w-w", "\"w-w\" is not a VM name"),
        ("web0", "web0_id is already set\n"),
    ] {
        let mut home = self::home();
        let said = home.refuses(&format!("rename web {name} -f"), 2);
        assert!(said.contains(err), "{said}");
    }
}

#[test]
fn a_setting_that_another_value_uses_is_named() {
    for (vms, err) in [
        (
            "web_id=1 web_mem=1G\nx_id=2 x_mem=$web_mem\n",
            "x_mem uses a setting of web, and would change\n",
        ),
        (
            "web_id=1 web_mem=1G\nweb_cpu=${web_id}\n",
            "web_cpu uses another setting of web, and would change\n",
        ),
        (
            "web_id=1\nx=${web_mem:=1G}\n",
            "a setting of web is set within an expansion\n",
        ),
    ] {
        let mut home = Home::new(host(), vms);
        let said = home.refuses("rename web www -f", 1);
        assert!(said.contains(err), "{said}");
    }
}

#[test]
fn a_path_with_an_expansion_keeps_it() {
    let vms = "root=/dev/zvol/zroot/vm\nweb_id=2\nweb_hd1=${root}/web-1\n";
    let mut home = Home::new(host(), vms);
    home.does("rename web www -f");
    assert_eq!(
        home.vms(),
        "root=/dev/zvol/zroot/vm\nwww_id=2\nwww_hd1=${root}/www-1\n"
    );
    assert!(datasets(&home).contains(&"www-1".to_owned()));
    // A name that is computed stays, and so does the disk.
    let mut home = Home::new(host(), "n=web-1\nweb_id=2\nweb_hd1=/dev/zvol/zroot/vm/$n\n");
    let said = home.does("rename web www -f");
    assert!(
        said.err
            .contains("hd1 keeps its name, because its setting is not written out"),
        "{said:?}"
    );
    assert_eq!(datasets(&home), ["web-1", "web0", "web_data", "www"]);
}

#[test]
fn an_image_file_is_renamed() {
    let mut home = Home::whole(host(), "bridge=bridge0 volroot=/vm\nweb_id=1\n");
    home.does("rename web www -f");
    assert_eq!(home.text(), "bridge=bridge0 volroot=/vm\nwww_id=1\n");
    let host = home.fake.host();
    assert!(host.files().exists("/vm/www".as_ref()) && !host.files().exists("/vm/web".as_ref()));
}

#[test]
fn clones_follow_a_renamed_volume_and_so_do_a_thousand_snapshots() {
    let mut commands: Vec<String> = (0..1000)
        .map(|number| format!("zfs snapshot zroot/vm/web@{number}"))
        .collect();
    commands.push("zfs clone zroot/vm/web@one zroot/vm/kid".to_owned());
    commands.push("zfs hold keep zroot/vm/web@7".to_owned());
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    let mut home = Home::new(host().with_commands(&commands), VMS);
    home.does("rename web www -f");
    let host = home.fake.host();
    let datasets = &host.state.datasets;
    assert_eq!(
        datasets["zroot/vm/kid"].origin.as_deref(),
        Some("zroot/vm/www@one")
    );
    assert_eq!(datasets["zroot/vm/www"].snapshots.len(), 1001);
}

#[test]
fn a_vm_that_runs_is_refused() {
    let running = host().with_running_vm("web", "/dev/zvol/zroot/vm/web", "tap2");
    let mut home = Home::new(running, VMS);
    let err = home.refuses("rename web www -f", 2);
    assert!(
        err.contains("end it first: easy-bhyve shutdown web"),
        "{err}"
    );
}

#[test]
fn a_preview_shows_all_and_changes_nothing() {
    let mut home = home();
    for format in ["text", "sh", "json"] {
        let before = state(&home);
        let said = home.does(&format!("rename web www -f -d --format {format}"));
        assert_eq!(state(&home), before);
        assert!(said.out.contains("zroot/vm/www-1"), "{}", said.out);
        if format != "json" {
            crate::case::sh_accepts(&said.out).unwrap();
        }
    }
}

/// The programs that a command calls, in order.
fn calls(mut home: Home, words: &str) -> Vec<String> {
    home.fake.host().forget_calls();
    home.does(words);
    let host = home.fake.host();
    host.calls()
        .iter()
        .map(|call| call.argv[0].clone())
        .collect()
}

/// Each call of a command fails once: everything is as before.
pub(crate) fn every_failure_is_undone(home: fn() -> Home, words: &str) {
    let all = calls(home(), words);
    let mut failed = 0;
    for (at, program) in all.iter().enumerate() {
        let before = all.iter().take(at + 1);
        let nth = before.filter(|other| *other == program).count();
        let mut home = home();
        let before = state(&home);
        home.fake.host().forget_calls();
        let fault = Fault::Fail(1, format!("{program}: no\n"));
        let nth = u32::try_from(nth).unwrap();
        home.fake.host().order(program, nth, fault);
        let said = home.call(words);
        if said.status == 0 {
            continue;
        }
        failed += 1;
        assert_eq!(state(&home), before, "{program} {nth}: {said:?}");
    }
    assert!(failed > 3, "only {failed} calls failed");
}

/// Each moment gets a signal once: everything is as before, or finished.
pub(crate) fn every_signal_is_undone(home: fn() -> Home, words: &str) {
    let mut at = 1;
    loop {
        let mut home = home();
        let before = state(&home);
        home.fake.interrupted = Some((at, Interruption::Signal(15)));
        let said = home.call(words);
        if said.status == 0 {
            break;
        }
        let is_undone = state(&home) == before;
        assert!(
            is_undone || said.err.contains("setup"),
            "{at}: {said:?}\n{before:?}\n{:?}",
            state(&home)
        );
        at += 1;
        assert!(at < 200);
    }
    assert!(at > 3, "only {at} moments");
}

#[test]
fn a_rename_that_fails_or_is_interrupted_is_undone() {
    every_failure_is_undone(home, "rename web www -f");
    every_signal_is_undone(home, "rename web www -f");
    let mut home = home();
    home.fake.lose(Lost::Writes(28));
    home.refuses("rename web www -f", 1);
}

fn with_disks() -> Home {
    Home::new(host(), "# x\nweb_id=2 web_mem=1G # y\nweb0_id=1\n")
}

#[test]
fn a_disk_gets_the_next_number_and_its_line() {
    let mut home = Home::new(host(), "web0_id=1 web0_hd2=/dev/da1\nx_id=2\n");
    let said = home.does("disk web0 2G -s");
    let vms = "web0_id=1 web0_hd2=/dev/da1\nweb0_hd1=/dev/zvol/zroot/vm/web0-1\nx_id=2\n";
    assert_eq!(home.vms(), vms);
    assert_eq!(
        said.err,
        "easy-bhyve: made the volume zroot/vm/web0-1 of 2G, sparse\n\
         easy-bhyve: easy-bhyve.conf:3:1: web0_hd1=/dev/zvol/zroot/vm/web0-1 (new)\n\
         easy-bhyve: the guest finds hd1 at its next start: easy-bhyve boot web0, or if it runs: easy-bhyve restart web0\n"
    );
    home.does("disk web0");
    let host = home.fake.host();
    let volume = host.state.datasets["zroot/vm/web0-3"].volume.as_ref();
    assert_eq!(volume.map(|volume| volume.volsize), Some(1 << 30));
}

#[test]
fn a_file_is_made_beside_a_file_and_nothing_beside_a_device() {
    let mut home = Home::whole(host(), "bridge=bridge0 volroot=/vm\nweb_id=1\n");
    home.does("disk web 1M");
    assert!(home.text().ends_with("web_id=1\nweb_hd1=/vm/web-1\n"));
    assert_eq!(
        home.fake.host().files().size("/vm/web-1".as_ref()),
        Ok(1 << 20)
    );
    let mut home = Home::whole(host(), &format!("{HOST}a_id=1 a_hd0=/dev/null\n"));
    let err = home.refuses("disk a 1M", 2);
    assert!(
        err.contains("the place of the new disk is unknown: hd0 is a device\n"),
        "{err}"
    );
}

#[test]
fn a_disk_that_exists_is_not_overwritten() {
    let mut home = with_disks();
    let err = home.refuses("disk web 1G", 1);
    assert!(
        err.contains("disk /dev/zvol/zroot/vm/web-1 already exists\n"),
        "{err}"
    );
}

#[test]
fn a_disk_that_cannot_be_made_leaves_no_line() {
    let home = || Home::new(host(), "# x\nweb0_id=1 # y\nx_id=2\n");
    every_failure_is_undone(home, "disk web0 1G");
    every_signal_is_undone(home, "disk web0 1G");
    let mut home = home();
    home.fake.lose(Lost::Writes(28));
    home.refuses("disk web0 1G", 1);
}

#[test]
fn a_file_that_every_user_may_exchange_is_not_resized() {
    let mut host = host();
    host.state.everybodys.insert("/vm".into());
    let mut home = Home::whole(host, "bridge=bridge0 volroot=/vm\nweb_id=1\n");
    let err = home.refuses("resize web 2G", 1);
    let what = "every user may rename files in /vm, including a disk that root changes there\n";
    assert!(err.contains(what), "{err}");
}
