//! The command as people type it: its output, its errors and its exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use quorate::journal::Journal;

use tempfile::TempDir;

/// A folder of its own, in which the command is run.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        Place {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("a file in it");
        path
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quorate"));
        command
            .args(words)
            .current_dir(self.folder.path())
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .stdin(Stdio::null());
        for name in ["QUORATE_INVENTORY", "NO_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, words: &[&str]) -> Told {
        Told::of(words, self.command(words).output().expect("the command starts"))
    }

    fn run_with_input(&self, words: &[&str], input: &[u8]) -> Told {
        let mut command = self.command(words);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        // One that does not read to the end is judged by what it says.
        let _ = child.stdin.take().expect("a pipe").write_all(input);
        Told::of(words, child.wait_with_output().expect("the command ends"))
    }
}

/// What a command said and how it ended.
struct Told {
    words: String,
    code: Option<i32>,
    out: String,
    err: String,
}

impl Told {
    fn of(words: &[&str], output: Output) -> Told {
        let told = Told {
            words: words.join(" "),
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        };
        assert!(!told.err.contains("panicked"), "{}: {}", told.words, told.err);
        told
    }

    #[track_caller]
    fn ends(&self, code: i32) -> &Told {
        assert_eq!(
            self.code,
            Some(code),
            "{}\n{}\n{}",
            self.words,
            self.out,
            self.err
        );
        self
    }

    #[track_caller]
    fn complains(&self, text: &str) -> &Told {
        // The drawing breaks long lines.
        let flat = self.err.replace("\n  │ ", " ");
        assert!(
            flat.contains(text),
            "{}: no `{text}` in\n{}",
            self.words,
            self.err
        );
        self
    }

    #[track_caller]
    fn prints(&self, text: &str) -> &Told {
        assert!(
            self.out.contains(text),
            "{}: no `{text}` in\n{}\n{}",
            self.words,
            self.out,
            self.err
        );
        self
    }
}

const INVENTORY: &str = "\
name = \"pcs1\"
system = \"pstorage\"

[groups]
mds_nodes = \"node[1-3]\"
cs_nodes = \"node[1-3]\"

