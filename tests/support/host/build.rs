//! Hosts to start a test from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::call::{Call, Status};
use super::faults::Orders;
use super::files::MemoryFiles;
use super::process::GuestPlan;
use super::state::{
    Access, Dataset, Escalator, Interface, Kind, Modules, Rule, State, Sysctl, System, User,
    VmNode, Volume,
};
use super::{Host, PROGRAMS, firmware};

/// The ordinary user of the host.
pub const USER: u32 = 1001;

/// The UUID of the host.
const HOST_UUID: &str = "4c4c4544-0042-3210-8054-b4c04f4a3031";

/// 2026-01-15 12:00:00 UTC in milliseconds: when a fresh host starts.
const START_MS: u64 = 1_768_478_400_000;

impl Host {
    /// A freshly booted host of a major release (13 to 16): GENERIC kernel, `igb0` up with an
    /// address, pool `zroot` with filesystem `zroot/vm`, grub-bhyve and doas installed, doas open to
    /// the user 1001 without a password, files in memory.
    pub fn freebsd(major: u32) -> Self {
        let osreldate = match major {
            13 => 1_305_000,
            14 => 1_403_000,
            15 => 1_501_000,
            _ => major * 100_000 + 3,
        };
        let mut files = MemoryFiles::default();
        for directory in [
            "/tmp",
            "/vm",
            "/iso",
            "/root",
            "/var/run",
            "/var/db",
            "/usr/home/user",
        ] {
            files.mkdir_all(Path::new(directory));
        }
        let mut programs: BTreeSet<String> = PROGRAMS.iter().map(ToString::to_string).collect();
        programs.remove("sudo");
        if osreldate < 1_402_000 {
            programs.remove("mdo");
        }
        let state = State {
            osreldate,
            machine: "amd64".into(),
            hostname: "vmhost.example.org".into(),
            ncpu: 8,
            dev: "/dev".into(),
            clock_ms: START_MS,
            real_time: false,
            pace: 1,
            jailed: false,
            secure: false,
            programs,
            modules: Modules {
                compiled: [
                    "if_lo",
                    "if_tap",
                    "if_tun",
                    "if_tuntap",
                    "if_vmnet",
                    "igb",
                    "ufs",
                    "devfs",
                ]
                .map(String::from)
                .into(),
                ..Modules::default()
            },
            sysctls: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            routes: BTreeMap::from([("inet".into(), ("192.0.2.1".into(), "igb0".into()))]),
            pools: BTreeMap::from([("zroot".into(), 500 << 30)]),
            ailing_pools: BTreeMap::new(),
            firmware_package: Some("edk2-bhyve-g202502".into()),
            datasets: BTreeMap::new(),
            locked: BTreeSet::new(),
            node_ms: 0,
            files,
            vms: BTreeMap::new(),
            processes: BTreeMap::new(),
            ended: BTreeMap::new(),
            nmdm: BTreeMap::new(),
            awaited: BTreeSet::new(),
            users: BTreeMap::new(),
            escalators: BTreeMap::new(),
            guests: BTreeMap::new(),
            guest: GuestPlan::default(),
            nullfs: BTreeMap::new(),
            read_only: BTreeSet::new(),
            everybodys: BTreeSet::new(),
            odd: BTreeMap::new(),
            images: BTreeMap::new(),
            written: BTreeMap::new(),
            harm: Vec::new(),
            next_pid: 1,
            next_index: 1,
            next_txg: 4,
            next_module: 2,
        };
        let mut host = Self {
            state,
            orders: Orders::default(),
            real: None,
            session: None,
            outbox: Vec::new(),
        };
        host.furnish();
        host.install_firmware(Path::new(firmware::SHARE));
        host
    }

