//! The command line of bhyve(8) on amd64.

use std::collections::BTreeSet;

use super::super::call::Answer;
use super::super::words::{Words, memory_size};
use super::rom::Rom;
use super::topology::Topology;
use super::{config, disk, nic};

/// A wrong option argument (sysexits(3)).
pub(super) const EX_USAGE: i32 = 64;

/// Device emulations of usr.sbin/bhyve on amd64.
const EMULATIONS: [&str; 20] = [
    "ahci",
    "ahci-cd",
    "ahci-hd",
    "amd_hostbridge",
    "e1000",
    "fbuf",
    "hda",
    "hostbridge",
    "lpc",
    "nvme",
    "passthru",
    "uart",
    "virtio-9p",
    "virtio-blk",
    "virtio-console",
    "virtio-input",
    "virtio-net",
    "virtio-rnd",
    "virtio-scsi",
    "xhci",
];

/// The back end of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Backend {
    /// Nothing is opened.
    None,
    /// A disk or image.
    Disk(String),
    /// A tap or vmnet, by the name of its node.
    Tap(String),
    /// A network backend that bhyve does not know.
    Unknown,
}

/// A PCI device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Device {
    /// Bus, slot and function.
    pub(super) slot: (u32, u32, u32),
    /// `virtio-blk` and the like.
    pub(super) emulation: String,
    /// Its back end.
    pub(super) backend: Backend,
    /// What follows the emulation, if anything does.
    pub(super) conf: Option<String>,
    /// Variables that were set behind it.
    pub(super) variables: Vec<(String, String)>,
}

impl Device {
    /// Makes a device of its variables, if there was no `-s` for it.
    fn complete(&mut self) {
        let value = |key: &str| {
            let mut set = self.variables.iter().filter(|(name, _)| name == key);
            set.next_back().map(|(_, value)| value.clone())
        };
        if self.emulation.is_empty()
            && let Some(emulation) = value("device")
        {
            let path = value("path");
            self.backend = path.clone().map_or(Backend::None, Backend::Disk);
            (self.emulation, self.conf) = (emulation, path);
        }
    }

    /// A device of which only a variable is set, which has no emulation unless that variable is it.
    pub(super) fn of_variable(slot: (u32, u32, u32), name: &str, value: &str) -> Self {
        Self {
            slot,
            emulation: String::new(),
            backend: Backend::None,
            conf: None,
            variables: vec![(name.to_owned(), value.to_owned())],
        }
    }
}

/// A command line that was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// The VM.
    pub(super) name: String,
    /// vCPUs.
    pub(super) cpus: u32,
    /// Bytes.
    pub(super) memory: u64,
    /// In the order of their slots.
    pub(super) devices: Vec<Device>,
    /// `-l comN,PATH`.
    pub(super) consoles: Vec<(String, String)>,
    /// `-l bootrom,ROM[,VARS][,fwcfg=…]`.
    pub(super) bootrom: Option<Rom>,
    /// Whether the machine is amd64, which has CD drives.
    pub(super) is_amd64: bool,
    /// `-D`
    pub(super) destroy: bool,
    /// Disks whose path ended at a comma, because the word behind it is no option.
    pub(super) cut: Vec<String>,
    topology: Topology,
}

impl Options {
    /// Reads a command line; an error is the answer of bhyve. `major` is the release of FreeBSD.
    pub(super) fn parse(args: &[String], major: u32, machine: &str) -> Result<Self, Answer> {
        Self::parse_with(args, major, machine, &|_| None)
    }

