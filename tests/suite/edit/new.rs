//! `new` on a host that answers questions: the block, the disk and the links.

use super::HOST;
use crate::call::{Said, call_with_file};
use crate::fake::{Fake, Lost};
use crate::host::Host;
use crate::host::build::USER;
use crate::machine::Machine;
use crate::view;
use std::fs;
use std::path::Path;

/// A host with an ISO and a dataset for disks.
fn host() -> Host {
    Host::freebsd(14)
        .with_image("/iso/a b.iso", 1 << 20)
        .with_image("/iso/deb.iso", 1 << 20)
        .with_volume("zroot/vm/a", 1 << 30)
}

/// The result of a call: its output, the configuration, and the additions on the host.
fn new(mut fake: Fake, before: &str, words: &[&str]) -> (Said, String, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("easy-bhyve.conf");
    fs::write(&file, format!("{HOST}{before}")).unwrap();
    let lines = view::lines(&fake.host());
    let said = call_with_file(&mut fake, &file, &[&["easy-bhyve", "new"], words].concat());
    let text = fs::read_to_string(&file).unwrap();
    let new = view::difference(&lines, &view::lines(&fake.host()));
    (said, text.strip_prefix(HOST).unwrap().to_owned(), new)
}

fn fake() -> Fake {
    Fake::new(host(), USER)
}

#[test]
fn the_block_has_the_smallest_free_id_the_iso_and_the_typed_settings() {
    let words = ["web", "freebsd=YES", "--cd", "iso/deb.iso", "hd1=/dev/da1"];
    let (said, text, new) = new(fake(), "a_id=0 b_id=1\nc_id=3\n", &words);
    assert_eq!(
        text,
        "a_id=0 b_id=1\nc_id=3\n\nweb_id=2\nweb_cd0=/iso/deb.iso\nweb_freebsd=YES\nweb_hd1=/dev/da1\n"
    );
    assert_eq!(
        (said.status, said.err.as_str()),
        (
            0,
            "easy-bhyve: easy-bhyve.conf:5:1: web_id=2 (new)\n\
             easy-bhyve: easy-bhyve.conf:6:1: web_cd0=/iso/deb.iso (new)\n\
             easy-bhyve: easy-bhyve.conf:7:1: web_freebsd=YES (new)\n\
             easy-bhyve: easy-bhyve.conf:8:1: web_hd1=/dev/da1 (new)\n\
             easy-bhyve: next, make its disk: easy-bhyve resources web -V 20G -s\n"
        )
    );
    assert_eq!(new, Vec::<String>::new());
}

#[test]
fn a_vm_with_firmware_gets_a_random_uuid() {
    let made = |vm: &str| {
        let (said, text, _) = new(fake(), "", &[vm, "loader=uefi", "id=7"]);
        assert_eq!(said.status, 0, "{said:?}");
        let (_, uuid) = text.split_once("_uuid=").expect("a UUID");
        uuid.trim_end().to_owned()
    };
    let (one, other) = (made("web"), made("www"));
    // The digit of version 4, and two bits of the variant.
    let is_random = |uuid: &str| uuid.len() == 36 && uuid.as_bytes()[14] == b'4';
    assert!(
        one != other && is_random(&one) && is_random(&other),
        "{one} {other}"
    );
    let typed = "uuid=8a9b0c1d-2e3f-4a5b-8c6d-7e8f9a0b1c2d";
    let (_, text, _) = new(fake(), "", &["web", "loader=uefi", typed]);
    assert_eq!(text.matches("uuid").count(), 1, "{text}");
    let (_, text, _) = new(fake(), "", &["web", "loader=grub"]);
    assert!(!text.contains("uuid"), "{text}");
}

#[test]
fn existing_settings_without_an_id_are_reported() {
    let (said, text, _) = new(fake(), "web_mem=3G\n", &["web", "id=7"]);
    assert_eq!(text, "web_mem=3G\n\nweb_id=7\n");
    assert_eq!(
        said.err,
        "easy-bhyve: easy-bhyve.conf:2:1: web_mem is already set and applies to the new VM\n\
         easy-bhyve: easy-bhyve.conf:4:1: web_id=7 (new)\n\
         easy-bhyve: next, make its disk: easy-bhyve resources web -V 20G -s\n"
    );
}

#[test]
fn the_vm_is_written_and_its_disk_is_made() {
    let (said, text, new) = new(fake(), "a_id=1\n", &["web", "--disk", "1G"]);
    assert_eq!(
        (said.status, text.as_str()),
        (0, "a_id=1\n\nweb_id=2\n"),
        "{said:?}"
    );
    assert!(
        new.iter().any(|line| line.contains("zroot/vm/web")),
        "{new:?}"
    );
}

