//! A run on a real terminal: what the person sees while it goes on.

mod pty;

use std::ops::{Deref, DerefMut};
use std::time::Instant;

use pty::{LIMIT, Terminal, local_inventory};
use tempfile::TempDir;

/// A run in a folder of its own, and the terminal that it runs on.
struct Run {
    folder: TempDir,
    terminal: Terminal,
}

impl Run {
    /// Starts a script on a terminal of so many columns.
    fn start(columns: u16, script: &str, flags: &[&str]) -> Run {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("hosts.ini"), local_inventory()).expect("a file in it");
        std::fs::write(folder.path().join("a.runbook"), script).expect("a file in it");
        let mut words = vec!["run", "a.runbook", "-i", "hosts.ini"];
        words.extend(flags);
        let terminal = Terminal::start((24, columns), folder.path(), &words, &[]);
        Run { folder, terminal }
    }

    /// Whether there is a file of this name.
    fn has(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }

    /// Lets commands that wait for a file go on.
    fn let_go(&self, name: &str) {
        std::fs::write(self.folder.path().join(name), "").expect("it can be written");
    }
}

impl Deref for Run {
    type Target = Terminal;

    fn deref(&self) -> &Terminal {
        &self.terminal
    }
}

impl DerefMut for Run {
    fn deref_mut(&mut self) -> &mut Terminal {
        &mut self.terminal
    }
}

/// A command that goes on until there is a file.
fn wait_for(name: &str) -> String {
    format!("until test -e {name}; do sleep 0.05; done")
}

#[test]
fn what_goes_on_is_seen_and_wiped_away() {
    let script = format!(
        "on web in parallel < run \"echo one; {}; echo two\" >\n",
        wait_for("go")
    );
    let mut run = Run::start(100, &script, &[]);
    let screen = run.until("the line of a command", |screen| screen.contains("│ "));
    assert!(screen.contains("[2/2] "), "{screen}");
    assert!(screen.contains("on a,b: 2 in hand"), "{screen}");
    assert!(screen.contains("a,b  run \"echo one;"), "{screen}");
    assert!(screen.contains(": one"), "{screen}");
    run.let_go("go");
    let (code, screen) = run.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains("in hand"), "{screen}");
    assert!(screen.contains("a,b  ✓ run echo one"), "{screen}");
    assert!(screen.contains("│ two"), "{screen}");
}

#[test]
fn a_wait_shows_what_was_measured_last() {
    let script = "guard ready <\n  let count = locally < probe \"ls\" > | lines | where $it matches /part/ | count\n  \
                  check $count is 2 else \"there are $count parts; 2 must be\"\n>\n\
                  wait up to 10m until ready every 1s\n";
    let mut run = Run::start(80, script, &[]);
    let screen = run.until("a measurement", |screen| screen.contains("there are 0 parts"));
    assert!(screen.contains("of 10m00s  waiting for ready"), "{screen}");
    run.let_go("part1");
    run.until("the next one", |screen| screen.contains("there are 1 parts"));
    run.let_go("part2");
    let (code, screen) = run.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("✓ ready, after a wait"), "{screen}");
}

#[test]
fn a_narrow_terminal_can_be_read() {
    let script = format!("on web in parallel < run \"{}\" >\n", wait_for("go"));
    let mut run = Run::start(20, &script, &[]);
    let screen = run.until("what is in hand", |screen| screen.contains("2 in hand"));
    // Nothing is broken in the middle: each row stands for itself.
    assert!(screen.lines().any(|row| row == "2 in hand"), "{screen}");
    assert!(screen.lines().any(|row| row.ends_with("s  a,b")), "{screen}");
    run.let_go("go");
    assert_eq!(run.end().0, Some(0));
}

