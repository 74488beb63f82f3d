//! Hosts in many states, each derived from a number, for a VM of the examples.

use crate::host::{Edit, Ending, Host};
use std::collections::BTreeMap;

/// The state that a verb needs most of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usually {
    /// The VM does not run.
    Stopped,
    /// As stopped; a guest started on the terminal ends soon.
    Short,
    /// The VM runs.
    Running,
    /// The VM has run, and something is left over.
    LeftOver,
    /// The disk does not exist yet.
    NoDisk,
    /// As stopped; the disks are clones.
    Cloned,
}

/// Milliseconds that a short guest runs after its title was seen: long enough for a report of the
/// start on a busy machine.
const SHORT_MS: u64 = 1_000;

/// Pseudo-random numbers (splitmix64).
pub(crate) struct Numbers(u64);

impl Numbers {
    /// The same numbers for the same seed and text.
    pub(crate) fn new(seed: u64, text: &str) -> Self {
        // FNV-1a
        let salt = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut numbers = Self((salt ^ seed).wrapping_mul(0x2545_f491_4f6c_dd1d));
        numbers.next();
        numbers
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True with a probability of one in this number.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One element of these.
    pub(crate) fn one_of<'all, T>(&mut self, all: &'all [T]) -> &'all T {
        let at = usize::try_from(self.next() % (all.len() as u64)).unwrap();
        &all[at]
    }
}

/// A VM as `resources` shows it.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// Its name.
    pub(crate) vm: String,
    settings: BTreeMap<String, String>,
}

impl About {
    /// The VM of this name with these settings.
    pub(crate) fn new(vm: &str, settings: BTreeMap<String, String>) -> Self {
        Self {
            vm: vm.to_owned(),
            settings,
        }
    }

    fn one(&self, key: &str) -> &str {
        self.settings.get(key).map_or("", String::as_str)
    }

