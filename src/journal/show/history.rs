use std::time::Duration;

use console::measure_text_width;
use serde::Serialize;

use crate::inventory::NodeSet;
use crate::journal::screen::write_length;
use crate::journal::{Account, Entry, Paint, RecordKind, RunState, neutralise_text};

/// A run as the history tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryRow {
    /// Its name.
    pub run: String,
    /// When it began, in UTC.
    pub when: String,
    /// Who began it.
    pub who: String,
    /// On which machine.
    pub host: String,
    /// The cluster's name.
    pub cluster: String,
    /// Whether that is the simulated one.
    pub simulated: bool,
    /// Whether acts were held back.
    pub dry_run: bool,
    /// Whether it is a session at the prompt.
    pub is_session: bool,
    /// The runbook's name, or that of its file.
    pub runbook: String,
    /// How it ended, in a word or two.
    pub ended: String,
    /// The exit code, if it ended.
    pub exit_code: Option<u8>,
    /// How long it took, less its interruptions; of one that broke off, the time until the last thing
    /// that is known of it.
    pub took_ms: u64,
    /// How many nodes it was to act on.
    pub node_count: usize,
}

impl HistoryRow {
    /// What the history says of a run.
    pub fn of(account: &Account) -> HistoryRow {
        let opening = &account.opening;
        let mut row = HistoryRow {
            run: opening.run.clone(),
            when: opening.when.clone(),
            who: opening.who.clone(),
            host: opening.host.clone(),
            cluster: opening.cluster.clone(),
            simulated: false,
            dry_run: false,
            is_session: opening.is_session,
            runbook: name_runbook(&opening.title, &opening.script),
            ended: account.state.words().to_owned(),
            exit_code: match account.state {
                RunState::Ended { exit_code, .. } => Some(exit_code),
                RunState::Alive | RunState::BrokenOff => None,
            },
            took_ms: 0,
            node_count: 0,
        };
        let mut all = NodeSet::default();
        for (_, entry) in &account.entries {
            // Of a run that broke off more is known than what was told of.
            row.took_ms = row.took_ms.max(entry.at_ms().unwrap_or_default());
            let Entry::Happened(record) = entry else { continue };
            match &record.what {
                RecordKind::RunStarted {
                    simulated, dry_run, ..
                } => (row.simulated, row.dry_run) = (*simulated, *dry_run),
                RecordKind::NodesChosen { nodes, left_out, .. } => {
                    let read = |text: &str| NodeSet::expand(text).unwrap_or_default();
                    all = all.union(&read(nodes).difference(&read(left_out)));
                }
                _ => {}
            }
        }
        row.node_count = all.len();
        row
    }

    fn cells(&self) -> [String; 8] {
        let note = |is_so: bool, word: &str| {
            if is_so {
                format!(" ({word})")
            } else {
                String::new()
            }
        };
        let runbook = match self.is_session {
            true => "(session)".to_owned(),
            false => format!("{}{}", self.runbook, note(self.dry_run, "dry run")),
        };
        [
            self.run.clone(),
            self.when.clone(),
            format!("{}@{}", self.who, self.host),
            format!("{}{}", self.cluster, note(self.simulated, "simulated")),
            runbook,
            self.ended.clone(),
            self.write_took(),
            self.node_count.to_string(),
        ]
        .map(|cell| neutralise_text(&cell).replace(['\n', '\t'], " "))
    }
}

impl HistoryRow {
    /// How long it took; when one that broke off came to its end, nobody knows.
    fn write_took(&self) -> String {
        let length = write_length(Duration::from_millis(self.took_ms));
        match self.ended == RunState::BrokenOff.words() {
            true => format!("over {length}"),
            false => length,
        }
    }
}

/// The name of a runbook, or else of its file.
pub(super) fn name_runbook(title: &str, script: &str) -> String {
    match (title, script) {
        ("", "-") => "(standard input)".to_owned(),
        ("", file) => file.rsplit('/').next().unwrap_or(file).to_owned(),
        (title, _) => title.to_owned(),
    }
}

/// The rows of the history, the newest first.
fn rows(accounts: &[Account]) -> Vec<HistoryRow> {
    let mut rows: Vec<HistoryRow> = accounts.iter().map(HistoryRow::of).collect();
    rows.sort_by(|a, b| (&b.when, &b.run).cmp(&(&a.when, &a.run)));
    rows
}

