use std::time::Duration;

use async_trait::async_trait;

use super::seat::{Action, Age, Reply, Seats};
use crate::inventory::NodeName;
use crate::library::{LOCK_MARK, LOCK_PROGRAM, lock_file};
use crate::transport::{Purpose, Request, Transport, TransportError};
use crate::value::{CommandLine, quote};

/// The nodes that hold a lock, each in a file.
pub struct NodeSeats<'a> {
    transport: &'a dyn Transport,
    nodes: Vec<NodeName>,
    file: String,
    limit: Duration,
}

impl<'a> NodeSeats<'a> {
    /// The nodes of a cluster's lock; each may take `limit` to answer.
    pub fn new(
        transport: &'a dyn Transport,
        nodes: Vec<NodeName>,
        cluster: &str,
        limit: Duration,
    ) -> NodeSeats<'a> {
        NodeSeats {
            transport,
            nodes,
            file: lock_file(cluster),
            limit,
        }
    }
}

/// The whole command for a node.
fn write_command(file: &str, ours: &str, action: &Action) -> String {
    let (text, former) = match action {
        Action::Replace(theirs) => (ours, theirs.as_str()),
        Action::Restore(theirs) => (theirs.as_str(), ours),
        _ => (ours, ""),
    };
    let words = [LOCK_PROGRAM, "quorate", action.word(), file, text, former];
    let words: Vec<_> = words.iter().map(|word| quote(word)).collect();
    format!("sh -c {}", words.join(" "))
}

#[async_trait(?Send)]
impl Seats for NodeSeats<'_> {
    fn names(&self) -> Vec<String> {
        self.nodes.iter().map(ToString::to_string).collect()
    }

    fn kind(&self) -> &'static str {
        "nodes of its set"
    }

    async fn ask(&self, seat: usize, ours: &str, action: &Action) -> Reply {
        let node = Some(self.nodes[seat].clone());
        let command = CommandLine::from_quoted(write_command(&self.file, ours, action));
        // No act of the runbook: neither a dry run nor the lock itself may stand in its way.
        let request = Request::plain(node, command, self.limit, Purpose::Probe);
        match self.transport.carry_out(&request).await {
            Ok(outcome) => read_reply(&outcome.output, action).unwrap_or_else(|| {
                let said = outcome
                    .errors
                    .trim()
                    .lines()
                    .last()
                    .unwrap_or("nothing")
                    .to_owned();
                Reply::Silent(format!("it cannot keep a lock: {said}"))
            }),
            Err(TransportError::Unreachable { why, .. }) => {
                Reply::Silent(format!("could not be reached: {why}"))
            }
            Err(TransportError::Unknown { why, .. }) => Reply::Unsure(format!("did not answer: {why}")),
            Err(error) => Reply::Silent(error.to_string()),
        }
    }
}

/// What a node says; nothing when it does not speak of the lock.
fn read_reply(output: &str, action: &Action) -> Option<Reply> {
    let mut lines = output.split('\n').filter_map(|line| line.strip_prefix(LOCK_MARK));
    let first = lines.next()?;
    let (word, rest) = first.split_once(' ').unwrap_or((first, ""));
    Some(match word {
        "ours" => Reply::Ours,
        "made" if matches!(action, Action::Restore(_)) => Reply::Free,
        "made" => Reply::Made,
        "free" => Reply::Free,
        "theirs" => {
            // A clock that was set back says that it was renewed in time to come.
            let age = rest.parse::<i64>().ok()?.max(0).unsigned_abs();
            let text: Vec<&str> = lines.filter_map(|line| line.strip_prefix("| ")).collect();
            Reply::Theirs(text.join("\n"), Age::Ago(Duration::from_secs(age)))
        }
        "failed" => Reply::Silent(rest.to_owned()),
        _ => return None,
    })
}
