//! Carries a runbook out by the interpreter, and keeps what the comparison wants to know.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use quorate::journal::{Event, Happening, Recorder};
use quorate::plan::{Plan, Step, StepId, StepKind};
use quorate::project::{InventoryChoice, Project};
use quorate::run::{Override, RunOptions, World, run_plan};
use quorate::syntax::Mode;
use quorate::transport::simulated::{Shape, SimulatedCluster};
use quorate::transport::{Answer, Question};

use crate::door::{Carried, Door, PlannedFault};
use crate::person::{Said, Witness};

/// A runbook laid out for a simulated cluster.
pub struct Prepared {
    /// The shape of the cluster.
    pub shape: Shape,
    /// What will be done.
    pub plan: Plan,
    /// The script and its cluster.
    pub project: Project,
}

impl Prepared {
    /// Checks a runbook and lays it out.
    ///
    /// # Errors
    ///
    /// What is wrong with the shape, the runbook or its parameters.
    pub fn new(shape: &str, name: &str, text: &str, given: &[(&str, &str)]) -> Result<Prepared, String> {
        Prepared::overriding(shape, name, text, given, &[])
    }

    /// The same, with findings of the checker overridden.
    pub fn overriding(
        shape: &str,
        name: &str,
        text: &str,
        given: &[(&str, &str)],
        overrides: &[Override],
    ) -> Result<Prepared, String> {
        let file = tempfile::Builder::new().suffix(".toml").tempfile();
        let file = file.map_err(|why| why.to_string())?;
        std::fs::write(file.path(), shape).map_err(|why| why.to_string())?;
        let choice = InventoryChoice::Simulated(Some(file.path().to_owned()));
        let mut project = Project::new(&choice).map_err(|why| why.to_string())?;
        let mut problems = project.check_text(name, text);
        problems.retain(|problem| !overrides.iter().any(|known| known.name == problem.code()));
        if problems.has_errors() || project.program().is_none() {
            return Err(project.render_plain(&problems));
        }
        let given = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let plan = project.plan(&given.collect()).map_err(|why| why.to_string())?;
        let shape = Shape::read("shape.toml", shape).map_err(|why| why.to_string())?;
        Ok(Prepared { shape, plan, project })
    }

    /// A cluster of this shape, as new.
    pub fn cluster(&self) -> SimulatedCluster {
        SimulatedCluster::new(self.shape.clone())
    }
}

/// What the interpreter did.
pub struct InterpreterRun {
    /// The exit code.
    pub exit_code: i32,
    /// What went wrong worst.
    pub message: Option<String>,
    /// The commands in the order in which they began.
    pub carried: Vec<Carried>,
    /// What was asked, and what was answered.
    pub asked: Vec<(Question, Answer)>,
    /// All that happened.
    pub events: Vec<Event>,
}

/// Carries a plan out on a cluster.
pub fn run_interpreter(
    prepared: &Prepared,
    overrides: &[Override],
    faults: &[PlannedFault],
    said: &Said,
    cluster: &SimulatedCluster,
) -> InterpreterRun {
    let door = Door::new(cluster, faults);
    let (clock, person) = (cluster.clock(), Witness::new(cluster, said));
    let world = World {
        transport: &door,
        clock: &clock,
        person: &person,
    };
    let options = RunOptions {
        overrides: overrides.to_vec(),
        ..RunOptions::default()
    };
    let mut listener = Listener::new(&door);
    let ending = cluster.block_on(run_plan(&prepared.plan, world, &options, &mut listener));
    InterpreterRun {
        exit_code: i32::from(ending.exit_code),
        message: ending.trouble.map(|trouble| trouble.message),
        carried: door.carried(),
        asked: person.asked(),
        events: listener.events,
    }
}

/// Keeps the events, and tells the door which step begins.
pub struct Listener {
    /// All events so far.
    pub events: Vec<Event>,
    step: Rc<Cell<Option<StepId>>>,
}

impl Listener {
    /// A listener that tells `door`.
    pub fn new(door: &Door) -> Self {
        Listener {
            events: Vec::new(),
            step: Rc::clone(&door.step),
        }
    }
}

impl Recorder for Listener {
    fn record(&mut self, event: &Event) {
        if let Happening::StepStarted { place, .. } = &event.what {
            self.step.set(Some(place.step));
        }
        self.events.push(event.clone());
    }
}

/// How the nodes of an `on` follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// One by one.
    Serial,
    /// Group after group.
    Phases,
    /// As it comes.
    Free,
}

/// The `on` blocks round each step of a plan, the outermost first.
pub fn surrounding_blocks(plan: &Plan) -> BTreeMap<StepId, Vec<(StepId, Order)>> {
    let mut found = BTreeMap::new();
    collect_blocks(&plan.steps, &[], &mut found);
    found
}

fn collect_blocks(
    steps: &[Step],
    outer: &[(StepId, Order)],
    found: &mut BTreeMap<StepId, Vec<(StepId, Order)>>,
) {
    for step in steps {
        found.insert(step.id, outer.to_vec());
        let mut inner = outer.to_vec();
        if let StepKind::On(on) = &step.kind {
            let order = match on.mode {
                _ if on.any => Order::Serial,
                Mode::Serially => Order::Serial,
                Mode::InBatches(_) | Mode::By(_) => Order::Phases,
                Mode::InParallel => Order::Free,
            };
            inner.push((step.id, order));
        }
        for body in step.kind.bodies() {
            collect_blocks(body, &inner, found);
        }
    }
}
