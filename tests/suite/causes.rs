//! Each message of another program that the program explains is one that the host's programs print, and
//! each of their messages about a failed start is explained.

use crate::host::grub_bhyve::image::{Image, Tree, Volume};
use crate::host::{Call, Edit, Host};
use easy_bhyve::run::causes::{self, KNOWN};
use easy_bhyve::tools::grub::complaints;

const DISK: &str = "/dev/zvol/zroot/vm/web";

/// The UEFI firmware of the host.
const CODE: &str = "/usr/local/share/edk2-bhyve/BHYVE_UEFI_CODE.fd";

/// Messages that the simulated host never prints: it has every address, its memory has no limit, its bhyve
/// dies without a message, and its file systems never fill up and hold files of any size.
const UNSEEN: [&str; 8] = [
    "bind: Can't assign requested address",
    "Unable to setup memory",
    "vm_run error",
    "File too large",
    "No space left on device",
    "Read-only file system",
    "quota exceeded",
    "out of space",
];

/// A host on which `web` is loaded and can be started.
fn host() -> Host {
    Host::freebsd(14)
        .with_volume("zroot/vm/web", 1 << 30)
        .with_tap("tap0", "")
        .with_commands(&[
            "kldload nmdm",
            "bhyveload -m 512M -d /dev/zvol/zroot/vm/web web",
        ])
}

fn bhyve(extra: &str) -> String {
    format!(
        "bhyve -A -H -P -c 2 -m 512M -s 0:0,hostbridge -s 1:0,lpc -s 2:0,virtio-net,tap0 \
         -s 3:0,virtio-blk,{DISK} -l com1,/dev/nmdm0A {extra} web"
    )
}

/// The standard error output of a command of root.
fn said(mut host: Host, line: &str) -> String {
    let answer = host.run(&Call::new(line.split_whitespace()).by_root());
    String::from_utf8_lossy(&answer.stderr).into_owned()
}

/// The message of grub for a failed command, on a disk with one partition without files.
fn by_grub(command: &str) -> String {
    let image = Image::default().with_partition("msdos1", Volume::Read(Tree::new("ROOT", "1")));
    let cfg = format!("{command}\necho\nexit\n");
    let mut host = host()
        .with_file("/d/device.map", &format!("(hd0) {DISK}\n"))
        .with_file("/d/grub.cfg", &cfg);
    host.state.images.insert(DISK.into(), image);
    let line = "grub-bhyve -m /d/device.map -r host -d /d -M 512M web";
    let answer = host.run(&Call::new(line.split(' ')).by_root());
    complaints(&answer.stdout()).join("\n")
}

/// A message of each kind, with the part of it that is known.
fn messages() -> Vec<(&'static str, String)> {
    let mut taken = host();
    taken.edit(&Edit::OpenTap("tap0".into()));
    let mut bare = host();
    bare.state.modules.loaded.remove("nmdm.ko");
    let mut watched = host();
    let pid = watched.add_process(0, 1, "x11vnc", &["x11vnc"]);
    let server = watched.state.processes.get_mut(&pid).unwrap();
    server.open.insert("vnc/127.0.0.1/5900".into());
    let mut broken = Host::freebsd(14);
    broken.state.modules.broken.insert("vmm.ko".into());
    let newer =
        host().with_commands(&["zfs snapshot zroot/vm/web@a", "zfs snapshot zroot/vm/web@b"]);
    let grub = "grub-bhyve -r hd0,msdos1 -M 1G web";
    vec![
        ("open of tap device", said(taken, &bhyve(""))),
        (
            "Could not open backing file",
            said(host(), &bhyve("-s 3:1,virtio-blk,/vm/gone")),
        ),
        (
            "Error opening bootrom variable file",
            said(host(), &bhyve(&format!("-l bootrom,{CODE},/vm/gone"))),
        ),
        (
            "Error opening bootrom",
            said(host(), &bhyve("-l bootrom,/vm/gone")),
        ),
        (
            "Invalid bootrom",
            said(
                host().with_file("/vm/short", "x"),
                &bhyve(&format!("-l bootrom,{CODE},/vm/short")),
            ),
        ),
        (
            "Unable to open libslirp.so.0",
            said(
                Host::freebsd(15).with_leftover_vm("web", 512 << 20),
                "bhyve -c 1 -m 512M -s 0:0,hostbridge -s 1:0,lpc -s 2:0,virtio-net,slirp web",
            ),
        ),
        (
            "bind: Address already in use",
            said(watched, &bhyve("-s 29:0,fbuf,tcp=127.0.0.1:5900")),
        ),
        (
            "fbuf: max resolution is",
            said(host(), &bhyve("-s 29:0,fbuf,w=9000")),
        ),
        ("Unable to initialize backend", said(bare, &bhyve(""))),
        ("vCPUs requested but only", said(host(), &bhyve("-c 9"))),
        (
            "does not match",
            said(host(), &bhyve("-c cpus=4,sockets=2,cores=1")),
        ),
        ("invalid memsize", said(host(), &bhyve("-m 1.5G"))),
        ("Unable to setup memory (22)", said(host(), &bhyve("-m 1G"))),
        ("Could not setup memory for VM", said(host(), grub)),
        ("unknown filesystem", by_grub("linux (hd0)/vmlinuz")),
        ("file `", by_grub("linux (hd0,msdos1)/vmlinuz-2")),
        ("disk `", by_grub("linux (hd0,gpt2)/vmlinuz")),
        ("no server is specified", by_grub("linux (hd7)/vmlinuz")),
        (
            "you need to load the kernel first",
            by_grub("initrd /initrd"),
        ),
        (
            "Could not create VM",
            said(Host::freebsd(14).in_jail(), "grub-bhyve -M 1G web"),
        ),
        (
            "Could not reinit VM",
            said(host().with_running_vm("web", DISK, "tap0"), grub),
        ),
        (
            "no bootrom was configured",
            said(Host::freebsd(15), &bhyve("")),
        ),
        (
            "virtual machine cannot be booted",
            said(Host::freebsd(14), &bhyve("")),
        ),
        (
            "Device emulation initialization error",
            said(host(), &bhyve("-s 3:1,virtio-blk,/vm/gone")),
        ),
        (
            "an error occurred while loading module vmm",
            said(broken, "kldload -n vmm"),
        ),
        (
            "more recent snapshots or bookmarks exist",
            said(newer, "zfs rollback zroot/vm/web@a"),
        ),
        (
            "can't load vmm: Operation not permitted",
            said(Host::freebsd(14).in_jail(), "kldload -n vmm"),
        ),
    ]
}

#[test]
fn every_known_message_is_one_of_the_host() {
    let messages = messages();
    for (message, text) in &messages {
        assert!(text.contains(message), "{message:?} is not in {text:?}");
    }
    let mut shown: Vec<&str> = messages.iter().map(|(message, _)| *message).collect();
    shown.extend(UNSEEN);
    shown.sort_unstable();
    let mut known: Vec<&str> = KNOWN.iter().map(|known| known.message).collect();
    known.sort_unstable();
    assert_eq!(shown, known);
}

#[test]
fn every_message_of_the_host_is_explained_by_its_first_cause() {
    for (message, text) in messages() {
        let found = causes::of(&text).unwrap();
        // The text before it is more specific.
        if message != "Device emulation initialization error" {
            assert_eq!(found.message, message, "{text}");
        }
        assert!(
            !found.cause.is_empty() && !found.remedy.is_empty(),
            "{message}"
        );
    }
}
