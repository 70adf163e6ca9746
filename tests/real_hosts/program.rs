//! The programs of a storage host: this test's own executable under their names, which asks the test
//! what the simulated cluster does.

use std::os::unix::fs::symlink;
use std::path::Path;

use quorate::value::quote;

use crate::wire::{Reply, Wish, ask_test, pass_on, read_input};

/// The variable that says on which host a program runs.
pub const NODE: &str = "QUORATE_TEST_NODE";

/// What runbooks for a storage cluster call on its hosts.
const NAMES: [&str; 12] = [
    "cat",
    "chkconfig",
    "fuser",
    "pgrep",
    "pstorage",
    "rm",
    "rpm",
    "service",
    "shaman",
    "smartctl",
    "umount",
    "yum",
];

/// How long a command may take in the simulated cluster; the run's own limit is up to the run.
const UNLIMITED_MS: u64 = 7 * 24 * 3_600_000;

/// Gives a host these programs.
pub fn install(programs: &Path) {
    let own = std::env::current_exe().expect("a process has a program");
    for name in NAMES {
        symlink(&own, programs.join(name)).expect("the folder is empty");
    }
}

/// Is one of the programs if called by its name; its exit status.
pub fn run_as_program() -> Option<i32> {
    let words: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let called = Path::new(words.first()?).file_name()?.to_str()?;
    let name = NAMES.into_iter().find(|known| *known == called)?;
    Some(pass_to_cluster(name, &words[1..]).unwrap_or_else(|why| {
        eprintln!("{name}: {why}");
        125
    }))
}

fn pass_to_cluster(name: &str, words: &[String]) -> Result<i32, String> {
    let quoted = words.iter().map(|word| format!(" {}", quote(word)));
    let reply = ask_test(Wish::CarryOut {
        node: Some(std::env::var(NODE).map_err(|why| why.to_string())?),
        command: format!("{name}{}", quoted.collect::<String>()),
        input: read_input()?,
        limit_ms: UNLIMITED_MS,
    })?;
    match reply {
        Reply::Ran {
            status,
            output,
            errors,
        } => pass_on(status, &output, &errors),
        other => Err(format!("the cluster does not carry it out: {other:?}")),
    }
}
