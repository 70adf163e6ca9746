//! Runs as they are told of afterwards, from what was kept of them.
//!
//! Each run is carried out on the simulated cluster, in virtual time; what it says in JSON is
//! what is kept of it. `tests/golden/show/NAME.txt`, `.md`, `.html` and `.json` hold what is told.
//! `UPDATE_GOLDEN=1 cargo test --test show` writes them anew.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use quorate::diagnostic::SourceMap;
use quorate::journal::{
    Account, Detail, Entry, LiveReport, Marked, Opening, Record, RecordKind, Recorder, Replied, Reply,
    ReportStyle, Resumption, Sent, Settled, describe_account, write_account, write_html, write_markdown,
};
use quorate::library::{stdlib, stdlib_names};

fn house() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a run says in JSON, row by row; nothing when it never began.
fn carry_out(words: &str) -> Vec<Record> {
    let output = Command::new(env!("CARGO_BIN_EXE_quorate"))
        .args(words.split_whitespace())
        .args(["--format", "json"])
        .current_dir(house())
        .env_remove("QUORATE_INVENTORY")
        .stdin(Stdio::null())
        .output()
        .expect("the binary was built for this test");
    let text = String::from_utf8(output.stdout).expect("JSON is text");
    let rows = text.lines().map(serde_json::from_str);
    rows.collect::<Result<_, _>>().unwrap_or_default()
}

/// The texts of a run, under the names that they have in it.
fn texts(script: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(house().join(script)).expect("a script is text");
    let mut texts = vec![(script.to_owned(), text)];
    for name in stdlib_names() {
        let text = stdlib(name).expect("a name of the list");
        texts.push((format!("stdlib/{name}.runbook"), text.to_owned()));
    }
    texts
}

fn style(detail: Detail) -> ReportStyle {
    ReportStyle {
        coloured: false,
        detail,
        with_differences: false,
        is_framed: true,
    }
}

/// The report, computed from what was kept, is that which was printed while it happened.
#[test]
fn a_reloaded_journal_reports_the_same() {
    let folders = ["run", "guards", "rules"].map(|name| house().join("tests/golden").join(name));
    let cases = folders.iter().flat_map(|folder| {
        let entries = std::fs::read_dir(folder).expect("the folder is in the repository");
        entries.flatten().map(|entry| entry.path())
    });
    let mut cases: Vec<PathBuf> = cases
        .filter(|path| path.extension().is_some_and(|ending| ending == "case"))
        .collect();
    cases.sort();
    let mut count = 0;
    for case in cases {
        let text = std::fs::read_to_string(&case).expect("a case is text");
        let words: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let words = words.join(" ");
        let printed = std::fs::read_to_string(case.with_extension("out")).expect("it was printed");
        let is_run =
            words.starts_with("run ") && printed.starts_with("cluster ") && !words.contains("--format");
        if !is_run {
            continue;
        }
        let script = words.split(' ').find(|word| word.ends_with(".runbook"));
        let mut sources = SourceMap::default();
        for (name, text) in texts(script.expect("a run has a script")) {
            sources.add(name, text);
        }
        let has = |flag: &str| words.split(' ').any(|word| word == flag);
        let detail = match (has("-q") || has("--quiet"), has("-v") || has("--verbose")) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Usual,
        };
        let style = ReportStyle {
            with_differences: has("--diff"),
            ..style(detail)
        };
        let mut told = Vec::new();
        let mut report = LiveReport::new(&mut told, &sources, style, None);
        for record in carry_out(&words) {
            let event = record.read(&sources).unwrap_or_else(|| panic!("{record:?}"));
            assert_eq!(Record::of(&event, &sources), record, "{}", case.display());
            report.record(&event);
        }
        drop(report);
        let told = String::from_utf8(told).expect("a report is text");
        let end = printed.find("--- ").expect("a case ends with its code");
        assert_eq!(told, printed[..end], "{}", case.display());
        count += 1;
    }
    assert!(count > 40, "only {count} runs were told of");
}

