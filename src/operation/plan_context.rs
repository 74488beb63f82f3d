//! The input of planning: the host, for queries, and the surroundings of the run.

use crate::host::Look;
use crate::process::Process;
use crate::process::Surroundings;
use crate::session::Session;
use crate::survey;
use std::path::Path;

/// The host and the surroundings of the process that plans: the client or the root side.
pub struct PlanContext<'run> {
    /// The host, for queries.
    pub look: &'run mut dyn Look,
    /// Whether the host is FreeBSD and can be queried.
    pub is_freebsd: bool,
    /// The surroundings of the run.
    pub process: &'run Process,
}

impl<'run> PlanContext<'run> {
    /// The context of a session.
    pub fn of(session: &'run mut Session<'_, '_>) -> Self {
        Self {
            is_freebsd: survey::is_freebsd(session.host),
            look: &mut *session.host,
            process: session.process,
        }
    }
}

impl PlanContext<'_> {
    /// The directory of devices.
    pub fn devices(&self) -> &Path {
        &self.process.devices
    }

    /// The surroundings and the host together, for queries.
    pub fn asking(&mut self) -> (Surroundings<'_>, &mut dyn Look) {
        (self.process.surroundings(), &mut *self.look)
    }
}
