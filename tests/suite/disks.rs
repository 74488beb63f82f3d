//! Disks with unusual names: any bytes, characters that bhyve interprets, mounts, and read-only file
//! systems.

use crate::call::{Said, call_with_file};
use crate::fake::Fake;
use crate::host::build::USER;
use crate::host::grub_bhyve::image::{File, Image, Tree, Volume};
use crate::host::{Call, Host, Status};
use crate::place::{PROGRAM, Place};
use easy_bhyve::tools::grub::device_map;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const COMMON: &str = "bridge=bridge0 netif=igb0 volroot=/vm\n";

/// Calls the program with this configuration.
fn call(fake: &mut Fake, config: impl AsRef<[u8]>, words: &[&str]) -> Said {
    let place = Place::new();
    place.write("vms.conf", config.as_ref());
    let words = std::iter::once(&"easy-bhyve").chain(words);
    let words: Vec<String> = words.map(|&word| word.to_owned()).collect();
    call_with_file(fake, &place.path("vms.conf"), &words)
}

fn fake(host: Host) -> Fake {
    Fake::new(host, USER)
}

/// How the last call of grub-bhyve ended, if there was one: timeout(1) and env(1) stand before it.
fn loaded(fake: &Fake) -> Option<Status> {
    let host = fake.host();
    let mut calls = host.calls().iter().rev();
    calls
        .find(|logged| logged.argv.iter().any(|word| word == "grub-bhyve"))
        .map(|logged| logged.status)
}

#[test]
fn a_path_of_any_bytes_reaches_the_map_of_grub_unchanged() {
    let path = Path::new(OsStr::from_bytes(b"/vm/d\xe4b"));
    let map = device_map([("hd0".to_owned(), path)]);
    let cfg = "set root=(hd0,msdos1)\nlinux /k\nboot\n";
    let mut host = Host::freebsd(14).with_file("/s/grub.cfg", cfg);
    host.files_mut().write(path, b"a system").unwrap();
    host.files_mut().write(Path::new("/s/map"), &map).unwrap();
    let line = "grub-bhyve -m /s/map -r host -d /s a";
    let answer = host.run(&Call::new(line.split(' ')).by_root());
    assert_eq!(answer.status, Status::Exit(0), "{}", answer.stdout());

    let place = Place::new();
    let setting = b"a_id=1 a_hd0=/vm/d\xe4b a_grub_boot='linux /k'\n";
    place.write("vms.conf", [COMMON.as_bytes(), setting].concat());
    let script = place
        .call(PROGRAM)
        .args(["boot", "a", "-d", "--format", "sh", "--config"])
        .arg(place.path("vms.conf"))
        .output()
        .unwrap();
    let line = b"\n(hd0) /vm/d\xe4b\n";
    assert!(script.stdout.windows(line.len()).any(|part| part == line));
}

#[test]
fn a_path_that_bhyve_would_change_is_refused() {
    let paths = ["/vm/a%(name)b", "/vm/100%", "/vm/a%\\b"];
    for path in paths {
        for setting in [format!("a_hd0='{path}'"), format!("a_hd1='{path}'")] {
            let mut fake = fake(
                Host::freebsd(14)
                    .with_image(path, 1 << 30)
                    .with_image("/vm/a", 1),
            );
            let config = format!("{COMMON}a_id=1 a_freebsd=YES {setting}\n");
            let said = call(&mut fake, config, &["boot", "a"]);
            assert_eq!(said.status, 1, "{path}");
            assert!(
                said.err.contains("bhyve expands % in a path"),
                "{}",
                said.err
            );
            assert!(said.err.contains("ln -s"), "{}", said.err);
        }
    }
    // Without a percent sign a backslash stays unchanged.
    let path = "/vm/a\\b";
    let mut fake = fake(Host::freebsd(14).with_image(path, 1 << 30));
    let config = format!("{COMMON}a_id=1 a_freebsd=YES a_hd0='{path}'\n");
    let said = call(&mut fake, config, &["boot", "a"]);
    assert_eq!(said.status, 0, "{}", said.err);
}

