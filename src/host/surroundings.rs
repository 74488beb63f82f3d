//! Process attributes that the root side does not keep from its caller: umask, resource limits, ignored
//! and blocked signals. Children inherit the new values.

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

/// Others may read new files, except those for root alone, and may not change any.
const UMASK: Mode = Mode::from_bits_truncate(0o022);

/// Signals reset to their default action. Not listed: caught signals (see [`super::signals`]), and
/// SIGPIPE, which every child of a Rust program has at its default action.
const DEFAULT: [c_int; 12] = [
    SIGALRM, SIGPROF, SIGQUIT, SIGSYS, SIGTRAP, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGXCPU,
];

/// Limits raised to the maximum, as in root's login class (login.conf(5)).
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

/// Resets the attributes of this process.
///
/// # Errors
/// If a signal handler cannot be installed.
pub(super) fn isolate() -> io::Result<()> {
    umask(UMASK);
    for &resource in LIFTED {
        lift(resource);
    }
    // A core of bhyve(8) would contain the guest's memory.
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_CORE) {
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, most);
    }
    SigSet::empty().thread_set_mask()?;
    // execve(2) resets a handled signal to its default, and keeps an ignored one ignored.
    let is_due = Arc::new(AtomicBool::new(true));
    for signal in DEFAULT {
        flag::register_conditional_default(signal, Arc::clone(&is_due))?;
    }
    // A log that exceeds the limit is a warning and must not end the supervisor of a guest.
    flag::register(SIGXFSZ, Arc::default())?;
    Ok(())
}

/// Raises a limit to the maximum, or else to its hard limit.
fn lift(resource: Resource) {
    if setrlimit(resource, RLIM_INFINITY, RLIM_INFINITY).is_err()
        && let Ok((_, most)) = getrlimit(resource)
    {
        // Ignore failure: a lower limit is no reason to stop.
        let _ = setrlimit(resource, most, most);
    }
}
