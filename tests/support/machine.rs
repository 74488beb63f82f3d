//! The simulated host as the environment of the real program, in a directory of its own.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Once, OnceLock};
use std::time::SystemTime;

use easy_bhyve::verb::Verb;
use nix::sys::signal::Signal;
use nix::sys::statvfs::statvfs;

use crate::case::root;
use crate::host::build::USER;
use crate::host::{Host, program};

/// VMs of every loader; `@DIR@` is the machine's directory and `@WORD@` the escalator.
pub(crate) const CONFIG: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm privilege=@WORD@
fbsd0_id=1 fbsd0_freebsd=YES fbsd0_cd0=@DIR@/iso/fbsd.iso
deb0_id=2 deb0_cd0=@DIR@/iso/deb.iso deb0_if0=tap2 deb0_if1=tap3 deb0_if1_bridge=bridge1
net0_id=4 net0_cd0=@DIR@/iso/deb.iso
net0_grub_install='linux (cd0)/vmlinuz
initrd (cd0)/initrd'
net0_grub_boot='linux (hd0,msdos1)/vmlinuz'
";

/// The factor by which the program's clock is slower on a machine: ten seconds are two minutes.
const PACE: u32 = 12;

/// A host whose programs, devices and files lie in one directory.
pub(crate) struct Machine {
    directory: tempfile::TempDir,
}

/// The multicall program of the host, built if it does not exist or is older than its sources: cargo
/// builds no example for one test binary alone.
pub(crate) fn playground() -> &'static Path {
    static PLAYGROUND: OnceLock<PathBuf> = OnceLock::new();
    PLAYGROUND.get_or_init(|| {
        let mut program = std::env::current_exe().unwrap();
        program.pop();
        program.pop();
        program.push("examples/playground");
        let built = fs::metadata(&program).and_then(|about| about.modified());
        let sources = ["src", "examples", "tests/support/host"].map(|one| root().join(one));
        let newest = sources.iter().filter_map(|one| newest(one)).max();
        if built.map_or(true, |built| newest.is_some_and(|newest| newest > built)) {
            let built = Command::new(env!("CARGO"))
                .args(["build", "--quiet", "--offline", "--example", "playground"])
                .status();
            assert!(built.is_ok_and(|status| status.success()));
        }
        program
    })
}

/// The time of the last change of a file below a directory.
fn newest(directory: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(directory).ok()?;
    entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            if path.is_dir() {
                return newest(&path);
            }
            fs::metadata(path).ok()?.modified().ok()
        })
        .max()
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = program::remove(self.directory.path());
    }
}

/// Resets the signals that a terminal sends for the children of this process: the parent of this
/// process, such as nohup(1), may have ignored them, and a shell could not trap ignored signals.
pub(crate) fn pass_on_no_ignored_signal() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
            let number = signal as i32;
            if ignored.unwrap_or_default() >> (number - 1) & 1 != 0 {
                // A handler is not inherited by a program, and this one does nothing.
                signal_hook::flag::register(number, Arc::default()).unwrap();
            }
        }
    });
}

/// Links a called name to the program, and as `setup` does the other verbs of the VM.
pub(crate) fn link(directory: &Path, called: &OsStr, program: &Path) {
    let vm = called.to_str().and_then(|name| name.rsplit_once('-'));
    let verbs = vm.into_iter().flat_map(|(vm, _)| {
        let verbs = Verb::ALL.into_iter();
        verbs.map(move |verb| format!("{vm}-{verb}").into())
    });
    for name in verbs.chain([called.to_owned()]) {
        match symlink(program, directory.join(name)) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => panic!("{error}"),
            _ => {}
        }
    }
}

/// A directory for a machine: in memory, if there is room for the files that it makes.
fn in_memory() -> tempfile::TempDir {
    const ROOM: u64 = 1 << 30;
    let memory = Path::new("/dev/shm");
    let has_room = statvfs(memory).is_ok_and(|about| {
        let free = about.blocks_available() * about.fragment_size();
        free >= ROOM
    });
    let there = has_room
        .then(|| tempfile::tempdir_in(memory).ok())
        .flatten();
    there.unwrap_or_else(|| tempfile::tempdir().unwrap())
}

impl Machine {
    /// A machine with this configuration, in which `@DIR@` is its directory: `vm` and `iso` are there
    /// for files. A host at the real pace becomes a slow one.
    pub(crate) fn new(mut host: Host, config: &str) -> Self {
        // No limit may be reached because the machine is busy.
        if host.state.pace == 1 {
            host.state.pace = PACE;
        }
        pass_on_no_ignored_signal();
        let directory = in_memory();
        let path = directory.path();
        program::install(host, path, playground()).unwrap();
        for below in ["vm", "iso", "eb"] {
            fs::create_dir(path.join(below)).unwrap();
        }
        for system in ["fbsd", "deb"] {
            fs::write(path.join(format!("iso/{system}.iso")), "a system").unwrap();
        }
        let config = config.replace("@DIR@", path.to_str().unwrap());
        fs::write(path.join("easy-bhyve.conf"), config).unwrap();
        Self { directory }
    }

    /// The directory of the machine.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The program under test, called by the name of the first word: the copy in the playground, whose
    /// root side finds this host.
    pub(crate) fn program<Word: AsRef<OsStr>>(&self, words: &[Word]) -> Command {
        let eb = self.path().join("eb");
        link(&eb, words[0].as_ref(), playground());
        let mut command = Command::new(eb.join(words[0].as_ref()));
        command.args(&words[1..]);
        self.surround(command)
    }

    /// A program of the host, called by root.
    pub(crate) fn tool(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.path().join("bin").join(words[0]));
        command.args(&words[1..]);
        let mut command = self.surround(command);
        command.env(program::UID, "0");
        command
    }

    /// The shell.
    pub(crate) fn sh(&self) -> Command {
        self.surround(Command::new("/bin/sh"))
    }

    /// Gives a command only the machine's environment, and no terminal.
    pub(crate) fn surround(&self, mut command: Command) -> Command {
        let path = format!("{}:/usr/bin:/bin", self.path().join("bin").display());
        command
            .env_clear()
            .env("PATH", path)
            .env("TERM", "vt100")
            .env("EASY_BHYVE_CONFIG", self.path().join("easy-bhyve.conf"))
            .env(program::DIRECTORY, self.path())
            .env(program::UID, USER.to_string())
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// Changes the host while no other process can.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Host) -> T) -> T {
        program::with_host(self.path(), work).unwrap()
    }

    /// The present state of the host.
    pub(crate) fn host(&self) -> Host {
        self.with(|host| host.clone())
    }
}
