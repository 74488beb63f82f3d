//! Findings that are probably typing errors: a misspelt name of a VM, or an assignment without
//! effect. Takes linear time.

use super::keys;
use super::settings;
use super::{Assignment, Config};
use crate::finding::{Finding, FindingName};
use crate::span::FileId;
use crate::suggest;
use std::cell::LazyCell;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Checks the names of all variables.
pub fn check(config: &Config) -> Vec<Finding> {
    let expanded = expanded(config);
    let mut findings = unknown_vms(config, &expanded);
    findings.extend(overridden(config, &expanded));
    findings.extend(unknown_bridges(config, &expanded));
    findings.extend(unset(config));
    findings
}

/// Expansions of variables that are not set, with the nearest name that is.
fn unset(config: &Config) -> Vec<Finding> {
    let mut seen = HashSet::new();
    let spans = config.unset().iter().filter(|span| seen.insert(**span));
    let found = spans.filter_map(|span| {
        let name = std::str::from_utf8(config.sources().text(*span)).ok()?;
        let names = config.store.last(|_| true).map(|set| set.name);
        let help = match (config.get(name), suggest::near(name, names)) {
            (Some(set), _) => format!(
                "{name} is set at {}: move that line before this one",
                config.place(set.name_span)
            ),
            (None, Some(near)) => format!("the nearest variable is {near}"),
            (None, None) => {
                format!("set {name} before this line, or write ${{{name}:-}} for an empty value")
            }
        };
        Some(Finding::new(
            FindingName::UnsetVariable,
            *span,
            format!("{name} is not set here, so its value is empty"),
            help,
        ))
    });
    // Each of them costs a look at every name.
    found.take(50).collect()
}

/// Keys of missing VMs: the name is nearly that of a VM, or has several keys.
fn unknown_vms(config: &Config, expanded: &HashSet<&[u8]>) -> Vec<Finding> {
    let names: HashSet<&str> = config.vms().map(|(vm, _)| vm).collect();
    let mut strays: BTreeMap<&str, Vec<Assignment<'_>>> = BTreeMap::new();
    for set in config.store.last(|_| true) {
        // A name that is expanded somewhere is a variable of the user.
        if config.owner(set.name).is_some() || expanded.contains(set.name.as_bytes()) {
            continue;
        }
        let split = keys::splits(set.name).find(|split| keys::is_vm_name(split.vm));
        // An empty id disables a VM on purpose.
        let is_disabled = |vm: &str| config.get(&format!("{vm}_id")).is_some();
        if let Some(split) = split.filter(|split| !is_disabled(split.vm)) {
            strays.entry(split.vm).or_default().push(set);
        }
    }
    if strays.is_empty() {
        return Vec::new();
    }
    let mut shortened: HashMap<String, &str> = HashMap::new();
    for name in names {
        for short in shortened_by_one(name) {
            let other = shortened.entry(short).or_insert(name);
            *other = name.min(other);
        }
    }
    let mut findings = Vec::new();
    for (stray, set) in strays {
        let near = shortened_by_one(stray).find_map(|short| shortened.get(&short));
        let with_id = config.free_id().map_or_else(
            || format!("define the VM: {stray}_id="),
            |id| format!("define the VM: {stray}_id={id}"),
        );
        for one in &set {
            let help = match near {
                Some(near) => format!(
                    "write {near}{}, or {with_id}",
                    one.name.strip_prefix(stray).unwrap_or_default()
                ),
                None if set.len() > 1 => with_id.clone(),
                // A single name that is not similar to a VM's is a variable of the user.
                None => continue,
            };
            findings.push(Finding::new(
                FindingName::UnknownVm,
                one.name_span,
                format!(
                    "{} is a key of {stray}, which is not a VM, because its id is not set",
                    one.name
                ),
                help,
            ));
        }
    }
    findings
}

