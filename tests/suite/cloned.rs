//! `clone --add`: new VMs that are ready to start.

use crate::fake::Lost;
use crate::home::Home;
use crate::host::{Fault, Host};
use crate::renamed::every_signal_is_undone;
use std::collections::BTreeSet;

mod asked;

fn host() -> Host {
    let host = Host::freebsd(14)
        .with_volume("zroot/vm/deb", 1 << 30)
        .with_volume("zroot/vm/deb_data", 2 << 30)
        .with_image("/vm/scratch", 1 << 30)
        .with_image("/iso/deb.iso", 1 << 30);
    host.with_tap("tap3", "somebody's")
}

const VMS: &str = "deb_id=1 deb_mem=2G\ndeb_cd0=/iso/deb.iso deb_cpu=$two deb_rng=YES deb_utc=YES\n\
    deb_hd1=/dev/zvol/zroot/vm/deb_data deb_hd1_type=nvme deb_hd2=/vm/scratch deb_hd2_type=nvme\n\
    deb_if0=tapdeb deb_if1=tap1001 deb_if1_bridge=bridge1 deb_if1_mac=58:9c:fc:00:00:01\n\
    deb_freebsd=YES deb_protect=YES deb_on_crash=restart\n\
    x_id=2 x_if1=tap1004\n";

fn home() -> Home {
    Home::new(host(), &format!("two=2\n{VMS}"))
}

/// The lines of a clone with this name, id and second tap.
fn lines(name: &str, id: u16, tap: &str) -> String {
    format!(
        "\n{name}_id={id}\n{name}_mem=2G\n{name}_cpu=2\n{name}_rng=YES\n{name}_hd1_type=nvme\n{name}_if1={tap}\n\
         {name}_if1_bridge=bridge1\n{name}_freebsd=YES\n\
         {name}_on_crash=restart\n{name}_hd1=/dev/zvol/zroot/vm/{name}-1\n"
    )
}

#[test]
fn the_clones_have_lines_links_and_all_volumes_and_start() {
    let mut home = home();
    home.does("clone deb web www --add");
    // tap3 exists, so that 4 is the first free id; x has tap1004.
    let new = [lines("web", 4, "tap1005"), lines("www", 5, "tap1006")].concat();
    assert_eq!(home.vms(), format!("two=2\n{VMS}{new}"));
    let links = home.links();
    for name in ["web-boot", "www-boot", "web-history"] {
        assert!(links.contains(name), "{links:?}");
    }
    {
        let host = home.fake.host();
        for (volume, origin) in [
            ("web", "deb"),
            ("web-1", "deb_data"),
            ("www", "deb"),
            ("www-1", "deb_data"),
        ] {
            let dataset = &host.state.datasets[&format!("zroot/vm/{volume}")];
            let origin = format!("zroot/vm/{origin}@_202611231234-clone_base");
            assert_eq!(dataset.origin.as_deref(), Some(origin.as_str()));
            let recorded = |property: &str| dataset.local.get(property).cloned();
            assert_eq!(recorded("easy-bhyve:origin"), Some(origin));
            assert_eq!(recorded("easy-bhyve:host").as_deref(), Some("vmhost"));
            assert_eq!(
                recorded("easy-bhyve:taken").as_deref(),
                Some("202611231234")
            );
        }
    }
    home.does("boot web");
    home.does("boot www");
}

#[test]
fn without_add_the_same_lines_are_shown() {
    let mut home = home();
    let said = home.does("clone deb web");
    let shown: String = said
        .err
        .lines()
        .filter_map(|line| line.strip_prefix("easy-bhyve: web_"))
        .map(|line| format!("web_{line}\n"))
        .collect();
    // Only the configuration is looked at: the id is 3.
    assert_eq!(format!("\n{shown}"), lines("web", 3, "tap1003"));
    assert!(
        said.err
            .contains("this affects only hd0, hd1, not hd2 (/vm/scratch)\n"),
        "{said:?}"
    );
    assert_eq!(home.vms(), format!("two=2\n{VMS}"));
}

#[test]
fn a_preview_shows_the_lines_that_the_run_asks_for() {
    let mut home = home();
    let said = home.does("clone deb web -d");
    let shown = said
        .err
        .split_once("to define the VMs, add to ")
        .map(|(_, rest)| rest);
    let shown: String = shown
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.strip_prefix("easy-bhyve: web_"))
        .map(|line| format!("web_{line}\n"))
        .collect();
    assert_eq!(format!("\n{shown}"), lines("web", 3, "tap1003"), "{said:?}");
}

