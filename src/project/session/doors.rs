use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::SessionWays;
use crate::diagnostic::SourceMap;
use crate::inventory::{Inventory, NodeName};
use crate::journal::{self, Driven, Entry, Event, Keeper, Kept, Past, Record, Recorder, RunJournal};
use crate::lock::HolderKind;
use crate::plan::Plan;
use crate::project::load::describe_failure;
use crate::project::locking::{WithLock, deaf_to_lock, not_opened, refuse, run_under_lock};
use crate::project::signals::{InFlight, Signals};
use crate::project::ways::open_runtime;
use crate::project::{LockWishes, ProjectError};
use crate::run::{Ending, Glance, RunOptions, Standing, World, glance, run_statement};
use crate::transport::simulated::{Shape, SimulatedCluster, VirtualClock};
use crate::transport::{
    Answers, Clock, DryTransport, Person, Purpose, Request, SshTransport, SteadyClock, SystemClock, Tee,
    Terminal, Transport,
};
use crate::value::CommandLine;

/// How long a look at the cluster may take.
const GLANCE_LIMIT: Duration = Duration::from_secs(10);

/// How long a command of a simulated shell may take.
const SHELL_LIMIT: Duration = Duration::from_secs(3600);

/// Where a line of a session is written down.
#[derive(Clone, Copy)]
pub struct KeptLine<'k> {
    /// The journal of the session.
    pub journal: &'k RefCell<RunJournal>,
    /// The texts that places are looked up in.
    pub sources: &'k SourceMap,
    /// Time since the session began.
    pub since: Duration,
    /// Whether the values that are named are left out: there is a secret in the line.
    pub hides_values: bool,
}

impl KeptLine<'_> {
    /// Writes an event down whose time is that of the line.
    pub fn note(&self, mut event: Event) {
        event.at += self.since;
        let entry = Entry::Happened(Record::of(&event, self.sources));
        self.journal.borrow_mut().push(&entry);
    }
}

/// Carries a line out, and writes it down if it is told where.
async fn walk_line(
    plan: &Plan,
    world: World<'_>,
    options: &RunOptions,
    standing: &Standing,
    kept: Option<KeptLine<'_>>,
    recorder: &mut dyn Recorder,
) -> Ending {
    let Some(kept) = kept else {
        return run_statement(plan, world, options, standing, recorder).await;
    };
    let doors = journal::Doors {
        transport: world.transport,
        clock: world.clock,
        person: world.person,
    };
    let stop = options.stop_requested.clone();
    let keeper = Keeper::new(doors, kept.sources, kept.journal, Past::default(), stop);
    let keeper = keeper.of_line(kept.since, kept.hides_values);
    let world = World {
        transport: &keeper,
        clock: &keeper,
        person: &keeper,
    };
    let mut recorder = Kept::new(&keeper, recorder);
    let walk = run_statement(plan, world, options, standing, &mut recorder);
    match keeper.drive(walk, false).await {
        Driven::Ended(ending) => ending,
        Driven::Settled(_) | Driven::Diverged(_) => unreachable!("a line has no past"),
    }
}

/// The doors of a session, which stay open from line to line.
pub(super) struct Doors {
    pub runtime: Runtime,
    pub signals: Signals,
    terminal: Terminal,
    lock: LockWishes,
    cluster: Cluster,
}

/// What stands behind the doors.
enum Cluster {
    Simulated(SimulatedCluster, VirtualClock),
    Real(Rc<SshTransport>, SystemClock, SteadyClock),
}

impl Doors {
    /// Opens the doors to a simulated cluster, or to the hosts of an inventory.
    pub fn open(
        inventory: &Arc<Inventory>,
        shape: Option<&Shape>,
        ways: SessionWays,
    ) -> Result<Doors, ProjectError> {
        let failed = |error: std::io::Error| ProjectError::NoRuntime {
            why: describe_failure(&error),
        };
        let runtime = open_runtime()?;
        let signals = {
            let _inside = runtime.enter();
            Signals::listen().map_err(failed)?
        };
        let cluster = match shape {
            Some(shape) => {
                let cluster = SimulatedCluster::new(shape.clone());
                let clock = cluster.clock();
                Cluster::Simulated(cluster, clock)
            }
            None => {
                let listener = deaf_to_lock(ways.listener);
                let tee = Arc::new(Tee::new(ways.output_folder, listener, std::iter::empty()));
                let options = ways.ways.over(&inventory.ssh, &ways.terminal, tee);
                let transport = SshTransport::new(inventory.clone(), options);
                Cluster::Real(Rc::new(transport), SystemClock::new(), SteadyClock::new())
            }
        };
        Ok(Doors {
            runtime,
            signals,
            terminal: ways.terminal,
            lock: ways.lock,
            cluster,
        })
    }

    /// The time of the cluster.
    pub fn now(&self) -> Duration {
        match &self.cluster {
            Cluster::Simulated(_, clock) => clock.now(),
            Cluster::Real(_, clock, _) => clock.now(),
        }
    }

