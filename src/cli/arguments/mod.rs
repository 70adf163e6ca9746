mod kept;
mod rehearse;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cli::conduct::Telling;
use crate::project::{InventoryChoice, LockWishes, Ways};

pub(super) use kept::{ExportFlags, HistoryFlags, ResumeFlags, ShowFlags, ShowFormat};
pub(super) use rehearse::RehearseFlags;

const EXAMPLES: &str = "\
Examples:
  quorate check update.runbook                what is wrong with it; no node is contacted
  quorate run update.runbook --sim --yes      try it on the simulated cluster
  quorate run update.runbook -i cluster.toml  do it

Exit codes: 0 done, 1 a step failed, 2 usage, 3 the script does not check, 4 a guard refused,
5 a node could not be reached, 6 an outcome is unknown, 7 the cluster is locked, 8 declined,
9 parked at a manual step, 130 interrupted.";

const INVENTORIES: &str = "\
Formats:
  cluster.toml             quorate's own: name, system, groups, nodes
  NAME.ini, NAME           Ansible's sections: [web], [web:vars], [all:children]
  NAME.yml, NAME.json      Ansible's groups, each with hosts, children and vars
  a program                prints Ansible's JSON when it is given --list
  groups.d/NAME.yaml, groups.d, groups.conf, groups
                           ClusterShell's groups in files
  NAME                     hosts or sets such as node[01-16], one a line
  a folder                 of Ansible's inventories, laid over each other

Example: quorate inventory show -i hosts.ini --format json";

/// Runs runbooks on clusters, with guards built in.
#[derive(Debug, Parser)]
#[command(name = "quorate", version, after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Colours; auto: on a terminal, unless NO_COLOR is set.
    #[arg(
        long,
        global = true,
        value_enum,
        hide_possible_values = true,
        hide_default_value = true,
        value_name = "auto|always|never",
        default_value = "auto"
    )]
    pub color: Color,
    /// Without one, a terminal gets the prompt.
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    // On a terminal, unless NO_COLOR is set; CLICOLOR_FORCE forces them.
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Human,
    // Of a run one object a line.
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// The prompt for incidents: the same language, a line at a time.
    #[command(after_help = "Example: quorate repl -i cluster.toml")]
    Repl(ReplFlags),
    /// Carry a runbook out.
    #[command(
        after_help = "Example: quorate run replace-cs-disk.runbook --set cs=1026 --set mount=/pstorage/disk2"
    )]
    Run(RunFlags),
    /// Take an interrupted run up again: what is known is not done again.
    #[command(
        after_help = "Examples:\n  quorate resume                              the newest run that can be resumed\n  quorate resume update-nodes --mark done \"run \\\"yum -y update\\\"\" node2 \"done by hand\"\n  quorate resume --from run.json -i cluster.toml"
    )]
    Resume(ResumeFlags),
    /// Write a run into a file, for `quorate resume --from FILE` on another machine.
    #[command(after_help = "Example: quorate export update-nodes -o run.json")]
    Export(ExportFlags),
    /// List the runs that were kept, the newest first.
    #[command(after_help = "Example: quorate history --cluster pcs1 -n 10")]
    History(HistoryFlags),
    /// Tell of one run: what it was to do, what happened, and what is open.
    #[command(after_help = "Example: quorate show update-nodes --format html > run.html")]
    Show(ShowFlags),
    /// Say what is wrong with runbooks, without contact with any node.
    #[command(after_help = "Example: quorate check *.runbook")]
    Check(CheckFlags),
    /// Try a runbook with every fault at every step, on a simulated cluster.
    #[command(
        after_help = "Examples:\n  quorate rehearse update.runbook --sim              every single fault\n  quorate rehearse update.runbook --sim --faults 2   every pair of them\n  quorate rehearse update.runbook --sim --time 60s   then more at once, by chance\n  quorate rehearse update.runbook -i cluster.toml --from-live now.toml   from how the cluster is now\n\nExit codes: 0 no promise is broken, 4 one is, 2 usage, 3 the script does not check."
    )]
    Rehearse(RehearseFlags),
    /// Write a runbook as a plain POSIX shell script that does the same.
    #[command(after_help = "Example: quorate expand update.runbook -i cluster.toml > update.sh")]
    Expand(ExpandFlags),
    /// Write runbooks in the one layout.
    #[command(after_help = "Example: quorate fmt --check *.runbook")]
    Fmt(FormatFlags),
    /// Work with sets of nodes.
    #[command(after_help = "Example: quorate nodes fold node1 node2 node3")]
    Nodes(NodesFlags),
    /// Look at the inventory.
    #[command(after_help = "Example: quorate inventory show -i cluster.toml")]
    Inventory(InventoryFlags),
}

