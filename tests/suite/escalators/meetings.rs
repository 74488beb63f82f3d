//! What an ordinary user meets, as a table.

use super::runs::Meeting;
use super::{ALL, PASSWORD, host};
use crate::host::{Ending, Rule};

use super::ground::Rules;

pub(super) const BOOTED: &str =
    "fbsd0-boot: fbsd0 is running; fbsd0-console connects to its console, ~. leaves it\n";
/// The first command is refused.
const FIRST: &str = "fbsd0-boot: WORD did not run kldload
  command: WORD kldload -n vmm nmdm if_bridge
  WORD said: SAID
  help: ALLOW
";

pub(super) const MEETINGS: &[Meeting] = &[
    Meeting {
        title: "all is allowed without a password",
        rules: ALL,
        simulated: (Rule::Permit, None),
        host,
        words: &["fbsd0-boot"],
        status: 0,
        err: BOOTED,
        said: ["", ""],
    },
    Meeting {
        title: "all is allowed, and grub reads the caller's files",
        rules: ALL,
        simulated: (Rule::Permit, None),
        host,
        words: &["deb0-boot"],
        status: 0,
        err: "deb0-boot: deb0 is running; deb0-console connects to its console, ~. leaves it\n",
        said: ["", ""],
    },
    Meeting {
        title: "nothing is allowed",
        rules: Rules {
            doas: Some("permit nopass root"),
            sudo: Some(""),
        },
        simulated: (Rule::Deny, None),
        host,
        words: &["fbsd0-boot"],
        status: 1,
        err: FIRST,
        said: [
            "doas: Operation not permitted",
            "sudo: a password is required",
        ],
    },
    Meeting {
        title: "there are no rules at all",
        rules: Rules {
            doas: None,
            sudo: None,
        },
        simulated: (Rule::NotConfigured, None),
        host,
        words: &["fbsd0-boot"],
        status: 1,
        err: FIRST,
        said: [
            "doas: doas is not enabled, /usr/local/etc/doas.conf: No such file or directory",
            "sudo: error initializing audit plugin sudoers_audit",
        ],
    },
    Meeting {
        title: "a password is needed, and there is no terminal",
        rules: PASSWORD,
        simulated: (Rule::Password, None),
        host,
        words: &["fbsd0-boot"],
        status: 1,
        err: FIRST,
        said: [
            "doas: Authentication failed",
            "sudo: a password is required",
        ],
    },
    Meeting {
        title: "all but the loader is allowed",
        rules: Rules {
            doas: Some("permit nopass user as root\ndeny user cmd bhyveload"),
            sudo: Some("user ALL=(root) NOPASSWD: ALL, !/usr/local/bin/bhyveload"),
        },
        simulated: (Rule::Permit, Some("bhyveload")),
        host,
        words: &["fbsd0-boot"],
        status: 1,
        err: "SAID
fbsd0-boot: bhyveload failed with status 1
  command: WORD bhyveload -c stdio -m 256M -d /dev/zvol/zroot/vm/fbsd0 fbsd0
  either WORD refused to run it, or bhyveload gave up itself: what they said stands above
  6 steps had succeeded before
  undone: tap1
",
        said: [
            "doas: Operation not permitted",
            "Sorry, user user is not allowed to execute '/sbin/bhyveload -c stdio -m 256M \
             -d /dev/zvol/zroot/vm/fbsd0 fbsd0' as root on vmhost.",
        ],
    },
    Meeting {
        title: "all but what puts the VM into the background is allowed",
        rules: Rules {
            doas: Some("permit nopass user as root\ndeny user cmd daemon"),
            sudo: Some("user ALL=(root) NOPASSWD: ALL, !/usr/local/bin/daemon"),
        },
        simulated: (Rule::Permit, Some("daemon")),
        host,
        words: &["fbsd0-boot"],
        status: 1,
        err: "fbsd0-boot: WORD did not run daemon
  command: WORD daemon -c -f bhyve -u -A -H -P -c 1 -m 256M -s 0:0,hostbridge -s 1:0,lpc -s 2:0,virtio-net,tap1 -s 3:0,virtio-blk,/dev/zvol/zroot/vm/fbsd0 -l com1,/dev/nmdm1A fbsd0
  WORD said: SAID
  7 steps had succeeded before
  undone: the VM node of fbsd0, tap1
  help: ALLOW
",
        said: [
            "doas: Operation not permitted",
            "Sorry, user user is not allowed to execute '/sbin/daemon -c -f bhyve -u -A -H -P -c 1 -m 256M -s 0:0,hostbridge -s 1:0,lpc -s 2:0,virtio-net,tap1 -s 3:0,virtio-blk,/dev/zvol/zroot/vm/fbsd0 -l com1,/dev/nmdm1A fbsd0' as root on vmhost.",
        ],
    },
    Meeting {
        title: "all is allowed, and a command fails as an escalator would",
        rules: ALL,
        simulated: (Rule::Permit, None),
        host: || {
            let mut host = host();
            host.fail("daemon", 1, 1, "daemon: cannot fork");
            host
        },
        words: &["fbsd0-boot"],
        status: 1,
        err: "fbsd0-boot: daemon failed with status 1
  command: WORD daemon -c -f bhyve -u -A -H -P -c 1 -m 256M -s 0:0,hostbridge -s 1:0,lpc -s 2:0,virtio-net,tap1 -s 3:0,virtio-blk,/dev/zvol/zroot/vm/fbsd0 -l com1,/dev/nmdm1A fbsd0
  stderr: daemon: cannot fork
  7 steps had succeeded before
  undone: the VM node of fbsd0, tap1
",
        said: ["", ""],
    },
    Meeting {
        title: "all is allowed, and a command fails without a word",
        rules: ALL,
        simulated: (Rule::Permit, None),
        host: || {
            let mut host = host();
            host.fail("sysctl", 2, 1, "");
            host
        },
        words: &["fbsd0-boot"],
        status: 1,
        err: "fbsd0-boot: sysctl failed with status 1
  command: WORD sysctl net.link.tap.up_on_open=1
  stderr: nothing
  1 step had succeeded before
",
        said: ["", ""],
    },
    Meeting {
        title: "all is allowed, and a signal ends a command",
        rules: ALL,
        simulated: (Rule::Permit, None),
        host: || {
            let mut host = host();
            host.kill("sysctl", 2, 15);
            host
        },
        words: &["fbsd0-boot"],
        status: 1,
        err: "fbsd0-boot: sysctl SAID
  1 step had succeeded before
",
        said: [
            "failed with status 143, by which doas may mean SIGTERM
  command: doas sysctl net.link.tap.up_on_open=1
  stderr: Terminated",
            "was ended by SIGTERM
  command: sudo sysctl net.link.tap.up_on_open=1
  stderr: nothing",
        ],
    },
    Meeting {
        title: "the guest powers off, which is status 1, too",
        rules: ALL,
        simulated: (Rule::Permit, None),
        host: || {
            let mut host = host();
            host.state.guest.runs_ms = Some(2_000);
            host.state.guest.endings = vec![Ending::PowerOff];
            host
        },
        words: &["fbsd0-ttyboot"],
        status: 0,
        err: "fbsd0-ttyboot: the guest powered off\n",
        said: ["", ""],
    },
    Meeting {
        title: "bhyve leaves with 1 before its title is seen",
        rules: ALL,
        simulated: (Rule::Permit, None),
        host: || {
            let mut host = host();
            host.fail("bhyve", 1, 1, "bhyve: no");
            host
        },
        words: &["fbsd0-ttyboot"],
        status: 1,
        err: "bhyve: no
fbsd0-ttyboot: bhyve failed with status 1
  command: WORD bhyve -u -A -H -P -c 1 -m 256M -s 0:0,hostbridge -s 1:0,lpc -s 2:0,virtio-net,tap1 -s 3:0,virtio-blk,/dev/zvol/zroot/vm/fbsd0 -l com1,stdio fbsd0
  either WORD refused to run it, or bhyve gave up itself: what they said stands above
  7 steps had succeeded before
  undone: the VM node of fbsd0, tap1
",
        said: ["", ""],
    },
    Meeting {
        title: "all but bhyve on the terminal is allowed",
        rules: Rules {
            doas: Some("permit nopass user as root\ndeny user cmd bhyve"),
            sudo: Some("user ALL=(root) NOPASSWD: ALL, !/usr/local/bin/bhyve"),
        },
        simulated: (Rule::Permit, Some("bhyve")),
        host,
        words: &["fbsd0-ttyboot"],
        status: 1,
        err: "SAID
fbsd0-ttyboot: bhyve failed with status 1
  command: WORD bhyve -u -A -H -P -c 1 -m 256M -s 0:0,hostbridge -s 1:0,lpc -s 2:0,virtio-net,tap1 -s 3:0,virtio-blk,/dev/zvol/zroot/vm/fbsd0 -l com1,stdio fbsd0
  either WORD refused to run it, or bhyve gave up itself: what they said stands above
  7 steps had succeeded before
  undone: the VM node of fbsd0, tap1
",
        said: [
            "doas: Operation not permitted",
            "Sorry, user user is not allowed to execute '/sbin/bhyve -u -A -H -P -c 1 -m 256M -s 0:0,hostbridge -s 1:0,lpc -s 2:0,virtio-net,tap1 -s 3:0,virtio-blk,/dev/zvol/zroot/vm/fbsd0 -l com1,stdio fbsd0' as root on vmhost.",
        ],
    },
];