    fn furnish(&mut self) {
        let variables = [
            ("hw.machine", "amd64", Access::Read, false),
            ("hw.ncpu", "8", Access::Read, true),
            ("hw.physmem", "17042501632", Access::Read, true),
            ("kern.hostuuid", HOST_UUID, Access::Read, false),
            ("kern.securelevel", "-1", Access::Write, true),
            ("net.link.tap.debug", "0", Access::Write, true),
            ("net.link.tap.devfs_cloning", "1", Access::Write, true),
            ("net.link.tap.up_on_open", "0", Access::Write, true),
            ("net.link.tap.user_open", "0", Access::Write, true),
            ("security.bsd.see_other_gids", "1", Access::Write, true),
            ("security.bsd.see_other_uids", "1", Access::Write, true),
            ("security.jail.jailed", "0", Access::Read, true),
            ("vfs.zfs.vol.mode", "1", Access::Write, true),
        ];
        for (name, value, access, integer) in variables {
            self.set_sysctl(name, value, access, integer);
        }
        let osreldate = self.state.osreldate.to_string();
        self.set_sysctl("kern.osreldate", &osreldate, Access::Read, true);
        let hostname = self.state.hostname.clone();
        self.set_sysctl("kern.hostname", &hostname, Access::Write, false);

        let igb0 = self.add_interface("igb0", Kind::Physical);
        igb0.up = true;
        igb0.addresses = vec!["inet 192.0.2.10 netmask 0xffffff00 broadcast 192.0.2.255".into()];
        let lo0 = self.add_interface("lo0", Kind::Loopback);
        lo0.up = true;
        lo0.mtu = 16384;
        lo0.addresses = vec![
            "inet6 ::1 prefixlen 128".into(),
            "inet6 fe80::1%lo0 prefixlen 64 scopeid 0x2".into(),
            "inet 127.0.0.1 netmask 0xff000000".into(),
        ];

        self.load_file("zfs.ko");
        self.add_dataset("zroot", None);
        self.add_dataset("zroot/vm", None);

        self.state.users.insert(
            0,
            User {
                name: "root".into(),
                groups: ["wheel".into()].into(),
            },
        );
        self.state.users.insert(
            USER,
            User {
                name: "user".into(),
                groups: ["user", "wheel", "dialer"].map(String::from).into(),
            },
        );
        for (name, rule) in [
            ("doas", Rule::Permit),
            ("sudo", Rule::Permit),
            ("mdo", Rule::Deny),
        ] {
            self.state.escalators.insert(
                name.into(),
                Escalator {
                    rule,
                    open_doas: false,
                    forbidden: BTreeSet::new(),
                },
            );
        }
        self.add_process(0, 0, "init", &["/sbin/init"]);
        self.state.next_pid = 700;
        self.add_process(0, 1, "cron", &["/usr/sbin/cron", "-s"]);
        let shell = self.add_process(USER, 1, "sh", &["-sh"]);
        self.state.next_pid = shell + 200;
    }

    /// Defines a sysctl variable.
    pub fn set_sysctl(&mut self, name: &str, value: &str, access: Access, integer: bool) {
        self.state.sysctls.insert(
            name.into(),
            Sysctl {
                value: value.into(),
                access,
                integer,
            },
        );
    }

    /// Adds an interface that is down.
    pub fn add_interface(&mut self, name: &str, kind: Kind) -> &mut Interface {
        let index = self.state.next_index;
        self.state.next_index += 1;
        let interface = Interface {
            kind,
            index,
            device: name.into(),
            up: false,
            description: String::new(),
            addresses: Vec::new(),
            members: Vec::new(),
            private: BTreeSet::new(),
            vlan: None,
            opened_by: None,
            dying: false,
            groups: Vec::new(),
            link0: false,
            mtu: 1500,
        };
        self.state.interfaces.remove(name);
        self.state
            .interfaces
            .entry(name.into())
            .or_insert(interface)
    }

    /// Adds a dataset without any check.
    pub fn add_dataset(&mut self, name: &str, volume: Option<Volume>) -> &mut Dataset {
        let createtxg = self.state.next_txg;
        self.state.next_txg += 3;
        let dataset = Dataset {
            volume,
            local: BTreeMap::new(),
            origin: None,
            creation: self.state.seconds(),
            createtxg,
            node_at: self.state.clock_ms + self.state.node_ms,
            snapshots: BTreeMap::new(),
            bookmarks: BTreeMap::new(),
        };
        self.state.datasets.remove(name);
        self.state.datasets.entry(name.into()).or_insert(dataset)
    }

