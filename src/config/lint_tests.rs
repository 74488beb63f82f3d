//! Tests of the findings over a whole configuration.

use super::{check, conflicts, line_ends};
use crate::config::tests::config;
use crate::finding::FindingName::{self, *};

fn findings(text: &str) -> Vec<(FindingName, String)> {
    let config = config(text.as_bytes());
    let found = check(&config).into_iter();
    found
        .map(|finding| (finding.name, config.place(finding.span).to_string()))
        .collect()
}

fn place(column: &str) -> String {
    format!("test.conf:{column}")
}

#[test]
fn a_good_configuration_has_none() {
    let text = "bridge=bridge0 iso_path=/iso\na_id=1 a_cd0=x a_if0_bridge=b\na_b_id=2 a_b_hd7=x\n";
    assert_eq!(findings(text), []);
}

#[test]
fn an_unknown_key_of_a_vm_names_the_nearest() {
    assert_eq!(
        findings("a_id=1\na_memory=2G\n"),
        [(UnknownKey, place("2:1"))]
    );
    let config = config(b"a_id=1 a_hdd2=x a_if3bridge=y b_mem=1");
    let help: Vec<_> = check(&config)
        .into_iter()
        .flat_map(|finding| finding.help)
        .collect();
    assert_eq!(
        help,
        ["the nearest key is hd2", "the nearest key is if3_bridge"]
    );
}

#[test]
fn the_nearest_key_is_the_one_that_was_begun_or_written_in_part() {
    for (key, nearest) in [
        ("hd", Some("hd0")),
        ("cd", Some("cd0")),
        ("MEM", Some("mem")),
        ("cpus", Some("cpu")),
        ("freebds", Some("freebsd")),
        ("if3bridge", Some("if3_bridge")),
        ("grub", Some("grub_dir")),
        ("timeout", Some("stop_timeout")),
        ("color", None),
        ("note", None),
        ("", None),
    ] {
        assert_eq!(super::nearest(key).as_deref(), nearest, "{key}");
    }
}

#[test]
fn the_uplink_of_a_bridge_is_no_key_of_a_vm_with_the_name_of_the_bridge() {
    let text = "lan_id=1 lan_if0_bridge=lan\nlan_netif=em0 lan_2_netif=em1\n";
    assert_eq!(findings(text), [(UnknownKey, place("2:15"))]);
    let text = format!("{text}lan_if1=tap9 lan_if1_bridge=lan_2\n");
    assert_eq!(findings(&text), []);
    assert_eq!(
        findings("lan_id=1\nlan_netif=em0\n"),
        [(UnknownKey, place("2:1"))]
    );
}

#[test]
fn ids_are_compared_as_numbers() {
    assert_eq!(
        findings("a_id=1 b_id=01 c_id=2\n"),
        [(DuplicateId, place("1:13"))]
    );
    let config = config(b"a_id=1 b_id=01 c_id=2 d_id=0 e_id=00");
    let same = |vm| {
        config
            .same_id(vm)
            .iter()
            .map(|(other, _)| *other)
            .collect::<Vec<_>>()
    };
    assert_eq!(same("a"), ["b"]);
    assert_eq!(same("d"), ["e"]);
    assert_eq!(same("c"), [""; 0]);
    assert_eq!(same("nobody"), [""; 0]);
}

#[test]
fn two_spellings_are_an_error_only_with_two_values() {
    assert_eq!(findings("a_id=1\na_grub_inst=x\na_grub_install=x\n"), []);
    let text = "a_id=1\na_grub_root=x\na_gpt=x\na_grub_bootpart=y\n";
    assert_eq!(findings(text), [(ConflictingKeys, place("4:1"))]);
    let config = config(text.as_bytes());
    assert_eq!(conflicts(&config, &config.keys_of("a")).len(), 1);
}

#[test]
fn line_ends_and_vm_names_are_looked_at() {
    let found = line_ends(&config(b"a_id=1\r\nb_id=2\r\n"));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].name, found[0].span.start), (Crlf, 6));
    assert_eq!(
        findings("_id=1 _x_id=2\n"),
        [(VmName, place("1:1")), (VmName, place("1:7"))]
    );
}
