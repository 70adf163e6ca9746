//! Executes a shell script whose world is a simulated cluster.

use std::fs::{self, File};
use std::future::poll_fn;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use quorate::transport::simulated::SimulatedCluster;
use quorate::transport::{Answer, Question};

use crate::client::NAMES;
use crate::door::{Carried, Door, PlannedFault};
use crate::person::{Said, Witness};
use crate::server::Serving;
use crate::wire::SOCKET;

/// What surrounds a script beside the cluster.
#[derive(Default)]
pub struct Surroundings<'a> {
    /// `dash`, `bash` or `busybox sh`.
    pub shell: &'a str,
    /// Variables of its environment.
    pub environment: &'a [(&'a str, &'a str)],
    /// What goes wrong.
    pub faults: &'a [PlannedFault],
    /// The questions that it may ask.
    pub questions: &'a [Question],
    /// What the person says to them.
    pub said: Said,
}

/// What a script did.
#[derive(Debug)]
pub struct ScriptRun {
    /// Its exit code; that of a signal is 128 more than its number.
    pub exit_code: i32,
    /// What it wrote to standard output.
    pub output: String,
    /// What it wrote to standard error.
    pub errors: String,
    /// The commands that were carried out for it.
    pub carried: Vec<Carried>,
    /// What it asked, and what was answered.
    pub asked: Vec<(Question, Answer)>,
    /// What it asked that is none of the questions it may ask.
    pub strange: Vec<String>,
    /// Programs that it ended before they had their answer.
    pub gone: Vec<String>,
    /// How many of its processes were left running.
    pub left_running: usize,
}

/// Executes a script.
///
/// # Errors
///
/// When it cannot be started, or gets stuck: then what it waits for.
pub fn run_script(
    text: &str,
    surroundings: &Surroundings<'_>,
    cluster: &SimulatedCluster,
) -> Result<ScriptRun, String> {
    let told = |why: std::io::Error| format!("the script cannot be started: {why}");
    let folder = tempfile::Builder::new()
        .prefix("quorate-")
        .tempdir()
        .map_err(told)?;
    let folder = folder.path();
    let listener = UnixListener::bind(folder.join("socket")).map_err(told)?;
    listener.set_nonblocking(true).map_err(told)?;
    let mut command = lay_out(text, surroundings, folder).map_err(told)?;
    let child = command.spawn().map_err(told)?;

    let door = Door::new(cluster, surroundings.faults);
    let person = Witness::new(cluster, &surroundings.said);
    let mut serving = Serving::new(cluster, &door, &person, surroundings.questions, listener, child);
    let ended = cluster.try_block_on(poll_fn(|context| serving.poll(context)));
    let left_running = serving.end();
    let read = |name: &str| {
        let text = fs::read(folder.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    };
    let (output, errors) = (read("output"), read("errors"));
    let status = match ended {
        Ok(Ok(status)) => status,
        Ok(Err(why)) => return Err(format!("{why}errors so far:\n{errors}")),
        Err(why) => return Err(why.to_string()),
    };
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    Ok(ScriptRun {
        exit_code: status.code().or(signal.map(|it| 128 + it)).unwrap_or(-1),
        output,
        errors,
        carried: door.carried(),
        asked: person.asked(),
        strange: std::mem::take(&mut serving.strange),
        gone: std::mem::take(&mut serving.gone),
        left_running,
    })
}

/// Lays a script and its programs out in a folder.
fn lay_out(text: &str, surroundings: &Surroundings<'_>, folder: &Path) -> std::io::Result<Command> {
    let programs = folder.join("programs");
    let scratch = folder.join("scratch");
    fs::create_dir(&programs)?;
    fs::create_dir(&scratch)?;
    let own = std::env::current_exe()?;
    for name in NAMES {
        symlink(&own, programs.join(name))?;
    }
    let script = folder.join("script");
    fs::write(&script, text)?;
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("setsid");
    command
        .args(surroundings.shell.split_ascii_whitespace())
        .arg(&script)
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("QUORATE_ASK", programs.join("ask"))
        .env("TMPDIR", &scratch)
        .env(SOCKET, folder.join("socket"))
        .envs(surroundings.environment.iter().copied())
        .current_dir(&scratch)
        .stdin(Stdio::null())
        .stdout(File::create(folder.join("output"))?)
        .stderr(File::create(folder.join("errors"))?);
    Ok(command)
}
