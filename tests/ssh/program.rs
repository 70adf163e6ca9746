//! The program itself, on real servers: what the ledger says, and the exit code.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::outcomes::DIE;
use crate::server::{Server, free_port};

/// Runs a script on `127.0.0.[1-3]` of a server; the exit code, and both streams.
fn run_script(server: &Server, config: &str, script: &str, flags: &[&str]) -> (i32, String) {
    let config = server.configure(config);
    let (inventory, file) = (server.at().join("cluster.toml"), server.at().join("test.runbook"));
    let nodes = "name = \"test\"\n[groups]\nall = \"127.0.0.[1-3]\"\n";
    fs::write(&inventory, nodes).expect("it can be written");
    fs::write(&file, format!("runbook test\n{script}\n")).expect("it can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_quorate"))
        .arg("run")
        .arg(&file)
        .arg("-i")
        .arg(&inventory)
        .arg("--ssh-config")
        .arg(&config)
        .args(flags)
        .env("XDG_STATE_HOME", server.at().join("state"))
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    (output.status.code().unwrap_or(-1), said.join("\n"))
}

#[test]
fn the_ledger_tells_the_ends_apart() {
    let server = Server::start("");
    let closed = format!("Host 127.0.0.2\n  Port {}", free_port());
    fs::write(server.at().join("die"), DIE).expect("it can be written");
    let dying = format!("sh {}/die", server.at().display());
    let cases = [
        ("all is well", "", "true", 0, "done          127.0.0.[1-3]"),
        ("a status", "", "exit 255", 1, "failed        127.0.0.1"),
        (
            "a closed port",
            &closed,
            "true",
            5,
            "127.0.0.2: `true` was not started: 127.0.0.2 could not be reached: ",
        ),
        ("it dies", "", &dying, 6, "unknown       127.0.0.1"),
    ];
    for (what, config, command, code, line) in cases {
        for flags in [&[][..], &["--ssh", "openssh"]] {
            let script = format!("on all serially < run \"{command}\" >");
            let (exit_code, said) = run_script(&server, config, &script, flags);
            assert_eq!(exit_code, code, "{what} {flags:?}: {said}");
            assert!(said.contains(line), "{what} {flags:?}: {said}");
        }
    }
}

#[test]
fn the_reason_of_the_other_way_is_told_when_asked() {
    let server = Server::start("");
    let script = "on 127.0.0.1 < probe \"echo here\" >";
    let told =
        "127.0.0.1: left to the system's ssh: its configuration wants the agent on the host (ForwardAgent)";
    let (code, said) = run_script(&server, "ForwardAgent yes", script, &["-v"]);
    assert_eq!((code, said.contains(told)), (0, true), "{said}");
    let (code, said) = run_script(&server, "ForwardAgent yes", script, &[]);
    assert_eq!((code, said.contains(told)), (0, false), "{said}");
}

#[test]
fn a_dry_run_probes_and_does_not_act() {
    let server = Server::start("");
    let proof = server.at().join("ops").join("proof");
    let script = format!(
        "on 127.0.0.1 <\n  probe \"echo measured\"\n  run \"touch {}\"\n>",
        proof.display()
    );
    let (code, said) = run_script(&server, "", &script, &["--dry-run"]);
    assert_eq!(code, 0, "{said}");
    assert!(!proof.exists());
    let (code, said) = run_script(&server, "", &script, &[]);
    assert_eq!((code, proof.exists()), (0, true), "{said}");
}

#[test]
fn what_hosts_print_does_not_reach_the_terminal_as_it_is() {
    let server = Server::start("");
    let script = "on 127.0.0.1 < run \"printf '\\\\033[2Jgone\\\\007'\" >";
    let (code, said) = run_script(&server, "", script, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("gone") && !said.contains('\u{1b}') && !said.contains('\u{7}'),
        "{said:?}"
    );
}

#[test]
fn no_connection_outlives_a_run_that_was_broken_off() {
    let server = Server::start("");
    let config = server.configure("");
    let (inventory, file) = (server.at().join("cluster.toml"), server.at().join("test.runbook"));
    // The maintenance lock lives on one of them, so that three sessions are those of the commands.
    let groups = "[groups]\nall = \"127.0.0.[1-3]\"\nquorate_lock = \"127.0.0.1\"\n";
    fs::write(&inventory, format!("name = \"broken-off\"\n{groups}")).expect("it can be written");
    let script = "runbook test\non all in parallel < run \"sleep 600\" >\n";
    fs::write(&file, script).expect("it can be written");
    for flags in [&[][..], &["--ssh", "openssh"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_quorate"))
            .args(["run", "--format", "json"])
            .arg(&file)
            .arg("-i")
            .arg(&inventory)
            .arg("--ssh-config")
            .arg(&config)
            .args(flags)
            .env("XDG_STATE_HOME", server.at().join("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        wait_until("all three have begun", || sessions(&server) == 3);
        let mut said = BufReader::new(child.stderr.take().expect("it is piped"));
        for signal in ["-TERM", "-INT"] {
            let sent = Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status();
            assert!(sent.expect("kill is there").success());
            if signal == "-TERM" {
                let mut line = String::new();
                said.read_line(&mut line).expect("it is text");
                assert!(line.starts_with("stopping after what is in hand"), "{line}");
            }
        }
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(6), "{flags:?}");
        wait_until("all connections are closed", || sessions(&server) == 0);
        wait_until("no master is left", || processes_with(&config).is_empty());
    }
}

/// Waits until something is so, for as long as a busy machine may take.
#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not so");
        std::thread::yield_now();
    }
}

/// How many connections of the server are open on which somebody has logged in and runs something.
fn sessions(server: &Server) -> usize {
    let port = format!(":{:04X}", server.port);
    let table = fs::read_to_string("/proc/net/tcp").expect("every Linux has it");
    let is_session = |line: &&str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        fields.get(1).is_some_and(|local| local.ends_with(&port)) && fields.get(3) == Some(&"01")
    };
    table.lines().filter(is_session).count()
}

/// The command lines of processes that name a file.
fn processes_with(file: &Path) -> Vec<String> {
    let file = file.display().to_string();
    let entries = fs::read_dir("/proc").expect("every Linux has it");
    let lines = entries
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(&file)).collect()
}