#[derive(Debug, Default, Args)]
pub(super) struct ReplFlags {
    /// The inventory, instead of $QUORATE_INVENTORY, ./cluster.toml or /etc/quorate/cluster.toml.
    #[arg(short, long, value_name = "FILE", conflicts_with = "sim")]
    pub inventory: Option<PathBuf>,
    /// Talk to the simulated cluster, of the shape in FILE if one is given; also --sim FILE.toml.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[expect(
        clippy::option_option,
        reason = "no flag, a bare flag, and a flag with its file are three things"
    )]
    pub sim: Option<Option<PathBuf>>,
    /// Ask for no change beforehand, and answer every `confirm` with yes; it is written down.
    #[arg(long)]
    pub yes: bool,
    /// Make every connection with the system's ssh, never in this process.
    #[arg(long, value_enum, hide_possible_values = true, value_name = "openssh")]
    pub ssh: Option<SshProgram>,
    /// The configuration file of ssh, instead of the inventory's, the user's and the system's.
    #[arg(long, value_name = "FILE")]
    pub ssh_config: Option<String>,
    #[command(flatten)]
    pub lock: LockFlags,
}

/// What is said of the maintenance lock of a real cluster.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct LockFlags {
    /// Why the cluster is worked on; it stands in the maintenance lock, for others to read.
    #[arg(long, value_name = "WHY", value_parser = crate::cli::arguments::read_reason)]
    pub reason: Option<String>,
    /// Take the maintenance lock from whoever holds it, for a reason that is shown to them.
    #[arg(long, value_name = "WHY", value_parser = crate::cli::arguments::read_reason)]
    pub take_over: Option<String>,
    /// Take the maintenance lock on the nodes that answer, where no majority of its nodes does.
    #[arg(long, value_name = "WHY", value_parser = crate::cli::arguments::read_reason)]
    pub degraded_lock: Option<String>,
}

impl LockFlags {
    /// The same for a run of this name.
    pub fn wishes(&self, run: Option<String>) -> LockWishes {
        LockWishes {
            run,
            goes_on: false,
            is_sole: false,
            reason: self.reason.clone(),
            take_over: self.take_over.clone(),
            degraded: self.degraded_lock.clone(),
        }
    }
}

/// Reads a reason, which says something.
pub fn read_reason(text: &str) -> Result<String, String> {
    let reason = text.trim();
    match reason.is_empty() {
        true => Err("say why, in a few words".to_owned()),
        false => Ok(reason.to_owned()),
    }
}

impl ReplFlags {
    /// How real hosts are reached, where that is said here.
    pub fn ways(&self) -> Ways {
        Ways {
            is_openssh_forced: self.ssh == Some(SshProgram::Openssh),
            config: self.ssh_config.clone(),
            is_verbose: false,
        }
    }

    /// Which cluster is meant: without any, the simulated one, where a person can see that.
    pub fn cluster(&self) -> InventoryChoice {
        choose(&self.sim, &self.inventory)
    }
}

#[derive(Debug, Args)]
pub(super) struct RunFlags {
    /// The runbook; - is standard input.
    pub file: PathBuf,
    /// Give a parameter of the runbook its value.
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// The inventory, instead of $QUORATE_INVENTORY, ./cluster.toml or /etc/quorate/cluster.toml.
    #[arg(short, long, value_name = "FILE", conflicts_with = "sim")]
    pub inventory: Option<PathBuf>,
    /// Act on these nodes only; guards still look at the whole cluster.
    #[arg(long, value_name = "NODES")]
    pub limit: Option<String>,
    /// Answer every `confirm` with yes; on the simulated cluster every question.
    #[arg(long)]
    pub yes: bool,
    /// Answer one question beforehand: the name after `as`, or confirm-1, manual-1, outage-1.
    #[arg(long, value_name = "NAME=yes|no")]
    pub answer: Vec<String>,
    /// Go on although this guard or finding says no, for a reason that is kept.
    #[arg(long = "override", value_name = "NAME[@NODE]=WHY")]
    pub overrides: Vec<String>,
    /// Run on the simulated cluster, of the shape in FILE if one is given; also --sim FILE.toml.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[expect(
        clippy::option_option,
        reason = "no flag, a bare flag, and a flag with its file are three things"
    )]
    pub sim: Option<Option<PathBuf>>,
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
    /// At most so many nodes at once.
    #[arg(short, long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    pub fanout: Option<u16>,
    /// Ask before each act.
    #[arg(long)]
    pub step: bool,
    /// How long an act may take that does not say so itself; 5m unless told.
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::arguments::read_timeout)]
    pub timeout: Option<std::time::Duration>,
    /// Measure everything and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Make every connection with the system's ssh, never in this process.
    #[arg(long, value_enum, hide_possible_values = true, value_name = "openssh")]
    pub ssh: Option<SshProgram>,
    /// The configuration file of ssh, instead of the inventory's, the user's and the system's.
    #[arg(long, value_name = "FILE")]
    pub ssh_config: Option<String>,
    /// Say more: all that commands print, and which hosts are left to the system's ssh.
    #[arg(short, long)]
    pub verbose: bool,
    /// Say less: what goes wrong, what the script itself shows, and the ledger.
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Where nodes print different things, show what most print and how the others differ.
    #[arg(long)]
    pub diff: bool,
    #[command(flatten)]
    pub lock: LockFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SshProgram {
    // The one that is installed.
    Openssh,
}

