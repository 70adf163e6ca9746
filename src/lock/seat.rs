use std::time::Duration;

use async_trait::async_trait;

/// What is wanted of a seat. Each is done there as one thing, between which nothing else comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Only say who is there.
    Look,
    /// Be ours, if it is nobody's.
    Take,
    /// Be ours for another lease, if it is ours or nobody's.
    Renew,
    /// Be ours instead of the holder with this text, if it is still that one's.
    Replace(String),
    /// Be again what it was before it became ours, of the holder with this text, if it is still ours.
    Restore(String),
    /// Be nobody's, if it is ours.
    Free,
}

impl Action {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Action::Look => "look",
            Action::Take => "take",
            Action::Renew => "renew",
            Action::Replace(_) => "replace",
            Action::Restore(_) => "restore",
            Action::Free => "free",
        }
    }
}

/// How long ago a lock was renewed last, by the clock of its seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// So long.
    Ago(Duration),
    /// Longer than its lease; the seat knows no more.
    OverLease,
}

impl Age {
    /// Whether the lease is surely over. Seats count in whole seconds, so one is added.
    pub fn is_over(self, lease: Duration) -> bool {
        match self {
            Age::Ago(length) => length > lease,
            Age::OverLease => true,
        }
    }
}

/// What a seat says is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It was ours before, and is.
    Ours,
    /// It has become ours.
    Made,
    /// It is nobody's, or what it was before it became ours.
    Free,
    /// It is somebody else's: what is written there, and when it was renewed.
    Theirs(String, Age),
    /// It was not reached, or cannot hold a lock, and why.
    Silent(String),
    /// It did not answer, so it may have done what was wanted, and why.
    Unsure(String),
}

/// The seats of a lock.
#[async_trait(?Send)]
pub trait Seats {
    /// What they are called.
    fn names(&self) -> Vec<String>;

    /// What they are, in words: `nodes of its set`, or `etcd`.
    fn kind(&self) -> &'static str;

    /// Has a seat do something for the holder whose text is `ours`.
    async fn ask(&self, seat: usize, ours: &str, action: &Action) -> Reply;
}
