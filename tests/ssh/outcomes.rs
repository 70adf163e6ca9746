//! The three ends of a command, by both ways of making the connection.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quorate::transport::{Listener, Tee};
use quorate::value::Secret;

use crate::server::{Reach, Server, assert_begins, describe, request, settings};
use quorate::inventory::{Node, NodeName, SshSettings};

/// Ends the server of one's own session, as a host does that dies.
pub const DIE: &str = "p=$$; while read -r name < /proc/$p/comm; case $name in sshd*) false ;; esac; do \
                   read -r _ _ _ p _ < /proc/$p/stat; done; echo dying; kill -9 $p; sleep 60";

fn both(server: &Server) -> [(&'static str, Reach); 2] {
    let config = server.configure("");
    [("russh", false), ("openssh", true)].map(|(name, is_openssh_forced)| {
        let nodes = vec![Node::new(NodeName::from("127.0.0.1"))];
        let settings = SshSettings {
            is_openssh_forced,
            ..settings(&config)
        };
        (name, Reach::new(nodes, settings))
    })
}

#[test]
fn a_command_that_ran_has_its_status() {
    let server = Server::start("");
    let cases = [
        // what, the command, its end
        ("nothing", "true", r#"0 "" """#),
        ("both streams", "echo out; echo err >&2", r#"0 "out\n" "err\n""#),
        ("a status", "exit 3", r#"3 "" """#),
        (
            "the status of a lost connection",
            "echo x; exit 255",
            r#"255 "x\n" """#,
        ),
        ("the status of a missing program", "exit 127", r#"127 "" """#),
        ("no input", "cat; echo end", r#"0 "end\n" """#),
        (
            "quotes, a backslash and lines",
            "printf '%s\\n' \"it's\" 'a\\\\b' '!'\necho $((1+1))",
            r#"0 "it's\na\\\\b\n!\n2\n" """#,
        ),
        ("no UTF-8", "printf '\\377a\\376'", "0 \"\u{fffd}a\u{fffd}\" \"\""),
        ("a loose child", "sleep 30 & echo x", r#"0 "x\n" """#),
        (
            "variables that the server takes",
            "echo $LC_QUORATE",
            r#"0 "\n" """#,
        ),
    ];
    for (way, reach) in both(&server) {
        for (what, text, expected) in cases {
            assert_eq!(reach.run("127.0.0.1", text), expected, "{what}, by {way}");
        }
        // The shell that stays around it may say on the errors what it saw.
        assert_begins(way, &reach.run("127.0.0.1", "kill -TERM $$"), r#"143 "" "#);
        assert_begins(
            way,
            &reach.run("127.0.0.1", "echo x; kill -KILL $$"),
            r#"137 "x\n" "#,
        );
        let mut long = request("127.0.0.1", "wc -c; echo end");
        long.input = Some(Secret::new("x".repeat(300_000)));
        assert_eq!(
            describe(reach.carry_out(long)),
            r#"0 "300000\nend\n" """#,
            "by {way}"
        );
        let mut unread = request("127.0.0.1", "echo end");
        unread.input = Some(Secret::new("x".repeat(5_000_000)));
        assert_eq!(describe(reach.carry_out(unread)), r#"0 "end\n" """#, "by {way}");
    }
}

#[test]
fn much_output_is_cut() {
    let server = Server::start("");
    for (way, reach) in both(&server) {
        let text = "head -c 100000000 /dev/zero | tr '\\0' x";
        let Ok(outcome) = reach.carry_out(request("127.0.0.1", text)) else {
            panic!("by {way}")
        };
        assert_eq!(outcome.status, 0);
        let end = "x\n[98951424 more bytes are left out: only the first megabyte is kept]\n";
        assert!(outcome.output.ends_with(end), "by {way}");
        assert!(outcome.output.len() < (1 << 20) + 100);
    }
}

#[test]
fn much_output_is_on_disk_and_its_lines_are_heard() {
    let server = Server::start("");
    let config = server.configure("");
    let secrets = [Secret::new("swordfish")];
    for (way, is_openssh_forced) in [("russh", false), ("openssh", true)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let listening = Arc::clone(&heard);
        let listener: Listener = Arc::new(move |node, line| {
            assert_eq!(node.map(NodeName::as_str), Some("127.0.0.1"));
            listening.lock().expect("nobody panics").push(line.to_owned());
        });
        let tee = Tee::new(Some(folder.path().to_path_buf()), Some(listener), secrets.iter());
        let nodes = vec![Node::new(NodeName::from("127.0.0.1"))];
        let settings = SshSettings {
            is_openssh_forced,
            ..settings(&config)
        };
        let reach = Reach::with_tee(nodes, settings, None, Arc::new(tee));
        // The shell in between knows nothing of the word until it prints it.
        let text = "echo first; head -c 2000000 /dev/zero | tr '\\0' x; echo; echo it is sword''fish";
        let Ok(outcome) = reach.carry_out(request("127.0.0.1", text)) else {
            panic!("by {way}")
        };
        let path = folder.path().join("0001-127.0.0.1.txt");
        let end = format!("more bytes are left out: all of it is in {}]\n", path.display());
        assert!(outcome.output.ends_with(&end), "by {way}");
        let written = fs::read_to_string(path).expect("it is on disk");
        assert_eq!(written.len(), 6 + 2_000_001 + 10, "by {way}");
        assert!(written.ends_with("x\nit is ***\n"), "by {way}");
        let heard = heard.lock().expect("nobody panics");
        assert_eq!(heard.last().map(String::as_str), Some("it is ***"), "by {way}");
    }
}

#[test]
fn what_takes_too_long_may_have_run() {
    let server = Server::start("");
    for (way, reach) in both(&server) {
        // The connection is made beforehand, so that the limit is the command's.
        assert_eq!(reach.run("127.0.0.1", "true"), r#"0 "" """#);
        for text in ["sleep 300", "yes", "yes >&2", "sleep 300 & wait"] {
            let mut late = request("127.0.0.1", text);
            late.limit = Duration::from_secs(2);
            assert_eq!(
                describe(reach.carry_out(late)),
                "late: it took longer than 2s",
                "{text}, by {way}"
            );
        }
        assert_eq!(reach.run("127.0.0.1", "echo on"), r#"0 "on\n" """#, "by {way}");
    }
}

#[test]
fn a_host_that_dies_leaves_it_unknown() {
    let server = Server::start("");
    for (way, reach) in both(&server) {
        assert_begins(way, &reach.run("127.0.0.1", DIE), "unknown: the connection ");
        assert_eq!(reach.run("127.0.0.1", "echo on"), r#"0 "on\n" """#, "by {way}");
    }
}

#[test]
fn a_connection_is_kept() {
    let server = Server::start("");
    for (way, reach) in both(&server) {
        let first = reach.run("127.0.0.1", "echo $SSH_CONNECTION");
        let requests = [(); 8].map(|()| request("127.0.0.1", "echo $SSH_CONNECTION"));
        for ended in reach.carry_out_together(&requests) {
            assert_eq!(describe(ended), first, "by {way}");
        }
    }
}

#[test]
fn a_command_that_is_too_long_does_not_run() {
    let server = Server::start("");
    for (way, reach) in both(&server) {
        let text = format!(": {}", "x".repeat(140_000));
        let expected = "unreachable: the command is 14";
        assert_begins(way, &reach.run("127.0.0.1", &text), expected);
    }
}
