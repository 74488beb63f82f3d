//! The recipes of easy-bhyve-examples(7): every configuration in them is one.

use crate::call::{call, call_bare, owner};
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use crate::host::state::Kind;
use crate::place::{PROGRAM, Place, Said};
use std::ffi::OsString;

/// A display that is a configuration, and the section that it is in.
fn configurations(page: &str) -> Vec<(&str, String)> {
    let mut section = "";
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix(".Ss ") {
            section = title;
        } else if line.starts_with(".Bd ") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != ".Ed").collect();
            if text.iter().any(|line| line.contains("_id=")) {
                let text = text.join("\n").replace("\\e", "\\");
                found.push((section, text + "\n"));
            }
        }
    }
    found
}

/// The values of the settings whose names end so.
fn values<'text>(text: &'text str, ends: &[&str]) -> Vec<&'text str> {
    let settings = text.lines().filter_map(|line| line.split_once('='));
    let settings = settings.filter(|(name, _)| ends.iter().any(|end| name.ends_with(end)));
    let values = settings.map(|(_, value)| value.split(" #").next().unwrap_or_default());
    values.map(str::trim).collect()
}

/// A host that has what the configuration names.
fn host_of(text: &str) -> Host {
    let mut host = Host::freebsd(15);
    for iso in values(text, &["_cd0"]) {
        host = host.with_image(iso, 1 << 30);
    }
    for store in values(text, &["_uefi_vars"]) {
        host = host.with_store(store, 528 << 10);
    }
    for disk in values(text, &["_hd0"]) {
        host = host.with_volume(disk.strip_prefix("/dev/zvol/").unwrap(), 20 << 30);
    }
    for vm in text.lines().filter_map(|line| line.split_once("_id=")) {
        host = host.with_volume(&format!("zroot/vm/{}", vm.0), 20 << 30);
    }
    for name in ["igb1", "wlan0"] {
        host.add_interface(name, Kind::Physical);
    }
    // vm-bhyve makes the bridge of its switch when the host starts.
    if text.starts_with("bridge=vm-public\n") {
        let bridge = host.add_interface("vm-public", Kind::Bridge);
        bridge.members.push("igb0".into());
    }
    // What the recipe of the private bridge writes into rc.conf.
    if text.starts_with("bridge=bridge1\n") {
        let bridge = host.add_interface("bridge1", Kind::Bridge);
        let address = "inet 10.0.0.1 netmask 0xffffff00 broadcast 10.0.0.255";
        bridge.addresses.push(address.to_owned());
    }
    host
}

#[test]
fn check_has_nothing_to_report_about_a_recipe() {
    let output = Place::new()
        .call(PROGRAM)
        .args(["man", "--source", "7"])
        .output();
    let page = Said::of(&output.unwrap()).out;
    let found = configurations(&page);
    assert_eq!(found.len(), 10, "{found:?}");
    for (section, text) in found {
        let mut fake = Fake::new(host_of(&text), USER);
        let said = call(&mut fake, &text, &["easy-bhyve", "check"]);
        let out = said.out.trim_end().to_owned();
        assert_eq!(
            (said.status, out.as_str(), said.err.as_str()),
            (0, "no problems in easy-bhyve.conf", ""),
            "{section}:\n{text}"
        );
    }
}

/// The page, and the configuration of the recipe for vm-bhyve.
fn of_vm_bhyve() -> (String, String) {
    let output = Place::new()
        .call(PROGRAM)
        .args(["man", "--source", "7"])
        .output();
    let page = Said::of(&output.unwrap()).out;
    let mut found = configurations(&page).into_iter();
    let found = found.find(|(section, _)| *section == "Coming from vm-bhyve");
    let text = found.unwrap().1;
    (page, text)
}

#[test]
fn the_recipe_for_vm_bhyve_has_the_lines_that_import_prints() {
    let (page, text) = of_vm_bhyve();
    let (host, vm) = text.split_once("\n\n").unwrap();
    let start = page.find("loader=\"uefi\"\n").unwrap();
    let theirs = page[start..].split(".Ed").next().unwrap();
    let place = Place::new();
    place.write("store/web0/web0.conf", theirs);
    place.write(
        "store/.config/system.conf",
        "switch_list=\"public\"\ntype_public=\"standard\"\nports_public=\"igb0\"\n",
    );
    place.write("c.conf", host);
    let store = place.shown("store");
    place.script(
        "programs/sysrc",
        "printf 'vm_dir: zfs:zroot/vm\\nvm_list: web0\\nvm_delay: \\n'",
    );
    place.script("programs/zfs", &format!("printf 'zroot/vm\\t{store}\\n'"));
    let import = |config: &str| {
        let mut call = place.call(PROGRAM);
        call.env(
            "EASY_BHYVE_PATH",
            format!("{}:/usr/bin:/bin", place.shown("programs")),
        );
        call.args(["--config", config, "import", "vm-bhyve"]);
        let said = Said::of(&call.output().unwrap());
        assert_eq!(said.status, Some(0), "{said:?}");
        let lines = said.out.lines().filter(|line| !line.starts_with('#'));
        let lines: String = lines.map(|line| format!("{line}\n")).collect();
        lines.replace(&store, "/zroot/vm")
    };
    similar_asserts::assert_eq!(import("c.conf"), vm);
    // Without a configuration the lines of the host are printed, too.
    similar_asserts::assert_eq!(import("missing.conf"), text);
    // The first of the commands writes the same lines of the host.
    let mut fake = Fake::new(host_of(&text), owner());
    fake.environment
        .insert("HOME".into(), place.path("home").into());
    let words = ["easy-bhyve", "init", "--yes"].map(OsString::from);
    let said = call_bare(&mut fake, words.to_vec());
    assert_eq!(said.status, 0, "{said:?}");
    let lines = said.out.lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    similar_asserts::assert_eq!(lines.collect::<Vec<_>>(), host.lines().collect::<Vec<_>>());
}

#[test]
fn the_recipe_for_vm_bhyve_boots_beside_it_and_without_it() {
    let (_, text) = of_vm_bhyve();
    let boot = |host: Host| {
        let mut fake = Fake::new(host, USER);
        let said = call(&mut fake, &text, &["easy-bhyve", "boot", "web0", "-d"]);
        assert_eq!(said.status, 0, "{said:?}");
        said.out
    };
    let beside = boot(host_of(&text));
    assert!(beside.contains("ifconfig vm-public addm tap1"), "{beside}");
    assert!(!beside.contains("addm igb0"), "{beside}");
    let alone = boot(host_of(&text).with_commands(&["ifconfig vm-public destroy"]));
    assert!(
        alone.contains("ifconfig bridge create name vm-public"),
        "{alone}"
    );
    assert!(alone.contains("ifconfig vm-public addm igb0"), "{alone}");
}