/// Draws the history of runs for people, the newest first.
pub fn describe_history(accounts: &[Account], coloured: bool) -> String {
    let paint = Paint { coloured };
    let head = [
        "RUN", "WHEN", "WHO", "CLUSTER", "RUNBOOK", "ENDED", "TOOK", "NODES",
    ];
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows(accounts).iter().map(HistoryRow::cells));
    let mut widths = [0; 8];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = measure_text_width(cell).max(*width);
        }
    }
    let mut drawn = String::new();
    for (index, line) in lines.iter().enumerate() {
        let mut written = String::new();
        for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
            let blanks = " ".repeat(width - measure_text_width(cell));
            let painted = match (index, column) {
                (0, _) => paint.faint(cell),
                (_, 5) => paint_ending(cell, paint),
                _ => cell.clone(),
            };
            written.push_str(&match column {
                // Numbers stand under each other by their last digits.
                6 | 7 => format!("{blanks}{painted}  "),
                _ => format!("{painted}{blanks}  "),
            });
        }
        drawn.push_str(written.trim_end());
        drawn.push('\n');
    }
    drawn
}

fn paint_ending(word: &str, paint: Paint) -> String {
    match word {
        "done" => paint.good(word),
        "alive" | "parked" | "declined" => paint.notable(word),
        _ => paint.bad(word),
    }
}

/// Writes the history of runs as JSON, the newest first.
pub fn write_history(accounts: &[Account]) -> serde_json::Value {
    serde_json::to_value(rows(accounts)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Opening, Record, Sent};

    fn account(run: &str, when: &str, is_session: bool, exit_code: Option<u8>) -> Account {
        let opening = Opening {
            run: run.to_owned(),
            when: when.to_owned(),
            who: "anna".to_owned(),
            host: "admin1".to_owned(),
            cluster: "pcs1".to_owned(),
            title: "drill".to_owned(),
            is_session,
            ..Opening::default()
        };
        let mut entries = vec![(
            1,
            Entry::Happened(Record {
                at_ms: 0,
                what: RecordKind::RunStarted {
                    cluster: "pcs1".to_owned(),
                    simulated: true,
                    dry_run: false,
                    runbook: "drill".to_owned(),
                    steps: 2,
                },
            }),
        )];
        if let Some(exit_code) = exit_code {
            let what = RecordKind::RunEnded {
                trouble: None,
                exit_code,
            };
            entries.push((2, Entry::Happened(Record { at_ms: 125_000, what })));
        }
        Account::of(opening, entries, false)
    }

    #[test]
    fn a_run_that_broke_off_took_until_the_last_of_what_is_known() {
        let mut broken = account("a", "2026-11-28 07:31:05Z", false, None);
        let sent = Sent {
            at_ms: 9000,
            path: "1".to_owned(),
            node: None,
            command: "true".to_owned(),
            is_kept: false,
            left_at: 0,
            limit_ms: 0,
        };
        broken.entries.push((2, Entry::Sent(sent)));
        assert_eq!(HistoryRow::of(&broken).took_ms, 9000);
        assert!(describe_history(&[broken], false).contains("broken off  over 9.0s"));
    }

    #[test]
    fn the_newest_run_stands_first() {
        let accounts = [
            account("a", "2026-11-28 07:31:05Z", false, Some(0)),
            account("ccc", "2026-11-28 09:00:00Z", true, Some(0)),
            account("bb\u{1b}", "2026-11-28 08:00:00Z", false, None),
        ];
        let wanted = "\
RUN  WHEN                  WHO          CLUSTER           RUNBOOK    ENDED            TOOK  NODES
ccc  2026-11-28 09:00:00Z  anna@admin1  pcs1 (simulated)  (session)  done            2m05s      0
bb␛  2026-11-28 08:00:00Z  anna@admin1  pcs1 (simulated)  drill      broken off  over 0.0s      0
a    2026-11-28 07:31:05Z  anna@admin1  pcs1 (simulated)  drill      done            2m05s      0
";
        assert_eq!(describe_history(&accounts, false), wanted);
        let written = write_history(&accounts);
        assert_eq!(written[0]["is_session"], true);
        assert_eq!(written[1]["exit_code"], serde_json::Value::Null);
        assert_eq!(written[2]["took_ms"], 125_000);
    }
}
