//! `import`: what a host makes of the lines, and what is said if there are none.

use crate::call::call;
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use crate::host::state::Kind;
use crate::import::HOST;
use crate::place::{PROGRAM, Place, Said};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The lines that `import` prints for these words.
fn imported(place: &Place, words: [&str; 2]) -> Said {
    let words = ["import"].iter().chain(&words);
    let said = place.say(PROGRAM, words, "c.conf");
    assert_eq!(said.status, Some(0), "{said:?}");
    said
}

#[test]
fn a_first_disk_that_is_not_imported_is_never_the_disk_of_volroot() {
    let place = Place::new();
    place.write("c.conf", HOST);
    let vm = |disk: &str| format!("loader=grub\ncpu=1\nmemory=1G\n{disk}");
    let disk = |dev: &str, name: &str| {
        vm(&format!(
            "disk0_type=virtio-blk\ndisk0_dev={dev}\ndisk0_name={name}\n"
        ))
    };
    for (store, text, why) in [
        (
            "comma",
            disk("custom", "/vm/a,b.img"),
            "# hd0 is not imported: /vm/a,b.img: bhyve does not accept a comma in a path; write the path of a disk as hd0",
        ),
        (
            "blank",
            disk("custom", "/vm/a b"),
            "# hd0 is not imported: /vm/a b: grub-bhyve",
        ),
        (
            "iscsi",
            disk("iscsi", "iqn"),
            "# disk0_name=iqn is not imported: easy-bhyve has no iSCSI disks; write the path of a disk as hd0",
        ),
        ("none", vm(""), "# hd0=/nonexistent/w is no disk"),
    ] {
        place.write(&format!("{store}/w/w.conf"), text);
        let said = imported(&place, ["vm-bhyve", store]);
        assert!(said.out.contains(why), "{why}\n{}", said.out);
        not_startable(&said.out);
    }
    let text = "<domain><name>w</name><memory>262144</memory><devices><disk><source file='/a,b.img'/>\
                <target dev='vda'/></disk><disk><source file='/b'/><target dev='vdb'/></disk></devices></domain>";
    place.write("d.xml", text);
    let said = imported(&place, ["libvirt", "d.xml"]);
    assert!(
        said.out.contains("# hd0 is not imported: /a,b.img: "),
        "{said:?}"
    );
    assert!(said.out.contains("w_hd1=/b\n"), "{said:?}");
    not_startable(&said.out);
}

/// Asserts that a VM of these lines does not start on a host that has the disk which is the default.
#[track_caller]
fn not_startable(lines: &str) {
    let remark = "# hd0=/nonexistent/w is no disk: w starts when hd0 names one\n";
    assert!(lines.contains(remark), "{lines}");
    let host = Host::freebsd(14)
        .with_volume("zroot/vm/w", 1 << 30)
        .with_image("/b", 1 << 30);
    let mut fake = Fake::new(host, USER);
    let config = format!("{HOST}{lines}");
    let said = call(&mut fake, &config, &["easy-bhyve", "boot", "w", "-d"]);
    assert_eq!((said.status, said.out.as_str()), (1, ""), "{said:?}");
    let what = "disk /nonexistent/w does not exist";
    assert!(said.err.contains(what), "{}", said.err);
}

#[test]
fn a_nic_of_vm_bhyve_joins_the_bridge_that_has_the_uplink_now() {
    let place = Place::new();
    place.write("c.conf", HOST);
    place.write(
        "store/.config/system.conf",
        "switch_list=public\nports_public=igb0\n",
    );
    place.write(
        "store/w/w.conf",
        "loader=uefi\ncpu=1\nmemory=1G\nnetwork0_type=virtio-net\nnetwork0_switch=public\n\
         disk0_type=nvme\ndisk0_dev=custom\ndisk0_name=/b\n",
    );
    let lines = imported(&place, ["vm-bhyve", "store"]).out;
    let mut host = Host::freebsd(14).with_image("/b", 1 << 30);
    let bridge = host.add_interface("vm-public", Kind::Bridge);
    bridge.members.push("igb0".into());
    let mut fake = Fake::new(host, USER);
    let words = ["easy-bhyve", "boot", "w", "-d"];
    let said = call(&mut fake, &format!("{HOST}{lines}"), &words);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.out.contains("ifconfig vm-public addm tap1"),
        "{said:?}"
    );
    assert!(!said.out.contains("addm igb0"), "{said:?}");
}

