//! The `watchroom` binary.

fn main() {}
