//! Reads any bytes as a configuration.

#![no_main]

#[path = "../../support/invariants.rs"]
mod invariants;

use libfuzzer_sys::fuzz_target;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    let included = concat!(env!("CARGO_MANIFEST_DIR"), "/included");
    invariants::check(bytes, Path::new(included));
});
