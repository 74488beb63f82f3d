//! The command line, and the commands of easy-bhyve itself.

mod all;
mod check;
mod clone;
mod complete;
mod destroy;
mod disk;
mod dispatch;
mod doctor;
mod edit;
mod elevated;
mod import;
mod init;
mod inspect;
pub mod invocation;
mod list;
mod locate;
mod man;
mod new;
mod os;
mod path;
mod preview;
mod rename;
mod set;
mod setup;
mod state;
mod status;
mod written;

pub use dispatch::{main, start, start_at};
