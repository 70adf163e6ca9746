//! What the benches share: generated scripts and clusters, and processes that are watched.

#![allow(dead_code, reason = "each bench is a crate of its own and uses a part")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use quorate::diagnostic::{Problem, Style};
use quorate::plan::Plan;
use quorate::project::Project;

/// How often a watched process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// One part of the long script, of 20 lines; `@` stands for its number.
const PART: &str = r#"## So many metadata servers answer, part @.
guard answering-@(least: int = 3) <
  let count = mds | where status is "avail" and not (host in mds_master) | count
  check $count at least $least else "$count metadata servers answer; $least must"
>

verb tend-@(place: path, settle: duration = 10s) <
  probe "test -d $place" limit=20s
  run "logger -t tend-@ $place" limit=1m ok=[0 1]   # the status tells nothing
  wait up to ($settle + 5m) until answering-@ least=2 holding $settle every 5s
>
require answering-@ least=2 else "part @ needs two beside the master"
on mds_nodes + cs_nodes serially, tolerating 1 <
  tend-@ /var/tmp settle=5s
  let full = mounts | where path matches /^.var/ | count
  if $full at least 2 and (3 * 4 - 2) more than $full < note "$node has $full mounts for part @" > else <
    retry 3 times every 10s < run "sync" >
  >
>
"#;

/// Writes a script of `line_count` lines that checks without a finding.
pub fn write_script(line_count: usize) -> String {
    let head = "runbook generated\n\nuse pstorage\n\n";
    let mut text = head.to_owned();
    let parts = (line_count - head.lines().count()) / PART.lines().count();
    for part in 0..parts {
        text.push_str(&PART.replace('@', &part.to_string()));
    }
    let written = text.lines().count();
    for _ in written..line_count {
        text.push_str("# the end\n");
    }
    text
}

/// Checks a script with the simulated cluster and lays it out.
///
/// # Panics
///
/// When it has an error: the generated scripts have none.
pub fn lay_out(text: &str) -> Plan {
    let mut project = Project::simulated();
    let problems = project.check_text("generated.runbook", text);
    assert!(
        !problems.iter().any(Problem::is_error),
        "{}",
        project.render(&problems, Style::Plain)
    );
    project
        .plan(&std::collections::BTreeMap::new())
        .expect("a generated script has no parameters")
}

/// Writes an inventory of `node_count` nodes in racks of 40, five of them metadata servers.
pub fn write_inventory(node_count: usize) -> String {
    let mut text = format!(
        "name = \"pcs1\"\nsystem = \"pstorage\"\n\n[groups]\nmds_nodes = \"node[1-5]\"\n\
         cs_nodes = \"node[1-{node_count}]\"\n\n[nodes]\n"
    );
    for rack in 0..node_count.div_ceil(40) {
        let (first, last) = (rack * 40 + 1, ((rack + 1) * 40).min(node_count));
        writeln!(text, "\"node[{first}-{last}]\" = {{ rack = \"rack{rack}\" }}").expect("a text takes all");
    }
    text
}

/// Writes the shape of a simulated cluster with the same nodes.
pub fn write_shape(node_count: usize) -> String {
    let mut text = String::new();
    for (first, last, rack, is_mds) in stretches(node_count) {
        writeln!(
            text,
            "[nodes.\"node[{first}-{last}]\"]\nrack = \"rack{rack}\"\nmds = {is_mds}\ndisks = 1"
        )
        .expect("a text takes all");
    }
    text
}

/// Racks of 40 nodes, the first five nodes apart: first, last, rack, whether metadata servers.
fn stretches(node_count: usize) -> Vec<(usize, usize, usize, bool)> {
    let mut stretches = vec![(1, 5, 0, true)];
    let mut first = 6;
    while first <= node_count {
        let rack = (first - 1) / 40;
        let last = ((rack + 1) * 40).min(node_count);
        stretches.push((first, last, rack, false));
        first = last + 1;
    }
    stretches
}

/// A folder with generated files, removed at the end.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// Makes an empty folder.
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().expect("there is room for temporary files"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file and gives its path.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("a temporary file can be written");
        path
    }
}

/// The command, with nothing of the surroundings that changes what it does.
pub fn quorate(words: &[&str], files: &[&Path]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quorate"));
    command
        .args(words)
        .args(files)
        .env("NO_COLOR", "1")
        .env_remove("QUORATE_INVENTORY");
    command
}

/// Runs a command to its end and gives the most memory that it held, in KiB.
///
/// # Panics
///
/// When it cannot be started or fails.
pub fn watch_memory(mut command: Command) -> u64 {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command was built for this bench");
    let mut most = 0;
    loop {
        most = most.max(high_water(&child).unwrap_or(0));
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            assert!(status.success(), "{command:?} ended with {status}");
            return most;
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// What the system says of the most memory a process has held: a peak that never falls.
///
/// # Source
///
/// proc(5), `/proc/pid/status`, `VmHWM`.
fn high_water(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
