//! Which bhyve it is: the release of FreeBSD and the machine.

/// A bhyve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edition {
    /// `kern.osreldate`.
    pub osreldate: u32,
    /// Whether the machine is amd64; else it is arm64.
    pub is_amd64: bool,
}

/// 15.0: the boot ROM is no part of the lpc bridge any more, and there is `-n`.
const V15_0: u32 = 1_500_068;
/// 16: `-M`.
const V16: u32 = 1_600_000;

impl Edition {
    /// The options, as getopt(3) gets them.
    pub(super) fn spec(self) -> &'static str {
        match self.osreldate {
            // aarch64/bhyverun_machdep.c: `f:` has no case there.
            V16.. if !self.is_amd64 => "hCDMSWk:f:o:p:c:s:m:U:",
            _ if !self.is_amd64 => "hCDSWk:f:o:p:c:s:m:U:",
            ..1_400_000 => "aehuwxACDHIPSWYk:o:p:G:c:s:m:l:K:U:",
            1_400_000..V15_0 => "aehuwxACDHIPSWYk:f:o:p:G:c:s:m:l:K:U:",
            V15_0..V16 => "aehuwxACDHIPSWYk:f:o:p:G:c:s:m:l:K:U:n:",
            V16.. => "aehuwxACDHIMPSWYk:f:o:p:G:c:s:m:l:K:U:n:",
        }
    }

    /// The values before the options are read (`bhyve_init_config`, `bhyve_init_vcpu`).
    pub(super) fn defaults(self) -> Vec<(&'static str, &'static str)> {
        let has_acpi = self.is_amd64 && self.osreldate >= 1_500_000;
        let acpi = if has_acpi { "true" } else { "false" };
        let mut all = vec![("acpi_tables", acpi), ("memory.size", "256M")];
        if self.is_amd64 {
            all.extend([
                ("acpi_tables_in_memory", "true"),
                ("lpc.fwcfg", "bhyve"),
                ("x86.strictmsr", "true"),
            ]);
            all.extend((self.osreldate >= V15_0).then_some(("x86.verbosemsr", "false")));
        }
        all
    }

    /// Whether the boot ROM is loaded by the lpc bridge, with keys of its node.
    pub(super) fn has_rom_of_lpc(self) -> bool {
        self.osreldate < V15_0
    }

    /// Whether expand_number(3) ignores text behind a suffix, as it did until it was rewritten in 2025;
    /// with which of the two 15.0 came is not known, and the strict one is assumed.
    pub(super) fn has_lax_numbers(self) -> bool {
        self.osreldate < V15_0
    }

    /// Whether a screen may be on a socket: from 15.1 on.
    pub(super) fn has_screen_sockets(self) -> bool {
        self.osreldate >= 1_501_000
    }

    /// The largest screen; for releases before 14 it is not confirmed.
    pub(super) fn largest_screen(self) -> (i64, i64) {
        match self.osreldate {
            ..1_400_000 => (1920, 1200),
            _ => (3840, 2160),
        }
    }

    /// Whether there is the network back end slirp: from 15.0 on.
    pub(super) fn has_slirp(self) -> bool {
        self.osreldate >= 1_500_000
    }

    /// Whether a console may be a TCP port: 15.0 on; 14 is not known, and refuses.
    pub(super) fn has_tcp_consoles(self) -> bool {
        self.osreldate >= 1_500_000
    }

    /// Whether a device is emulated. What arm64 lacks of the devices that need no part of a PC is not
    /// known; a disk that its U-Boot does not read is emulated all the same.
    pub(super) fn emulates(self, device: &str) -> bool {
        let of_amd64 = ["amd_hostbridge", "fbuf", "lpc", "passthru"];
        let since_14 = ["virtio-input"];
        EMULATIONS.contains(&device)
            && (self.is_amd64 || !of_amd64.contains(&device))
            && (self.osreldate >= 1_400_000 || !since_14.contains(&device))
    }

    /// The usage text (bhyverun.c, `usage`).
    pub fn usage(self) -> String {
        if !self.is_amd64 {
            return USAGE_ARM64.to_owned();
        }
        let lines = USAGE
            .lines()
            .filter(|line| self.osreldate >= V15_0 || !line.starts_with("       -n:"));
        let mut text = String::new();
        for line in lines {
            text.push_str(line);
            text.push('\n');
            if line.starts_with("       -l:") && self.osreldate >= V16 {
                text.push_str("       -M: monitor mode\n");
            }
        }
        text
    }
}

/// The devices, as `-s help` lists them.
pub(super) const EMULATIONS: [&str; 20] = [
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

/// That of 15; see [`Edition::usage`] for the others.
const USAGE: &str = "\
Usage: bhyve [-aCDeHhPSuWwxY]
             [-c [[cpus=]numcpus][,sockets=n][,cores=n][,threads=n]]
             [-G port] [-k config_file] [-l lpc] [-m mem] [-o var=value]
             [-p vcpu:hostcpu] [-r file] [-s pci] [-U uuid] vmname
       -a: local apic is in xAPIC mode (deprecated)
       -C: include guest memory in core file
       -c: number of CPUs and/or topology specification
       -D: destroy on power-off
       -e: exit on unhandled I/O access
       -G: start a debug server
       -H: vmexit from the guest on HLT
       -h: help
       -k: key=value flat config file
       -K: PS2 keyboard layout
       -l: LPC device configuration
       -m: memory size
       -n: NUMA domain specification
       -o: set config 'var' to 'value'
       -P: vmexit from the guest on pause
       -p: pin 'vcpu' to 'hostcpu'
       -S: guest memory cannot be swapped
       -s: <slot,driver,configinfo> PCI slot config
       -U: UUID
       -u: RTC keeps UTC time
       -W: force virtio to use single-vector MSI
       -w: ignore unimplemented MSRs
       -x: local APIC is in x2APIC mode
       -Y: disable MPtable generation";

/// aarch64/bhyverun_machdep.c; its text was not recorded.
const USAGE_ARM64: &str = "Usage: bhyve [-CDhSW]
             [-c [[cpus=]numcpus][,sockets=n][,cores=n][,threads=n]]
             [-k config_file] [-m mem] [-o var=value]
             [-p vcpu:hostcpu] [-s pci] [-U uuid] vmname
";
