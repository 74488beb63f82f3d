//! A user at a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;

use super::ground::said_of;
use crate::place::Said;
use crate::wait::LIMIT;

/// The end of an escalator's prompt for a password.
pub(super) fn prompt(escalator: &str) -> &'static str {
    match escalator {
        "doas" => "password: ",
        _ => "password for user: ",
    }
}

/// A terminal, and the text on it.
pub(super) struct Terminal {
    keyboard: File,
    line: OwnedFd,
    modes: Termios,
    shown: Receiver<Vec<u8>>,
    screen: String,
    /// The length of the text that was waited for.
    seen: usize,
}

impl Terminal {
    pub(super) fn new() -> Self {
        let pair = openpty(None, None).unwrap();
        for end in [&pair.master, &pair.slave] {
            // Otherwise the children of other tests would have the terminal open, too.
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        }
        let keyboard = File::from(pair.master);
        let mut display = keyboard.try_clone().unwrap();
        let (sender, shown) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 1024];
            // The read fails once no process has the terminal open.
            while let Ok(count) = display.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            modes: tcgetattr(&pair.slave).unwrap(),
            line: pair.slave,
            keyboard,
            shown,
            screen: String::new(),
            seen: 0,
        }
    }

    /// The terminal as a stream of a program.
    pub(super) fn stream(&self) -> Stdio {
        self.line.try_clone().unwrap().into()
    }

    /// Waits until a text appears behind the text that was waited for before.
    pub(super) fn wait_for(&mut self, text: &str) {
        loop {
            if let Some(at) = self.screen[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            match self.shown.recv_timeout(LIMIT) {
                Ok(bytes) => self.screen += &String::from_utf8_lossy(&bytes),
                Err(why) => panic!("no {text:?} ({why}) on the terminal: {:?}", self.screen),
            }
        }
    }

    /// Types keys.
    pub(super) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Whether the modes of the terminal are the initial ones.
    pub(super) fn has_its_modes(&self) -> bool {
        tcgetattr(&self.line).unwrap() == self.modes
    }

    /// Runs a command, and `person` at the terminal meanwhile.
    pub(super) fn run(&mut self, mut command: Command, person: impl FnOnce(&mut Self)) -> Said {
        let child = command.spawn().unwrap();
        drop(command);
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        let (sender, ended) = mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        person(self);
        let output = ended.recv_timeout(LIMIT).unwrap_or_else(|why| {
            let _ = kill(pid, Signal::SIGKILL);
            panic!("the command does not end ({why}): {:?}", self.screen)
        });
        said_of(&output.unwrap())
    }

    /// Types keys and closes the window before the next text.
    pub(super) fn hang_up(mut self, keys: &str) {
        let (_, unheard) = mpsc::channel();
        self.shown = unheard;
        self.press(keys);
    }

    /// The whole text, once no process runs any more.
    pub(super) fn screen(self) -> String {
        let Self {
            line,
            shown,
            mut screen,
            ..
        } = self;
        drop(line);
        while let Ok(bytes) = shown.recv_timeout(LIMIT) {
            screen += &String::from_utf8_lossy(&bytes);
        }
        screen
    }
}
