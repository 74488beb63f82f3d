//! What the contenders run on: configurations, and stub programs that answer as those of a host do.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use easy_bhyve::verb::Verb;
use tempfile::TempDir;

use super::cold::Cold;
use super::rival::{self, Rival};

/// How many VMs a configuration has.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Size(pub(super) u32);

impl Size {
    /// The VM that is asked about: the last one.
    pub(super) fn vm(self) -> String {
        format!("vm{}", self.0 - 1)
    }

    /// How many links `setup` makes: all verbs but that of a screen, since the disks are zvols.
    pub(super) fn links(self) -> u32 {
        let verbs = Verb::ALL.iter().filter(|verb| !verb.needs_screen());
        self.0 * u32::try_from(verbs.count()).unwrap()
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 1000, self.0 % 1000) {
            (0, ones) => write!(f, "{ones} VMs"),
            (thousands, ones) => write!(f, "{thousands} {ones:03} VMs"),
        }
    }
}

/// The configuration's name, in a directory of its own for each size.
pub(super) const CONFIGURATION: &str = "easy-bhyve.conf";

/// The same, each VM with a profile of the user's own, which is based on one of the program.
pub(super) const WITH_PROFILES: &str = "profiles.conf";

/// A temporary directory with everything in it.
pub(super) struct Ground {
    root: TempDir,
    aside: Cell<u32>,
    /// The host of a cold boot.
    pub(super) cold: Cold,
    /// Another manager, if one is named.
    pub(super) rival: Option<Rival>,
}

impl Ground {
    /// Writes configurations of these sizes, and the stub programs.
    pub(super) fn make(sizes: &[Size]) -> Result<Self> {
        let root = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        let ground = Self {
            cold: Cold::make(root.path().join("cold"), &root.path().join("dev"), &ANSWERS)?,
            rival: Rival::named(root.path().join("rival"))?,
            aside: Cell::new(0),
            root,
        };
        for &size in sizes {
            fs::create_dir_all(ground.directory(size))?;
            fs::write(
                ground.directory(size).join(CONFIGURATION),
                configuration(size),
            )?;
            let profiles = ground.directory(size).join("os");
            fs::create_dir(&profiles)?;
            fs::write(profiles.join("mine.toml"), "based_on = \"debian\"\n")?;
            let os = (0..size.0).map(|vm| format!("vm{vm}_os=mine\n"));
            let with_profiles = configuration(size) + &os.collect::<String>();
            fs::write(ground.directory(size).join(WITH_PROFILES), with_profiles)?;
            let disks = ground.devices().join("zvol/zroot/vm");
            fs::create_dir_all(&disks)?;
            fs::write(disks.join(size.vm()), "an installed system")?;
        }
        fs::create_dir_all(ground.foreign_host())?;
        fs::create_dir_all(ground.devices_of_running().join("vmm"))?;
        fs::write(ground.devices_of_running().join("vmm/vm0"), "")?;
        for directory in [ground.host(), ground.counting_host()] {
            fs::create_dir_all(&directory)?;
        }
        for (name, answer) in ANSWERS {
            let tally = format!("echo {name} >>'{}'", ground.tally().display());
            let answers = format!("printf '%s\\n' '{answer}'");
            write_stub(&ground.host().join(name), &answers)?;
            let counts = format!("{tally}\n{answers}");
            write_stub(&ground.counting_host().join(name), &counts)?;
        }
        for size in sizes {
            ground.cold.record(&ground, *size)?;
            if let Some(rival) = ground.rival.as_ref().filter(|_| *size <= rival::LARGEST) {
                rival.add(*size)?;
            }
        }
        Ok(ground)
    }

    /// The path of the configuration of this size.
    pub(super) fn directory(&self, size: Size) -> PathBuf {
        self.root.path().join(size.0.to_string())
    }

    /// The directory in which `setup` makes its links.
    pub(super) fn links(&self, size: Size) -> PathBuf {
        self.directory(size).join("eb")
    }

    /// The directory in which as many links are made by symlink(2) alone.
    pub(super) fn bare_links(&self, size: Size) -> PathBuf {
        self.directory(size).join("bare")
    }

    /// The search path of a host that answers all questions.
    pub(super) fn host(&self) -> PathBuf {
        self.root.path().join("host")
    }

