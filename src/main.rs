//! The easy-bhyve program.

fn main() {}
