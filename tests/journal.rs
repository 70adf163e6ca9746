//! The journal of real runs: killed processes, edited runbooks, steps finished by hand, runs handed
//! over, and journals that were altered.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use quorate::journal::Journal;
use tempfile::TempDir;

/// An inventory of two nodes, both of which are this machine. Its cluster has a name of its own: whoever
/// works on one at the same time would wait for its maintenance lock.
fn nodes() -> String {
    static CLUSTERS: AtomicUsize = AtomicUsize::new(0);
    let (process, number) = (std::process::id(), CLUSTERS.fetch_add(1, Ordering::Relaxed));
    format!(
        "[web]\na ansible_connection=local\nb ansible_connection=local\n[all:vars]\n\
         quorate_cluster=journal-{process}.{number}\n"
    )
}

/// Each act leaves a line behind, and knows by it whether it was done.
const DRILL: &str = r#"runbook drill
let before = locally < probe "date +%s%N" >
guard logged(word: string) < check (succeeds "grep -q $word log") else "not in the log" >
on web serially <
  run "echo first-$node >> log" limit=1s done when logged "first-$node"
  undo < run "echo undone-$node >> log" >
  for word in [x y] <
    run "echo $word-$node >> log" limit=1s done when logged "${word}-$node"
  >
  confirm "Is $node fine?"
  run "echo $before-$node >> log" limit=1s done when logged "${before}-$node"
>
on web in parallel < run "echo last-$node >> log" limit=1s done when logged "last-$node" >
"#;

struct Place {
    folder: TempDir,
}

impl Place {
    fn new(runbook: &str) -> Place {
        let place = Place {
            folder: tempfile::tempdir().expect("a folder"),
        };
        place.write("hosts.ini", &nodes());
        place.write("a.runbook", runbook);
        place.write("log", "");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("it can be written");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quorate"));
        command
            .args(words)
            .current_dir(self.folder.path())
            .env("QUORATE_JOURNAL", self.path("journal"))
            .env("NO_COLOR", "1")
            .env_remove("QUORATE_INVENTORY")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> Told {
        Told(self.command(words).output().expect("it was built for this test"))
    }

    /// Starts the runbook, waits until it has told of `count` events, and kills it; what it had begun
    /// on a host goes on. Whether it was killed before its end.
    fn run_until(&self, count: usize) -> bool {
        let words = ["run", "a.runbook", "-i", "hosts.ini", "--yes", "--format", "json"];
        let mut command = self.command(&words);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it was built for this test");
        let told = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let heard = told.take(count).filter(Result::is_ok).count();
        kill(&mut child);
        heard == count
    }

    fn name(&self) -> String {
        let journal = Journal::open(&self.path("journal")).expect("it is there");
        journal
            .runs()
            .expect("they can be read")
            .pop()
            .expect("a run was kept")
    }
}

struct Told(Output);

impl Told {
    #[track_caller]
    fn ends(&self, code: i32) -> &Told {
        assert_eq!(self.0.status.code(), Some(code), "{}", self.text());
        self
    }

    #[track_caller]
    fn says(&self, words: &str) -> &Told {
        assert!(
            self.text().contains(words),
            "`{words}` is missing in\n{}",
            self.text()
        );
        self
    }

    #[track_caller]
    fn lacks(&self, words: &str) -> &Told {
        assert!(!self.text().contains(words), "`{words}` is in\n{}", self.text());
        self
    }

    fn text(&self) -> String {
        let (out, errors) = (&self.0.stdout, &self.0.stderr);
        format!(
            "{}{}",
            String::from_utf8_lossy(out),
            String::from_utf8_lossy(errors)
        )
    }
}

fn kill(child: &mut Child) {
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
}

/// The words that each node has to have in the log, once.
fn assert_done_once(place: &Place, what: &str) {
    let log = place.read("log");
    let lines: Vec<&str> = log.lines().collect();
    for node in ["a", "b"] {
        for word in ["first", "x", "y", "last"] {
            let line = format!("{word}-{node}");
            let count = lines.iter().filter(|known| **known == line).count();
            assert_eq!(count, 1, "{what}: {line} in\n{log}");
        }
    }
    let values: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.split_once('-'))
        .map(|(word, _)| word)
        .filter(|word| word.starts_with(|letter: char| letter.is_ascii_digit()))
        .collect();
    assert!(
        values.len() == 2 && values[0] == values[1],
        "{what}: a value is measured once: {values:?}"
    );
    assert!(!log.contains("undone"), "{what}: {log}");
}

