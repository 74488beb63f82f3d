//! The situations of an ordinary user, as a table.

use super::runs::Meeting;
use super::{ALL, PASSWORD, host};
use crate::host::{Ending, Rule};

use super::ground::Rules;

pub(super) const BOOTED: &str =
    "fbsd0-boot: fbsd0 is running; to connect to its console: fbsd0-console (~. disconnects)\n";
/// The only call is refused.
const REFUSED: &str = "fbsd0-boot: WORD did not run easy-bhyve
  output of WORD: SAID
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
        err: "deb0-boot: deb0 is running; to connect to its console: deb0-console (~. disconnects)\n",
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
        err: REFUSED,
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
        err: REFUSED,
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
        err: REFUSED,
        said: [
            "doas: Authentication failed",
            "sudo: a password is required",
        ],
    },
    Meeting {
        title: "all but the loader is allowed, which root starts itself",
        rules: Rules {
            doas: Some("permit nopass user as root\ndeny user cmd bhyveload"),
            sudo: Some("user ALL=(root) NOPASSWD: ALL, !/usr/local/bin/bhyveload"),
        },
        simulated: (Rule::Permit, Some("bhyveload")),
        host,
        words: &["fbsd0-boot"],
        status: 0,
        err: BOOTED,
        said: ["", ""],
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
        err: REFUSED,
        said: [
            "doas: Operation not permitted",
            "Sorry, user user is not allowed to execute '/sbin/daemon -c /usr/local/bin/easy-bhyve \
             root-boot fbsd0 host=vmhost system=fbsd0 con=/dev/nmdm1A cpu=1 mem=256M rng=NO utc=YES wired=NO strict_msrs=YES vnc=NO tablet=NO loader=bhyveload \
             freebsd=YES zvol=zroot/vm/fbsd0 cd0= host_netif=igb0 host_bridge=bridge0 if0=tap1 \
             if0_bridge=bridge0 if0_private=NO if0_type=virtio-net hd0=/dev/zvol/zroot/vm/fbsd0 hd0_type=virtio-blk on_reboot=restart on_crash=stop \
             loader_timeout=120 stop_timeout=60 autostart=NO autostart_delay=0 protect=NO as=fbsd0-boot \
             calls=links' as root on vmhost.",
        ],
    },
    Meeting {
        title: "all is allowed, and daemon fails as an escalator would",
        rules: ALL,
        simulated: (Rule::Permit, None),
        host: || {
            let mut host = host();
            host.fail("daemon", 1, 1, "daemon: cannot fork");
            host
        },
        words: &["fbsd0-boot"],
        status: 1,
        err: "fbsd0-boot: root-boot (run by WORD) exited with status 1 before completion
  output: daemon: cannot fork
  either WORD refused to run easy-bhyve, or daemon failed
  help: ALLOW
",
        said: ["", ""],
    },
    Meeting {
        title: "all is allowed, and a command fails without a word",
        rules: ALL,
        simulated: (Rule::Permit, None),
        host: || {
            let mut host = host();
            host.fail("sysctl", 3, 1, "");
            host
        },
        words: &["fbsd0-boot"],
        status: 1,
        err: "fbsd0-boot: sysctl failed with status 1
  command: sysctl net.link.tap.up_on_open=1
  stderr: empty
  1 step succeeded before
",
        said: ["", ""],
    },
    Meeting {
        title: "all is allowed, and a signal ends a command",
        rules: ALL,
        simulated: (Rule::Permit, None),
        host: || {
            let mut host = host();
            host.kill("sysctl", 3, 15);
            host
        },
        words: &["fbsd0-boot"],
        status: 1,
        err: "fbsd0-boot: sysctl was terminated by SIGTERM
  command: sysctl net.link.tap.up_on_open=1
  stderr: empty
  1 step succeeded before
",
        said: ["", ""],
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
        err: "fbsd0-ttyboot: fbsd0 uses this terminal until it ends: shut the guest down, or on another \
              terminal: fbsd0-shutdown\nfbsd0-ttyboot: the guest powered off; to see its log: fbsd0-log\n",
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
        err: "fbsd0-ttyboot: fbsd0 uses this terminal until it ends: shut the guest down, or on another terminal: fbsd0-shutdown
bhyve: no
fbsd0-ttyboot: bhyve did not start, and exited with status 1
  command: bhyve -u -A -H -P -c 1 -m 256M -s 0:0,hostbridge -s 1:0,lpc -s 2:0,virtio-net,tap1 -s 3:0,virtio-blk,/dev/zvol/zroot/vm/fbsd0 -l com1,stdio fbsd0
  7 steps succeeded before
  undone: the VM node of fbsd0, tap1
  help: to see its log: fbsd0-log
",
        said: ["", ""],
    },
    Meeting {
        title: "nothing but easy-bhyve is allowed, which is enough without daemon",
        rules: Rules {
            doas: Some("permit nopass user as root cmd /usr/local/eb/easy-bhyve"),
            sudo: Some("user ALL=(root) NOPASSWD: /usr/local/eb/easy-bhyve"),
        },
        simulated: (Rule::Permit, None),
        host: || {
            let mut host = host();
            host.state.guest.runs_ms = Some(2_000);
            host.state.guest.endings = vec![Ending::PowerOff];
            host
        },
        words: &["fbsd0-ttyboot"],
        status: 0,
        err: "fbsd0-ttyboot: fbsd0 uses this terminal until it ends: shut the guest down, or on another \
              terminal: fbsd0-shutdown\nfbsd0-ttyboot: the guest powered off; to see its log: fbsd0-log\n",
        said: ["", ""],
    },
];
