//! Inspects any bytes as a disk.

#![no_main]

#[path = "../../support/inspected.rs"]
mod inspected;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| inspected::check(bytes));
