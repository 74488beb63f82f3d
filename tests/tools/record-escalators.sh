#!/bin/sh
# Records the answers of OpenDoas and sudo again: runs the calls of each asked.toml below
# tests/calibration/escalators, and writes the said.toml beside it. Needs root, and Debian's packages
# opendoas and sudo; changes nothing else of the machine. Read the difference.
set -eu
cd "$(dirname "$0")/../.."
cargo build --quiet --locked --example playground
CI=true BLESS=1 cargo test --quiet --locked --test suite \
	escalators::calibration::the_real_
git diff --stat -- tests/calibration/escalators