    /// With a volume (`volmode=dev`, sparse) with an installed system. Its parents are created, too.
    #[must_use]
    pub fn with_volume(mut self, name: &str, size: u64) -> Self {
        let parts: Vec<&str> = name.split('/').collect();
        for end in 1..parts.len() {
            let parent = parts[..end].join("/");
            if !self.state.datasets.contains_key(&parent) {
                self.add_dataset(&parent, None);
            }
        }
        self.state.pools.entry(parts[0].into()).or_insert(500 << 30);
        let volume = Volume {
            volsize: size,
            volblocksize: 16 << 10,
            refreservation: 0,
            blank: false,
        };
        let dataset = self.add_dataset(name, Some(volume));
        dataset.local.insert("volmode".into(), "dev".into());
        self
    }

    /// With an ISO image or another file with content. Its directories are created, too.
    #[must_use]
    pub fn with_file(mut self, path: &str, content: &str) -> Self {
        let path = Path::new(path);
        if let (None, Some(parent)) = (&self.real, path.parent()) {
            self.state.files.mkdir_all(parent);
        }
        let _ = self.files_mut().write(path, content.as_bytes());
        self
    }

    /// With a disk image file of this size with an installed system.
    #[must_use]
    pub fn with_image(self, path: &str, size: u64) -> Self {
        let mut host = self.with_file(path, "an installed system");
        let _ = host.files_mut().set_len(Path::new(path), size);
        host
    }

    /// With the effects of commands that root ran earlier; the commands must succeed.
    ///
    /// # Panics
    /// If a command fails: the host would not be in the intended state.
    #[must_use]
    pub fn with_commands(mut self, commands: &[&str]) -> Self {
        for command in commands {
            let call = Call::new(command.split_whitespace()).by_root();
            let answer = self.perform(&call, 0);
            assert_eq!(
                answer.status,
                Status::Exit(0),
                "{command}: {}",
                answer.stderr()
            );
        }
        self
    }

    /// With a VM node that an earlier run left.
    #[must_use]
    pub fn with_leftover_vm(mut self, vm: &str, memory: u64) -> Self {
        self.load_file("vmm.ko");
        self.state.vms.insert(
            vm.into(),
            VmNode {
                memory: Some(memory),
                loaded: false,
                system: System::default(),
                uid: 0,
                kernel: None,
            },
        );
        self
    }

    /// With a tap that no process has open.
    #[must_use]
    pub fn with_tap(mut self, tap: &str, description: &str) -> Self {
        let interface = self.add_interface(tap, Kind::Tap);
        interface.description = description.into();
        self
    }

    /// With a VM that has run in the background for a minute, on this volume and with this tap
    /// (created if it does not exist).
    #[must_use]
    pub fn with_running_vm(mut self, vm: &str, disk: &str, tap: &str) -> Self {
        self.load_file("vmm.ko");
        self.load_file("nmdm.ko");
        if !self.state.interfaces.contains_key(tap) {
            self.add_interface(tap, Kind::Tap);
        }
        self.state.vms.insert(
            vm.into(),
            VmNode {
                memory: Some(512 << 20),
                loaded: true,
                system: System::default(),
                uid: 0,
                kernel: None,
            },
        );
        let net = format!("2:0,virtio-net,{tap}");
        let block = format!("3:0,virtio-blk,{disk}");
        let mut call = Call::new([
            "bhyve",
            "-A",
            "-H",
            "-m",
            "512M",
            "-s",
            "0:0,hostbridge",
            "-s",
            "1:0,lpc",
            "-s",
            &net,
            "-s",
            &block,
            vm,
        ])
        .by_root();
        call.background = true;
        let answer = self.perform(&call, 0);
        assert_eq!(answer.status, Status::Exit(0), "{}", answer.stderr());
        self.advance(60.0);
        self
    }

    /// With real files, and with device nodes below this directory.
    #[must_use]
    pub fn on_disk(mut self, dev: PathBuf) -> Self {
        self.real = Some(super::real_files::RealFiles::beside(&dev));
        self.state.dev = dev;
        self
    }
}
