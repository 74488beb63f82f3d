//! The disks and files for the records of grub-bhyve.

use crate::host::Host;
use crate::host::grub_bhyve::image::{File, Image, Tree, Volume};

/// The directory that the records call DIR.
pub(super) const DIRECTORY: &str = "/DIR";

const MENU: &str =
    "set timeout=0\nmenuentry guest {\n linux /vmlinuz marker=root\n initrd /initrd.img\n}\n";
const MENU_2: &str = "set timeout=0\nmenuentry guest {\n linux /vmlinuz marker=grub2\n}\n";

/// The files of each disk.
fn tree(label: &str, uuid: &str) -> Tree {
    let text = |text: &str| File::Text(text.into());
    let files = [
        ("lost+found/x", text("")),
        ("7.8/amd64/bsd.rd", File::Elf(0x0023_0000)),
        ("a\"b", File::Linux),
        ("a+b,c", File::Linux),
        ("bad.cfg", text("if true\n")),
        ("big-initrd", File::Data(40 << 20)),
        ("boot/grub/grub.cfg", text(MENU)),
        ("boot/initrd.img", File::Data(8192)),
        ("boot/vmlinuz", File::Linux),
        ("bsd", File::Elf(0x0022_0000)),
        ("bsd32", File::Elf(0x0020_0000)),
        ("casper/vmlinuz", File::Linux),
        ("casper/initrd", File::Data(8192)),
        ("empty", File::Data(0)),
        (
            "extra.cfg",
            text("set from_extra=yes\necho extra was read\n"),
        ),
        ("images/pxeboot/vmlinuz", File::Linux),
        ("images/pxeboot/initrd.img", File::Data(8192)),
        ("initramfs-5.14.0-639.el9.x86_64.img", File::Data(8192)),
        ("initrd", File::Data(8192)),
        ("initrd.img", File::Data(8192)),
        ("install.amd/vmlinuz", File::Linux),
        ("install.amd/initrd.gz", File::Data(8192)),
        ("it's", File::Linux),
        ("kernel", File::Elf(0x0022_0000)),
        ("menu.cfg", text(MENU)),
        ("netbsd", File::Elf(0x0021_0000)),
        ("netbsd.gz", File::Elf(0x0021_0000)),
        ("short", File::Data(100)),
        ("text", text("hello\nworld\n")),
        ("vmlinuz", File::Linux),
        ("vmlinuz-5.14.0-639.el9.x86_64", File::Linux),
        ("vmlinuz.gz", File::Linux),
        ("with space/vmlinuz", File::Linux),
    ];
    files
        .into_iter()
        .fold(Tree::new(label, uuid), |tree, (path, file)| {
            tree.with(path, file)
        })
}

/// A host with these disks.
pub(super) fn host() -> Host {
    let root = || Volume::Read(tree("ROOT", "11111111-2222-3333-4444-555555555555"));
    let other = |label: &str| Volume::Read(tree(label, label));
    let hd0 = Image::default()
        .with_partition("msdos1", root())
        .with_partition("msdos2", Volume::Unknown);
    let hd1 = Image::default()
        .with_partition("netbsd1", other("NETBSD"))
        .with_partition("netbsd2", Volume::Unknown)
        .with_partition("msdos1", other("NETBSD"));
    let hd2 = Image::default()
        .with_partition("openbsd1", other("OPENBSD"))
        .with_partition("openbsd2", Volume::Unknown)
        .with_partition("msdos4", other("OPENBSD"));
    let cd0 = Image::whole(tree("CDROM", "2026-11-28-08-44-00-00"));
    let mut host = Host::freebsd(14).with_commands(&["kldload nmdm"]);
    for (path, image) in [
        ("B/hd0.img", hd0.clone()),
        ("B/hd1.img", hd1),
        ("B/hd2.img", hd2),
        ("B/cd0.iso", cd0),
        ("base/hd0.img", hd0),
    ] {
        host = host.with_file(path, "a disk");
        host.state.images.insert(path.into(), image);
    }
    let plain = [
        "ha#sh",
        "per%cent",
        "it's",
        "back\\slash",
        "(x)",
        "é",
        "a,b",
        "odd",
        "zero",
        "m600",
        "m444",
        "link",
        "a@b:c+d=e",
        "plain",
        "with blank",
    ];
    for name in plain {
        let path = format!("W/{name}.img");
        host = host.with_file(&path, "a disk");
        host.state.images.insert(path.into(), Image::default());
    }
    for path in [
        format!("W/{}", "x".repeat(900)),
        "/dev/null".into(),
        "/dev/zero".into(),
    ] {
        host.state.images.insert(path.into(), Image::default());
    }
    host = host.with_file(&format!("W/{}", "x".repeat(900)), "a disk");
    let other = "linux (hd0,msdos1)/vmlinuz other\nboot\nexit\n";
    host.with_file("/tmp/gt/base/tree/vmlinuz", "a Linux kernel")
        .with_file(&format!("{DIRECTORY}/other.cfg"), other)
}

