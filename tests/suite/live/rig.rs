//! A machine with a VM `web` that the test starts by hand.

use std::process::{Child, Command, ExitStatus, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::host::process::Process;
use crate::host::{GuestPlan, Host, State};
use crate::machine::Machine;
use crate::seat::Seat;
use crate::wait::{output_of, until, wait_for};

/// The disk of `web`, on which a system is installed.
pub(super) const DISK: &str = "/dev/zvol/zroot/vm/web";

/// A guest that boots at once, and reacts at once.
pub(crate) fn quick() -> GuestPlan {
    GuestPlan {
        title_ms: 0,
        acpi_ms: Some(0),
        button_ms: Some(0),
        loader_ms: 0,
        ..GuestPlan::default()
    }
}

/// A machine with modules, `bridge0` with `tap0`, and `web`, whose guest behaves as given.
pub(super) struct Rig {
    pub(super) machine: Machine,
}

impl Rig {
    pub(super) fn new(guest: GuestPlan) -> Self {
        let mut host = Host::freebsd(14)
            .with_volume("zroot/vm/web", 1 << 30)
            .with_tap("tap0", "")
            .with_commands(&[
                "kldload -n vmm nmdm if_bridge",
                "ifconfig bridge0 create",
                "ifconfig bridge0 addm tap0",
            ]);
        host.state.guest = guest;
        Self::of(host)
    }

    pub(super) fn of(host: Host) -> Self {
        Self {
            machine: Machine::new(host, ""),
        }
    }

    /// A program of the host, its line split at blanks, called by root.
    pub(super) fn tool(&self, line: &str) -> Command {
        let words: Vec<&str> = line.split(' ').collect();
        self.machine.tool(&words)
    }

    /// Runs a program of the host to its end.
    pub(super) fn run(&self, line: &str) -> Output {
        output_of(self.tool(line))
    }

    /// Runs a program of the host that must succeed; its output.
    #[track_caller]
    pub(super) fn done(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a program of the host without a terminal; its output is dropped.
    pub(super) fn spawn(&self, line: &str) -> Running {
        let mut command = self.tool(line);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Running(command.spawn().unwrap())
    }

    /// Puts a kernel into `web`.
    #[track_caller]
    pub(super) fn load(&self) {
        self.done(&format!("bhyveload -m 256M -d {DISK} web"));
    }

    /// Starts `web`, whose kernel is loaded, in the background; its pid.
    #[track_caller]
    pub(super) fn start(&self) -> i32 {
        self.done(&format!("daemon -f {}", bhyve("/dev/nmdm0A")));
        wait_for("a bhyve", || self.state().bhyve_of("web"))
    }

    /// Loads and starts `web`; its pid.
    #[track_caller]
    pub(super) fn boot(&self) -> i32 {
        self.load();
        self.start()
    }

    /// Starts a program of the host on a terminal.
    pub(super) fn sit(&self, line: &str) -> Seat {
        Seat::start(&self.tool(line))
    }

    pub(super) fn state(&self) -> State {
        self.machine.host().state
    }

    /// The pid of `web`, if it runs.
    pub(super) fn web(&self) -> Option<Process> {
        let state = self.state();
        let pid = state.bhyve_of("web")?;
        state.processes.get(&pid).cloned()
    }

    /// Waits until `web` does not run.
    #[track_caller]
    pub(super) fn until_off(&self) {
        until("the end of the guest", || self.web().is_none());
    }

    /// Waits until the guest listens to its power button.
    #[track_caller]
    pub(super) fn until_acpi(&self) {
        until("ACPI", || {
            self.web()
                .is_some_and(|process| process.sigignore == 0x4000)
        });
    }
}

/// The command line of `web` with this console.
pub(super) fn bhyve(console: &str) -> String {
    format!(
        "bhyve -A -H -m 256M -s 0:0,hostbridge -s 1:0,lpc -s 2:0,virtio-net,tap0 \
         -s 3:0,virtio-blk,{DISK} -l com1,{console} web"
    )
}

/// Sends a real signal to a process.
pub(super) fn send(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).unwrap();
}

/// A program that a test has started; it is killed at the end of the test.
pub(super) struct Running(Child);

impl Running {
    pub(super) fn pid(&self) -> i32 {
        self.0.id().try_into().unwrap()
    }

    /// How the program has ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }

    /// Waits until the program has ended.
    #[track_caller]
    pub(super) fn end(&mut self) -> ExitStatus {
        wait_for("the end of a program", || self.ended())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
