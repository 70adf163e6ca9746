use foldhash::{HashMap, HashSet};

use super::row::{Row, What};
use crate::transport::StepPath;

/// What stands later in the journal than the row that is looked at.
#[derive(Default)]
pub(super) struct Later {
    /// Bodies in which something was done.
    bodies: HashSet<StepPath>,
    /// Bodies in which, or in a body in which, something was done.
    around: HashSet<StepPath>,
    /// Of each body in which bodies lie: the statements in it, two at most, by which something was done.
    statements: HashMap<StepPath, Vec<StepPath>>,
    /// Bodies in which a body on a node was begun.
    began: HashSet<StepPath>,
    /// Bodies in which something that was owed at an end was begun, at whatever time.
    cleaned: HashSet<StepPath>,
    /// Bodies in which something was done, at whatever time.
    acted: HashSet<StepPath>,
    /// The same, also those that were begun once more afterwards.
    pub for_good: HashSet<StepPath>,
    /// Bodies that have ended for good: well, or badly and the run went on all the same.
    ended: HashSet<StepPath>,
    /// The runbook itself.
    root: StepPath,
}

impl Later {
    /// Begins at the end; in these bodies something owed was begun, and in these something was done.
    pub fn new(cleaned: HashSet<StepPath>, acted: HashSet<StepPath>) -> Later {
        Later {
            cleaned,
            acted,
            ..Later::default()
        }
    }

    /// Whether a row goes on to be known.
    pub fn keeps(&self, row: &Row) -> bool {
        let is_history = || self.is_history(row);
        match &row.what {
            What::Command(command) if command.acts => {
                command.is_open() || command.is_success() || is_history()
            }
            What::Command(command) => command.is_kept || is_history(),
            What::Answer(answered) => answered.answer == "yes" || is_history(),
            What::BodyEnded(is_well) => {
                *is_well || self.goes_on_after(&row.path) || self.cleaned.contains(&row.path)
            }
            What::BodyBegan | What::CleaningUp => true,
        }
    }

    /// Whether something was done after it: then it has been acted on.
    pub fn is_history(&self, row: &Row) -> bool {
        self.is_followed_in_line(row) || row.bodies.iter().any(|body| self.is_over(body))
    }

    /// Whether a body has ended, and something was done in it or after it.
    fn is_over(&self, body: &StepPath) -> bool {
        self.ended.contains(body) && (self.acted.contains(body) || self.is_passed(body))
    }

    /// Whether something was done later in the same body, in one around it or in one inside it:
    /// what other nodes did meanwhile does not count.
    fn is_followed_in_line(&self, row: &Row) -> bool {
        let body = row.bodies.last().unwrap_or(&self.root);
        let mut around = std::iter::once(&self.root).chain(&row.bodies);
        self.around.contains(body) || around.any(|body| self.bodies.contains(body))
    }

    /// Whether something was done by a later statement beside the one that a body belongs to.
    fn is_passed(&self, body: &StepPath) -> bool {
        let statement = body.parent();
        let others = self.statements.get(&statement.body());
        others.is_some_and(|others| others.iter().any(|other| *other != statement))
    }

    /// Whether the run went on after the end of a body on a node, outside it.
    fn goes_on_after(&self, body: &StepPath) -> bool {
        self.is_passed(body)
            || around(&body.parent()).any(|outer| self.bodies.contains(&outer) || self.began.contains(&outer))
    }

    /// Takes in a row, from the last one to the first.
    pub fn note(&mut self, row: &Row) {
        match &row.what {
            What::BodyBegan => {
                self.ended.remove(&row.path);
                self.began.insert(row.path.parent().body());
            }
            What::BodyEnded(is_well) if *is_well || self.goes_on_after(&row.path) => {
                self.ended.insert(row.path.clone());
                self.for_good.insert(row.path.clone());
            }
            what if what.is_deed() => {
                let body = row.bodies.last().unwrap_or(&self.root);
                if !self.bodies.contains(body) {
                    self.bodies.insert(body.clone());
                    self.around.insert(self.root.clone());
                    self.around.extend(row.bodies.iter().cloned());
                }
                for body in &row.bodies {
                    let statement = body.parent();
                    let known = self.statements.entry(statement.body()).or_default();
                    if known.len() < 2 && !known.contains(&statement) {
                        known.push(statement);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The bodies around a path, and the runbook itself.
fn around(path: &StepPath) -> impl Iterator<Item = StepPath> {
    std::iter::once(StepPath::default()).chain(path.bodies().collect::<Vec<_>>())
}
