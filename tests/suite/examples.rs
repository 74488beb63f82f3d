//! Every verb of every VM of every example: the plan is complete, its preview fits a screen, sh reads it,
//! JSON parsers read it.
//!
//! `tests/cases/examples/EXAMPLE/VM` contains the previews of all plans of a VM on FreeBSD 14, and the
//! differences on FreeBSD 15 and on a host that is not FreeBSD; for an overlay only its changes.
//! `BLESS=1 cargo test` rewrites them.

use crate::call::{Said, call_in_directory, call_with_file};
use crate::case::with_limits_named;
use crate::case::{root, sh_accepts};
use crate::cases::compare;
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use crate::host::state::Kind;
use easy_bhyve::verb::Verb;
use std::collections::BTreeMap;
use std::path::Path;

/// An example: its name, its file, and the host for which it is read together with another one.
const EXAMPLES: [(&str, &str, Option<&str>); 4] = [
    ("zfs", "easy-bhyve.conf", None),
    ("zfs-svr1", "easy-bhyve-svr1.conf", Some("svr1")),
    ("ufs", "ufs.conf", None),
    ("profiles", "profiles.conf", None),
];

/// The most lines of a preview.
const SCREEN: usize = 30;

/// The host of a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    FreeBsd(u32),
    Foreign,
}

#[test]
fn every_verb_of_every_vm_of_every_example_has_a_plan() {
    let mut wrong = Vec::new();
    for (name, file, host) in EXAMPLES {
        let example = Example { file, host };
        let vms = example.vms();
        assert!(!vms.is_empty(), "{file} has no VM");
        for vm in vms {
            let file = root().join("tests/cases/examples").join(name).join(&vm);
            let mut found = example.plans(&vm, &mut wrong);
            // Only the changes of the overlay.
            let alone = Example {
                host: None,
                file: EXAMPLES[0].1,
            };
            if host.is_some() && alone.vms().contains(&vm) {
                let usual = alone.plans(&vm, &mut Vec::new());
                found = difference("with the overlay", &usual, &found);
            }
            wrong.extend(compare(&file, &with_limits_named(&found)).err());
        }
    }
    assert!(
        wrong.is_empty(),
        "{} faults:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_example_is_tested() {
    let entries = std::fs::read_dir(root().join("examples")).unwrap();
    let mut files: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "conf"))
        .collect();
    files.sort();
    let mut tested = EXAMPLES.map(|(_, file, _)| file.to_owned()).to_vec();
    tested.sort();
    assert_eq!(files, tested);
}

struct Example {
    file: &'static str,
    host: Option<&'static str>,
}

impl Example {
    fn call(&self, fake: &mut Fake, words: &[&str]) -> Said {
        let directory = root().join("examples");
        match self.host {
            None => call_with_file(fake, &directory.join(self.file), words),
            Some(host) => call_in_directory(fake, &directory, host, words),
        }
    }

    /// The names of the VMs, by id.
    fn vms(&self) -> Vec<String> {
        let mut fake = Fake::new(Host::freebsd(14), USER);
        let said = self.call(&mut fake, &["easy-bhyve", "list", "--format", "json"]);
        assert_eq!(said.status, 0, "{said:?}");
        let list: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(list["schema"], 2);
        let vms = list["vms"].as_array().unwrap();
        vms.iter()
            .map(|vm| vm["name"].as_str().unwrap().to_owned())
            .collect()
    }