/// Reads `--timeout`.
pub fn read_timeout(text: &str) -> Result<std::time::Duration, String> {
    let length = crate::value::read_duration(text)
        .ok()
        .filter(|length| !length.is_zero());
    length.ok_or_else(|| "write a duration above 0s, such as 30s or 10m".to_owned())
}

impl RunFlags {
    /// How the run is told, and how hosts are reached.
    pub fn telling(&self) -> Telling {
        Telling {
            lock: self.lock.wishes(None),
            format: self.format,
            verbose: self.verbose,
            quiet: self.quiet,
            diff: self.diff,
            ways: Ways {
                is_openssh_forced: self.ssh == Some(SshProgram::Openssh),
                config: self.ssh_config.clone(),
                is_verbose: self.verbose,
            },
        }
    }

    /// Which cluster is meant. A run never falls back to the simulated one.
    pub fn cluster(&self) -> InventoryChoice {
        match (&self.sim, &self.inventory) {
            (Some(shape), _) => InventoryChoice::Simulated(shape.clone()),
            (None, Some(file)) => InventoryChoice::File(file.clone()),
            (None, None) => InventoryChoice::Found,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct CheckFlags {
    /// The runbooks; - is standard input.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The inventory to check with.
    #[arg(short, long, value_name = "FILE", conflicts_with = "sim")]
    pub inventory: Option<PathBuf>,
    /// Check with the simulated cluster, of the shape in FILE if one is given; also --sim FILE.toml.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[expect(
        clippy::option_option,
        reason = "no flag, a bare flag, and a flag with its file are three things"
    )]
    pub sim: Option<Option<PathBuf>>,
    /// How findings are told.
    #[arg(
        long,
        value_enum,
        hide_possible_values = true,
        hide_default_value = true,
        value_name = "human|json",
        default_value = "human"
    )]
    pub format: Format,
}

impl CheckFlags {
    /// Which cluster is meant.
    pub fn cluster(&self) -> InventoryChoice {
        choose(&self.sim, &self.inventory)
    }
}

#[derive(Debug, Args)]
pub(super) struct ExpandFlags {
    /// The runbook; - is standard input.
    pub file: PathBuf,
    /// Give a parameter of the runbook its value; it can still be changed at the top of the script.
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// The inventory, instead of $QUORATE_INVENTORY, ./cluster.toml or /etc/quorate/cluster.toml.
    #[arg(short, long, value_name = "FILE", conflicts_with = "sim")]
    pub inventory: Option<PathBuf>,
    /// Act on these nodes only; guards still look at the whole cluster.
    #[arg(long, value_name = "NODES")]
    pub limit: Option<String>,
    /// Loops over nodes, rather than a copy of the steps for each of them.
    #[arg(long)]
    pub fold: bool,
    /// Go on although this guard or finding says no, for a reason that is written into the script.
    #[arg(long = "override", value_name = "NAME[@NODE]=WHY")]
    pub overrides: Vec<String>,
    /// Expand for the simulated cluster, of the shape in FILE if one is given; also --sim FILE.toml.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[expect(
        clippy::option_option,
        reason = "no flag, a bare flag, and a flag with its file are three things"
    )]
    pub sim: Option<Option<PathBuf>>,
    /// At most so many nodes at once.
    #[arg(short, long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    pub fanout: Option<u16>,
    /// How long an act may take that does not say so itself; 5m unless told.
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::arguments::read_timeout)]
    pub timeout: Option<std::time::Duration>,
    /// Write a script that takes no maintenance lock, for a reason that stands in its head.
    #[arg(long, value_name = "WHY", value_parser = crate::cli::arguments::read_reason)]
    pub without_lock: Option<String>,
}

