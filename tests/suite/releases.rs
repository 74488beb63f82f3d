//! Kinds of VMs on each release and machine: the line of bhyve, or the refusal.
//!
//! `tests/releases/expected` has the whole table; `BLESS=1 cargo test` rewrites it; read the difference.

use crate::call::call;
use crate::case::root;
use crate::cases::{compare, directories};
use crate::fake::Fake;
use crate::host::Host;

/// The releases, by `kern.osreldate`.
const RELEASES: [u32; 6] = [
    1_302_001, 1_305_000, 1_403_000, 1_500_068, 1_501_000, 1_600_003,
];

/// Each kind of VM: what it is, its settings, and the verb that starts it.
const KINDS: [(&str, &str, &str); 15] = [
    ("bhyveload", "a_freebsd=YES", "boot"),
    ("bhyveload, by its word", "a_loader=bhyveload", "install"),
    ("grub", "", "boot"),
    ("grub with commands", "a_grub_bootcmd='linux /k'", "boot"),
    ("firmware", "a_loader=uefi", "boot"),
    ("firmware, on the terminal", "a_loader=uefi", "ttyboot"),
    ("firmware, from the CD", "a_loader=uefi", "install"),
    ("disk nvme", "a_loader=uefi a_hd0_type=nvme", "boot"),
    (
        "disk ahci-hd",
        "a_loader=uefi a_hd1=/vm/data a_hd1_type=ahci-hd",
        "boot",
    ),
    (
        "options of a disk",
        "a_loader=uefi a_hd0_opts='nocache direct nodelete sectorsize=512/4096' \
         a_hd1=/vm/data a_hd1_opts=ro",
        "boot",
    ),
    ("NIC e1000", "a_loader=uefi a_if0_type=e1000", "boot"),
    (
        "address of a NIC",
        "a_loader=uefi a_if0_mac=58:9c:fc:00:00:01",
        "boot",
    ),
    ("random numbers", "a_loader=uefi a_rng=YES", "boot"),
    ("wired memory", "a_loader=uefi a_wired=YES", "boot"),
    ("local time", "a_loader=uefi a_utc=NO", "boot"),
];

fn host(release: u32, is_amd64: bool) -> Host {
    let host = Host::freebsd(release / 100_000)
        .on_release(release)
        .with_volume("zroot/vm/a", 1 << 30)
        .with_image("/vm/data", 1 << 30)
        .with_image("/iso/a.iso", 1 << 30);
    if is_amd64 { host } else { host.on_arm64() }
}

/// The line of bhyve, or the message and the help of the refusal.
fn answer(release: u32, is_amd64: bool, settings: &str, verb: &str) -> String {
    let config = format!(
        "bridge=none\nvolroot=zroot/vm\na_id=1 a_cd0=/iso/a.iso a_cpu=2 a_mem=1G\n{settings}\n"
    );
    let mut fake = Fake::new(host(release, is_amd64), 0);
    let name = format!("a-{verb}");
    let said = call(&mut fake, &config, &[&name, "-d"]);
    if said.status == 0 {
        let lines = said.out.lines();
        // It is a comment behind a wait, and runs under daemon(8) in the background.
        let bhyve: Vec<&str> = lines
            .map(|line| line.trim_start_matches(['#', ' ']))
            .map(|line| line.strip_prefix("daemon -c ").unwrap_or(line))
            .filter(|line| line.starts_with("bhyve "))
            .collect();
        assert_eq!(bhyve.len(), 1, "{settings}: {}", said.out);
        return bhyve[0].to_owned();
    }
    let lines = said.err.lines();
    let told: Vec<&str> = lines
        .filter_map(|line| {
            let help = line.trim_start_matches([' ', '=']);
            line.strip_prefix(&format!("{name}: "))
                .or(help.starts_with("help: ").then_some(help))
                .or(line
                    .trim_start()
                    .starts_with("--> ")
                    .then_some(line.trim_start()))
        })
        .collect();
    format!("refused: {}", told.join(" | "))
}

/// `13.2`
fn shown(release: u32) -> String {
    format!("{}.{}", release / 100_000, release / 1_000 % 100)
}

#[test]
fn every_kind_has_its_line_or_its_refusal_on_each_release_and_machine() {
    let mut table = String::new();
    for (kind, settings, verb) in KINDS {
        table += &format!("# {kind}: {verb}, {settings}\n");
        for (machine, is_amd64) in [("amd64", true), ("arm64", false)] {
            let mut rows: Vec<(Vec<String>, String)> = Vec::new();
            for release in RELEASES {
                let found = answer(release, is_amd64, settings, verb);
                // A refusal names the release of the host.
                let found = found.replace(&format!("has {}", shown(release)), "has RELEASE");
                match rows.last_mut().filter(|(_, text)| *text == found) {
                    Some((releases, _)) => releases.push(shown(release)),
                    None => rows.push((vec![shown(release)], found)),
                }
            }
            for (releases, text) in rows {
                table += &format!("{machine} {}\n    {text}\n", releases.join(" "));
            }
        }
    }
    let file = root().join("tests/releases/expected");
    compare(&file, &table).unwrap_or_else(|difference| panic!("{difference}"));
}

#[test]
fn no_bhyve_is_in_monitor_mode() {
    let mut lines = 0;
    for case in directories() {
        let expected = std::fs::read_to_string(case.join("expected")).unwrap_or_default();
        for line in expected.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let Some(at) = words.iter().position(|word| *word == "bhyve") else {
                continue;
            };
            if words.get(at + 1).is_some_and(|word| word.starts_with('-')) {
                lines += 1;
                assert!(!words[at..].contains(&"-M"), "{line}");
            }
        }
    }
    assert!(lines > 100, "{lines} lines");
}
