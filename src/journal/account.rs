use super::{Entry, OpenAct, Opening, Past, RecordKind};

/// The exit code of a run that a person will go on with later.
const PARKED: u8 = 9;
/// The exit codes of a run that a guard, a node or the lock turned away.
const TURNED_AWAY: [u8; 3] = [4, 5, 7];

/// A run as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What it was to do, and for whom.
    pub opening: Opening,
    /// What was kept of it, with the numbers of the entries, in their order.
    pub entries: Vec<(u64, Entry)>,
    /// What became of it.
    pub state: RunState,
}

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
    /// Somebody is carrying it out.
    Alive,
    /// It ended.
    Ended {
        /// The exit code.
        exit_code: u8,
        /// How, in a word: `done`, `refused`, `parked`, …
        words: String,
    },
    /// It stopped without an end.
    BrokenOff,
}

impl RunState {
    /// What became of a run with these entries; the caller knows whether somebody carries it out.
    pub fn of(entries: &[(u64, Entry)], is_alive: bool) -> RunState {
        if is_alive {
            return RunState::Alive;
        }
        // What was taken up again has no end before it has one of its own; only a parked run that
        // was turned away before it did anything is parked still.
        let mut last = None;
        let mut is_parked_still = false;
        for (_, entry) in entries {
            match entry {
                Entry::Resumed(_) => is_parked_still = last.take() == Some(PARKED),
                Entry::Sent(_) | Entry::Answered(_) => is_parked_still = false,
                Entry::Happened(record) => {
                    if let RecordKind::RunEnded { exit_code, .. } = record.what {
                        let is_turned_away = is_parked_still && TURNED_AWAY.contains(&exit_code);
                        last = Some(if is_turned_away { PARKED } else { exit_code });
                    }
                }
                _ => {}
            }
        }
        match last {
            Some(exit_code) => RunState::Ended {
                exit_code,
                words: describe_exit(exit_code).to_owned(),
            },
            None => RunState::BrokenOff,
        }
    }

    /// The state in a word or two.
    pub fn words(&self) -> &str {
        match self {
            RunState::Alive => "alive",
            RunState::Ended { words, .. } => words,
            RunState::BrokenOff => "broken off",
        }
    }
}

/// # Source
///
/// The language reference, "Exit codes".
fn describe_exit(code: u8) -> &'static str {
    match code {
        0 => "done",
        4 => "refused",
        5 => "unreachable",
        6 => "unknown",
        7 => "locked",
        8 => "declined",
        9 => "parked",
        130 => "interrupted",
        _ => "failed",
    }
}

impl Account {
    /// A run with what was kept of it; the caller knows whether somebody carries it out.
    pub fn of(opening: Opening, entries: Vec<(u64, Entry)>, is_alive: bool) -> Account {
        let state = RunState::of(&entries, is_alive);
        Account {
            opening,
            entries,
            state,
        }
    }

    /// Whether `quorate resume` can go on with it.
    pub fn is_resumable(&self) -> bool {
        let is_open = match self.state {
            RunState::Alive => false,
            RunState::BrokenOff => true,
            RunState::Ended { exit_code: 0, .. } => false,
            // What found the cluster locked never began.
            RunState::Ended { exit_code: 7, .. } => {
                let mut entries = self.entries.iter();
                entries.any(|(_, entry)| matches!(entry, Entry::Sent(_) | Entry::Answered(_)))
            }
            RunState::Ended { .. } => true,
        };
        is_open && !self.opening.is_session
    }

    /// The acts of which nobody knows whether they were done.
    pub fn open_acts(&self) -> Vec<OpenAct> {
        Past::read(self.entries.iter().map(|(_, entry)| entry)).open_acts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Record, Replied, Reply, Resumption, Sent, Settled};

    fn happened(what: RecordKind) -> Entry {
        Entry::Happened(Record { at_ms: 0, what })
    }

    fn numbered(entries: Vec<Entry>) -> Vec<(u64, Entry)> {
        (1..).zip(entries).collect()
    }

    #[test]
    fn the_last_end_counts_unless_the_run_went_on() {
        let ended = |exit_code| {
            happened(RecordKind::RunEnded {
                trouble: None,
                exit_code,
            })
        };
        let resumed = || Entry::Resumed(Resumption::default());
        let sent = || {
            Entry::Sent(Sent {
                at_ms: 0,
                path: "stop".to_owned(),
                node: None,
                command: "stop".to_owned(),
                is_kept: false,
                left_at: 0,
                limit_ms: 0,
            })
        };
        let cases = [
            // what was kept, whether it is carried out, the words
            (vec![], false, "broken off"),
            (vec![], true, "alive"),
            (vec![ended(0)], false, "done"),
            (vec![ended(9)], false, "parked"),
            (vec![ended(9), resumed()], false, "broken off"),
            (vec![ended(9), resumed(), ended(0)], false, "done"),
            (vec![ended(9), resumed(), ended(7)], false, "parked"),
            (
                vec![ended(9), resumed(), ended(4), resumed(), ended(5)],
                false,
                "parked",
            ),
            (vec![ended(9), resumed(), sent(), ended(4)], false, "refused"),
            (vec![ended(9), resumed(), ended(6)], false, "unknown"),
            (vec![ended(130), resumed(), ended(4)], false, "refused"),
            (vec![resumed(), ended(130)], false, "interrupted"),
        ];
        for (entries, is_alive, words) in cases {
            let state = RunState::of(&numbered(entries.clone()), is_alive);
            assert_eq!(state.words(), words, "{entries:?}");
        }
    }

    #[test]
    fn an_act_is_open_until_it_is_answered_or_settled() {
        let sent = |path: &str| {
            Entry::Sent(Sent {
                at_ms: 0,
                path: path.to_owned(),
                node: Some("n1".to_owned()),
                command: "stop".to_owned(),
                is_kept: false,
                left_at: 0,
                limit_ms: 0,
            })
        };
        let replied = |path: &str, reply| {
            Entry::Replied(Replied {
                at_ms: 0,
                path: path.to_owned(),
                node: Some("n1".to_owned()),
                command: "stop".to_owned(),
                acts: true,
                is_kept: false,
                reply,
            })
        };
        let ran = || Reply::Ran {
            status: 0,
            output: String::new(),
            errors: String::new(),
        };
        let unknown = || Reply::Unknown {
            why: "late".to_owned(),
            is_late: true,
        };
        let settled = |path: &str| {
            Entry::Settled(Settled {
                at_ms: 0,
                path: path.to_owned(),
                node: Some("n1".to_owned()),
                command: "stop".to_owned(),
                is_done: true,
                by: "anna".to_owned(),
            })
        };
        let cases = [
            // what was kept, how many acts are open
            (vec![sent("1")], 1),
            (vec![sent("1"), replied("1", ran())], 0),
            (vec![sent("1"), replied("1", unknown())], 1),
            (vec![sent("1"), replied("1", unknown()), settled("1")], 0),
            (vec![sent("1\n2"), settled("1")], 1),
            (vec![sent("12"), settled("1")], 1),
            (vec![sent("1"), replied("1", ran()), sent("1")], 1),
        ];
        for (entries, open) in cases {
            let account = Account::of(Opening::default(), numbered(entries), false);
            assert_eq!(account.open_acts().len(), open, "{:?}", account.entries);
        }
    }
}
