//! The command line: arguments in, display out.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    glpft::allocator::keep_freed_memory();
    ExitCode::from(cli::main())
}