    /// Carries a plan out.
    pub fn run(
        &mut self,
        plan: &Plan,
        options: &RunOptions,
        standing: &Standing,
        person: Box<dyn Person>,
        kept: Option<KeptLine<'_>>,
        recorder: &mut dyn Recorder,
    ) -> Ending {
        match &self.cluster {
            Cluster::Simulated(cluster, clock) => {
                cluster.learn(&plan.program, &plan.inventory);
                let transport = cluster.transport();
                let person = cluster.person(person);
                let dry = DryTransport::new(&transport);
                let transport: &dyn Transport = if options.dry_run { &dry } else { &transport };
                let world = World {
                    transport,
                    clock,
                    person: &person,
                };
                cluster.block_on(run_statement(plan, world, options, standing, recorder))
            }
            Cluster::Real(transport, clock, steady) => {
                let transport = &**transport;
                let lock = self
                    .lock
                    .open(HolderKind::Prompt, plan, options, transport, steady);
                let lock = match lock {
                    Ok(lock) => lock,
                    Err(error) => {
                        let (ending, events) = refuse(plan, not_opened(&error));
                        events.iter().for_each(|event| recorder.record(event));
                        return ending;
                    }
                };
                let dry = DryTransport::new(transport);
                let fenced = lock.as_ref().map(|lock| lock.fence(transport));
                let door: &dyn Transport = match &fenced {
                    _ if options.dry_run => &dry,
                    Some(fenced) => fenced,
                    None => transport,
                };
                let world = World {
                    transport: door,
                    clock,
                    person: &*person,
                };
                let mut recorder = WithLock::new(recorder, lock.as_ref());
                let mut recorder = InFlight::new(&mut recorder);
                let run = walk_line(plan, world, options, standing, kept, &mut recorder);
                let stop = &options.stop_requested;
                let run = run_under_lock(lock.as_ref(), run, &mut self.signals, stop, &self.terminal);
                let note = |event: Event| {
                    if let Some(kept) = kept {
                        kept.note(event);
                    }
                };
                match self.runtime.block_on(run) {
                    Ok(Some(ending)) => ending,
                    Ok(None) => {
                        let (ending, event) = recorder.break_off();
                        note(event);
                        ending
                    }
                    Err(trouble) => {
                        let (ending, events) = refuse(plan, trouble);
                        for event in events {
                            recorder.record(&event);
                            note(event);
                        }
                        ending
                    }
                }
            }
        }
    }

    /// Looks at the cluster; `None` when that takes too long. On a simulated cluster so much time goes by first.
    pub fn glance(
        &self,
        plan: &Plan,
        standing: &Standing,
        watched: &[String],
        after: Duration,
    ) -> Option<Glance> {
        match &self.cluster {
            Cluster::Simulated(cluster, clock) => {
                cluster.learn(&plan.program, &plan.inventory);
                Some(cluster.block_on(async {
                    clock.sleep(after).await;
                    look(plan, &cluster.transport(), clock, standing, watched).await
                }))
            }
            Cluster::Real(..) => self
                .runtime
                .block_on(self.glance_for_real(plan, standing, watched)),
        }
    }

    /// Looks at the real cluster; `None` when that takes too long.
    pub async fn glance_for_real(
        &self,
        plan: &Plan,
        standing: &Standing,
        watched: &[String],
    ) -> Option<Glance> {
        let Cluster::Real(transport, clock, _) = &self.cluster else {
            return None;
        };
        let look = look(plan, &**transport, clock, standing, watched);
        tokio::time::timeout(GLANCE_LIMIT, look).await.ok()
    }

    /// Whether the cluster is a real one.
    pub fn are_real(&self) -> bool {
        matches!(self.cluster, Cluster::Real(..))
    }

    /// What opens shells on the nodes.
    pub fn shells(&self, inventory: &Arc<Inventory>, config: Option<&String>) -> Shells {
        match &self.cluster {
            Cluster::Simulated(cluster, _) => Shells::Simulated(cluster.clone()),
            Cluster::Real(..) => Shells::Real {
                inventory: inventory.clone(),
                config: config.or(inventory.ssh.config.as_ref()).cloned(),
            },
        }
    }

    /// Closes all connections.
    pub fn close(self) {
        if let Cluster::Real(transport, ..) = &self.cluster {
            self.runtime.block_on(transport.close());
        }
        // A thread that still waits for a line must not hold the end up.
        self.runtime.shutdown_background();
    }
}

async fn look(
    plan: &Plan,
    transport: &dyn Transport,
    clock: &dyn Clock,
    standing: &Standing,
    watched: &[String],
) -> Glance {
    // Nobody is asked anything while somebody looks.
    let nobody = Answers::default();
    let world = World {
        transport,
        clock,
        person: &nobody,
    };
    glance(plan, world, &RunOptions::default(), standing, watched).await
}

/// What opens a shell on a node, for a person who wants to see for themselves.
#[derive(Clone)]
pub enum Shells {
    /// The shells of a simulated cluster, which take one command after the other.
    Simulated(SimulatedCluster),
    /// The shells of real hosts.
    Real {
        /// How hosts are reached.
        inventory: Arc<Inventory>,
        /// The configuration file of `ssh`.
        config: Option<String>,
    },
}

impl Shells {
    /// The command that opens a shell on a node; none on a simulated cluster.
    pub fn command(&self, node: &NodeName) -> Option<Vec<String>> {
        let Shells::Real { inventory, config } = self else {
            return None;
        };
        let known = inventory.node(node.as_str());
        if known.is_some_and(|node| node.login.is_local) {
            return Some(vec!["sh".to_owned()]);
        }
        let mut words = vec!["ssh".to_owned(), "-t".to_owned()];
        if let Some(config) = config {
            words.extend(["-F".to_owned(), config.clone()]);
        }
        words.extend(crate::transport::ssh_words(node, known));
        Some(words)
    }

    /// Carries out a command in the shell of a simulated node, and gives what it prints.
    pub fn carry_out<'a>(&'a self, node: &NodeName, line: &str) -> impl Future<Output = String> + 'a {
        let command = CommandLine::from_quoted(line);
        // A person's own commands are no acts of the run.
        let request = Request::plain(Some(node.clone()), command, SHELL_LIMIT, Purpose::Probe);
        async move {
            let Shells::Simulated(cluster) = self else {
                return String::new();
            };
            match cluster.transport().carry_out(&request).await {
                Ok(outcome) => outcome.output + &outcome.errors,
                Err(error) => format!("{error}\n"),
            }
        }
    }
}
