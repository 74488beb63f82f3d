//! The root side: one process that carries out a request under locks, and its client, which calls
//! it with at most one escalation.
//!
//! The server reads no configuration and no environment. It parses the words of its call with the same
//! newtypes as a configuration, and plans with the same functions as its client. It executes no
//! command lines of its caller.

mod allowance;
mod boot_console;
pub mod client;
mod journal;
mod leftovers;
mod locks;
pub mod message;
mod phases;
mod reply;
pub mod server;
