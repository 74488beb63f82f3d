//! The program as its own root side: in this process, or as a thread if it runs in the
//! background.

use super::Fake;
use crate::call::{Stream, process};
use crate::host::{Answer, Call, Status};
use easy_bhyve::run::Output;
use easy_bhyve::run::progress::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

impl Fake {
    /// Runs the program as given by this call, to its end.
    pub(super) fn as_root(&mut self, call: &Call) -> Answer {
        let pid = self.worlds.lock().next_number();
        let mut root = Self::of(Arc::clone(&self.worlds), self.actor, pid, call.uid);
        root.search_path.clone_from(&self.search_path);
        root.answer = self.answer;
        root.interrupted = self.interrupted;
        root.looks = Arc::clone(&self.looks);
        root.out = self.out.clone();
        root.err = self.err.clone();
        let status = root.main(call);
        self.asked.append(&mut root.asked);
        // Only the drop of the client's value ends everything.
        root.actor = usize::MAX;
        self.worlds.lock().release(pid);
        Answer::of(Status::Exit(i32::from(status)))
    }

    /// Starts the program as given by this call, and waits until it has released its caller or has
    /// ended; its report.
    pub(super) fn in_background(&mut self, call: &Call) -> Vec<u8> {
        let pid = u32::try_from(call.pid.unwrap_or_default()).unwrap_or_default();
        let worlds = Arc::clone(&self.worlds);
        let actor = worlds.lock().add_actor(call.pid.unwrap_or_default());
        let (call, interrupted) = (call.clone(), self.interrupted);
        let search_path = self.search_path.clone();
        let looks = Arc::clone(&self.looks);
        let thread = {
            let worlds = Arc::clone(&worlds);
            std::thread::spawn(move || {
                worlds.wait_for_turn(actor);
                let mut root = Self::of(Arc::clone(&worlds), actor, pid, call.uid);
                root.search_path = search_path;
                root.interrupted = interrupted;
                root.looks = looks;
                let result = catch_unwind(AssertUnwindSafe(|| root.main(&call)));
                worlds.finish(actor, result.is_err());
            })
        };
        worlds.lock().threads.push(thread);
        worlds.give_turn(self.actor, actor);
        worlds.lock().take_report(actor)
    }

    fn main(&mut self, call: &Call) -> u8 {
        let process = process(call.argv.clone(), self);
        let (mut out, mut err): (Stream, Stream) = (self.out.clone(), self.err.clone());
        easy_bhyve::main(
            &process,
            self,
            &mut Output {
                out: &mut out,
                err: &mut err,
                display: Display::Lines,
            },
        )
    }
}
