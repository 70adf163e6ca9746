//! The command line: flags, exit codes, one file per subcommand.

use std::process::ExitCode;

/// Runs the command line and gives its exit code.
pub fn run_command_line() -> ExitCode {
    ExitCode::SUCCESS
}
