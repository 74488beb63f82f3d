//! Further words for bhyve(8), which the setting `bhyve_args` has: an escape hatch for what has no setting.

use super::device::Device;
use super::name::{NameError, error, text_newtype};
use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use words::{At, options, slot_of, variable_of};

mod words;

/// Further options of bhyve(8), quoted as for sh(1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BhyveArgs(String);
text_newtype!(BhyveArgs);

/// Variables of bhyve_config(5) that belong to a setting or to the supervision of the VM.
const REFUSED_VARIABLES: &[&str] = &[
    "name",
    "cpus",
    "sockets",
    "cores",
    "threads",
    "memory.size",
    "memory.wired",
    "uuid",
    "rtc.use_localtime",
    "acpi_tables",
    "x86.strictmsr",
    "x86.vmexit_on_hlt",
    "x86.vmexit_on_pause",
    "bootrom",
    "bootvars",
    "lpc.bootrom",
    "lpc.bootvars",
    "lpc.com1.path",
    "config.dump",
    "destroy_on_poweroff",
    "monitor",
    "console",
];

/// Variables of a device that say what the device is, what backs it, or who may see it.
const OF_DEVICE: &[&str] = &[
    "device", "path", "backend", "type", "tcp", "rfb", "wait", "password",
];

impl BhyveArgs {
    /// Parses words, quoted as for sh(1), that are options of bhyve(8).
    ///
    /// # Errors
    /// If a quote is open, or a word would end the options, name a VM, contradict what easy-bhyve passes, or
    /// take a slot twice.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(error("the value has a control character".to_owned()));
        }
        let words = shlex::split(text)
            .ok_or_else(|| error("a quote in the value is never closed".to_owned()))?;
        if words.is_empty() {
            return Err(error("there is no word in the value".to_owned()));
        }
        let mut taken: Vec<At> = Vec::new();
        for (option, value) in options(&words)? {
            refused_value(option, value)?;
            let of_slot = slot_of(value).filter(|_| option == 's').map(|(at, _)| at);
            // A variable of a device makes the device, so that a later -s finds its slot occupied.
            let of_variable = variable_of(value)
                .filter(|_| option == 'o')
                .map(|(at, _)| at);
            if let Some((bus, slot)) = of_slot.filter(|at| taken.contains(at)) {
                return Err(error(format!(
                    "-s {bus}:{slot}: a word before it takes this slot, too"
                )));
            }
            taken.extend(of_slot.or(of_variable));
        }
        Ok(Self(text.to_owned()))
    }

    /// The words.
    pub fn words(&self) -> Vec<String> {
        shlex::split(&self.0).unwrap_or_default()
    }

    /// The absolute paths in the values of the options: whole values, or what follows `,`, `=` or `:`, as in
    /// `16:0,ahci,hd:/vm/a`. A variable of `-o` has one value, with its commas.
    pub fn paths(&self) -> Vec<PathBuf> {
        let words = self.words();
        let mut paths = Vec::new();
        for (option, value) in options(&words).unwrap_or_default() {
            let parts = match option {
                'o' => vec![value],
                _ => value.split(',').collect(),
            };
            for part in parts {
                let start = part.match_indices('/').find(|(at, _)| {
                    let before = part.get(..*at).unwrap_or_default();
                    before.is_empty() || before.ends_with(['=', ':'])
                });
                let path = start.and_then(|(at, _)| part.get(at..));
                paths.extend(path.map(PathBuf::from));
            }
        }
        paths
    }

    /// Checks them against the devices of the VM.
    ///
    /// # Errors
    /// If a word takes a slot in use.
    pub fn check_against(&self, devices: &[Device]) -> Result<(), NameError> {
        let words = self.words();
        let in_use = |at: At| devices.iter().find(|device| at == (0, device.slot));
        for (option, value) in options(&words)? {
            match option {
                's' => {
                    let (at, _) = slot_of(value).ok_or_else(|| no_slot(value))?;
                    if let Some(device) = in_use(at) {
                        return Err(error(format!(
                            "-s {value}: the slot {} is that of {} of this VM; use one of 16:0 to 28:0",
                            device.slot, device.emulation
                        )));
                    }
                }
                'o' => {
                    let name = value.split_once('=').map_or(value, |(name, _)| name);
                    let (at, variable) = variable_of(name).unzip();
                    if let Some(device) = at.and_then(in_use)
                        && variable.is_some_and(|variable| OF_DEVICE.contains(&variable))
                    {
                        return Err(error(format!(
                            "-o {name}=: {} is {} of this VM, and has a setting",
                            device.slot, device.emulation
                        )));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether there is a device in them, which no lock keeps apart from other VMs.
    pub fn has_device(&self) -> bool {
        let words = self.words();
        options(&words).is_ok_and(|options| {
            let mut options = options.into_iter();
            options
                .any(|(option, value)| option == 's' || option == 'o' && value.starts_with("pci."))
        })
    }
}

/// Refuses the value of an option that belongs to a setting.
fn refused_value(option: char, value: &str) -> Result<(), NameError> {
    let refuse = |why: &str| Err(error(format!("-{option} {value}: {why}")));
    match option {
        's' => {
            let (_, emulation) = slot_of(value).ok_or_else(|| no_slot(value))?;
            match emulation {
                "lpc" => refuse("a VM has one LPC bridge, which easy-bhyve adds itself"),
                // The words behind it may be a password, which is not repeated.
                "fbuf" => Err(error(
                    "-s with fbuf: use the setting vnc, and vnc_password_file for a password"
                        .to_owned(),
                )),
                _ => Ok(()),
            }
        }
        'l' => {
            let (device, backend) = value.split_once(',').unwrap_or((value, ""));
            match device.to_ascii_lowercase().as_str() {
                "com1" => refuse("com1 is the console"),
                "bootrom" => refuse("the loader decides about the boot ROM"),
                "com2" | "com3" | "com4" if backend == "stdio" || backend.is_empty() => {
                    refuse("the terminal belongs to the console; name a device")
                }
                "com2" | "com3" | "com4"
                    if backend
                        .strip_prefix("tcp=")
                        .is_some_and(|place| !is_of_this_host(place)) =>
                {
                    refuse("other hosts could use the console; write tcp=127.0.0.1:PORT")
                }
                "com2" | "com3" | "com4" | "tpm" | "fwcfg" | "pc-testdev" => Ok(()),
                _ => refuse("there is no such device"),
            }
        }
        'o' => match value.split_once('=') {
            Some((name, _)) if REFUSED_VARIABLES.contains(&name) => {
                refuse("easy-bhyve decides about this variable")
            }
            Some((name, _)) if name.ends_with(".password") => Err(error(format!(
                "-o {name}=: every user of the host could read the password in ps; use vnc_password_file"
            ))),
            Some((name, "fbuf")) if name.ends_with(".device") => refuse("use the setting vnc"),
            Some((name, "lpc")) if name.ends_with(".device") => {
                refuse("a VM has one LPC bridge, which easy-bhyve adds itself")
            }
            Some((name, _)) if name.starts_with("gdb.") => refuse("write it as -G [ADDRESS:]PORT"),
            Some((name, _)) if name.starts_with("lpc.com") => refuse("write it as -l comN,DEVICE"),
            Some((name, text)) if !name.is_empty() && !text.is_empty() => Ok(()),
            _ => refuse("write NAME=VALUE"),
        },
        'G' if !is_of_this_host(value) => refuse(
            "other hosts could control the guest by the debug server; write 127.0.0.1:PORT or PORT",
        ),
        _ => Ok(()),
    }
}

/// Whether `[w][ADDRESS:]PORT` of `-G` is reached from this host alone, which it is without an address
/// (`usr.sbin/bhyve/gdb.c`).
fn is_of_this_host(value: &str) -> bool {
    let place = value.strip_prefix('w').unwrap_or(value);
    let address = place.rsplit_once(':').map(|(address, _)| address);
    let is_local = |text: &str| {
        let text = text.trim_start_matches('[').trim_end_matches(']');
        let address = text.parse::<std::net::IpAddr>();
        text == "localhost" || address.is_ok_and(|address| address.is_loopback())
    };
    address.is_none_or(is_local)
}

fn no_slot(value: &str) -> NameError {
    error(format!(
        "-s {value}: write SLOT:FUNCTION,DEVICE and what follows, as 16:0,virtio-9p,home=/home"
    ))
}

#[cfg(test)]
mod tests {
    use super::BhyveArgs;
    use crate::model::screen::{Place, Screen};
    use crate::model::tests::vm;

    #[test]
    fn words_are_split_as_sh_splits_them() {
        for (text, words) in [
            ("-x", &["-x"][..]),
            (" -xY  -K de ", &["-xY", "-K", "de"]),
            (
                "-s 16:0,virtio-9p,'home=/my home' -l com2,/dev/nmdm9A",
                &[
                    "-s",
                    "16:0,virtio-9p,home=/my home",
                    "-l",
                    "com2,/dev/nmdm9A",
                ],
            ),
            (
                r#"-o "system.serial_number=a b\"c" -p0:1"#,
                &["-o", "system.serial_number=a b\"c", "-p0:1"],
            ),
        ] {
            let args = BhyveArgs::parse(text).unwrap();
            assert_eq!(args.words(), words);
            assert_eq!(args.as_str(), text);
        }
    }

    #[test]
    fn what_would_contradict_easy_bhyve_is_refused() {
        for bad in [
            " ",
            "-x 'open",
            "-x\n-Y",
            "web0",
            "-x web0",
            "-w",
            "--",
            "-",
            "-- web0",
            "-A",
            "-xH",
            "-u",
            "-S",
            "-c 2",
            "-m2G",
            "-D",
            "-M",
            "-h",
            "-k /etc/x",
            "-r /x",
            "-U 1",
            "-Z",
            "-é",
            "-s",
            "-s ''",
            "-s help",
            "-s h",
            "-s 16",
            "-s 16,",
            "-s 32:0,virtio-rnd",
            "-s 16:8,virtio-rnd",
            "-s 16x,virtio-rnd",
            "-s 1:2:3:4,virtio-rnd",
            "-s 31:0,lpc",
            "-s 16:0,fbuf",
            "-s 16:0,fbuf,tcp=5900,password=x",
            "-o pci.0.16.0.device=fbuf",
            "-o pci.0.16.0.device=lpc",
            "-o gdb.address=0.0.0.0",
            "-o gdb.port=1234",
            "-o lpc.com2.path=stdio",
            "-o lpc.com1.path=/dev/nmdm9A",
            "-l com2,tcp=0.0.0.0:5000",
            "-s 16,virtio-rnd -s 16:0,virtio-rnd",
            "-s 16,virtio-rnd -s 0:16:0,uart",
            "-o pci.0.16.0.x=1 -s 16,virtio-rnd",
            "-G 0.0.0.0:1234",
            "-G w192.0.2.1:1234",
            "-G [::]:1234",
            "-G :1234",
            "-l com1,stdio",
            "-l COM1,/dev/nmdm1A",
            "-l com2,stdio",
            "-l com2",
            "-l bootrom,/x",
            "-l help",
            "-o cpus=4",
            "-o memory.size=1G",
            "-o config.dump=1",
            "-o name=x",
            "-o pci.0.29.0.password=x",
            "-o x",
            "-o x=",
            "-o =x",
        ] {
            assert!(BhyveArgs::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refused_password_is_not_repeated() {
        for text in [
            "-s 16,fbuf,tcp=5900,password=geheim",
            "-o pci.0.29.0.password=geheim",
        ] {
            let error = BhyveArgs::parse(text).unwrap_err().to_string();
            assert!(!error.contains("geheim"), "{error}");
        }
    }

    #[test]
    fn a_debug_server_is_for_this_host() {
        for good in [
            "-G 1234",
            "-Gw1234",
            "-G 127.0.0.1:1234",
            "-G [::1]:1234",
            "-G wlocalhost:1",
        ] {
            assert!(BhyveArgs::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_slot_in_use_stays_that_of_its_device() {
        let mut vm = vm();
        vm.screen = Some(Screen {
            place: Place::Tcp(([127, 0, 0, 1], 5901).into()),
            size: None,
            has_vga: true,
            waits: false,
            password_file: None,
        });
        let devices = vm.devices(true);
        for (text, is_free) in [
            ("-s 16:0,virtio-rnd", true),
            ("-s 8,passthru,1/0/0", true),
            ("-s 5:0,virtio-rnd", true),
            ("-s 1:3:0,virtio-rnd", true),
            ("-s 3:1,virtio-blk,/x", true),
            ("-s 3:0,virtio-blk,/x", false),
            ("-s 3,virtio-blk,/x", false),
            ("-s 0:3:0,virtio-blk,/x", false),
            ("-s 4:0,ahci-cd,/x", false),
            ("-s 29:0,virtio-rnd", false),
            ("-o pci.0.3.0.nocache=true", true),
            ("-o pci.0.3.0.path=/x", false),
            ("-o pci.0.29.0.wait=true", false),
            ("-o pci.0.16.0.device=virtio-rnd", true),
            ("-x -Y", true),
        ] {
            let args = BhyveArgs::parse(text).unwrap();
            assert_eq!(args.check_against(&devices).is_ok(), is_free, "{text}");
        }
        assert!(BhyveArgs::parse("-s 16,uart").unwrap().has_device());
        assert!(!BhyveArgs::parse("-x -K de").unwrap().has_device());
    }
}
