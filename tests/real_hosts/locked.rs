//! The maintenance lock on real hosts: two who work on one cluster at once, of whom one has died, sleeps or is
//! cut off.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use crate::etcd::Etcd;
use crate::host::kill;
use crate::site::{Ran, Site, read_end};

/// How long anything may take to happen on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// A script makes a connection of its own for each of its commands, which takes a while.
const SCRIPT_LEASE: &str = "8s";

/// The tests of the lock.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("locked::a_script_and_a_run_see_each_other", script_and_run),
        Trial::test("locked::a_script_takes_over_as_a_run_does", script_takes_over),
        Trial::test("locked::too_few_nodes_are_a_degraded_lock", degraded),
        Trial::test(
            "locked::a_script_that_is_broken_off_undoes_its_take_over",
            script_broken_off,
        ),
        Trial::test("locked::two_scripts_at_once", two_scripts),
        Trial::test("locked::a_script_is_clean", script_is_clean),
    ];
    for (place, is_etcd) in [("nodes", false), ("etcd", true)] {
        let on = |what: &str, test: fn(&Yard) -> Result<(), Failed>| {
            Trial::test(format!("locked::{place}::{what}"), move || {
                test(&Yard::open(is_etcd, "2s"))
            })
        };
        trials.extend([
            on("the_second_is_refused", the_second_is_refused),
            on("a_killed_run_is_taken_over_with_a_reason", killed),
            on("a_run_that_slept_stops", slept),
        ]);
        trials.push(Trial::test(
            format!("locked::{place}::a_run_that_is_broken_off_undoes_its_take_over"),
            move || run_broken_off(&Yard::open(is_etcd, SCRIPT_LEASE)),
        ));
    }
    trials
}

/// Hosts with a lock, and a folder in which runbooks leave their marks.
struct Yard {
    site: Site,
    /// Ends after the hosts.
    etcd: Option<Etcd>,
}

/// A run that is still at work.
struct Working {
    child: Child,
}

impl Yard {
    fn open(is_etcd: bool, lease: &str) -> Yard {
        let site = Site::start(&["n1", "n2", "n3"], |_, _| Vec::new());
        let etcd = is_etcd.then(|| Etcd::start(1));
        let place = etcd.as_ref().map_or_else(String::new, |etcd| {
            format!(
                "etcd = [\"http://127.0.0.1:1\", \"http://{}:2379\"]\n",
                etcd.site.hosts[0].address
            )
        });
        let inventory = format!(
            "name = \"pcs1\"\n[lock]\nlease = \"{lease}\"\n{place}[groups]\nall = \"n[1-3]\"\n{}",
            site.addresses()
        );
        fs::write(site.at().join("cluster.toml"), inventory).expect("it can be written");
        Yard { site, etcd }
    }

    fn mark(&self, name: &str) -> PathBuf {
        self.site.at().join(name)
    }

    /// A runbook with two acts, of which the first one lasts until there is a file `go`.
    fn long(&self) -> PathBuf {
        let at = self.site.at().display();
        let text = format!(
            "runbook replace-disk\non n1 <\n  run \"touch {at}/begun; until [ -e {at}/go ]; do sleep 0.1; done\"\n  \
             run \"touch {at}/second\"\n>\n"
        );
        self.write("replace-disk.runbook", &text)
    }

    fn short(&self) -> PathBuf {
        let text = format!(
            "runbook other-work\non n2 < run \"touch {}/other\" >\n",
            self.site.at().display()
        );
        self.write("other-work.runbook", &text)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.mark(name);
        fs::write(&file, text).expect("it can be written");
        file
    }

    fn run(&self, flags: &[&str]) -> Ran {
        self.site.run(&self.short(), flags)
    }

    /// Starts the long runbook, and waits for its first act.
    fn start_long(&self, flags: &[&str]) -> Working {
        self.start(self.site.command(&self.long(), flags))
    }

    fn start(&self, mut command: Command) -> Working {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut working = Working { child };
        self.wait_for("begun", &mut working);
        working
    }

