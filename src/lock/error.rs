use miette::Diagnostic;
use thiserror::Error;

use super::holder::HolderKind;
use super::seat::Age;
use super::survey::Sighting;
use crate::value::write_duration;

/// Why there is no lock, or no longer.
#[derive(Debug, Clone, Error, Diagnostic, PartialEq, Eq)]
pub enum LockError {
    /// Somebody else holds it.
    #[error("{}", describe_held(cluster, by, *seat_count, seats))]
    #[diagnostic(code(lock::held), help("{}", advise(by)))]
    Held {
        /// The cluster.
        cluster: String,
        /// Who.
        by: Box<Sighting>,
        /// How many seats the lock has.
        seat_count: usize,
        /// What they are.
        seats: &'static str,
    },

    /// Too few of its seats answer.
    #[error(
        "the maintenance lock of {cluster} cannot be taken: {}{}",
        describe_silence(*answered, *seat_count, *needed, seats),
        list_silent(silent)
    )]
    #[diagnostic(code(lock::no_majority), help("{}", advise_silence(seats)))]
    NoMajority {
        /// The cluster.
        cluster: String,
        /// How many answered.
        answered: usize,
        /// How many seats the lock has.
        seat_count: usize,
        /// How many must answer.
        needed: usize,
        /// What they are.
        seats: &'static str,
        /// Those that did not answer, and why.
        silent: Vec<(String, String)>,
    },

    /// It could not be taken over on enough of its seats.
    #[error(
        "the maintenance lock of {cluster} could not be taken over: {held} of {seat_count} {seats} are ours, and {needed} must be{}",
        list_silent(silent)
    )]
    #[diagnostic(
        code(lock::not_taken_over),
        help(
            "what was taken is given back; the file of another account can only be replaced by that account or by root"
        )
    )]
    NotTakenOver {
        /// The cluster.
        cluster: String,
        /// How many are ours.
        held: usize,
        /// How many seats the lock has.
        seat_count: usize,
        /// How many must be ours.
        needed: usize,
        /// What they are.
        seats: &'static str,
        /// Those that did not do it, and why.
        silent: Vec<(String, String)>,
    },

    /// It was held and is not any more.
    #[error("the maintenance lock of {cluster} was lost, so nothing more is begun: {why}")]
    #[diagnostic(
        code(lock::lost),
        help(
            "what was in flight was finished; find out who holds the cluster now before anything else is done"
        )
    )]
    Lost {
        /// The cluster.
        cluster: String,
        /// What became of it.
        why: String,
    },
}

impl LockError {
    /// What to do about it.
    pub fn advice(&self) -> Option<String> {
        self.help().map(|help| help.to_string())
    }
}

fn describe_held(cluster: &str, by: &Sighting, seat_count: usize, seats: &str) -> String {
    let holder = &by.holder;
    let reason = holder.reason.as_deref().unwrap_or("none given");
    let degraded = match &holder.degraded {
        Some(why) => format!("\n  degraded: {why}"),
        None => String::new(),
    };
    format!(
        "{cluster} is locked for maintenance by {}\n  runbook:  {}\n  run:      {}\n  reason:   {reason}\n  since:    {}\n  \
         lease:    {}, {}\n  held {}{degraded}",
        holder.owner,
        holder.runbook,
        holder.run,
        holder.since,
        write_duration(holder.lease),
        describe_age(by),
        describe_seats(by.seat_count, seat_count, seats),
    )
}

fn describe_seats(count: usize, seat_count: usize, seats: &str) -> String {
    match seats {
        "etcd" => "in:  etcd".to_owned(),
        _ => format!("on:  {count} of {seat_count} {seats}"),
    }
}

fn describe_silence(answered: usize, seat_count: usize, needed: usize, seats: &str) -> String {
    match seats {
        "etcd" => "etcd does not answer".to_owned(),
        _ => format!("{answered} of {seat_count} {seats} answered, and {needed} must"),
    }
}

fn advise_silence(seats: &str) -> &'static str {
    match seats {
        "etcd" => {
            "where etcd will not answer, `--degraded-lock \"why\"` goes on without any lock; whoever cannot reach it \
             either can then do the same, so find out first who else is at work"
        }
        _ => {
            "where so much is broken that no majority will answer, `--degraded-lock \"why\"` takes it on those that do; \
             whoever sees only the others can then do the same, so find out first who else is at work"
        }
    }
}

fn describe_age(by: &Sighting) -> String {
    let is_over = by.is_past();
    match by.age {
        Age::Ago(length) if is_over => format!(
            "not renewed for {}: whatever held it has probably died",
            write_duration(length)
        ),
        Age::Ago(length) => format!("renewed {} ago", write_duration(length)),
        Age::OverLease => "not renewed for longer than that: whatever held it has probably died".to_owned(),
    }
}

fn advise(by: &Sighting) -> String {
    let first = match by.is_past() {
        true => "look on the nodes what it has left behind",
        false => "wait until it has ended",
    };
    // One that was handed over says where it goes on after its name, in which there is no blank.
    let (run, place) = by.holder.run.split_once(' ').unwrap_or((&by.holder.run, ""));
    let place = if place.is_empty() {
        String::new()
    } else {
        format!(" {place}")
    };
    let resume = match by.holder.kind {
        HolderKind::Run => {
            format!("; if it is your own run, go on with it{place}:\n  quorate resume {run}\nor")
        }
        HolderKind::Prompt | HolderKind::Script => "; or".to_owned(),
    };
    format!("{first}{resume} take the lock away from it: --take-over \"why\"")
}

fn list_silent(silent: &[(String, String)]) -> String {
    silent
        .iter()
        .map(|(name, why)| format!("\n  {name}: {why}"))
        .collect()
}