impl ExpandFlags {
    /// Which cluster is meant.
    pub fn cluster(&self) -> InventoryChoice {
        choose(&self.sim, &self.inventory)
    }
}

/// The cluster of a subcommand that may do without an inventory.
fn choose(sim: &Option<Option<PathBuf>>, inventory: &Option<PathBuf>) -> InventoryChoice {
    match (sim, inventory) {
        (Some(shape), _) => InventoryChoice::Simulated(shape.clone()),
        (None, Some(file)) => InventoryChoice::File(file.clone()),
        (None, None) => InventoryChoice::FoundOrSimulated,
    }
}

#[derive(Debug, Args)]
pub(super) struct FormatFlags {
    /// The runbooks; - reads standard input and writes standard output.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Change nothing; list the files that would change, and exit with 1 if there is one.
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
pub(super) struct NodesFlags {
    #[command(subcommand)]
    pub action: NodesAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum NodesAction {
    /// Print every node of a set.
    #[command(after_help = "Example: quorate nodes expand 'node[01-16]!node07'")]
    Expand(SetFlags),
    /// Print a set in its short form.
    #[command(after_help = "Example: quorate nodes fold node1 node2 node3")]
    Fold(SetFlags),
    /// Print how many nodes a set has.
    #[command(after_help = "Example: quorate nodes count @mds_nodes -i cluster.toml")]
    Count(SetFlags),
}

#[derive(Debug, Args)]
pub(super) struct SetFlags {
    /// Sets of nodes, added up: node[1-5,9], n[1-9]!n5, @group.
    #[arg(required = true)]
    pub sets: Vec<String>,
    /// The inventory that knows the groups.
    #[arg(short, long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct InventoryFlags {
    #[command(subcommand)]
    pub action: InventoryAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum InventoryAction {
    /// Print the cluster, its groups and what is known of its nodes.
    #[command(after_help = INVENTORIES)]
    Show {
        /// The inventory, in any of the formats below.
        #[arg(short, long, value_name = "FILE", conflicts_with = "sim")]
        inventory: Option<PathBuf>,
        /// The simulated cluster, of the shape in FILE if one is given; also --sim FILE.toml.
        #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
        #[expect(
            clippy::option_option,
            reason = "no flag, a bare flag, and a flag with its file are three things"
        )]
        sim: Option<Option<PathBuf>>,
        /// How it is told.
        #[arg(
            long,
            value_enum,
            hide_possible_values = true,
            hide_default_value = true,
            value_name = "human|json",
            default_value = "human"
        )]
        format: Format,
    },
}

/// Joins `--sim FILE.toml` to `--sim=FILE.toml`.
///
/// A value that may be absent cannot be told from the runbook by its place: what ends in
/// `.toml` is a shape, everything else stands for itself.
pub(super) fn join_shape(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut is_over = false;
    for argument in arguments {
        let is_shape = argument.to_string_lossy().ends_with(".toml");
        match joined.last_mut() {
            Some(last) if !is_over && is_shape && *last == "--sim" => {
                last.push("=");
                last.push(argument);
            }
            _ => {
                is_over |= argument == "--";
                joined.push(argument);
            }
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_flags_fit_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_shape_is_told_from_the_runbook() {
        let cases = [
            // what is typed, the runbook, the shape
            ("run --sim a.runbook", "a.runbook", None),
            ("run a.runbook --sim", "a.runbook", None),
            ("run --sim lag.toml a.runbook", "a.runbook", Some("lag.toml")),
            ("run a.runbook --sim=other", "a.runbook", Some("other")),
            ("run --sim -- a.toml", "a.toml", None),
        ];
        for (typed, file, shape) in cases {
            let words = std::iter::once("quorate")
                .chain(typed.split(' '))
                .map(OsString::from);
            let arguments = Arguments::try_parse_from(join_shape(words)).expect(typed);
            let Some(Command::Run(flags)) = arguments.command else {
                panic!("{typed}")
            };
            assert_eq!(flags.file, PathBuf::from(file), "{typed}");
            assert_eq!(flags.sim, Some(shape.map(PathBuf::from)), "{typed}");
        }
    }
}
