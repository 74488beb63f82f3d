//! nmdm(4) as a real process: two pseudo-terminals; the output of one is the input of the
//! other (sys/dev/nmdm/nmdm.c).

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{FlushArg, tcflush};
use nix::unistd::{setsid, ttyname};

use super::console::{make_raw, set_non_blocking, write_patiently};
use super::{Bell, Role, alive, pty};
use crate::host::program::{DRIVERS, with_host};

/// How often a closed end is checked: no event reports that a process has opened it.
const LOOK: Duration = Duration::from_millis(20);

/// Starts the driver of a pair, and waits until its nodes exist.
pub(in super::super) fn start(pair: &str, directory: &Path, program: &Path) -> io::Result<()> {
    Role::Nmdm(pair.to_owned()).start(program, directory)
}

/// The file that records which process is the driver of a pair.
pub(super) fn note(directory: &Path, pair: &str) -> PathBuf {
    directory.join(DRIVERS).join(pair)
}

/// One end.
struct End {
    node: PathBuf,
    terminal: PathBuf,
    master: File,
    is_open: bool,
    /// Text was written to this end that was not read yet.
    has_news: bool,
}

impl End {
    /// Makes the node. The end is closed until a process opens it.
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
            has_news: false,
        })
    }
}

impl Drop for End {
    /// Removes the node, which would lead to the next terminal of that number.
    fn drop(&mut self) {
        if fs::read_link(&self.node).is_ok_and(|target| target == self.terminal) {
            let _ = fs::remove_file(&self.node);
        }
    }
}

/// Relays the output of either end to the other, until both were closed. Output is lost
/// while the other end is closed.
pub(super) fn run(pair: &str, directory: &Path) -> io::Result<i32> {
    setsid()?;
    let dev = directory.join("dev");
    let mut ends = [
        End::new(dev.join(format!("{pair}A")))?,
        End::new(dev.join(format!("{pair}B")))?,
    ];
    let mut bell = Bell::new(directory)?;
    bell.be_mortal()?;
    alive::note(&note(directory, pair))?;
    io::stdout().write_all(b"\n")?;
    io::stdout().flush()?;
    let mut was_open = false;
    loop {
        look(&mut ends)?;
        for from in 0..2 {
            carry(&mut ends, from);
        }
        let is_open = ends.iter().any(|end| end.is_open);
        if was_open && !is_open && leave(pair, directory)? {
            return Ok(0);
        }
        was_open |= is_open;
        let readable: Vec<_> = ends
            .iter()
            .filter(|end| end.is_open)
            .map(|end| end.master.as_fd())
            .collect();
        let all_are_open = ends.iter().all(|end| end.is_open);
        let woken = bell.wait(&readable, (!all_are_open).then_some(LOOK))?;
        // Between two checks a process may have opened an end and closed it.
        was_open |= woken.is_rung;
    }
}

/// Checks which ends are open, and at which of them text was written; text that was left for the
/// previous process is lost.
fn look(ends: &mut [End; 2]) -> io::Result<()> {
    let mut pollers = ends
        .each_ref()
        .map(|end| PollFd::new(end.master.as_fd(), PollFlags::POLLIN));
    poll(&mut pollers, PollTimeout::ZERO)?;
    let events = pollers.map(|poller| poller.revents().unwrap_or(PollFlags::empty()));
    for (end, events) in ends.iter_mut().zip(events) {
        let is_open = !events.contains(PollFlags::POLLHUP);
        if is_open && !end.is_open {
            let _ = tcflush(&end.master, FlushArg::TCOFLUSH);
        }
        end.is_open = is_open;
        end.has_news = events.contains(PollFlags::POLLIN);
    }
    Ok(())
}

/// Relays the output of one end to the other.
fn carry(ends: &mut [End; 2], from: usize) {
    let mut bytes = [0; 4096];
    let [a, b] = ends;
    let (from, to) = if from == 0 { (a, b) } else { (b, a) };
    if from.has_news
        && let Ok(length) = from.master.read(&mut bytes)
        && to.is_open
    {
        let _ = write_patiently(&mut to.master, bytes.get(..length).unwrap_or_default());
    }
}

/// Removes the pair, unless a process of the host has just opened an end of it.
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
