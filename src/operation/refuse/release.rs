//! What an older release of the host does not have.

use crate::error::{Error, Result};
use crate::finding::FindingName;
use crate::model::Vm;
use crate::model::backend::NicBackend;
use crate::model::screen::{Place, ScreenSize};
use crate::tools::sysctl::Kernel;

/// A part of a VM that not every release has.
struct Newer {
    what: String,
    /// The first release that has it, and its `kern.osreldate`.
    since: (&'static str, u32),
    help: &'static str,
}

/// Refuses what this host's release does not have; an unknown release has everything.
///
/// # Errors
/// If the VM needs something newer.
pub(crate) fn refuse_newer(vm: &Vm, kernel: &Kernel) -> Result<()> {
    let Some(osreldate) = kernel.osreldate else {
        return Ok(());
    };
    let newer = newer(vm)
        .into_iter()
        .find(|newer| osreldate < newer.since.1);
    newer.map_or(Ok(()), |newer| {
        Err(Error::config(format!(
            "{} needs FreeBSD {}, and this host has an older release",
            newer.what, newer.since.0
        ))
        .named(FindingName::Setting)
        .help(newer.help))
    })
}

/// Release notes of 15.0 and 15.1; `usr.sbin/bhyve/pci_fbuf.c`.
fn newer(vm: &Vm) -> Vec<Newer> {
    let slirp = vm
        .nics
        .iter()
        .filter(|nic| matches!(nic.backend, NicBackend::Slirp(_)));
    let slirp = slirp.map(|nic| Newer {
        what: format!("{}_if{}={}", vm.name, nic.number, nic.backend),
        since: ("15.0", 1_500_000),
        help: "use a tap",
    });
    let screen = vm.screen.as_ref();
    let socket = screen.filter(|screen| matches!(screen.place, Place::Unix(_)));
    let socket = socket.map(|screen| Newer {
        what: format!("{}_vnc={}", vm.name, screen.place),
        since: ("15.1", 1_501_000),
        help: "use an address and a port",
    });
    let size = screen.and_then(|screen| screen.size);
    let size = size.filter(ScreenSize::is_large).map(|size| Newer {
        what: format!("{}_vnc_size={size}", vm.name),
        since: ("14.0", 1_400_000),
        help: "write 1920x1200 or less",
    });
    slirp.chain(socket).chain(size).collect()
}
