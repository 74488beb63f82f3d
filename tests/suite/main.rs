//! The integration tests: one binary, one module per subject.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/call.rs"]
mod call;
#[path = "../support/case.rs"]
mod case;
mod cases;
mod config_sh;
mod examples;
#[path = "../support/fake.rs"]
mod fake;
mod faults;
mod forms;
#[path = "../support/host/mod.rs"]
mod host;
mod life;
mod playground;
mod tidy;
#[path = "../support/view.rs"]
mod view;