#[test]
fn a_disk_that_no_loader_can_open_is_refused_before_any_change() {
    let host = || {
        let mut host = Host::freebsd(14)
            .with_image("/vm/a", 1 << 30)
            .with_image("/ro/a", 1 << 30)
            .with_file("/ro/a.iso", "an image");
        host.state.read_only.insert("/ro".into());
        host
    };
    let table = [
        (
            "a_freebsd=YES a_hd0=/ro/a",
            "boot",
            "disk /ro/a is on a read-only",
        ),
        (
            "a_grub_boot='linux /k' a_hd0=/ro/a",
            "boot",
            "disk /ro/a is on a read-only",
        ),
        ("a_hd1=/ro/a", "ttyboot", "disk /ro/a is on a read-only"),
        (
            "a_cd0=/ro/a.iso",
            "install",
            "ISO image /ro/a.iso is on a read-only",
        ),
        (
            "a_freebsd=YES a_cd0=/ro/a.iso",
            "install",
            "ISO image /ro/a.iso is on a read-only",
        ),
    ];
    for (settings, verb, text) in table {
        let mut fake = fake(host());
        let before = fake.host().state.settled();
        let said = call(
            &mut fake,
            format!("{COMMON}a_id=1 {settings}\n"),
            &[verb, "a"],
        );
        assert_eq!(said.status, 1, "{settings}: {}", said.err);
        assert!(said.err.contains(text), "{}", said.err);
        assert!(said.err.contains("copy it"), "{}", said.err);
        assert!(fake.host().state.settled() == before, "{settings}");
    }
    // boot does not use the ISO image.
    let mut fake = fake(host());
    let config = format!("{COMMON}a_id=1 a_freebsd=YES a_cd0=/ro/a.iso\n");
    assert_eq!(call(&mut fake, &config, &["boot", "a"]).status, 0);
    let said = call(&mut fake, &config, &["check"]);
    assert!(
        said.out.contains("read-only") || said.err.contains("read-only"),
        "{said:?}"
    );
}

/// `/jail/vm` shows `/vm`, as nullfs(5) does.
fn with_nullfs(is_seen: bool) -> Host {
    let mut host = Host::freebsd(14)
        .with_image("/vm/a", 1 << 30)
        .with_image("/jail/vm/a", 1 << 30);
    let lies = is_seen.then(|| "/vm".into());
    host.state.nullfs.insert("/jail/vm".into(), lies);
    host
}

const TWO: &str = "a_id=1 a_freebsd=YES a_hd0=/vm/a\nb_id=2 b_freebsd=YES b_hd0=/jail/vm/a\n";

#[test]
fn one_image_through_two_mounts_is_one_disk() {
    let mut fake = fake(with_nullfs(true));
    let config = format!("{COMMON}{TWO}");
    assert_eq!(call(&mut fake, &config, &["boot", "a"]).status, 0);
    let said = call(&mut fake, &config, &["boot", "b"]);
    assert_eq!(said.status, 2, "{}", said.err);
    assert!(said.err.contains("/jail/vm/a"), "{}", said.err);
    assert!(fake.host().state.bhyve_of("b").is_none());
    assert!(
        fake.host().state.harm.is_empty(),
        "{:?}",
        fake.host().state.harm
    );
}

#[test]
fn a_lock_knows_one_image_through_two_mounts() {
    let mut fake = fake(with_nullfs(true));
    let lock = easy_bhyve::host::Lock::Disk("/vm/a".into());
    fake.let_be_held(&lock, "1 other");
    let said = call(&mut fake, format!("{COMMON}{TWO}"), &["boot", "b"]);
    assert_eq!(said.status, 2, "{}", said.err);
    let text = "/jail/vm/a is a disk of other, which is in use by pid 1";
    assert!(said.err.contains(text), "{}", said.err);
}

