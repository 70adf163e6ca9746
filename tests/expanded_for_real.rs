//! Expanded scripts on this machine: signals, and what commands leave behind.
//!
//! The nodes are this machine itself; a command and the test wait for each other by way of
//! named pipes, so nothing hangs on how long it takes.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The shells in which each script does the same.
const SHELLS: [&str; 3] = ["dash", "bash", "busybox sh"];

/// What a runbook here begins with.
const HEAD: &str = "runbook here\nparam folder: path\n";

/// A script in its folder, being executed.
struct Started {
    child: Child,
    errors: BufReader<std::process::ChildStderr>,
}

/// How a script ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    output: String,
    errors: String,
}

/// Expands a runbook whose nodes are this machine.
fn expand(folder: &Path, runbook: &str) -> String {
    let (inventory, file) = (folder.join("cluster.toml"), folder.join("here.runbook"));
    // Each cluster has a maintenance lock of its own.
    let own = folder.file_name().expect("it has a name").to_string_lossy();
    let text = format!("name = \"here{own}\"\n\n[groups]\nall = \"a,b,c\"\n");
    fs::write(&inventory, text).expect("the folder is writable");
    fs::write(&file, format!("{HEAD}{runbook}")).expect("the folder is writable");
    let output = Command::new(env!("CARGO_BIN_EXE_quorate"))
        .arg("expand")
        .arg(&file)
        .arg("-i")
        .arg(&inventory)
        .arg("--set")
        .arg(format!("folder={}", folder.display()))
        .output()
        .expect("the binary was built for this test");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let script = String::from_utf8(output.stdout).expect("a script is text");
    // The names of these nodes mean this machine.
    let is_here = "local_nodes=''\n";
    assert!(script.contains(is_here), "{script}");
    script.replace(is_here, "local_nodes='a b c'\n")
}

/// Executes a script in a process group of its own.
fn start(folder: &Path, shell: &str, script: &str) -> Started {
    let file = folder.join("script");
    fs::write(&file, script).expect("the folder is writable");
    let mut words = shell.split(' ');
    let mut child = Command::new(words.next().expect("a shell has a name"))
        .args(words)
        .arg(&file)
        .env("TMPDIR", folder)
        .env_remove("QUORATE_ASK")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("the shell is installed");
    let errors = BufReader::new(child.stderr.take().expect("it has a pipe"));
    Started { child, errors }
}

impl Started {
    /// Sends a signal to all of its processes, as a terminal would.
    fn signal(&self, name: &str) {
        let group = format!("-{}", self.child.id());
        let sent = Command::new("kill").args(["-s", name, "--", &group]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{name} cannot be sent");
    }

    /// Waits until it says something with these words.
    fn hear(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            let length = self.errors.read_line(&mut line).expect("it says text");
            assert!(length > 0, "it never said `{words}`");
        }
    }

    /// Waits for the end of all its processes.
    fn end(mut self) -> Ended {
        let (mut output, mut errors) = (String::new(), String::new());
        let mut pipe = self.child.stdout.take().expect("it has a pipe");
        pipe.read_to_string(&mut output).expect("it prints text");
        self.errors.read_to_string(&mut errors).expect("it prints text");
        let status = self.child.wait().expect("it is ours");
        Ended {
            code: status.code(),
            output,
            errors,
        }
    }
}

/// Executes the runbook in each shell, in a fresh folder.
fn in_each_shell(runbook: &str, look: impl Fn(&Path, Started)) {
    for shell in SHELLS {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let script = expand(folder.path(), runbook);
        println!("---- {shell}");
        look(folder.path(), start(folder.path(), shell, &script));
    }
}

/// A named pipe.
fn pipe(folder: &Path, name: &str) {
    let made = Command::new("mkfifo").arg(folder.join(name)).status();
    assert!(made.is_ok_and(|status| status.success()), "{name} cannot be made");
}

/// Waits until both nodes say that they have begun.
fn both_begin(folder: &Path) {
    for name in ["begun-a", "begun-b"] {
        fs::read(folder.join(name)).expect("the other end writes");
    }
}

fn let_go(folder: &Path) {
    for name in ["go-a", "go-b"] {
        let mut pipe = fs::OpenOptions::new()
            .write(true)
            .open(folder.join(name))
            .expect("it is read");
        pipe.write_all(b"go\n").expect("it is read");
    }
}

