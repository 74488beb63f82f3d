//! Large configurations, 100 000 VMs and files of 10 MB, are read to the right result.

use crate::call::{Said, call_with_file};
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use std::fmt::Write as _;
use std::path::PathBuf;

const VMS: usize = 100_000;

/// A configuration in a directory of its own.
struct Large {
    directory: tempfile::TempDir,
    file: PathBuf,
}

impl Large {
    fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("easy-bhyve.conf");
        std::fs::write(&file, text).unwrap();
        Self { directory, file }
    }

    fn call(&self, words: &[&str]) -> Said {
        let mut fake = Fake::new(Host::freebsd(14), USER);
        let said = call_with_file(&mut fake, &self.file, words);
        assert!(self.directory.path().is_dir());
        said
    }
}

/// Four lines for each VM; several VMs have the same id, since there are fewer ids than VMs.
fn many_vms() -> String {
    let mut text = "bridge=bridge0 netif=igb0 volroot=/vm iso=/iso\n".to_owned();
    for number in 0..VMS {
        let id = number % 32_768;
        writeln!(text, "vm{number}_id={id}\nvm{number}_cd0=$iso/{number}.iso").unwrap();
        writeln!(
            text,
            "vm{number}_mem={}M\nvm{number}_freebsd=YES",
            number + 128
        )
        .unwrap();
    }
    text
}

#[test]
fn a_hundred_thousand_vms_are_listed_shown_and_linked() {
    let large = Large::new(&many_vms());

    let said = large.call(&["easy-bhyve", "list", "--format", "json"]);
    let same = "easy-bhyve: vm32768 and vm0 have the same id, 0\n";
    assert!(
        said.status == 1 && said.err.starts_with(same),
        "{}",
        said.err
    );
    let list: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let vms = list["vms"].as_array().unwrap();
    let mut found: Vec<_> = vms
        .iter()
        .map(|vm| {
            (
                vm["name"].as_str().unwrap().to_owned(),
                vm["mem_bytes"].clone(),
            )
        })
        .collect();
    let mut expected: Vec<_> = (0..VMS)
        .map(|number| (format!("vm{number}"), ((number + 128) << 20).into()))
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    expected.sort_by(|one: &(String, serde_json::Value), other| one.0.cmp(&other.0));
    assert!(found == expected, "the list is wrong");

    let said = large.call(&["vm99999-resources", "--format", "json"]);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    let settings: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(settings["system"], "vm99999");
    assert_eq!(settings["if0"], "tap1695");
    assert_eq!(settings["cd0"], "/iso/99999.iso");
    assert_eq!(settings["mem"], "100127M");

    let said = large.call(&["easy-bhyve", "setup", "-d"]);
    assert_eq!(said.status, 0);
    for vm in ["vm0", "vm50000", "vm99999"] {
        let line = format!("# {vm}: ");
        assert!(said.out.contains(&line), "{vm} has no line");
    }
    let links = said.out.lines().filter(|line| line.contains(" links "));
    assert_eq!(links.count(), VMS);
}

#[test]
fn a_file_of_ten_megabytes_is_read_whatever_its_content() {
    let vm = "bridge=bridge0 netif=igb0 volroot=/vm\na_id=1 a_mem=2G\n";
    let large = 10_000_000;
    let fillings = [
        format!("# {}\n", "x".repeat(large)),
        "\n".repeat(large),
        " \t".repeat(large / 2),
        "b=1;".repeat(large / 4) + "\n",
        "b=$b\n".repeat(large / 5),
        format!("b={}1\n", "\\\n".repeat(large / 2)),
        format!("{}=1\n", "b_".repeat(large / 2)),
    ];
    let expected = Large::new(vm).call(&["a-resources"]);
    assert_eq!(expected.status, 0);
    for filling in fillings {
        for text in [format!("{vm}{filling}"), format!("{filling}{vm}")] {
            let said = Large::new(&text).call(&["a-resources"]);
            let start = &filling[..filling.len().min(20)];
            assert_eq!(said, expected, "filled with {start:?}…");
        }
    }
}

#[test]
fn a_value_that_grows_without_bound_is_refused_at_its_place() {
    let value = "x".repeat(10_000_000);
    let doubled = format!("b=x\n{}", "b=$b$b\n".repeat(1_000));
    for (text, place) in [(format!("a='{value}'\n"), "1:3"), (doubled, "18:3")] {
        let said = Large::new(&text).call(&["a-resources"]);
        assert_eq!((said.status, said.out.as_str()), (1, ""));
        let shown: String = said.err.chars().take(200).collect();
        assert!(said.err.contains("the value exceeds 64 KiB"), "{shown}");
        let at = format!("easy-bhyve.conf:{place}");
        assert!(said.err.contains(&at), "{at} is not in {shown}");
    }
}