#[test]
fn one_image_at_two_numbers_through_two_mounts_is_refused() {
    let mut fake = fake(with_nullfs(true));
    let config = format!("{COMMON}a_id=1 a_freebsd=YES a_hd0=/vm/a a_hd1=/jail/vm/a\n");
    let said = call(&mut fake, config, &["boot", "a"]);
    assert_eq!(said.status, 1, "{}", said.err);
    assert!(
        said.err.contains("hd0 and hd1 of a are the same disk"),
        "{}",
        said.err
    );
}

#[test]
fn a_disk_whose_identity_cannot_be_told_causes_a_warning() {
    let mut fake = fake(with_nullfs(false));
    let said = call(&mut fake, format!("{COMMON}{TWO}"), &["boot", "b"]);
    assert_eq!(said.status, 0, "{}", said.err);
    let text = "could not determine whether another VM uses /jail/vm/a";
    assert!(said.err.contains(text), "{}", said.err);
}

/// A VM whose disk has a kernel and no initrd.
fn boot_by_grub(commands: &str) -> (Said, Fake) {
    let tree = Tree::new("ROOT", "1").with("vmlinuz", File::Linux);
    let image = Image::default().with_partition("msdos1", Volume::Read(tree));
    let mut host = Host::freebsd(14).with_image("/vm/a", 1 << 30);
    host.state.images.insert("/vm/a".into(), image);
    let mut fake = fake(host);
    let config = format!("{COMMON}a_id=1 a_grub_boot='{commands}'\n");
    (call(&mut fake, config, &["boot", "a"]), fake)
}

#[test]
fn a_failed_grub_command_ends_the_start_with_its_reason() {
    for (commands, reason) in [
        (
            "linux /vmlinuz ro; initrd /initrd.img",
            "grub: file `/initrd.img\u{27} not found",
        ),
        (
            "linux /vmlinuz-6.1",
            "grub: file `/vmlinuz-6.1\u{27} not found",
        ),
        (
            "linux (hd0,gpt2)/vmlinuz",
            "grub: disk `hd0,gpt2\u{27} not found",
        ),
        ("initrd /vmlinuz", "grub: you need to load the kernel first"),
        ("insmod x", "grub: you need to load the kernel first"),
        (
            "linux /boot/vmlinuz-5.14.0-639.el9.x86_64-with-a-name-that-is-longer-than-the-screen-is",
            "grub: file `/boot/vmlinuz-5.14.0-639.el9.x86_64-with-a-name-that-is-longer-than-the-screen-is\u{27} not found",
        ),
    ] {
        let (said, fake) = boot_by_grub(commands);
        assert_eq!(said.status, 1, "{commands}: {}", said.err);
        assert!(said.err.contains(reason), "{commands}: {}", said.err);
        assert!(!said.err.contains("normal.mod"), "{}", said.err);
        assert!(said.err.contains("help: "), "{}", said.err);
        assert!(fake.host().state.bhyve_of("a").is_none(), "{commands}");
    }
    let (said, fake) = boot_by_grub("linux /vmlinuz ro");
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(fake.host().state.bhyve_of("a").is_some());
}

#[test]
fn commands_at_which_grub_would_wait_without_end_are_refused_before_the_start() {
    for (commands, reason) in [
        (
            "linux /vmlinuz user=o\u{27}\\\u{27}\u{27}neil",
            "is never closed",
        ),
        ("if true; then linux /vmlinuz", "if is never closed"),
        ("linux /vmlinuz; linux /vmlinuz", "grub crashes at boot"),
        ("linux /vmlinuz || true", "grub does not accept | here"),
    ] {
        let (said, fake) = boot_by_grub(commands);
        assert_eq!(said.status, 1, "{commands}: {}", said.err);
        assert!(said.err.contains(reason), "{}", said.err);
        assert!(said.err.contains("easy-bhyve.conf:2:"), "{}", said.err);
        assert_eq!(loaded(&fake), None);
    }
}
