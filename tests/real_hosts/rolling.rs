//! A real cluster of etcd under a runbook: what a client notices, and what is refused.

use std::collections::BTreeMap;
use std::path::Path;

use libtest_mimic::{Failed, Trial};

use crate::etcd::Etcd;
use crate::writer::{PREFIX, Writer, key_of};

/// The tests on real members.
pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("etcd::a_rolling_restart_loses_no_write", restart_under_load),
        Trial::test("etcd::one_more_may_stop_and_no_second", stop_one_by_one),
        Trial::test("etcd::a_rehearsal_begins_as_the_members_are", rehearse_as_seen),
        Trial::test("etcd::a_learner_is_no_member_of_a_majority", count_with_a_learner),
    ]
}

fn restart_under_load() -> Result<(), Failed> {
    let etcd = Etcd::start(5);
    let processes = || -> Vec<Option<u32>> {
        let hosts = etcd.site.hosts.iter();
        hosts.map(|host| etcd.process(host)).collect()
    };
    let before = processes();
    let addresses = etcd.site.hosts.iter().map(|host| host.address.clone());
    let writer = Writer::start(addresses.collect());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/etcd-rolling-restart.runbook");
    let ran = etcd.site.run(&script, &["--set", "settle=1s"]);
    let written = writer.end()?;
    println!("{written:?}");
    assert_eq!(ran.code, 0, "{}", ran.said);
    assert!(ran.said.contains("done          n[1-5]"), "{}", ran.said);
    let after = processes();
    let pairs = before.iter().zip(&after);
    let is_anew = |(old, new): (&Option<u32>, &Option<u32>)| old.is_some() && new.is_some() && old != new;
    assert!(pairs.clone().all(is_anew), "{before:?} {after:?}");

    let told = etcd.ask(&etcd.site.hosts[4], &["get", "--prefix", PREFIX]);
    let told = told.ok_or("the cluster does not answer after the restart")?;
    let lines: Vec<&str> = told.lines().collect();
    let found: BTreeMap<&str, &str> = lines.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    let lost = (0..written.count).filter(|number| {
        let key = key_of(*number);
        found.get(key.as_str()) != Some(&number.to_string().as_str())
    });
    assert_eq!(
        lost.collect::<Vec<u64>>(),
        Vec::<u64>::new(),
        "acknowledged, and lost"
    );
    assert!(written.count > 0, "nothing was written meanwhile");
    Ok(())
}

/// A runbook that stops the members of `nodes`, one after the other.
fn stopping(nodes: &str) -> String {
    format!(
        "runbook stop-one-by-one\nuse etcd\n\
         on {nodes} serially <\n  leave etcd stopped \"to be moved\"\n>\n"
    )
}

fn rehearse_as_seen() -> Result<(), Failed> {
    let etcd = Etcd::start(5);
    etcd.service(etcd.site.host("n2"), "stop");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/etcd-rolling-restart.runbook");
    let seen = etcd.site.at().join("seen.toml");
    let ran = etcd
        .site
        .rehearse(&script, &["--from-live", &seen.display().to_string()]);
    let state = "[[state]]\nnode = \"n2\"\nservice = \"etcd\"\nis = \"stopped\"\n";
    let shape = std::fs::read_to_string(&seen)?;
    assert!(
        shape.contains(state) && shape.matches("[[state]]").count() == 1,
        "{shape}"
    );
    // The runbook asks for a healthy cluster, as it would for real.
    assert_eq!(ran.code, 4, "{}", ran.said);
    for told in [
        "n2 (n2) is silent",
        "--replay none",
        &format!("--sim={}", seen.display()),
    ] {
        assert!(ran.said.contains(told), "no `{told}`: {}", ran.said);
    }
    Ok(())
}

fn stop_one_by_one() -> Result<(), Failed> {
    let etcd = Etcd::start(5);
    etcd.service(etcd.site.host("n2"), "stop");
    let ran = etcd.site.run_lines(&stopping("n1 + n3"));
    assert_eq!(ran.code, 4, "{}", ran.said);
    let sentence = "without n3, 2 of 5 members of etcd would run; a majority of 3 must stay \
                    (away already: n1 by this run, n2 down)";
    for told in [sentence, "done          n1", "failed        n3"] {
        assert!(ran.said.contains(told), "no `{told}`: {}", ran.said);
    }
    let is_up = |name: &str| etcd.process(etcd.site.host(name)).is_some();
    let up: Vec<bool> = ["n1", "n2", "n3", "n4", "n5"].map(is_up).to_vec();
    assert_eq!(up, [false, false, true, true, true]);

    // Nor does the guard by itself let another one go.
    let runbook = "runbook ask\nuse etcd\nrequire quorum losing=n3\n";
    let sentence = "2 of 5 voting members would be in step; 3 must (majority 3, spare 0); \
                    not counted: n1 (silent), n2 (silent)";
    refuse(&etcd, runbook, sentence)
}

fn count_with_a_learner() -> Result<(), Failed> {
    let etcd = Etcd::start(4);
    etcd.add_learner("n5");
    let runbook = "runbook count\nuse etcd\nrequire quorum losing=n2\n";
    let ran = etcd.site.run_lines(runbook);
    assert_eq!(ran.code, 0, "{}", ran.said);
    etcd.service(etcd.site.host("n1"), "stop");
    let sentence = "2 of 4 voting members would be in step; 3 must (majority 3, spare 0); \
                    not counted: n1 (silent), n5 (learner)";
    refuse(&etcd, runbook, sentence)
}

/// Both the program and the expanded script must refuse in these words.
fn refuse(etcd: &Etcd, runbook: &str, sentence: &str) -> Result<(), Failed> {
    let run = etcd.site.run_lines(runbook);
    let expanded = etcd.site.run_expanded(runbook);
    for (what, ran) in [("run", run), ("expanded", expanded)] {
        assert_eq!(ran.code, 4, "{what}: {}", ran.said);
        assert!(ran.said.contains(sentence), "{what}: {}", ran.said);
    }
    Ok(())
}
