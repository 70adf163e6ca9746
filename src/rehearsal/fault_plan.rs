//! What can go wrong, where, and how that is written down.

use super::elsewhere::Foreseen;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::inventory::NodeName;
use crate::transport::StepPath;
use crate::transport::simulated::CommandFault;

/// Something that goes wrong at one point of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mishap {
    /// The command fails and does nothing.
    Fails,
    /// The command does what it does, and fails all the same.
    HalfDone,
    /// It is done, and the connection is lost before that is known.
    Lost,
    /// It is not done, and nobody can tell.
    LostUndone,
    /// It does nothing until its limit.
    Hangs,
    /// Its node loses power before it begins.
    PowerBefore,
    /// Its node loses power before it begins, and is back after some minutes.
    PowerBeforeBack,
    /// Its node loses power while it is under way.
    PowerDuring,
    /// Its node loses power while it is under way, and is back after some minutes.
    PowerDuringBack,
    /// Its node loses power once it has ended.
    PowerAfter,
    /// Its node loses power once it has ended, and is back after some minutes.
    PowerAfterBack,
    /// The service that it starts crashes a minute later.
    Blinks,
    /// Another metadata server becomes master just before.
    MasterMoves,
    /// A disk of another node fails just before.
    DiskFails,
    /// Another node loses its power just before.
    HostFails,
    /// The network of another rack is cut just before, and heals after two minutes.
    RackCut,
    /// The person says no.
    Declines,
    /// The person says that the work is done, and it is not.
    NotDone,
    /// The process of the run is killed just before.
    KilledBefore,
    /// The process of the run is killed just after, before it knows what came of it.
    KilledAfter,
}

/// What a point of a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Crossing {
    /// A command that may change something.
    Act,
    /// A command that only looks.
    Probe,
    /// A question that a person answers.
    Question,
    /// Work that a person does, which the simulated cluster knows.
    Work,
}

/// A point of a run: a command, a probe or a question.
#[derive(Debug, Clone)]
pub struct Point {
    /// Its number, from 1.
    pub number: usize,
    /// How many events were told before it.
    pub(super) told: usize,
    /// Time since the run began.
    pub at: Duration,
    /// What it is.
    pub crossing: Crossing,
    /// The statement that it belongs to.
    pub path: StepPath,
    /// On which node.
    pub node: Option<NodeName>,
    /// The command, or the question.
    pub words: String,
    /// The state of the cluster before it, roughly.
    pub coarse: u64,
    /// The state of the cluster and of the run before it.
    pub exact: u64,
    /// What a resume would find after a kill right before it.
    pub killed: u64,
    /// What would strike nobody here.
    pub(super) idle: Vec<Mishap>,
    /// What can go wrong elsewhere without the probe here telling of it.
    pub(super) foreseen: Vec<Foreseen>,
}

impl Mishap {
    /// All of them.
    pub const ALL: [Mishap; 20] = [
        Mishap::Fails,
        Mishap::HalfDone,
        Mishap::Lost,
        Mishap::LostUndone,
        Mishap::Hangs,
        Mishap::PowerBefore,
        Mishap::PowerBeforeBack,
        Mishap::PowerDuring,
        Mishap::PowerDuringBack,
        Mishap::PowerAfter,
        Mishap::PowerAfterBack,
        Mishap::Blinks,
        Mishap::MasterMoves,
        Mishap::DiskFails,
        Mishap::HostFails,
        Mishap::RackCut,
        Mishap::Declines,
        Mishap::NotDone,
        Mishap::KilledBefore,
        Mishap::KilledAfter,
    ];

