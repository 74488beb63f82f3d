//! The profiles of operating systems: those of the program, and the user's own.

mod files;
mod lines;

use crate::call::{Said, call, call_with_file};
use crate::case::root;
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use crate::place::{PROGRAM, Place};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const HOST: &str = "bridge=none\nvolroot=zroot/vm\ncpu=4\nmem=8G\n";

/// A profile of the program.
struct BuiltIn {
    name: String,
    /// The path of its example of an ISO image.
    iso: String,
    has_screen: bool,
}

/// All profiles of the program, as the program lists them.
fn built_in() -> Vec<BuiltIn> {
    let json = |words: &[&str]| -> serde_json::Value {
        let said = call(&mut fake(14), "", words);
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{words:?}");
        serde_json::from_str(&said.out).unwrap()
    };
    let list = json(&["easy-bhyve", "os", "--format", "json"]);
    let names = list["profiles"].as_array().unwrap().iter();
    let names = names.map(|profile| profile["name"].as_str().unwrap());
    let profiles = names.map(|name| {
        let explained = json(&["easy-bhyve", "os", name, "--format", "json"]);
        let lines = explained["example"].as_array().unwrap().iter();
        let mut lines = lines.map(|line| line.as_str().unwrap());
        let iso = lines.find_map(|line| Some(line.split_once("_cd0=")?.1));
        BuiltIn {
            name: name.to_owned(),
            iso: iso.unwrap().to_owned(),
            has_screen: explained["settings"].get("vnc").is_some(),
        }
    });
    profiles.collect()
}

fn fake(release: u32) -> Fake {
    Fake::new(Host::freebsd(release), USER)
}

/// A VM with a profile, and all settings that a VM needs.
fn vm(profile: &BuiltIn, more: &str) -> String {
    let BuiltIn { name, iso, .. } = profile;
    format!("{HOST}v_id=1\nv_os={name}\nv_cd0={iso}\n{more}\n")
}

#[test]
fn each_file_of_the_directory_is_a_profile_of_the_program() {
    let directory = root().join("src/config/profiles");
    let files = fs::read_dir(directory).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let files: BTreeSet<String> = files.map(|path| stem(&path)).collect();
    let known: BTreeSet<String> = built_in().into_iter().map(|one| one.name).collect();
    assert_eq!(known, files);
    for name in [
        "alma",
        "alpine",
        "arch",
        "debian",
        "dragonfly",
        "fedora",
        "freebsd",
        "haiku",
        "netbsd",
        "omnios",
        "openbsd",
        "opensuse",
        "plan9",
        "rocky",
        "ubuntu",
        "windows",
    ] {
        assert!(known.contains(name), "{name}");
    }
}

#[test]
fn a_vm_with_a_profile_of_the_program_is_without_findings_whatever_loads_it() {
    for profile in built_in() {
        for loader in ["", "v_loader=bhyveload", "v_loader=grub", "v_loader=uefi"] {
            // Only firmware shows a screen, which the user does without.
            let is_shown = ["", "v_loader=uefi"].contains(&loader);
            let vnc = if profile.has_screen && !is_shown {
                "v_vnc=NO"
            } else {
                ""
            };
            let config = vm(&profile, &format!("{loader}\n{vnc}"));
            let mut fake = Fake::new(
                Host::freebsd(15)
                    .with_volume("zroot/vm/v", 20 << 30)
                    .with_image(&profile.iso, 1 << 30),
                USER,
            );
            for words in [&["easy-bhyve", "check"][..], &["v-resources"]] {
                let said = call(&mut fake, &config, words);
                let name = &profile.name;
                assert_eq!((said.status, said.err.as_str()), (0, ""), "{name} {loader}");
                let is_check = words.contains(&"check");
                assert!(
                    !is_check || said.out.starts_with("no problems"),
                    "{name} {loader}: {}",
                    said.out
                );
            }
        }
    }
}

#[test]
fn a_screen_of_the_profile_that_the_loader_cannot_show_is_a_warning() {
    for profile in built_in().iter().filter(|profile| profile.has_screen) {
        let config = vm(
            profile,
            "v_loader=grub\nv_grub_install=boot\nv_grub_bootcmd=boot",
        );
        let host = Host::freebsd(15)
            .with_volume("zroot/vm/v", 20 << 30)
            .with_image(&profile.iso, 1 << 30);
        let mut fake = Fake::new(host, USER);
        let check = call(&mut fake, &config, &["easy-bhyve", "check"]);
        assert_eq!(check.status, 0, "{}", check.out);
        assert!(
            check
                .out
                .contains("warning[unused-screen]: v has no screen"),
            "{}",
            check.out
        );
        assert!(
            check.out.contains("help: remove v_loader, or set v_vnc=NO"),
            "{}",
            check.out
        );
        let start = call(&mut fake, &config, &["v-install", "-d"]);
        assert!(start.err.contains("v has no screen"), "{}", start.err);
    }
}

