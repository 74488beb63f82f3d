//! Follows a command whose output is a report, until the last writer closes it.

use super::child::ended;
use super::liveness::Reader;
use super::system::System;
use super::{Caller, Ended, Follower};
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

impl System {
    pub(super) fn followed(
        &mut self,
        mut prepared: std::process::Command,
        every: Option<Duration>,
        event: &mut Follower<'_>,
    ) -> io::Result<Ended> {
        let (mut report, writer) = Reader::pipe()?;
        let (liveness, liveness_writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
        self.liveness_writer = Some(liveness_writer);
        prepared
            .stdin(liveness)
            .stdout(writer.try_clone()?)
            .stderr(writer);
        self.signals()?;
        let mut child = prepared.spawn()?;
        // Closes this process's copies of the child's ends.
        drop(prepared);
        while !report.is_closed() {
            if self.interrupted().is_some() {
                self.liveness_writer = None;
            }
            let end = every.map(|every| Instant::now() + every);
            self.sleep(&[report.as_fd()], end, false)?;
            event(self, None);
            let mut said = report.lines()?;
            if report.is_closed() {
                said.append(&mut report.all());
            }
            for said in said.split(|&byte| byte == b'\n') {
                if !said.is_empty() {
                    event(self, Some(said));
                }
            }
        }
        self.liveness_writer = None;
        Ok(ended(child.wait()?))
    }
}
