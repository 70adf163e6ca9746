use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::diagnostic::{Place, SourceMap};
use crate::inventory::NodeName;
use crate::journal::when::When;
use crate::journal::{
    Account, BegunAnew, Entry, Event, Happening, Ledger, Marked, Record, RecordKind, RecordPlace,
    RecordTrouble, Resumption, RunState, Settled, StepPlace, StepResult,
};
use crate::plan::StepId;
use crate::transport::StepPath;

/// Longest text that is made up to hold a place of which the text was not kept, in lines.
const MOST_LINES: usize = 100_000;

/// A run gone through again, from what was kept of it.
pub(super) struct Replay<'a> {
    /// The texts in which the events' places are.
    pub sources: SourceMap,
    /// What happened, in its order.
    pub moments: Vec<Moment<'a>>,
}

/// Something that happened, and when.
pub(super) struct Moment<'a> {
    /// Time since the run began; an interruption takes none.
    pub at: Duration,
    /// When, in UTC; empty where that is not known.
    pub wall: String,
    /// What.
    pub what: Told<'a>,
}

/// What is told of a run.
pub(super) enum Told<'a> {
    /// An event.
    Event(Box<Event>),
    /// The run broke off.
    BrokenOff,
    /// It was taken up again.
    Resumed(&'a Resumption),
    /// An act of which nobody knew was settled.
    Settled(&'a Settled),
    /// A person said what became of a step.
    Marked(&'a Marked),
    /// A block whose doings were taken back was begun anew.
    BegunAnew(&'a BegunAnew),
}

impl<'a> Replay<'a> {
    /// Goes through a run again.
    pub fn of(account: &'a Account) -> Replay<'a> {
        let mut sources = SourceMap::default();
        add_texts(&mut sources, &account.opening.texts);
        let mut replay = Replay {
            sources,
            moments: Vec::new(),
        };
        let mut clock = WallClock {
            when: When::read(&account.opening.when),
            at: Duration::ZERO,
        };
        let mut at = Duration::ZERO;
        let mut is_open = true;
        for (_, entry) in &account.entries {
            let told = match entry {
                Entry::Happened(record) => {
                    let Some(event) = replay.read(record) else {
                        continue;
                    };
                    at = event.at;
                    is_open = !matches!(event.what, Happening::RunEnded { .. });
                    Told::Event(Box::new(event))
                }
                Entry::Resumed(resumption) => {
                    if is_open {
                        replay.push(at, clock.write(at), Told::BrokenOff);
                    }
                    if let Some(texts) = &resumption.texts {
                        add_texts(&mut replay.sources, texts);
                    }
                    at = Duration::from_millis(resumption.at_ms);
                    clock = WallClock {
                        when: When::read(&resumption.when),
                        at,
                    };
                    is_open = true;
                    Told::Resumed(resumption)
                }
                Entry::Settled(settled) => Told::Settled(settled),
                Entry::Marked(marked) => {
                    // Of a run that goes on nobody says anything.
                    if is_open {
                        replay.push(at, clock.write(at), Told::BrokenOff);
                        is_open = false;
                    }
                    replay.push(at, marked.when.clone(), Told::Marked(marked));
                    continue;
                }
                Entry::BegunAnew(anew) => Told::BegunAnew(anew),
                Entry::HandedOver(_)
                | Entry::Opened(_)
                | Entry::Sent(_)
                | Entry::Replied(_)
                | Entry::Answered(_) => continue,
            };
            replay.push(at, clock.write(at), told);
        }
        if account.state == RunState::BrokenOff && is_open {
            replay.push(at, clock.write(at), Told::BrokenOff);
        }
        replay.end_bodies();
        replay
    }

    /// Adds the ends of bodies that came to them by a mark: when such a run is taken up, nothing is left to do on
    /// the node, and so nothing is written down. That it ended well says that all bodies did.
    fn end_bodies(&mut self) {
        let has_ended_well = self.moments.iter().rev().find_map(|moment| match &moment.what {
            Told::Event(event) => Some(matches!(event.what, Happening::RunEnded { exit_code: 0, .. })),
            _ => None,
        });
        if has_ended_well != Some(true) {
            return;
        }
        let mut open: BTreeMap<StepPath, (StepId, NodeName)> = BTreeMap::new();
        for moment in &self.moments {
            let Told::Event(event) = &moment.what else {
                continue;
            };
            match &event.what {
                Happening::NodeStarted { step, node, path } => {
                    open.insert(path.clone(), (*step, node.clone()));
                }
                Happening::NodeEnded { path, .. } => {
                    open.remove(path);
                }
                _ => {}
            }
        }
        for (path, (step, node)) in open.into_iter().rev() {
            let mark = self.moments.iter().rposition(|moment| {
                matches!(&moment.what, Told::Marked(marked)
                    if marked.node.as_deref() == Some(node.as_str()) && StepPath::read(&marked.path).is_in(&path))
            });
            let Some(mark) = mark else { continue };
            let is_resumed = |moment: &Moment| matches!(moment.what, Told::Resumed(_));
            let Some(resumed) = self.moments[mark..].iter().position(is_resumed) else {
                continue;
            };
            let (at, wall) = (
                self.moments[mark + resumed].at,
                self.moments[mark + resumed].wall.clone(),
            );
            let what = Happening::NodeEnded {
                step,
                node,
                path,
                result: StepResult::Done,
            };
            let what = Told::Event(Box::new(Event { at, what }));
            self.moments.insert(mark + resumed + 1, Moment { at, wall, what });
        }
    }

    fn push(&mut self, at: Duration, wall: String, what: Told<'a>) {
        self.moments.push(Moment { at, wall, what });
    }

    /// Reads an event; a text that was not kept is made up, so that its places can be told.
    fn read(&mut self, record: &Record) -> Option<Event> {
        for (file, line, column) in places_of(&record.what) {
            let place = Place {
                file: file.to_owned(),
                line,
                column,
            };
            let is_known = self.sources.find(&place).is_some();
            let is_place = (1..MOST_LINES).contains(&line) && (1..MOST_LINES).contains(&column);
            if !is_known && is_place {
                let text = "\n".repeat(line - 1) + &" ".repeat(column);
                self.sources.add(file, text);
            }
        }
        record.read(&self.sources)
    }

    /// The events alone.
    pub fn events(&self) -> Vec<Event> {
        let events = self.moments.iter().filter_map(|moment| match &moment.what {
            Told::Event(event) => Some(Event::clone(event)),
            _ => None,
        });
        events.collect()
    }

    /// What the run comes to, with what people have said of it since.
    pub fn ledger(&self, account: &Account) -> Ledger {
        let mut ledger = Ledger::of(&self.events());
        let open = account.open_acts();
        for moment in &self.moments {
            if let Told::Marked(Marked { node: Some(node), .. }) = &moment.what
                && !open.iter().any(|act| act.node.as_ref() == Some(node))
            {
                ledger.note_told(&NodeName::from(node.as_str()));
            }
        }
        ledger
    }

    /// How long it took, less its interruptions.
    pub fn took(&self) -> Duration {
        self.moments
            .iter()
            .map(|moment| moment.at)
            .max()
            .unwrap_or_default()
    }

    /// Whether a person has said after a moment what became of a step.
    pub fn is_marked_after(&self, index: usize, place: &StepPlace) -> bool {
        let node = place.node.as_ref().map(NodeName::as_str);
        self.moments[index..].iter().any(|moment| match &moment.what {
            Told::Marked(marked) => {
                marked.node.as_deref() == node && place.path.is_in(&StepPath::read(&marked.path))
            }
            _ => false,
        })
    }

    /// The steps that began and of which no end is known: their places among the moments.
    pub fn unfinished(&self) -> Vec<usize> {
        let mut begun: HashMap<(Option<&NodeName>, StepId), usize> = HashMap::new();
        let mut unfinished = Vec::new();
        for (index, moment) in self.moments.iter().enumerate() {
            match &moment.what {
                Told::Event(event) => match &event.what {
                    Happening::StepStarted { place, .. } => {
                        begun.insert((place.node.as_ref(), place.step), index);
                    }
                    Happening::StepEnded { place, .. } => {
                        begun.remove(&(place.node.as_ref(), place.step));
                    }
                    _ => {}
                },
                Told::BrokenOff => unfinished.extend(begun.drain().map(|(_, index)| index)),
                _ => {}
            }
        }
        unfinished.extend(begun.into_values());
        unfinished.sort_unstable();
        unfinished
    }
}

/// The moment at which the run was `at` old.
struct WallClock {
    when: Option<When>,
    at: Duration,
}

impl WallClock {
    fn write(&self, at: Duration) -> String {
        let since = at.saturating_sub(self.at);
        let when = self.when.and_then(|when| when.after(since));
        when.map(When::write).unwrap_or_default()
    }
}

fn add_texts(sources: &mut SourceMap, texts: &[(String, String)]) {
    for (name, text) in texts {
        sources.add(name.as_str(), text.as_str());
    }
}

/// The places that an event names.
fn places_of(what: &RecordKind) -> Vec<(&str, usize, usize)> {
    let mut places = Vec::new();
    let (place, trouble): (Option<&RecordPlace>, Option<&RecordTrouble>) = match what {
        RecordKind::RunStarted { .. }
        | RecordKind::NodeStarted { .. }
        | RecordKind::TokenTaken { .. }
        | RecordKind::TokenReturned { .. }
        | RecordKind::GroupChanged { .. } => (None, None),
        RecordKind::NodeEnded { result, .. } => (None, result.trouble.as_ref()),
        RecordKind::RunEnded { trouble, .. } => (None, trouble.as_ref()),
        RecordKind::StepEnded { place, result, .. } => (Some(place), result.trouble.as_ref()),
        RecordKind::Caught { place, trouble, .. } => (Some(place), Some(trouble)),
        RecordKind::NodesChosen { place, .. }
        | RecordKind::StepStarted { place, .. }
        | RecordKind::HeldBack { place, .. }
        | RecordKind::PassedOver { place, .. }
        | RecordKind::Asked { place, .. }
        | RecordKind::Overridden { place, .. }
        | RecordKind::Waiting { place, .. }
        | RecordKind::Waited { place, .. }
        | RecordKind::Answered { place, .. }
        | RecordKind::Outage { place, .. }
        | RecordKind::LeftStopped { place, .. }
        | RecordKind::Note { place, .. }
        | RecordKind::Shown { place, .. }
        | RecordKind::Named { place, .. }
        | RecordKind::CleaningUp { place, .. }
        | RecordKind::Branch { place, .. } => (Some(place), None),
    };
    if let Some(place) = place {
        places.push((place.file.as_str(), place.line, place.column));
    }
    if let Some(trouble) = trouble {
        places.push((trouble.file.as_str(), trouble.line, trouble.column));
    }
    places
}
