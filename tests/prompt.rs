//! The prompt on a real terminal: conversations as they are held, line for line.

mod pty;

use std::collections::VecDeque;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use pty::{Terminal, local_inventory};
use quorate::journal::Journal;
use tempfile::TempDir;

/// What the cursor stands after when something is to be typed.
const ASKS: &[&str] = &[
    "pcs1 SIMULATED> ",
    "hosts> ",
    "do it? [yes/no] ",
    "undo, stop? ",
    "to stop: ",
    "or `later`: ",
    "[yes/no] ",
    "node1$ ",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A prompt in a folder of its own.
struct Prompt {
    folder: TempDir,
    terminal: Terminal,
}

impl Prompt {
    /// Opens a prompt with flags, on a terminal of so many rows and columns.
    fn open(size: (u16, u16), flags: &[&str]) -> Prompt {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut words = vec!["repl"];
        words.extend(flags);
        let variables = [("NO_COLOR", "1"), ("PAGER", "cat")];
        let terminal = Terminal::start(size, folder.path(), &words, &variables);
        Prompt { folder, terminal }
    }

    /// Waits until something is to be typed, in a row below `row`; gives what the cursor stands after.
    #[track_caller]
    fn asked(&mut self, row: Option<u16>) -> (u16, String) {
        self.terminal.wait("a question", |terminal| {
            let (at, before) = terminal.cursor();
            let before = format!("{} ", before.trim_end());
            row.is_none_or(|row| at > row) && ASKS.iter().any(|ask| before.ends_with(ask))
        });
        let (row, before) = self.terminal.cursor();
        (row, before)
    }

    /// Types a line and waits for the next question.
    #[track_caller]
    fn say(&mut self, line: &str) -> String {
        let (row, _) = self.asked(None);
        self.terminal.press(&format!("{line}\r"));
        self.asked(Some(row));
        self.terminal.screen()
    }
}

impl Prompt {
    /// Leaves, once something may be typed.
    #[track_caller]
    fn leave(&mut self) {
        self.asked(None);
        self.terminal.press("\u{4}");
        let (code, screen) = self.terminal.end();
        assert_eq!(code, Some(0), "{screen}");
    }
}

/// What is typed in a transcript: all that stands after a question.
fn typed(transcript: &str) -> VecDeque<String> {
    let mut lines = VecDeque::new();
    for line in transcript.lines() {
        if let Some((_, said)) = ASKS.iter().find_map(|ask| line.split_once(ask.trim_end())) {
            lines.push_back(said.trim().to_owned());
        }
    }
    lines
}

/// Times of the day are not the same twice.
fn without_times(text: &str) -> String {
    let time = regex::Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ").expect("it is one");
    time.replace_all(text, "2026-01-01 00:00:00Z").into_owned()
}

/// Holds a conversation: the first line of a transcript is the command, and what stands after
/// questions is typed. `UPDATE_GOLDEN=1 cargo test --test prompt` writes what was seen.
fn hold(name: &str) -> Prompt {
    let path = root().join("tests/transcripts").join(format!("{name}.txt"));
    let transcript = fs::read_to_string(&path).expect("there is a transcript");
    let (command, rest) = transcript.split_once('\n').expect("it has a first line");
    let flags: Vec<String> = command
        .split_whitespace()
        .skip(3)
        .map(|word| word.replace("tests/", &format!("{}/tests/", root().display())))
        .collect();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut prompt = Prompt::open((2000, 110), &flags);
    let (mut row, _) = prompt.asked(None);
    for line in typed(rest) {
        if line.is_empty() {
            continue;
        }
        prompt.terminal.press(&format!("{line}\r"));
        (row, _) = prompt.asked(Some(row));
    }
    prompt.terminal.press("\u{4}");
    let (code, screen) = prompt.terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    let seen = without_times(&format!("{command}\n{}\n", screen.trim_end()));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &seen).expect("it can be written");
    }
    let expected = fs::read_to_string(&path).expect("it is there");
    assert_eq!(seen, expected, "{name}: seen, and written down");
    prompt
}

