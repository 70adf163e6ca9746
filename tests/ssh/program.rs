//! The program itself, on real servers: what the ledger says, and the exit code.

use std::fs;
use std::process::{Command, Stdio};

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
