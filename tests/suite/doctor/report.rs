//! `doctor --report`: no private name, through whatever a row shows it.

use super::case::Case;
use super::{CONFIG, SUBJECTS, well};
use crate::call::call_bare;
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use std::ffi::OsString;
use std::path::Path;

/// The report of a user on a host, with a configuration in this file below a directory of its own.
fn report(host: Host, file: &str, config: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, config).unwrap();
    let mut fake = Fake::new(host, USER);
    let home = directory.path().join("o'acme home");
    fake.environment.insert("HOME".into(), home.into());
    let report = of_file(&mut fake, &path);
    let place = directory.path().display().to_string();
    assert!(!report.contains(&place), "{place}: {report}");
    report
}

fn of_file(fake: &mut Fake, path: &Path) -> String {
    let words = ["easy-bhyve", "--config"].map(OsString::from);
    let words = words.into_iter().chain([path.into()]);
    let words = words.chain(["doctor", "--report"].map(OsString::from));
    let said = call_bare(fake, words.collect());
    assert_eq!(said.err, "", "{said:?}");
    said.out
}

/// None of these words is in the report, also as a part of another word.
#[track_caller]
fn has_none(report: &str, words: &[&str]) {
    for word in words {
        assert!(!report.contains(word), "{word}: {report}");
    }
    // The row of the configuration and that of the jail, at least.
    assert!(report.lines().count() > 20, "{report}");
}

#[test]
fn no_case_of_a_row_shows_a_private_name() {
    for case in Case::all() {
        let config = format!("{CONFIG}{}", case.config).replace("deb_", "acme_");
        let config = config.replace("volroot=zroot/vm", "volroot=zroot/acme");
        let report = report(case.host(), "acme dir/acmecorp.conf", &config);
        has_none(
            &report,
            &["acme", "zroot", "vmhost", "igb0", "wlan0", " deb "],
        );
        for subject in SUBJECTS {
            assert!(
                report.contains(&format!(" | {subject} | ")),
                "{subject}: {report}"
            );
        }
    }
}

/// A host whose owner has named the bridge and the uplink.
fn named(release: &str, mtu: u32) -> Host {
    let mut host = well();
    let mut uplink = host.state.interfaces.remove("igb0").unwrap();
    uplink.mtu = mtu;
    host.state.interfaces.insert("acme0".into(), uplink);
    host.state.sysctls.get_mut("kern.osreldate").unwrap().value = release.into();
    host.with_commands(&[
        "ifconfig bridge create name acmelan",
        "ifconfig acmelan addm acme0 up",
        "ifconfig acme0 inet 192.0.2.9/24",
    ])
}

#[test]
fn interfaces_that_their_owner_has_named_are_private() {
    let config = "bridge=acmelan acmelan_netif=acme0 volroot=zroot/vm privilege=none\nacme_id=1\n";
    // Neither exists.
    let missing = report(well(), "easy-bhyve.conf", config);
    has_none(&missing, &["acme"]);
    assert!(
        missing.contains(" | uplink | netif-missing: A netif that does not exist on this host. | "),
        "{missing}"
    );
    for (release, mtu) in [("1403000", 1500), ("1500068", 1500), ("1600010", 9000)] {
        let host = named(release, mtu).with_tap("acmetap", "easy-bhyve:elsewhere");
        has_none(
            &report(host, "easy-bhyve.conf", config),
            &["acme", "elsewhere"],
        );
    }
    let moved = report(named("1500068", 1500), "easy-bhyve.conf", config);
    assert!(
        moved.contains("<br>  cloned_interfaces=\"INTERFACE"),
        "{moved}"
    );
}

#[test]
fn no_word_of_a_configuration_that_cannot_be_read_is_shown() {
    for config in [
        "acme_id=1 acmecorp here\n",
        "acme_id=1\nacme_hd0=/acme acme\n",
        "x=${acmevar:?acmeword}\n",
        ". /acme/acmecorp.conf\n",
        "acmefunction() { acme; }\n",
        "acme-x=1\n",
        "acme_x='acme\n",
        "acme_id=acme\n",
        "acme_id=1\nacme_loader=acme privilege=acme\n",
        "volroot=zroot/acme,acme\nacme_id=1\n",
    ] {
        let report = report(well(), "o'acme \u{e9}/acmecorp.conf", config);
        has_none(&report, &["acme"]);
    }
    let mut fake = Fake::new(well(), USER);
    has_none(
        &of_file(&mut fake, Path::new("/acme/acmecorp.conf")),
        &["acme"],
    );
    has_none(
        &of_file(&mut fake, Path::new("acme/o'acme.conf")),
        &["acme"],
    );
}

#[test]
fn what_every_host_has_is_shown() {
    let report = report(well(), "easy-bhyve.conf", CONFIG);
    for shown in [
        "| uplink | bridge0 with INTERFACE",
        "| FreeBSD 14",
        "| this is the host itself |",
    ] {
        assert!(report.contains(shown), "{shown}: {report}");
    }
}
