//! Who is told of a guest's life while a plan is carried out.

use crate::error::Result;
use crate::host::Host;
use crate::model::name::VmName;

/// Where a run that supervises a guest has got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The guest is about to be loaded.
    Loading,
    /// bhyve(8) has been started, as this process.
    Starting(u32),
    /// Its title was seen for the first time in this round.
    Running(u32),
}

/// Who is told of the life of a guest while it is supervised; unless it says otherwise, it goes by
/// nothing of that.
pub trait Observer {
    /// A phase begins.
    ///
    /// # Errors
    /// If the run is to stop for it: who waited for it has gone.
    fn phase(&mut self, _host: &mut dyn Host, _phase: Phase) -> Result<()> {
        Ok(())
    }

    /// A child has said this: whole lines.
    fn said(&mut self, _host: &mut dyn Host, _lines: &[u8]) {}

    /// A round has ended so; `_again`: whether another one follows.
    fn ended(&mut self, _host: &mut dyn Host, _how: &str, _again: bool) {}

    /// It has failed, and what was made for all to use is about to be taken back.
    fn takes_back(&mut self, _host: &mut dyn Host) {}

    /// Whether nobody else has taken this VM since, which was this process's: see [`Test::Ours`](crate::plan::Test::Ours).
    fn is_ours(&mut self, _host: &mut dyn Host, _vm: &VmName, _or: Option<u32>) -> bool {
        true
    }
}

/// Nobody who is told: for plans without a guest.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl Observer for Unobserved {}