[nodes.\"node[1-3]\"]
";

#[test]
fn files_that_are_no_scripts_are_told_apart() {
    let place = Place::new();
    place.write("latin.runbook", b"note \"a\"\n# caf\xe9\n");
    place.write("good.runbook", "note \"hello\"\n");
    std::fs::create_dir(place.folder.path().join("folder")).expect("a folder");
    let cases = [
        // the file, what is said of it
        (
            "latin.runbook",
            "`latin.runbook` is not UTF-8 text: line 2 holds the byte 0xe9",
        ),
        ("folder", "`folder` is a folder"),
        ("god.runbook", "there is no file `god.runbook`"),
        ("god.runbook", "did you mean `good.runbook`?"),
        ("nowhere/a.runbook", "there is no folder `nowhere`, either"),
    ];
    for (file, text) in cases {
        place.run(&["check", file]).ends(2).complains(text);
        place.run(&["run", file, "--sim"]).ends(2).complains(text);
        place.run(&["fmt", file]).ends(2).complains(text);
    }
}

#[test]
fn an_empty_script_is_an_error() {
    let place = Place::new();
    for text in ["", "\n\n", "# only a comment\n"] {
        place.write("empty.runbook", text);
        place
            .run(&["check", "--sim", "empty.runbook"])
            .ends(3)
            .complains("the script is empty");
        place
            .run(&["run", "empty.runbook", "--sim"])
            .ends(3)
            .complains("the script is empty");
    }
}

#[test]
fn a_script_may_come_from_standard_input() {
    let place = Place::new();
    place
        .run_with_input(&["check", "--sim", "-"], b"note \"hello\"\n")
        .ends(0);
    place
        .run_with_input(&["check", "--sim", "-"], b"note \"hello\n")
        .ends(3)
        .complains("standard input");
    place
        .run_with_input(
            &["run", "-", "--sim"],
            b"#!/usr/bin/env -S quorate run\nnote \"hello\"\n",
        )
        .ends(0)
        .prints("hello");
    let text = b"note \"hello\"\n";
    let told = place.run_with_input(&["fmt", "-"], text);
    assert_eq!(told.ends(0).out.as_bytes(), text);
}

#[test]
fn too_much_is_refused_quickly() {
    let place = Place::new();
    place.write("large.runbook", "# a comment\n".repeat((50 << 20) / 12));
    place
        .run(&["check", "large.runbook"])
        .ends(2)
        .complains("`large.runbook` is too large");
    let deep = format!(
        "{}note \"a\"{}\n",
        "locally < ".repeat(10_000),
        " >".repeat(10_000)
    );
    place.write("deep.runbook", deep);
    place.run(&["check", "--sim", "deep.runbook"]).ends(3);
    place.run(&["fmt", "deep.runbook"]).ends(3);
    let broken = "stop { stop\n".repeat(5_000);
    place.write("broken.runbook", broken);
    place
        .run(&["check", "--sim", "broken.runbook"])
        .ends(3)
        .complains("more findings");
}

#[test]
fn modules_are_followed() {
    let place = Place::new();
    place.write("a.runbook", "use \"b.runbook\"\nnote \"a\"\n");
    place.write("b.runbook", "module b\nuse \"c.runbook\"\n");
    place.write("c.runbook", "module c\nuse \"a.runbook\"\n");
    place
        .run(&["check", "--sim", "a.runbook"])
        .ends(3)
        .complains("`a.runbook` uses itself, by way of `b.runbook` and `c.runbook`");
    place.write("self.runbook", "use \"self.runbook\"\n");
    place
        .run(&["check", "--sim", "self.runbook"])
        .ends(3)
        .complains("`self.runbook` uses itself");
    place.write("d.runbook", "use pstorge\nnote \"a\"\n");
    place
        .run(&["check", "--sim", "d.runbook"])
        .ends(3)
        .complains("did you mean `pstorage`?");
    place.write("e.runbook", "use \"nowhere.runbook\"\nnote \"a\"\n");
    place
        .run(&["check", "--sim", "e.runbook"])
        .ends(3)
        .complains("`nowhere.runbook` cannot be read: there is no such file");
    place.run(&["run", "e.runbook", "--sim"]).ends(3);
}

#[test]
fn inventories_are_found_in_order() {
    let place = Place::new();
    place.write("a.runbook", "note \"a\"\n");
    place
        .run(&["check", "a.runbook"])
        .ends(0)
        .complains("no inventory was found: checked with the simulated cluster");
    place
        .run(&["run", "a.runbook"])
        .ends(2)
        .complains("there is no inventory")
        .complains("--sim");
    place.write("cluster.toml", INVENTORY);
    let told = place.run(&["check", "a.runbook"]);
    assert_eq!(told.ends(0).err, "");
    place
        .run(&["inventory", "show"])
        .ends(0)
        .prints("cluster pcs1")
        .prints("node[1-3]");
    place.write("other.toml", INVENTORY.replace("pcs1", "pcs2"));
    let mut command = place.command(&["inventory", "show"]);
    let output = command
        .env("QUORATE_INVENTORY", "other.toml")
        .output()
        .expect("the command starts");
    Told::of(&["QUORATE_INVENTORY"], output)
        .ends(0)
        .prints("cluster pcs2");
    place
        .run(&["inventory", "show", "-i", "missing.toml"])
        .ends(2)
        .complains("there is no file `missing.toml`");
    place
        .run(&["run", "a.runbook", "--sim", "-i", "cluster.toml"])
        .ends(2)
        .complains("cannot be used with");
}

#[test]
fn a_wrong_inventory_is_shown_with_its_line() {
    let place = Place::new();
    place.write("a.runbook", "note \"a\"\n");
    place.write("cluster.toml", format!("{INVENTORY}\n[nodes.\"node[3-4]\"]\n"));
    place
        .run(&["run", "a.runbook"])
        .ends(2)
        .complains("`node3` is described twice")
        .complains("cluster.toml:");
    place.write("cluster.toml", INVENTORY.replace("\"pstorage\"", "\"pstorge\""));
    place
        .run(&["check", "a.runbook"])
        .ends(2)
        .complains("no such module")
        .complains("did you mean `pstorage`?");
    place.write("shape.toml", "[cluster]\nnonsense = 1\n");
    place
        .run(&["run", "--sim", "shape.toml", "a.runbook"])
        .ends(2)
        .complains("nonsense");
}

#[test]
fn parameters_are_asked_for_all_at_once() {
    let place = Place::new();
    place.write(
        "a.runbook",
        "param cs: int \"id of the chunk server\"\nparam mount: path \"where it is\"\n\
         param settle: duration = 5m\nnote \"$cs $mount $settle\"\n",
    );
    let run = |words: &[&str]| place.run(&[&["run", "a.runbook", "--sim"], words].concat());
    run(&[])
        .ends(2)
        .complains("--set cs=")
        .complains("id of the chunk server")
        .complains("--set mount=");
    run(&["--set", "cs=1", "--set", "mount=/a", "--set", "sc=1"])
        .ends(2)
        .complains("no parameter `sc`")
        .complains("did you mean `cs`?");
    run(&["--set", "cs=one", "--set", "mount=/a"])
        .ends(2)
        .complains("`cs`");
    run(&["--set", "cs"]).ends(2).complains("NAME=VALUE");
    run(&["--set", "cs=1", "--set", "mount=/a"])
        .ends(0)
        .prints("1 /a 5m");
}

#[test]
fn flags_are_checked_before_anything_runs() {
    let place = Place::new();
    place.write("a.runbook", "note \"a\"\n");
    let run = |words: &[&str]| place.run(&[&["run", "a.runbook", "--sim"], words].concat());
    run(&["--limit", "nod1"])
        .ends(2)
        .complains("no node `nod1`")
        .complains("did you mean `node1`?");
    run(&["--limit", "node[1-"]).ends(2);
    run(&["--limit", "node[1-2]"]).ends(0);
    run(&["--limit", "mds_nodes"]).ends(0);
    run(&["--answer", "drop=maybe"])
        .ends(2)
        .complains("NAME=yes or NAME=no");
    place.write("b.runbook", "param c: command = \"true\"\non node1 < run $c >\n");
    let set = ["run", "b.runbook", "--sim", "--set", "c=true; rm -rf /x"];
    place.run(&set).ends(3).complains("check::hidden_status");
    place
        .run(&[&set[..], &["--override", "hidden_status=drill"]].concat())
        .ends(0);
    run(&["--override", "quorum"]).ends(2).complains("NAME=\"why\"");
    run(&["--override", "quorum= "]).ends(2).complains("say why");
    run(&["--override", "qorum=drill"])
        .ends(2)
        .complains("did you mean `quorum`?");
    run(&["--override", "quorum@node99=drill"])
        .ends(2)
        .complains("no node `node99`");
    run(&["--fanout", "0"]).ends(2);
    run(&["--nonsense"]).ends(2);
    place.run(&[]).ends(2);
    place.run(&["--version"]).ends(0).prints("quorate ");
    place
        .run(&["run", "--help"])
        .ends(0)
        .prints("Example: quorate run");
}

#[test]
fn what_begins_with_a_dash_may_follow_two() {
    let place = Place::new();
    place.write("-a.runbook", "note \"a\"\n");
    place.run(&["check", "--sim", "--", "-a.runbook"]).ends(0);
}

#[test]
fn findings_are_told_to_programs() {
    let place = Place::new();
    place.write("a.runbook", "note \"a\n");
    let told = place.run(&["check", "--sim", "--format", "json", "a.runbook"]);
    let rows: serde_json::Value = serde_json::from_str(&told.ends(3).out).expect("JSON");
    assert_eq!(rows[0]["labels"][0]["file"], "a.runbook", "{rows}");
    assert_eq!(rows[0]["severity"], "error", "{rows}");
    place.write("b.runbook", "note \"b\"\n");
    let told = place.run(&["run", "b.runbook", "--sim", "--format", "json"]);
    let events: Vec<serde_json::Value> = told
        .ends(0)
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(events[0]["event"], "run_started");
    assert_eq!(events[0]["simulated"], true);
    assert_eq!(events[1]["event"], "note");
    assert_eq!(
        (&events[1]["file"], &events[1]["line"]),
        (&"b.runbook".into(), &1.into())
    );
    assert_eq!(events.last().expect("an end")["exit_code"], 0);
}

#[test]
fn sets_of_nodes_are_told() {
    let place = Place::new();
    place.write("cluster.toml", INVENTORY);
    let cases = [
        // what is typed, what is printed
        (vec!["nodes", "expand", "n[8-10]!n9"], "n8 n10\n"),
        (vec!["nodes", "fold", "n1", "n3", "n2"], "n[1-3]\n"),
        (vec!["nodes", "count", "n[01-16]"], "16\n"),
        (vec!["nodes", "fold", "@mds_nodes!node2"], "node[1,3]\n"),
    ];
    for (words, text) in cases {
        assert_eq!(place.run(&words).ends(0).out, text, "{words:?}");
    }
    place
        .run(&["nodes", "fold", "@nonsense"])
        .ends(2)
        .complains("nonsense");
    place.run(&["nodes", "fold", "n[1"]).ends(2);
}

#[test]
fn files_are_formatted_in_place() {
    let place = Place::new();
    let path = place.write("a.runbook", "note    \"a\"\n");
    let told = place.run(&["fmt", "--check", "a.runbook"]);
    assert_eq!(told.ends(1).out, "a.runbook\n");
    place.run(&["fmt", "a.runbook"]).ends(0);
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "note \"a\"\n");
    place.run(&["fmt", "--check", "a.runbook"]).ends(0);
    place.write("broken.runbook", "note \"a\n");
    place.run(&["fmt", "broken.runbook"]).ends(3);
    assert_eq!(
        std::fs::read_to_string(place.folder.path().join("broken.runbook")).expect("the file"),
        "note \"a\n"
    );
}