#[test]
fn nothing_is_written_into_a_question() {
    let script = format!(
        "on web in parallel <\n  if ($node is \"a\") < confirm \"Go on?\" > else <\n    \
         run \"{}\"\n    note \"b is through\"\n    run \"touch through; {}\"\n  >\n>\n",
        wait_for("go"),
        wait_for("over")
    );
    let mut run = Run::start(80, &script, &[]);
    let asked = |screen: &str| screen.trim_end().ends_with("a: Go on? [yes/no]");
    run.wait("the question", |terminal| {
        terminal.cursor().1.trim_end().ends_with("a: Go on? [yes/no]")
    });
    run.let_go("go");
    let deadline = Instant::now() + LIMIT;
    while !run.has("through") && Instant::now() < deadline {
        std::thread::yield_now();
    }
    // The other node went on meanwhile, and was not heard of.
    assert!(run.has("through") && asked(&run.screen()), "{}", run.screen());
    run.press("yes\r");
    let screen = run.until("what was held back", |screen| screen.contains("b is through"));
    assert!(screen.contains("Go on? [yes/no] yes"), "{screen}");
    run.until("what is in hand", |screen| screen.contains("in hand"));
    run.let_go("over");
    assert_eq!(run.end().0, Some(0));
}

#[test]
fn an_interrupted_run_finishes_what_is_in_hand() {
    let script = format!(
        "on web serially <\n  run \"{}\"\n  run \"touch done-$node\"\n>\n",
        wait_for("go")
    );
    let mut run = Run::start(80, &script, &[]);
    run.until("what is in hand", |screen| {
        screen.contains("1 in hand, 1 to come")
    });
    run.press("\u{3}");
    let screen = run.until("a word about it", |screen| screen.contains("stopping after"));
    assert!(screen.contains("once more breaks it off"), "{screen}");
    run.until("what is still in hand", |screen| screen.contains("1 in hand"));
    run.let_go("go");
    let (code, screen) = run.end();
    assert_eq!(code, Some(130), "{screen}");
    assert_eq!((run.has("done-a"), run.has("done-b")), (true, false), "{screen}");
}

#[test]
fn between_two_steps_without_a_node_nothing_more_is_begun() {
    let script = format!(
        "locally < run \"{}\" >\nlocally < run \"touch second\" >\n",
        wait_for("go")
    );
    let mut run = Run::start(80, &script, &[]);
    run.until("what is in hand", |screen| screen.contains("[2/4]"));
    run.press("\u{3}");
    run.until("a word about it", |screen| screen.contains("stopping after"));
    run.let_go("go");
    let (code, screen) = run.end();
    assert_eq!((code, run.has("second")), (Some(130), false), "{screen}");
}

#[test]
fn a_terminal_that_goes_away_does_not_break_a_node_off() {
    let script = format!(
        "on web serially <\n  run \"{}\"\n  run \"touch done-$node\"\n>\n",
        wait_for("go")
    );
    let mut run = Run::start(80, &script, &[]);
    run.until("what is in hand", |screen| {
        screen.contains("1 in hand, 1 to come")
    });
    // The reader holds the terminal as well: the system tells the run as if the line was cut.
    run.hang_up();
    run.until("a word about it", |screen| screen.contains("stopping after"));
    run.let_go("go");
    let (code, screen) = run.end();
    assert_eq!(code, Some(130), "{screen}");
    assert_eq!((run.has("done-a"), run.has("done-b")), (true, false), "{screen}");
}

#[test]
fn control_sequences_of_hosts_do_nothing() {
    let script = format!(
        "on web in parallel < run \"printf '\\\\033]0;gotcha\\\\007\\\\033[2Jhello\\\\n'; {}\" >\n",
        wait_for("go")
    );
    let mut run = Run::start(100, &script, &[]);
    let screen = run.until("the line of a command", |screen| screen.contains("hello"));
    assert!(screen.contains("␛]0;gotcha␇␛[2Jhello"), "{screen}");
    run.let_go("go");
    let (code, screen) = run.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("│ ␛]0;gotcha␇␛[2Jhello"), "{screen}");
}

#[test]
fn quiet_and_json_draw_no_more_than_they_should() {
    let script = format!("on web in parallel < run \"{}\" >\n", wait_for("go"));
    let mut run = Run::start(100, &script, &["-q"]);
    run.until("what is in hand", |screen| screen.contains("2 in hand"));
    run.let_go("go");
    let (code, screen) = run.end();
    assert_eq!((code, screen.contains("✓ run")), (Some(0), false), "{screen}");
    let mut run = Run::start(
        100,
        "on web in parallel < run \"true\" >\n",
        &["--format", "json"],
    );
    let (code, screen) = run.end();
    assert_eq!((code, screen.contains("in hand")), (Some(0), false), "{screen}");
}
