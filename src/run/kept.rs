use std::cell::RefCell;

use super::standing::Standing;
use super::trail::Track;
use super::walk::{Walk, run_walk};
use super::{Ending, RunOptions, World};
use crate::diagnostic::{SourceMap, Span};
use crate::journal::{
    Doors, Driven, Event, JournalError, Keeper, Kept, OverriddenFinding, Pages, Recorder, StillUnknown,
    Trouble, TroubleKind, Watch, WithOverridden,
};
use crate::plan::Plan;
use crate::value::quote;

/// Where a run is written down.
#[derive(Clone, Copy)]
pub struct Keeping<'k> {
    /// The journal of this run.
    pub journal: &'k RefCell<dyn Pages>,
    /// The texts that places are looked up in.
    pub sources: &'k SourceMap,
    /// Whether acts in the journal that the runbook does not come to any more are no obstacle.
    pub may_pass_over: bool,
    /// What is wrong with the script, and overridden.
    pub overridden: &'k [OverriddenFinding],
    /// Hears of each writing.
    pub watch: Option<Watch<'k>>,
}

/// How a run that is written down ended.
#[derive(Debug)]
pub enum Went {
    /// It came to its end.
    Ended(Ending),
    /// Nothing was begun: of these acts still nobody knows whether they were done.
    StillUnknown(Vec<StillUnknown>),
    /// Nothing was begun: the runbook does not come to these acts, which are in the journal.
    Diverged(Vec<String>),
}

/// Carries a plan out, or takes it up again, and writes everything down.
///
/// The past of the run is read from its journal. Where acts were under way of which nobody knows
/// whether they were done, the plan is walked to that place first, and the question is settled
/// there; then it is walked anew, with all that is known now.
///
/// # Errors
///
/// [`JournalError`] when the past cannot be read.
pub async fn run_kept(
    plan: &Plan,
    world: World<'_>,
    options: &RunOptions,
    keeping: Keeping<'_>,
    recorder: &mut dyn Recorder,
) -> Result<Went, JournalError> {
    let doors = Doors {
        transport: world.transport,
        clock: world.clock,
        person: world.person,
    };
    loop {
        let past = keeping.journal.borrow().past()?;
        let is_settled = past.open_acts().is_empty();
        let trail = options.trail.as_ref();
        let trail = trail.map(|trail| (trail, trail.shared_with(&past)));
        let stop = options.stop_requested.clone();
        let keeper = Keeper::new(doors, keeping.sources, keeping.journal, past, stop);
        let keeper = match keeping.watch {
            Some(watch) => keeper.watched(watch),
            None => keeper,
        };
        let world = World {
            transport: &keeper,
            clock: &keeper,
            person: &keeper,
        };
        let mut nobody: Vec<Event> = Vec::new();
        let told: &mut dyn Recorder = match is_settled {
            true => recorder,
            false => &mut nobody,
        };
        let kept = Kept::new(&keeper, told);
        let mut kept = WithOverridden::new(Box::new(kept), keeping.overridden.to_vec());
        let standing = Standing::default();
        let mut walk = Walk::new(plan, world, options, &standing, &mut kept);
        walk.track = trail.map(|(trail, shared)| Track::new(trail, shared, &keeper));
        let ended = keeper.drive(run_walk(walk, &standing), keeping.may_pass_over);
        match ended.await {
            Driven::Ended(ending) => return Ok(Went::Ended(ending)),
            Driven::Settled(unknown) if unknown.is_empty() => {}
            Driven::Settled(unknown) => return Ok(Went::StillUnknown(unknown)),
            Driven::Diverged(acts) => return Ok(Went::Diverged(acts)),
        }
    }
}

impl Went {
    /// The end of the run as it is told; what hinders it is trouble, too.
    pub fn ending(self, run: &str) -> Ending {
        let (kind, message, help) = match self {
            Went::Ended(ending) => return ending,
            Went::StillUnknown(acts) => {
                let example = acts
                    .first()
                    .map_or_else(String::new, |act| example_mark(run, act));
                let acts: Vec<String> = acts.iter().map(describe_unknown).collect();
                let message = format!(
                    "nobody knows whether this was done, so nothing more was begun:\n{}",
                    acts.join("\n")
                );
                let help = format!(
                    "look there, then say so at a terminal: quorate resume {run}; or, if it was done: {example}"
                );
                (TroubleKind::Unknown, message, help)
            }
            Went::Diverged(acts) => {
                let message = format!(
                    "the runbook does not come to what was done, so nothing more was begun: {}",
                    acts.join("; ")
                );
                let help =
                    "an act of which nobody knows is settled with `--mark`; else resume with the runbook \
                            and the inventory as they were"
                        .to_owned();
                (TroubleKind::Unknown, message, help)
            }
        };
        let trouble = Trouble {
            kind,
            message,
            help: Some(help),
            at: Span::default(),
            node: None,
        };
        Ending {
            exit_code: kind.exit_code(),
            trouble: Some(trouble),
        }
    }
}

/// A command line by which a person says that an act was done.
fn example_mark(run: &str, act: &StillUnknown) -> String {
    let (step, node) = (quote(&act.request), act.node.as_deref().unwrap_or("-"));
    format!("quorate resume {run} --mark done {step} {node} 'why'")
}

fn describe_unknown(act: &StillUnknown) -> String {
    let node = act.node.as_deref().unwrap_or("the local machine");
    format!("  on {node}: `{}`: {} ({})", act.request, act.why, act.path)
}