/// Starts a command, reads `count` bytes of its output and closes the pipe.
fn close_early(place: &Place, words: &[&str], count: usize) -> (Option<i32>, String) {
    let mut command = place.command(words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut out = child.stdout.take().expect("a pipe");
    let mut some = vec![0; count];
    out.read_exact(&mut some).expect("as much as that");
    drop(out);
    let output = child.wait_with_output().expect("the command ends");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new();
    let (code, said) = close_early(&place, &["nodes", "expand", "n[1-100000]"], 10);
    assert_eq!((code, said.as_str()), (Some(141), ""));
    // A run is not left half done because nobody watches.
    place.write("a.runbook", "note \"a\"\n".repeat(20_000));
    let (code, said) = close_early(&place, &["run", "a.runbook", "--sim"], 10);
    assert_eq!((code, said.as_str()), (Some(0), ""));
}

#[test]
fn colours_are_for_terminals_and_those_who_ask() {
    let place = Place::new();
    place.write("a.runbook", "note \"a\"\n");
    let words = ["run", "a.runbook", "--sim"];
    let out = |command: &mut Command| {
        let output = command.output().expect("the command starts");
        String::from_utf8(output.stdout).expect("UTF-8").contains('\x1b')
    };
    assert!(!out(&mut place.command(&words)));
    assert!(out(place.command(&words).env("CLICOLOR_FORCE", "1")));
    assert!(!out(place
        .command(&words)
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")));
    assert!(out(place
        .command(&words)
        .args(["--color", "always"])
        .env("NO_COLOR", "1")));
    assert!(!out(place
        .command(&words)
        .args(["--color", "never"])
        .env("CLICOLOR_FORCE", "1")));
}

/// The scripts that come along are checked in the folder in which people keep them.
#[test]
fn the_scripts_that_come_along_check() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let place = Place::new();
    let mut files: Vec<String> = std::fs::read_dir(scripts)
        .expect("the scripts")
        .map(|entry| entry.expect("an entry").path().display().to_string())
        .filter(|path| path.ends_with(".runbook"))
        .collect();
    files.sort();
    // The simulated cluster is one of storage.
    let (of_etcd, of_storage): (Vec<&str>, Vec<&str>) = files
        .iter()
        .map(String::as_str)
        .partition(|path| path.contains("/etcd-"));
    assert!(!of_etcd.is_empty() && !of_storage.is_empty(), "{files:?}");
    let inventory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/etcd.toml");
    let inventory = inventory.display().to_string();
    place
        .run(&[&["check", "--sim"], &of_storage[..]].concat())
        .ends(0);
    place
        .run(&[&["check", "-i", &inventory], &of_etcd[..]].concat())
        .ends(0);
}

/// An inventory of this machine alone, where a run is real.
const THIS_MACHINE: &str = "name = \"here\"\n[groups]\nweb = \"localhost\"\n[nodes.localhost]\n";

#[test]
fn a_run_on_this_machine_is_told_from_the_first_line_to_the_ledger() {
    let place = Place::new();
    place.write("cluster.toml", THIS_MACHINE);
    place.write(
        "a.runbook",
        "runbook drill\non web <\n  run \"printf 'a\\\\033[2J'\"\n  run \"exit 3\"\n  note \"never\"\n>\n",
    );
    let told = place.run(&["run", "a.runbook"]);
    told.ends(1)
        .prints("cluster here  runbook drill")
        .prints("│ a␛[2J")
        .prints("failed        localhost");
    told.complains("failed here on localhost")
        .complains("a.runbook:4");
    assert!(!told.out.contains("SIMULATED"), "{}", told.out);
    let told = place.run(&["run", "a.runbook", "--dry-run"]);
    told.ends(0)
        .prints("DRY RUN: nothing is changed")
        .prints("2 acts held back, nothing was changed");
    assert!(!told.out.contains("done "), "{}", told.out);
}

/// The folder of the journal of a place.
fn journal(place: &Place) -> PathBuf {
    place.folder.path().join("state/quorate/journal")
}

/// The name of the only run of a place, and its entries, each as JSON.
fn kept(place: &Place) -> (String, Vec<String>) {
    let journal = Journal::open(&journal(place)).expect("it is there");
    let runs = journal.runs().expect("they can be read");
    assert_eq!(runs.len(), 1, "one run was kept");
    let entries = journal.entries(&runs[0]).expect("they can be read");
    let write = |entry| serde_json::to_string(entry).expect("it was JSON");
    (runs[0].clone(), entries.iter().map(write).collect())
}

#[test]
fn all_that_a_run_does_and_prints_is_kept() {
    let place = Place::new();
    place.write("cluster.toml", THIS_MACHINE);
    place.write(
        "a.runbook",
        "runbook drill\non web <\n  run \"head -c 3000000 /dev/zero && echo end && echo bad >&2\"\n>\n",
    );
    let told = place.run(&["run", "a.runbook"]);
    let (name, entries) = kept(&place);
    told.ends(0)
        .complains(&format!("all that happened is kept: quorate show {name}"));
    let ended = entries.iter().find(|line| line.contains("\"step_ended\""));
    let ended = ended.unwrap_or_else(|| panic!("{entries:?}"));
    let path = journal(&place)
        .join("output")
        .join(name)
        .join("0001-localhost.txt");
    let note = format!(
        "1951428 more bytes are left out: all of it is in {}",
        path.display()
    );
    assert!(
        ended.contains(&note) && ended.contains(r#""errors":"bad\n""#),
        "{}",
        &ended[ended.len() - 900..]
    );
    assert!(entries.last().is_some_and(|line| line.contains("run_ended")));
    let written = std::fs::read_to_string(path).expect("all output is kept");
    assert_eq!((written.len(), written.ends_with("\0end\n")), (3_000_004, true));
}

#[test]
fn what_cannot_be_kept_is_not_begun() {
    let place = Place::new();
    place.write("cluster.toml", THIS_MACHINE);
    place.write("a.runbook", "on web < run \"touch begun\" >\n");
    place.write("state", "no folder");
    let told = place.run(&["run", "a.runbook"]);
    told.ends(2)
        .complains("cannot be opened")
        .complains("not a directory")
        .complains("QUORATE_JOURNAL");
    assert!(!place.folder.path().join("begun").exists());
}

/// Starts a run, waits until its first act has begun, and sends a signal `times` times, each
/// after the one before was heard. Then the file `go` is there.
fn interrupt(place: &Place, signal: &str, times: usize) -> Told {
    let words = ["run", "a.runbook", "--format", "json"];
    let mut command = place.command(&words);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut err = BufReader::new(child.stderr.take().expect("a pipe"));
    let (mut printed, mut said) = (String::new(), String::new());
    while !printed.contains("step_started") {
        assert_ne!(
            out.read_line(&mut printed).expect("text"),
            0,
            "it ended early: {printed}"
        );
    }
    for time in 0..times {
        let id = child.id().to_string();
        let sent = Command::new("kill")
            .args([signal, id.as_str()])
            .status()
            .expect("kill is there");
        assert!(sent.success());
        if time == 0 {
            err.read_line(&mut said).expect("text");
        }
    }
    place.write("go", "");
    out.read_to_string(&mut printed).expect("text");
    err.read_to_string(&mut said).expect("text");
    let output = Output {
        status: child.wait().expect("the command ends"),
        stdout: printed.into_bytes(),
        stderr: said.into_bytes(),
    };
    Told::of(&words, output)
}

#[test]
fn the_first_signal_waits_and_the_second_breaks_off() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let place = Place::new();
        place.write("cluster.toml", THIS_MACHINE);
        place.write(
            "a.runbook",
            "on web < run \"until test -e go; do sleep 0.05; done\" >\non web < run \"touch more\" >\n",
        );
        let told = interrupt(&place, signal, 1);
        told.ends(130).complains("stopping after what is in hand");
        assert!(!place.folder.path().join("more").exists(), "{signal}");
    }
    let place = Place::new();
    place.write("cluster.toml", THIS_MACHINE);
    place.write("a.runbook", "on web < run \"sleep 600\" >\n");
    interrupt(&place, "-INT", 2)
        .ends(6)
        .complains("the outcome of one act is unknown");
}

#[test]
fn a_refusal_says_what_was_measured_and_exits_with_4() {
    let place = Place::new();
    place.write("a.runbook", "require quorum spare=5\n");
    place
        .run(&["run", "a.runbook", "--sim"])
        .ends(4)
        .complains("refused here")
        .complains("metadata servers");
    place.write("a.runbook", "confirm \"really?\"\n");
    place
        .run(&["run", "a.runbook", "--sim"])
        .ends(8)
        .complains("--answer confirm-1=yes");
    place
        .run(&["run", "a.runbook", "--sim", "--answer", "confirm-1=no"])
        .ends(8);
    place
        .run(&["run", "a.runbook", "--sim", "--answer", "confirm-1=yes"])
        .ends(0);
    place.run(&["run", "a.runbook", "--sim", "--yes"]).ends(0);
}

#[test]
fn values_and_answers_are_checked_before_the_run() {
    let place = Place::new();
    place.write(
        "a.runbook",
        "param l: string... = []\nparam s: service = pstorage-mdsd\nparam n: int = 1\nshow $l\nshow $s\n\
         show $n\nconfirm \"Go on?\" as go\n",
    );
    let run = |words: &[&str]| place.run(&[&["run", "--sim", "a.runbook"], words].concat());
    for (given, shown) in [
        ("l=[/a /b]", "/a /b"),
        ("l=/a,/b", "/a /b"),
        ("l=[/a, /b]", "/a /b"),
    ] {
        let told = run(&["--yes", "--set", given]);
        told.ends(0);
        assert!(told.out.contains(shown), "{given}: {}", told.out);
    }
    let cases: [(&[&str], &str); 6] = [
        (&["--set", "s=nosuch"], "there is no service `nosuch`"),
        (&["--set", "s=pstorage-mds"], "did you mean `pstorage-mdsd`?"),
        (&["--set", "=3"], "--set =3: write NAME=VALUE"),
        (
            &["--answer", "nogo=yes"],
            "the script has no question of this name; it asks go",
        ),
        (
            &["--answer", "go=yes", "--answer", "go=no"],
            "--answer go: it is given twice",
        ),
        (&["--set", "m=3"], "the script has no parameter `m`"),
    ];
    for (words, says) in cases {
        let told = run(words);
        told.ends(2);
        assert!(told.err.contains(says), "{words:?}: {}", told.err);
    }
    place.write("b.runbook", "param n: int\nshow $n\n");
    let told = place.run(&["run", "--sim", "b.runbook", "--set", "m=3"]);
    told.ends(2);
    assert!(told.err.contains("no parameter `m`"), "{}", told.err);
}

#[test]
fn a_mistyped_override_is_told_beside_findings() {
    let place = Place::new();
    place.write("a.runbook", "on mds_nodes < stop pstorage-mdsd >\n");
    let told = place.run(&["run", "--sim", "a.runbook", "--override", "stops_to_many=why"]);
    told.ends(2);
    assert!(told.err.contains("check::stops_too_many"), "{}", told.err);
    assert!(
        told.err.contains("override stops_to_many: no guard or finding"),
        "{}",
        told.err
    );
}

#[test]
fn secrets_come_from_files() {
    let place = Place::new();
    place.write("key", "abc\n");
    place.write(
        "a.runbook",
        "param key: secret\non any mds_nodes < run \"cat\" input=$key expect=/^abc$/ >\n",
    );
    let told = place.run(&["run", "--sim", "a.runbook", "--set", "key=@key"]);
    assert!(!told.err.contains("warning"), "{}", told.err);
    assert!(told.out.contains("│ abc"), "{}", told.out);
    let told = place.run_with_input(&["run", "--sim", "a.runbook", "--set", "key=@-"], b"abc\n");
    assert!(!told.err.contains("warning"), "{}", told.err);
    let told = place.run(&["run", "--sim", "a.runbook", "--set", "key=abc"]);
    assert!(told.err.contains("warning: --set key: everybody"), "{}", told.err);
    let told = place.run(&["run", "--sim", "a.runbook", "--set", "key=@nosuch"]);
    told.ends(2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let place = Place::new();
    place.write("a.runbook", "note \"hello\"\n");
    for words in [
        &["run", "--sim", "a.runbook"][..],
        &["check", "a.runbook"],
        &["nodes", "expand", "n1"],
    ] {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full");
        let told = place
            .command(words)
            .stdout(full)
            .output()
            .expect("the command starts");
        let told = Told::of(words, told);
        told.ends(2);
        assert!(
            told.err.contains("cannot be written: no space left on device"),
            "{words:?}: {}",
            told.err
        );
    }
}

#[test]
fn an_empty_set_is_an_error() {
    let place = Place::new();
    for set in ["", "n1!n1"] {
        let told = place.run(&["nodes", "expand", set]);
        told.ends(2);
        assert!(told.err.contains("this set has no nodes"), "{}", told.err);
    }
}

#[test]
fn acts_are_asked_for_and_timed_as_told() {
    let place = Place::new();
    place.write("sleep.runbook", "on node1 < run \"sleep 90\" >\n");
    // Nobody is there to say yes, so nothing is done.
    place
        .run(&["run", "sleep.runbook", "--sim", "--step"])
        .ends(8)
        .complains("nobody was there");
    place
        .run(&["run", "sleep.runbook", "--sim", "--step", "--yes"])
        .ends(0)
        .prints("step-2");
    place
        .run(&["run", "sleep.runbook", "--sim", "--timeout", "10s"])
        .ends(6)
        .complains("longer than 10s");
    place
        .run(&["run", "sleep.runbook", "--sim", "--timeout", "soon"])
        .ends(2)
        .complains("duration");
}

#[test]
fn a_runbook_becomes_a_shell_script() {
    let place = Place::new();
    place.write("cluster.toml", INVENTORY);
    place.write(
        "a.runbook",
        "runbook drill\nparam greeting: string \"what is said\"\nlocally < run \"echo it-is-$greeting\" >\n",
    );
    place
        .run(&["expand", "a.runbook"])
        .ends(2)
        .complains("greeting")
        .complains("what is said");
    // Its nodes are nowhere, so none of them holds a lock.
    let alone = ["--without-lock", "nobody else is here"];
    let expand = |words: &[&str]| place.run(&[["expand"].as_slice(), words, &alone].concat());
    let told = expand(&["a.runbook", "--set", "greeting=said"]);
    told.ends(0)
        .prints("# IT TAKES NO MAINTENANCE LOCK: nobody else is here\n")
        .prints("#!/bin/sh\n# drill, for the cluster pcs1\n")
        .prints("# How to run it:  sh FILE [greeting=VALUE]")
        .prints("# a.runbook:3  ")
        .prints("greeting='said'\n");
    assert_eq!(told.err, "");
    let script = place.write("a.sh", &told.out);
    let run = |words: &[&str]| {
        let output = Command::new("sh").arg(&script).args(words).output();
        Told::of(words, output.expect("there is a shell"))
    };
    run(&[]).ends(0).prints("it-is-said");
    run(&["greeting=two words"]).ends(0).prints("it-is-two words");
    run(&["wort=x"]).ends(2).complains("wort=x: no such parameter");
    // A parameter may not be what the runbook's type does not allow.
    place.write(
        "b.runbook",
        "runbook b\nparam count: int = 1\nlocally < run \"echo $count\" >\n",
    );
    let told = expand(&["b.runbook"]);
    let script = place.write("b.sh", &told.ends(0).out);
    let output = Command::new("sh").arg(&script).arg("count=many").output();
    Told::of(&["count=many"], output.expect("there is a shell"))
        .ends(2)
        .complains("parameter count:");
}

#[test]
fn a_script_that_could_not_take_the_lock_is_not_written() {
    let place = Place::new();
    let lock = "\n[lock]\netcd = \"http://127.0.0.1:2379\"\n";
    place.write("cluster.toml", format!("{INVENTORY}{lock}"));
    place.write("a.runbook", "on node1 < run \"true\" >\n");
    let told = place.run(&["expand", "a.runbook"]);
    told.ends(3)
        .complains("lives in etcd, where a plain shell script cannot take it")
        .complains("--without-lock");
    assert_eq!(told.out, "");
    place
        .run(&["expand", "a.runbook", "--without-lock", " "])
        .ends(2)
        .complains("say why");
    place
        .run(&["expand", "a.runbook", "--without-lock", "etcd is gone"])
        .ends(0)
        .prints("# IT TAKES NO MAINTENANCE LOCK: etcd is gone\n");
    place.write("b.runbook", "on node1 < show probe \"true\" >\n");
    place.run(&["expand", "b.runbook"]).ends(0);
    // Whoever has no lock must not begin; nothing answers there.
    place.write(
        "cluster.toml",
        format!("{INVENTORY}{}", lock.replace("2379", "1")),
    );
    place
        .run(&["run", "a.runbook"])
        .ends(7)
        .complains("cannot be taken: etcd does not answer")
        .complains("etcd: http://127.0.0.1:1");
}

#[test]
fn what_does_not_check_is_not_expanded() {
    let place = Place::new();
    place.write("cluster.toml", INVENTORY);
    place.write("a.runbook", "on mds_nodes < stop pstorage-mdsd >\n");
    let told = place.run(&["expand", "a.runbook"]);
    told.ends(3).complains("a majority of 2 must stay");
    assert_eq!(told.out, "");
    place.run(&["expand", "nowhere.runbook"]).ends(2);
    place
        .run(&["expand", "a.runbook", "--limit", "node9"])
        .ends(2)
        .complains("node9");
}

#[test]
fn an_expanded_script_says_what_it_lacks() {
    let place = Place::new();
    place.write("cluster.toml", INVENTORY);
    place.write(
        "a.runbook",
        "locally < let health = probe \"echo '{}'\" | json; show $health >\n",
    );
    let told = place.run(&["expand", "a.runbook"]);
    let script = place.write("a.sh", &told.ends(0).out);
    let programs = place.folder.path().join("programs");
    std::fs::create_dir(&programs).expect("a folder in it");
    for name in ["awk", "timeout", "ssh"] {
        place.write(&format!("programs/{name}"), "#!/bin/sh\n");
        let path = programs.join(name);
        let may_run = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(path, may_run).expect("it is ours");
    }
    let output = Command::new("/bin/sh")
        .arg(&script)
        .env("PATH", &programs)
        .output();
    Told::of(&["a.sh"], output.expect("there is a shell"))
        .ends(2)
        .complains("this script needs jq, which is not installed here");
}

#[test]
fn a_finding_is_replayed_from_the_row_it_prints() {
    let place = Place::new();
    place.write(
        "give up.runbook",
        "param pw: secret\nparam why: string\n\non node2 <\n  stop pstorage-csd\n  run \"cat\" input=$pw\n  \
         run \"false\"\n  start pstorage-csd\n>\nnote \"$why\"\n",
    );
    let why = "why=it is written at such a length that the row is too long to be drawn on one of them";
    let told = place.run(&[
        "rehearse",
        "give up.runbook",
        "--sim",
        "--set",
        "pw=hunter2",
        "--set",
        why,
    ]);
    let command = format!("quorate rehearse 'give up.runbook' --sim --set pw=@- --set '{why}' --replay none");
    told.ends(4);
    assert!(
        told.out.lines().any(|row| row.ends_with(&command)),
        "{}",
        told.out
    );
    assert!(!told.out.contains("hunter2"), "{}", told.out);
    let words = [
        "rehearse",
        "give up.runbook",
        "--sim",
        "--set",
        "pw=@-",
        "--set",
        why,
        "--replay",
        "none",
    ];
    let again = place.run_with_input(&words, b"hunter2\n");
    again.ends(4);
    let drawn = |told: &Told| told.out.split("\n\ngive up").next().map(ToOwned::to_owned);
    assert_eq!(drawn(&told), drawn(&again));
}

#[test]
fn an_inventory_without_addresses_is_rehearsed() {
    let place = Place::new();
    place.write("cluster.toml", INVENTORY);
    place.write(
        "a.runbook",
        "on node1 < restart pstorage-mdsd >\nwait up to 5m until healthy\n",
    );
    place.run(&["rehearse", "a.runbook"]).ends(0);
}
