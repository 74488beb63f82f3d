//! Processes, the guests in bhyve processes, and the behaviour of guests.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::call::Status;

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its parent.
    pub ppid: i32,
    /// Its effective user, which decides what it may do.
    pub uid: u32,
    /// Its real user, which has started it, even as a set-uid program.
    pub ruid: u32,
    /// When it started.
    pub started_ms: u64,
    /// Resident memory in KiB.
    pub rss: u64,
    /// Mask of ignored signals; 0x4000 is SIGTERM.
    pub sigignore: u32,
    /// The name of its program.
    pub comm: String,
    /// Its command line.
    pub argv: Vec<String>,
    /// What setproctitle(3) has put in place of the command line.
    pub title: Option<String>,
    /// The jail that it is in; 0 is none.
    pub jail: i32,
    /// The disks and devices that it has open.
    pub open: BTreeSet<PathBuf>,
    /// The guest of a bhyve process.
    pub guest: Option<Guest>,
    /// The task of a supervising daemon(8).
    pub supervisor: Option<Supervisor>,
    /// The VM that a loader prepares.
    pub loads: Option<String>,
    /// Its real process; `None`: it is only an entry here.
    pub live: Option<Live>,
}

impl Process {
    /// Whether it is a real process that only its own exit ends.
    pub fn is_free(&self) -> bool {
        self.live.is_some() && self.guest.is_none() && self.loads.is_none()
    }
}

/// A real process of this machine, with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// When it started, by the clock of the kernel: a later process may have the same number.
    pub started: u64,
}

/// The machine inside a bhyve process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// The VM.
    pub vm: String,
    /// When the title appears.
    pub title_at: Option<u64>,
    /// When the guest turns ACPI on.
    pub acpi_at: Option<u64>,
    /// Whether the power button is pressed already.
    pub pressed: bool,
    /// When and how it ends, if that is known.
    pub end: Option<(u64, Ending)>,
    /// Milliseconds from the moment in which its title is seen to its end, and how it ends.
    pub end_once_seen: Option<(u64, Ending)>,
    /// `-D`: the VM node is destroyed at a power-off.
    pub destroy: bool,
}

/// A daemon(8) that stays as the parent of its command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supervisor {
    /// The child.
    pub child: Option<i32>,
    /// Milliseconds to wait before it starts the command again; `None`: not again.
    pub restart_ms: Option<u64>,
    /// When the next start is due.
    pub due: Option<u64>,
    /// The command.
    pub command: Vec<String>,
    /// Files that are removed when it ends.
    pub pidfiles: Vec<PathBuf>,
}

/// How a guest ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// bhyve exits 1.
    PowerOff,
    /// bhyve exits 0.
    Reboot,
    /// bhyve exits 2.
    Halt,
    /// bhyve exits 3.
    TripleFault,
    /// bhyve exits 4.
    Error,
    /// bhyve exits 100: the reason of the suspension is not known.
    Unknown,
    /// bhyve is ended by this signal.
    Signal(i32),
}

impl Ending {
    /// The exit status of bhyve(8).
    pub fn status(self) -> Status {
        match self {
            Self::Reboot => Status::Exit(0),
            Self::PowerOff => Status::Exit(1),
            Self::Halt => Status::Exit(2),
            Self::TripleFault => Status::Exit(3),
            Self::Error => Status::Exit(4),
            Self::Unknown => Status::Exit(100),
            Self::Signal(signal) => Status::Signal(signal),
        }
    }
}

/// How a guest behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestPlan {
    /// Milliseconds until bhyve shows its title.
    pub title_ms: u64,
    /// Milliseconds until a viewer connects to a screen for which bhyve waits; `None`: never.
    #[serde(default)]
    pub viewer_ms: Option<u64>,
    /// Milliseconds until the guest turns ACPI on; `None`: never.
    pub acpi_ms: Option<u64>,
    /// Milliseconds from the power button to power-off; `None`: it ignores the button.
    pub button_ms: Option<u64>,
    /// Milliseconds until it ends by itself; `None`: it runs until it is told to end.
    pub runs_ms: Option<u64>,
    /// Whether that time begins when the title is seen, so that no look at the title comes too
    /// late.
    pub is_seen_first: bool,
    /// How its runs end, one after the other; behind the last: power-off.
    pub endings: Vec<Ending>,
    /// The content of the disk or ISO image for the loader.
    pub loader: Loader,
    /// Milliseconds for which a loader shows its menu.
    pub loader_ms: u64,
    /// The output of bhyve on standard error from its start on, as a real process.
    pub noise: Option<Noise>,
}

/// Lines on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noise {
    /// The number of bytes at once; a line has 80, and the last one the rest.
    pub bytes: usize,
    /// Milliseconds from one time to the next; `None`: once.
    pub every_ms: Option<u64>,
}

impl Default for GuestPlan {
    fn default() -> Self {
        Self {
            title_ms: 400,
            viewer_ms: None,
            acpi_ms: Some(8_000),
            button_ms: Some(4_000),
            runs_ms: None,
            is_seen_first: false,
            endings: Vec::new(),
            loader: Loader::Menu,
            loader_ms: 3_000,
            noise: None,
        }
    }
}

/// The content of a disk that is not blank, for a loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loader {
    /// A menu that boots when its time is over.
    Menu,
    /// No `/boot/grub/grub.cfg`: grub stays at its prompt; bhyveload boots.
    Prompt,
    /// The kernel cannot be read: bhyveload exits 1, grub's `linux` fails.
    Broken,
    /// The loader never ends.
    Stuck,
}
