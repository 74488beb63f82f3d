//! What commands say about VMs that run: until when they keep their settings, and how to leave them.

use super::HOST;
use crate::call::{Said, call_with_file};
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use std::fs;
use std::path::PathBuf;

/// A user of a host with a configuration of two VMs.
struct User {
    directory: tempfile::TempDir,
    fake: Fake,
}

impl User {
    fn new(vms: &str) -> Self {
        Self::of(host(), vms)
    }

    fn of(host: Host, vms: &str) -> Self {
        let user = Self {
            directory: tempfile::tempdir().unwrap(),
            fake: Fake::new(host, USER),
        };
        fs::write(user.file(), format!("{HOST}{vms}")).unwrap();
        user
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("easy-bhyve.conf")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn call(&mut self, words: &str) -> Said {
        let file = self.file();
        let words: Vec<&str> = ["easy-bhyve"].into_iter().chain(words.split(' ')).collect();
        call_with_file(&mut self.fake, &file, &words)
    }

    #[track_caller]
    fn does(&mut self, words: &str) -> Said {
        let said = self.call(words);
        assert_eq!(said.status, 0, "{words}: {said:?}");
        said
    }
}

fn host() -> Host {
    Host::freebsd(14)
        .with_volume("zroot/vm/a", 1 << 30)
        .with_volume("zroot/vm/b", 1 << 30)
}

const TWO: &str = "a_id=1 a_freebsd=YES a_cpu=2 a_mem=1G\nb_id=2 b_freebsd=YES\n";

#[test]
fn a_running_vm_keeps_its_settings_until_its_next_boot_and_status_shows_them() {
    let mut user = User::new(TWO);
    user.does("boot a");
    let note = "easy-bhyve: a is running: the change takes effect at its next boot\n";
    let said = user.does("set a mem=4G cpu=3");
    assert!(said.err.ends_with(note), "{said:?}");
    let shown = user.does("status -a");
    let row: Vec<&str> = shown
        .out
        .lines()
        .nth(1)
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(row[row.len() - 2..], ["2", "1G"], "{shown:?}");
    let shown = user.does("status -a --format json");
    let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(shown["running"][0]["cpu"], 2);
    assert_eq!(shown["running"][0]["mem_bytes"], 1_u64 << 30);
    // Another VM, and settings that are not read by a boot.
    for words in [
        "set b mem=1G",
        "set a autostart=YES",
        "set a stop_timeout=9",
        "set privilege=doas",
    ] {
        let said = user.does(words);
        assert!(!said.err.contains("is running"), "{said:?}");
    }
    // The default memory of the host is that of every VM.
    assert!(user.does("set mem=2G").err.ends_with(note));
    user.does("shutdown a -f");
    assert!(!user.does("set a mem=2G").err.contains("is running"));
}

#[test]
fn a_host_variable_is_changed_or_added_without_a_vm() {
    let mut user = User::new(TWO);
    let said = user.does("set bridge=bridge7 cpu=2");
    let text = "bridge=bridge7 netif=igb0 volroot=zroot/vm\ncpu=2\n";
    assert_eq!(user.text(), format!("{text}{TWO}"));
    assert_eq!(
        said.err,
        "easy-bhyve: easy-bhyve.conf:1:1: bridge=bridge7 (was bridge0)\n\
         easy-bhyve: easy-bhyve.conf:2:1: cpu=2 (new)\n"
    );
    assert_eq!(
        user.does("set bridge=bridge7").err,
        "easy-bhyve: easy-bhyve.conf:1:1: bridge is already bridge7\n"
    );
    let before = user.text();
    for (words, err) in [
        (
            "set a bridge=bridge1",
            "bridge is not a key of a VM, but of the host\n",
        ),
        ("set id=7", "id is a key of a VM, and no VM is named\n"),
        (
            "set bridge=no/name",
            "bridge: \"no/name\" is not an interface name",
        ),
        ("set cpu=0", "cpu: \"0\" is not a number of cpus"),
        ("set bridge=x bridge=y", "bridge is given twice\n"),
        ("set a", "expected KEY=VALUE, for example mem=512M\n"),
    ] {
        let said = user.call(words);
        assert_ne!(said.status, 0, "{words}: {said:?}");
        assert!(
            said.err.starts_with(&format!("easy-bhyve: {err}")),
            "{words}: {said:?}"
        );
        assert_eq!(user.text(), before, "{words}");
    }
    // A file without any host variable gets the line at its beginning.
    fs::write(user.file(), "# VMs\na_id=1\n").unwrap();
    user.does("set bridge=bridge0 volroot=/vm");
    assert_eq!(user.text(), "bridge=bridge0\nvolroot=/vm\n# VMs\na_id=1\n");
}

#[test]
fn a_new_vm_gets_an_id_whose_tap_nobody_has() {
    let host = host().with_tap("tap3", "").with_tap("tap0", "");
    let mut user = User::of(host, "a_id=1\nb_id=2 b_if1=tap4\n");
    user.does("new c");
    assert!(user.text().ends_with("\nc_id=5\n"), "{}", user.text());
    // The number of a configured VM's tap is free for that VM only by its id.
    user.does("new d");
    assert!(user.text().ends_with("\nd_id=6\n"), "{}", user.text());
}

#[test]
fn new_names_the_next_step() {
    let host = host().with_image("/iso/x.iso", 1 << 20);
    let mut user = User::of(host, TWO);
    for (words, next) in [
        (
            "new c",
            "next, make its disk: easy-bhyve resources c -V 20G -s",
        ),
        (
            "new d --disk 1G",
            "next, name the ISO image to install from: easy-bhyve set d cd0=ISO",
        ),
        (
            "new e --disk 1G --cd /iso/x.iso",
            "next: easy-bhyve install e",
        ),
        ("new f hd0=/dev/zvol/zroot/vm/a", "next: easy-bhyve boot f"),
    ] {
        let said = user.does(words);
        assert_eq!(
            said.err.lines().last(),
            Some(&*format!("easy-bhyve: {next}")),
            "{said:?}"
        );
    }
}

#[test]
fn the_made_disk_is_reported() {
    let mut user = User::new("c_id=3\nd_id=4 d_hd0=/vm/d\n");
    let made = user.does("resources c -V 1G -s").err;
    assert_eq!(
        made,
        "easy-bhyve: made the volume zroot/vm/c of 1G, sparse\n"
    );
    let made = user.does("resources d -V 2G").err;
    assert_eq!(made, "easy-bhyve: made the file /vm/d of 2G\n");
}

#[test]
fn a_console_that_is_the_terminal_of_a_verb_is_refused_with_the_verb() {
    for (verb, words) in [("install", "root-install"), ("ttyboot", "root-ttyboot")] {
        let mut host = host().with_leftover_vm("a", 256 << 20);
        let argv = ["/usr/local/bin/easy-bhyve", words, "a", "host=vmhost"];
        let pid = host.add_process(0, 1, "easy-bhyve", &argv);
        let said = User::of(host, TWO).call("console a");
        assert_eq!(
            said.err,
            format!(
                "easy-bhyve: the console of a is the terminal of easy-bhyve {verb} a (pid {pid})\n  \
                 help: use that terminal, or end the VM and start it in the background\n"
            )
        );
    }
}

#[test]
fn the_way_to_leave_a_console_is_that_of_the_terminal() {
    let mut user = User::new(TWO);
    user.does("boot a");
    let leaves = "at the beginning of a line leaves the console of a";
    let said = user.call("console a");
    assert!(
        said.err.contains(&format!("easy-bhyve: ~. {leaves}\n")),
        "{said:?}"
    );
    let (name, value) = ("SSH_CONNECTION", "192.0.2.1 5 192.0.2.10 22");
    user.fake.environment.insert(name.into(), value.into());
    let said = user.call("console a");
    let hint = format!("easy-bhyve: ~~. {leaves}; ~. would end the ssh session\n");
    assert!(said.err.contains(&hint), "{said:?}");
    user.does("shutdown a -f");
    let said = user.call("ttyboot a");
    let hint = "easy-bhyve: a uses this terminal until it ends: shut the guest down, or on another \
                terminal: easy-bhyve shutdown a\n";
    assert!(said.err.contains(hint), "{said:?}");
}

#[test]
fn list_reports_one_id_of_two_vms_and_shortens_nothing_in_a_pipe() {
    let long = "x".repeat(70);
    let vms = format!("a_id=1 a_autostart=YES a_mem=1G\nb_id=2 b_hd0=/vm/{long}\n");
    let mut user = User::new(&vms);
    let said = user.does("list");
    // In a pipe, for programs, nothing is shortened.
    assert!(
        said.out.contains(&format!("  /vm/{long}  ")),
        "{}",
        said.out
    );
    assert!(said.out.contains("  AUTOSTART  DISK"), "{}", said.out);
    let said = user.does("list --format json");
    let shown: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let vm = &shown["vms"][0];
    assert_eq!(
        (&vm["cpu"], &vm["mem_bytes"]),
        (&1.into(), &(1_u64 << 30).into())
    );
    assert_eq!(
        (&vm["autostart"], &shown["vms"][1]["autostart"]),
        (&true.into(), &false.into())
    );
    assert_eq!(shown["vms"][1]["disk"], format!("/vm/{long}"));
    let said = User::new("a_id=1\nb_id=01\n").call("list");
    assert_eq!(said.status, 1, "{said:?}");
    assert_eq!(said.out.lines().count(), 3, "{said:?}");
    assert!(
        said.err
            .starts_with("easy-bhyve: b and a have the same id, 1\n"),
        "{said:?}"
    );
}

#[test]
fn the_preview_of_autostart_is_one_document() {
    let vms = TWO
        .replace("_id", "_autostart=YES a_id")
        .replace("a_id=2", "b_id=2");
    let mut user = User::new(&vms);
    let said = user.does("autostart -d --format json");
    let shown: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let words = shown.to_string();
    assert!(
        words.contains("zroot/vm/a\"") || words.contains("zroot/vm/a"),
        "{words}"
    );
    assert!(words.contains("zroot/vm/b"), "{words}");
    let none = User::new("a_id=1\n").does("autostart -d --format json");
    let shown: serde_json::Value = serde_json::from_str(&none.out).unwrap();
    assert_eq!(shown["plan"], serde_json::json!([]));
}