#[test]
fn a_killed_process_is_taken_up_where_it_was() {
    let mut tried = 0;
    for count in 1.. {
        let place = Place::new(DRILL);
        if !place.run_until(count) {
            break;
        }
        tried += 1;
        let what = format!("killed after {count} events");
        // At the very end there is nothing left to do.
        let told = place.run(&["resume", "--yes"]);
        if !told.text().contains("no run that could be resumed") {
            told.ends(0);
        }
        assert_done_once(&place, &what);
        place
            .run(&["show", "--verify"])
            .ends(0)
            .says("nothing was altered");
    }
    assert!(tried > 20, "{tried} points");
    println!("{tried} points");
}

#[test]
fn a_run_that_is_alive_is_not_taken_up() {
    let wait = "on a < run \"touch begun; until test -e go; do sleep 0.02; done\" >\n";
    let place = Place::new(&wait.replace("touch begun; ", "touch begun && "));
    let words = ["run", "a.runbook", "-i", "hosts.ini"];
    let mut child = place.command(&words).spawn().expect("it was built for this test");
    while !place.path("begun").exists() {
        std::thread::yield_now();
    }
    let name = place.name();
    place
        .run(&["resume", &name])
        .ends(2)
        .says("is still alive")
        .says(&child.id().to_string());
    place.run(&["resume"]).ends(2).says("is still alive").says(&name);
    place.run(&["history"]).ends(0).says("alive");
    place.write("go", "");
    assert_eq!(child.wait().expect("it is ours").code(), Some(0));
    place.run(&["resume", &name]).ends(2).says("it has ended well");
}

/// A run that failed in its second step.
fn failed(more: &str) -> Place {
    let place = Place::new(&format!(
        "on a <\n  run \"echo one >> log\"\n  run \"test -e fine\"\n{more}>\n"
    ));
    place.run(&["run", "a.runbook", "-i", "hosts.ini"]).ends(1);
    place
}

#[test]
fn a_failed_step_is_tried_again_and_nothing_before_it() {
    let place = failed("  run \"echo two >> log\"\n");
    place.run(&["resume"]).ends(1).says("1 act was done");
    place.write("fine", "");
    place.run(&["resume"]).ends(0);
    assert_eq!(place.read("log"), "one\ntwo\n");
}

#[test]
fn an_edited_runbook_is_taken_up_only_when_that_is_accepted() {
    let place = failed("");
    let edited =
        "# a word more\non a <\n  run \"echo new >> log\"\n  run \"echo one >> log\"\n  run \"true\"\n>\n";
    place.write("a.runbook", edited);
    place
        .run(&["resume"])
        .ends(2)
        .says("-  run \"test -e fine\"")
        .says("+  run \"echo new >> log\"")
        .says("--accept-changes");
    assert_eq!(place.read("log"), "one\n");
    place.run(&["resume", "--accept-changes"]).ends(0);
    // What is known by its words is not done again; what is new is done.
    assert_eq!(place.read("log"), "one\nnew\n");
    place.run(&["show"]).ends(0).says("what had changed was accepted");
}

#[test]
fn an_edited_inventory_is_taken_up_only_when_that_is_accepted() {
    let place = failed("");
    place.write("fine", "");
    place.write(
        "hosts.ini",
        &place
            .read("hosts.ini")
            .replace("[web]", "[web]\nc ansible_connection=local"),
    );
    place
        .run(&["resume"])
        .ends(2)
        .says("the inventory (now)")
        .says("web");
    place.run(&["resume", "--accept-changes"]).ends(0);
}

#[test]
fn a_step_that_was_finished_by_hand_is_marked() {
    let place = failed("  run \"echo two >> log\"\n");
    place
        .run(&["resume", "--mark", "done", "9", "a", "by hand"])
        .ends(2)
        .says("has not come to a step `9` on a");
    place
        .run(&["resume", "--mark", "done", "3", "a", " "])
        .ends(2)
        .says("say why");
    place
        .run(&["resume", "--mark", "undone", "3", "a", "by hand"])
        .ends(2)
        .says("--mark undone");
    place
        .run(&["resume", "--mark", "done", "3", "a", "it was fine by hand"])
        .ends(0)
        .says("marked as done: on a / @a / run \"test -e fine\"");
    place.run(&["resume"]).ends(0);
    assert_eq!(place.read("log"), "one\ntwo\n");
    place.run(&["show"]).ends(0).says("it was fine by hand");
}