fn opening(script: &str) -> Opening {
    let title = Path::new(script)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let mut texts = texts(script);
    texts.truncate(1);
    Opening {
        run: format!("20261128T073105Z-{title}-k3f9"),
        when: "2026-11-28 07:31:05Z".to_owned(),
        who: "anna".to_owned(),
        host: "admin1".to_owned(),
        version: "0.1.0".to_owned(),
        cluster: "pcs1".to_owned(),
        title: title.into_owned(),
        script: format!("/srv/runbooks/{script}"),
        texts,
        inventory_file: "/etc/quorate/cluster.toml".to_owned(),
        ..Opening::default()
    }
}

fn account(script: &str, entries: Vec<Entry>) -> Account {
    Account::of(opening(script), (1..).zip(entries).collect(), false)
}

/// A run of a script on the simulated cluster, and what was kept of it.
fn run(script: &str, flags: &str) -> Account {
    let records = carry_out(&format!("run {script} {flags}"));
    assert!(!records.is_empty(), "{script} {flags}");
    account(script, records.into_iter().map(Entry::Happened).collect())
}

fn compare(name: &str, account: &Account) {
    let folder = house().join("tests/golden/show");
    let page = write_html(account);
    check_marks(name, &page);
    let mut forms = vec![
        ("txt", describe_account(account, style(Detail::Usual))),
        ("md", write_markdown(account)),
        ("html", page),
    ];
    // All that was kept of a longer run is too much to look at.
    if account.entries.len() < 10 {
        forms.push(("json", format!("{:#}\n", write_account(account))));
    }
    let mut different = Vec::new();
    for (ending, found) in forms {
        let path = folder.join(name).with_extension(ending);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &found).expect("the folder can be written");
        } else if std::fs::read_to_string(&path).unwrap_or_default() != found {
            different.push(format!("{name}.{ending} is now:\n{found}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
}

/// Looks that a page is well-formed, has each name once, and holds no mark that is not its own.
fn check_marks(name: &str, page: &str) {
    const KNOWN: &str = " html head meta title style body main h1 h2 p div table caption thead tbody tr th td br \
                         details summary pre svg desc rect text line circle path ";
    let page = page
        .strip_prefix("<!DOCTYPE html>")
        .expect("a page says what it is");
    let mut open: Vec<&str> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        check_text(name, &rest[..at], open.last() == Some(&"style"));
        let length = rest[at..]
            .find('>')
            .unwrap_or_else(|| panic!("{name}: an open mark"));
        let mark = &rest[at + 1..at + length];
        rest = &rest[at + length + 1..];
        if let Some(closed) = mark.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "{name}: </{closed}>");
            continue;
        }
        let is_empty = mark.ends_with('/');
        let mark = mark.trim_end_matches('/');
        let (tag, attributes) = mark.split_once(' ').unwrap_or((mark, ""));
        assert!(KNOWN.contains(&format!(" {tag} ")), "{name}: <{tag}>");
        let mut attributes = attributes.trim();
        while !attributes.is_empty() {
            let (key, more) = attributes
                .split_once("=\"")
                .expect("an attribute has a value in quotes");
            let (value, more) = more.split_once('"').expect("quotes are closed");
            assert!(
                !key.starts_with("on") && key != "src" && key != "href",
                "{name}: {key}"
            );
            check_text(name, value, false);
            if key == "id" {
                assert!(!names.contains(&value), "{name}: two of {value}");
                names.push(value);
            }
            attributes = more.trim_start();
        }
        if !is_empty {
            open.push(tag);
        }
    }
    assert!(open.is_empty(), "{name}: {open:?} stay open");
}

/// Looks that a text holds no control character, and no `&` but of the few known names.
fn check_text(name: &str, text: &str, is_style: bool) {
    let is_harmful = |letter: char| letter.is_control() && letter != '\n' && letter != '\t';
    assert!(!text.contains(is_harmful), "{name}: {text:?}");
    for (at, _) in text.match_indices('&').filter(|_| !is_style) {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
        assert!(
            known.iter().any(|entity| text[at..].starts_with(entity)),
            "{name}: {text}"
        );
    }
}

#[test]
fn a_good_run_is_told() {
    compare("good", &run("tests/golden/show/restart.runbook", "--sim --yes"));
}

#[test]
fn a_refused_guard_is_told() {
    let shape = "--sim tests/clusters/one_mds_down.toml --yes";
    compare("refused", &run("tests/golden/show/restart.runbook", shape));
}