#[test]
fn a_datastore_has_one_path() {
    let place = Place::new();
    place.write("c.conf", HOST);
    let text = "loader=uefi\ncpu=1\nmemory=1G\ndisk0_type=nvme\ndisk0_dev=zvol\ndisk0_name=d\n\
                disk1_type=nvme\ndisk1_name=e.img\n";
    place.write("store/w/w.conf", text);
    place.write("sub/readme", "");
    place.link("link", "store");
    let store = place.shown("store");
    place.script(
        "programs/zfs",
        &format!("printf 'tank\\tnone\\ntank/vm\\t{store}\\n'"),
    );
    for from in ["store", "sub/../store", "./store/", "link"] {
        let mut call = place.call(PROGRAM);
        call.env(
            "EASY_BHYVE_PATH",
            format!("{}:/usr/bin:/bin", place.shown("programs")),
        );
        let call = call.args(["--config", "c.conf", "import", "vm-bhyve", from]);
        let said = Said::of(&call.output().unwrap());
        assert!(
            said.out.contains("\nw_hd0=/dev/zvol/tank/vm/w/d\n"),
            "{from}: {said:?}"
        );
        assert!(
            said.out.contains(&format!("\nw_hd1={store}/w/e.img\n")),
            "{from}: {said:?}"
        );
    }
}

#[test]
fn only_a_file_is_read() {
    let place = Place::new();
    place.write("c.conf", HOST);
    let mut fifo = std::process::Command::new("mkfifo");
    assert!(fifo.arg(place.path("fifo")).status().unwrap().success());
    for (manager, from, what) in [
        ("libvirt", "fifo", "fifo: it is not a file"),
        ("iohyve", "fifo", "fifo: it is not a file"),
        ("iohyve", "/dev/zero", "/dev/zero: it is not a file"),
        ("libvirt", "/", "could not read /: it is not a file"),
    ] {
        let mut call = place.call(PROGRAM);
        call.args(["--config", "c.conf", "import", manager, from]);
        call.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = call.spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while child.try_wait().unwrap().is_none() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let said = Said::of(&child.wait_with_output().unwrap());
        assert_eq!(said.status, Some(1), "{from}: {said:?}");
        assert!(said.err.contains(what), "{from}: {said:?}");
        assert!(
            said.err.contains("write the text into a file first"),
            "{from}: {said:?}"
        );
    }
}

#[test]
fn without_lines_there_is_nothing_to_add() {
    let place = Place::new();
    place.write("c.conf", format!("{HOST}w_id=1\n"));
    place.write("store/w/w.conf", "loader=uefi\ncpu=1\nmemory=1G\n");
    let said = imported(&place, ["vm-bhyve", "store"]);
    let at = place.shown("c.conf");
    let expected = format!("easy-bhyve: w is not imported: w already exists at {at}:2:1\n");
    assert_eq!((said.out.as_str(), said.err), ("", expected));
}

#[test]
fn the_output_may_be_the_first_configuration() {
    let place = Place::new();
    place.write(
        "store/.config/system.conf",
        "switch_list=public\nports_public=igb0\n",
    );
    place.write(
        "store/w/w.conf",
        "loader=uefi\ncpu=1\nmemory=1G\nnetwork0_type=e1000\nnetwork0_switch=public\n\
         network0_mac=58:9c:fc:00:00:01\ndisk0_type=nvme\ndisk0_dev=custom\ndisk0_name=/b\n",
    );
    // A shell makes the file before the program runs.
    let file = fs::File::create(place.path("c.conf")).unwrap();
    let mut call = place.call(PROGRAM);
    call.args(["--config", "c.conf", "import", "vm-bhyve", "store"]);
    let said = Said::of(&call.stdout(file).output().unwrap());
    let at = place.shown("c.conf");
    assert_eq!(
        said.err,
        format!(
            "easy-bhyve: {at} was empty: the lines are a whole configuration; when they are in the file: easy-bhyve --config c.conf setup\n"
        )
    );
    let text = fs::read_to_string(place.path("c.conf")).unwrap();
    let host = format!(
        "bridge=vm-public\nnetif=igb0\nvolroot={}\n\n",
        place.shown("store")
    );
    assert!(text.starts_with(&host), "{text}");
    assert!(
        !text.contains("igb0 is the uplink") && !text.contains("w_if0_bridge"),
        "{text}"
    );
    let check = place.say(PROGRAM, ["check"], "c.conf");
    assert_eq!(check.status, Some(0), "{check:?}");
}
