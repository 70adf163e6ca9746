//! The programs that a script finds in its `PATH`: `ssh`, `timeout`, `sleep`, `date` and `ask`.
//!
//! Each is this test's own executable under another name. It asks the test over a socket and
//! answers as the real program would.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::wire::{Reply, Wish, ask_test, pass_on, read_input};

/// The names under which this executable is a program of the script.
pub const NAMES: [&str; 5] = ["ssh", "timeout", "sleep", "date", "ask"];

/// How long a command may take that no `timeout` stands before.
const UNLIMITED_MS: u64 = 24 * 3_600_000;
/// What `timeout` ends with when the time is over.
const TIMED_OUT: i32 = 124;
/// What `ssh` ends with when the connection fails.
const NO_CONNECTION: i32 = 255;
/// The options of `ssh` that take a value.
const WITH_VALUE: &str = "BbcDEeFIiJLlmOopPQRSWw";
/// As much of a command as `ssh` writes to its log.
const MOST_LOGGED: usize = 900;

/// Is one of the programs if called by its name; its exit status.
pub fn run_as_client() -> Option<i32> {
    let mut words = std::env::args_os();
    let called = words.next()?;
    let name = Path::new(&called).file_name()?.to_str()?;
    let name = NAMES.into_iter().find(|known| *known == name)?;
    let words: Vec<String> = words.map(readable).collect();
    let told = match name {
        "ssh" => run_ssh(&words, UNLIMITED_MS),
        "timeout" => run_timeout(&words),
        "sleep" => run_sleep(&words),
        "date" => run_date(&words),
        _ => run_ask(&words),
    };
    Some(told.unwrap_or_else(|why| {
        eprintln!("{name}: {why}");
        125
    }))
}

fn readable(word: OsString) -> String {
    word.to_string_lossy().into_owned()
}

fn run_timeout(words: &[String]) -> Result<i32, String> {
    let mut rest = words;
    while let Some(option) = rest.first().filter(|word| word.starts_with('-')) {
        let has_value = matches!(option.as_str(), "-k" | "-s");
        rest = rest.get(1 + usize::from(has_value)..).unwrap_or_default();
    }
    let [limit, program, arguments @ ..] = rest else {
        return Err("a limit and a command are needed".to_owned());
    };
    let limit_ms = read_length(limit)?;
    match (program.as_str(), arguments) {
        ("ssh", _) => run_ssh(arguments, limit_ms),
        ("sh", [option, command, ..]) if option == "-c" => run_here(command, limit_ms),
        _ => Err(Command::new(program).args(arguments).exec().to_string()),
    }
}

fn run_here(command: &str, limit_ms: u64) -> Result<i32, String> {
    let reply = ask_test(Wish::CarryOut {
        node: None,
        command: command.to_owned(),
        input: read_input()?,
        limit_ms,
    })?;
    match reply {
        Reply::Ran {
            status,
            output,
            errors,
        } => pass_on(status, &output, &errors),
        Reply::Late => Ok(TIMED_OUT),
        Reply::Unreachable { why } | Reply::Lost { why } => pass_on(NO_CONNECTION, "", &format!("{why}\n")),
        _ => Err("an answer to another question".to_owned()),
    }
}

/// What the words after `ssh` say.
#[derive(Default)]
struct SshWords {
    node: Option<String>,
    command: Vec<String>,
    log: Option<String>,
    is_verbose: bool,
    reads_nothing: bool,
}

fn read_ssh_words(words: &[String]) -> Result<SshWords, String> {
    let mut read = SshWords::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let letters = match word.strip_prefix('-') {
            Some(letters) if !letters.is_empty() => letters,
            _ if read.node.is_none() => {
                read.node = Some(word.clone());
                continue;
            }
            _ => {
                read.command = std::iter::once(word).chain(rest).cloned().collect();
                break;
            }
        };
        for (at, letter) in letters.char_indices() {
            match letter {
                'v' => read.is_verbose = true,
                'n' => read.reads_nothing = true,
                _ if WITH_VALUE.contains(letter) => {
                    let value = match &letters[at + letter.len_utf8()..] {
                        "" => rest.next().ok_or("an option without its value")?.clone(),
                        joined => joined.to_owned(),
                    };
                    if letter == 'E' {
                        read.log = Some(value);
                    }
                    break;
                }
                _ => {}
            }
        }
    }
    Ok(read)
}

