//! `setup` by the real program: the links that it makes, replaces, removes, and does not touch.

use crate::place::{Place, Said};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const HOST: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm\n";

/// The number of verbs.
pub(crate) const ALL: usize = 15;

/// The verbs in the order of the manual; the last five need ZFS.
pub(crate) const VERBS: [&str; ALL] = [
    "install",
    "boot",
    "ttyboot",
    "console",
    "resources",
    "shutdown",
    "restart",
    "clean",
    "log",
    "resize",
    "snapshot",
    "rollback",
    "clone",
    "history",
    "promote",
];

/// The entries of a directory: names, and the targets of links.
pub(crate) type Entries = BTreeMap<String, Option<PathBuf>>;

pub(crate) fn entries(directory: &Path) -> Entries {
    let Ok(read) = fs::read_dir(directory) else {
        return Entries::new();
    };
    read.map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read_link(entry.path()).ok())
    })
    .collect()
}

/// The links of a VM with these verbs.
pub(crate) fn links(vm: &str, verbs: &[&str], target: impl AsRef<Path>) -> Entries {
    verbs
        .iter()
        .map(|verb| (format!("{vm}-{verb}"), Some(target.as_ref().to_owned())))
        .collect()
}

/// `bin/easy-bhyve` with a configuration beside it.
pub(crate) fn place(vms: &str) -> Place {
    let place = Place::new();
    place.program("bin/easy-bhyve");
    place.write("bin/easy-bhyve.conf", format!("{HOST}{vms}"));
    place
}

pub(crate) fn call(place: &Place, program: impl AsRef<Path>, words: &[&str]) -> Command {
    let mut call = place.call(place.path(program));
    call.env("EASY_BHYVE_PATH", "/bin:/usr/bin")
        .arg("setup")
        .args(words);
    call
}

pub(crate) fn setup(place: &Place) -> Said {
    Said::of(&call(place, "bin/easy-bhyve", &["-v"]).output().unwrap())
}

/// The output of setup for links of these VMs.
pub(crate) fn listed(how: &str, vm: &str, verbs: &[&str]) -> String {
    let names: Vec<String> = verbs.iter().map(|verb| format!("{vm}-{verb}")).collect();
    format!("easy-bhyve: {how}: {}\n", names.join(" "))
}

/// The message about links of these VMs; `whose` is a VM or a number of VMs.
pub(crate) fn total(how: &str, count: usize, whose: &str, directory: &str) -> String {
    let links = if count == 1 { "link" } else { "links" };
    let to = if how == "added" { "to" } else { "from" };
    format!("easy-bhyve: {how} {count} {links} of {whose} {to} {directory}\n")
}

/// The message if nothing changes.
pub(crate) fn as_before(count: usize, directory: &str) -> String {
    format!("easy-bhyve: {directory} has {count} links, as before\n")
}

#[test]
fn every_vm_gets_a_relative_link_per_verb_and_a_second_run_changes_nothing() {
    let place = place("a_id=1\nfile_id=2 file_hd0=/vm/file.img\ndev_id=3 dev_hd0=/dev/da1\n");
    let said = setup(&place);
    let mut wanted = links("a", &VERBS, "../easy-bhyve");
    wanted.extend(links("file", &VERBS[..ALL - 5], "../easy-bhyve"));
    wanted.extend(links("dev", &VERBS[..ALL - 5], "../easy-bhyve"));
    assert_eq!(entries(&place.path("bin/eb")), wanted, "{said:?}");
    let err = [
        listed("added", "a", &VERBS),
        listed("added", "dev", &VERBS[..ALL - 5]),
        listed("added", "file", &VERBS[..ALL - 5]),
        total("added", 3 * ALL - 10, "3 VMs", &place.shown("bin/eb")),
    ];
    assert_eq!(said, Said::new(0, "", err.concat()));
    // Each of them works.
    let shown = place
        .call(place.path("bin/eb/a-resources"))
        .output()
        .unwrap();
    assert!(Said::of(&shown).out.contains("\nsystem=a\n"));

    assert_eq!(
        setup(&place),
        Said::new(0, "", as_before(3 * ALL - 10, &place.shown("bin/eb")))
    );
    assert_eq!(entries(&place.path("bin/eb")), wanted);
}