/// The device map.
pub(super) fn map(mode: &str) -> String {
    let disks = "(hd0) B/hd0.img\n";
    match mode {
        "" => format!("{disks}(cd0) B/cd0.iso\n"),
        "root" => {
            format!("{disks}(hd1) B/hd1.img\n(hd2) B/hd2.img\n(hd3) B/hd3.img\n(cd0) B/cd0.iso\n")
        }
        _ => format!("{disks}(hd1) B/hd1.img\n(hd2) B/hd2.img\n(cd0) B/cd0.iso\n"),
    }
}

/// A map that is too long for the records.
pub(super) fn long_map(id: &str) -> Option<String> {
    Some(match id {
        "a046" => (0..300)
            .map(|number| format!("(hd{number}) B/hd0.img\n"))
            .collect(),
        "a047" => format!("(hd0) W/{}\n(cd0) B/cd0.iso\n", "x".repeat(900)),
        "a048" => format!("(hd0) /{}\n(cd0) B/cd0.iso\n", "x".repeat(1500)),
        "a049" => format!("# {}\n(cd0) B/cd0.iso\n", "x".repeat(1500)),
        _ => return None,
    })
}

/// A script that is too long for the records.
pub(super) fn long_text(what: &str) -> String {
    let number = what
        .rsplit(' ')
        .next()
        .and_then(|number| number.parse::<usize>().ok());
    let x = |length: usize| "x".repeat(length);
    let commands = match (what, number) {
        ("comment of 100000 first", _) => format!("#{}\nlinux /vmlinuz ok", x(100_000)),
        ("1000 lines", _) => format!(
            "{}linux /vmlinuz $n",
            (0..1000)
                .map(|number| format!("set n={number}\n"))
                .collect::<String>()
        ),
        ("one argument too many", _) => format!("linux /vmlinuz {} abc {}", x(1900), x(200)),
        (what, Some(number)) if what.starts_with("linux args") => {
            format!("linux /vmlinuz {}", x(number - 10))
        }
        (_, Some(number)) => format!("set a={}\nlinux /vmlinuz ok", x(number - 6)),
        (what, None) => panic!("{what}: the script has no description"),
    };
    format!("set root=(hd0,msdos1)\nset prefix=($root)/boot/grub\n{commands}\nboot\nexit\n")
}

/// A text with DIR, MAP and PTY replaced by paths of the host.
pub(super) fn placed(text: &str) -> String {
    let text = text.replace("DIR", DIRECTORY).replace("PTY", "/dev/nmdm5A");
    match text.as_str() {
        "MAP" => "/MAP".into(),
        text => text.replace("=MAP", "=/MAP").replace("-mMAP", "-m/MAP"),
    }
}

/// Puts a grub.cfg on the root of the mode `root`.
pub(super) fn put_on_root(host: &mut Host, text: Option<&str>) {
    let mut tree = tree("ROOT3", "3");
    tree.files.retain(|(path, _)| path != "boot/grub/grub.cfg");
    tree = tree.with("boot/grub2/grub.cfg", File::Text(MENU_2.into()));
    if let Some(text) = text {
        tree = tree.with("boot/grub/grub.cfg", File::Text(text.into()));
    }
    let path = "B/hd3.img";
    *host = host.clone().with_file(path, "a disk");
    host.state.images.insert(path.into(), Image::whole(tree));
}
