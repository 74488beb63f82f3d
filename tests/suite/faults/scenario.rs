//! The verbs whose every step fails once, and the hosts on which they run.

use crate::call::{Said, call_with_file};
use crate::case::root;
use crate::fake::Fake;
use crate::host::{Ending, Host};
use crate::view;
use std::collections::BTreeSet;

/// The state of the host after a failed verb.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undo {
    /// As before the verb.
    All,
    /// The finished steps stay, and no further step runs, except to free what has ended.
    Nothing,
}

/// A verb on a host.
pub(crate) struct Scenario {
    words: &'static [&'static str],
    kind: &'static str,
    pub(crate) undo: Undo,
    host: fn() -> Host,
    /// Calls before the verb, each with the seconds that pass after it.
    before: &'static [(&'static [&'static str], u32)],
    /// Beginnings of lines of the view that an earlier run left: freed ones stay freed.
    left_over: &'static [&'static str],
}

const fn undone(
    kind: &'static str,
    words: &'static [&'static str],
    host: fn() -> Host,
    left_over: &'static [&'static str],
) -> Scenario {
    Scenario {
        words,
        kind,
        undo: Undo::All,
        host,
        before: &[],
        left_over,
    }
}

const fn kept(kind: &'static str, words: &'static [&'static str], host: fn() -> Host) -> Scenario {
    Scenario {
        undo: Undo::Nothing,
        ..undone(kind, words, host, &[])
    }
}

/// On a host where these were booted, each with a supervisor of its own.
const fn booted(
    words: &'static [&'static str],
    before: &'static [(&'static [&'static str], u32)],
) -> Scenario {
    Scenario {
        before,
        ..kept("booted", words, cold)
    }
}

const LEFT: &[&str] = &[
    "VM node fbsd0",
    "VM node obsd0",
    "interface tap1:",
    "interface tap3:",
];

const FBSD: &[(&[&str], u32)] = &[(&["fbsd0-boot"], 60)];
const OBSD: &[(&[&str], u32)] = &[(&["obsd0-boot"], 60)];
const BOTH: &[(&[&str], u32)] = &[(&["fbsd0-boot"], 0), (&["obsd0-boot"], 60)];

pub(crate) const SCENARIOS: &[Scenario] = &[
    undone("cold", &["fbsd0-boot"], cold, &[]),
    undone("cold, 15", &["fbsd0-boot"], cold_15, &[]),
    undone("left over", &["fbsd0-boot"], left_over, LEFT),
    undone("cold, grub", &["obsd0-boot"], cold, &[]),
    undone("left over, grub", &["obsd0-boot"], left_over, LEFT),
    undone("two NICs", &["two0-boot"], cold, &[]),
    undone("temporary", &["fbsd0-boot", "-T"], cold, &[]),
    undone("temporary", &["two0-boot", "-T"], cold, &[]),
    undone("temporary, grub", &["obsd0-boot", "-T"], cold, &[]),
    undone("cold, uefi", &["uefi0-boot"], cold, &[]),
    undone("temporary, uefi", &["uefi0-boot", "-T"], cold, &[]),
    undone("cold, uefi", &["uefi0-ttyboot"], cold, &[]),
    undone("cold, uefi", &["uefi0-install"], cold, &[]),
    undone("stopped", &["fbsd0-restart"], cold, &[]),
    undone("cold", &["fbsd0-ttyboot"], cold, &[]),
    undone("left over", &["fbsd0-ttyboot"], left_over, LEFT),
    undone("cold, grub", &["obsd0-ttyboot"], cold, &[]),
    undone("cold", &["fbsd0-install"], cold, &[]),
    undone("left over", &["fbsd0-install"], left_over, LEFT),
    undone("cold, grub", &["obsd0-install"], cold, &[]),
    booted(&["fbsd0-restart"], FBSD),
    booted(&["obsd0-restart"], OBSD),
    booted(&["fbsd0-restart", "-f"], FBSD),
    kept("orphan", &["fbsd0-shutdown"], running),
    kept("orphan", &["fbsd0-shutdown", "-f"], running),
    booted(&["fbsd0-shutdown"], FBSD),
    booted(&["obsd0-shutdown", "-f"], OBSD),
    booted(&["fbsd0-shutdown", "obsd0"], BOTH),
    kept("left over", &["fbsd0-clean"], left_over),
    undone("stopped", &["fbsd0-clone", "new0", "new1"], cold, &[]),
    undone(
        "left over",
        &["fbsd0-clone", "new0", "new1"],
        left_over,
        LEFT,
    ),
    undone(
        "snapshot",
        &["fbsd0-clone", "@one", "new0", "new1"],
        cold,
        &[],
    ),
    undone("volume", &["new0-resources", "-V", "1G"], cold, &[]),
    undone("file", &["file0-resources", "-V", "1M"], cold, &[]),
    undone(
        "sparse file",
        &["file0-resources", "-V", "1M", "-s"],
        cold,
        &[],
    ),
    undone("stopped", &["fbsd0-snapshot", "x"], cold, &[]),
    undone("stopped", &["fbsd0-resize", "2G"], cold, &[]),
    undone("running", &["fbsd0-resize", "-f", "2G"], running, &[]),
    undone("file", &["file0-resize", "2G"], with_file, &[]),
    kept("stopped", &["fbsd0-rollback", "-f", "one"], cold),
    kept("left over", &["fbsd0-rollback", "-f", "one"], left_over),
    undone("two disks", &["two0-snapshot", "x"], cold, &[]),
    kept("two disks", &["two0-rollback", "-f", ONE], grouped),
    kept(
        "two disks",
        &["two0-snapshot", "--delete", ONE, "-f"],
        grouped,
    ),
    kept(
        "two disks",
        &["two0-snapshot", "--prune", "keep=1", "-f"],
        grouped,
    ),
    undone("two disks", &["two0-promote"], cloned, &[]),
];

pub(crate) const CONFIG: &str = "tests/cases/faults.conf";

fn prepared(release: u32) -> Host {
    let mut host = Host::freebsd(release)
        .with_volume("zroot/vm/fbsd0", 1 << 30)
        .with_volume("zroot/vm/obsd0", 1 << 30)
        .with_volume("zroot/vm/two0", 1 << 30)
        .with_volume("zroot/vm/uefi0", 1 << 30)
        .with_store("/var/db/easy-bhyve/uefi0/uefi-vars", 540_672)
        .with_volume("zroot/vm/two0_data", 1 << 30)
        .with_image("/iso/fbsd.iso", 1 << 30)
        .with_image("/iso/obsd.iso", 1 << 30)
        .with_commands(&[
            "zfs snapshot zroot/vm/fbsd0@one",
            "zfs snapshot zroot/vm/fbsd0@two",
        ]);
    host.state.guest.runs_ms = Some(600_000);
    host.state.guest.endings = vec![Ending::Reboot];
    host
}

fn cold() -> Host {
    prepared(14)
}

fn with_file() -> Host {
    cold().with_image("/vm/file0", 1 << 30)
}

fn cold_15() -> Host {
    prepared(15)
}

fn warm() -> Host {
    cold().with_commands(&[
        "kldload -n vmm nmdm if_bridge",
        "sysctl net.link.tap.up_on_open=1",
        "ifconfig bridge0 create",
        "ifconfig bridge0 addm igb0 up",
        "ifconfig tap1 create description easy-bhyve:fbsd0",
        "ifconfig bridge0 addm tap1",
        "ifconfig tap3 create description easy-bhyve:obsd0",
        "ifconfig bridge0 addm tap3",
    ])
}

fn left_over() -> Host {
    warm()
        .with_leftover_vm("fbsd0", 512 << 20)
        .with_leftover_vm("obsd0", 512 << 20)
}

const ONE: &str = "_202601010000-one";

/// A host with snapshots that are of two disks, of the first, and of the second.
fn grouped() -> Host {
    cold().with_commands(&[
        "zfs snapshot -o easy-bhyve:disks=0,1 zroot/vm/two0@_202601010000-one zroot/vm/two0_data@_202601010000-one",
        "zfs snapshot zroot/vm/two0@_202601020000-two",
        "zfs snapshot -o easy-bhyve:disks=1 zroot/vm/two0_data@_202601030000-three",
        "zfs snapshot -o easy-bhyve:disks=0,1 zroot/vm/two0@_202601040000-four zroot/vm/two0_data@_202601040000-four",
    ])
}

/// A host on which both disks of a VM are clones.
fn cloned() -> Host {
    cold().with_commands(&[
        "zfs destroy zroot/vm/two0",
        "zfs destroy zroot/vm/two0_data",
        "zfs clone zroot/vm/fbsd0@one zroot/vm/two0",
        "zfs snapshot zroot/vm/two0@own",
        "zfs snapshot zroot/vm/obsd0@one",
        "zfs clone zroot/vm/obsd0@one zroot/vm/two0_data",
    ])
}

fn running() -> Host {
    warm().with_running_vm("fbsd0", "/dev/zvol/zroot/vm/fbsd0", "tap1")
}

impl Scenario {
    pub(crate) fn name(&self) -> String {
        format!("{} ({})", self.words.join(" "), self.kind)
    }

    /// The host before the verb.
    pub(crate) fn host(&self) -> Host {
        (self.host)()
    }

    /// The call.
    pub(crate) fn words(&self) -> &'static [&'static str] {
        self.words
    }

    /// Whether its verb is one of these.
    pub(crate) fn is(&self, verbs: &[&str]) -> bool {
        let verb = self.words[0].rsplit('-').next();
        verbs.iter().any(|one| verb == Some(one))
    }

    /// Whether processes other than the call itself act: the supervisors of a VM.
    pub(crate) fn is_supervised(&self) -> bool {
        !self.before.is_empty()
    }

    /// The host afterwards, the view of it before, and the output.
    pub(crate) fn run(&self, order: impl Fn(&mut Fake)) -> (Fake, BTreeSet<String>, Said) {
        let mut fake = Fake::new(self.host(), crate::host::build::USER);
        let config = root().join(CONFIG);
        for (words, seconds) in self.before {
            let said = call_with_file(&mut fake, &config, words);
            assert_eq!(said.status, 0, "{}: {said:?}", self.name());
            fake.advance(f64::from(*seconds));
        }
        fake.host().forget_calls();
        fake.count_looks_anew();
        order(&mut fake);
        let before = view::lines(&fake.host());
        let said = call_with_file(&mut fake, &config, self.words);
        (fake, before, said)
    }

    /// The lines that differ from those before, although they should not.
    pub(crate) fn difference(&self, before: &BTreeSet<String>, fake: &Fake) -> Vec<String> {
        let after = view::lines(&fake.host());
        if self.undo == Undo::Nothing {
            let scratch = after.iter().filter(|line| is_left_scratch(line, &after));
            return scratch.map(|line| format!("+ {line}")).collect();
        }
        let counts = |line: &&String| {
            let stays = line.starts_with("module ")
                || line.starts_with("sysctl ")
                || (line.starts_with("interface bridge") && line.contains(" members igb0"));
            let was_left = self.left_over.iter().any(|start| line.starts_with(start));
            let may_go = was_left && before.contains(*line);
            !(stays || may_go)
        };
        // What a guest that has begun writes to its store is undone only after a temporary run.
        let written = ", written by a guest";
        let plain = |line: &String| {
            if self.words.contains(&"-T") {
                line.clone()
            } else {
                line.replace(written, "")
            }
        };
        let kept = |lines: &BTreeSet<String>| lines.iter().filter(counts).map(plain).collect();
        let mut found = view::difference(&kept(before), &kept(&after));
        let states = fake.states();
        let open = states
            .iter()
            .filter(|(_, state)| !state.contains(r#""phase":"ended""#));
        found.extend(open.map(|(vm, _)| format!("+ a state of {vm}")));
        found
    }

    /// Half-finished changes: nodes and taps of VMs without a process that had one, or that were new.
    pub(crate) fn half_done(before: &BTreeSet<String>, fake: &Fake) -> Vec<String> {
        let after = view::lines(&fake.host());
        let is_half = |line: &&String| {
            if before.contains(*line) {
                return false;
            }
            if let Some(node) = line.strip_prefix("VM node ") {
                return !is_alive(node.trim_end_matches(", loaded"), &after);
            }
            let is_ours = line.contains("description easy-bhyve:");
            is_left_scratch(line, &after) || is_ours && !line.contains("open by")
        };
        after.iter().filter(is_half).cloned().collect()
    }
}

/// Whether a guest of this VM runs on the host with these lines.
fn is_alive(vm: &str, host: &BTreeSet<String>) -> bool {
    let titled = format!("bhyve: {vm}");
    host.iter().any(|line| line.ends_with(&titled))
}

/// Whether a line is about a scratch file of a VM that does not run: a running one keeps its own.
fn is_left_scratch(line: &str, host: &BTreeSet<String>) -> bool {
    let of = line.split_once("/scratch/");
    let vm = of.and_then(|(_, name)| name.split('.').next());
    vm.is_some_and(|vm| !is_alive(vm, host))
}
