//! The command line: flags, exit codes, one file per subcommand.
//!
//! What was asked for goes to standard output, what is said about it to standard error. A
//! reader that goes away ends the output quietly.
//!
//! May import: `diagnostic`, `project`, and the plain types that a project gives out.

mod arguments;
mod check;
mod conduct;
mod exit;
mod expand;
mod format;
mod history;
mod inventory;
mod nodes;
mod parameters;
mod rehearse;
mod repl;
mod resume;
mod run;
mod show;
mod streams;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::{Arguments, Color, Command, ReplFlags};
use exit::{Exit, Stop};

/// The stack of the thread that does the work: scripts nest, and reading, checking and running
/// recurse into them. Only what is touched is taken from the machine.
const STACK: usize = 256 << 20;

/// Runs the command line and gives its exit code.
pub fn run_command_line() -> ExitCode {
    let worker = std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(carry_out_command_line);
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The thread has said on standard error what went wrong.
        Ok(Err(_)) => ExitCode::FAILURE,
        Err(error) => {
            streams::say(&format!("error: no thread can be started: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn carry_out_command_line() -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments::join_shape(std::env::args_os())) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help that nobody reads any more is no failure.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() {
                Exit::Usage.code()
            } else {
                Exit::Done.code()
            });
        }
    };
    let color = arguments.color;
    let done = match &arguments.command {
        Some(command) => carry_out_command(command, color),
        None if repl::is_at_terminal() => repl::open_prompt(&ReplFlags::default(), color),
        None => {
            let _ = Arguments::command().print_help();
            return Exit::Usage.into();
        }
    };
    match done {
        Ok(exit) => exit.into(),
        Err(Stop::Closed) => Exit::OutputClosed.into(),
        Err(Stop::Usage(text)) => {
            streams::say(&format!("error: {text}\n"));
            Exit::Usage.into()
        }
        Err(Stop::Project(error)) => {
            streams::say(&crate::project::Project::render_error(
                *error,
                streams::error_style(color),
            ));
            Exit::Usage.into()
        }
    }
}

fn carry_out_command(command: &Command, color: Color) -> Result<Exit, Stop> {
    match command {
        Command::Repl(flags) => repl::open_prompt(flags, color),
        Command::Run(flags) => run::run_script(flags, color),
        Command::Check(flags) => check::check_files(flags, color),
        Command::Resume(flags) => resume::resume_run(flags, color),
        Command::Export(flags) => resume::export(flags.run.as_deref(), flags.output.as_deref()),
        Command::History(flags) => history::list_runs(flags, color),
        Command::Show(flags) => show::show_run(flags, color),
        Command::Expand(flags) => expand::expand_script(flags, color),
        Command::Rehearse(flags) => rehearse::rehearse_script(flags, color),
        Command::Fmt(flags) => format::format_files(flags, color),
        Command::Nodes(flags) => nodes::tell_nodes(flags),
        Command::Inventory(flags) => inventory::show_inventory(flags),
    }
}
