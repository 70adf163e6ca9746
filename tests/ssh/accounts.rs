//! Login shells and their start-up files, and `sudo`.

use crate::server::{PASSWORD, Reach, Server, assert_begins, describe, request, settings};
use quorate::inventory::{Node, NodeName, SshSettings};
use quorate::value::Secret;

fn log_in(server: &Server, user: &str, is_openssh_forced: bool, secret: Option<&'static str>) -> Reach {
    let config = server.configure("");
    let mut node = Node::new(NodeName::from("127.0.0.1"));
    node.login.user = Some(user.to_owned());
    let settings = SshSettings {
        is_openssh_forced,
        ..settings(&config)
    };
    Reach::with_secret(vec![node], settings, secret)
}

#[test]
fn every_login_shell_carries_out_the_same() {
    let server = Server::start("");
    let cases = [
        ("plain", "id -un; exit 7"),
        (
            "quotes",
            r#"id -un; echo 'a  b' "c  $((1+1))" 'it'\''s' '!' >/dev/null; exit 7"#,
        ),
        (
            "lines and a backslash",
            "for name in $(id -un)\ndo printf '%s\\n' $name\ndone\nexit 7",
        ),
    ];
    for user in ["ops", "noisy", "tcsh", "fish", "floods"] {
        for is_openssh_forced in [false, true] {
            let reach = log_in(&server, user, is_openssh_forced, None);
            for (what, text) in cases {
                let expected = format!("7 {:?} \"\"", format!("{user}\n"));
                assert_eq!(reach.run("127.0.0.1", text), expected, "{user}: {what}");
            }
            assert_begins(user, &reach.run("127.0.0.1", "kill -TERM $$"), r#"143 "" "#);
        }
    }
}

#[test]
fn a_shell_that_ends_before_the_command_did_not_run_it() {
    let server = Server::start("");
    let cases = [
        (
            "quits",
            "unreachable: the login shell ended with status 3 before the command: closed for repairs",
        ),
        (
            "nologin",
            "unreachable: the login shell ended with status 1 before the command: \
             This account is currently not available.",
        ),
    ];
    for (user, expected) in cases {
        for is_openssh_forced in [false, true] {
            let reach = log_in(&server, user, is_openssh_forced, None);
            assert_eq!(reach.run("127.0.0.1", "touch /tmp/never"), expected, "{user}");
        }
    }
}

#[test]
fn root_is_reached_by_sudo() {
    let server = Server::start("");
    for is_openssh_forced in [false, true] {
        let as_root = |reach: &Reach, input: Option<&str>| {
            let mut request = request("127.0.0.1", "id -u; cat; exit 5");
            request.as_root = true;
            request.input = input.map(Secret::new);
            describe(reach.carry_out(request))
        };
        let reach = log_in(&server, "free", is_openssh_forced, None);
        assert_eq!(as_root(&reach, None), r#"5 "0\n" """#);
        assert_eq!(as_root(&reach, Some("word")), r#"5 "0\nword" """#);

        let reach = log_in(&server, "ops", is_openssh_forced, Some(PASSWORD));
        assert_eq!(as_root(&reach, None), r#"5 "0\n" """#);
        assert_eq!(as_root(&reach, Some("word")), r#"5 "0\nword" """#);
        assert_eq!(reach.knows.asked.borrow().len(), 1, "it is asked for once");

        let reach = log_in(&server, "ops", is_openssh_forced, None);
        assert_eq!(
            as_root(&reach, None),
            "unreachable: sudo wants a password, and none was given: sudo: a password is required"
        );
        let reach = log_in(&server, "ops", is_openssh_forced, Some("wrong"));
        let refused = as_root(&reach, None);
        assert!(
            refused.starts_with("unreachable: sudo refuses the password: sudo: "),
            "{refused}"
        );
        assert_eq!(
            reach.knows.asked.borrow().len(),
            3,
            "a slip of the hand is forgiven twice"
        );
        // What a command reads is never taken for a further password.
        let refused = as_root(&reach, Some("one\ntwo\nthree\n"));
        assert!(!refused.contains("3 incorrect"), "{refused}");
        assert_eq!(reach.knows.asked.borrow().len(), 3, "no other host tries it");
    }
}
