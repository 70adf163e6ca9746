//! Whole processes against real ssh servers: quorate, the least that such a program can do, and other tools.
//!
//! Every address `127.0.x.y` is a host, and one sshd serves them all. In each round each contestant has its
//! turn, so that whatever else the machine does hits all alike; medians are compared.

mod contestants;
mod floor;
mod measure;
mod server;
mod table;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use clap::Parser;

use contestants::{CONTESTANTS, Contestant, Errand, Programs};
use measure::Measured;
use server::Server;

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    /// On so many of the hosts.
    pub hosts: usize,
    /// So many commands on each.
    pub commands: usize,
    /// Host by host; else all hosts at once, and a command begins when all have done the one before.
    pub is_serial: bool,
}

/// The name of each point, what it is, and its work.
const POINTS: [(&str, &str, Work); 4] = [
    ("one", "one command on 64 hosts", work(64, 1, false)),
    (
        "steps",
        "10 commands on 64 hosts, each begun when all hosts have done the one before",
        work(64, 10, false),
    ),
    (
        "serial",
        "3 commands on each of 16 hosts, host by host",
        work(16, 3, true),
    ),
    ("many", "one command on 256 hosts", work(256, 1, false)),
];

/// What the server is told of key exchanges, and how that is called.
const KEY_EXCHANGES: [(&str, &str, &str); 2] = [
    ("default", "each with the key exchange that it likes best", ""),
    (
        "curve25519",
        "all with the key exchange curve25519-sha256",
        // It has two names, and paramiko knows it by the older one.
        "KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org",
    ),
];

const fn work(hosts: usize, commands: usize, is_serial: bool) -> Work {
    Work {
        hosts,
        commands,
        is_serial,
    }
}

/// Times quorate and other tools against real ssh servers on this machine.
#[derive(Parser)]
struct Options {
    /// The points: one, steps, serial, many; all unless some are named
    points: Vec<String>,
    /// How often each is done
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only these contestants, parted by commas
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only with one of the key exchanges: default, curve25519
    #[arg(long)]
    key_exchange: Option<String>,
    /// Cargo says this to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // The same program, started again, is the floor and the one that watches a contestant.
    match words.split_first() {
        Some((first, rest)) if first == measure::WORD => return measure::watch(rest),
        Some((first, rest)) if first == floor::WORD => return floor::run(rest),
        _ => {}
    }
    let options = Options::parse();
    check_names("point", &options.points, &POINTS.map(|(name, _, _)| name));
    check_names("contestant", &options.only, &CONTESTANTS.map(|who| who.name));
    let wanted: Vec<String> = options.key_exchange.clone().into_iter().collect();
    check_names("key exchange", &wanted, &KEY_EXCHANGES.map(|(name, _, _)| name));
    let programs = Programs::find();
    let is_chosen = |who: &Contestant| options.only.is_empty() || is_in(&options.only, who.name);
    let (here, missing): (Vec<Contestant>, Vec<Contestant>) = CONTESTANTS
        .into_iter()
        .filter(is_chosen)
        .partition(|who| programs.has(who));
    for who in &missing {
        println!("{} is missing; benches/peers installs it", who.name);
    }
    for (name, what, server_options) in KEY_EXCHANGES {
        if !wanted.is_empty() && !is_in(&wanted, name) {
            continue;
        }
        let most_hosts = POINTS.iter().map(|(_, _, work)| work.hosts).max().unwrap_or(1);
        let server = Server::start(server_options, most_hosts);
        for (point, title, work) in POINTS {
            if !options.points.is_empty() && !is_in(&options.points, point) {
                continue;
            }
            let able: Vec<&Contestant> = here.iter().filter(|who| (who.can)(&work)).collect();
            let results = compete(&server, &programs, &able, work, options.rounds);
            println!("\n{title}; {what}; {} rounds\n", options.rounds);
            print!("{}", table::write(&results));
        }
    }
}

fn is_in(names: &[String], name: &str) -> bool {
    names.iter().any(|other| other == name)
}

fn check_names(what: &str, given: &[String], known: &[&str]) {
    for name in given {
        if !known.contains(&name.as_str()) {
            eprintln!("there is no {what} `{name}`; there are {}", known.join(", "));
            std::process::exit(2);
        }
    }
}

/// Lets each contestant do the work in each round, and gives all that was measured.
fn compete<'a>(
    server: &Server,
    programs: &Programs,
    able: &[&'a Contestant],
    work: Work,
    rounds: u32,
) -> Vec<(&'a Contestant, Vec<Measured>)> {
    let mut results: Vec<(&Contestant, Vec<Measured>)> = able.iter().map(|who| (*who, Vec::new())).collect();
    // Before anything counts, each shows that its commands arrive: once on each host for each step.
    for who in able {
        let count = server.at().join("count");
        let command = format!("echo >>{}", count.display());
        fs::write(&count, "").expect("it can be written");
        server.open_to_all(&count);
        do_once(server, programs, who, work, &command);
        let lines = fs::read(&count).expect("it is there").len();
        let expected = work.hosts * work.commands;
        assert_eq!(lines, expected, "{} carries each command out once", who.name);
    }
    for round in 0..rounds as usize {
        for turn in 0..results.len() {
            let turn = (turn + round) % results.len();
            let (who, measured) = &mut results[turn];
            measured.push(do_once(server, programs, who, work, "true"));
        }
    }
    results
}

/// One run, in a folder of its own, from no connection at all to none.
fn do_once(server: &Server, programs: &Programs, who: &Contestant, work: Work, command: &str) -> Measured {
    let folder = tempfile::Builder::new()
        .prefix("q")
        .tempdir()
        .expect("a temporary folder");
    let errand = Errand {
        server,
        programs,
        work,
        command,
        folder: folder.path(),
    };
    let masters = Masters(errand.sockets());
    let measured = measure::measure(who.name, &(who.write)(&errand), folder.path());
    drop(masters);
    server.wait_until_idle();
    measured
}

/// The folder with the sockets of connections that stay open for later commands; they end with this.
struct Masters(PathBuf);

impl Drop for Masters {
    fn drop(&mut self) {
        let Ok(sockets) = fs::read_dir(&self.0) else {
            return;
        };
        for socket in sockets.flatten() {
            let path = format!("ControlPath={}", socket.path().display());
            // One that has gone by itself needs no farewell.
            let _ = Command::new("ssh")
                .args(["-F", "none", "-O", "exit", "-o", &path, "host"])
                .output();
        }
    }
}
