//! A shell on the simulated host.

use std::fs;
use std::io::{self, Write};
use std::process::{Child, Command};
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
guests are simulated. Nothing outside of one temporary directory is changed.

  easy-bhyve list               lists the VMs of the example configuration
  fbsd0-boot -d                 shows the commands that a boot would run
  fbsd0-resources -V 20g -s     creates its disk
  fbsd0-install                 runs its installer on this terminal
  fbsd0-boot                    boots the VM in the background
  fbsd0-console                 connects to its console; ~. at the beginning of a line leaves
  easy-bhyve status             shows what runs
  fbsd0-snapshot before         takes a ZFS snapshot
  fbsd0-shutdown                presses the power button

The configuration is ~/bin/easy-bhyve.conf. It has further VMs, such as uefi0 and nbsd0; the host
has ifconfig, zfs, ps and the other commands that easy-bhyve uses. `exit' ends the simulation.

";

/// Runs the shell until it ends.
pub(super) fn enter() -> io::Result<i32> {
    let place = Place::new(GuestPlan {
        acpi_ms: Some(5_000),
        button_ms: Some(2_500),
        ..GuestPlan::default()
    })?;
    let setup = Command::new(place.home().join("bin/easy-bhyve"));
    let status = place.surround(setup).arg("setup").output()?;
    if !status.status.success() {
        io::stderr().write_all(&status.stderr)?;
        return Ok(1);
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
fn wait(shell: &mut Child) -> io::Result<()> {
    let is_over = Arc::new(AtomicBool::new(false));
    for signal in [Signal::SIGHUP, Signal::SIGTERM] {
        signal_hook::flag::register(signal as i32, Arc::clone(&is_over))?;
    }
    while shell.try_wait()?.is_none() {
        if is_over.swap(false, Ordering::Relaxed) {
            let pid = i32::try_from(shell.id()).map_err(io::Error::other)?;
            kill(Pid::from_raw(pid), Signal::SIGHUP)?;
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
