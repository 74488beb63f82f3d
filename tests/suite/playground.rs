//! The simulated host as real programs: shell scripts that call them by PATH.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::host::build::USER;
use crate::host::{Host, program};
use crate::machine::playground;
use crate::wait::output_of;

/// A host in a directory of its own.
fn install(mut host: Host) -> tempfile::TempDir {
    host.state.guest.loader_ms = 0;
    let directory = tempfile::tempdir().expect("a temporary directory");
    program::install(host, directory.path(), playground()).expect("installed");
    directory
}

/// Runs a script as the ordinary user of the host.
fn sh(directory: &Path, script: &str) -> Output {
    let bin = directory.join("bin");
    let mut sh = Command::new("/bin/sh");
    sh.args(["-c", script])
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env(program::DIRECTORY, directory)
        .env(program::UID, USER.to_string())
        .env("DIR", directory)
        .env("TERM", "vt100")
        .stdin(Stdio::null());
    output_of(sh)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_vm_boots_and_shuts_down_by_a_shell_script() {
    let mut host = Host::freebsd(14).with_volume("zroot/vm/web", 1 << 30);
    host.state.guest.title_ms = 0;
    host.state.guest.acpi_ms = Some(0);
    host.state.guest.button_ms = Some(300);
    let directory = install(host);
    let script = r#"
        set -eu
        doas kldload -n vmm nmdm if_tap if_bridge
        doas ifconfig bridge0 create
        doas ifconfig bridge0 addm igb0 up
        doas ifconfig tap0 create description easy-bhyve:web
        doas ifconfig bridge0 addm tap0
        disk="$DIR/dev/zvol/zroot/vm/web"
        test -e "$disk"
        doas bhyveload -m 512M -d "$disk" web >/dev/null
        test -e "$DIR/dev/vmm/web"
        doas daemon -f bhyve -A -H -m 512M -s 0:0,hostbridge -s 1:0,lpc -s 2:0,virtio-net,tap0 \
            -s 3:0,virtio-blk,"$disk" -l com1,/dev/nmdm0A web
        sleep 0.2
        ps -axww -o args= | grep 'bhyve: web (bhyve)'
        ifconfig tap0 | grep -c 'Opened by PID'
        pid=$(pgrep -fx 'bhyve: web')
        env kill "$pid" 2>&1 | sed "s/$pid/PID/"
        doas kill -TERM "$pid"
        for try in 1 2 3 4 5 6 7 8 9 10; do
            pgrep -qfx 'bhyve: web' || break
            sleep 0.2
        done
        doas bhyvectl --vm=web --destroy
        doas ifconfig tap0 destroy
        test ! -e "$DIR/dev/vmm"
        test ! -e "$DIR/dev/tap0"
        ifconfig -l
    "#;
    let output = sh(directory.path(), script);
    assert_eq!(
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr)
        ),
        (
            Some(0),
            "bhyve: web (bhyve)\n1\nkill: PID: Operation not permitted\nigb0 lo0 bridge0\n".into(),
            String::new()
        )
    );
    let calls = std::fs::read(directory.path().join("calls")).expect("a log");
    assert!(text(&calls).starts_with("doas\0kldload\0-n\0vmm\0nmdm\0if_tap\0if_bridge\n"));
}

#[test]
fn a_guest_in_the_foreground_takes_its_time_and_gets_a_signal() {
    let mut host = Host::freebsd(14).with_volume("zroot/vm/web", 1 << 30);
    host.state.guest.runs_ms = Some(300);
    host.state.guest.endings = vec![crate::host::Ending::Reboot, crate::host::Ending::Signal(6)];
    let directory = install(host);
    let script = r#"
        load="doas bhyveload -m 512M -d /dev/zvol/zroot/vm/web web"
        run="doas bhyve -m 512M -s 3:0,virtio-blk,/dev/zvol/zroot/vm/web web"
        $load >/dev/null; $run; echo $?
        $load >/dev/null; $run; echo $?
        nosuch 2>/dev/null; echo $?
        ulimit -c 0
    "#;
    let output = sh(directory.path(), script);
    assert_eq!(text(&output.stdout), "0\n134\n127\n");
}

#[test]
fn a_shell_loop_supervises_a_vm_as_root_in_the_background() {
    let mut host = Host::freebsd(14).with_volume("zroot/vm/web", 1 << 30);
    host.state.guest.runs_ms = Some(200);
    host.state.guest.endings = vec![crate::host::Ending::Reboot, crate::host::Ending::PowerOff];
    let directory = install(host);
    let script = r#"
        doas sh -c 'kldload vmm && kldstat -q -m vmm' && echo loaded
        doas daemon -f sh -c '
            while bhyveload -m 512M -d /dev/zvol/zroot/vm/web web >/dev/null
                bhyve -m 512M -s 3:0,virtio-blk,/dev/zvol/zroot/vm/web web
            do echo again >>"$DIR/said"; done
            bhyvectl --vm=web --destroy
            echo over >>"$DIR/said"'
        until grep -qs over "$DIR/said"; do sleep 0.05; done
        cat "$DIR/said"
        until [ "$(ps -axo comm= | grep -c '^sh$')" = 1 ]; do sleep 0.05; done
        ls "$DIR/dev" | grep -c vmm
    "#;
    let output = sh(directory.path(), script);
    // The user's own shell is the only one left, or the loop does not end.
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        ("loaded\nagain\nover\n0\n".into(), String::new())
    );
}
