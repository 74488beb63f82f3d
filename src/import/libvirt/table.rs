//! What the parts of a domain mean for a VM here that no setting is made of.
//!
//! Sources: libvirt's domain format (`docs/formatdomain.rst`), and what its driver for bhyve makes of it
//! (`src/bhyve/bhyve_command.c`).

/// What an element or an attribute means that was not read.
#[derive(Clone, Copy)]
pub(super) enum Is {
    /// Nothing, with all that is below it.
    Nothing,
    /// Nothing with one of these values, and else it is lost.
    NothingIf(&'static [&'static str]),
    /// Nothing itself; its attributes and elements have rows.
    Parts,
    /// It is lost, with all that is below it, and why.
    Lost(&'static str),
}

use Is::{Lost, Nothing, NothingIf, Parts};

impl Is {
    /// Why this value is lost, if it is.
    pub(super) fn is_lost(self, value: &str) -> Option<&'static str> {
        match self {
            NothingIf(values) if values.contains(&value) => None,
            Lost(why) => Some(why),
            NothingIf(_) => Some(NO_SETTING),
            Nothing | Parts => None,
        }
    }
}

const NO_SETTING: &str = "easy-bhyve has no setting for it";
const CPU: &str = "a guest of bhyve has the cpu of the host";

/// The row of a path: names of elements below the domain, separated by `/`, and `@` before that of an
/// attribute.
pub(super) fn find(path: &str) -> Is {
    let is_row = |row: &str| match row.strip_prefix('*') {
        Some(end) => path.ends_with(end),
        None => row == path,
    };
    let found = TABLE.iter().find(|(row, _)| is_row(row));
    found.map_or(Lost(NO_SETTING), |(_, is)| *is)
}

/// `*` stands for any beginning.
static TABLE: &[(&str, Is)] = &[
    ("@id", Nothing),
    ("title", Nothing),
    ("description", Nothing),
    ("metadata", Nothing),
    ("on_poweroff", NothingIf(&["destroy"])),
    ("on_reboot", Nothing),
    ("on_crash", Nothing),
    ("vcpu@placement", NothingIf(&["static"])),
    (
        "vcpu@cpuset",
        Lost("bhyve -p pins cpus: write it into bhyve_args"),
    ),
    (
        "cpu@mode",
        NothingIf(&["host-passthrough", "host-model", "maximum"]),
    ),
    ("cpu@check", Nothing),
    ("cpu@migratable", Nothing),
    ("cpu/topology@dies", NothingIf(&["1"])),
    ("cpu/topology@clusters", NothingIf(&["1"])),
    ("cpu/model", Lost(CPU)),
    ("cpu/feature", Lost(CPU)),
    (
        "bootloader_args",
        Lost("easy-bhyve calls the loader itself"),
    ),
    (
        "commandline",
        Lost("its words are those of another hypervisor"),
    ),
    ("os/type", NothingIf(&["hvm"])),
    ("os/type@arch", NothingIf(&["x86_64", "amd64"])),
    ("os/type@machine", Nothing),
    ("os/loader@readonly", Nothing),
    ("os/loader@type", NothingIf(&["pflash", "rom"])),
    ("os/loader@secure", NothingIf(&["no"])),
    ("os/loader@stateless", NothingIf(&["no"])),
    ("os/loader@format", NothingIf(&["raw"])),
    ("os/nvram@template", Nothing),
    ("os/nvram@templateFormat", Nothing),
    ("os/nvram@type", NothingIf(&["file"])),
    ("os/nvram@format", NothingIf(&["raw"])),
    ("os/boot", Parts),
    ("os/boot@dev", NothingIf(&["hd"])),
    ("os/bootmenu", Parts),
    ("os/bootmenu@enable", NothingIf(&["no"])),
    ("os/bootmenu@timeout", Nothing),
    ("features/acpi", Nothing),
    ("features/apic", Nothing),
    ("features/pae", Nothing),
    ("features/msrs@unknown", NothingIf(&["fault"])),
    ("devices/emulator", Nothing),
    // The controllers are those that the devices need.
    ("devices/controller", Nothing),
    ("devices/memballoon", Nothing),
    ("*/alias", Nothing),
    // Slots are fixed; a change of those of NICs has a remark of its own.
    ("*/address", Nothing),
    ("*/address@type", Nothing),
    ("*/address@domain", Nothing),
    ("*/address@bus", Nothing),
    // com1 is the console, and always there.
    ("devices/serial", Parts),
    ("devices/serial@type", NothingIf(&["nmdm", "pty"])),
    ("devices/serial/source", Nothing),
    ("devices/serial/target", Parts),
    ("devices/serial/target@type", Nothing),
    ("devices/serial/target@port", NothingIf(&["0"])),
    ("devices/serial/target/model", Nothing),
    ("devices/console", Parts),
    ("devices/console@type", NothingIf(&["nmdm", "pty"])),
    ("devices/console@tty", Nothing),
    ("devices/console/source", Nothing),
    ("devices/console/target", Parts),
    ("devices/console/target@type", NothingIf(&["serial"])),
    ("devices/console/target@port", NothingIf(&["0"])),
    // The screen has its own kind of card, mouse and keyboard.
    ("devices/input", Parts),
    ("devices/input@type", NothingIf(&["mouse", "keyboard"])),
    ("devices/input@bus", Nothing),
    ("devices/video", Parts),
    ("devices/video/model", Parts),
    ("devices/video/model@type", NothingIf(&["gop"])),
    ("devices/video/model@heads", NothingIf(&["1"])),
    ("devices/video/model@primary", Nothing),
    ("devices/video/model@ram", Nothing),
    ("devices/video/model@vram", Nothing),
    ("devices/video/model@vgamem", Nothing),
    ("devices/video/model/driver", Parts),
    (
        "devices/video/model/resolution",
        Lost("without a screen it has no meaning"),
    ),
    ("devices/graphics/listen@type", NothingIf(&["address"])),
    ("devices/rng@model", NothingIf(&["virtio"])),
    ("devices/rng/backend", Nothing),
    ("devices/disk@type", NothingIf(&["file", "block"])),
    ("devices/disk/driver@name", Nothing),
    ("devices/disk/source@index", Nothing),
    ("devices/disk/target@tray", Nothing),
    ("devices/disk/backingStore", Nothing),
    ("devices/disk/boot", Parts),
    ("devices/disk/boot@order", NothingIf(&["1"])),
    // A domain that runs names the bridge of its network.
    ("devices/interface@type", NothingIf(&["bridge", "network"])),
    ("devices/interface/source@network", Nothing),
    ("devices/interface/source@portid", Nothing),
    ("devices/interface/mac@type", Nothing),
    // libvirt names the interface at each start.
    ("devices/interface/target", Nothing),
    ("devices/interface/link", Parts),
    ("devices/interface/link@state", NothingIf(&["up"])),
];