const TWO_IN_HAND: &str = "finally < locally < run \"touch $folder/tidied\" > >\n\
    on a + b in parallel <\n  run \"echo $node > $folder/begun-$node && read -r word < $folder/go-$node && touch $folder/ended-$node\"\n  \
    run \"touch $folder/whole-$node\"\n>\n\
    on c < run \"touch $folder/never\" >\n";

fn make_pipes(folder: &Path) {
    for name in ["begun-a", "begun-b", "go-a", "go-b"] {
        pipe(folder, name);
    }
}

#[test]
fn a_signal_lets_the_nodes_in_hand_be_finished() {
    for signal in ["INT", "TERM", "HUP"] {
        for shell in SHELLS {
            let folder = tempfile::tempdir().expect("a folder can be made");
            let folder = folder.path();
            make_pipes(folder);
            let mut started = start(folder, shell, &expand(folder, TWO_IN_HAND));
            both_begin(folder);
            started.signal(signal);
            started.hear("stopping after what is in hand");
            let_go(folder);
            let ended = started.end();
            assert_eq!(ended.code, Some(130), "{signal} in {shell}: {ended:?}");
            for name in ["ended-a", "ended-b", "whole-a", "whole-b", "tidied"] {
                assert!(
                    folder.join(name).exists(),
                    "{signal} in {shell}: no {name}: {ended:?}"
                );
            }
            assert!(!folder.join("never").exists(), "{signal} in {shell}: {ended:?}");
        }
    }
}

#[test]
fn a_second_signal_breaks_off() {
    for shell in SHELLS {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let folder = folder.path();
        make_pipes(folder);
        let mut started = start(folder, shell, &expand(folder, TWO_IN_HAND));
        both_begin(folder);
        started.signal("TERM");
        started.hear("stopping after what is in hand");
        started.signal("TERM");
        started.hear("what was in flight is unknown");
        let_go(folder);
        let ended = started.end();
        assert_eq!(ended.code, Some(6), "{shell}: {ended:?}");
        for name in ["whole-a", "whole-b", "tidied", "never"] {
            assert!(
                !folder.join(name).exists(),
                "{shell}: {name} was begun: {ended:?}"
            );
        }
    }
}

#[test]
fn a_branch_that_is_killed_is_unknown() {
    // The command's shell, `timeout` above it, and the branch above that.
    let killing = "on a + b in parallel <\n  if ($node is a) < run \"kill -KILL \\$(cut -d' ' -f4 /proc/\\$PPID/stat)\" >\n>\n\
                   on c < run \"touch $folder/never\" >\n";
    in_each_shell(killing, |folder, started| {
        let ended = started.end();
        assert_eq!(ended.code, Some(6), "{ended:?}");
        assert!(
            ended.errors.contains("what was done on a is not known"),
            "{ended:?}"
        );
        assert!(!folder.join("never").exists(), "{ended:?}");
    });
}

#[test]
fn a_status_of_timeout_is_a_status() {
    in_each_shell("on a < run \"exit 124\" limit=1h >\n", |_, started| {
        let ended = started.end();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.errors.contains("ended with status 124"), "{ended:?}");
    });
}

#[test]
fn what_does_not_heed_its_limit_is_killed() {
    let stubborn = "on a < run \"trap '' TERM && while :; do sleep 1; done\" limit=1s >\n";
    in_each_shell(stubborn, |_, started| {
        let ended = started.end();
        assert_eq!(ended.code, Some(6), "{ended:?}");
        assert!(ended.errors.contains("it took longer than 1s"), "{ended:?}");
    });
}

#[test]
fn commands_have_the_mask_of_whoever_runs_the_script() {
    in_each_shell("on a < run \"umask\" >\n", |_, started| {
        let usual = Command::new("sh")
            .args(["-c", "umask"])
            .output()
            .expect("there is a shell");
        let usual = String::from_utf8_lossy(&usual.stdout).into_owned();
        let ended = started.end();
        assert!(ended.output.contains(&format!("    {usual}")), "{ended:?}");
    });
}

#[test]
fn what_is_too_long_for_the_system_is_refused() {
    let long = "let text = locally < probe \"printf %200000s x\" >\n\
                on a < run \"touch $folder/never\"; show $text >\n";
    in_each_shell(long, |folder, started| {
        let ended = started.end();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.errors.contains("a value of 200001 bytes"), "{ended:?}");
        assert!(!folder.join("never").exists(), "{ended:?}");
    });
}
