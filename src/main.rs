//! The `quorate` command.

use std::process::ExitCode;

/// A rehearsal makes and drops small values all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    quorate::cli::run_command_line()
}
