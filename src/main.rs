//! The `boost-dashboard` binary.

fn main() {}
