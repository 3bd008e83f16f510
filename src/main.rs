//! The command line: arguments in, display out.

fn main() {}
