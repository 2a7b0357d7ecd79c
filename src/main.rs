//! The `muniment` binary.

fn main() {}
