//! How many processes each verb spawns, on both of its sides, and how often it escalates: the
//! numbers must not grow, and no verb asks for a password twice.

use std::fmt::Write;

use crate::call::call;
use crate::fake::Fake;
use crate::host::{Ending, Host};

const CONFIG: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm
fbsd0_id=1 fbsd0_freebsd=YES fbsd0_cd0=/iso/fbsd.iso
deb0_id=2 deb0_cd0=/iso/deb.iso deb0_grub_boot='linux (hd0,msdos1)/vmlinuz'
";

/// A freshly booted host on which both VMs have a disk.
fn cold() -> Host {
    Host::freebsd(14)
        .with_image("/iso/fbsd.iso", 1 << 30)
        .with_image("/iso/deb.iso", 1 << 30)
        .with_volume("zroot/vm/fbsd0", 1 << 30)
        .with_volume("zroot/vm/deb0", 1 << 30)
}

/// A host on which VMs have run since: modules, sysctl and bridge need no change.
fn warm() -> Host {
    cold().with_commands(&[
        "kldload -n vmm nmdm if_tuntap if_bridge",
        "sysctl net.link.tap.up_on_open=1",
        "ifconfig bridge0 create",
        "ifconfig bridge0 addm igb0 up",
    ])
}

/// A host on which `fbsd0` runs, with a tap of its own.
fn running() -> Host {
    let mut host = warm().with_tap("tap1", "easy-bhyve:fbsd0").with_commands(&[
        "ifconfig bridge0 addm tap1",
        "bhyveload -m 256M -d /dev/zvol/zroot/vm/fbsd0 fbsd0",
        "daemon -f bhyve -m 256M -s 1:0,lpc -s 2:0,virtio-net,tap1 \
             -s 3:0,virtio-blk,/dev/zvol/zroot/vm/fbsd0 -l com1,/dev/nmdm1A fbsd0",
    ]);
    host.advance(60.0);
    host
}

/// A host on which an earlier run of `fbsd0` left its node and its tap.
fn left_over() -> Host {
    warm()
        .with_tap("tap1", "easy-bhyve:fbsd0")
        .with_leftover_vm("fbsd0", 256 << 20)
}

/// A host whose next guest ends after a second.
fn short(mut host: Host) -> Host {
    host.state.guest.runs_ms = Some(1000);
    host.state.guest.endings = vec![Ending::PowerOff];
    host
}

/// A host with two snapshots of `fbsd0`.
fn with_snapshots(host: Host) -> Host {
    host.with_commands(&[
        "zfs snapshot zroot/vm/fbsd0@s1",
        "zfs snapshot zroot/vm/fbsd0@s2",
    ])
}

/// One line: the processes that the client and the root side start, without a ps that lists the workers
/// of a VM; how many of them are doas; and whether that ps runs, since its number depends on time.
fn line(title: &str, host: Host, words: &[&str]) -> String {
    let mut fake = Fake::new(host, 1001);
    fake.answer = Some(true);
    let said = call(&mut fake, CONFIG, words);
    assert_eq!(said.status, 0, "{title}: {}", said.err);
    let (mut all, mut polls, mut escalations) = (0, 0, 0);
    for call in fake.host().calls().iter().filter(|call| call.depth == 0) {
        match call.argv[0].as_str() {
            "ps" if !call.argv.iter().any(|word| word == "rss=") => polls += 1,
            "doas" => {
                escalations += 1;
                all += 1;
            }
            _ => all += 1,
        }
    }
    let polls = if polls > 0 { "ps" } else { "-" };
    format!("{title:<38} {all:>2} {escalations:>2} {polls}")
}

