use super::{assignments, dependent, removal, renaming};
use crate::config::Config;
use crate::config::edit::{Edit, apply};
use crate::config::tests::config;
use std::collections::BTreeSet;

/// The bytes of the only file after edits.
fn after(text: &str, edits: &[Edit]) -> String {
    String::from_utf8(apply(text.as_bytes(), edits)).unwrap()
}

fn removed(text: &str, vm: &str) -> String {
    let config = config(text.as_bytes());
    after(text, &removal(&config, &assignments(&config, vm).unwrap()))
}

#[test]
fn a_line_of_the_vm_goes_and_every_other_byte_stays() {
    for (text, left) in [
        ("a_id=1\na_mem=1G # big\nb_id=2\n", "b_id=2\n"),
        ("a_id=1 a_mem=1G; export a_cpu=2\nb_id=2", "b_id=2"),
        ("# a\na_id=1\n\nb_id=2\n", "# a\n\nb_id=2\n"),
        ("b_id=2\n\na_id=1\na_mem=1G\n", "b_id=2\n"),
        ("b_id=2\n\na_id=1\n\nc_id=3\n", "b_id=2\n\nc_id=3\n"),
        ("b_id=2\n\na_id=1\nc_id=3\n", "b_id=2\n\nc_id=3\n"),
        (
            "a_id=1 \\\n  a_mem='1\\\n'G\nb_id=2 # it's\n",
            "b_id=2 # it's\n",
        ),
        ("a_id=1 b_id=2\n", "b_id=2\n"),
        ("b_id=2 a_id=1\n", "b_id=2\n"),
        ("b_id=2 a_id=1 # x\n", "b_id=2 # x\n"),
        ("a_id=1; b_id=2\n", "b_id=2\n"),
        ("b_id=2 ;a_id=1 ; c_id=3\n", "b_id=2 ;c_id=3\n"),
        (
            "export a_mem=1G b_mem=2G\na_id=1 b_id=2\n",
            "export b_mem=2G\nb_id=2\n",
        ),
        ("a_mem=1G\nb_id=2\na_id=1\na_mem=2G", "b_id=2\n"),
        // Names of which one is the beginning of another.
        (
            "a_id=1\naa_id=2\na_a_id=3\na_a_mem=1G\na_mem=2G\na_own=x\n",
            "aa_id=2\na_a_id=3\na_a_mem=1G\na_own=x\n",
        ),
        ("a_id=1", ""),
    ] {
        assert_eq!(removed(text, "a"), left, "{text:?}");
    }
}

#[test]
fn an_assignment_within_an_expansion_is_not_edited() {
    let text = "x=${a_mem:=1G}\na_id=1\n";
    let config = config(text.as_bytes());
    let place = assignments(&config, "a").unwrap_err();
    assert_eq!(config.sources().text(place), b"a_mem:=1G");
}

#[test]
fn only_the_names_of_the_vm_change() {
    let text =
        "# a_id is 1\na_id=1 aa_id=2; a_a_id=3\nexport a_mem=\"1G\" # a\na_own=1 x='a_mem'\n";
    let config = config(text.as_bytes());
    let sets = assignments(&config, "a").unwrap();
    let edits = renaming(&config, &sets, "a", "new").unwrap();
    assert_eq!(
        after(text, &edits),
        "# a_id is 1\nnew_id=1 aa_id=2; a_a_id=3\nexport new_mem=\"1G\" # a\na_own=1 x='a_mem'\n"
    );
    let names: Vec<&str> = edits.iter().map(|edit| edit.name.as_str()).collect();
    assert_eq!(names, ["new_id", "new_mem"]);
}

#[test]
fn a_variable_of_others_that_uses_one_of_the_vm_is_found() {
    let find = |text: &str, after: &str| {
        let (old, new): (Config, Config) = (config(text.as_bytes()), config(after.as_bytes()));
        let names: BTreeSet<String> = ["a_id", "a_mem", "n_id", "n_mem"].map(str::to_owned).into();
        dependent(&old, &new, &names).map(|(name, _)| name)
    };
    let text = "a_id=1 a_mem=1G\nb_id=2\n";
    assert_eq!(find(text, "n_id=1 n_mem=1G\nb_id=2\n"), None);
    assert_eq!(find(text, "b_id=2\n"), None);
    assert_eq!(
        find("a_id=1\na_mem=1G\nb_mem=$a_mem\n", "b_mem=$a_mem\n").as_deref(),
        Some("b_mem")
    );
}

/// A generator of lines of several VMs, by a seed.
fn generated(mut seed: u64) -> String {
    let mut next = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % most
    };
    let mut text = String::from("a_id=1 aa_id=2\na_a_id=3\n");
    for _ in 0..30 {
        let vm = ["a", "aa", "a_a", "b", ""][usize::try_from(next(5)).unwrap()];
        let key =
            ["_mem", "_cpu", "_hd1", "_if1_bridge", "_other"][usize::try_from(next(5)).unwrap()];
        let value =
            ["1", "'x y'", "\"q\\\"\n\"", "$'\\n'", "", "a_mem"][usize::try_from(next(6)).unwrap()];
        let end =
            ["\n", " ", "; ", " # a_mem=1\n", "\n\n", " \\\n"][usize::try_from(next(6)).unwrap()];
        text.extend([vm, key, "=", value, end]);
    }
    text + "\nlast=1\n"
}

#[test]
fn whatever_is_removed_or_renamed_all_other_assignments_stay() {
    let others = |config: &Config, but: &str| -> Vec<(String, Vec<u8>)> {
        let is_other = |name: &str| config.owner(name).is_none_or(|(owner, _)| owner != but);
        let sets = config.assignments().filter(|set| is_other(set.name));
        sets.map(|set| (set.name.to_owned(), set.value.to_vec()))
            .collect()
    };
    for seed in 0..500 {
        let text = generated(seed);
        let old = config(text.as_bytes());
        for vm in ["a", "aa", "a_a"] {
            let sets = assignments(&old, vm).unwrap();
            let less = after(&text, &removal(&old, &sets));
            let new = config(less.as_bytes());
            assert!(!new.is_vm(vm), "{seed} {vm}\n{text}\n---\n{less}");
            // What is left of the VM has no id, so that its rest may look like another's.
            assert_eq!(
                others(&new, vm),
                others(&old, vm),
                "{seed} {vm}\n{text}\n---\n{less}"
            );

            let named = after(&text, &renaming(&old, &sets, vm, "new").unwrap());
            let new = config(named.as_bytes());
            assert_eq!(
                others(&new, "new"),
                others(&old, vm),
                "{seed}\n{text}\n---\n{named}"
            );
            let values = |config: &Config, vm: &str| -> Vec<(String, Vec<u8>)> {
                let keys = config.keys_of(vm).keys.into_iter();
                keys.map(|key| (key.spelling.to_owned(), key.set.value.to_vec()))
                    .collect()
            };
            assert_eq!(values(&new, "new"), values(&old, vm), "{seed}\n{text}");
        }
    }
}
