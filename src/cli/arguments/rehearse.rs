use std::path::PathBuf;

use clap::Args;

use super::{Format, choose, read_timeout};
use crate::project::InventoryChoice;
use crate::rehearsal::Schedule;

#[derive(Debug, Args)]
pub(in crate::cli) struct RehearseFlags {
    /// The runbook; - is standard input.
    pub file: PathBuf,
    /// Give a parameter of the runbook its value.
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Rehearse on a simulated cluster with the nodes and the roles of this inventory.
    #[arg(short, long, value_name = "FILE", conflicts_with = "sim")]
    pub inventory: Option<PathBuf>,
    /// Act on these nodes only; guards still look at the whole cluster.
    #[arg(long, value_name = "NODES")]
    pub limit: Option<String>,
    /// Go on although this guard or finding says no.
    #[arg(long = "override", value_name = "NAME[@NODE]=WHY")]
    pub overrides: Vec<String>,
    /// Rehearse on the simulated cluster, of the shape in FILE if one is given; also --sim FILE.toml.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[expect(
        clippy::option_option,
        reason = "no flag, a bare flag, and a flag with its file are three things"
    )]
    pub sim: Option<Option<PathBuf>>,
    /// How many faults together are tried, all there are of them.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=4))]
    pub faults: u8,
    /// After that, try several faults at once by chance for so long.
    #[arg(long, value_name = "DURATION", value_parser = read_timeout)]
    pub time: Option<std::time::Duration>,
    /// Where chance begins: the same number, the same schedules.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Try this one schedule alone, as a finding prints it: 17:lost,23:host-fails, or none.
    #[arg(long, value_name = "SCHEDULE", value_parser = read_schedule)]
    pub replay: Option<Schedule>,
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

impl RehearseFlags {
    /// Which cluster is meant.
    pub fn cluster(&self) -> InventoryChoice {
        choose(&self.sim, &self.inventory)
    }
}

fn read_schedule(text: &str) -> Result<Schedule, String> {
    match text {
        "none" => Ok(Schedule::default()),
        _ => text
            .parse()
            .map_err(|error: crate::rehearsal::ScheduleError| error.to_string()),
    }
}