fn run(words: &[&str], folder: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_quorate"))
        .args(words)
        .current_dir(folder)
        .output()
        .expect("it starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

fn shape(name: &str) -> PathBuf {
    root().join("tests/transcripts").join(name)
}

#[test]
fn an_incident_becomes_a_runbook() {
    let prompt = hold("incident");
    let folder = prompt.folder.path();
    let sim = format!("--sim={}", shape("incident.toml").display());
    let (code, told) = run(&["check", "night.runbook", &sim], folder);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = run(&["fmt", "--check", "night.runbook"], folder);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = run(&["run", "night.runbook", &sim, "--yes"], folder);
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn whoever_fails_is_asked_what_now() {
    hold("failure");
}

/// A command that goes on until there is a file.
fn wait_for(name: &str) -> String {
    format!("until test -e {name}; do sleep 0.05; done")
}

/// A prompt on two nodes, both of which are this machine.
fn open_local(size: (u16, u16)) -> Prompt {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("hosts.ini"), local_inventory()).expect("a file in it");
    let variables = [("NO_COLOR", "1"), ("PAGER", "cat")];
    let words = ["repl", "-i", "hosts.ini"];
    let terminal = Terminal::start(size, folder.path(), &words, &variables);
    let mut prompt = Prompt { folder, terminal };
    prompt
        .terminal
        .until("the prompt", |screen| screen.contains("hosts>"));
    prompt
}

impl Prompt {
    fn has(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }

    fn let_go(&self, name: &str) {
        fs::write(self.folder.path().join(name), "").expect("it can be written");
    }

    /// What is kept of the session: each event a line.
    fn events(&self) -> String {
        kept_of(self.folder.path())
    }
}

/// What is kept of the only session of a place: each entry a line.
fn kept_of(place: &std::path::Path) -> String {
    let journal = Journal::open(&place.join("state/quorate/journal")).expect("it is there");
    let runs = journal.runs().expect("they can be read");
    let entries = journal.entries(&runs[0]).expect("they can be read");
    let write = |entry| serde_json::to_string(entry).expect("it was JSON") + "\n";
    entries.iter().map(write).collect()
}

/// Does something on one node after the other, the first of which waits.
fn begin_serially(prompt: &mut Prompt) {
    let statement = format!(
        "on web serially < run \"{}\"; run \"touch done-$node\" >",
        wait_for("go")
    );
    prompt.terminal.press(&format!("{statement}\r"));
    prompt
        .terminal
        .until("the question", |screen| screen.contains("do it? [yes/no]"));
    prompt.terminal.press("yes\r");
    prompt.terminal.until("what is in hand", |screen| {
        screen.contains("1 in hand, 1 to come")
    });
}

#[test]
fn a_session_whose_line_is_cut_finishes_the_node_in_hand() {
    let mut prompt = open_local((40, 100));
    begin_serially(&mut prompt);
    prompt.terminal.hang_up();
    prompt
        .terminal
        .until("a word about it", |screen| screen.contains("stopping after"));
    prompt.let_go("go");
    let (code, screen) = prompt.terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(
        (prompt.has("done-a"), prompt.has("done-b")),
        (true, false),
        "{screen}"
    );
    assert!(prompt.events().contains("interrupted"), "it is written down");
}

#[test]
fn a_key_interrupts_the_statement_and_not_the_session() {
    let mut prompt = open_local((40, 100));
    begin_serially(&mut prompt);
    prompt.terminal.press("\u{3}");
    prompt
        .terminal
        .until("a word about it", |screen| screen.contains("stopping after"));
    prompt.let_go("go");
    prompt
        .terminal
        .until("how it ended", |screen| screen.contains("interrupted: "));
    assert_eq!((prompt.has("done-a"), prompt.has("done-b")), (true, false));
    // A second one breaks off what is in hand, and says so.
    fs::remove_file(prompt.folder.path().join("go")).expect("it is there");
    prompt
        .terminal
        .press("on a < run \"touch begun; until test -e go; do sleep 0.05; done\" >\r");
    prompt.terminal.until("the question", |screen| {
        screen.matches("do it? [yes/no]").count() == 2
    });
    prompt.terminal.press("yes\r");
    prompt
        .terminal
        .until("what is in hand", |screen| screen.contains("on a: 1 in hand"));
    prompt.terminal.press("\u{3}");
    prompt.terminal.until("a word about it", |screen| {
        screen.matches("stopping after").count() == 2
    });
    prompt.terminal.press("\u{3}");
    let screen = prompt
        .terminal
        .until("what is unknown", |screen| screen.contains("unknown: "));
    assert!(screen.contains("the outcome of one act is unknown"), "{screen}");
    prompt.let_go("go");
    prompt.leave();
}

#[test]
fn what_becomes_worse_is_told_above_the_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shape = "[cluster]\nlag = \"1s\"\n[[event]]\nat = \"5s\"\nnode = \"node3\"\nservice = \"pstorage-mdsd\"\nis = \"stopped\"\n";
    fs::write(folder.path().join("shape.toml"), shape).expect("a file in it");
    let words = ["repl", "--sim=shape.toml"];
    let terminal = Terminal::start((40, 100), folder.path(), &words, &[("NO_COLOR", "1")]);
    let mut prompt = Prompt { folder, terminal };
    prompt.say(":poll 1s");
    prompt.terminal.press("mds | whe");
    // The line comes again below it.
    prompt.terminal.until("the news", |screen| {
        screen.contains("! mds 4/5: node3 went") && screen.trim_end().ends_with("pcs1 SIMULATED> mds | whe")
    });
    prompt.terminal.press("\u{3}");
    prompt
        .terminal
        .until("the state", |screen| screen.contains("mds 4/5  100% healthy"));
    prompt.leave();
}

#[test]
fn whatever_is_pasted_ends_nothing() {
    let mut prompt = Prompt::open((40, 100), &["--sim"]);
    prompt.asked(None);
    let binary = (1..=255u8).filter(|byte| ![3, 4, 10, 13, 26, 28].contains(byte));
    let binary: String = binary.map(char::from).collect();
    prompt
        .terminal
        .press(&format!("\u{1b}[200~{binary}\u{1b}[201~\r"));
    prompt.terminal.until("what is wrong with it", |screen| {
        screen.contains("the text holds a control character") && screen.trim_end().ends_with("SIMULATED>")
    });
    let screen = prompt.say("mds-count");
    assert!(screen.lines().any(|row| row.trim() == "5"), "{screen}");
    // A megabyte in one line is taken in, and can be thrown away.
    let long = format!("note \"{}", "x".repeat(1 << 20));
    prompt.terminal.press(&format!("\u{1b}[200~{long}\u{1b}[201~"));
    prompt.terminal.until("the line", |screen| screen.contains("xxx"));
    prompt.terminal.press("\u{3}");
    prompt.terminal.until("the prompt below it", |screen| {
        screen
            .rsplit_once("xxx")
            .is_some_and(|(_, below)| below.trim_end().ends_with("SIMULATED>"))
    });
    prompt.terminal.press("mds_nodes\r");
    prompt
        .terminal
        .until("an answer", |screen| screen.contains("node[1-5]"));
    prompt.leave();
}

#[test]
fn a_narrow_terminal_can_be_used() {
    let mut prompt = Prompt::open((40, 20), &["--sim"]);
    prompt
        .terminal
        .until("the prompt", |screen| screen.contains("pcs1 SIMULATED>"));
    prompt.terminal.press("mds-count\r");
    let screen = prompt
        .terminal
        .until("the answer", |screen| screen.lines().any(|row| row == "5"));
    assert!(screen.contains("mds 5/5"), "{screen}");
    prompt.leave();
}

#[test]
fn a_host_cannot_draw_on_the_terminal() {
    let mut prompt = open_local((40, 100));
    prompt
        .terminal
        .press("on a < probe \"printf '\\\\033]0;gotcha\\\\007\\\\033[2Jhello'\" >\r");
    let screen = prompt
        .terminal
        .until("the answer", |screen| screen.contains("␛]0;gotcha␇␛[2Jhello"));
    assert!(
        screen.contains("hosts: 2 nodes"),
        "nothing was wiped away: {screen}"
    );
    prompt.leave();
}

#[test]
fn the_history_is_private_and_without_secrets() {
    let mut prompt = Prompt::open((40, 100), &["--sim"]);
    prompt.say("mds-count");
    prompt.say("on node6 < auth-node password=hunter2 >");
    prompt.say("no");
    prompt.say("verb a(key: secret) < note \"x\" >");
    prompt.say("a key=hunter3");
    prompt.say(" mds # with a blank before it");
    prompt.leave();
    let path = prompt.folder.path().join("state/quorate/history");
    let history = fs::read_to_string(&path).expect("it is kept");
    assert!(history.contains("mds-count"), "{history}");
    assert!(
        !history.contains("hunter") && !history.contains("with a blank"),
        "{history}"
    );
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).expect("it is there").permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_no_terminal_gives_a_script() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("a.runbook"), "note \"from a file\"\n").expect("a file in it");
    let run = |flags: &[&str]| {
        let input = fs::File::open(folder.path().join("a.runbook")).expect("it is there");
        let output = Command::new(env!("CARGO_BIN_EXE_quorate"))
            .args(flags)
            .stdin(input)
            .current_dir(folder.path())
            .env_remove("QUORATE_INVENTORY")
            .output()
            .expect("it starts");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let (code, told) = run(&["repl", "--sim"]);
    assert_eq!((code, told.contains("from a file")), (Some(0), true), "{told}");
    // Without a terminal nobody would see that the cluster is not the one that was meant.
    let (code, told) = run(&["repl"]);
    assert_eq!(
        (code, told.contains("there is no inventory")),
        (Some(2), true),
        "{told}"
    );
    let (code, told) = run(&[]);
    assert_eq!((code, told.contains("Usage: quorate")), (Some(2), true), "{told}");
}

