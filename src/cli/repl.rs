use std::io::{self, IsTerminal};
use std::path::PathBuf;

use super::arguments::{Color, Format, ReplFlags, RunFlags};
use super::exit::{Exit, Stop};
use super::run::{check_ssh_config, run_script};
use super::streams::{is_coloured, is_live, say};
use crate::project::{Project, history_file};
use crate::repl::{Manner, converse};

/// Whether somebody sits there to talk with.
pub(super) fn is_at_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Opens the prompt; what comes from elsewhere than a terminal is a script.
pub(super) fn open_prompt(flags: &ReplFlags, color: Color) -> Result<Exit, Stop> {
    if !is_at_terminal() {
        return run_script(&as_script(flags), color);
    }
    check_ssh_config(flags.ssh_config.as_deref())?;
    let project = Project::new(&flags.cluster())?;
    if flags.sim.is_none() && project.is_simulated() {
        say("no inventory was found: this is the simulated cluster\n");
    }
    let manner = Manner {
        is_coloured: is_coloured(color),
        is_live: is_live(),
        says_yes: flags.yes,
        ways: flags.ways(),
        lock: flags.lock.wishes(None),
        history: history_file(),
    };
    converse(project, manner)?;
    Ok(Exit::Done)
}

/// The same as a run of standard input: then nobody sees which cluster it is, so it must be named.
fn as_script(flags: &ReplFlags) -> RunFlags {
    RunFlags {
        file: PathBuf::from("-"),
        set: Vec::new(),
        inventory: flags.inventory.clone(),
        limit: None,
        yes: flags.yes,
        answer: Vec::new(),
        overrides: Vec::new(),
        sim: flags.sim.clone(),
        format: Format::Human,
        fanout: None,
        step: false,
        timeout: None,
        dry_run: false,
        ssh: flags.ssh,
        ssh_config: flags.ssh_config.clone(),
        verbose: false,
        quiet: false,
        diff: false,
        lock: flags.lock.clone(),
    }
}
