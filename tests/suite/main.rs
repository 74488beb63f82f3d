//! The integration tests: one binary, one module per subject.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod called;
mod cli;
mod config_sh;
#[path = "../support/fake.rs"]
mod fake;
mod forms;
#[path = "../support/host/mod.rs"]
mod host;
mod life;
#[path = "../support/place.rs"]
mod place;
mod playground;
mod quoting;
mod search;
mod setup;
mod setup_where;
