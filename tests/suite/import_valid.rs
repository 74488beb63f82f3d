//! `import`: what the configuration would refuse, names and taps in use, and large files.

use crate::import::HOST;
use crate::place::{PROGRAM, Place};
use std::fs;

#[test]
fn one_invalid_setting_does_not_lose_the_others() {
    let place = Place::new();
    place.write("c.conf", HOST);
    let vm = |name: &str, more: &str| {
        let text = format!("loader=grub\ncpu=1\nmemory=1G\nnetwork0_type=virtio-net\n{more}");
        place.write(&format!("store/{name}/{name}.conf"), text);
    };
    let disk = |number: u8, path: &str| {
        format!("disk{number}_type=nvme\ndisk{number}_dev=custom\ndisk{number}_name={path}\n")
    };
    vm("good", &disk(0, "/good"));
    let bad = disk(0, "/evil")
        + &disk(1, "../../etc/passwd")
        + &disk(2, "/a b")
        + &disk(3, "/a,b")
        + &disk(4, "/evil")
        + &disk(5, "/last");
    vm("evil", &bad);
    let said = place.say(PROGRAM, ["import", "vm-bhyve", "store"], "c.conf");
    assert_eq!(said.status, Some(0), "{said:?}");
    let evil = said.out.split("\n\n").next().unwrap();
    let set: Vec<&str> = evil.lines().filter(|line| line.contains("_hd")).collect();
    let expected = [
        "evil_hd0=/evil",
        "evil_hd0_type=nvme",
        "evil_hd5=/last",
        "evil_hd5_type=nvme",
    ];
    assert_eq!(set, expected, "{said:?}");
    for why in [
        "# disk1_name=../../etc/passwd is not imported: ",
        "# hd2 is not imported: /a b: grub-bhyve does not accept a blank in a path",
        "# hd3 is not imported: /a,b: bhyve does not accept a comma in a path",
        "# hd4 is not imported: hd0 and hd4 of evil are both /evil",
    ] {
        assert!(evil.contains(why), "{why}\n{evil}");
    }
    let said = place.say(PROGRAM, ["import", "vm-bhyve", "store", "--add"], "c.conf");
    assert_eq!(said.status, Some(0), "{said:?}");
    let text = fs::read_to_string(place.path("c.conf")).unwrap();
    assert!(
        text.contains("good_hd0=/good") && text.contains("evil_hd5=/last"),
        "{text}"
    );
}

#[test]
fn no_tap_is_that_of_two_nics() {
    let place = Place::new();
    place.write("c.conf", HOST);
    let nics: String = (0..7)
        .map(|nic| format!("network{nic}_type=e1000\n"))
        .collect();
    let text = format!("loader=grub\ncpu=1\n{nics}network6_device=tap7\nnetwork5_device=tap7\n");
    place.write("store/win/win.conf", text);
    // y has the number of the tap of w, and none of its own.
    let text = "p/iohyve/w\tiohyve:tap\ttap3\np/iohyve/w\tiohyve:con\tnmdm1\n\
                p/iohyve/y\tiohyve:con\tnmdm3\np/iohyve/z\tiohyve:con\tnmdm1\n";
    place.write("props", text);
    for words in [["vm-bhyve", "store"], ["iohyve", "props"]] {
        let words = ["import"].iter().chain(&words);
        let said = place.say(PROGRAM, words, "c.conf");
        assert_eq!(said.status, Some(0), "{said:?}");
        let mut taps: Vec<String> = Vec::new();
        for block in said.out.split("\n\n") {
            let value = |key: &str| {
                let mut lines = block.lines().filter_map(|line| line.split_once('='));
                let found = lines.find(|(name, _)| name.ends_with(key));
                found.map(|(_, value)| value.to_owned())
            };
            let first = value("_if0");
            taps.push(first.unwrap_or_else(|| format!("tap{}", value("_id").unwrap())));
            taps.extend((1..7).filter_map(|nic| value(&format!("_if{nic}"))));
        }
        let single: std::collections::BTreeSet<&String> = taps.iter().collect();
        assert_eq!(single.len(), taps.len(), "{}", said.out);
        assert!(taps.len() == 7 || taps.len() == 3, "{}", said.out);
    }
    let said = place.say(PROGRAM, ["import", "iohyve", "props"], "c.conf");
    let moved = "# the number of its console is 4 here: 1 is in use";
    assert!(said.out.contains(moved), "{}", said.out);
}

#[test]
fn a_file_as_large_as_may_be_is_read_in_time() {
    let place = Place::new();
    place.write("c.conf", HOST);
    let domains = "<domain><name>a</name></domain>".repeat(20_000);
    place.write("d.xml", format!("<all>{domains}</all>"));
    let start = std::time::Instant::now();
    let said = place.say(PROGRAM, ["import", "libvirt", "d.xml"], "c.conf");
    assert_eq!(said.status, Some(0), "{}", said.err);
    assert!(said.out.contains("\na_20000_id="));
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());

    place.write("e.xml", " ".repeat((1 << 20) + 1));
    let said = place.say(PROGRAM, ["import", "libvirt", "e.xml"], "c.conf");
    assert!(said.err.contains("e.xml is larger than 1M"), "{said:?}");
    // A datastore may have a FIFO in place of a file.
    fs::create_dir_all(place.path("store/a")).unwrap();
    let mut fifo = std::process::Command::new("mkfifo");
    assert!(
        fifo.arg(place.path("store/a/a.conf"))
            .status()
            .unwrap()
            .success()
    );
    let said = place.say(PROGRAM, ["import", "vm-bhyve", "store"], "c.conf");
    assert!(said.err.contains("there is no VM of vm-bhyve"), "{said:?}");
}
