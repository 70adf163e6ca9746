//! What the programs in a script's `PATH` and the test say to one another: one line of JSON each way.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde::{Deserialize, Serialize};

/// The variable that names the socket of the test.
pub const SOCKET: &str = "QUORATE_TEST_SOCKET";

/// What a program wants.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    /// The process that wants it.
    pub pid: u32,
    /// What.
    pub wish: Wish,
}

/// What can be wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// A command carried out.
    CarryOut {
        /// Where; `None` is the machine that runs the script.
        node: Option<String>,
        /// What.
        command: String,
        /// What it reads.
        input: String,
        /// How long it may take.
        limit_ms: u64,
    },
    /// Time to pass.
    Sleep {
        /// How much.
        length_ms: u64,
    },
    /// The seconds since the epoch.
    Date,
    /// An answer of the person.
    Ask {
        /// `confirm`, `manual`, `outage` or `irreversible`.
        kind: String,
        /// The question's name.
        name: String,
        /// The node it is about, or nothing.
        node: String,
        /// What is asked.
        text: String,
    },
}

/// What the test says to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The command ended.
    Ran {
        /// Its exit status.
        status: i32,
        /// Its standard output.
        output: String,
        /// Its standard error.
        errors: String,
    },
    /// It surely did not run.
    Unreachable {
        /// Why.
        why: String,
    },
    /// The connection was lost while it ran.
    Lost {
        /// Why.
        why: String,
    },
    /// It took longer than it may.
    Late,
    /// The time has passed.
    Slept,
    /// The seconds since the epoch.
    Date(u64),
    /// What the person says: `yes`, `no` or `later`.
    Said(String),
}

/// All that this program is given to read.
pub fn read_input() -> Result<String, String> {
    let mut input = Vec::new();
    std::io::stdin()
        .read_to_end(&mut input)
        .map_err(|why| why.to_string())?;
    Ok(String::from_utf8_lossy(&input).into_owned())
}

/// Writes what a command wrote, and gives its status.
pub fn pass_on(status: i32, output: &str, errors: &str) -> Result<i32, String> {
    // Whoever reads may have gone: no fault of the command.
    let _ = std::io::stderr().write_all(errors.as_bytes());
    let mut out = std::io::stdout();
    let _ = out.write_all(output.as_bytes()).and_then(|()| out.flush());
    Ok(status)
}

/// Asks the test, which answers once.
pub fn ask_test(wish: Wish) -> Result<Reply, String> {
    let path = std::env::var_os(SOCKET).ok_or("there is no test to ask")?;
    let told = |why: &dyn std::fmt::Display| why.to_string();
    let mut stream = UnixStream::connect(path).map_err(|why| told(&why))?;
    let pid = std::process::id();
    let mut line = serde_json::to_vec(&Call { pid, wish }).map_err(|why| told(&why))?;
    line.push(b'\n');
    stream.write_all(&line).map_err(|why| told(&why))?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).map_err(|why| told(&why))?;
    serde_json::from_slice(&reply).map_err(|why| told(&why))
}