    fn wait_for(&self, name: &str, working: &mut Working) {
        let began = Instant::now();
        while !self.mark(name).exists() {
            let is_over = working.child.try_wait().expect("it is ours").is_some();
            assert!(!is_over, "it has ended before there is `{name}`");
            assert!(began.elapsed() < PATIENCE, "`{name}` does not come");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn let_go(&self) {
        fs::write(self.mark("go"), "").expect("it can be written");
    }

    /// Runs the short runbook until what it says has some words; it must be refused each time.
    fn refused_until(&self, words: &str) {
        let began = Instant::now();
        loop {
            let ran = self.run(&[]);
            assert_eq!(ran.code, 7, "{}", ran.said);
            if ran.said.contains(words) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{}", ran.said);
        }
    }

    /// Expands the short or the long runbook, and gives the command that carries the script out.
    fn script(&self, runbook: &Path, shell: &str) -> Command {
        let script = self.site.expand(runbook);
        self.site.script(shell, &script)
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        // A command that still waits on a host comes to its end.
        self.let_go();
        drop(self.etcd.take());
    }
}

impl Working {
    fn end(self) -> Ran {
        read_end(self.child.wait_with_output().expect("it is ours"))
    }

    fn send(&self, signal: &str) {
        kill(signal, &[self.child.id()]);
    }
}

fn the_second_is_refused(yard: &Yard) -> Result<(), Failed> {
    let first = yard.start_long(&["--reason", "slot 3 is dying"]);
    for flags in [[].as_slice(), &["--limit", "n2"]] {
        let second = yard.run(flags);
        assert_eq!(second.code, 7, "{}", second.said);
        for words in [
            "pcs1 is locked for maintenance by ",
            "runbook:  replace-disk",
            "reason:   slot 3 is dying",
            "since:    20",
            "lease:    2s, renewed ",
            if yard.etcd.is_some() {
                "held in:  etcd"
            } else {
                "held on:  3 of 3 nodes of its set"
            },
            "quorate resume ",
            "--take-over",
        ] {
            assert!(second.said.contains(words), "no `{words}` in {}", second.said);
        }
    }
    assert!(!yard.mark("other").exists());
    // Who only looks, or changes nothing, needs no lock.
    let looking = yard.write(
        "look.runbook",
        "runbook look\non n2 < show probe \"echo seen\" >\n",
    );
    let looked = yard.site.run(&looking, &[]);
    assert_eq!(looked.code, 0, "{}", looked.said);
    assert_eq!(yard.run(&["--dry-run"]).code, 0);
    yard.let_go();
    let ended = first.end();
    assert_eq!(ended.code, 0, "{}", ended.said);
    let after = yard.run(&[]);
    assert_eq!(after.code, 0, "{}", after.said);
    Ok(())
}

fn killed(yard: &Yard) -> Result<(), Failed> {
    let first = yard.start_long(&[]);
    first.send("KILL");
    let _ = first.end();
    yard.refused_until("has probably died");
    let without = yard.run(&["--take-over", " "]);
    assert_eq!(without.code, 2, "{}", without.said);
    let over = yard.run(&["--take-over", "its machine is gone"]);
    assert_eq!(over.code, 0, "{}", over.said);
    assert!(!over.said.contains("nothing is begun for"), "{}", over.said);
    let after = yard.run(&[]);
    assert_eq!(after.code, 0, "{}", after.said);
    Ok(())
}

fn slept(yard: &Yard) -> Result<(), Failed> {
    let first = yard.start_long(&[]);
    first.send("STOP");
    let over = yard.run(&["--take-over", "it is asleep"]);
    assert_eq!(over.code, 0, "{}", over.said);
    yard.let_go();
    first.send("CONT");
    let ended = first.end();
    assert_eq!(ended.code, 7, "{}", ended.said);
    assert!(
        ended.said.contains("was lost, so nothing more is begun"),
        "{}",
        ended.said
    );
    assert!(!yard.mark("second").exists());
    Ok(())
}

fn run_broken_off(yard: &Yard) -> Result<(), Failed> {
    let command = || yard.site.command(&yard.short(), &["--take-over", "it is asleep"]);
    broken_off(yard, &command)
}

fn script_broken_off() -> Result<(), Failed> {
    for shell in ["dash", "bash", "busybox sh"] {
        let yard = Yard::open(false, SCRIPT_LEASE);
        let command = || {
            let mut command = yard.script(&yard.short(), shell);
            command.env("QUORATE_TAKE_OVER", "it is asleep");
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
            command
        };
        broken_off(&yard, &command)?;
    }
    Ok(())
}

/// A run sleeps; one that takes its lock over is interrupted in its wait, and another one killed.
fn broken_off(yard: &Yard, taker: &dyn Fn() -> Command) -> Result<(), Failed> {
    let first = yard.start_long(&[]);
    first.send("STOP");
    let begin = || -> Result<Child, Failed> {
        let mut child = taker().stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let told = child.stderr.take().expect("it is piped");
        let mut lines = BufReader::new(told).lines().map_while(Result::ok);
        assert!(
            lines.any(|line| line.contains("nothing is begun for")),
            "it does not wait"
        );
        // What it says further has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(child)
    };
    let mut taker = begin()?;
    kill("INT", &[taker.id()]);
    assert_eq!(taker.wait()?.code(), Some(130));
    let refused = yard.run(&[]);
    assert_eq!(refused.code, 7, "{}", refused.said);
    assert!(
        refused.said.contains("runbook:  replace-disk"),
        "{}",
        refused.said
    );

    let mut taker = begin()?;
    kill("KILL", &[taker.id()]);
    taker.wait()?;
    let over = yard.run(&["--take-over", "both are gone"]);
    assert_eq!(over.code, 0, "{}", over.said);
    assert!(over.said.contains("nothing is begun for 9s"), "{}", over.said);
    yard.let_go();
    first.send("CONT");
    let ended = first.end();
    assert_eq!(ended.code, 7, "{}", ended.said);
    Ok(())
}

fn script_and_run() -> Result<(), Failed> {
    for shell in ["dash", "bash", "busybox sh"] {
        let yard = Yard::open(false, SCRIPT_LEASE);
        let first = yard.start_long(&["--reason", "slot 3 is dying"]);
        let refused = read_end(yard.script(&yard.short(), shell).output()?);
        assert_eq!(refused.code, 7, "{shell}: {}", refused.said);
        let told = yard.run(&[]);
        assert_eq!(told.code, 7, "{shell}: {}", told.said);
        for part in [
            "is locked for maintenance by ",
            "  runbook:  ",
            "  run:  ",
            "  reason:  ",
            "  since:  ",
            "  held on:  ",
        ] {
            let line = |ran: &Ran| {
                let mut lines = ran
                    .said
                    .lines()
                    .map(|line| line.trim_start_matches([' ', '│', '×', '╰', '─', '▶']));
                let found = lines.find(|line| line.contains(part.trim_start()));
                found
                    .unwrap_or_else(|| panic!("{shell}: no `{part}` in {}", ran.said))
                    .to_owned()
            };
            assert_eq!(line(&refused), line(&told), "{shell}");
        }
        assert!(!yard.mark("other").exists(), "{shell}");
        yard.let_go();
        let ended = first.end();
        assert_eq!(ended.code, 0, "{shell}: {}", ended.said);
        fs::remove_file(yard.mark("go"))?;
        fs::remove_file(yard.mark("begun"))?;

        let mut command = yard.script(&yard.long(), shell);
        command.env("QUORATE_REASON", "slot 4 is dying");
        let script = yard.start(command);
        let refused = yard.run(&[]);
        assert_eq!(refused.code, 7, "{shell}: {}", refused.said);
        assert!(
            refused.said.contains("reason:   slot 4 is dying"),
            "{shell}: {}",
            refused.said
        );
        assert!(
            !refused.said.contains("quorate resume"),
            "{shell}: {}",
            refused.said
        );
        yard.let_go();
        let ended = script.end();
        assert_eq!(ended.code, 0, "{shell}: {}", ended.said);
        let after = yard.run(&[]);
        assert_eq!(after.code, 0, "{shell}: {}", after.said);
    }
    Ok(())
}

/// The other parts of a script are looked at with the runbooks that use them.
fn script_is_clean() -> Result<(), Failed> {
    let yard = Yard::open(false, SCRIPT_LEASE);
    let script = yard.site.expand(&yard.short());
    let output = Command::new("shellcheck")
        .args(["-s", "sh", "-e", "SC2317"])
        .arg(script)
        .output()?;
    let found = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{found}");
    Ok(())
}

fn script_takes_over() -> Result<(), Failed> {
    for shell in ["dash", "bash", "busybox sh"] {
        let yard = Yard::open(false, SCRIPT_LEASE);
        // A script that sleeps; another one takes its lock, and gives it back.
        let mut command = yard.script(&yard.long(), shell);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let first = yard.start(command);
        let all = format!("-{}", first.child.id());
        let send = |signal: &str| Command::new("kill").args(["-s", signal, "--", &all]).status();
        send("STOP")?;
        let mut second = yard.script(&yard.short(), shell);
        let over = read_end(second.env("QUORATE_TAKE_OVER", "it is asleep").output()?);
        assert_eq!(over.code, 0, "{shell}: {}", over.said);
        yard.let_go();
        send("CONT")?;
        let ended = first.end();
        assert_eq!(ended.code, 7, "{shell}: {}", ended.said);
        assert!(
            ended.said.contains("was lost, so nothing more is begun"),
            "{shell}: {}",
            ended.said
        );
        assert!(!yard.mark("second").exists(), "{shell}");
        let after = yard.run(&[]);
        assert_eq!(after.code, 0, "{shell}: {}", after.said);
    }
    Ok(())
}

fn two_scripts() -> Result<(), Failed> {
    let yard = Yard::open(false, SCRIPT_LEASE);
    let scripts = ["dash", "bash"].map(|shell| {
        let mut command = yard.script(&yard.short(), shell);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    });
    let mut codes = Vec::new();
    for script in scripts {
        let ran = read_end(script?.wait_with_output()?);
        assert!(
            ran.code == 0 || ran.said.contains("is locked for maintenance by"),
            "{}",
            ran.said
        );
        codes.push(ran.code);
    }
    assert!(codes.contains(&0), "{codes:?}");
    let after = yard.run(&[]);
    assert_eq!(after.code, 0, "{}", after.said);
    Ok(())
}

fn degraded() -> Result<(), Failed> {
    let mut yard = Yard::open(false, SCRIPT_LEASE);
    for host in [0, 2] {
        yard.site.hosts[host].switch_off();
    }
    let refused = yard.run(&[]);
    assert_eq!(refused.code, 7, "{}", refused.said);
    for words in [
        "1 of 3 nodes of its set answered, and 2 must",
        "n1: could not be reached",
        "--degraded-lock",
    ] {
        assert!(refused.said.contains(words), "no `{words}` in {}", refused.said);
    }
    let mut script = yard.script(&yard.short(), "dash");
    let refused = read_end(script.output()?);
    assert_eq!(refused.code, 7, "{}", refused.said);
    assert!(
        refused
            .said
            .contains("1 of 3 nodes of its set answered, and 2 must"),
        "{}",
        refused.said
    );
    let taken = yard.run(&["--degraded-lock", "two racks are dark"]);
    assert_eq!(taken.code, 0, "{}", taken.said);
    let taken = read_end(
        script
            .env("QUORATE_DEGRADED_LOCK", "two racks are dark")
            .output()?,
    );
    assert_eq!(taken.code, 0, "{}", taken.said);
    Ok(())
}
