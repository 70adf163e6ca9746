use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::ProjectError;
use super::load::{describe_failure, read_text};
use crate::inventory::{Found, InventoryError, Surroundings};
use crate::value::{quote, write_duration};

/// How long a program may take to print an inventory.
const PROGRAM_LIMIT: Duration = Duration::from_secs(60);
/// How long to wait for the rest of its output once it has ended: what it left running may hold
/// the stream open for ever.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// Most of what it prints, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// The files and programs of this machine, for the readers of inventories.
pub(super) struct Machine;

impl Surroundings for Machine {
    fn look(&self, path: &str) -> Result<Found, InventoryError> {
        let refuse = |error: &io::Error| not_read(path, describe_failure(error), None);
        let entry = match fs::metadata(path) {
            Ok(entry) => entry,
            // Standard input is no file, and is read as one.
            Err(_) if path == "-" => return Ok(Found::File { is_executable: false }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Found::Nothing),
            Err(error) => return Err(refuse(&error)),
        };
        if !entry.is_dir() {
            let is_executable = entry.is_file() && entry.permissions().mode() & 0o111 != 0;
            return Ok(Found::File { is_executable });
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(|error| refuse(&error))? {
            let name = entry.map_err(|error| refuse(&error))?.file_name();
            let name = name.into_string().map_err(|name| {
                let why = format!("a file in it has a name that is not UTF-8: {}", name.display());
                not_read(path, why, None)
            })?;
            names.push(name);
        }
        names.sort();
        Ok(Found::Folder(names))
    }

    fn text(&self, path: &str) -> Result<String, InventoryError> {
        match read_text(Path::new(path)) {
            Ok((_, text)) => Ok(text),
            Err(ProjectError::NotRead { why, .. }) => Err(not_read(path, why, None)),
            Err(ProjectError::NoFile { help, .. }) => {
                Err(not_read(path, "there is no such file".to_owned(), help))
            }
            Err(ProjectError::NotUtf8 { line, byte, .. }) => {
                let why = format!("line {line} holds the byte 0x{byte:02x}, which is not UTF-8");
                Err(not_read(path, why, None))
            }
            Err(other) => Err(not_read(path, other.to_string(), None)),
        }
    }

    fn run(&self, path: &str, arguments: &[&str]) -> Result<String, InventoryError> {
        let words: Vec<_> = std::iter::once(path)
            .chain(arguments.iter().copied())
            .map(quote)
            .collect();
        let command = words.join(" ");
        let printed = run_program(path, arguments).map_err(|failure| InventoryError::ProgramFailed {
            command: command.clone(),
            why: failure.why,
            help: failure.help,
        })?;
        String::from_utf8(printed).map_err(|_| InventoryError::ProgramFailed {
            command,
            why: "what it prints is not UTF-8".to_owned(),
            help: None,
        })
    }
}

/// Why a program gave nothing.
struct Failure {
    why: String,
    help: Option<String>,
}

/// What a program prints, if it ends well and in time; nothing is given to it to read.
fn run_program(path: &str, arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let failed = |why: String| Failure { why, help: None };
    // A name without a folder would be looked for among the machine's programs.
    let program = match path.contains('/') {
        true => PathBuf::from(path),
        false => Path::new(".").join(path),
    };
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    let mut child = child.map_err(|error| Failure {
        why: format!("it cannot be started: {}", describe_failure(&error)),
        help: Some(
            "a program begins with a line such as #!/usr/bin/env python3, or is no program".to_owned(),
        ),
    })?;
    let group = child.id();
    let output = read_stream(child.stdout.take());
    let errors = read_stream(child.stderr.take());
    let (ended, status) = channel();
    std::thread::spawn(move || {
        // Nobody listens any more when it took too long.
        let _ = ended.send(child.wait());
    });
    let Ok(status) = status.recv_timeout(PROGRAM_LIMIT) else {
        // The group may be gone by now, which is what is wanted.
        let _ = Command::new("kill")
            .args(["-KILL", "--", &format!("-{group}")])
            .stderr(Stdio::null())
            .status();
        let limit = write_duration(PROGRAM_LIMIT);
        return Err(failed(format!("it took longer than {limit}")));
    };
    let status = status.map_err(|error| failed(describe_failure(&error)))?;
    let said = errors.recv_timeout(DRAIN_TIME).unwrap_or_default();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    let help = (!said.is_empty()).then(|| format!("it said: {said}"));
    if !status.success() {
        let why = format!("it ended with {status}").replace("exit status:", "status");
        return Err(Failure { why, help });
    }
    let Ok(printed) = output.recv_timeout(DRAIN_TIME) else {
        let why = "it ended, and something that it started still holds its output open";
        return Err(failed(why.to_owned()));
    };
    if printed.len() as u64 > MOST_BYTES {
        return Err(failed(format!("it prints more than {} MiB", MOST_BYTES >> 20)));
    }
    Ok(printed)
}

/// Reads a stream in a thread of its own: all of it, of which one byte more than is allowed is
/// kept, so that the program never waits for a reader.
fn read_stream(stream: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (done, read) = channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut stream) = stream {
            // What cannot be read any more is missing, and no JSON without it.
            let _ = stream.by_ref().take(MOST_BYTES + 1).read_to_end(&mut kept);
            let _ = io::copy(&mut stream, &mut io::sink());
        }
        let _ = done.send(kept);
    });
    read
}

fn not_read(path: &str, why: String, help: Option<String>) -> InventoryError {
    InventoryError::NotRead {
        path: path.to_owned(),
        why,
        help,
    }
}
