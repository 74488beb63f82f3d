//! The store of a VM's UEFI variables when the VM is cloned, renamed or destroyed, and what else a clone
//! does not share.

use crate::home::Home;
use crate::host::Host;
use crate::host::firmware::STORE as HEADER;
use crate::renamed::{every_failure_is_undone, every_signal_is_undone};

const STORE: &str = "/var/db/easy-bhyve/web/uefi-vars";

fn host() -> Host {
    let host = Host::freebsd(14)
        .with_volume("zroot/vm/web", 1 << 30)
        .with_volume("zroot/vm/x", 1 << 30)
        .with_image("/vm/web", 1 << 30)
        .with_commands(&["zfs snapshot zroot/vm/web@one"]);
    with_store(host, STORE, "of web")
}

/// With a store of variables that begins with this text.
fn with_store(host: Host, path: &str, text: &str) -> Host {
    let mut host = host.with_store(path, 540_672);
    let content = [&HEADER[..], text.as_bytes()].concat();
    host.files_mut().stamp(path.as_ref(), &content).unwrap();
    host
}

const UUID: &str = "11111111-2222-4333-8444-555555555555";

const VMS: &str = "web_id=1 web_loader=uefi\nx_id=2\n";

fn home() -> Home {
    Home::new(host(), VMS)
}

/// The text in a store of the host; none if there is no such file.
fn content(home: &Home, path: &str) -> Option<String> {
    let bytes = home.fake.host().files().read(path.as_ref()).ok()?;
    let text = bytes.strip_prefix(&HEADER).expect("a store");
    Some(String::from_utf8(text.to_vec()).unwrap())
}

/// The names in the directory of VMs' own directories.
fn directories(home: &Home) -> Vec<String> {
    let host = home.fake.host();
    host.files()
        .list_dir("/var/db/easy-bhyve".as_ref())
        .unwrap()
}

