//! `import`: the VMs of other managers, from files as these managers write them.

use crate::call::call;
use crate::case::root;
use crate::cases::compare;
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use crate::place::{PROGRAM, Place, Said};
use std::fs;

pub(crate) const HOST: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm\n";

/// Calls `import` for a file of `tests/foreign`, whose path is shown from there.
fn import(place: &Place, foreign: &str, more: &[&str]) -> Said {
    let (manager, _) = foreign.split_once('/').unwrap();
    let path = root().join("tests/foreign").join(foreign);
    let words = ["import", manager, path.to_str().unwrap()];
    let words = words.iter().chain(more);
    let said = place.say(PROGRAM, words, "c.conf");
    let near = |text: String| {
        let text = text.replace(&format!("{}/tests/foreign/", root().display()), "");
        text.replace(&place.shown("c.conf"), "c.conf")
    };
    Said {
        out: near(said.out),
        err: near(said.err),
        ..said
    }
}

/// Every file or datastore of `tests/foreign`.
fn foreign() -> Vec<String> {
    let mut found = Vec::new();
    for manager in ["iohyve", "libvirt", "vm-bhyve"] {
        let entries = fs::read_dir(root().join("tests/foreign").join(manager)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names = names.filter(|name| !name.ends_with(".expected"));
        found.extend(names.map(|name| format!("{manager}/{name}")));
    }
    found.sort();
    assert!(found.len() >= 5, "{found:?}");
    found
}

#[test]
fn every_foreign_vm_has_the_expected_lines() {
    let place = Place::new();
    place.write("c.conf", HOST);
    for one in foreign() {
        let said = import(&place, &one, &[]);
        assert_eq!(said.status, Some(0), "{one}: {said:?}");
        let file = root().join(format!("tests/foreign/{one}.expected"));
        let text = format!("{}== stderr\n{}", said.out, said.err);
        compare(&file, &text).unwrap_or_else(|difference| panic!("{one}\n{difference}"));
    }
}

#[test]
fn what_is_added_is_what_is_printed_and_is_accepted() {
    for one in foreign() {
        let place = Place::new();
        place.write("c.conf", HOST);
        let printed = import(&place, &one, &[]).out;
        let preview = import(&place, &one, &["--add", "-d"]);
        assert_eq!(preview.status, Some(0), "{one}: {preview:?}");
        assert_eq!(fs::read_to_string(place.path("c.conf")).unwrap(), HOST);

        let said = import(&place, &one, &["--add"]);
        assert_eq!(said.status, Some(0), "{one}: {said:?}");
        let text = fs::read_to_string(place.path("c.conf")).unwrap();
        let set = |text: &str| {
            let lines = text
                .lines()
                .filter(|line| !line.starts_with('#') && !line.is_empty());
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let foreign = format!("{}/tests/foreign/", root().display());
        let added = text.replace(&foreign, "");
        assert_eq!(set(&added), set(&format!("{HOST}{printed}")), "{one}");
        // Every remark is shown, too.
        let remarks = printed.lines().filter(|line| line.starts_with("# "));
        for remark in remarks.filter(|line| !line.contains(" of ")) {
            assert!(
                said.err.contains(&remark[2..]),
                "{one}: {remark}\n{}",
                said.err
            );
        }
        let check = place.say(PROGRAM, ["check"], "c.conf");
        assert!(!check.out.contains("unknown-key"), "{one}: {}", check.out);
        // A second time there is nothing to add.
        let again = import(&place, &one, &["--add"]);
        assert_eq!(again.status, Some(0), "{one}: {again:?}");
        assert!(again.err.contains("already exists at c.conf:"), "{again:?}");
        assert_eq!(fs::read_to_string(place.path("c.conf")).unwrap(), text);
    }
}

#[test]
fn without_a_configuration_the_settings_of_the_host_are_printed_too() {
    let place = Place::new();
    let path = root().join("tests/foreign/vm-bhyve/store");
    let words = ["import", "vm-bhyve", path.to_str().unwrap()];
    let said = Said::of(&place.call(PROGRAM).args(words).output().unwrap());
    assert_eq!(said.status, Some(0), "{said:?}");
    let host = format!("bridge=vm-public\nnetif=igb0\nvolroot={}\n", path.display());
    assert!(said.out.starts_with(&host), "{}", said.out);
    // A NIC of this switch joins the bridge without a setting.
    assert!(!said.out.contains("_if0_bridge=vm-public"), "{}", said.out);
    assert!(
        said.err.contains("there is no configuration yet"),
        "{said:?}"
    );
}

#[test]
fn rc_conf_has_the_datastore_and_the_vms_that_start_with_the_host() {
    let place = Place::new();
    place.write("c.conf", HOST);
    for vm in ["db", "web"] {
        let text = "loader=\"bhyveload\"\ncpu=1\nmemory=1G\ndisk0_name=\"d0\"\ndisk0_type=\"virtio-blk\"\ndisk0_dev=\"zvol\"\n";
        place.write(&format!("store/{vm}/{vm}.conf"), text);
    }
    place.script(
        "programs/sysrc",
        "[ \"$*\" = '-i vm_dir vm_list vm_delay' ] || exit 1\n\
         printf 'vm_dir: zfs:tank/vm\\nvm_list: web\\nvm_delay: 7\\n'",
    );
    let store = place.shown("store");
    place.script(
        "programs/zfs",
        &format!("printf 'tank\\tnone\\ntank/vm\\t{store}\\n'"),
    );
    let path = format!("{}:/usr/bin:/bin", place.shown("programs"));
    let call = |words: &[&str]| {
        let mut call = place.call(PROGRAM);
        call.env("EASY_BHYVE_PATH", &path)
            .env("EASY_BHYVE_CONFIG", place.path("c.conf"))
            .args(["import", "vm-bhyve"])
            .args(words);
        Said::of(&call.output().unwrap())
    };
    let said = call(&[]);
    let lines = said.out.lines().filter(|line| !line.starts_with('#'));
    let lines: Vec<&str> = lines.collect();
    let expected = [
        "web_id=1",
        "web_cpu=1",
        "web_freebsd=YES",
        "web_mem=1G",
        "web_hd0=/dev/zvol/tank/vm/web/d0",
        "web_if0_bridge=none",
        "web_autostart=YES",
        "web_autostart_delay=7",
        "",
        "db_id=2",
        "db_cpu=1",
        "db_freebsd=YES",
        "db_mem=1G",
        "db_hd0=/dev/zvol/tank/vm/db/d0",
        "db_if0_bridge=none",
    ];
    similar_asserts::assert_eq!(lines, expected, "{said:?}");
    // The directory is that of the dataset, but not the one that rc.conf names.
    let said = call(&[&store]);
    assert!(
        said.out.contains("web_hd0=/dev/zvol/tank/vm/web/d0\n"),
        "{said:?}"
    );
    assert!(!said.out.contains("autostart"), "{said:?}");
    let said = call(&["zfs:tank/other"]);
    assert_eq!(said.status, Some(1));
    assert!(
        said.err.contains("the dataset tank/other does not exist"),
        "{said:?}"
    );
}

#[test]
fn the_host_is_asked_for_the_properties_of_iohyve() {
    let place = Place::new();
    place.write("c.conf", HOST);
    place.script(
        "programs/zfs",
        "[ \"$*\" = 'get -H -s local all' ] || exit 1\n\
         printf 'tank/iohyve/web\\tiohyve:loader\\tbhyveload\\tlocal\\n'\n\
         printf 'tank/iohyve/web\\tiohyve:ram\\t1G\\tlocal\\n'\n\
         printf 'tank/iohyve/web/disk0\\tvolsize\\t8G\\tlocal\\n'",
    );
    let mut call = place.call(PROGRAM);
    call.env(
        "EASY_BHYVE_PATH",
        format!("{}:/usr/bin:/bin", place.shown("programs")),
    );
    call.env("EASY_BHYVE_CONFIG", place.path("c.conf"));
    let said = Said::of(&call.args(["import", "iohyve"]).output().unwrap());
    assert_eq!(said.status, Some(0), "{said:?}");
    let lines = "web_id=1\nweb_mem=1G\nweb_freebsd=YES\nweb_hd0=/dev/zvol/tank/iohyve/web/disk0\n\
                 web_hd0_type=ahci-hd\nweb_if0_bridge=none\nweb_utc=NO\n";
    assert!(said.out.ends_with(lines), "{said:?}");
}

#[test]
fn an_id_or_a_tap_of_another_program_is_not_used() {
    let host = Host::freebsd(14).with_commands(&["ifconfig tap1 create", "ifconfig tap3 create"]);
    let mut fake = Fake::new(host, USER);
    let store = root().join("tests/foreign/vm-bhyve/uefi");
    let words = ["easy-bhyve", "import", "vm-bhyve", store.to_str().unwrap()];
    let said = call(&mut fake, HOST, &words);
    assert_eq!(said.status, 0, "{said:?}");
    for line in ["empty_id=2\n", "fw0_id=4\n", "fw0_if1=tap5\n"] {
        assert!(said.out.contains(line), "{line}: {said:?}");
    }
}

#[test]
fn bad_input_is_named_by_file_and_line() {
    let place = Place::new();
    place.write("c.conf", HOST);
    place.write("store/web/web.conf", b"cpu=1\nmemory=\xff\n");
    place.write("store2/readme", "");
    place.write("props", "a b c\nnothing\n");
    place.write(
        "broken.xml",
        "<domain type='bhyve'>\n  <name>a</nam>\n</domain>\n",
    );
    place.write(
        "bomb.xml",
        "<!DOCTYPE d [<!ENTITY a 'x'>]>\n<domain>&a;</domain>\n",
    );
    place.write("other.xml", "<network/>\n");
    for (words, status, what) in [
        (
            ["libvirt", "store/web/web.conf"],
            1,
            "store/web/web.conf:2: the line is not UTF-8 text",
        ),
        (["vm-bhyve", "store2"], 1, "there is no VM of vm-bhyve"),
        (["vm-bhyve", "store3"], 1, "could not read "),
        (
            ["iohyve", "props"],
            1,
            "props:2: expected a line of the output of zfs get all",
        ),
        (["iohyve", "broken.xml"], 1, "broken.xml:1: expected"),
        (
            ["libvirt", "broken.xml"],
            1,
            "expected 'name' tag, not 'nam' at 2:1",
        ),
        (["libvirt", "bomb.xml"], 1, "bomb.xml: "),
        (["libvirt", "other.xml"], 1, "the document has no <domain>"),
        (["libvirt", "missing.xml"], 1, "could not read "),
        (["virtualbox", "x"], 2, "vm-bhyve, iohyve, libvirt"),
    ] {
        let words = ["import"].iter().chain(&words);
        let said = place.say(PROGRAM, words, "c.conf");
        assert_eq!(
            (said.status, said.out.as_str()),
            (Some(status), ""),
            "{said:?}"
        );
        assert!(said.err.contains(what), "{what}: {}", said.err);
    }
    let said = place.say(PROGRAM, ["import", "libvirt"], "c.conf");
    assert_eq!(said.status, Some(2), "{said:?}");
    let said = place.say(PROGRAM, ["import", "vm-bhyve"], "c.conf");
    assert_eq!(said.status, Some(2), "{said:?}");
    assert!(said.err.contains("the datastore is unknown"), "{said:?}");
}

#[test]
fn a_hostile_name_neither_leaves_its_comment_nor_its_line() {
    let place = Place::new();
    place.write("c.conf", HOST);
    let text = "<domain type='bhyve'><name>a\nx_id=1\n$(id)\u{9b}31m</name><memory>1</memory>\
                <devices><disk><source file=\"/a b'$(id)&#10;x_id=2\"/></disk></devices></domain>";
    place.write("d.xml", text);
    let said = place.say(PROGRAM, ["import", "libvirt", "d.xml"], "c.conf");
    assert_eq!(said.status, Some(0), "{said:?}");
    assert!(!said.out.contains('\u{9b}'), "{}", said.out);
    let file = place.write("new.conf", format!("{HOST}{}", said.out));
    let vms = place
        .say(PROGRAM, ["list", "--format", "json"], "new.conf")
        .out;
    let vms: serde_json::Value = serde_json::from_str(&vms).unwrap();
    let names: Vec<_> = vms["vms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vm| &vm["name"])
        .collect();
    assert_eq!(names, ["a_x_id_1___id__31m"], "{}", file.display());
}