#[test]
fn no_verb_spawns_or_escalates_more_often_than_listed() {
    let bare = || Host::freebsd(14);
    let rows: Vec<(&str, Host, &[&str])> = vec![
        ("boot -d, cold", cold(), &["fbsd0-boot", "-d"]),
        ("boot -d, warm", warm(), &["fbsd0-boot", "-d"]),
        ("boot -d, left over", left_over(), &["fbsd0-boot", "-d"]),
        ("boot, cold", cold(), &["fbsd0-boot"]),
        ("boot, warm", warm(), &["fbsd0-boot"]),
        ("boot, left over", left_over(), &["fbsd0-boot"]),
        ("boot by grub, cold", cold(), &["deb0-boot"]),
        ("install, cold", short(cold()), &["fbsd0-install"]),
        ("ttyboot, warm", short(warm()), &["fbsd0-ttyboot"]),
        ("restart", running(), &["fbsd0-restart"]),
        ("restart, stopped", warm(), &["fbsd0-restart"]),
        ("console", running(), &["fbsd0-console"]),
        ("resources", warm(), &["fbsd0-resources"]),
        ("resources -V", bare(), &["fbsd0-resources", "-V", "20g"]),
        ("shutdown", running(), &["fbsd0-shutdown"]),
        ("shutdown -d", running(), &["fbsd0-shutdown", "-d"]),
        ("shutdown -f", running(), &["fbsd0-shutdown", "-f"]),
        ("clean, nothing", warm(), &["fbsd0-clean"]),
        ("clean, left over", left_over(), &["fbsd0-clean"]),
        ("snapshot", warm(), &["fbsd0-snapshot", "x"]),
        (
            "snapshot, listing",
            with_snapshots(warm()),
            &["fbsd0-snapshot"],
        ),
        ("resize", warm(), &["fbsd0-resize", "2g"]),
        ("rollback", with_snapshots(warm()), &["fbsd0-rollback"]),
        (
            "rollback -f over a newer one",
            with_snapshots(warm()),
            &["fbsd0-rollback", "s1", "-f"],
        ),
        (
            "snapshot --delete",
            with_snapshots(warm()),
            &["fbsd0-snapshot", "--delete", "s1"],
        ),
        ("clone", warm(), &["fbsd0-clone", "new0"]),
        (
            "clone, two of a snapshot",
            with_snapshots(warm()),
            &["fbsd0-clone", "@s1", "new0", "new1"],
        ),
        ("history", with_snapshots(warm()), &["fbsd0-history"]),
        (
            "history --tree",
            with_snapshots(warm()),
            &["fbsd0-history", "--tree"],
        ),
        ("stop-all", running(), &["easy-bhyve", "stop-all"]),
        ("stop-all, nothing", warm(), &["easy-bhyve", "stop-all"]),
        ("autostart, nothing", warm(), &["easy-bhyve", "autostart"]),
        ("setup", warm(), &["easy-bhyve", "setup"]),
        ("list, no node", warm(), &["easy-bhyve", "list"]),
        ("list, one running", running(), &["easy-bhyve", "list"]),
        ("list, one left over", left_over(), &["easy-bhyve", "list"]),
        ("status, no node", warm(), &["easy-bhyve", "status"]),
        ("status, one running", running(), &["easy-bhyve", "status"]),
        (
            "status, one left over",
            left_over(),
            &["easy-bhyve", "status"],
        ),
    ];
    let mut table = String::new();
    for (title, host, words) in rows {
        writeln!(table, "{}", line(title, host, words)).unwrap();
    }
    similar_asserts::assert_eq!(table, EXPECTED);
}

/// The call and its host; processes; the doas among them; whether that ps runs, too.
const EXPECTED: &str = "\
boot -d, cold                           3  0 -
boot -d, warm                           3  0 -
boot -d, left over                      4  0 -
boot, cold                             15  1 ps
boot, warm                             11  1 ps
boot, left over                        16  1 ps
boot by grub, cold                     15  1 ps
install, cold                          19  1 ps
ttyboot, warm                          15  1 ps
restart                                23  1 ps
restart, stopped                       11  1 ps
console                                 4  1 -
resources                               0  0 -
resources -V                            4  1 -
shutdown                               12  1 ps
shutdown -d                             2  0 ps
shutdown -f                            12  1 ps
clean, nothing                          1  0 -
clean, left over                        8  1 ps
snapshot                                2  1 -
snapshot, listing                       2  0 -
resize                                  7  1 -
rollback                                8  1 -
rollback -f over a newer one            9  1 -
snapshot --delete                       6  1 -
clone                                   9  1 -
clone, two of a snapshot               11  1 -
history                                 1  0 -
history --tree                          2  0 -
stop-all                               13  1 ps
stop-all, nothing                       0  0 -
autostart, nothing                      0  0 -
setup                                   0  0 -
list, no node                           0  0 -
list, one running                       1  0 -
list, one left over                     1  0 -
status, no node                         1  0 -
status, one running                     1  0 -
status, one left over                   2  0 -
";