    /// As [`Self::host`]; each stub program adds a line to the [`Self::tally`].
    pub(super) fn counting_host(&self) -> PathBuf {
        self.root.path().join("counting-host")
    }

    /// The search path of a host that is not FreeBSD.
    pub(super) fn foreign_host(&self) -> PathBuf {
        self.root.path().join("foreign-host")
    }

    /// The stub programs that ran.
    pub(super) fn tally(&self) -> PathBuf {
        self.root.path().join("tally")
    }

    /// The device directory of a host on which no VM runs.
    pub(super) fn devices(&self) -> PathBuf {
        self.root.path().join("dev")
    }

    /// The device directory of a host on which the first VM runs.
    pub(super) fn devices_of_running(&self) -> PathBuf {
        self.root.path().join("dev-of-running")
    }

    /// Moves the links of a round away.
    ///
    /// They are removed at the end, all at once: for minutes after thousands of removals ext4 looks
    /// for an inode that was not in use recently, and making links takes ten times as long.
    pub(super) fn set_aside(&self, size: Size) -> io::Result<()> {
        for directory in [self.links(size), self.bare_links(size)] {
            let number = self.aside.get();
            self.aside.set(number + 1);
            let aside = self.root.path().join(format!("aside-{number}"));
            match fs::rename(directory, aside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Host variables, a variable of the user's own, and four lines for each VM.
fn configuration(size: Size) -> String {
    let mut text = "\
# What all VMs share.
bridge=bridge0
netif=igb0
volroot=zroot/vm
cpu=2
mem=1G
iso_path=/iso
"
    .to_owned();
    for number in 0..size.0 {
        let last = if number % 2 == 0 {
            "cpu=4"
        } else {
            "freebsd=YES"
        };
        write!(
            text,
            "\n\
             vm{number}_id={number}\n\
             vm{number}_cd0=${{iso_path}}/FreeBSD-14.3-RELEASE-amd64-disc1.iso\n\
             vm{number}_mem=512M\n\
             vm{number}_{last}\n"
        )
        .unwrap();
    }
    text
}

/// The questions that a `boot -d` asks.
pub(super) const QUESTIONS: [&str; 3] = ["ifconfig", "sysctl", "kldstat"];

/// The output of each stub program, in the form of the real program; doas is only looked up.
const ANSWERS: [(&str, &str); 5] = [
    (
        "ifconfig",
        "igb0: flags=8863<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500
\toptions=4e527bb<RXCSUM>
\tether 00:25:90:00:00:01
\tmedia: Ethernet autoselect (1000baseT <full-duplex>)
\tstatus: active
lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> metric 0 mtu 16384
\tinet 127.0.0.1 netmask 0xff000000",
    ),
    (
        "sysctl",
        "kern.osreldate: 1403000
hw.machine: amd64
security.bsd.see_other_uids: 1
security.bsd.see_other_gids: 1
security.jail.jailed: 0",
    ),
    (
        "kldstat",
        "Id Refs Address                Size Name
 1   12 0xffffffff80200000  1d527b0 kernel (/boot/kernel/kernel)
\tContains modules:
\t\t Id Name
\t\t 12 if_tuntap
\t\t 13 if_tap",
    ),
    ("ps", PROCESSES),
    ("doas", ""),
];

/// The process of a VM among processes that every host has.
const PROCESSES: &str = "    0 0 0  90000    2816 0 [kernel]
    1 0 0  90000    1184 4000 /sbin/init
  512 0 0  89990    2904 1000 /usr/sbin/syslogd -s
  733 0 0  89980   21364 1000 sshd: /usr/sbin/sshd [listener] 0 of 10-100 startups (sshd)
  801 0 0  89970    2612 0 /usr/sbin/cron -s
 4709 0 0     66    4128 0 /usr/local/bin/easy-bhyve root-boot vm0 host=vmhost system=vm0
 4711 0 0     65 1048576 4000 bhyve: vm0 (bhyve)
 4790 0 0     30    3404 0 -sh (sh)";

/// Writes a script that is a program of a host.
pub(super) fn write_stub(path: &Path, does: &str) -> io::Result<()> {
    fs::write(path, format!("#!/bin/sh\n{does}\n"))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}
