//! Hosts in many states, each made from a number.

use crate::host::{Edit, Ending, Host};

/// The settings that go with [`host`]; `@DIR@` is the directory of a machine and `@WORD@`
/// the escalator.
pub(crate) const CONFIG: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm privilege=@WORD@
fbsd0_id=1 fbsd0_freebsd=YES fbsd0_cd0=@DIR@/iso/fbsd.iso
deb0_id=2 deb0_cd0=@DIR@/iso/deb.iso deb0_if0=tap2 deb0_if1=tap3 deb0_if1_bridge=bridge1
net0_id=4 net0_cd0=@DIR@/iso/deb.iso
net0_grub_install='linux (cd0)/vmlinuz
initrd (cd0)/initrd'
net0_grub_boot='linux (hd0,msdos1)/vmlinuz'
new0_id=5
file0_id=6 file0_hd0=@DIR@/vm/file0
";

/// What a verb needs to be there most of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usually {
    /// The VM does not run.
    Stopped,
    /// As stopped; when it is started on the terminal its guest ends soon.
    Short,
    /// The VM runs.
    Running,
    /// The VM has run, and has left something.
    LeftOver,
    /// There is no disk yet.
    NoDisk,
}

/// Numbers that look random (splitmix64).
pub(crate) struct Numbers(u64);

impl Numbers {
    /// Always the same numbers for one seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut numbers = Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
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

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(crate) fn one_of<'all, T>(&mut self, all: &'all [T]) -> &'all T {
        let at = usize::try_from(self.next() % (all.len() as u64)).unwrap();
        &all[at]
    }
}

/// A host for a verb of `vm`, whose first tap is `tap`.
pub(crate) fn host(numbers: &mut Numbers, vm: &str, tap: &str, usually: Usually) -> Host {
    let mut host = Host::freebsd(*numbers.one_of(&[14, 15]));
    for name in ["fbsd0", "deb0", "net0"] {
        if usually != Usually::NoDisk && !(name == vm && numbers.once_in(12)) {
            host = host.with_volume(&format!("zroot/vm/{name}"), 1 << 30);
        }
    }
    host = network(host, numbers, vm, tap);
    host = snapshots(host, numbers, vm);

    host.state.guest.title_ms = 0;
    host.state.guest.acpi_ms = (!numbers.once_in(6)).then_some(0);
    host.state.guest.button_ms = Some(0);
    let is_running = match usually {
        Usually::Running => !numbers.once_in(6),
        _ => numbers.once_in(10),
    };
    let can_run = host.state.datasets.contains_key(&format!("zroot/vm/{vm}"))
        && host
            .state
            .interfaces
            .get(tap)
            .is_none_or(|tap| tap.opened_by.is_none());
    if is_running && can_run {
        host = host.with_running_vm(vm, &format!("/dev/zvol/zroot/vm/{vm}"), tap);
    } else if numbers.once_in(if usually == Usually::LeftOver { 2 } else { 4 }) {
        host = host.with_leftover_vm(vm, 256 << 20);
    }
    if numbers.once_in(5) {
        host = host.with_volume("zroot/another", 1 << 30);
        host = host.with_running_vm("another", "/dev/zvol/zroot/another", "tap99");
    }
    if usually == Usually::Short {
        host.state.guest.runs_ms = Some(800);
        let endings = [
            Ending::PowerOff,
            Ending::Reboot,
            Ending::Halt,
            Ending::TripleFault,
            Ending::Signal(9),
        ];
        host.state.guest.endings = vec![*numbers.one_of(&endings)];
    }
    host
}

fn network(mut host: Host, numbers: &mut Numbers, vm: &str, tap: &str) -> Host {
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
            let add = format!("ifconfig {bridge} addm igb0 up");
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
        if numbers.once_in(2) {
            host.edit(&Edit::OpenTap("tap40".into()));
        }
    }
    let has = |name: &str| host.state.interfaces.contains_key(name);
    if has(tap) && has("bridge0") && numbers.once_in(2) {
        let add = format!("ifconfig bridge0 addm {tap}");
        host = host.with_commands(&[&add]);
    }
    host
}

fn snapshots(mut host: Host, numbers: &mut Numbers, vm: &str) -> Host {
    let volume = format!("zroot/vm/{vm}");
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

/// Lets one call of some program fail; says which.
///
/// Where `programs` has doas, the escalator is meant.
pub(crate) fn fault(
    host: &mut Host,
    numbers: &mut Numbers,
    programs: &[&str],
    escalator: &str,
) -> String {
    let program = match *numbers.one_of(programs) {
        "doas" => escalator,
        other => other,
    };
    let calls = match program {
        "doas" | "ifconfig" | "mdo" | "sudo" => 8,
        "pgrep" | "zfs" => 4,
        "sysctl" => 2,
        _ => 1,
    };
    let nth = 1 + u32::try_from(numbers.below(calls)).unwrap();
    let status = *numbers.one_of(&[1, 2, 64]);
    host.fail(program, nth, status, &format!("{program}: out of luck"));
    format!("call {nth} of {program} fails with status {status}")
}