    /// The word for it in a schedule.
    pub fn word(self) -> &'static str {
        match self {
            Mishap::Fails => "fails",
            Mishap::HalfDone => "half-done",
            Mishap::Lost => "lost",
            Mishap::LostUndone => "lost-undone",
            Mishap::Hangs => "hangs",
            Mishap::PowerBefore => "power-before",
            Mishap::PowerBeforeBack => "power-before-back",
            Mishap::PowerDuring => "power-during",
            Mishap::PowerDuringBack => "power-during-back",
            Mishap::PowerAfter => "power-after",
            Mishap::PowerAfterBack => "power-after-back",
            Mishap::Blinks => "blinks",
            Mishap::MasterMoves => "master-moves",
            Mishap::DiskFails => "disk-fails",
            Mishap::HostFails => "host-fails",
            Mishap::RackCut => "rack-cut",
            Mishap::Declines => "declines",
            Mishap::NotDone => "not-done",
            Mishap::KilledBefore => "killed-before",
            Mishap::KilledAfter => "killed-after",
        }
    }

    /// What happens, as a clause.
    pub fn clause(self) -> &'static str {
        match self {
            Mishap::Fails => "it fails and does nothing",
            Mishap::HalfDone => "it does its work, and fails all the same",
            Mishap::Lost => "it is done, and the connection is lost",
            Mishap::LostUndone => "the connection is lost, and it is not done",
            Mishap::Hangs => "it hangs until its limit",
            Mishap::PowerBefore => "its node loses power before it begins",
            Mishap::PowerBeforeBack => {
                "its node loses power before it begins, and is back after five minutes"
            }
            Mishap::PowerDuring => "its node loses power in the middle of it",
            Mishap::PowerDuringBack => {
                "its node loses power in the middle of it, and is back after five minutes"
            }
            Mishap::PowerAfter => "its node loses power right after it",
            Mishap::PowerAfterBack => "its node loses power right after it, and is back after five minutes",
            Mishap::Blinks => "the service starts, and crashes a minute later",
            Mishap::MasterMoves => "just before, another metadata server becomes master",
            Mishap::DiskFails => "just before, a disk of another node fails",
            Mishap::HostFails => "just before, another node loses its power",
            Mishap::RackCut => "just before, the network of another rack is cut, for two minutes",
            Mishap::Declines => "the person says no",
            Mishap::NotDone => "the person says that it is done, and it is not",
            Mishap::KilledBefore => "quorate is killed before it, and the run is resumed",
            Mishap::KilledAfter => "quorate is killed after it, and the run is resumed",
        }
    }

    /// Whether it can happen at a point.
    pub fn fits(self, point: &Point) -> bool {
        if point.idle.contains(&self) {
            return false;
        }
        let is_start = started_service(&point.words).is_some();
        match point.crossing {
            Crossing::Act => match self {
                Mishap::Blinks => is_start,
                Mishap::Declines | Mishap::NotDone => false,
                // What belongs to no node cannot lose the power of one.
                _ => point.node.is_some() || !self.is_of_power(),
            },
            Crossing::Probe => matches!(
                self,
                Mishap::LostUndone
                    | Mishap::Hangs
                    | Mishap::MasterMoves
                    | Mishap::DiskFails
                    | Mishap::HostFails
                    | Mishap::RackCut
                    | Mishap::KilledBefore
            ),
            Crossing::Work if self == Mishap::NotDone => true,
            Crossing::Question | Crossing::Work => matches!(
                self,
                Mishap::Declines
                    | Mishap::MasterMoves
                    | Mishap::DiskFails
                    | Mishap::HostFails
                    | Mishap::RackCut
                    | Mishap::KilledBefore
                    | Mishap::KilledAfter
            ),
        }
    }

    /// Whether it is no matter of the command and its node.
    pub(super) fn is_elsewhere(self) -> bool {
        matches!(
            self,
            Mishap::MasterMoves | Mishap::DiskFails | Mishap::HostFails | Mishap::RackCut
        )
    }

    /// Whether a node loses its power, that of the command.
    pub(super) fn is_of_power(self) -> bool {
        matches!(
            self,
            Mishap::PowerBefore
                | Mishap::PowerBeforeBack
                | Mishap::PowerDuring
                | Mishap::PowerDuringBack
                | Mishap::PowerAfter
                | Mishap::PowerAfterBack
        )
    }

    /// Whether the node is back later.
    pub(super) fn comes_back(self) -> bool {
        matches!(
            self,
            Mishap::PowerBeforeBack | Mishap::PowerDuringBack | Mishap::PowerAfterBack
        )
    }

    /// Whether the process of the run is killed.
    pub(super) fn is_kill(self) -> bool {
        matches!(self, Mishap::KilledBefore | Mishap::KilledAfter)
    }

    /// What it is to the command itself.
    pub(super) fn command_fault(self) -> Option<CommandFault> {
        Some(match self {
            Mishap::Fails => CommandFault::Fails,
            Mishap::HalfDone => CommandFault::FailsAfter,
            Mishap::Lost => CommandFault::ConnectionLostAfter,
            Mishap::LostUndone => CommandFault::ConnectionLostBefore,
            Mishap::Hangs => CommandFault::Hangs,
            Mishap::PowerBefore | Mishap::PowerBeforeBack => CommandFault::NodeDiesBefore,
            Mishap::PowerDuring | Mishap::PowerDuringBack => CommandFault::NodeDiesDuring,
            Mishap::PowerAfter | Mishap::PowerAfterBack => CommandFault::NodeDiesAfter,
            _ => return None,
        })
    }
}