/// Uplinks of bridges that no NIC joins, unless the name is expanded or begins with that of a VM.
fn unknown_bridges(config: &Config, expanded: &HashSet<&[u8]>) -> Vec<Finding> {
    let is_used = |set: &Assignment<'_>| {
        let mut vms = set.name.match_indices('_');
        vms.any(|(at, _)| set.name.get(..at).is_some_and(|vm| config.is_vm(vm)))
            || expanded.contains(set.name.as_bytes())
    };
    let strays = config.any_uplinks().filter(|(_, set)| !is_used(set));
    let mut strays = strays.peekable();
    if strays.peek().is_none() {
        return Vec::new();
    }
    let bridges = config.bridges();
    let found = strays.filter(|(bridge, _)| !bridges.contains(bridge));
    let finding = |(bridge, set): (&str, Assignment<'_>)| {
        let help =
            format!("let a NIC join it: VM_ifN_bridge={bridge}; or correct the name of the bridge");
        let what = format!("{} has no effect: no NIC joins {bridge}", set.name);
        Finding::new(FindingName::UnknownBridge, set.name_span, what, help)
    };
    // Each of them costs a look at every bridge.
    found.take(50).map(finding).collect()
}

/// The names after a `$` anywhere in the files.
fn expanded(config: &Config) -> HashSet<&[u8]> {
    let mut names = HashSet::new();
    for source in config.sources().iter() {
        let bytes = source.bytes();
        for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'$') {
            let rest = bytes.get(at + 1..).unwrap_or_default();
            let rest = rest.strip_prefix(b"{").unwrap_or(rest);
            let rest = rest.strip_prefix(b"#").unwrap_or(rest);
            let is_in_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let end = rest.iter().position(|byte| !is_in_name(byte));
            names.insert(rest.get(..end.unwrap_or(rest.len())).unwrap_or_default());
        }
    }
    names
}

/// The name, and each result of removing one character: two names share one of these if they differ
/// by at most one letter, or by two swapped letters.
fn shortened_by_one(name: &str) -> impl Iterator<Item = String> {
    // Longer names are not misspellings, and the cost is the square of the length.
    let name = if name.len() > 64 { "" } else { name };
    let without = name.char_indices().map(|(at, letter)| {
        let mut short = name.to_owned();
        short.replace_range(at..at + letter.len_utf8(), "");
        short
    });
    let whole = std::iter::once(name.to_owned()).filter(|name| !name.is_empty());
    whole.chain(without.filter(|short| short.len() > 2))
}

