//! A session: one line after the other, over doors that stay open and values that live on.
//!
//! Each line is checked, planned and carried out as a script is; a session adds what stands
//! behind it ([`Background`]) and what it leaves ([`Standing`](crate::run::Standing)).

mod doors;
mod line;
mod reading;
mod save;
mod vocabulary;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::mpsc::UnboundedReceiver;

pub use doors::{KeptLine, Shells};
pub use line::{Background, Declared, Line};
pub use reading::is_unfinished;
pub use save::{Done, DoneKind, Saved};
pub use vocabulary::{KEYWORDS, Vocabulary, WORDS};

use super::{LockWishes, Project, ProjectError, Ways, read_text};
use crate::expand::{ExpandError, Expansion, expand_plan};
use crate::inventory::Inventory;
use crate::journal::Recorder;
use crate::plan::{Plan, PlanError, lay_out_plan};
use crate::run::{Ending, Glance, RunOptions, Standing};
use crate::transport::{Answers, Listener, Person, Terminal};
use crate::value::Value;
use doors::Doors;

/// How a session meets the world.
pub struct SessionWays {
    /// How real hosts are reached.
    pub ways: Ways,
    /// Where the person sits.
    pub terminal: Terminal,
    /// Is told what commands print while they run.
    pub listener: Option<Listener>,
    /// Where output goes that is too much for memory; it is there.
    pub output_folder: Option<PathBuf>,
    /// What is said of the maintenance lock, which each line that acts takes for itself.
    pub lock: LockWishes,
}

/// What came while a session waited.
pub enum Came<T> {
    /// Something from the keyboard.
    Typed(T),
    /// Time to look, and what was seen; `None` when it could not be seen in time.
    Seen(Option<Glance>),
    /// A signal that ends the session, or the keyboard is gone.
    Ended,
}

/// One person's lines on one cluster.
pub struct Session {
    project: Project,
    background: Background,
    standing: Standing,
    doors: Doors,
    shells: Shells,
    /// What stands behind a look: the modules, and nothing to be done.
    empty: Plan,
    evidence: Vec<(String, Value)>,
}

impl Session {
    /// Opens a session on a project's cluster.
    ///
    /// # Errors
    ///
    /// [`ProjectError`] when the module of the inventory's system cannot be found, or signals cannot be had.
    pub fn open(project: Project, ways: SessionWays) -> Result<Session, ProjectError> {
        let inventory = project.inventory().clone();
        let background = Background::new(inventory.clone(), project.implied_module()?);
        let config = ways.ways.config.clone();
        let doors = Doors::open(&inventory, project.shape(), ways)?;
        let shells = doors.shells(&inventory, config.as_ref());
        let line = background.read("");
        let Some(program) = line.program() else {
            let told = line.render(crate::diagnostic::Style::Plain);
            return Err(ProjectError::Given(told));
        };
        let empty = lay_out_plan(program.clone(), inventory, Vec::new());
        Ok(Session {
            empty: empty.map_err(|error| ProjectError::Given(error.to_string()))?,
            project,
            background,
            standing: Standing::default(),
            doors,
            shells,
            evidence: Vec::new(),
        })
    }

    /// The choice and texts that the session began with.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The cluster's inventory.
    pub fn inventory(&self) -> &Arc<Inventory> {
        self.project.inventory()
    }

    /// What lines are read and checked against.
    pub fn background(&self) -> &Background {
        &self.background
    }

    /// The names that mean something now.
    pub fn vocabulary(&self) -> Vocabulary {
        let named = self.background.named().to_vec();
        Vocabulary::new(self.empty.program.clone(), self.inventory().clone(), named)
    }

    /// What earlier lines have left.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// What opens shells on the nodes.
    pub fn shells(&self) -> &Shells {
        &self.shells
    }

    /// The plan of nothing: the modules and the session's own declarations.
    pub fn empty_plan(&self) -> &Plan {
        &self.empty
    }

    /// The cluster's time.
    pub fn now(&self) -> Duration {
        self.doors.now()
    }

    /// Keeps what a line has declared.
    pub fn declare(&mut self, line: &Line) {
        self.background.declare(line);
        self.renew();
    }

