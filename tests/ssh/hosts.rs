//! Whether a host is the one it should be.

use std::fs;
use std::process::Command;

use crate::server::{Server, assert_begins, make_key, run};

fn write_known(server: &Server, text: &str) {
    fs::write(server.at().join("known_hosts"), text).expect("it can be written");
}

fn public(server: &Server, key: &str) -> String {
    let text = fs::read_to_string(server.at().join(format!("{key}.pub"))).expect("it is there");
    text.split(' ')
        .take(2)
        .collect::<Vec<&str>>()
        .join(" ")
        .trim()
        .to_owned()
}

fn fingerprint(server: &Server, key: &str) -> String {
    let told = run(Command::new("ssh-keygen")
        .arg("-lf")
        .arg(server.at().join(format!("{key}.pub"))));
    told.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn a_known_host_is_let_in() {
    let server = Server::start("");
    let (port, key) = (server.port, public(&server, "host"));
    make_key(&server.at().join("other"), "ed25519", "");
    let other = public(&server, "other");
    let cases = [
        ("its port", format!("[127.0.0.1]:{port} {key}\n"), ""),
        ("no port", format!("127.0.0.1 {key}\n"), ""),
        ("a pattern", format!("[127.0.0.?]:{port},!x {key}\n"), ""),
        (
            "two keys",
            format!("[127.0.0.1]:{port} {other}\n[127.0.0.1]:{port} {key}\n"),
            "",
        ),
        (
            "another one revoked",
            format!("@revoked * {other}\n[127.0.0.1]:{port} {key}\n"),
            "",
        ),
        (
            "an alias",
            format!("cluster {key}\n[127.0.0.1]:{port} {other}\n"),
            "HostKeyAlias cluster",
        ),
    ];
    for (what, known, first) in cases {
        write_known(&server, &known);
        assert_eq!(
            server.reach(first).run("127.0.0.1", "true"),
            r#"0 "" """#,
            "{what}"
        );
    }
    write_known(&server, &format!("[127.0.0.1]:{port} {key}\n"));
    run(Command::new("ssh-keygen")
        .args(["-q", "-H", "-f"])
        .arg(server.at().join("known_hosts")));
    let hashed = fs::read_to_string(server.at().join("known_hosts")).expect("it is there");
    assert!(hashed.starts_with("|1|"));
    assert_eq!(
        server.reach("").run("127.0.0.1", "true"),
        r#"0 "" """#,
        "a hashed name"
    );
}

#[test]
fn another_host_is_refused() {
    let server = Server::start("");
    let (port, key) = (server.port, public(&server, "host"));
    make_key(&server.at().join("other"), "ed25519", "");
    let (other, file) = (public(&server, "other"), server.at().join("known_hosts"));
    let (shown, file) = (fingerprint(&server, "host"), file.display());
    let cases = [
        (
            "a new key",
            String::new(),
            format!(
                "unreachable: its host key is not known: ssh-ed25519 {shown}; compare it with what \
                 `ssh-keygen -lf` says on the host, then add it: ssh-keyscan -p {port} 127.0.0.1 >> {file}"
            ),
        ),
        (
            "a changed key",
            format!("# first\n[127.0.0.1]:{port} {other}\n"),
            format!(
                "unreachable: its host key has changed: it shows ssh-ed25519 {shown}, and {file}:2 has another \
                 one; somebody may stand in between; if the host was set up anew: ssh-keygen -R \
                 '[127.0.0.1]:{port}' -f {file}, then ssh-keyscan -p {port} 127.0.0.1 >> {file}"
            ),
        ),
        (
            "a revoked key",
            format!("[127.0.0.1]:{port} {key}\n@revoked * {key}\n"),
            format!(
                "unreachable: its host key is revoked: ssh-ed25519 {shown} by {file}:2; give the host a new one"
            ),
        ),
    ];
    for (what, known, expected) in cases {
        write_known(&server, &known);
        let reach = server.reach("");
        assert_eq!(reach.run("127.0.0.1", "true"), expected, "{what}");
        assert!(reach.told.borrow().is_empty(), "{what}: nothing is left to ssh");
        let forced = server.reach("ForwardAgent yes");
        assert_begins(
            what,
            &forced.run("127.0.0.1", "true"),
            "unreachable: `ssh` says: ",
        );
    }
}

#[test]
fn a_new_key_is_taken_only_when_it_is_asked_for() {
    let server = Server::start("");
    for word in ["accept-new", "no"] {
        write_known(&server, "");
        let reach = server.reach(&format!("StrictHostKeyChecking {word}"));
        assert_eq!(reach.run("127.0.0.1", "true"), r#"0 "" """#);
        let told = reach.told.borrow().join("");
        assert!(
            told.contains("the host key is new, and StrictHostKeyChecking has `ssh` write it down"),
            "{told}"
        );
        let known = fs::read_to_string(server.at().join("known_hosts")).expect("it is there");
        assert!(!known.is_empty());
        assert_eq!(server.reach("").run("127.0.0.1", "true"), r#"0 "" """#);
    }
}

#[test]
fn an_authority_speaks_for_its_hosts() {
    let server = Server::start("");
    let at = server.at();
    make_key(&at.join("authority"), "ed25519", "");
    make_key(&at.join("stranger"), "ed25519", "");
    let authority = public(&server, "authority");
    let sign = |with: &str, names: &str, more: &[&str]| {
        run(Command::new("ssh-keygen")
            .args(["-q", "-s"])
            .arg(at.join(with))
            .args(["-I", "id", "-h", "-n", names])
            .args(more)
            .arg(at.join("host.pub")));
    };
    let cases = [
        ("good", "authority", "127.0.0.1", &[][..], r#"0 "" """#),
        (
            "for another host",
            "authority",
            "127.0.0.9",
            &[],
            "unreachable: its host certificate is not good: it is for 127.0.0.9, not for 127.0.0.1",
        ),
        (
            "its time has passed",
            "authority",
            "127.0.0.1",
            &["-V", "20200101:20200102"],
            "unreachable: its host certificate is not good: its time has passed",
        ),
        (
            "another authority",
            "stranger",
            "127.0.0.1",
            &[],
            "unreachable: its host certificate is not good: ssh-ed25519 SHA256:",
        ),
    ];
    for (what, with, names, more, expected) in cases {
        sign(with, names, more);
        let certified = Server::start_with(&server, "HostCertificate", "host-cert.pub");
        let known = format!("@cert-authority [127.0.0.*]:{} {authority}\n", certified.port);
        write_known(&certified, &known);
        assert_begins(what, &certified.reach("").run("127.0.0.1", "true"), expected);
        if what == "good" {
            write_known(&certified, &format!("{known}@revoked * {authority}\n"));
            let ended = certified.reach("").run("127.0.0.1", "true");
            assert!(ended.contains("is revoked by"), "{ended}");
        }
    }
}
