//! The prompt on a real terminal: from the command to the first prompt, and a keystroke's way to
//! the screen, with 10,000 nodes and a session of 500 lines. Beside it the same of a plain shell.

mod support;

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, open};

/// How often each thing is measured.
const ROUNDS: usize = 30;
/// Longer than anything takes that is not broken.
const LIMIT: Duration = Duration::from_secs(60);

/// A program on a terminal.
struct Terminal {
    child: std::process::Child,
    keys: std::fs::File,
    output: Receiver<Vec<u8>>,
}

impl Terminal {
    fn start(command: Command) -> Terminal {
        let (pty, pts) = open().expect("a terminal");
        pty.resize(Size::new(40, 120)).expect("it has a size");
        let child = command.spawn(pts).expect("it starts");
        let keys = std::fs::File::from(OwnedFd::from(pty));
        let mut reader = keys.try_clone().expect("it can be read");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal { child, keys, output }
    }

    /// Waits until something is on the screen; what has come up to then.
    fn until(&self, wanted: &str) -> String {
        let mut seen = String::new();
        while !seen.contains(wanted) {
            let bytes = self
                .output
                .recv_timeout(LIMIT)
                .unwrap_or_else(|_| panic!("no {wanted:?} in {seen:?}"));
            seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        seen
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("it takes them");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn quorate(folder: &Path, words: &[&str]) -> Command {
    Command::new(env!("CARGO_BIN_EXE_quorate"))
        .arg("repl")
        .args(words)
        .current_dir(folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
}

fn shell(_: &Path, _: &[&str]) -> Command {
    Command::new("bash")
        .args(["--norc", "-i"])
        .env("PS1", "sh> ")
        .env("TERM", "xterm")
}

fn tell(what: &str, mut taken: Vec<Duration>) {
    taken.sort();
    let milliseconds = |length: Duration| length.as_secs_f64() * 1000.0;
    println!(
        "{what:<58} median {:7.2} ms   slowest {:7.2} ms",
        milliseconds(taken[taken.len() / 2]),
        milliseconds(taken[taken.len() - 1])
    );
}

/// From the command to the first prompt.
fn first_prompt(what: &str, prompt: &str, start: impl Fn() -> Command) {
    let taken = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        let terminal = Terminal::start(start());
        terminal.until(prompt);
        began.elapsed()
    });
    tell(what, taken.collect());
}

/// A letter, its completion, colours and hint: from the key to the screen.
fn keystroke(what: &str, terminal: &mut Terminal, before: &str, key: &str, shown: &str, after: &str) {
    let mut taken = Vec::new();
    for _ in 0..ROUNDS {
        terminal.press(before);
        // What is typed before is on the screen first.
        let last = before.chars().last().expect("something is typed").to_string();
        terminal.until(&last);
        std::thread::sleep(Duration::from_millis(30));
        while terminal.output.try_recv().is_ok() {}
        let began = Instant::now();
        terminal.press(key);
        terminal.until(shown);
        taken.push(began.elapsed());
        // Ctrl-U, and away with it.
        terminal.press(after);
        std::thread::sleep(Duration::from_millis(30));
        while terminal.output.try_recv().is_ok() {}
    }
    tell(what, taken);
}

fn main() {
    let folder = support::Folder::new();
    let path = folder.path();
    folder.write("nodes.toml", &support::write_shape(10_000));
    let lines: String = (0..500)
        .map(|number| format!("on node{number} < probe \"uptime {number}\" >\n"))
        .collect();
    let history = path.join("state/quorate");
    std::fs::create_dir_all(&history).expect("a folder");
    std::fs::write(history.join("history"), format!("#V2\n{lines}")).expect("a history");

    first_prompt("floor: the first prompt of bash", "sh> ", || shell(path, &[]));
    first_prompt("the first prompt, 6 simulated nodes", "SIMULATED> ", || {
        quorate(path, &["--sim"])
    });
    first_prompt("the first prompt, 10,000 simulated nodes", "SIMULATED> ", || {
        quorate(path, &["--sim=nodes.toml"])
    });

    let mut bash = Terminal::start(shell(path, &[]));
    bash.until("sh> ");
    keystroke(
        "floor: a letter in bash",
        &mut bash,
        "echo abcdef",
        "q",
        "q",
        "\u{15}",
    );
    let mut prompt = Terminal::start(quorate(path, &["--sim=nodes.toml"]));
    prompt.until("SIMULATED> ");
    prompt.press(":poll off\r");
    prompt.until("looked at by itself");
    prompt.until("SIMULATED> ");
    for number in 0..500 {
        prompt.press(&format!("let a{number} = {number}\r"));
        prompt.until(&format!("a{number} = {number}\r\n"));
        prompt.until("SIMULATED> ");
    }
    let mut measure = |what: &str, before: &str, key: &str, shown: &str| {
        keystroke(what, &mut prompt, before, key, shown, "\u{15}");
    };
    measure(
        "a letter, with colours and a hint of the history",
        "on node12",
        "3",
        "3",
    );
    measure(
        "a letter in a statement of 200 letters",
        &format!("on node1 < {} run \"df", "probe \"uptime\"; ".repeat(12)),
        "q",
        "q",
    );
    measure(
        "a blank, with the checker's word",
        "stpo x",
        " ",
        "there is no verb",
    );
    measure("a tab among 10,000 nodes", "on no", "\t", "de");
    measure("a tab after a pipe", "mds | wh", "\t", "where");
}