/// Assignments of a setting that a later one in the same file overrides.
fn overridden(config: &Config, expanded: &HashSet<&[u8]>) -> Vec<Finding> {
    let mut last: HashMap<(FileId, &str), Assignment<'_>> = HashMap::new();
    let bridges = LazyCell::new(|| config.bridges());
    let mut findings = Vec::new();
    for set in config.assignments() {
        let is_host = || {
            let of_host = settings::of_host(set.name);
            of_host.is_some_and(|(_, bridge)| bridge.is_empty() || bridges.contains(bridge))
        };
        let is_setting = || is_host() || config.owner(set.name).is_some();
        let Some(earlier) = last.insert((set.name_span.file, set.name), set) else {
            continue;
        };
        // An expansion may have used the earlier value.
        let is_used = expanded.contains(set.name.as_bytes());
        // A file that is included again starts anew.
        let is_behind = earlier.name_span.start < set.name_span.start;
        if is_behind && !is_used && is_setting() {
            findings.push(Finding::new(
                FindingName::HiddenAssignment,
                earlier.name_span,
                format!(
                    "{} has no effect: the setting is overridden at {}",
                    set.name,
                    config.place(set.name_span)
                ),
                "remove one of the two assignments",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::config::tests::config;
    use crate::config::{Outside, Source, parse};

    #[track_caller]
    fn assert_found(text: &str, found: &[&str]) {
        let config = config(text.as_bytes());
        let findings = check(&config);
        let shown: Vec<String> = findings
            .iter()
            .map(|one| format!("{} {}", config.place(one.span), one.name))
            .collect();
        assert_eq!(shown, found, "{text}");
    }

    #[test]
    fn a_misspelt_vm_is_told_from_a_name_of_the_users_own() {
        for misspelt in ["fbds0", "fbsd", "fbsd00", "fbsd1", "bsd0"] {
            let text = format!("fbsd0_id=1 {misspelt}_mem=1G\n");
            assert_found(&text, &["test.conf:1:12 unknown-vm"]);
        }
        for own in [
            "iso_path=x",
            "web_mem=1G",
            "bfsd1_mem=1",
            "fbsd1_id= fbsd1_mem=1G",
        ] {
            assert_found(&format!("fbsd0_id=1\n{own}\n"), &[]);
        }
        assert_found(
            "a_id=1\nweb_mem=1G\nweb_cpu=2\n",
            &["test.conf:2:1 unknown-vm", "test.conf:3:1 unknown-vm"],
        );
    }

    #[test]
    fn an_uplink_of_no_bridge_is_told_from_a_name_of_the_users_own() {
        let text = "bridge=bridge0 a_id=1 a_if1=tap9 a_if1_bridge=lan\n";
        for fine in [
            "bridge0_netif=em0 lan_netif=em1",
            "wan_netif=em0\nnetif=$wan_netif",
            "wan_netif=",
            "a_if2_netif=em0",
        ] {
            assert_found(&format!("{text}{fine}\n"), &[]);
        }
        assert_found(
            &format!("{text}wan_netif=em0 lan_netif=em1\nlan_netif=em2\n"),
            &[
                "test.conf:2:15 hidden-assignment",
                "test.conf:2:1 unknown-bridge",
            ],
        );
    }

    #[test]
    fn a_variable_that_is_used_and_not_set_is_found() {
        assert_found(
            "iso_path=/iso a_id=1\na_cd0=${iso_pth}/x.iso\na_cd1=$later/x\nlater=/y\n",
            &[
                "test.conf:2:9 unset-variable",
                "test.conf:3:8 unset-variable",
            ],
        );
        for fine in [
            "x=${y:-}",
            "x=${y-z}",
            "y=\nx=$y",
            "x='$y'",
            "x=\\$y",
            "#$y",
            "x=${z+$y}",
        ] {
            assert_found(fine, &[]);
        }
    }

    #[test]
    fn only_a_setting_that_is_simply_set_again_is_hidden() {
        assert_found(
            "mem=1G mem=2G a_id=1 a_cpu=1\na_cpu=2\n",
            &[
                "test.conf:1:1 hidden-assignment",
                "test.conf:1:22 hidden-assignment",
            ],
        );
        assert_found(
            "a_id=1 a_cd0=/x iso=/y\na_cd0=$iso/z\n",
            &["test.conf:1:8 hidden-assignment"],
        );
        for fine in [
            "own=1 own=2\n",
            "a_id=1 a_cd0=/x\na_cd0=$a_cd0.iso\n",
            "mem=2G\na_id=1 a_mem=${mem}\nmem=1G\n",
        ] {
            assert_found(fine, &[]);
        }
    }

    #[test]
    fn what_another_file_sets_in_between_hides_nothing_of_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let main = directory.path().join("test.conf");
        std::fs::write(directory.path().join("more"), "a_mem=2G\n").unwrap();
        let text = b"a_id=1 a_mem=1G\n. ./more\na_mem=3G\n".to_vec();
        let outside = Outside {
            variable: &|_| None,
            home: &|_| None,
        };
        let config = parse(vec![Source::new(main, text)], &outside).unwrap();
        let found = check(&config);
        let places: Vec<_> = found.iter().map(|one| config.place(one.span)).collect();
        let places: Vec<_> = places.iter().map(|at| (at.line, at.column)).collect();
        assert_eq!(places, [(1, 8)]);
    }
}