    /// Declares what a file declares; its other statements are left alone.
    ///
    /// # Errors
    ///
    /// [`ProjectError`] when the file cannot be read.
    pub fn load(&mut self, path: &Path) -> Result<Line, ProjectError> {
        let (name, text) = read_text(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let line = self.background.read_file(&name, &text, folder);
        if line.program().is_some() && !line.problems.has_errors() {
            self.declare(&line);
        }
        Ok(line)
    }

    /// Lays a line out as a plan.
    ///
    /// # Errors
    ///
    /// [`PlanError`] when verbs call one another in a ring.
    ///
    /// # Panics
    ///
    /// When the line does not check.
    pub fn plan(&self, line: &Line) -> Result<Plan, PlanError> {
        let program = line
            .program()
            .expect("only a line that checks is laid out")
            .clone();
        let values = self.standing.values().into_iter();
        let parameters = &program.parameters;
        let arguments = values.filter(|(name, _)| parameters.iter().any(|parameter| parameter.name == *name));
        let arguments = arguments.collect();
        lay_out_plan(program, self.inventory().clone(), arguments)
    }

    /// Writes a line as plain shell.
    ///
    /// # Errors
    ///
    /// [`ExpandError`] for what cannot be said in one.
    pub fn expand(&self, line: &Line, plan: &Plan, expansion: Expansion) -> Result<String, ExpandError> {
        expand_plan(plan, line.sources(), &expansion)
    }

    /// Carries a plan out; it is written down where `kept` says.
    pub fn run(
        &mut self,
        plan: &Plan,
        options: &RunOptions,
        person: Box<dyn Person>,
        kept: Option<KeptLine<'_>>,
        recorder: &mut dyn Recorder,
    ) -> Ending {
        let doors = &mut self.doors;
        let ending = doors.run(plan, options, &self.standing, person, kept, recorder);
        self.evidence = self.standing.evidence();
        let values = self.standing.values().into_iter();
        let named = values.map(|(name, value)| (name, value.kind()));
        self.background.name_values(named.collect());
        ending
    }

    /// Shows what a plan would do; `options` hold every act back. What stands stays as it is.
    pub fn preview(&mut self, plan: &Plan, options: &RunOptions, recorder: &mut dyn Recorder) -> Ending {
        debug_assert!(options.dry_run);
        let standing = self.standing.clone();
        let person = Box::new(Answers::default());
        let ending = self.doors.run(plan, options, &standing, person, None, recorder);
        self.evidence = standing.evidence();
        ending
    }

    /// The facts that were measured when something was refused last, in a preview or for real.
    pub fn evidence(&self) -> Vec<(String, Value)> {
        self.evidence.clone()
    }

    /// Looks at the cluster now; `None` when that takes too long.
    pub fn glance(&self, watched: &[String]) -> Option<Glance> {
        self.doors
            .glance(&self.empty, &self.standing, watched, Duration::ZERO)
    }

    /// Waits for the keyboard; looks at the cluster once `poll` has gone by, if that comes first.
    pub fn wait<T>(
        &mut self,
        keyboard: &mut UnboundedReceiver<T>,
        poll: Option<Duration>,
        watched: &[String],
    ) -> Came<T> {
        let Doors { runtime, signals, .. } = &mut self.doors;
        let came = runtime.block_on(async {
            let typed = std::pin::pin!(keyboard.recv());
            let ended = std::pin::pin!(signals.next());
            let time = std::pin::pin!(sleep(poll));
            match select(typed, select(ended, time)).await {
                Either::Left((Some(typed), _)) => Some(Came::Typed(typed)),
                Either::Left((None, _)) => Some(Came::Ended),
                Either::Right((Either::Left(_), _)) => None,
                Either::Right((Either::Right(_), _)) => Some(Came::Seen(None)),
            }
        });
        match came {
            // Ctrl-C is a key while somebody types: as a signal it comes from elsewhere.
            None if self.doors.signals.is_ending() => Came::Ended,
            None => self.wait(keyboard, poll, watched),
            Some(Came::Seen(_)) => self.look(keyboard, poll.unwrap_or_default(), watched),
            Some(came) => came,
        }
    }

    /// Looks at the cluster, unless something is typed meanwhile: then nobody waits for the look.
    fn look<T>(
        &mut self,
        keyboard: &mut UnboundedReceiver<T>,
        poll: Duration,
        watched: &[String],
    ) -> Came<T> {
        if !self.doors.are_real() {
            return Came::Seen(self.doors.glance(&self.empty, &self.standing, watched, poll));
        }
        let look = self.doors.glance_for_real(&self.empty, &self.standing, watched);
        self.doors.runtime.block_on(async {
            let (typed, look) = (std::pin::pin!(keyboard.recv()), std::pin::pin!(look));
            match select(typed, look).await {
                Either::Left((Some(typed), _)) => Came::Typed(typed),
                Either::Left((None, _)) => Came::Ended,
                Either::Right((seen, _)) => Came::Seen(seen),
            }
        })
    }

    /// Whether the cluster is a real one.
    pub fn is_real(&self) -> bool {
        self.doors.are_real()
    }

    /// Whether a signal has come that ends the session.
    pub fn is_ending(&self) -> bool {
        self.doors.signals.is_ending()
    }

    /// Closes all connections.
    pub fn close(self) {
        self.doors.close();
    }

    /// Lays the plan of nothing out anew, with what was declared since.
    fn renew(&mut self) {
        let line = self.background.read("");
        if let Some(program) = line.program()
            && let Ok(empty) = lay_out_plan(program.clone(), self.inventory().clone(), Vec::new())
        {
            self.empty = empty;
        }
    }
}

/// Lets time go by; for ever when there is no end to it.
async fn sleep(length: Option<Duration>) {
    match length {
        Some(length) => tokio::time::sleep(length).await,
        None => std::future::pending().await,
    }
}