#[test]
fn no_vm_is_written_if_its_disk_cannot_be_made() {
    for (before, hd0) in [
        // The dataset for disks does not exist.
        ("volroot=zroot/none\nb_id=1\n", "hd0="),
        // The disk exists already.
        ("b_id=1\n", "hd0=/dev/zvol/zroot/vm/a"),
    ] {
        let (said, text, new) = new(fake(), before, &["web", hd0, "--disk", "1G"]);
        assert_ne!(said.status, 0, "{said:?}");
        assert_eq!((text.as_str(), new), (before, Vec::new()), "{said:?}");
    }
}

#[test]
fn no_disk_is_made_if_the_vm_cannot_be_written() {
    // As if a new file would have a group that is not the caller's (EPERM), or the disk were full.
    for (number, why) in [
        (1, "Operation not permitted"),
        (28, "No space left on device"),
    ] {
        for privilege in ["doas", "none"] {
            let fake = Fake::new(host(), if privilege == "none" { 0 } else { USER });
            fake.lose(Lost::Writes(number));
            let before = format!("privilege={privilege} b_id=1\n");
            let (said, text, new) = new(fake, &before, &["web", "--disk", "1G"]);
            assert_eq!(
                (said.status, text.as_str()),
                (1, before.as_str()),
                "{said:?}"
            );
            let begins = format!("easy-bhyve: could not replace easy-bhyve.conf: {why}");
            assert!(said.err.starts_with(&begins), "{said:?}");
            assert_eq!(new, Vec::<String>::new(), "{said:?}");
        }
    }
}

#[test]
fn a_vm_whose_disk_cannot_be_made_is_removed_again() {
    for (program, uid) in [("zfs", USER), ("zfs", 0), ("doas", USER)] {
        let mut fake = Fake::new(host(), uid);
        let nth = if program == "doas" { 1 } else { 3 };
        let order = |fake: &mut Fake| fake.host().fail(program, nth, 1, "doas: no\n");
        order(&mut fake);
        let (said, text, new) = new(fake, "b_id=1\n", &["web", "--disk", "1G"]);
        assert_eq!(
            (said.status, text.as_str()),
            (1, "b_id=1\n"),
            "{program} {uid}: {said:?}"
        );
        assert!(
            said.err.contains("undone: the change of easy-bhyve.conf"),
            "{said:?}"
        );
        assert_eq!(new, Vec::<String>::new(), "{said:?}");
    }
}

#[test]
fn an_iso_that_does_not_exist_or_cannot_be_attached_is_refused() {
    for (iso, err) in [
        (
            "/iso/none.iso",
            "easy-bhyve: /iso/none.iso does not exist\n  help: name an existing ISO image with --cd\n",
        ),
        ("/iso/a b.iso", "easy-bhyve: "),
    ] {
        let (said, text, _) = new(fake(), "a_id=1\n", &["web", "--cd", iso, "mem=0"]);
        assert_eq!((said.status, text.as_str()), (1, "a_id=1\n"), "{said:?}");
        assert!(said.err.starts_with(err), "{said:?}");
    }
}

/// The configuration and the links of a machine, with `@DIR@` for its directory.
fn left(machine: &Machine) -> (String, Vec<String>) {
    let shown = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        text.replace(machine.path().to_str().unwrap(), "@DIR@")
    };
    let links = super::entries_of(&machine.path().join("eb"));
    (shown(&machine.path().join("easy-bhyve.conf")), links)
}

#[test]
fn run_and_script_make_the_same_vm_with_disk_and_links() {
    let words = [
        "easy-bhyve",
        "new",
        "web",
        "--disk",
        "1G",
        "--links",
        "mem=1G",
        "--cd",
        "iso/deb.iso",
    ];
    let config = "bridge=bridge0 netif=igb0 volroot=zroot/vm privilege=doas\na_id=4 # x";
    let run = Machine::new(host(), config);
    let output = run.program(&words).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let made = left(&run);
    assert!(
        made.0
            .ends_with("a_id=4 # x\n\nweb_id=1\nweb_cd0=@DIR@/iso/deb.iso\nweb_mem=1G")
    );
    assert!(made.1.iter().any(|name| name == "web-boot"), "{made:?}");

    let shown = Machine::new(host(), config);
    let mut dry = words.to_vec();
    dry.extend(["-d", "--format", "sh"]);
    let output = shown.program(&dry).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let script = shown.path().join("script");
    fs::write(&script, &output.stdout).unwrap();
    let output = shown.sh().arg(&script).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(left(&shown), made);
    let disk = "zroot/vm/web";
    for machine in [run, shown] {
        let lines = view::lines(&machine.host());
        assert!(lines.iter().any(|line| line.contains(disk)), "{lines:?}");
    }
}
