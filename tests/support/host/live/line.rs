//! cu(1) as a real process: relays between the terminal and one end of a null modem.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;

use nix::sys::signal::Signal;
use nix::sys::termios::{self, SetArg};

use super::super::call::Status;
use super::super::program::with_host;
use super::Bell;
use super::alive;
use super::console::{make_raw, open_line, write_patiently};

/// The output of `~?` (usr.bin/tip/tip/cmds.c).
const HELP: &str = "~?\r\n ~. quit\r\n ~~ a tilde\r\n ~? this\r\n";

/// Relays until `~.` is typed at the beginning of a line, the input ends, the line is closed, or a
/// signal arrives: cu restores the modes in that case, too, and exits 0 (usr.bin/tip/tip/cu.c, `cleanup`).
pub(super) fn run(path: &str, directory: &Path, bell: &mut Bell) -> io::Result<Status> {
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
        bell.ask_by(signal)?;
    }
    let mut line = open_line(path)?;
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let modes = make_raw(&input);
    let mut escapes = Escapes::default();
    say(b"Connected\r\n");
    while !bell.was_asked() {
        let ready = bell.wait(&[input.as_fd(), line.as_fd()], None)?.ready;
        let mut bytes = [0; 4096];
        if ready.get(1) == Some(&true) {
            match line.read(&mut bytes) {
                Ok(length) if length > 0 => say(bytes.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => break,
            }
        }
        if ready.first() == Some(&true) {
            match input.read(&mut bytes) {
                Ok(length) if length > 0 => {
                    let typed = escapes.take(bytes.get(..length).unwrap_or_default());
                    let _ = write_patiently(&mut line, &typed.send);
                    say(typed.show.as_bytes());
                    if typed.quits {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => break,
            }
        }
    }
    say(b"[EOT]\r\n");
    if let Some(modes) = modes {
        let _ = termios::tcsetattr(&input, SetArg::TCSANOW, &modes);
    }
    with_host(directory, |host| {
        host.end_process(alive::own(), Status::Exit(0));
    })?;
    Ok(Status::Exit(0))
}

fn say(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// The result of typed bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Typed {
    send: Vec<u8>,
    show: String,
    quits: bool,
}

/// The tilde escapes.
#[derive(Debug)]
struct Escapes {
    at_start: bool,
    has_tilde: bool,
}

impl Default for Escapes {
    fn default() -> Self {
        Self {
            at_start: true,
            has_tilde: false,
        }
    }
}

impl Escapes {
    fn take(&mut self, bytes: &[u8]) -> Typed {
        let mut typed = Typed::default();
        for &byte in bytes {
            if self.has_tilde {
                self.has_tilde = false;
                match byte {
                    b'.' | 0x04 => {
                        typed.quits = true;
                        break;
                    }
                    b'?' => {
                        typed.show.push_str(HELP);
                        continue;
                    }
                    b'~' => {}
                    _ => typed.send.push(b'~'),
                }
            } else if byte == b'~' && self.at_start {
                self.has_tilde = true;
                continue;
            }
            self.at_start = matches!(byte, b'\r' | b'\n');
            typed.send.push(byte);
        }
        typed
    }
}

#[cfg(test)]
mod tests {
    use super::{Escapes, Typed};

    #[test]
    fn a_tilde_counts_at_the_beginning_of_a_line_only() {
        let take = |text: &[u8]| Escapes::default().take(text);
        let send = |text: &[u8], quits| Typed {
            send: text.to_vec(),
            quits,
            ..Typed::default()
        };
        assert_eq!(take(b"a~.\r"), send(b"a~.\r", false));
        assert_eq!(take(b"a\r~.b"), send(b"a\r", true));
        assert_eq!(take(b"~~.\r~x"), send(b"~.\r~x", false));
        let mut apart = Escapes::default();
        assert_eq!(apart.take(b"~"), send(b"", false));
        assert_eq!(apart.take(b"."), send(b"", true));
    }
}
