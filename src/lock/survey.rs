use super::holder::Holder;
use super::seat::{Age, Reply};

/// A holder as its seats show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Who.
    pub holder: Holder,
    /// What is written on the seats, to the letter.
    pub text: String,
    /// When it was renewed last, on the seat where that was latest.
    pub age: Age,
    /// On how many seats.
    pub seat_count: usize,
}

impl Sighting {
    /// Whether neither the holder nor one from whom it took the lock can be at work because of it any more.
    pub fn is_past(&self) -> bool {
        match self.age {
            Age::Ago(_) => self.age.is_over(self.holder.good_for()),
            // The seat knows of the lease of the holder alone.
            Age::OverLease => self.holder.good_for() == self.holder.lease,
        }
    }

    /// The holder in a part of a sentence: `root@a has it for replace-disk (run X) since then, because: why`.
    pub fn describe(&self) -> String {
        let holder = &self.holder;
        let why = match &holder.reason {
            Some(reason) => format!(", because: {reason}"),
            None => String::new(),
        };
        format!(
            "{} has it for {} (run {}) since {}{why}",
            holder.owner, holder.runbook, holder.run, holder.since
        )
    }
}

/// What all seats have said.
#[derive(Debug, Clone, Default)]
pub(super) struct Survey {
    pub names: Vec<String>,
    pub replies: Vec<Reply>,
}

impl Survey {
    /// How many seats say one thing.
    pub fn count(&self, is_it: impl Fn(&Reply) -> bool) -> usize {
        self.replies.iter().filter(|reply| is_it(reply)).count()
    }

    /// How many seats there are.
    pub fn size(&self) -> usize {
        self.names.len()
    }

    /// How many seats are a majority.
    pub fn majority(&self) -> usize {
        self.size() / 2 + 1
    }

    /// How many seats have answered.
    pub fn answered(&self) -> usize {
        self.count(|reply| !matches!(reply, Reply::Silent(_) | Reply::Unsure(_)))
    }

    /// How many seats are ours.
    pub fn held(&self) -> usize {
        self.count(|reply| matches!(reply, Reply::Ours | Reply::Made))
    }

    /// The seats that did not answer, each with why.
    pub fn silent(&self) -> Vec<(String, String)> {
        let seats = self.names.iter().zip(&self.replies);
        let silent = seats.filter_map(|(name, reply)| match reply {
            Reply::Silent(why) | Reply::Unsure(why) => Some((name.clone(), why.clone())),
            _ => None,
        });
        silent.collect()
    }

    /// Everybody else who holds a seat, whoever holds most of them first.
    pub fn sightings(&self) -> Vec<Sighting> {
        let mut found: Vec<Sighting> = Vec::new();
        for reply in &self.replies {
            let Reply::Theirs(text, age) = reply else {
                continue;
            };
            match found.iter_mut().find(|sighting| sighting.text == *text) {
                Some(sighting) => {
                    sighting.seat_count += 1;
                    sighting.age = younger(sighting.age, *age);
                }
                None => found.push(Sighting {
                    holder: Holder::read(text),
                    text: text.clone(),
                    age: *age,
                    seat_count: 1,
                }),
            }
        }
        found.sort_by_key(|sighting| std::cmp::Reverse(sighting.seat_count));
        found
    }
}

fn younger(a: Age, b: Age) -> Age {
    match (a, b) {
        (Age::Ago(a), Age::Ago(b)) => Age::Ago(a.min(b)),
        (Age::OverLease, known) | (known, Age::OverLease) => known,
    }
}
