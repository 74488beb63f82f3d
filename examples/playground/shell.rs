//! A shell on the simulated host.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::host::GuestPlan;
use super::place::Place;

const GREETING: &str = "\
This is a SIMULATION. easy-bhyve is the real program; the FreeBSD host with its commands and the
guests are simulated. Nothing outside of one temporary directory is changed. In this order:

  easy-bhyve list                     lists the VMs of the example configuration
  fbsd0-resources -V 20g -s           creates the disk of the first one
  fbsd0-install -d                    shows the commands that the installation would run
  fbsd0-install                       runs the installer on this terminal
  fbsd0-boot                          boots the VM in the background
  fbsd0-console                       connects to its console; ~. at the beginning of a line leaves
  easy-bhyve status                   shows what runs
  fbsd0-snapshot before the change    takes a ZFS snapshot
  fbsd0-shutdown                      presses the power button
  fbsd0-rollback                      rolls back to the snapshot
  fbsd0-log                           shows what the VM has done

The configuration is ~/bin/easy-bhyve.conf. It has further VMs, such as uefi0 and nbsd0; the host
has ifconfig, zfs, ps and the other commands that easy-bhyve uses. `exit' ends the simulation.

";

/// Runs the shell until it ends; without a terminal it runs the commands of its standard input, and its
/// status is that of the last one.
pub(super) fn enter() -> io::Result<i32> {
    let place = Place::new(GuestPlan {
        acpi_ms: Some(5_000),
        button_ms: Some(2_500),
        ..GuestPlan::default()
    })?;
    let setup = Command::new(place.home().join("bin/easy-bhyve"));
    let output = place.surround(setup).arg("setup").output()?;
    if !output.status.success() {
        io::stderr().write_all(&output.stderr)?;
        return Ok(1);
    }
    if !io::stdin().is_terminal() {
        let mut shell = place.surround(Command::new("/bin/sh")).spawn()?;
        return wait(&mut shell).map(shown_status);
    }
    io::stdout().write_all(GREETING.as_bytes())?;
    io::stdout().flush()?;
    let settings = place.path("settings");
    fs::write(&settings, "PS1='playground$ '\n")?;
    let mut shell = match which::which("bash") {
        Ok(bash) => {
            let mut shell = Command::new(bash);
            shell.arg("--rcfile").arg(&settings).arg("-i");
            shell
        }
        Err(_) => Command::new("/bin/sh"),
    };
    shell.env("ENV", &settings);
    wait(&mut place.surround(shell).spawn()?)?;
    // The terminal may be closed already.
    let _ = writeln!(io::stdout(), "The simulated host and its VMs were removed.");
    Ok(0)
}

/// Waits until the shell has ended. When the terminal closes or a signal ends this process, the shell
/// and all that runs in it are ended; the rest is removed afterwards.
fn wait(shell: &mut Child) -> io::Result<ExitStatus> {
    let is_over = Arc::new(AtomicBool::new(false));
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        signal_hook::flag::register(signal as i32, Arc::clone(&is_over))?;
    }
    loop {
        if let Some(status) = shell.try_wait()? {
            return Ok(status);
        }
        if is_over.swap(false, Ordering::Relaxed) {
            let pid = i32::try_from(shell.id()).map_err(io::Error::other)?;
            kill(Pid::from_raw(pid), Signal::SIGHUP)?;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// As a shell shows it.
fn shown_status(ended: ExitStatus) -> i32 {
    let by_signal = || ended.signal().map(|signal| 128 + signal);
    ended.code().or_else(by_signal).unwrap_or(125)
}