#[test]
fn steps_are_marked_together_or_not_at_all() {
    let place = Place::new("on web in parallel < run \"test -e fine\" >\n");
    place.run(&["run", "a.runbook", "-i", "hosts.ini"]).ends(1);
    let mark = |first: [&str; 4], second: [&str; 4]| {
        let (first, second) = (first.map(str::to_owned), second.map(str::to_owned));
        let words = ["resume", "--mark"].map(str::to_owned).into_iter().chain(first);
        let words: Vec<String> = words.chain(["--mark".to_owned()]).chain(second).collect();
        place.run(&words.iter().map(String::as_str).collect::<Vec<&str>>())
    };
    let refused = [
        // the second mark, what is said
        (["done", "9", "b", "by hand"], "has not come to a step `9` on b"),
        (["done", "1", "b", ""], "say why"),
        (["undone", "1", "b", "by hand"], "--mark undone"),
        (["skip", "1", "a", "by hand"], "something is said twice"),
    ];
    for (second, said) in refused {
        mark(["done", "1", "a", "by hand"], second).ends(2).says(said);
        place.run(&["show"]).ends(0).lacks("marked as");
    }
    mark(
        ["done", "1", "a", "by hand"],
        ["skip", "1", "b", "it is not needed"],
    )
    .ends(0)
    .says("marked as done: on web / @a /")
    .says("marked as to be skipped: on web / @b /")
    .says("go on with: quorate resume");
    place.run(&["resume"]).ends(0);
    place.run(&["show"]).ends(0).says("it is not needed");
}

#[test]
fn what_an_undo_took_back_is_begun_anew_only_when_somebody_says_so() {
    let place = Place::new(
        "on a <\n  run \"echo one >> log\"\n  undo < run \"echo undone >> log\" >\n  run \"test -e fine\"\n>\n",
    );
    place.run(&["run", "a.runbook", "-i", "hosts.ini"]).ends(1);
    assert_eq!(place.read("log"), "one\nundone\n");
    place.write("fine", "");
    place.run(&["resume"]).ends(8);
    assert_eq!(place.read("log"), "one\nundone\n");
    place.run(&["resume", "--answer", "anew-1=yes"]).ends(0);
    assert_eq!(place.read("log"), "one\nundone\none\n");
    place.run(&["show"]).ends(0).says("begun anew");
}

#[test]
fn an_act_is_not_done_again_while_it_may_still_be_running() {
    let place = Place::new("on a < run \"echo began >> log && sleep 1 && echo ended >> log\" limit=2s >\n");
    let words = ["run", "a.runbook", "-i", "hosts.ini"];
    let mut child = place.command(&words).spawn().expect("it was built for this test");
    while place.read("log").is_empty() {
        assert!(
            child.try_wait().expect("it is ours").is_none(),
            "it did not begin"
        );
        std::thread::yield_now();
    }
    kill(&mut child);
    // What is answered beforehand is believed when the limit is over, and not before.
    place
        .run(&["resume", "--answer", "done-2=no"])
        .ends(0)
        .says("may still be running");
    assert_eq!(place.read("log"), "began\nended\nbegan\nended\n");
    place
        .run(&["show"])
        .ends(0)
        .says("a person says that it was not done");
}

#[test]
fn a_run_whose_own_undo_has_run_is_not_taken_up() {
    let place =
        Place::new("finally < locally < run \"echo gone >> log\" > >\non a < run \"test -e fine\" >\n");
    place.run(&["run", "a.runbook", "-i", "hosts.ini"]).ends(1);
    let name = place.name();
    place
        .run(&["resume", &name])
        .ends(2)
        .says("was taken back at its end");
}

