//! The recipes of easy-bhyve-examples(7): every configuration in them is one.

use crate::call::call;
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use crate::host::state::Kind;
use crate::place::{PROGRAM, Place, Said};

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