    /// The same with the files of `-k`.
    pub(super) fn parse_with(
        args: &[String],
        major: u32,
        machine: &str,
        file: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Answer> {
        let spec = match major {
            // aarch64/bhyverun_machdep.c
            _ if machine != "amd64" => "hCDSWk:f:o:p:c:s:m:U:",
            13 => "aehuwxACDHIPSWYk:o:p:G:c:s:m:l:K:U:",
            14 => "aehuwxACDHIPSWYk:f:o:p:G:c:s:m:l:K:U:",
            15 => "aehuwxACDHIPSWYk:f:o:p:G:c:s:m:l:K:U:n:",
            _ => "aehuwxACDHIMPSWYk:f:o:p:G:c:s:m:l:K:U:n:",
        };
        let words = Words::parse(args, spec)
            .map_err(|error| Answer::fail(1, format!("bhyve: {error}")).and_err(usage()))?;
        let mut options = Self {
            memory: 256 << 20,
            is_amd64: machine == "amd64",
            ..Self::default()
        };
        for (option, value) in &words.options {
            let value = value.as_deref().unwrap_or_default();
            match option.as_str() {
                "k" => options.read_file(value, file(value).as_deref())?,
                _ => options.take(option, value)?,
            }
        }
        match words.operands.as_slice() {
            [name] => options.name.clone_from(name),
            [] if !options.name.is_empty() => {}
            _ => return Err(Answer::fail(1, usage())),
        }
        options.devices.iter_mut().for_each(Device::complete);
        options.cpus = options.topology.cpus()?;
        options.devices.sort_by_key(|device| device.slot);
        Ok(options)
    }

    /// The image in the first CD drive.
    pub(super) fn cd(&self) -> Option<&str> {
        self.first_path(true)
    }

    /// The file of the ROM's variables.
    pub(super) fn vars(&self) -> Option<&str> {
        self.bootrom.as_ref()?.vars.as_deref()
    }

    /// The first disk.
    pub(super) fn disk(&self) -> Option<&str> {
        self.first_path(false)
    }

    /// Whether a disk is the medium of an installer: on arm64 a disk that is only read.
    pub(super) fn is_cd(&self, device: &Device) -> bool {
        let mut words = device.conf.iter().flat_map(|conf| conf.split(','));
        match self.is_amd64 {
            true => device.emulation.contains("-cd"),
            false => words.any(|word| word == "ro"),
        }
    }

    fn first_path(&self, of_cd: bool) -> Option<&str> {
        self.devices
            .iter()
            .find_map(|device| match &device.backend {
                Backend::Disk(path) if self.is_cd(device) == of_cd => Some(path.as_str()),
                _ => None,
            })
    }

    fn take(&mut self, option: &str, value: &str) -> Result<(), Answer> {
        match option {
            "h" => return Err(Answer::ok().and_err(usage())),
            "D" => self.destroy = true,
            "c" => self.topology.take(value)?,
            "m" => {
                self.memory = memory_size(value).ok_or_else(|| {
                    Answer::fail(EX_USAGE, format!("bhyve: invalid memsize '{value}'"))
                })?;
            }
            "o" => match value.split_once('=') {
                Some((name, text)) if !text.is_empty() => self.set(name, text),
                _ => {
                    let text = format!("bhyve: invalid configuration option '{value}'");
                    return Err(Answer::fail(EX_USAGE, text));
                }
            },
            "p" => {
                let pin: Option<(u32, u32)> = value
                    .split_once(':')
                    .and_then(|(guest, host)| Some((guest.parse().ok()?, host.parse().ok()?)));
                if pin.is_none() {
                    let text = format!("bhyve: invalid vcpu pinning configuration '{value}'");
                    return Err(Answer::exit(EX_USAGE)
                        .and_err(format!("invalid format: {value}"))
                        .and_err(text));
                }
            }
            "l" => self.lpc(value)?,
            "s" => {
                if "help".starts_with(value) {
                    return Err(Answer::out(format!("{}\n", EMULATIONS.join("\n"))));
                }
                let device = self.slot(value).map_err(|text| Answer::fail(4, text))?;
                self.devices.push(device);
            }
            _ => {}
        }
        Ok(())
    }

    /// Sets a variable of bhyve_config(5).
    pub(super) fn set(&mut self, name: &str, value: &str) {
        match name {
            "name" => self.name = value.into(),
            "memory.size" => self.memory = memory_size(value).unwrap_or(self.memory),
            "bootrom" | "lpc.bootrom" => self.rom().code = value.into(),
            "bootvars" | "lpc.bootvars" => self.rom().vars = Some(value.into()),
            "cpus" | "sockets" | "cores" | "threads" => self.topology.set(name, value),
            _ => {
                if let Some((slot, name)) = config::of_device(name) {
                    self.set_of_device(slot, name, value);
                }
            }
        }
    }

    /// `-l` (amd64/pci_lpc.c, `lpc_device_parse`).
    fn lpc(&mut self, value: &str) -> Result<(), Answer> {
        if "help".starts_with(value) {
            return Err(Answer::out(
                "bootrom\ncom1\ncom2\ncom3\ncom4\ntpm\npc-testdev\n",
            ));
        }
        let invalid = || {
            let text = format!("bhyve: invalid lpc device configuration '{value}'");
            Answer::fail(EX_USAGE, text)
        };
        let (device, conf) = match value.split_once(',') {
            Some((device, conf)) => (device, Some(conf)),
            None => (value, None),
        };
        match (device.to_ascii_lowercase().as_str(), conf) {
            (port @ ("com1" | "com2" | "com3" | "com4"), Some(path)) => {
                self.consoles.push((port.into(), path.into()));
            }
            ("bootrom", Some(conf)) => self.rom().take(conf)?,
            ("bootrom", None) => {
                let text = format!("bhyve: invalid bootrom option \"{value}\"");
                return Err(Answer::fail(4, text));
            }
            ("tpm" | "fwcfg", Some(_)) | ("pc-testdev", _) => {}
            _ => return Err(invalid()),
        }
        Ok(())
    }

    fn rom(&mut self) -> &mut Rom {
        self.bootrom.get_or_insert_default()
    }

    /// `-s` (pci_emul.c, `pci_parse_slot`): cut at the first and second comma, without quoting.
    fn slot(&mut self, value: &str) -> Result<Device, String> {
        let invalid = || format!("Invalid PCI slot info field \"{value}\"");
        let mut parts = value.splitn(3, ',');
        let place = parts.next().unwrap_or_default();
        let emulation = parts.next().ok_or_else(invalid)?;
        let given = parts.next();
        let conf = given.unwrap_or_default();
        let numbers = scan(place);
        let (bus, slot, function) = match numbers.as_slice() {
            [bus, slot, function, ..] => (*bus, *slot, *function),
            [slot, function] => (0, *slot, *function),
            [slot] => (0, *slot, 0),
            [] => return Err(invalid()),
        };
        let is_place =
            |number: i64, last| u32::try_from(number).ok().filter(|number| *number <= last);
        let place = (
            is_place(bus, 255),
            is_place(slot, 31),
            is_place(function, 7),
        );
        let (Some(bus), Some(slot), Some(function)) = place else {
            return Err(invalid());
        };
        let at = format!("pci slot {bus}:{slot}:{function}");
        if !EMULATIONS.contains(&emulation) {
            return Err(format!("{at}: unknown device \"{emulation}\""));
        }
        let taken: BTreeSet<_> = self.devices.iter().map(|device| device.slot).collect();
        if taken.contains(&(bus, slot, function)) {
            return Err(format!("{at} already occupied!"));
        }
        let mut words = conf.split(',');
        let first = words.next().unwrap_or_default();
        // config.c: a dot would begin another node.
        let own = Some(first).filter(|_| !nic::has_backend(emulation));
        let names = own.into_iter().chain(words);
        // What stands behind a USB device is a variable of its own.
        let names = names.map(|word| match word.split_once('=') {
            Some((_, rest)) if emulation == "xhci" => rest,
            _ => word,
        });
        let mut names = names.map(|word| word.split('=').next().unwrap_or_default());
        if let Some(name) = names.find(|name| name.contains('.')) {
            return Err(format!("bhyve: Invalid config node name {name}"));
        }
        let backend = match emulation {
            "virtio-blk" | "ahci-hd" | "ahci-cd" => Backend::Disk(first.into()),
            "nvme" if !first.starts_with("ram=") => Backend::Disk(first.into()),
            "virtio-net" | "e1000" => nic::network(first),
            _ => Backend::None,
        };
        if matches!(backend, Backend::Disk(_)) && disk::is_cut(conf) {
            self.cut.push(conf.to_owned());
        }
        Ok(Device {
            slot: (bus, slot, function),
            emulation: emulation.into(),
            backend,
            conf: given.map(str::to_owned),
            variables: Vec::new(),
        })
    }
}

/// `%d:%d:%d` of sscanf(3): text behind the last number is ignored.
fn scan(text: &str) -> Vec<i64> {
    let mut numbers = Vec::new();
    for (at, part) in text.split(':').enumerate().take(3) {
        let part = part.trim_start();
        let digits = part.trim_start_matches(['+', '-']);
        let end = digits.find(|letter: char| !letter.is_ascii_digit());
        let end = end.map_or(part.len(), |end| part.len() - digits.len() + end);
        match part[..end].parse() {
            Ok(number) => numbers.push(number),
            Err(_) => break,
        }
        // Other text behind a number ends the scan.
        if end < part.len() || at == 2 {
            break;
        }
    }
    numbers
}

/// The usage text, shortened to its first lines.
fn usage() -> &'static str {
    "Usage: bhyve [-aCDeHhPSuWwxY]\n       \
     [-c [[cpus=]numcpus][,sockets=n][,cores=n][,threads=n]]\n       \
     [-G port] [-k config_file] [-l lpc] [-m mem] [-o var=value]\n       \
     [-p vcpu:hostcpu] [-r file] [-s pci] [-U uuid] vmname"
}
