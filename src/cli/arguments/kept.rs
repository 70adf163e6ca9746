use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Format, LockFlags, SshProgram};
use crate::cli::conduct::Telling;
use crate::project::{LockWishes, Ways};

#[derive(Debug, Args)]
pub(in crate::cli) struct ResumeFlags {
    /// The run's name, or a beginning or part of it; without one, the newest that can be resumed.
    pub run: Option<String>,
    /// Take the run from a file that `quorate export` wrote.
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    pub from: Option<PathBuf>,
    /// Go on although the runbook or the inventory was edited since.
    #[arg(long)]
    pub accept_changes: bool,
    /// Say of a step that it was done by hand, or is to be skipped, and why; nothing is carried out. Once for each step.
    #[arg(long, num_args = 4, value_names = ["done|skip", "STEP", "NODE", "WHY"])]
    pub mark: Vec<String>,
    /// The inventory, where it is not at its place any more.
    #[arg(short, long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
    /// Give a secret once more, or a parameter that an edited runbook has got.
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Answer every `confirm` with yes.
    #[arg(long)]
    pub yes: bool,
    /// Answer one question beforehand.
    #[arg(long, value_name = "NAME=yes|no")]
    pub answer: Vec<String>,
    /// How events are told.
    #[arg(
        long,
        value_enum,
        hide_possible_values = true,
        hide_default_value = true,
        value_name = "human|json",
        default_value = "human"
    )]
    pub format: Format,
    #[command(flatten)]
    pub lock: LockFlags,
    /// Make every connection with the system's ssh, never in this process.
    #[arg(long, value_enum, hide_possible_values = true, value_name = "openssh")]
    pub ssh: Option<SshProgram>,
    /// The configuration file of ssh, instead of the inventory's, the user's and the system's.
    #[arg(long, value_name = "FILE")]
    pub ssh_config: Option<String>,
    /// Say more.
    #[arg(short, long)]
    pub verbose: bool,
    /// Say less.
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Of output in which nodes differ, tell the differences.
    #[arg(long)]
    pub diff: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportFlags {
    /// The run's name, or a beginning or part of it; without one, the newest.
    pub run: Option<String>,
    /// The file to write, instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryFlags {
    /// How runs are told of.
    #[arg(
        long,
        value_enum,
        hide_possible_values = true,
        hide_default_value = true,
        value_name = "human|json",
        default_value = "human"
    )]
    pub format: Format,
    /// Only so many.
    #[arg(short = 'n', long, value_name = "COUNT")]
    pub last: Option<usize>,
    /// Only those on this cluster.
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ShowFlags {
    /// The run, by its name or any part of it that no other has; the newest unless told.
    pub run: Option<String>,
    /// How it is told; a post-mortem begins with markdown, html has a picture of the run.
    #[arg(
        long,
        value_enum,
        hide_possible_values = true,
        hide_default_value = true,
        value_name = "human|json|markdown|html",
        default_value = "human"
    )]
    pub format: ShowFormat,
    /// Say more: all that commands printed.
    #[arg(short, long)]
    pub verbose: bool,
    /// Tell whether anything in the journal was altered, and of no run.
    #[arg(long, conflicts_with_all = ["run", "format", "verbose"])]
    pub verify: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ShowFormat {
    Human,
    // All that was kept, as one object.
    Json,
    Markdown,
    // One page that needs nothing else.
    Html,
}

impl ResumeFlags {
    /// How the run is told, and how hosts are reached.
    pub fn telling(&self) -> Telling {
        Telling {
            lock: LockWishes {
                goes_on: true,
                ..self.lock.wishes(None)
            },
            format: self.format,
            verbose: self.verbose,
            quiet: self.quiet,
            diff: self.diff,
            ways: Ways {
                is_openssh_forced: self.ssh == Some(SshProgram::Openssh),
                config: self.ssh_config.clone(),
                is_verbose: self.verbose && self.format == Format::Human,
            },
        }
    }
}