/// The service that a command starts.
pub(super) fn started_service(command: &str) -> Option<&str> {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words[..] {
        ["service", name, "start" | "restart", ..] | ["systemctl", "start" | "restart", name] => Some(name),
        _ => None,
    }
}

/// One thing that goes wrong, and at which point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Planned {
    /// The number of the point, from 1.
    pub point: usize,
    /// What goes wrong there.
    pub mishap: Mishap,
}

/// All that goes wrong in a run, in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Schedule(pub Vec<Planned>);

impl Point {
    /// What can go wrong at it.
    pub fn mishaps(&self) -> impl Iterator<Item = Mishap> {
        Mishap::ALL.into_iter().filter(|mishap| mishap.fits(self))
    }
}

impl Schedule {
    /// The same with one thing more.
    pub fn with(&self, planned: Planned) -> Schedule {
        let mut all = self.0.clone();
        all.push(planned);
        Schedule(all)
    }

    /// What goes wrong at a point.
    pub fn at(&self, point: usize) -> impl Iterator<Item = Mishap> {
        let here = self.0.iter().filter(move |planned| planned.point == point);
        here.map(|planned| planned.mishap)
    }

    /// Without what could not go wrong at its point, or whose point never came.
    pub(super) fn as_it_came(&self, points: &[Point]) -> Schedule {
        let mut all = self.0.clone();
        all.retain(|planned| {
            let point = planned.point.checked_sub(1).and_then(|index| points.get(index));
            point.is_some_and(|point| planned.mishap.fits(point))
        });
        Schedule(all)
    }

    /// What cannot go wrong at the point where it is to, and what is done there.
    pub(super) fn find_misfit(&self, points: &[Point]) -> Option<(Planned, String)> {
        let at = |planned: &Planned| points.get(planned.point.checked_sub(1)?);
        self.0.iter().find_map(|planned| {
            let point = at(planned).filter(|point| !planned.mishap.fits(point))?;
            let kind = match point.crossing {
                Crossing::Act => "the command",
                Crossing::Probe => "the probe",
                Crossing::Question => "the question",
                Crossing::Work => "the work",
            };
            Some((*planned, format!("{kind} `{}`", point.words)))
        })
    }

    /// The first point at which something goes wrong; 0 when nothing does.
    pub fn first(&self) -> usize {
        self.0.iter().map(|planned| planned.point).min().unwrap_or(0)
    }

    /// The last point at which something goes wrong; 0 when nothing does.
    pub fn last(&self) -> usize {
        self.0.iter().map(|planned| planned.point).max().unwrap_or(0)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, planned) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(formatter, "{comma}{}:{}", planned.point, planned.mishap.word())?;
        }
        Ok(())
    }
}

/// A text that is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is no fault of a schedule: write POINT:FAULT, such as 17:lost; the faults are {known}")]
pub struct ScheduleError {
    text: String,
    known: String,
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Schedule, ScheduleError> {
        let read = |part: &str| -> Option<Planned> {
            let (point, word) = part.trim().split_once(':')?;
            let mishap = Mishap::ALL.into_iter().find(|mishap| mishap.word() == word)?;
            let point = point.parse().ok().filter(|point| *point > 0)?;
            Some(Planned { point, mishap })
        };
        let all: Result<Vec<Planned>, ScheduleError> = text
            .split(',')
            .map(|part| {
                read(part).ok_or_else(|| ScheduleError {
                    text: part.to_owned(),
                    known: Mishap::ALL.map(Mishap::word).join(", "),
                })
            })
            .collect();
        let mut all = all?;
        all.sort();
        Ok(Schedule(all))
    }
}
