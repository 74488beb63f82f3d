//! Finds the processes of a VM, and signals them.

use super::Run;
use super::failure::{no_answer, no_receiver};
use crate::command::Command;
use crate::error::Result;
use crate::host::Ended;
use crate::plan::{Known, Signal, Workers};
use crate::tools::workers::{among, is_known};
use std::ffi::OsString;

impl Run<'_, '_, '_> {
    /// The pids of the processes that match at present.
    pub(super) fn found(&mut self, workers: &Workers) -> Result<Vec<u32>> {
        let finished = self.ask(&workers.command)?;
        if finished.ended != Ended::Exit(0) {
            return Err(no_answer(&workers.command, &finished));
        }
        Ok(among(workers, &String::from_utf8_lossy(&finished.stdout)))
    }

    /// Sends a signal to the processes that match at present.
    pub(super) fn signal(&mut self, Signal { by, to }: &Signal) -> Result<()> {
        let pids = self.found(to)?;
        if pids.is_empty() {
            return if by.accept.contains(&1) {
                Ok(())
            } else {
                Err(no_receiver(by, to))
            };
        }
        let mut command = by.clone();
        let pids = pids.iter().map(u32::to_string);
        command.args.extend(pids.map(OsString::from));
        self.run(&command)
    }

    /// Whether the process that the command lists is still the known one.
    pub(super) fn is_still(&mut self, command: &Command, known: &Known) -> Result<bool> {
        let finished = self.ask(command)?;
        match finished.ended {
            Ended::Exit(0) => Ok(is_known(known, &String::from_utf8_lossy(&finished.stdout))),
            Ended::Exit(1) => Ok(false),
            _ => Err(no_answer(command, &finished)),
        }
    }
}