#[test]
fn an_outage_is_told() {
    compare(
        "outage",
        &run("scripts/network-maintenance.runbook", "--sim --yes"),
    );
}

#[test]
fn many_nodes_are_told_in_few_lines() {
    let flags = "--sim tests/golden/show/many.toml --yes";
    let told = run("tests/golden/show/many.runbook", flags);
    compare("many", &told);
    let page = write_html(&told);
    assert!(page.lines().count() < 200, "{} lines", page.lines().count());
}

#[test]
fn what_a_parked_run_leaves_open_is_told() {
    let mut told = run(
        "scripts/network-maintenance.runbook",
        "--sim --answer outage-1=yes",
    );
    for (_, entry) in &mut told.entries {
        let Entry::Happened(record) = entry else { continue };
        match &mut record.what {
            RecordKind::Answered { name, answer, .. } if name == "manual-1" => "later".clone_into(answer),
            RecordKind::RunEnded {
                trouble: Some(trouble),
                exit_code,
            } => {
                "parked".clone_into(&mut trouble.kind);
                "parked at: Replace the switch".clone_into(&mut trouble.message);
                *exit_code = 9;
            }
            _ => {}
        }
    }
    let entries = told.entries.into_iter().map(|(_, entry)| entry).collect();
    compare("parked", &account("scripts/network-maintenance.runbook", entries));
}

#[test]
fn an_undo_in_which_a_run_broke_off_is_owed() {
    let script = "tests/golden/run/undo.runbook";
    let mut records = carry_out(&format!("run {script} --sim --yes"));
    let is_undo = |record: &Record| matches!(record.what, RecordKind::CleaningUp { .. });
    let last = records.iter().rposition(is_undo).expect("it is undone");
    records.truncate(last + 2);
    let entries = records.into_iter().map(Entry::Happened).collect();
    compare("owed", &account(script, entries));
}

/// The place of the act that is in flight when the run breaks off.
fn break_point(records: &[Record]) -> usize {
    let is_act = |record: &Record| match &record.what {
        RecordKind::StepStarted { place, .. } => place.node.as_deref() == Some("node3"),
        _ => false,
    };
    records.iter().position(is_act).expect("node3 is acted upon") + 1
}

/// The entry that stands before an act leaves.
fn sent(record: &Record) -> Sent {
    let RecordKind::StepStarted { place, command, .. } = &record.what else {
        panic!("{record:?}")
    };
    Sent {
        at_ms: record.at_ms,
        path: "3/1".to_owned(),
        node: place.node.clone(),
        command: command.clone().unwrap_or_default(),
        is_kept: false,
        left_at: 0,
        limit_ms: 0,
    }
}

#[test]
fn a_run_that_broke_off_is_told() {
    let script = "tests/golden/show/restart.runbook";
    let records = carry_out(&format!("run {script} --sim --yes"));
    let end = break_point(&records);
    let mut entries: Vec<Entry> = records[..end].iter().cloned().map(Entry::Happened).collect();
    entries.push(Entry::Sent(sent(&records[end - 1])));
    compare("broken_off", &account(script, entries));
}

#[test]
fn a_run_that_was_taken_up_again_is_told() {
    let script = "tests/golden/show/restart.runbook";
    let records = carry_out(&format!("run {script} --sim --yes"));
    let end = break_point(&records);
    let sent = sent(&records[end - 1]);
    let at_ms = sent.at_ms + 40;
    let mut entries: Vec<Entry> = records[..end].iter().cloned().map(Entry::Happened).collect();
    entries.push(Entry::Sent(sent.clone()));
    entries.push(Entry::Marked(Marked {
        when: "2026-11-28 08:50:20Z".to_owned(),
        who: "boris".to_owned(),
        is_done: false,
        step: "9".to_owned(),
        path: "on node3\n@node3\nmanual \"Change the disk.\"".to_owned(),
        node: Some("node3".to_owned()),
        why: "the disk is changed by hand".to_owned(),
    }));
    entries.push(Entry::Resumed(Resumption {
        when: "2026-11-28 09:00:00Z".to_owned(),
        who: "boris".to_owned(),
        host: "admin2".to_owned(),
        version: "0.1.1".to_owned(),
        at_ms,
        accepted: Some("-settle = 5m\n+settle = 1m\n".to_owned()),
        texts: None,
        inventory: None,
    }));
    entries.push(Entry::Settled(Settled {
        at_ms,
        path: sent.path,
        node: sent.node,
        command: sent.command,
        is_done: true,
        by: "the service runs, as was measured".to_owned(),
    }));
    entries.extend(records[end..].iter().cloned().map(Entry::Happened));
    compare("resumed", &account(script, entries));
}

