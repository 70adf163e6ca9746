use std::path::{Path, PathBuf};

use clap::Args;

use super::{Format, SshProgram, choose, read_timeout};
use crate::project::{InventoryChoice, Ways};
use crate::rehearsal::Schedule;

#[derive(Debug, Clone, Args)]
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
    /// Look at the real cluster first, and begin as it is now: its shape is written to FILE.
    #[arg(long, value_name = "FILE", conflicts_with = "sim")]
    pub from_live: Option<PathBuf>,
    /// With --from-live: make every connection with the system's ssh, never in this process.
    #[arg(
        long,
        value_enum,
        hide_possible_values = true,
        value_name = "openssh",
        requires = "from_live"
    )]
    pub ssh: Option<SshProgram>,
    /// With --from-live: the configuration file of ssh, instead of the inventory's, the user's and the system's.
    #[arg(long, value_name = "FILE", requires = "from_live")]
    pub ssh_config: Option<String>,
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
    /// How real hosts are reached, where that is said here.
    pub fn ways(&self) -> Ways {
        Ways {
            is_openssh_forced: self.ssh == Some(SshProgram::Openssh),
            config: self.ssh_config.clone(),
            is_verbose: false,
        }
    }

    /// The real cluster that is looked at first.
    pub fn live_cluster(&self) -> InventoryChoice {
        let file = self.inventory.clone();
        file.map_or(InventoryChoice::Found, InventoryChoice::File)
    }

    /// The same, on the simulated cluster of the shape in a file.
    pub fn on_shape(&self, file: &Path) -> RehearseFlags {
        RehearseFlags {
            sim: Some(Some(file.to_path_buf())),
            inventory: None,
            from_live: None,
            ..self.clone()
        }
    }

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
