//! A terminal as a user has it: a test starts a program on it, reads the output, and types.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};
use nix::unistd::Pid;

use crate::host::live::pty;
use crate::wait::look_for;

/// The modes of a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Modes {
    /// The modes of the line.
    pub(crate) termios: Termios,
    /// The flags of its open file, which the user's shell shares.
    pub(crate) flags: OFlag,
}

/// A terminal with a program on it; it controls the program's session where setsid(1) can do that.
pub(crate) struct Seat {
    child: Child,
    master: File,
    /// The side of the terminal that the user's shell has open.
    slave: OwnedFd,
    before: Modes,
    /// All output so far.
    written: String,
    /// The length of the output that was waited for.
    seen: usize,
}

impl Seat {
    /// Starts a program on a terminal of its own.
    pub(crate) fn start(command: &Command) -> Self {
        let terminal = pty::open().unwrap();
        fcntl(&terminal.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let before = modes(&terminal.slave);
        let slave = || Stdio::from(terminal.slave.try_clone().unwrap());
        let child = in_session(command)
            .stdin(slave())
            .stdout(slave())
            .stderr(slave())
            .spawn()
            .unwrap();
        Self {
            child,
            master: File::from(terminal.master),
            slave: terminal.slave,
            before,
            written: String::new(),
            seen: 0,
        }
    }

    /// Sets the columns of the terminal, which has 80 at first.
    pub(crate) fn resize(&self, columns: u16) {
        let mut stty = Command::new("stty");
        stty.args(["cols", &columns.to_string()])
            .stdin(self.slave.try_clone().unwrap());
        assert!(stty.status().unwrap().success());
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap());
        kill(pid, signal).unwrap();
    }

    /// Waits until this text appears behind the text that was waited for before.
    #[track_caller]
    pub(crate) fn see(&mut self, text: &str) {
        let found = look_for(|| {
            // Asked first, so that the output before the end is read.
            let has_ended = self.child.try_wait().unwrap().is_some();
            self.read();
            let at = self.written[self.seen..].find(text);
            if let Some(at) = at {
                self.seen += at + text.len();
            }
            (at.is_some() || has_ended).then_some(at.is_some())
        });
        let rest = &self.written[self.seen..];
        assert_eq!(found, Some(true), "{text:?} was not written, but {rest:?}");
    }

    /// Types, without waiting for anything.
    pub(crate) fn type_in(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for a text, then types.
    #[track_caller]
    pub(crate) fn answer(&mut self, text: &str, keys: &str) {
        self.see(text);
        self.type_in(keys);
    }

    /// Whether keys are read singly and without echo: the terminal is raw.
    pub(crate) fn is_raw(&self) -> bool {
        let cooked = LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG;
        !tcgetattr(&self.slave)
            .unwrap()
            .local_flags
            .intersects(cooked)
    }

    /// Waits until the program has ended: its status, and all output.
    #[track_caller]
    pub(crate) fn end(mut self) -> Left {
        let status = look_for(|| {
            let status = self.child.try_wait().unwrap();
            self.read();
            status
        });
        let Some(status) = status else {
            let _ = self.child.kill();
            panic!(
                "the program does not end, and has written {:?}",
                self.written
            );
        };
        let after = modes(&self.slave);
        Left {
            status,
            written: std::mem::take(&mut self.written),
            same_modes: self.before.termios == after.termios,
            same_flags: self.before.flags == after.flags,
        }
    }

    /// Closes the window: the terminal closes, and SIGHUP is sent, as a shell sends it to all of
    /// its jobs.
    pub(crate) fn hang_up(self) -> Child {
        let Self {
            child,
            master,
            slave,
            ..
        } = self;
        drop((master, slave));
        killpg(
            Pid::from_raw(child.id().try_into().unwrap()),
            Signal::SIGHUP,
        )
        .unwrap();
        child
    }

    /// All output so far.
    pub(crate) fn written(&mut self) -> &str {
        self.read();
        &self.written
    }

    fn read(&mut self) {
        let mut bytes = [0; 4096];
        // The read fails at the end of the output.
        while let Ok(length) = self.master.read(&mut bytes) {
            self.written += &String::from_utf8_lossy(&bytes[..length]);
        }
    }
}

/// The terminal after its program has ended.
#[derive(Debug)]
pub(crate) struct Left {
    /// How the program has ended.
    pub(crate) status: ExitStatus,
    /// All output.
    pub(crate) written: String,
    /// Whether the modes of the line are the same as before.
    pub(crate) same_modes: bool,
    /// Whether the flags of its open file are the same as before.
    pub(crate) same_flags: bool,
}

fn modes(terminal: &OwnedFd) -> Modes {
    let flags = fcntl(terminal.as_fd(), FcntlArg::F_GETFL).unwrap();
    Modes {
        termios: tcgetattr(terminal).unwrap(),
        flags: OFlag::from_bits_truncate(flags),
    }
}

/// The same command as the leader of a session whose controlling terminal is its standard input.
fn in_session(command: &Command) -> Command {
    let (program, args) = (command.get_program(), command.get_args());
    let mut wrapped = match which::which("setsid") {
        Ok(setsid) => {
            let mut wrapped = Command::new(setsid);
            wrapped.arg("--ctty").arg(program);
            wrapped
        }
        Err(_) => Command::new(program),
    };
    wrapped.args(args).env_clear();
    for (name, value) in command.get_envs() {
        wrapped.env(name, value.unwrap_or_default());
    }
    wrapped.current_dir(command.get_current_dir().unwrap());
    wrapped
}
