//! A simulated FreeBSD host for tests.
//!
//! It works on command lines: one small typed parser per program, each refusing what the real
//! program refuses, with its message and exit status, and accepting what that program accepts,
//! harmful or not; a test then checks the resulting [`State`]. The module uses nothing of the program
//! under test, so that an error in one is not repeated in the other. Every refusal names the manual
//! page or source file that it comes from.
//!
//! ```ignore
//! let mut host = Host::freebsd(14).with_volume("zroot/vm/web", 20 << 30);
//! let answer = host.run(&Call::new(["doas", "ifconfig", "tap0", "create"]));
//! assert_eq!(answer.status, Status::Exit(0));
//! assert!(host.state.interfaces.contains_key("tap0"));
//! ```
#![allow(dead_code, unreachable_pub)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::too_many_lines,
    clippy::struct_excessive_bools,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    clippy::default_trait_access,
    clippy::doc_markdown,
    clippy::format_push_string,
    clippy::match_bool
)]

pub mod build;
pub mod call;
pub mod clock;
pub mod conditions;
mod datasets;
pub mod devices;
pub mod errno;
pub mod faults;
pub mod files;
pub mod live;
pub mod nodes;
pub mod process;
pub mod program;
pub mod shared;
mod sockets;
mod stat;
pub mod state;
pub mod words;

pub mod bhyve;
mod bhyvectl;
mod bhyveload;
mod cu;
mod daemon;
mod dd;
mod escalate;
pub mod firmware;
mod fstat;
pub mod grub_bhyve;
mod harm;
mod hostname;
mod ifconfig;
mod install;
mod kill;
mod kldload;
mod kldstat;
mod ln;
mod pgrep;
mod pkg;
mod ps;
mod real_files;
mod route;
mod sysctl;
mod truncate;
mod vmm;
mod wrap;
mod zfs;
mod zpool;

pub use call::{Answer, Call, Logged, Status};
pub use errno::Errno;
#[allow(
    unused_imports,
    reason = "used by one of the two crates with this module"
)]
pub use faults::{Edit, Fault};
#[allow(
    unused_imports,
    reason = "used by one of the two crates with this module"
)]
pub use live::{Role, Session};
#[allow(
    unused_imports,
    reason = "used by one of the two crates with this module"
)]
pub use process::{Ending, GuestPlan, Loader, Noise};
pub use real_files::RealFiles;
#[allow(
    unused_imports,
    reason = "used by one of the two crates with this module"
)]
pub use state::{Kernel, Rule, State};

use faults::Orders;

/// A host that runs commands.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its state.
    pub state: State,
    /// Injected faults, and the log of calls.
    pub orders: Orders,
    /// The real file system in place of the one in memory.
    pub real: Option<RealFiles>,
    /// How the program that has just run continues as a real process.
    pub session: Option<Session>,
    /// Notices for real processes, sent once the host is saved.
    pub outbox: Vec<live::alive::Notice>,
}

/// Every program that is simulated.
pub const PROGRAMS: [&str; 29] = [
    "bhyve",
    "bhyvectl",
    "bhyveload",
    "cu",
    "daemon",
    "dd",
    "doas",
    "fstat",
    "grub-bhyve",
    "hostname",
    "ifconfig",
    "install",
    "kill",
    "kldload",
    "kldstat",
    "ln",
    "mdo",
    "pgrep",
    "pkg",
    "pkill",
    "ps",
    "route",
    "stat",
    "sudo",
    "sysctl",
    "truncate",
    "zfs",
    "zpool",
    "true",
];

/// Programs that only the real machine can run.
const FOREIGN: [&str; 15] = [
    "cat",
    "chmod",
    "cp",
    "easy-bhyve",
    "env",
    "mkdir",
    "mktemp",
    "mv",
    "rm",
    "rmdir",
    "sh",
    "sleep",
    "test",
    "timeout",
    "touch",
];

impl Host {
    /// Runs one command.
    pub fn run(&mut self, call: &Call) -> Answer {
        self.exec(call, 0)
    }

    /// Runs one command that the caller (depth 0) or another program started.
    fn exec(&mut self, call: &Call, depth: u32) -> Answer {
        let program = call.program();
        let nth = self.orders.count(&program);
        let logged = self.orders.log.len();
        self.orders.log.push(Logged {
            argv: call
                .argv
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
            uid: call.uid,
            status: Status::Hang,
            depth,
        });
        self.changes_before(&program, nth);
        let answer = match self.orders.fault(&program, nth) {
            Some(fault) => fault.answer(),
            None => self.perform(call, depth),
        };
        if let Some(entry) = self.orders.log.get_mut(logged) {
            entry.status = answer.status;
        }
        let is_known = call
            .pid
            .is_none_or(|pid| self.state.processes.contains_key(&pid));
        if answer.status == Status::Hang && !is_known {
            self.add_called(call);
        }
        answer
    }

    /// Runs one command without log or fault.
    fn perform(&mut self, call: &Call, depth: u32) -> Answer {
        let program = call.program();
        if !self.state.real_time
            && let Some(answer) = wrap::run(self, call, depth)
        {
            return answer;
        }
        if !call.argv.is_empty() && Self::is_foreign(call) {
            self.session = Some(Session::Foreign(call.clone()));
            if self.state.real_time {
                self.add_called(call);
            }
            return Answer::of(Status::Foreign);
        }
        if !self.state.programs.contains(&program) {
            return Answer::of(Status::NotFound);
        }
        match program.as_str() {
            "bhyve" => bhyve::run(self, call),
            "bhyvectl" => bhyvectl::run(self, call),
            "bhyveload" => bhyveload::run(self, call),
            "cu" => cu::run(self, call),
            "daemon" => daemon::run(self, call, depth),
            "dd" => dd::run(self, call),
            "doas" | "mdo" | "sudo" => escalate::run(self, call, depth),
            "fstat" => fstat::run(self, call),
            "grub-bhyve" => grub_bhyve::run(self, call),
            "hostname" => hostname::run(self, call),
            "ifconfig" => ifconfig::run(self, call),
            "install" => install::run(self, call),
            "kill" => kill::run(self, call),
            "kldload" => kldload::run(self, call),
            "kldstat" => kldstat::run(self, call),
            "ln" => ln::run(self, call),
            "pgrep" | "pkill" => pgrep::run(self, call),
            "pkg" => pkg::run(self, call),
            "ps" => ps::run(self, call),
            "route" => route::run(self, call),
            "stat" => stat::run(self, call),
            "sysctl" => sysctl::run(self, call),
            // The user closes a viewer at once.
            "true" | "vncviewer" => Answer::ok(),
            "truncate" => truncate::run(self, call),
            "zfs" => zfs::run(self, call),
            "zpool" => zpool::run(self, call),
            _ => Answer::of(Status::NotFound),
        }
    }

    /// Whether a command belongs to the real machine: sh(1) and the like, or any other program that
    /// is given by its path.
    fn is_foreign(call: &Call) -> bool {
        let program = call.program();
        let by_path = call.argv[0].to_string_lossy().contains('/');
        FOREIGN.contains(&program.as_str()) || by_path && !PROGRAMS.contains(&program.as_str())
    }

    /// Whether a program is installed.
    pub fn has_program(&self, program: &str) -> bool {
        self.state.programs.contains(program)
    }
}
