//! easy-bhyve: manages bhyve(8) VMs by ordinary commands.
//!
//! ```text
//! argv, env, clock ── process ──▶ Process
//! Process.args ── cli::invocation ──▶ Invocation
//! files ── config ──▶ Config (assignments, each with its place)
//! Config ── config::resolve ──▶ Vm (all defaults decided)
//! Vm, typed words ── operation ──▶ Request (for the root side)
//! Request ── root::client ──▶ words after one escalation ── root::server ──▶ the same Request
//! host ── survey ──▶ Survey (the fewest queries)
//! Request, Survey ── operation ──▶ Plan (seven forms)
//! Plan ── run ──▶ the host changes
//!      ├─ preview ─▶ its commands, for a person
//!      └─ script ──▶ the same as a POSIX sh script
//! ```
//!
//! The plan is the program: [`run::execute`], [`preview::preview`] and [`script::script`] read one value.
//!
//! # Rooms
//!
//! From the lowest up: no room imports a later one, and within a room no two siblings import each
//! other in a circle. A test reads this list and checks the code.
//!
//! | room | content |
//! |---|---|
//! | `vis` | text from outside, for a terminal |
//! | `table` | rows as columns |
//! | `quote` | words for sh(1) |
//! | `suggest` | nearest names |
//! | `span` | places in the text of a configuration |
//! | `finding` | errors and warnings about a configuration |
//! | `error` | the error type, and exit statuses |
//! | `verb` | the table of verbs |
//! | `model` | VMs, valid by construction |
//! | `command` | commands as data |
//! | `plan` | plans as data: the seven forms, tests, changes of files |
//! | `tools` | the programs of the host: argv, and parsers of output |
//! | `inspect` | what is on a disk, and which loader boots it |
//! | `host` | the interface to a host, and the real host |
//! | `run` | carries a plan out |
//! | `process` | the surroundings of a run |
//! | `survey` | the state of the host |
//! | `preview` | shows the commands of a plan |
//! | `script` | prints a plan for sh(1) |
//! | `config` | reads, edits and resolves configurations |
//! | `import` | the VMs of other managers, in terms of our settings |
//! | `report` | errors and findings as text |
//! | `session` | the inputs and outputs of a run |
//! | `operation` | the operations on a VM, one file each |
//! | `check` | checks of a configuration on this host |
//! | `doctor` | the examination of the host, one file per subject |
//! | `root` | the root side and its client |
//! | `manual` | the manual pages, filled in from the definitions |
//! | `cli` | the command line, and the commands of easy-bhyve itself |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod check;
pub mod cli;
pub mod command;
pub mod config;
pub mod doctor;
pub mod error;
pub mod finding;
pub mod host;
pub mod import;
pub mod inspect;
pub mod manual;
pub mod model;
pub mod operation;
pub mod plan;
pub mod preview;
pub mod process;
pub mod quote;
pub mod report;
pub mod root;
pub mod run;
pub mod script;
pub mod session;
pub mod span;
pub mod suggest;
pub mod survey;
pub mod table;
pub mod tools;
pub mod verb;
pub mod vis;

pub use cli::{main, start, start_at};