#[test]
fn a_vm_with_a_screen_has_a_link_to_it_too() {
    let place = place("a_id=1 a_loader=uefi a_vnc=YES\nb_id=2\n");
    let said = setup(&place);
    let mut verbs = VERBS.to_vec();
    verbs.insert(4, "vnc");
    let mut wanted = links("a", &verbs, "../easy-bhyve");
    wanted.extend(links("b", &VERBS, "../easy-bhyve"));
    assert_eq!(entries(&place.path("bin/eb")), wanted, "{said:?}");
    place.write("bin/easy-bhyve.conf", format!("{HOST}a_id=1\nb_id=2\n"));
    let said = setup(&place);
    let err = [
        listed("removed", "a", &["vnc"]),
        total("removed", 1, "a", &place.shown("bin/eb")),
    ];
    assert_eq!(said, Said::new(0, "", err.concat()));
}

#[test]
fn own_links_without_a_vm_are_removed_and_a_volume_that_became_a_file_loses_its_zfs_verbs() {
    let place = place("a_id=1 b_id=2 c_id=3\n");
    setup(&place);
    place.write(
        "bin/easy-bhyve.conf",
        format!("{HOST}b_id=2\nc_id=3 c_hd0=/vm/c\n"),
    );
    // The verb of another version is no verb; a name without a hyphen is no link of ours.
    place.link("bin/eb/a-unknown", "../easy-bhyve");
    place.link("bin/eb/boot", "../easy-bhyve");
    let said = setup(&place);
    let mut wanted = links("b", &VERBS, "../easy-bhyve");
    wanted.extend(links("c", &VERBS[..ALL - 5], "../easy-bhyve"));
    wanted.extend(links("a", &["unknown"], "../easy-bhyve"));
    wanted.insert("boot".into(), Some("../easy-bhyve".into()));
    assert_eq!(entries(&place.path("bin/eb")), wanted);
    let err = [
        listed("removed", "a", &VERBS),
        listed("removed", "c", &VERBS[ALL - 5..]),
        total("removed", ALL + 5, "2 VMs", &place.shown("bin/eb")),
    ];
    assert_eq!(said, Said::new(0, "", err.concat()));
}

#[test]
fn own_links_that_point_elsewhere_are_replaced() {
    let place = place("a_id=1\n");
    let absolute = place.path("bin/easy-bhyve");
    place.link("bin/eb/a-boot", &absolute);
    place.link("bin/eb/a-install", "../../bin/easy-bhyve");
    place.link("bin/eb/gone-boot", &absolute);
    // Through another link to this program.
    place.link("bin/second-name", "easy-bhyve");
    place.link("bin/eb/a-clone", "../second-name");
    place.link("bin/eb/a-clean", "../easy-bhyve");
    let said = setup(&place);
    assert_eq!(
        entries(&place.path("bin/eb")),
        links("a", &VERBS, "../easy-bhyve"),
        "{said:?}"
    );
    let added: Vec<&str> = VERBS.into_iter().filter(|verb| *verb != "clean").collect();
    let err = [
        listed("added", "a", &added),
        total("added", ALL - 1, "a", &place.shown("bin/eb")),
        listed("removed", "gone", &["boot"]),
        total("removed", 1, "gone", &place.shown("bin/eb")),
    ];
    assert_eq!(said, Said::new(0, "", err.concat()));
}

/// Some links to add, to replace, to remove, and to leave unchanged.
fn mixture(directory: &str) -> Place {
    let place = place(&format!(
        "ebdir='{directory}'\na_id=1\nb_id=2 b_hd0=/vm/b\n"
    ));
    let at = |name: &str| format!("bin/{directory}/{name}");
    place.link(&at("gone-boot"), "../easy-bhyve");
    place.link(&at("b-clone"), "../easy-bhyve");
    place.link(&at("a-boot"), place.path("bin/easy-bhyve"));
    place.link(&at("a-clean"), "/bin/sh");
    place.write(&at("b-boot"), "a file\n");
    place
}

#[test]
fn a_dry_run_changes_nothing_and_its_script_does_the_same() {
    for directory in ["eb", "with blank", "$HOME-`it`"] {
        let ours = mixture(directory);
        let theirs = mixture(directory);
        let below = format!("bin/{directory}");
        let before = entries(&theirs.path(&below));
        let plan = Said::of(
            &call(&theirs, "bin/easy-bhyve", &["-d", "--format", "sh"])
                .output()
                .unwrap(),
        );
        assert_eq!(plan.status, Some(0), "{plan:?}");
        assert_eq!(entries(&theirs.path(&below)), before);
        let data = call(&theirs, "bin/easy-bhyve", &["-d", "--format", "json"])
            .output()
            .unwrap();
        assert!(serde_json::from_slice::<serde_json::Value>(&data.stdout).is_ok());
        assert_eq!(entries(&theirs.path(&below)), before);

        let said = setup(&ours);
        assert_eq!(said.status, Some(0), "{said:?}");
        let mut sh = theirs
            .call("/bin/sh")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        sh.stdin
            .take()
            .unwrap()
            .write_all(plan.out.as_bytes())
            .unwrap();
        assert!(sh.wait().unwrap().success(), "{}", plan.out);
        assert_eq!(
            entries(&theirs.path(&below)),
            entries(&ours.path(&below)),
            "{}",
            plan.out
        );
        assert_ne!(entries(&ours.path(&below)), before);
        // With all links in place, nothing is left to do.
        let again = Said::of(
            &call(&theirs, "bin/easy-bhyve", &["-d", "--format", "sh"])
                .output()
                .unwrap(),
        );
        assert_eq!(
            again.out,
            "#!/bin/sh\nset -eu\nPATH=/bin:/usr/bin\nexport PATH\n\n"
        );
    }
}

