//! The integration tests: one binary, one module per subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
#![allow(clippy::format_push_string, clippy::format_collect)]

mod ages;
mod calibration;
#[path = "../support/call.rs"]
mod call;
mod called;
#[path = "../support/case/mod.rs"]
mod case;
mod cases;
mod causes;
mod check;
mod cli;
mod cloned;
mod complete;
mod config_any;
mod config_large;
mod config_sh;
mod demo;
mod destroy;
mod disks;
mod doctor;
mod edit;
mod equivalence;
mod escalators;
mod examples;
#[path = "../support/fake/mod.rs"]
mod fake;
mod faults;
mod forms;
mod full;
mod help;
#[path = "../support/home.rs"]
mod home;
#[path = "../support/host/mod.rs"]
mod host;
mod import;
mod import_lost;
mod import_valid;
mod init;
mod inspect;
#[path = "../support/inspected.rs"]
mod inspected;
#[path = "../support/invariants.rs"]
mod invariants;
mod layers;
mod life;
mod live;
mod log;
#[path = "../support/machine.rs"]
mod machine;
mod manual;
#[path = "../support/place.rs"]
mod place;
mod playground;
mod port;
mod preview;
mod processes;
mod profiles;
mod quoting;
mod rc;
mod readme;
mod recipes;
mod releases;
mod renamed;
mod root_side;
mod screen;
mod script_faults;
mod search;
#[path = "../support/seat.rs"]
mod seat;
mod setup;
mod setup_man;
mod setup_where;
mod shown;
mod snapshots;
mod starts;
mod stores;
mod terminal;
mod tidy;
mod translation;
#[path = "../support/variety.rs"]
mod variety;
#[path = "../support/view.rs"]
mod view;
#[path = "../support/wait.rs"]
mod wait;