#[test]
fn a_vm_without_a_profile_has_nothing_from_one() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("easy-bhyve.conf");
    let own = format!("{HOST}a_id=1\na_cd0=/iso/a.iso\na_hd1=/vm/b\na_if1=tap9\n");
    let said = |config: &str| -> Vec<Said> {
        fs::write(&file, config).unwrap();
        let calls: [&[&str]; 6] = [
            &["a-resources", "-a"],
            &["a-boot", "-d"],
            &["a-boot", "-d", "--format", "sh"],
            &["a-install", "-d"],
            &["a-ttyboot", "-d"],
            &["a-snapshot"],
        ];
        let host = || {
            let host = Host::freebsd(14).with_volume("zroot/vm/a", 20 << 30);
            host.with_image("/iso/a.iso", 1 << 30)
                .with_image("/vm/b", 1 << 30)
        };
        let call = |words| call_with_file(&mut Fake::new(host(), USER), &file, words);
        calls.into_iter().map(call).collect()
    };
    let alone = said(&own);
    assert!(alone.iter().all(|said| said.status == 0), "{alone:?}");
    fs::create_dir(directory.path().join("os")).unwrap();
    fs::write(directory.path().join("os/broken.toml"), "=").unwrap();
    let others = "b_id=2\nb_os=windows\nc_id=3\nc_os=broken\nd_id=4\nd_os=none_such\n";
    assert_eq!(said(&format!("{own}{others}")), alone);
}

/// An ISO image with this label: ECMA-119, 8.4.
fn iso(label: &str) -> Vec<u8> {
    let mut image = vec![0; 0x10000];
    image[0x8000..0x8007].copy_from_slice(b"\x01CD001\x01");
    image[0x8028..0x8048].copy_from_slice(format!("{label:32}").as_bytes());
    image
}

#[test]
fn a_setting_of_the_screen_that_a_profile_gives_has_an_effect() {
    let windows = built_in().into_iter().find(|one| one.name == "windows");
    let config = vm(&windows.unwrap(), "v_vnc_size=1280x720");
    let mut fake = Fake::new(Host::freebsd(15), USER);
    let said = call(&mut fake, &config, &["easy-bhyve", "check"]);
    assert!(!said.out.contains("unused-screen"), "{}", said.out);
}

#[test]
fn new_writes_the_profile_and_names_that_of_the_iso_image() {
    let new = |words: &[&str]| {
        let place = Place::new();
        place.write("c.conf", HOST);
        place.write("debian.iso", iso("Debian 13.2.0 amd64 n"));
        place.write("other.iso", iso("MY BACKUP"));
        let words = [&["new", "web"], words].concat();
        let said = place.say(PROGRAM, &words, "c.conf");
        assert_eq!(said.status, Some(0), "{said:?}");
        let text = fs::read_to_string(place.path("c.conf")).unwrap();
        let text = text.replace(&place.shown("debian.iso"), "ISO");
        let err = said.err.replace(&place.shown("debian.iso"), "ISO");
        (err, text.strip_prefix(HOST).unwrap().to_owned())
    };
    let (err, text) = new(&["--cd", "debian.iso"]);
    let proposal = "ISO installs debian; to use the profile of that system: easy-bhyve";
    assert!(err.contains(proposal), "{err}");
    assert!(err.contains("set web os=debian"), "{err}");
    assert_eq!(text, "\nweb_id=1\nweb_cd0=ISO\n");
    let (err, text) = new(&["--os", "freebsd", "--cd", "debian.iso"]);
    let other = "ISO installs debian, and web_os is freebsd";
    assert!(err.contains(other), "{err}");
    // A VM with a profile has a UUID of its own.
    let (text, uuid) = text.rsplit_once("web_uuid=").unwrap();
    assert_eq!(text, "\nweb_id=1\nweb_os=freebsd\nweb_cd0=ISO\n");
    assert_eq!(uuid.trim_end().len(), 36, "{uuid}");
    for words in [&["--cd", "other.iso"][..], &["os=freebsd"], &[]] {
        let (err, _) = new(words);
        assert!(!err.contains("installs"), "{err}");
    }
}

#[test]
fn new_and_set_warn_of_less_than_the_profile_asks_for() {
    let place = Place::new();
    place.write("c.conf", HOST);
    for (words, warns) in [
        (&["new", "web", "--os", "debian", "mem=128M"][..], true),
        (&["set", "web", "mem=1G"], false),
        (&["set", "web", "mem=256M"], true),
    ] {
        let said = place.say(PROGRAM, words, "c.conf");
        assert_eq!(said.status, Some(0), "{said:?}");
        let warning = "the profile debian asks for at least 512M";
        assert_eq!(said.err.contains(warning), warns, "{words:?}: {}", said.err);
    }
}

#[test]
fn new_and_set_refuse_a_profile_that_does_not_exist() {
    for words in [
        &["new", "web", "--os", "debain"][..],
        &["set", "a", "os=debain"],
    ] {
        let words = [&["easy-bhyve"], words].concat();
        let said = call(&mut fake(14), &format!("{HOST}a_id=1\n"), &words);
        assert_eq!(said.status, 1, "{said:?}");
        for part in ["no profile \"debain\"", "debian", "nothing was written"] {
            assert!(said.err.contains(part), "{}", said.err);
        }
    }
}
