//! A process that is timed, with all the time and memory that it and its children take.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio, exit};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// The first argument with which this program watches another one.
pub const WORD: &str = "--watch";

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub seconds: f64,
    /// Of the processor, by the process and by those children that it waited for.
    pub cpu_seconds: f64,
    /// The most memory that one of these processes held at a time.
    pub memory_kib: f64,
}

/// What a contestant runs: words, and variables of its environment.
pub struct Start {
    pub words: Vec<String>,
    pub variables: Vec<(String, String)>,
}

/// Runs a command to its end, which must be a good one.
///
/// A copy of this program does it, since the system tells what children took only when all of them are
/// counted together.
pub fn measure(name: &str, start: &Start, folder: &Path) -> Measured {
    let said = folder.join("said");
    let file = File::create(&said).expect("it can be written");
    let watcher = Command::new(std::env::current_exe().expect("this program has a path"))
        .arg(WORD)
        .args(&start.words)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", folder)
        .envs(start.variables.iter().map(|(name, value)| (name, value)))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(file)
        .output()
        .expect("this program starts");
    assert!(
        watcher.status.success(),
        "{name} fails:\n{}",
        fs::read_to_string(&said).unwrap_or_default()
    );
    let told = String::from_utf8_lossy(&watcher.stdout);
    let numbers: Vec<f64> = told
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [seconds, cpu_seconds, memory_kib] = numbers[..] else {
        panic!("three numbers are told, not `{told}`");
    };
    Measured {
        seconds,
        cpu_seconds,
        memory_kib,
    }
}

/// Runs the words as a command and prints what it took.
pub fn watch(words: &[String]) {
    let (program, rest) = words.split_first().expect("a command is given");
    let began = Instant::now();
    let status = Command::new(program)
        .args(rest)
        .stdout(Stdio::null())
        .status()
        .unwrap_or_else(|error| panic!("{program} does not start: {error}"));
    let seconds = began.elapsed().as_secs_f64();
    if !status.success() {
        eprintln!("it ended with {status}");
        exit(1);
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("every system tells it");
    let microseconds = (usage.user_time() + usage.system_time()).num_microseconds();
    println!("{seconds} {} {}", microseconds as f64 / 1e6, usage.max_rss());
}
