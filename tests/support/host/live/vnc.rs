//! The VNC server of a guest as a real process: RFB 3.8 (RFC 6143, usr.sbin/bhyve/rfb.c) up to its first message.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::super::program::with_host;

/// The greeting of both sides.
const GREETING: &[u8; 12] = b"RFB 003.008\n";
/// The security types, and the word that all is well.
const NO_SECURITY: u8 = 1;
const VNC_SECURITY: u8 = 2;
const DONE: [u8; 4] = [0; 4];

/// A screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// The address and port, or the socket.
    pub place: Result<(String, u16), PathBuf>,
    /// Whether it asks for a password.
    pub has_password: bool,
}

/// Serves viewers until this process ends. What is in use already is left alone: nobody answers then.
pub(super) fn serve(screen: &Screen, pid: i32, vm: &str, directory: &Path) {
    let (screen, vm, directory) = (screen.clone(), vm.to_owned(), directory.to_owned());
    std::thread::spawn(move || -> io::Result<()> {
        let connected = || with_host(&directory, |host| host.viewer_connects(pid));
        match &screen.place {
            Ok((address, port)) => {
                for viewer in TcpListener::bind((address.as_str(), *port))?.incoming() {
                    connected()?;
                    // One at a time, as bhyve does. A viewer that leaves is no failure.
                    let _ = answer(viewer?, &screen, &vm);
                }
            }
            Err(path) => {
                let _ = std::fs::remove_file(path);
                for viewer in UnixListener::bind(path)?.incoming() {
                    connected()?;
                    let _ = answer(viewer?, &screen, &vm);
                }
            }
        }
        Ok(())
    });
}

fn answer(mut viewer: impl Read + Write, screen: &Screen, vm: &str) -> io::Result<()> {
    viewer.write_all(GREETING)?;
    viewer.read_exact(&mut [0; GREETING.len()])?;
    let security = if screen.has_password {
        VNC_SECURITY
    } else {
        NO_SECURITY
    };
    viewer.write_all(&[1, security])?;
    let mut chosen = [0];
    viewer.read_exact(&mut chosen)?;
    if screen.has_password {
        // No viewer knows the answer to this challenge, since nothing here encrypts.
        viewer.write_all(&[0x5a; 16])?;
        viewer.read_exact(&mut [0; 16])?;
        let reason = b"authentication failed";
        viewer.write_all(&[0, 0, 0, 1, 0, 0, 0, u8::try_from(reason.len()).unwrap_or(0)])?;
        return viewer.write_all(reason);
    }
    viewer.write_all(&DONE)?;
    viewer.read_exact(&mut [0])?;
    let mut about = vec![
        4, 0, 3, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0,
    ];
    about.extend(u32::try_from(vm.len()).unwrap_or(0).to_be_bytes());
    about.extend(vm.as_bytes());
    viewer.write_all(&about)?;
    // The picture never changes.
    io::copy(&mut viewer, &mut io::sink()).map(drop)
}