#[test]
fn the_script_makes_a_missing_directory() {
    let place = place("ebdir='a new/directory'\na_id=1\n");
    let plan = call(&place, "bin/easy-bhyve", &["-d", "--format", "sh"])
        .output()
        .unwrap();
    assert_eq!(entries(&place.path("bin")).len(), 2);
    let script = String::from_utf8(plan.stdout).unwrap();
    let ran = place
        .call("/bin/sh")
        .args(["-c", &script])
        .output()
        .unwrap();
    assert_eq!(Said::of(&ran), Said::new(0, "", ""));
    let made = entries(&place.path("bin/a new/directory"));
    let at = place.path("bin");
    fs::remove_dir_all(at.join("a new")).unwrap();
    assert_eq!(setup(&place).status, Some(0));
    assert_eq!(entries(&at.join("a new/directory")), made);
    assert_eq!(made.len(), ALL);
    let link = at.join("a new/directory/a-boot").canonicalize().unwrap();
    assert_eq!(link, at.join("easy-bhyve"));
}

#[test]
fn a_configuration_without_a_vm_is_a_failure_that_changes_nothing() {
    let place = place("");
    place.link("bin/eb/gone-boot", "../easy-bhyve");
    let before = entries(&place.path("bin/eb"));
    let file = place.shown("bin/easy-bhyve.conf");
    let err = format!(
        "easy-bhyve: {file} has no VM\n  help: add a VM: easy-bhyve new VM --cd ISO --disk 20G --links\n"
    );
    assert_eq!(setup(&place), Said::new(1, "", err));
    assert_eq!(entries(&place.path("bin/eb")), before);
    // A misconfigured VM stops setup before the first change, too.
    place.write("bin/easy-bhyve.conf", format!("{HOST}a_id=1\nb_id=none\n"));
    let said = setup(&place);
    assert_eq!((said.status, said.out.as_str()), (Some(1), ""), "{said:?}");
    assert!(said.err.contains("easy-bhyve.conf:3:6"), "{}", said.err);
    assert_eq!(entries(&place.path("bin/eb")), before);
}

#[test]
fn the_links_of_a_thousand_vms_are_made_and_removed() {
    let vms: String = (0..1000).map(|id| format!("vm{id}_id={id}\n")).collect();
    let place = place(&vms);
    let said = setup(&place);
    assert_eq!(said.status, Some(0), "{said:?}");
    let directory = place.shown("bin/eb");
    let added = total("added", 1000 * ALL, "1000 VMs", &directory);
    assert!(said.err.ends_with(&added));
    let wanted: Entries = (0..1000)
        .flat_map(|id| links(&format!("vm{id}"), &VERBS, "../easy-bhyve"))
        .collect();
    assert!(entries(&place.path("bin/eb")) == wanted);
    assert_eq!(
        setup(&place),
        Said::new(0, "", as_before(1000 * ALL, &directory))
    );
    place.write("bin/easy-bhyve.conf", format!("{HOST}vm999_id=1\n"));
    let removed = total("removed", 999 * ALL, "999 VMs", &directory);
    assert!(setup(&place).err.ends_with(&removed));
    assert_eq!(
        entries(&place.path("bin/eb")),
        links("vm999", &VERBS, "../easy-bhyve")
    );
}

#[test]
fn a_file_in_the_place_of_the_directory_is_a_failure() {
    let place = place("a_id=1\n");
    place.write("bin/eb", "a file\n");
    let said = setup(&place);
    assert_eq!((said.status, said.out.as_str()), (Some(1), ""));
    assert!(said.err.contains(&place.shown("bin/eb")), "{said:?}");
    assert_eq!(
        fs::read_to_string(place.path("bin/eb")).unwrap(),
        "a file\n"
    );
}