    fn settings(&self, vm: &str) -> BTreeMap<String, String> {
        let mut fake = Fake::new(Host::freebsd(14), USER);
        let words = [&format!("{vm}-resources"), "--format", "json"];
        let said = self.call(&mut fake, &words);
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{said:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    /// All plans of a VM as one text.
    fn plans(&self, vm: &str, wrong: &mut Vec<String>) -> String {
        let mut text = String::new();
        for verb in Verb::ALL {
            for words in calls(vm, verb) {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let usual = self.plan(vm, verb, Place::FreeBsd(14), &words, wrong);
                text.extend(["$ ", &words.join(" "), "\n", &usual]);
                for (name, place) in [
                    ("FreeBSD 15", Place::FreeBsd(15)),
                    ("not FreeBSD", Place::Foreign),
                ] {
                    let other = self.plan(vm, verb, place, &words, wrong);
                    text.push_str(&difference(name, &usual, &other));
                }
            }
        }
        text
    }

    fn plan(
        &self,
        vm: &str,
        verb: Verb,
        place: Place,
        words: &[&str],
        wrong: &mut Vec<String>,
    ) -> String {
        let makes_disk = words.contains(&"-V");
        let settings = self.settings(vm);
        let mut fake = Fake::new(host(&settings, verb, makes_disk, place), USER);
        if verb == Verb::Log && place != Place::Foreign {
            fake.write_log(vm, None, "");
        }
        let said = self.call(&mut fake, words);
        let has_plan = said.status == 0 || is_documented(vm, verb, &said, place);
        if !has_plan {
            wrong.push(format!("{}: {said:?}", words.join(" ")));
        }
        let is_dry = words.contains(&"-d");
        if said.status == 0 && is_dry {
            let script = self.call(&mut fake, &[words, &["--format", "sh"]].concat());
            for text in [&said.out, &script.out] {
                let refused = sh_accepts(text).err();
                wrong.extend(refused.map(|error| format!("{}: sh -n: {error}", words.join(" "))));
            }
            let lines = said.out.lines().count();
            if lines > SCREEN {
                wrong.push(format!("{}: {lines} lines\n{}", words.join(" "), said.out));
            }
            let json = self.call(&mut fake, &[words, &["--format", "json"]].concat());
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(&json.out);
            if parsed.is_err() || json.status != 0 {
                wrong.push(format!("{}: no JSON: {json:?}", words.join(" ")));
            }
        }
        if !fake.host().calls().iter().all(|call| call.uid != 0) {
            wrong.push(format!("{}: a command ran as root", words.join(" ")));
        }
        format!("{}{}[{}]\n", said.out, said.err, said.status)
    }
}

/// The calls of a verb that are tested.
fn calls(vm: &str, verb: Verb) -> Vec<Vec<String>> {
    let tails: &[&[&str]] = match verb {
        Verb::Boot => &[&["-d"], &["-d", "-t"]],
        Verb::Log => &[&["-d"], &["-d", "-f", "-n", "20"]],
        Verb::Resources => &[&[], &["-d", "-V", "20G"], &["-d", "-V", "20G", "-s"]],
        Verb::Shutdown => &[&["-d"], &["-d", "-f"]],
        Verb::Resize => &[&["-d", "40G"]],
        Verb::Snapshot => &[&["-d"], &["-d", "before", "upgrade"]],
        Verb::Rollback => &[&["-d", "_202601010000-one"]],
        Verb::Clone => &[
            &["-d", "new0", "new1"],
            &["-d", "_202601010000-one", "new0"],
        ],
        Verb::History => &[&[], &["--tree"]],
        _ => &[&["-d"]],
    };
    let name = format!("{vm}-{verb}");
    let call = |tail: &&[&str]| {
        let words = std::iter::once(name.as_str()).chain(tail.iter().copied());
        words.map(str::to_owned).collect()
    };
    tails.iter().map(call).collect()
}

/// A host on which the verb succeeds.
fn host(settings: &BTreeMap<String, String>, verb: Verb, makes_disk: bool, place: Place) -> Host {
    let release = match place {
        Place::FreeBsd(release) => release,
        Place::Foreign => 14,
    };
    let mut host = Host::freebsd(release);
    host.state.ncpu = 32;
    if settings["host_netif"] != "igb0" {
        host.add_interface(&settings["host_netif"], Kind::Physical)
            .up = true;
    }
    let vm = &settings["system"];
    let is_path = |name: &str, kind: &str| {
        name.strip_prefix(kind)
            .is_some_and(|number| number.parse::<u8>().is_ok())
    };
    for (name, path) in settings.iter().filter(|(_, path)| !path.is_empty()) {
        let is_disk = is_path(name, "hd") && !(makes_disk && name == "hd0");
        if !is_disk && !is_path(name, "cd") {
            continue;
        }
        host = match path.strip_prefix("/dev/zvol/") {
            Some(volume) => host.with_volume(volume, 20 << 30),
            None => host.with_image(path, 20 << 30),
        };
    }
    let zvol = &settings["zvol"];
    if !zvol.is_empty() && !makes_disk {
        host = host.with_commands(&[&format!("zfs snapshot {zvol}@_202601010000-one")]);
    }
    if verb == Verb::Promote && !zvol.is_empty() {
        host = host.with_commands(&[
            &format!("zfs clone {zvol}@_202601010000-one {zvol}_origin"),
            &format!("zfs promote {zvol}_origin"),
        ]);
    }
    let mark = format!("easy-bhyve:{vm}");
    match verb {
        Verb::Console | Verb::Vnc | Verb::Shutdown | Verb::Restart => {
            let (bridge, netif) = (&settings["host_bridge"], &settings["host_netif"]);
            host = host.with_commands(&["kldload -n vmm nmdm if_tuntap if_bridge"]);
            if place == Place::FreeBsd(15) {
                host = host.with_commands(&["sysctl net.link.bridge.member_ifaddrs=1"]);
            }
            host = host.with_commands(&[
                "sysctl net.link.tap.up_on_open=1",
                &format!("ifconfig {bridge} create"),
                &format!("ifconfig {bridge} addm {netif} up"),
            ]);
            host = host.with_tap(&settings["if0"], &mark).with_running_vm(
                vm,
                &settings["hd0"],
                &settings["if0"],
            );
        }
        Verb::Clean => {
            host = host
                .with_tap(&settings["if0"], &mark)
                .with_leftover_vm(vm, 1 << 30);
        }
        _ if makes_disk && zvol.is_empty() => {
            let directory = Path::new(&settings["hd0"]).parent().unwrap();
            host.state.files.mkdir_all(directory);
        }
        _ => {}
    }
    if place == Place::Foreign {
        host.state.programs.clear();
    }
    host
}

/// The expected refusals: ZFS verbs of a VM without a volume, no screen, no image to install from, and
/// history on a host that cannot answer.
fn is_documented(vm: &str, verb: Verb, said: &Said, place: Place) -> bool {
    if verb.needs_zfs() && said.status == 2 {
        return said.err.contains(&format!("{verb} needs a ZFS volume"));
    }
    if verb.needs_screen() && said.status == 1 {
        return said.err.contains(&format!("{vm} has no screen"));
    }
    if verb == Verb::Install && said.status == 1 {
        return said.err.contains(&format!("{vm}_cd0 is not set"));
    }
    if verb == Verb::Resize && place == Place::Foreign {
        return said.err.contains("could not determine the size of ");
    }
    verb == Verb::History
        && place == Place::Foreign
        && said.err.contains("this host is not FreeBSD")
}

/// The lines that only one of two texts has, in its order.
fn difference(name: &str, usual: &str, other: &str) -> String {
    if usual == other {
        return format!("# {name}: the same\n");
    }
    let lines = |one: &str, another: &str, sign: &str| -> String {
        let mut left: Vec<&str> = another.lines().collect();
        let mut text = String::new();
        for line in one.lines() {
            match left.iter().position(|known| *known == line) {
                Some(at) => drop(left.remove(at)),
                None => text.extend(["# ", sign, " ", line, "\n"]),
            }
        }
        text
    };
    let (gone, new) = (lines(usual, other, "-"), lines(other, usual, "+"));
    format!("# {name}:\n{gone}{new}")
}