#[test]
fn a_vmnet_interface_stays_one_and_autostart_is_named() {
    let vms = "deb_id=1 deb_autostart=YES deb_if0=vmnet1 deb_if1=vmnet5\nx_id=2 x_if0=vmnet3\n";
    let mut home = Home::new(host(), vms);
    let said = home.does("clone deb web --add");
    // tap3 exists, and x has vmnet3.
    for line in [
        "web_id=4\n",
        "web_if0=vmnet4\n",
        "web_if1=vmnet1004\n",
        "web_autostart=YES\n",
    ] {
        assert!(home.vms().contains(line), "{line}: {}", home.vms());
    }
    assert!(
        said.err
            .contains("web has autostart as deb has: the command autostart boots both\n"),
        "{said:?}"
    );
}

#[test]
fn only_the_links_of_the_new_vm_are_made() {
    let mut home = home();
    home.link("old-boot");
    home.does("clone deb web --add");
    let links = home.links();
    assert!(links.contains("web-boot"), "{links:?}");
    assert!(links.contains("old-boot"), "{links:?}");
    assert!(
        !links.iter().any(|link| link.starts_with("x-")),
        "{links:?}"
    );
}

#[test]
fn a_snapshot_of_one_disk_is_cloned_with_this_disk_alone() {
    let commands = [
        "zfs snapshot zroot/vm/deb@old",
        "zfs snapshot -o easy-bhyve:disks=0,1 zroot/vm/deb@both zroot/vm/deb_data@both",
    ];
    let mut home = Home::new(host().with_commands(&commands), &format!("two=2\n{VMS}"));
    let said = home.does("clone deb @old web --add");
    assert!(
        said.err
            .contains("this affects only hd0, not hd1 (/dev/zvol/zroot/vm/deb_data), hd2"),
        "{said:?}"
    );
    assert!(!home.vms().contains("web_hd1"), "{}", home.vms());
    home.does("clone deb @both www --add");
    assert!(home.vms().contains("www_hd1=/dev/zvol/zroot/vm/www-1\n"));
}

#[test]
fn a_name_with_settings_is_refused() {
    let mut home = Home::new(host(), "deb_id=1\nweb_mem=1G\n");
    let err = home.refuses("clone deb web --add", 2);
    assert!(err.contains("web_mem is already set\n"), "{err}");
}

#[test]
fn a_vm_that_is_configured_gets_its_disks_and_no_line() {
    let mut home = Home::new(host(), "deb_id=1\nweb_id=2\n");
    home.does("clone deb web --add");
    assert_eq!(home.vms(), "deb_id=1\nweb_id=2\n");
    assert!(home.fake.host().state.datasets.contains_key("zroot/vm/web"));
    // Its links are made as those of a VM that is new.
    let links = home.links();
    assert!(links.contains("web-boot"), "{links:?}");
    assert!(!links.contains("deb-boot"), "{links:?}");
}

#[test]
fn a_volume_whose_name_begins_with_that_of_the_clone_is_no_obstacle() {
    let host = host()
        .with_volume("zroot/vm/web0", 1 << 30)
        .with_volume("zroot/vm/we", 1 << 30);
    let mut home = Home::new(host, &format!("two=2\n{VMS}web0_id=7\n"));
    home.does("clone deb web --add");
    assert!(home.vms().contains("\nweb_id="), "{}", home.vms());
    let err = home.refuses("clone deb we --add", 1);
    assert!(err.contains("zroot/vm/we already exists\n"), "{err}");
}

#[test]
fn a_pool_without_room_for_the_base_keeps_everything() {
    let host = Host::freebsd(14).with_commands(&["zfs create -o volmode=dev -V 1G zroot/vm/deb"]);
    let mut host = host;
    host.install_on("/dev/zvol/zroot/vm/deb");
    host.state.pools.insert("zroot".into(), 0);
    let mut home = Home::new(host, "deb_id=1\n");
    let err = home.refuses("clone deb web --add", 1);
    assert!(
        err.contains("the volume has a reservation and needs room for all of its data once more"),
        "{err}"
    );
}

