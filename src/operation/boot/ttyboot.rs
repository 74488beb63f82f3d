//! `ttyboot`: starts a VM on this terminal.

use crate::config::settings::Need;
use crate::error::Result;
use crate::model::Vm;
use crate::operation::Operation;
use crate::operation::context::{Context, Outcome};
use crate::operation::options::{Override, StartArgs};

/// Options of `ttyboot`.
// `boot::Args` includes this struct, and clap names a group of options after its struct.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// -d, --timings, -c, -m
    #[command(flatten)]
    pub start: StartArgs,
    /// Stop at grub's prompt
    #[arg(short = 'p', long)]
    pub pause: bool,
}

impl Operation for Args {
    const NEED: Need = Need::Boot;

    fn given(&self) -> Option<&Override> {
        Some(&self.start.with)
    }

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        super::terminal(context, vm, &self, None)
    }
}