#[test]
fn a_run_is_handed_over() {
    let (here, there) = (failed("  run \"echo two >> log\"\n"), Place::new(""));
    fs::remove_file(there.path("a.runbook")).expect("it is there");
    let file = there.path("run.json");
    let file = file.to_str().expect("it is UTF-8");
    here.run(&["export", "-o", file]).ends(0);
    let mode = there
        .path("run.json")
        .metadata()
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "what is kept is for the user alone");
    there.write("hosts.ini", &here.read("hosts.ini"));
    there.write("fine", "");
    let text = there.read("run.json");
    there.write("altered.json", &text.replacen("echo one", "echo 0ne", 1));
    there
        .run(&["resume", "--from", "altered.json", "-i", "hosts.ini"])
        .ends(2)
        .says("cannot be taken in");
    there
        .run(&["resume", "--from", "altered2.json"])
        .ends(2)
        .says("cannot be read");
    // The runbook's file stays behind: what was kept of it is carried out.
    fs::remove_file(here.path("a.runbook")).expect("it is there");
    there
        .run(&["resume", "--from", "run.json", "-i", "hosts.ini"])
        .ends(0)
        .says("1 act was done");
    assert_eq!(there.read("log"), "two\n");
    there
        .run(&["show", "--verify"])
        .ends(0)
        .says("nothing was altered");
    // What went on elsewhere is taken back by the same way.
    let name = there.name();
    there.run(&["export", &name, "-o", "back.json"]).ends(0);
    let back = there.path("back.json");
    here.run(&["resume", "--from", back.to_str().expect("it is UTF-8")])
        .ends(2)
        .says("it has ended well");
}

#[test]
fn an_altered_byte_is_found() {
    let place = Place::new(DRILL);
    place
        .run(&["run", "a.runbook", "-i", "hosts.ini", "--yes"])
        .ends(0);
    place.run(&["show", "--verify"]).ends(0).says("byte for byte");
    let file = place.path("journal/journal.db");
    let whole = fs::read(&file).expect("it is there");
    let mut unnoticed = Vec::new();
    for at in (0..whole.len()).step_by(97) {
        let mut altered = whole.clone();
        altered[at] ^= 1 << (at % 8);
        fs::write(&file, &altered).expect("it can be written");
        let noticed = match Journal::open(&place.path("journal")) {
            Ok(journal) => journal.verify().map_or(true, |found| !found.faults.is_empty()),
            Err(_) => true,
        };
        if !noticed {
            unnoticed.push(at);
        }
        for rest in ["journal/journal.db-wal", "journal/journal.db-shm"] {
            let _ = fs::remove_file(place.path(rest));
        }
    }
    assert!(unnoticed.is_empty(), "bytes {unnoticed:?} of {}", whole.len());
    fs::write(&file, &whole).expect("it can be written");
    place.run(&["show", "--verify"]).ends(0);
}

#[test]
fn an_altered_entry_is_found_by_its_chain_alone() {
    let place = failed("");
    let alter = |sql: &str| {
        let connection = rusqlite::Connection::open(place.path("journal/journal.db")).expect("it is there");
        connection.execute_batch(sql).expect("it can be altered");
        drop(connection);
        fs::remove_file(place.path("journal/journal.seal")).unwrap_or_default();
        place.run(&["show", "--verify"])
    };
    alter("UPDATE entry SET body = replace(body, '\"status\":1', '\"status\":0')")
        .ends(1)
        .says("is not what was written");
    let place = failed("");
    let connection = rusqlite::Connection::open(place.path("journal/journal.db")).expect("it is there");
    connection
        .execute_batch("DELETE FROM entry WHERE number = 4")
        .expect("it can be altered");
    drop(connection);
    place.run(&["show", "--verify"]).ends(1).says("is missing");
}

#[test]
fn what_is_taken_out_of_the_journal_is_missed() {
    let verify = |place: &Place| place.run(&["show", "--verify"]);
    let place = failed("");
    let connection = rusqlite::Connection::open(place.path("journal/journal.db")).expect("it is there");
    connection
        .execute_batch("DELETE FROM run; DELETE FROM entry")
        .expect("it can be altered");
    drop(connection);
    verify(&place).ends(1).says("some were taken out");
    fs::remove_file(place.path("journal/journal.db")).expect("it is there");
    verify(&place).ends(1).says("is missing, and its seal is there");
    let place = failed("");
    fs::remove_file(place.path("journal/journal.seal")).expect("it is there");
    verify(&place)
        .ends(0)
        .says("journal.seal is missing")
        .lacks("nothing was altered");
}