/// What a host prints that means no good.
const HOSTILE: &str = "<script>alert('gone')</script>\n| a | row | of | a | table |\n```\n# a head\n\
    </pre></details><img src=x onerror=alert(1)>\n\x1b[2J\x1b]0;title\x07 \u{202e}turned\r\n\
    [a link](javascript:alert(1)) ![x](http://example.com/x.png) @somebody &lt;\n``````\n";

fn make_hostile(text: &mut String) {
    text.clear();
    text.push_str(HOSTILE);
    text.push_str(&"long ".repeat(400));
}

#[test]
fn what_a_hostile_host_prints_does_nothing() {
    let script = "tests/golden/show/many.runbook";
    let flags = "--sim --yes --limit node[1-3]";
    let mut told = run(script, flags);
    for (_, entry) in &mut told.entries {
        let Entry::Happened(record) = entry else { continue };
        match &mut record.what {
            RecordKind::StepEnded { output, result, .. } => {
                make_hostile(output);
                if let Some(trouble) = &mut result.trouble {
                    make_hostile(&mut trouble.message);
                }
            }
            RecordKind::Asked { reason, .. } => make_hostile(reason),
            RecordKind::Shown { value, .. } => make_hostile(value),
            _ => {}
        }
    }
    told.opening.cluster = "pcs1</title><script>".to_owned();
    told.opening.given = vec![("note".to_owned(), "<b>|`*_".to_owned())];
    told.entries.push((
        900,
        Entry::Replied(Replied {
            at_ms: 0,
            path: "1".to_owned(),
            node: None,
            command: "true".to_owned(),
            acts: false,
            is_kept: false,
            reply: Reply::Unreachable("\"><script>".to_owned()),
        }),
    ));
    compare("hostile", &told);
    let report = describe_account(&told, style(Detail::Verbose));
    assert!(
        !report.contains('\x1b') && !report.contains('\u{202e}'),
        "{report}"
    );
    let markdown = write_markdown(&told);
    let is_table = |line: &&str| line.starts_with("| ");
    for line in markdown.lines().filter(is_table) {
        assert!(!line.contains("<script") && line.ends_with(" |"), "{line}");
    }
}

/// A long run stays readable: a few lines of time, and a row for each node.
#[test]
fn a_long_run_has_a_picture() {
    let script = "tests/golden/show/many.runbook";
    let mut told = run(script, "--sim tests/golden/show/many.toml --yes");
    for (_, entry) in &mut told.entries {
        let Entry::Happened(record) = entry else { continue };
        // Each node at a time of its own, so that no two rows are alike.
        let node = match &record.what {
            RecordKind::StepStarted { place, .. } | RecordKind::StepEnded { place, .. } => {
                place.node.as_deref()
            }
            RecordKind::NodesChosen { .. } => None,
            RecordKind::NodeStarted { node, .. } | RecordKind::NodeEnded { node, .. } => Some(node.as_str()),
            _ => None,
        };
        let number = node.and_then(|node| node.strip_prefix("node")?.parse::<u64>().ok());
        record.at_ms += number.map_or(0, |number| number * 216_000);
        if let RecordKind::StepEnded { took_ms, .. } = &mut record.what {
            *took_ms += 100_000;
            record.at_ms += 100_000;
        }
        if let RecordKind::NodesChosen { mode, .. } = &mut record.what {
            "serially".clone_into(mode);
            record.at_ms = 0;
        }
    }
    let page = write_html(&told);
    check_marks("long", &page);
    assert!(page.contains(">2h</text>"), "{page}");
    // The script has a row, too.
    assert_eq!(page.matches("<text x=\"6\"").count(), 201);
    if let Some(folder) = std::env::var_os("SHOW_FOLDER") {
        std::fs::write(Path::new(&folder).join("long.html"), page).expect("the folder can be written");
    }
}
