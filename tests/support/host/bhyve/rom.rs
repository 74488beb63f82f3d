//! The boot ROM of bhyve(8) and its file of variables (usr.sbin/bhyve/bootrom.c), and what UEFI firmware
//! then boots.

use super::super::Host;
use super::super::call::Answer;
use super::super::firmware::written_by;
use super::options::{Backend, Options};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The boot ROM of a command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rom {
    /// Its file.
    pub(super) code: String,
    /// The file of its variables.
    pub(super) vars: Option<String>,
    /// `fwcfg=qemu`: the firmware sees the bootindex of devices.
    pub(super) has_boot_order: bool,
}

impl Rom {
    /// `-l bootrom,ROM[,VARS][,KEY[=VALUE]…]` (amd64/pci_lpc.c): a second word with `=` is an option.
    pub(super) fn take(&mut self, conf: &str) -> Result<(), Answer> {
        let mut words = conf.split(',').peekable();
        self.code = words.next().unwrap_or_default().into();
        if let Some(vars) = words.next_if(|word| !word.contains('=')) {
            self.vars = Some(vars.into());
        }
        for word in words {
            let name = word.split('=').next().unwrap_or_default();
            if name.contains('.') {
                let text = format!("bhyve: Invalid config node name {name}");
                return Err(Answer::fail(4, text));
            }
            self.has_boot_order |= word == "fwcfg=qemu";
        }
        Ok(())
    }
}

/// The place of the ROM and of the variables in the guest's memory.
const MOST: u64 = 16 << 20;
/// A page.
const PAGE: u64 = 4096;

/// Opens both files as bootrom_loadrom does, the variables read-write; an error is the status and the
/// messages of bhyve.
pub(super) fn open(host: &mut Host, rom: &Rom) -> Result<BTreeSet<PathBuf>, (i32, String)> {
    let size = |host: &Host, path: &str| host.files().size(Path::new(path));
    // Before 15 the ROM is loaded by the lpc device.
    let is_of_device = host.state.major() < 15;
    let failed = |text: String, why: &str| {
        let behind = format!("\nDevice emulation initialization error: {why}");
        Err((4, text + if is_of_device { behind.as_str() } else { "" }))
    };
    let code = match size(host, &rom.code) {
        Ok(size) => size,
        Err(errno) => {
            let why = errno.text();
            return failed(
                format!("Error opening bootrom \"{}\": {why}", rom.code),
                why,
            );
        }
    };
    let mut vars = 0;
    if let Some(path) = &rom.vars {
        vars = match size(host, path) {
            Ok(size) => size,
            Err(errno) => {
                let why = errno.text();
                let text = format!("Error opening bootrom variable file \"{path}\": {why}");
                return failed(text, why);
            }
        };
        if vars > MOST || (1..PAGE).contains(&vars) {
            return failed(format!("Invalid bootrom variable size {vars}"), "");
        }
    }
    if code + vars > MOST {
        let text = format!(
            "Invalid bootrom and variable aggregate size {}",
            code + vars
        );
        return failed(text, "");
    }
    if code == 0 {
        return failed("bhyve: ROM size 0 is invalid".into(), "");
    }
    if !code.is_multiple_of(PAGE) {
        let text = format!("bhyve: ROM size {code} is not a multiple of the page size");
        return failed(text, "");
    }
    // What the guest writes is in the file at once.
    Ok(rom.vars.iter().map(PathBuf::from).collect())
}

/// What the firmware boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Boots {
    /// The system on a disk.
    Disk,
    /// The installer on a CD.
    Cd,
    /// Nothing: it waits for a key for ever.
    Nothing,
}

/// The device that the firmware boots: the one of the lowest bootindex, if it sees that; else an nvme disk
/// first, and a CD last.
pub(super) fn boots(host: &Host, options: &Options) -> Boots {
    let mut found: Vec<((u32, u8), Boots)> = Vec::new();
    for device in &options.devices {
        let Backend::Disk(path) = &device.backend else {
            continue;
        };
        let is_cd = options.is_cd(device);
        if !is_cd && host.is_blank(path) {
            continue;
        }
        // U-Boot reads virtio-blk alone, and boots the first disk that has a system.
        if !options.is_amd64 {
            let what = if is_cd { Boots::Cd } else { Boots::Disk };
            found.extend((device.emulation == "virtio-blk").then_some(((u32::MAX, 0), what)));
            continue;
        }
        let sees_order = options
            .bootrom
            .as_ref()
            .is_some_and(|rom| rom.has_boot_order);
        let words = device.conf.iter().flat_map(|conf| conf.split(','));
        let mut index = words.filter_map(|word| word.strip_prefix("bootindex=")?.parse().ok());
        let index = index.next().filter(|_| sees_order).unwrap_or(u32::MAX);
        let (class, what) = match device.emulation.as_str() {
            "ahci-cd" => (2, Boots::Cd),
            "nvme" => (0, Boots::Disk),
            _ => (1, Boots::Disk),
        };
        found.push(((index, class), what));
    }
    let first = found.into_iter().min_by_key(|(place, _)| *place);
    first.map_or(Boots::Nothing, |(_, what)| what)
}

/// The firmware writes its variables at each start of the guest.
pub(super) fn write(host: &mut Host, rom: &Rom, vm: &str) {
    if let Some(vars) = &rom.vars {
        let _ = host.files_mut().stamp(Path::new(vars), &written_by(vm));
    }
}
