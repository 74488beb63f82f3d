//! What a process has from its caller and the root side does not take: umask, resource limits, ignored
//! and blocked signals. What it starts inherits its own.

use nix::libc::{
    SIGALRM, SIGPROF, SIGQUIT, SIGSYS, SIGTRAP, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGXCPU, SIGXFSZ, c_int,
};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::sys::signal::SigSet;
use nix::sys::stat::{Mode, umask};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Others may read what is not made for root alone, and change nothing.
const UMASK: Mode = Mode::from_bits_truncate(0o022);

/// Signals that do again what they do by default, but for those that are caught anyway (see
/// [`super::signals`]), and SIGPIPE, which is back at its default in every child of a Rust program.
const DEFAULT: [c_int; 12] = [
    SIGALRM, SIGPROF, SIGQUIT, SIGSYS, SIGTRAP, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGXCPU,
];

/// Limits of which the root side has as much as there is, as root's login class has (login.conf(5)).
const LIFTED: &[Resource] = &[
    #[cfg(target_os = "linux")]
    Resource::RLIMIT_AS,
    Resource::RLIMIT_CPU,
    Resource::RLIMIT_DATA,
    Resource::RLIMIT_FSIZE,
    Resource::RLIMIT_MEMLOCK,
    Resource::RLIMIT_NOFILE,
    Resource::RLIMIT_NPROC,
    Resource::RLIMIT_RSS,
    Resource::RLIMIT_STACK,
    #[cfg(target_os = "freebsd")]
    Resource::RLIMIT_KQUEUES,
    #[cfg(target_os = "freebsd")]
    Resource::RLIMIT_NPTS,
    #[cfg(target_os = "freebsd")]
    Resource::RLIMIT_SBSIZE,
    #[cfg(target_os = "freebsd")]
    Resource::RLIMIT_SWAP,
    #[cfg(target_os = "freebsd")]
    Resource::RLIMIT_VMEM,
];

/// Gives this process surroundings of its own.
///
/// # Errors
/// If a signal cannot be taken.
pub(super) fn isolate() -> io::Result<()> {
    umask(UMASK);
    for &resource in LIFTED {
        lift(resource);
    }
    // A core of bhyve(8) would hold the guest's memory.
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_CORE) {
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, most);
    }
    SigSet::empty().thread_set_mask()?;
    // A signal that is handled is at its default in what is started from now on (execve(2)), and an
    // ignored one would be ignored there, too.
    let is_due = Arc::new(AtomicBool::new(true));
    for signal in DEFAULT {
        flag::register_conditional_default(signal, Arc::clone(&is_due))?;
    }
    // A log that has no room is a warning, and no end of who supervises a guest.
    flag::register(SIGXFSZ, Arc::default())?;
    Ok(())
}

/// Lifts a limit as far as it goes.
fn lift(resource: Resource) {
    if setrlimit(resource, RLIM_INFINITY, RLIM_INFINITY).is_err()
        && let Ok((_, most)) = getrlimit(resource)
    {
        // Who may not even do this has less than it could have, and goes on.
        let _ = setrlimit(resource, most, most);
    }
}