#[test]
fn a_terminal_that_is_gone_ends_the_session_in_good_order() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("hosts.ini"), local_inventory()).expect("a file in it");
    let (mut pty, pts) = pty_process::blocking::open().expect("a terminal");
    let mut child = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_quorate"))
        .args(["repl", "-i", "hosts.ini", "--yes"])
        .current_dir(folder.path())
        .env("XDG_STATE_HOME", folder.path().join("state"))
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .spawn(pts)
        .expect("it starts");
    let until = |pty: &mut pty_process::blocking::Pty, wanted: &str| {
        let (mut seen, mut buffer) = (String::new(), [0; 4096]);
        while !seen.contains(wanted) {
            let count = pty.read(&mut buffer).expect("it goes on");
            seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    };
    until(&mut pty, "hosts> ");
    let body = format!(
        "run \"{}\"; manual \"Look.\"; run \"touch done-$node\"",
        wait_for("go")
    );
    pty.write_all(format!("on web serially < {body} >\r").as_bytes())
        .expect("it is typed");
    until(&mut pty, "1 in hand");
    // The line is cut: whatever is written or asked from now on, nobody is there.
    drop(pty);
    fs::write(folder.path().join("go"), "").expect("it can be written");
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
    let done = ["done-a", "done-b"].map(|name| folder.path().join(name).exists());
    assert_eq!(done, [false, false], "nobody was there to look");
    let events = kept_of(folder.path());
    assert!(
        events.trim_end().ends_with('}') && events.contains("run_ended"),
        "{events}"
    );
}