    /// The values of `hd0`, `hd1` and so on.
    fn numbered(&self, kind: &str) -> Vec<&str> {
        let keys = (0..8).map(|number| format!("{kind}{number}"));
        keys.filter_map(|key| self.settings.get(&key).map(String::as_str))
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// The volumes that are its disks.
    fn volumes(&self) -> Vec<&str> {
        let disks = self.numbered("hd").into_iter();
        disks
            .filter_map(|disk| disk.strip_prefix("/dev/zvol/"))
            .collect()
    }

    /// The names of the image files that are its disks.
    pub(crate) fn images(&self) -> Vec<&str> {
        let disks = self.numbered("hd").into_iter();
        disks
            .filter(|disk| !disk.starts_with("/dev/"))
            .filter_map(|disk| disk.rsplit('/').next())
            .collect()
    }

    /// The names of its ISO images.
    pub(crate) fn isos(&self) -> Vec<&str> {
        let cds = self.numbered("cd").into_iter();
        cds.filter_map(|cd| cd.rsplit('/').next()).collect()
    }

    /// Whether UEFI firmware starts it.
    pub(crate) fn has_firmware(&self) -> bool {
        self.one("loader") == "uefi"
    }

    fn first_tap(&self) -> &str {
        self.one("if0")
    }
}

/// A host for a verb of this VM.
pub(crate) fn host(numbers: &mut Numbers, about: &About, usually: Usually) -> Host {
    let mut host = Host::freebsd(*numbers.one_of(&[14, 14, 15, 15, 16]));
    if numbers.once_in(3) {
        host = host.with_forgers(&about.vm);
    }
    let netif = about.one("host_netif");
    if !host.state.interfaces.contains_key(netif) {
        let address = "inet 192.0.2.11 netmask 0xffffff00 broadcast 192.0.2.255".to_owned();
        let card = host.add_interface(netif, crate::host::state::Kind::Physical);
        card.up = true;
        card.addresses = vec![address];
    }
    if host.state.major() == 16 || numbers.once_in(5) {
        // From 16 on a NIC in a bridge cannot have an address.
        host.state.interfaces.get_mut(netif).unwrap().addresses = Vec::new();
    }
    let has_disks = usually != Usually::NoDisk && !numbers.once_in(12);
    let are_clones = usually == Usually::Cloned && !numbers.once_in(6);
    for volume in about.volumes() {
        if has_disks && are_clones {
            let origin = format!("{volume}_golden");
            host = host.with_volume(&origin, 1 << 30);
            host = host.with_commands(&[
                &format!("zfs snapshot {origin}@base"),
                &format!("zfs clone -o volmode=dev {origin}@base {volume}"),
            ]);
        } else if has_disks {
            host = host.with_volume(volume, 1 << 30);
        }
    }
    host = network(host, numbers, about);
    host = snapshots(host, numbers, about);
    guests(host, numbers, about, usually, has_disks)
}

/// The processes that run, and the behaviour of guests.
fn guests(
    mut host: Host,
    numbers: &mut Numbers,
    about: &About,
    usually: Usually,
    has_disks: bool,
) -> Host {
    let guest = &mut host.state.guest;
    guest.loader_ms = 0;
    guest.title_ms = 0;
    guest.acpi_ms = (!numbers.once_in(6)).then_some(0);
    guest.button_ms = Some(0);
    let is_running = match usually {
        Usually::Running => !numbers.once_in(6),
        _ => numbers.once_in(10),
    };
    let tap = host.state.interfaces.get(about.first_tap());
    let can_run = has_disks && tap.is_none_or(|tap| tap.opened_by.is_none());
    if is_running && can_run {
        host = running(host, about);
    } else if numbers.once_in(if usually == Usually::LeftOver { 2 } else { 4 }) {
        host = host.with_leftover_vm(&about.vm, 256 << 20);
    }
    if numbers.once_in(5) {
        host = host.with_volume("zroot/another", 1 << 30);
        host = host.with_running_vm("another", "/dev/zvol/zroot/another", "tap99");
    }
    if usually == Usually::Short {
        host.state.guest.runs_ms = Some(SHORT_MS);
        host.state.guest.is_seen_first = true;
        let endings = [
            // The good end more often: a verb must be able to succeed.
            Ending::PowerOff,
            Ending::PowerOff,
            Ending::PowerOff,
            Ending::Reboot,
            Ending::Halt,
            Ending::TripleFault,
            Ending::Error,
            Ending::Unknown,
            Ending::Signal(9),
        ];
        host.state.guest.endings = vec![*numbers.one_of(&endings)];
    }
    host
}

/// The VM runs in the background, with its configured tap and console.
fn running(mut host: Host, about: &About) -> Host {
    let (vm, tap) = (&about.vm, about.first_tap());
    let disk = if let Some(volume) = about.volumes().first() {
        format!("/dev/zvol/{volume}")
    } else {
        host = host.with_image("/vm/disk", 1 << 30);
        "/vm/disk".to_owned()
    };
    if !host.state.interfaces.contains_key(tap) {
        host = host.with_tap(tap, &format!("easy-bhyve:{vm}"));
    }
    let console = about.one("con");
    host = host.with_commands(&[
        "kldload -n vmm nmdm",
        &format!("bhyveload -m 512M -d {disk} {vm}"),
        &format!(
            "daemon -f bhyve -A -H -m 512M -s 0:0,hostbridge -s 1:0,lpc -s 2:0,virtio-net,{tap} \
             -s 3:0,virtio-blk,{disk} -l com1,{console} {vm}"
        ),
    ]);
    host.advance(60.0);
    host
}

fn network(mut host: Host, numbers: &mut Numbers, about: &About) -> Host {
    let (vm, tap, netif) = (&about.vm, about.first_tap(), about.one("host_netif"));
    let modules = [
        "kldload -n vmm nmdm if_tuntap if_bridge",
        "kldload -n nmdm if_bridge",
        "kldload -n zfs",
    ];
    host = host.with_commands(&[*numbers.one_of(&modules)]);
    if numbers.once_in(2) {
        host = host.with_commands(&["sysctl net.link.tap.up_on_open=1"]);
    }
    match numbers.below(8) {
        0..=2 => {}
        3 => host = host.with_commands(&["kldload -n if_bridge", "ifconfig bridge0 create"]),
        4 => host = host.with_commands(&["kldload -n if_bridge", "ifconfig bridge0 create up"]),
        number => {
            host = host.with_commands(&["kldload -n if_bridge"]);
            if host.state.major() == 15 {
                host = host.with_commands(&["sysctl net.link.bridge.member_ifaddrs=1"]);
            }
            let bridge = if number == 7 { "bridge7" } else { "bridge0" };
            let create = format!("ifconfig {bridge} create");
            let add = format!("ifconfig {bridge} addm {netif} up");
            host = host.with_commands(&[&create, &add]);
        }
    }
    match numbers.below(10) {
        0..=2 => host = host.with_tap(tap, &format!("easy-bhyve:{vm}")),
        3 | 4 => host = host.with_tap(tap, "mine"),
        5 => {
            host = host.with_tap(tap, "mine");
            host.edit(&Edit::OpenTap(tap.into()));
        }
        _ => {}
    }
    if numbers.once_in(6) {
        host = host.with_tap("tap40", &format!("easy-bhyve:{vm}"));
        // Rarely: a verb asks fifty times, with several programs, before it stops waiting for this tap.
        if numbers.once_in(12) {
            host.edit(&Edit::OpenTap("tap40".into()));
        }
    }
    let has = |host: &Host, name: &str| host.state.interfaces.contains_key(name);
    if has(&host, tap) {
        if has(&host, "bridge0") && numbers.once_in(2) {
            host = host.with_commands(&[&format!("ifconfig bridge0 addm {tap}")]);
        } else if numbers.once_in(6) {
            host = host.with_commands(&[
                "kldload -n if_bridge",
                "ifconfig bridge9 create",
                &format!("ifconfig bridge9 addm {tap}"),
            ]);
        }
    }
    host
}

fn snapshots(mut host: Host, numbers: &mut Numbers, about: &About) -> Host {
    let volume = format!("zroot/vm/{}", about.vm);
    if host.state.datasets.contains_key(&volume) {
        for number in 1..=numbers.below(4) {
            let take = format!("zfs snapshot {volume}@s{number}");
            host = host.with_commands(&[&take]);
        }
        if numbers.once_in(6) {
            let take = format!("zfs snapshot {volume}@based");
            let clone = format!("zfs clone {volume}@based zroot/vm/old");
            host = host.with_commands(&[&take, &clone]);
        }
    }
    host
}
