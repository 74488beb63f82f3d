//! The integration tests: one binary, one module per subject.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod config_sh;
mod equivalence;
#[path = "../support/fake.rs"]
mod fake;
mod forms;
#[path = "../support/host/mod.rs"]
mod host;
mod life;
#[path = "../support/machine.rs"]
mod machine;
mod playground;
mod processes;
mod terminal;
#[path = "../support/variety.rs"]
mod variety;