#[test]
fn a_property_that_somebody_else_wrote_is_not_that_of_the_clone() {
    let foreign = [
        "zfs set easy-bhyve:host=other zroot/vm",
        "zfs set easy-bhyve:origin=nonsense zroot/vm/deb",
        "zfs set easy-bhyve:disks=9 zroot/vm/deb",
    ];
    let mut home = Home::new(host().with_commands(&foreign), &format!("two=2\n{VMS}"));
    home.does("clone deb web --add");
    {
        let host = home.fake.host();
        let own = |property: &str| host.state.datasets["zroot/vm/web"].local.get(property);
        assert_eq!(own("easy-bhyve:host").map(String::as_str), Some("vmhost"));
        assert_eq!(
            own("easy-bhyve:origin").map(String::as_str),
            Some("zroot/vm/deb@_202611231234-clone_base")
        );
    }
    // The base has both disks of the VM, whatever the volume says.
    home.does("set deb protect=NO");
    home.does("rollback deb -f");
}

#[test]
fn a_vm_with_a_thousand_snapshots_is_cloned_from_one_of_them() {
    let snapshots: Vec<String> = (0..1000)
        .map(|number| {
            format!(
                "zfs snapshot -o easy-bhyve:disks=0,1 zroot/vm/deb@{number} zroot/vm/deb_data@{number}"
            )
        })
        .collect();
    let snapshots: Vec<&str> = snapshots.iter().map(String::as_str).collect();
    let mut home = Home::new(host().with_commands(&snapshots), &format!("two=2\n{VMS}"));
    home.does("clone deb @500 web --add");
    let host = home.fake.host();
    let origin = host.state.datasets["zroot/vm/web-1"].origin.clone();
    assert_eq!(origin.as_deref(), Some("zroot/vm/deb_data@500"));
}

#[test]
fn a_signal_at_any_moment_leaves_nothing() {
    every_signal_is_undone(home, "clone deb web www --add");
}

#[test]
fn a_value_that_differs_from_the_profile_is_kept_though_it_is_the_default() {
    let vms = "deb_id=1 deb_os=windows deb_vnc=NO deb_utc=YES deb_mem=4G deb_cpu=2\n";
    let mut home = Home::new(host(), vms);
    home.does("clone deb web --add");
    for line in ["web_os=windows\n", "web_vnc=NO\n", "web_utc=YES\n"] {
        assert!(home.vms().contains(line), "{line}: {}", home.vms());
    }
}

#[test]
fn whatever_fails_nothing_is_left() {
    let state = |home: &Home| -> (String, BTreeSet<String>, BTreeSet<String>) {
        (home.text(), home.links(), home.view())
    };
    let words = "clone deb web www --add";
    let all: Vec<String> = {
        let mut home = home();
        home.fake.host().forget_calls();
        home.does(words);
        let host = home.fake.host();
        host.calls()
            .iter()
            .map(|call| call.argv[0].clone())
            .collect()
    };
    let mut failed = 0;
    for (at, program) in all.iter().enumerate() {
        let before = all.iter().take(at + 1);
        let nth = u32::try_from(before.filter(|other| *other == program).count()).unwrap();
        let mut home = home();
        let before = state(&home);
        home.fake.host().forget_calls();
        let fault = Fault::Fail(1, format!("{program}: no\n"));
        home.fake.host().order(program, nth, fault);
        let said = home.call(words);
        if said.status != 0 {
            failed += 1;
            assert_eq!(state(&home), before, "{program} {nth}: {said:?}");
        }
    }
    assert!(failed > 5, "only {failed} calls failed");
    let mut home = home();
    home.fake.lose(Lost::Writes(28));
    home.refuses(words, 1);
}

#[test]
fn a_preview_shows_no_uuid_that_the_run_does_not_write() {
    let mut home = Home::new(
        Host::freebsd(14).with_volume("zroot/vm/uefi", 1 << 30),
        "uefi_id=1 uefi_loader=uefi\n",
    );
    for words in ["clone uefi web -d", "clone uefi web --add -d"] {
        let said = home.does(words);
        assert!(!(said.err + &said.out).contains("web_uuid="));
    }
    home.does("clone uefi web --add");
    let vms = home.vms();
    let line = vms.lines().find(|line| line.starts_with("web_uuid="));
    let uuid = line
        .and_then(|line| line.split_once('='))
        .unwrap()
        .1
        .to_owned();
    assert!(uuid::Uuid::parse_str(&uuid).is_ok(), "{uuid}");
    // A script has no run that would choose another one.
    let said = home.does("clone uefi www --add -d --format sh");
    assert!(said.out.contains("www_uuid="), "{}", said.out);
}
