//! `import`: what the configuration would refuse, names and taps in use, and large files.

use crate::call::call;
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
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
fn words_for_bhyve_that_are_refused_are_all_reported() {
    let place = Place::new();
    place.write("c.conf", HOST);
    let text = "loader=uefi\ncpu=1\nmemory=1G\nvirt_random=yes\n\
                bhyve_options=\"-s 5:0,hda,play=/dev/dsp0 -s 20,passthru,4/0/0\"\n";
    place.write("store/web/web.conf", text);
    let said = place.say(PROGRAM, ["import", "vm-bhyve", "store"], "c.conf");
    assert_eq!(said.status, Some(0), "{said:?}");
    assert!(!said.out.contains("\nweb_bhyve_args="), "{said:?}");
    let why = "# -s 5:0,hda,play=/dev/dsp0 -s 20,passthru,4/0/0 of bhyve is not imported: ";
    assert!(said.out.contains(why), "{said:?}");
}

#[test]
fn a_comment_may_have_another_encoding() {
    let place = Place::new();
    place.write("c.conf", HOST);
    let text = b"# caf\xe9\nloader=uefi\ncpu=1\nmemory=1G\nuuid=\xe9\n";
    place.write("store/web/web.conf", text);
    place.write("store/db/db.conf", "loader=uefi\ncpu=1\nmemory=1G\n");
    let said = place.say(PROGRAM, ["import", "vm-bhyve", "store"], "c.conf");
    assert_eq!(said.status, Some(0), "{said:?}");
    for text in [
        "\nweb_mem=1G\n",
        "\ndb_mem=1G\n",
        "is not imported: the value is not UTF-8 text",
    ] {
        assert!(said.out.contains(text), "{text}: {said:?}");
    }
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
fn a_file_as_large_as_may_be_is_read_and_a_larger_one_is_not() {
    let place = Place::new();
    place.write("c.conf", HOST);
    let domains = "<domain><name>a</name></domain>".repeat(20_000);
    place.write("d.xml", format!("<all>{domains}</all>"));
    let said = place.say(PROGRAM, ["import", "libvirt", "d.xml"], "c.conf");
    assert_eq!(said.status, Some(0), "{}", said.err);
    assert!(said.out.contains("\na_20000_id="));

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

/// A file that describes so many things.
type Shape = fn(usize) -> String;

fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (1..=count).map(text).collect()
}

fn domains(count: usize, inner: impl Fn(usize) -> String) -> String {
    let all = each(count, |at| format!("<domain>{}</domain>", inner(at)));
    format!("<all>{all}</all>")
}

/// The allocations of `import` for so many things, and for four times as many, beyond those for one.
fn allocations(manager: &str, shape: Shape, count: usize) -> [u64; 2] {
    let place = Place::new();
    let of = |count: usize| {
        let path = place.write("vms", shape(count));
        let words = ["easy-bhyve", "import", manager, path.to_str().unwrap()];
        let mut fake = Fake::new(Host::freebsd(14), USER);
        let counted = allocation_counter::measure(|| {
            let said = call(&mut fake, HOST, &words);
            assert_eq!(said.status, 0, "{said:?}");
        });
        counted.count_total
    };
    let one = of(1);
    [of(count) - one, of(4 * count) - one]
}

#[test]
fn four_times_as_many_vms_are_four_times_the_work() {
    let shapes: [(&str, &str, Shape); 7] = [
        ("plain", "iohyve", |count| {
            each(count, |at| format!("p/iohyve/v{at}\tiohyve:cpu\t1\n"))
        }),
        // The second NIC needs a tap whose number no other VM has.
        ("taps", "iohyve", |count| {
            each(count, |at| {
                let of = format!("p/iohyve/v{at}\tiohyve");
                format!("{of}:con\tnmdm{at}\n{of}:tap\ttap{at},tap{at}\n")
            })
        }),
        ("keys", "iohyve", |count| {
            each(count, |at| format!("p/iohyve/v\tiohyve:key{at}\t1\n"))
        }),
        ("one name", "libvirt", |count| {
            domains(count, |_| "<name>a</name>".to_owned())
        }),
        ("refused disks", "libvirt", |count| {
            domains(count, |at| {
                let disk = format!("<disk><source file='/a,{at}'/></disk>");
                format!("<name>v{at}</name><devices>{disk}</devices>")
            })
        }),
        ("refused cpus", "libvirt", |count| {
            domains(count, |at| format!("<name>v{at}</name><vcpu>x{at}</vcpu>"))
        }),
        ("elements", "libvirt", |count| {
            let all = each(count, |at| format!("<sound model='{at}'/>\n"));
            domains(1, |_| format!("<name>a</name><devices>{all}</devices>"))
        }),
    ];
    for (name, manager, shape) in shapes {
        let [some, many] = allocations(manager, shape, 200);
        assert!(many * 2 < some * 9, "{name}: {some}, then {many}");
    }
    // The measure finds more work than that.
    let square: Shape = |count| {
        let keys = |vm| each(count, |at| format!("p/iohyve/v{vm}\tiohyve:key{at}\t1\n"));
        each(count, keys)
    };
    let [some, many] = allocations("iohyve", square, 20);
    assert!(many * 2 > some * 18, "{some}, then {many}");
}
