//! The VNC server of a guest answers a viewer, for whom bhyve may wait.

use super::rig::{Rig, quick};
use crate::host::{GuestPlan, Host};
use crate::wait::{until, wait_for};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// A rig with a release that knows sockets, and a directory whose path is short enough for one.
fn rig() -> (Rig, tempfile::TempDir) {
    let mut host = Host::freebsd(16)
        .with_volume("zroot/vm/web", 1 << 30)
        .with_commands(&["kldload -n vmm nmdm"]);
    host.state.guest = GuestPlan {
        viewer_ms: None,
        ..quick()
    };
    let place = tempfile::tempdir_in("/tmp").unwrap();
    (Rig::of(host), place)
}

fn start(rig: &Rig, socket: &Path, more: &str) {
    rig.load();
    rig.done(&format!(
        "daemon -f bhyve -m 256M -s 0:0,hostbridge -s 1:0,lpc -s 29:0,fbuf,tcp=unix:{}{more} -l com1,/dev/nmdm0A web",
        socket.display()
    ));
}

/// A viewer after both greetings, and the security type that it was offered.
fn greeted(socket: &Path) -> (UnixStream, u8) {
    let mut viewer = wait_for("a VNC server", || UnixStream::connect(socket).ok());
    let mut greeting = [0; 12];
    viewer.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"RFB 003.008\n");
    viewer.write_all(&greeting).unwrap();
    let mut types = [0; 2];
    viewer.read_exact(&mut types).unwrap();
    assert_eq!(types[0], 1);
    viewer.write_all(&types[1..]).unwrap();
    (viewer, types[1])
}

#[test]
fn a_guest_for_which_bhyve_waits_starts_when_a_viewer_connects() {
    let (rig, place) = rig();
    let socket: PathBuf = place.path().join("vnc");
    start(&rig, &socket, ",wait");
    let title = || {
        let state = rig.state();
        let pid = state.bhyve_of("web")?;
        state.processes[&pid].title.clone()
    };
    assert_eq!(title(), None);
    let (mut viewer, security) = greeted(&socket);
    assert_eq!(security, 1);
    let mut answer = [0; 4];
    viewer.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0; 4]);
    viewer.write_all(&[1]).unwrap();
    let mut about = [0; 27];
    viewer.read_exact(&mut about).unwrap();
    assert_eq!(
        (&about[..4], &about[24..]),
        (&[4, 0, 3, 0][..], &b"web"[..])
    );
    until("a running guest", || {
        title().as_deref() == Some("bhyve: web")
    });
}

#[test]
fn a_server_with_a_password_asks_for_it() {
    let (rig, place) = rig();
    let (socket, secret) = (place.path().join("vnc"), place.path().join("screen.conf"));
    std::fs::write(&secret, "pci.0.29.0.password=secret\n").unwrap();
    start(&rig, &socket, &format!(" -k {}", secret.display()));
    let (mut viewer, security) = greeted(&socket);
    assert_eq!(security, 2);
    let mut challenge = [0; 16];
    viewer.read_exact(&mut challenge).unwrap();
    viewer.write_all(&challenge).unwrap();
    let mut answer = [0; 4];
    viewer.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0, 0, 0, 1]);
}
