use serde::{Deserialize, Serialize};

use super::Record;

/// One entry of the journal of a run, in its frozen, written form.
///
/// Fields are only ever added, each with a default; journals of old runs must load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// The run is opened: what it will do, and for whom.
    Opened(Box<Opening>),
    /// The run is taken up again.
    Resumed(Resumption),
    /// Something happened.
    Happened(Record),
    /// An act is about to leave: it is on disk before that.
    Sent(Sent),
    /// What came of a command.
    Replied(Replied),
    /// What a person said.
    Answered(Answered),
    /// An act of which nobody knew whether it was done, settled.
    Settled(Settled),
    /// What a person says of a step that was finished by hand.
    Marked(Marked),
    /// What a block has done was taken back, and it is begun anew.
    BegunAnew(BegunAnew),
    /// The run was written into a file, for somebody else to go on with.
    HandedOver(HandedOver),
}

impl Entry {
    /// Time since the run began at which it was written; none: it was written while the run stood still.
    pub fn at_ms(&self) -> Option<u64> {
        match self {
            Entry::Resumed(resumption) => Some(resumption.at_ms),
            Entry::Happened(record) => Some(record.at_ms),
            Entry::Sent(sent) => Some(sent.at_ms),
            Entry::Replied(replied) => Some(replied.at_ms),
            Entry::Answered(answered) => Some(answered.at_ms),
            Entry::Settled(settled) => Some(settled.at_ms),
            Entry::Opened(_) | Entry::Marked(_) | Entry::BegunAnew(_) | Entry::HandedOver(_) => None,
        }
    }
}

/// What a run will do, for whom, and with what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Opening {
    /// The run's name: when it began, what it runs, and a few letters that tell it from others.
    pub run: String,
    /// When, in UTC: `2026-11-28 07:31:05Z`.
    pub when: String,
    /// The user's name.
    pub who: String,
    /// The machine that it runs on.
    pub host: String,
    /// The version of quorate.
    pub version: String,
    /// Whether it is a session at the prompt, which is never resumed.
    pub is_session: bool,
    /// The cluster's name.
    pub cluster: String,
    /// The runbook's name.
    pub title: String,
    /// The runbook's file, as an absolute path; `-` is standard input.
    pub script: String,
    /// All texts that it was read from, by their names: the runbook first, then its modules.
    pub texts: Vec<(String, String)>,
    /// Where the inventory comes from, as an absolute path.
    pub inventory_file: String,
    /// The inventory as it was read, as JSON.
    pub inventory: String,
    /// The parameters and their values as they were given; secrets are left out.
    pub given: Vec<(String, String)>,
    /// Which of the parameters were secrets.
    pub secrets: Vec<String>,
    /// `--limit`.
    pub limit: Option<String>,
    /// `--override`, each as it was given.
    pub overrides: Vec<String>,
    /// `--fanout`; 0: as usual.
    pub fan_out: usize,
    /// `--timeout`.
    pub timeout_ms: Option<u64>,
    /// `--step`.
    pub step: bool,
    /// `--ssh-config`, as an absolute path or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_config: Option<String>,
    /// `--ssh openssh`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_openssh_forced: bool,
    /// The hash of the opening of the run before it in this journal, so that none can be taken out.
    pub after: Option<String>,
}

/// A run was taken up again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Resumption {
    /// When, in UTC.
    pub when: String,
    /// The user's name.
    pub who: String,
    /// The machine.
    pub host: String,
    /// The version of quorate.
    pub version: String,
    /// Time since the run began at which it goes on: the interruption takes none.
    pub at_ms: u64,
    /// What had changed and was accepted, as a difference.
    pub accepted: Option<String>,
    /// The texts, where they had changed.
    pub texts: Option<Vec<(String, String)>>,
    /// The inventory, where it had changed.
    pub inventory: Option<String>,
}

/// An act is about to leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Time since the run began.
    pub at_ms: u64,
    /// Which statement it belongs to: its path.
    pub path: String,
    /// Where; none: the machine that runs the script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What.
    pub command: String,
    /// Whether what it prints is given a name: then it is not enough to know that it was done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_kept: bool,
    /// When it left, in seconds since 1970.
    #[serde(default)]
    pub left_at: u64,
    /// How long it may take.
    #[serde(default)]
    pub limit_ms: u64,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replied {
    /// Time since the run began.
    pub at_ms: u64,
    /// Which statement it belongs to: its path.
    pub path: String,
    /// Where; none: the machine that runs the script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What.
    pub command: String,
    /// Whether it was to change something.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acts: bool,
    /// Whether its reply is a value that the script has named, a list that it goes through or an
    /// order of nodes: these are never measured again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_kept: bool,
    /// What came.
    pub reply: Reply,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It ran.
    Ran {
        /// Its exit status.
        status: i32,
        /// What it printed.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        output: String,
        /// What it wrote to standard error.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        errors: String,
    },
    /// It surely did not run, and why.
    Unreachable(String),
    /// It may have run, and why nobody knows.
    Unknown {
        /// Why.
        why: String,
        /// Whether it took longer than it may.
        is_late: bool,
    },
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Time since the run began.
    pub at_ms: u64,
    /// Which statement asked: its path.
    pub path: String,
    /// The question's name.
    pub name: String,
    /// The question.
    pub text: String,
    /// The node it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Whether it was about something that the person has done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_deed: bool,
    /// `yes`, `no`, `later`, `nobody` or `could_not`.
    pub answer: String,
    /// Why it could not be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// An act of which nobody knew whether it was done, settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Time since the run began.
    pub at_ms: u64,
    /// The path of its statement.
    pub path: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The command.
    pub command: String,
    /// Whether it was done.
    pub is_done: bool,
    /// How that is known: what was measured, or who said so.
    pub by: String,
}

/// What a person says of a step that was finished by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// When, in UTC.
    pub when: String,
    /// Who.
    pub who: String,
    /// Whether it counts as done; otherwise it is skipped.
    pub is_done: bool,
    /// The step, as it was given: its line in the runbook, its words, or its path.
    pub step: String,
    /// Its path.
    pub path: String,
    /// The node; none: it belongs to no node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Why.
    pub why: String,
}

/// The run was written into a file, for somebody else to go on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOver {
    /// When, in UTC.
    pub when: String,
    /// Who wrote it.
    pub who: String,
    /// On which machine.
    pub host: String,
}

/// What a block has done was taken back, and it is begun anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BegunAnew {
    /// When, in UTC.
    pub when: String,
    /// Who said so.
    pub who: String,
    /// The path of the block.
    pub path: String,
}