fn run_ssh(words: &[String], limit_ms: u64) -> Result<i32, String> {
    let read = read_ssh_words(words)?;
    let node = read.node.clone().ok_or("no node is named")?;
    let command = read.command.join(" ");
    if command.is_empty() {
        return Ok(0);
    }
    let input = if read.reads_nothing {
        String::new()
    } else {
        read_input()?
    };
    let reply = ask_test(Wish::CarryOut {
        node: Some(node.clone()),
        command: command.clone(),
        input,
        limit_ms,
    })?;
    let (log, status, output, errors) = match reply {
        Reply::Ran {
            status,
            output,
            errors,
        } => {
            let log = write_log(&read, &node, &command, Some(status), None);
            (log, status, output, errors)
        }
        Reply::Unreachable { why } => {
            let begun = write_verbose(&read, &format!("debug1: Connecting to {node} port 22.\n"));
            (
                format!("{begun}{why}\n"),
                NO_CONNECTION,
                String::new(),
                String::new(),
            )
        }
        Reply::Lost { why } => {
            let log = write_log(&read, &node, &command, None, Some(&why));
            (log, NO_CONNECTION, String::new(), String::new())
        }
        Reply::Late => {
            let log = write_log(&read, &node, &command, None, None);
            (log, TIMED_OUT, String::new(), String::new())
        }
        _ => return Err("an answer to another question".to_owned()),
    };
    let errors = match &read.log {
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.and_then(|mut file| file.write_all(log.as_bytes()))
                .map_err(|why| format!("{path}: {why}"))?;
            errors
        }
        None => log + &errors,
    };
    pass_on(status, &output, &errors)
}

/// What OpenSSH logs of a connection that stood.
fn write_log(read: &SshWords, node: &str, command: &str, status: Option<i32>, why: Option<&str>) -> String {
    let logged: String = command.chars().take(MOST_LOGGED).collect();
    let mut log = write_verbose(
        read,
        &format!(
            "debug1: Connecting to {node} port 22.\nAuthenticated to {node} ([192.0.2.1]:22) using \"publickey\".\n\
             debug1: Sending command: {logged}\n"
        ),
    );
    if let Some(why) = why {
        log.push_str(&format!("{why}\n"));
    }
    if let Some(status) = status {
        log.push_str(&write_verbose(read, &format!("debug1: Exit status {status}\n")));
    }
    log
}

fn write_verbose(read: &SshWords, lines: &str) -> String {
    if read.is_verbose {
        lines.to_owned()
    } else {
        String::new()
    }
}

fn run_sleep(words: &[String]) -> Result<i32, String> {
    let lengths: Result<Vec<u64>, String> = words.iter().map(|word| read_length(word)).collect();
    let length_ms = lengths?.iter().sum();
    ask_test(Wish::Sleep { length_ms }).map(|_| 0)
}

fn run_date(words: &[String]) -> Result<i32, String> {
    if words != ["+%s"] {
        return Err(format!("only +%s is known here, not {words:?}"));
    }
    match ask_test(Wish::Date)? {
        Reply::Date(seconds) => pass_on(0, &format!("{seconds}\n"), ""),
        _ => Err("an answer to another question".to_owned()),
    }
}

fn run_ask(words: &[String]) -> Result<i32, String> {
    let [kind, name, node, text] = words else {
        return Err("a kind, a name, a node and a text are needed".to_owned());
    };
    let (kind, name, node, text) = (kind.clone(), name.clone(), node.clone(), text.clone());
    match ask_test(Wish::Ask {
        kind,
        name,
        node,
        text,
    })? {
        Reply::Said(said) => pass_on(0, &format!("{said}\n"), ""),
        _ => Err("an answer to another question".to_owned()),
    }
}

/// Reads a length of time as `sleep` and `timeout` do: a number, and a unit if it has one.
fn read_length(word: &str) -> Result<u64, String> {
    let (number, unit_ms) = match word.char_indices().last() {
        Some((at, 's')) => (&word[..at], 1_000.0),
        Some((at, 'm')) => (&word[..at], 60_000.0),
        Some((at, 'h')) => (&word[..at], 3_600_000.0),
        Some((at, 'd')) => (&word[..at], 86_400_000.0),
        _ => (word, 1_000.0),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("`{word}` is no length of time"))?;
    Ok((number * unit_ms).round() as u64)
}