#[test]
fn an_altered_file_of_long_output_is_found() {
    let place = Place::new("on a < run \"seq 300000\" >\n");
    place.run(&["run", "a.runbook", "-i", "hosts.ini"]).ends(0);
    let verify = || place.run(&["show", "--verify"]);
    verify().ends(0).says("1 file of long output");
    let file = format!("journal/output/{}/0001-a.txt", place.name());
    let text = place.read(&file);
    place.write(&file, &text.replacen('1', "2", 1));
    verify().ends(1).says("is not what was written");
    fs::remove_file(place.path(&file)).expect("it is there");
    verify().ends(1).says("is missing");
    place.write(&file, &text);
    verify().ends(0);
}

#[test]
fn the_configuration_of_ssh_is_remembered() {
    let place = Place::new("on a < run \"test -e fine\" >\n");
    place.write("config", "");
    let named = ["run", "a.runbook", "-i", "hosts.ini", "--ssh-config", "config"];
    place.run(&named).ends(1);
    place.run(&["show"]).ends(0).says("ssh config");
    fs::remove_file(place.path("config")).expect("it is there");
    place.run(&["resume"]).ends(2).says("the run was begun with it");
    place.write("fine", "");
    place.run(&["resume", "--ssh-config", "none"]).ends(0);
}

#[test]
fn a_node_that_was_finished_by_hand_is_done_in_the_end() {
    let act = "run \"echo $node >> log; until [ -e go ]; do sleep 0.1; done\"";
    let place = Place::new(&format!("on web serially < {act} >\n"));
    let words = ["run", "a.runbook", "-i", "hosts.ini"];
    let mut child = place.command(&words).spawn().expect("it was built for this test");
    while place.read("log").is_empty() {
        assert!(
            child.try_wait().expect("it is ours").is_none(),
            "it did not begin"
        );
        std::thread::yield_now();
    }
    kill(&mut child);
    place.write("go", "");
    place
        .run(&["resume", "--mark", "done", "1", "a", "by hand"])
        .ends(0);
    place
        .run(&["show"])
        .ends(0)
        .lacks("its end is not known")
        .lacks("unknown");
    place.run(&["resume"]).ends(0);
    assert_eq!(place.read("log"), "a\nb\n");
    place
        .run(&["show"])
        .ends(0)
        .says("done          a,b")
        .lacks("unknown");
}

#[test]
fn a_damaged_journal_lets_nothing_begin() {
    let place = Place::new("on a < run \"touch begun\" >\n");
    fs::create_dir(place.path("journal")).expect("it is new");
    place.write("journal/journal.db", &"no database ".repeat(1000));
    place
        .run(&["run", "a.runbook", "-i", "hosts.ini"])
        .ends(2)
        .says("it is no database")
        .says("nothing was begun");
    assert!(!place.path("begun").exists());
}

#[test]
fn secrets_are_kept_nowhere() {
    let place = Place::new(
        "param password: secret\non a < let said = run \"cat\" input=$password ; show $said ; run \"true\" ; run \"test -e fine\" >\n",
    );
    place.write("secret", "hunter22-secret\n");
    place
        .run(&["run", "a.runbook", "-i", "hosts.ini", "--set", "password=@secret"])
        .ends(1);
    for entry in fs::read_dir(place.path("journal"))
        .expect("it is there")
        .flatten()
    {
        let bytes = fs::read(entry.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("hunter22"), "{}", entry.path().display());
    }
    place.write("fine", "");
    place.run(&["resume"]).ends(2).says("--set password=");
    place.run(&["resume", "--set", "password=@secret"]).ends(0);
}

#[test]
fn a_session_is_shown_and_not_taken_up() {
    let journal = tempfile::tempdir().expect("a folder");
    let opening = quorate::journal::Opening {
        run: "session".to_owned(),
        is_session: true,
        ..Default::default()
    };
    let store = Journal::open(journal.path()).expect("it is made");
    store
        .begin(opening)
        .and_then(quorate::journal::RunJournal::close)
        .expect("it is written");
    let place = Place::new("");
    let told = place
        .command(&["resume", "session"])
        .env("QUORATE_JOURNAL", journal.path())
        .output()
        .expect("it was built for this test");
    Told(told).ends(2).says("it is a session at the prompt");
    assert!(Path::new(journal.path()).join("journal.db").exists());
}
