//! nmdm(4) as a real process: two pseudo-terminals, and what is written to one is read from the
//! other (sys/dev/nmdm/nmdm.c).

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{FlushArg, tcflush};
use nix::unistd::{setsid, ttyname};

use super::Bell;
use super::Role;
use super::console::{make_raw, set_non_blocking, write_patiently};
use super::pty;
use crate::host::program::with_host;

/// How often an end that nobody has open is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How long who has looked the pair up may take to open an end.
const GRACE: Duration = Duration::from_secs(2);

/// Starts the driver of a pair, and waits until its nodes are there.
pub(in super::super) fn start(pair: &str, directory: &Path, program: &Path) -> io::Result<()> {
    Role::Nmdm(pair.to_owned()).start(program, directory)
}

/// One end.
struct End {
    node: PathBuf,
    terminal: PathBuf,
    master: File,
    is_open: bool,
}

impl End {
    /// Makes the node. Until somebody opens it, nobody has.
    fn new(node: PathBuf) -> io::Result<Self> {
        let pty = pty::open()?;
        make_raw(&pty.slave);
        let terminal = ttyname(&pty.slave)?;
        set_non_blocking(&pty.master)?;
        let _ = fs::remove_file(&node);
        symlink(&terminal, &node)?;
        Ok(Self {
            node,
            terminal,
            master: File::from(pty.master),
            is_open: false,
        })
    }

    /// Looks whether somebody has it open; what was left for the one before is gone.
    fn look(&mut self) -> io::Result<()> {
        let mut poller = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        poll(&mut poller, PollTimeout::ZERO)?;
        let events = poller.first().and_then(PollFd::revents);
        let is_open = !events.is_some_and(|events| events.contains(PollFlags::POLLHUP));
        if is_open && !self.is_open {
            let _ = tcflush(&self.master, FlushArg::TCOFLUSH);
        }
        self.is_open = is_open;
        Ok(())
    }

    /// Whether the node still leads here.
    fn is_there(&self) -> bool {
        fs::read_link(&self.node).is_ok_and(|target| target == self.terminal)
    }
}

/// Carries what is written to either end to the other, until both were closed or the nodes go. What
/// is written while nobody has the other end open is lost.
pub(super) fn run(pair: &str, directory: &Path) -> io::Result<i32> {
    setsid()?;
    let dev = directory.join("dev");
    let mut ends = [
        End::new(dev.join(format!("{pair}A")))?,
        End::new(dev.join(format!("{pair}B")))?,
    ];
    io::stdout().write_all(b"\n")?;
    io::stdout().flush()?;
    let mut bell = Bell::new(directory)?;
    let start = Instant::now();
    let mut was_open = false;
    while ends.iter().all(End::is_there) {
        for end in &mut ends {
            end.look()?;
        }
        let is_open = ends.iter().any(|end| end.is_open);
        let is_over = was_open || start.elapsed() > GRACE;
        if is_over && !is_open && leave(pair, directory)? {
            break;
        }
        was_open |= is_open;
        let readable: Vec<_> = ends
            .iter()
            .filter(|end| end.is_open)
            .map(|end| end.master.as_fd())
            .collect();
        bell.wait(
            &readable,
            ends.iter().any(|end| !end.is_open).then_some(LOOK),
        )?;
        for from in 0..2 {
            carry(&mut ends, from);
        }
    }
    Ok(0)
}

/// Carries what one end has to say to the other.
fn carry(ends: &mut [End; 2], from: usize) {
    let mut bytes = [0; 4096];
    let [a, b] = ends;
    let (from, to) = if from == 0 { (a, b) } else { (b, a) };
    if let Ok(length) = from.master.read(&mut bytes)
        && to.is_open
    {
        let _ = write_patiently(&mut to.master, bytes.get(..length).unwrap_or_default());
    }
}

/// Takes the pair away, unless a process of the host has just opened an end of it.
fn leave(pair: &str, directory: &Path) -> io::Result<bool> {
    with_host(directory, |host| {
        let is_free = |ends: &crate::host::state::Nmdm| ends.a.is_none() && ends.b.is_none();
        let goes = host.state.nmdm.get(pair).is_none_or(is_free);
        if goes {
            host.state.nmdm.remove(pair);
        }
        goes
    })
}