/// The value of a setting in the configuration.
fn value(home: &Home, name: &str) -> Option<String> {
    let text = home.text();
    let mut lines = text.lines();
    lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

#[test]
fn a_clone_has_a_copy_of_the_store_and_nothing_that_two_vms_cannot_share() {
    let vms = format!(
        "web_id=1 web_loader=uefi web_uuid={UUID} web_if0_mac=58:9c:fc:00:00:01\n\
         web_vnc=192.0.2.1:5999 web_vnc_password_file=/etc/vnc web_if1=slirp:2222-22\n\
         web_bhyve_args='-s 16:0,virtio-9p,a=/x' web_uefi_vars=/vars/web\n"
    );
    let host = with_store(host(), "/vars/web", "own").with_file("/etc/vnc", "secret\n");
    let mut home = Home::new(host, &vms);
    let said = home.does("clone web www --add");
    let store = "/var/db/easy-bhyve/www/uefi-vars";
    assert_eq!(content(&home, store).as_deref(), Some("own"));
    for (name, wanted) in [
        ("www_loader", Some("uefi")),
        ("www_vnc", Some("192.0.2.1:5902")),
        ("www_if1", Some("slirp")),
        ("www_if0_mac", None),
        ("www_uefi_vars", None),
    ] {
        assert_eq!(value(&home, name).as_deref(), wanted, "{name}");
    }
    let own = value(&home, "www_uuid").unwrap();
    assert!(own.len() == UUID.len() && own != UUID, "{own}");
    for note in [
        "if1 of www has no forwarded ports: those of web are of one VM\n",
        "www has the bhyve_args of web, with the same devices",
    ] {
        assert!(said.err.contains(note), "{note}: {said:?}");
    }
    // Another clone has another UUID.
    home.does("clone web wxx --add");
    assert_ne!(value(&home, "wxx_uuid"), Some(own));
}

#[test]
fn a_clone_starts_beside_its_origin() {
    let mut home = home();
    home.does("clone web www --add");
    home.does("boot web");
    home.does("boot www");
}

#[test]
fn a_clone_of_a_vm_that_has_not_started_has_no_store_yet() {
    let mut home = Home::new(host(), "x_id=2 x_loader=uefi\n");
    home.does("clone x www --add");
    assert_eq!(directories(&home), ["web"]);
    assert!(value(&home, "www_uuid").is_some());
}

#[test]
fn a_clone_of_a_snapshot_is_told_that_the_store_is_that_of_now() {
    let mut home = home();
    let said = home.does("clone web @one www --add");
    let note = "a snapshot has no UEFI variables: those of web are copied as they are now\n";
    assert!(said.err.contains(note), "{said:?}");
    assert!(content(&home, "/var/db/easy-bhyve/www/uefi-vars").is_some());
}

#[test]
fn a_store_that_is_there_is_not_overwritten() {
    let path = "/var/db/easy-bhyve/www/uefi-vars";
    for words in ["clone web www --add", "rename web www -f"] {
        let mut home = Home::new(with_store(host(), path, "old"), VMS);
        let err = home.refuses(words, 1);
        assert!(err.contains(&format!("{path} already exists\n")), "{err}");
    }
}

#[test]
fn a_configured_clone_has_the_store_where_its_settings_say() {
    let vms = "web_id=1 web_loader=uefi\nwww_id=2 www_loader=uefi www_uefi_vars=/vars/www\n";
    let mut home = Home::new(host().with_file("/vars/x", ""), vms);
    home.does("clone web www");
    assert_eq!(content(&home, "/vars/www").as_deref(), Some("of web"));
}

#[test]
fn a_clone_that_fails_or_is_interrupted_is_undone() {
    every_failure_is_undone(home, "clone web www wxx --add");
    every_signal_is_undone(home, "clone web www wxx --add");
}

#[test]
fn a_renamed_vm_has_its_store_and_no_directory_of_the_old_name() {
    let mut home = home();
    home.does("rename web www -f");
    assert_eq!(directories(&home), ["www"]);
    let store = "/var/db/easy-bhyve/www/uefi-vars";
    assert_eq!(content(&home, store).as_deref(), Some("of web"));
    home.does("boot www");
}

#[test]
fn a_store_beside_an_image_file_is_renamed_and_one_that_is_set_stays() {
    let host = with_store(host(), "/vm/web.uefi-vars", "beside");
    let mut home = Home::whole(
        host,
        "bridge=bridge0 volroot=/vm\nweb_id=1 web_loader=uefi\n",
    );
    home.does("rename web www -f");
    assert_eq!(content(&home, "/vm/web.uefi-vars"), None);
    assert_eq!(
        content(&home, "/vm/www.uefi-vars").as_deref(),
        Some("beside")
    );

    let mut home = Home::new(
        with_store(self::host(), "/vars/web", ""),
        "web_id=1 web_loader=uefi web_uefi_vars=/vars/web\n",
    );
    let said = home.does("rename web www -f");
    let note = "the UEFI variables stay in the file that is set: /vars/web\n";
    assert!(said.err.contains(note), "{said:?}");
    assert!(content(&home, "/vars/web").is_some());
}

#[test]
fn a_rename_that_fails_or_is_interrupted_is_undone() {
    every_failure_is_undone(home, "rename web www -f");
    every_signal_is_undone(home, "rename web www -f");
}

#[test]
fn a_rename_tells_of_the_uuid_and_keeps_one_that_can_be_known() {
    let mut home = home();
    let said = home.does("rename web www -f");
    let note = "the UUID of web changes, because it is derived from the name\n";
    assert!(said.err.contains(note), "{said:?}");

    let mut home = self::home();
    let uuid = |said: &str| {
        let (_, rest) = said.split_once("-U ").unwrap();
        rest[..UUID.len()].to_owned()
    };
    let before = uuid(&home.does("boot web -d").out);
    home.does("rename web www --keep");
    assert_eq!(value(&home, "www_uuid").as_ref(), Some(&before));
    assert_eq!(uuid(&home.does("boot www -d").out), before);

    // Only the address is set: bhyve(8) derives the UUID of this VM.
    let mut home = Home::new(self::host(), "x_id=2 x_if0_mac=58:9c:fc:00:00:01\n");
    let err = home.refuses("rename x y", 2);
    assert!(err.contains("the UUID of x changes"), "{err}");
    let mut home = Home::new(
        self::host(),
        &format!("x_id=2 x_if0_mac=58:9c:fc:00:00:01 x_uuid={UUID}\n"),
    );
    home.does("rename x y");
}

#[test]
fn a_store_that_a_temporary_run_has_saved_stops_a_rename_and_goes_with_the_vm() {
    let saved = format!("{STORE}.saved");
    let home = || Home::new(with_store(host(), &saved, "saved"), VMS);
    let err = home().refuses("rename web www -f", 2);
    assert!(err.contains(&format!("{saved} exists\n")), "{err}");
    let mut home = home();
    home.does("destroy web --disks -f");
    assert_eq!(directories(&home), Vec::<String>::new());
}

#[test]
fn the_store_is_destroyed_with_the_disks_and_only_then() {
    let mut home = home();
    let said = home.does("destroy web -f");
    let note =
        format!("the store of UEFI variables stays, because --disks is not given: {STORE}\n");
    assert!(said.err.contains(&note), "{said:?}");
    assert_eq!(content(&home, STORE).as_deref(), Some("of web"));

    let mut home = self::home();
    let err = home.refuses("destroy web --disks", 2);
    assert!(err.contains(&format!("the file {STORE}\n")), "{err}");
    home.does("destroy web --disks -f");
    assert_eq!(directories(&home), Vec::<String>::new());
}

#[test]
fn a_store_elsewhere_or_of_another_vm_stays() {
    for (vms, path, why) in [
        (
            "web_id=1 web_loader=uefi web_uefi_vars=/vars/web\n".to_owned(),
            "/vars/web",
            "it is not directly below volroot",
        ),
        (
            format!("{VMS}y_id=3 y_loader=uefi y_uefi_vars={STORE}\n"),
            STORE,
            "it is the store of UEFI variables of y, too",
        ),
        (
            format!("{VMS}y_id=3 y_hd0={STORE}\n"),
            STORE,
            "it is a disk of y, too",
        ),
    ] {
        let mut home = Home::new(with_store(host(), "/vars/web", "set"), &vms);
        let said = home.does("destroy web --disks -f");
        let note = format!("the store of UEFI variables stays, because {why}: {path}\n");
        assert!(said.err.contains(&note), "{said:?}");
        assert!(content(&home, path).is_some());
        assert!(!home.fake.host().state.datasets.contains_key("zroot/vm/web"));
    }
}

#[test]
fn a_store_that_a_running_vm_uses_is_locked() {
    let vms = format!("{VMS}y_id=3 y_zvol=zroot/vm/x y_loader=uefi y_uefi_vars={STORE}\n");
    for words in ["clone web www --add", "rename web www -f", "destroy web -f"] {
        let mut home = Home::new(host(), &vms);
        home.does("boot y");
        let written = content(&home, STORE);
        assert_eq!(written.as_deref(), Some("the variables of y"));
        let err = home.refuses(words, 2);
        assert!(err.contains('y'), "{err}");
        assert_eq!(content(&home, STORE), written);
    }
}
