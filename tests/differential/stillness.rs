//! Whether all processes of a script wait: told from `/proc`, without any timing.

use std::cmp::Ordering;
use std::fs;
use std::process::Command;

/// The processes of one session.
#[derive(Debug, Clone, Copy)]
pub struct Session {
    /// Its number, which is the number of its first process.
    pub id: u32,
}

/// A process at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Its number.
    pub pid: u32,
    /// The process that began it.
    pub parent: u32,
    /// Its state, as `/proc` tells it.
    state: char,
    /// How often it was taken off its processor: unchanged, it has not run meanwhile.
    switches: u64,
}

impl Moment {
    /// Whether it sleeps or has ended.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, 'S' | 'Z')
    }
}

impl Session {
    /// Looks at each process of the session.
    pub fn look(self) -> Vec<Moment> {
        let Ok(entries) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        let names = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok());
        let mut moments: Vec<Moment> = names
            .filter_map(|name| name.parse().ok())
            .filter_map(|pid| self.look_at(pid))
            .collect();
        moments.sort_by_key(|moment| moment.pid);
        moments
    }

    /// A process, unless it has gone or is of another session.
    fn look_at(self, pid: u32) -> Option<Moment> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let session: u32 = fields.nth(1)?.parse().ok()?;
        if session != self.id {
            return None;
        }
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let switches = status
            .lines()
            .filter_map(|line| line.split_once("_ctxt_switches:"))
            .filter_map(|(_, count)| count.trim().parse::<u64>().ok())
            .sum();
        Some(Moment {
            pid,
            parent,
            state,
            switches,
        })
    }

    /// What its processes are, for a person.
    pub fn describe(self) -> String {
        let lines = self.look().into_iter().map(|moment| {
            let words = fs::read(format!("/proc/{}/cmdline", moment.pid)).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).replace('\0', " ");
            format!("  {} {} {words}\n", moment.pid, moment.state)
        });
        lines.collect()
    }

    /// Ends those of its processes that have not ended; how many there were.
    pub fn end(self) -> usize {
        let living = self.look().into_iter().filter(|moment| moment.state != 'Z');
        let living: Vec<String> = living.map(|moment| moment.pid.to_string()).collect();
        if !living.is_empty() {
            // One that has gone meanwhile needs no end.
            let _ = Command::new("kill").arg("-KILL").args(&living).output();
        }
        living.len()
    }
}

/// When a process began, among those of the same parent: in the order in which they were begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Birth {
    /// In the ticks of the kernel, many of which see more than one process.
    tick: u64,
    pid: u32,
}

impl Birth {
    /// How far a number may be from another one that was given in the same tick. Numbers are given
    /// in turn and begin anew after the last, which is no smaller than twice this.
    const NEAR: u32 = 1 << 14;
}

impl Ord for Birth {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_number = self.pid.cmp(&other.pid);
        let has_begun_anew = self.pid.abs_diff(other.pid) > Self::NEAR;
        let in_turn = if has_begun_anew {
            by_number.reverse()
        } else {
            by_number
        };
        self.tick.cmp(&other.tick).then(in_turn)
    }
}

impl PartialOrd for Birth {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The place of a process in the tree of processes, from the first one down.
///
/// Branches are begun by one process in turn, whereas of what they themselves begin either may be
/// the faster: so two processes stand in the order of the branches that they are of.
pub fn lineage(pid: u32) -> Vec<Birth> {
    let mut line: Vec<Birth> = std::iter::successors(birth(pid), |(_, parent)| birth(*parent))
        .map(|(birth, _)| birth)
        .collect();
    line.reverse();
    line
}

/// When a process began, and its parent; none for one that has gone.
fn birth(pid: u32) -> Option<(Birth, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    let tick = fields.nth(17)?.parse().ok()?;
    Some((Birth { tick, pid }, parent))
}
