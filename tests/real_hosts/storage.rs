//! The simulated storage cluster behind real hosts: real `ssh`, real shells, and programs that pass on
//! what they are called with. A host whose power goes in the cluster has no sshd any more.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use quorate::inventory::{Inventory, Node, NodeName, SshSettings};
use quorate::journal::Event;
use quorate::plan::Plan;
use quorate::run::{Ending, RunOptions, World, run_plan};
use quorate::transport::simulated::{Inspection, Shape, SimulatedCluster, SimulatedPerson};
use quorate::transport::{
    Answer, Answers, Outcome, Person, Purpose, Question, Request, Secrets, SshOptions, SshTransport,
    Transport, TransportError,
};
use quorate::value::{CommandLine, Secret};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::host::write_program;
use crate::program::{NODE, install};
use crate::site::Site;
use crate::standing::{CountingTransport, StandingClock};
use crate::wire::{Call, Reply, SOCKET, Wish};

/// How long a run may really take.
const PATIENCE: Duration = Duration::from_secs(300);

/// What a run did.
pub struct Done {
    pub ending: Ending,
    pub events: Vec<Event>,
    /// The cluster in the end.
    pub cluster: Inspection,
    /// How many commands went to the hosts.
    pub command_count: usize,
}

/// Carries a plan out on the simulated cluster itself, as `quorate run --sim --yes` does.
pub fn run_simulated(plan: &Plan, shape: Shape) -> Done {
    let cluster = SimulatedCluster::new(shape);
    let (transport, clock, person) = (cluster.transport(), cluster.clock(), person_at(&cluster));
    let world = World {
        transport: &transport,
        clock: &clock,
        person: &person,
    };
    let mut events: Vec<Event> = Vec::new();
    let ending = cluster.block_on(run_plan(plan, world, &RunOptions::default(), &mut events));
    Done {
        ending,
        events,
        cluster: cluster.inspect(),
        command_count: 0,
    }
}

/// Carries a plan out on real hosts, behind which the cluster is.
pub fn run_on_hosts(plan: &Plan, shape: Shape) -> Result<Done, String> {
    let cluster = SimulatedCluster::new(shape);
    let nodes = cluster.inspect().nodes;
    let names: Vec<&str> = nodes.keys().map(String::as_str).collect();
    let folder = tempfile::tempdir().map_err(|why| why.to_string())?;
    let socket = folder.path().join("socket");
    let site = Site::start(&names, |name, _| {
        vec![(NODE, name.to_owned()), (SOCKET, socket.display().to_string())]
    });
    for host in &site.hosts {
        install(&host.programs());
        for service in nodes[&host.name].services.keys() {
            write_program(
                &host.services().join(service),
                "#!/bin/sh\nexec service \"$0\" \"$@\"\n",
            );
        }
    }
    let hosts = Hosts {
        clock: StandingClock::new(&cluster),
        boots: RefCell::new(
            nodes
                .iter()
                .map(|(name, node)| (name.clone(), node.boots))
                .collect(),
        ),
        site: RefCell::new(site),
        cluster,
    };
    hosts.follow_power();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| why.to_string())?;
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE, hosts.run(plan, &socket))
            .await
            .map_err(|_| format!("the run has not ended after {PATIENCE:?}"))?
    })
}

/// Who answers every question with yes, and does what is to be done by hand.
fn person_at(cluster: &SimulatedCluster) -> SimulatedPerson {
    cluster.person(Box::new(Answers {
        yes: true,
        named: BTreeMap::new(),
        simulated: true,
    }))
}

/// The real hosts, and the cluster behind them.
struct Hosts {
    cluster: SimulatedCluster,
    clock: StandingClock,
    site: RefCell<Site>,
    /// How often each host had booted when its sshd was last started.
    boots: RefCell<BTreeMap<String, u32>>,
}

impl Hosts {
    async fn run(&self, plan: &Plan, socket: &Path) -> Result<Done, String> {
        let listener = UnixListener::bind(socket).map_err(|why| why.to_string())?;
        fs::set_permissions(socket, fs::Permissions::from_mode(0o777)).map_err(|why| why.to_string())?;
        let transport = CountingTransport::new(SshTransport::new(Arc::new(self.inventory()), self.options()));
        let person = PersonAtHosts {
            hosts: self,
            inner: person_at(&self.cluster),
        };
        let world = World {
            transport: &transport,
            clock: &self.clock,
            person: &person,
        };
        let mut events: Vec<Event> = Vec::new();
        let options = RunOptions::default();
        let ending = {
            let mut run = std::pin::pin!(run_plan(plan, world, &options, &mut events));
            let steps = std::future::poll_fn(|context| {
                loop {
                    let polled = run.as_mut().poll(context);
                    // Nothing is on its way, so whatever goes on waits for time.
                    if polled.is_ready() || !transport.is_still() || !self.clock.move_on() {
                        return polled;
                    }
                    self.follow_power();
                }
            });
            tokio::select! {
                ending = steps => ending,
                why = self.serve(&listener) => return Err(why),
            }
        };
        transport.inner.close().await;
        Ok(Done {
            ending,
            events,
            cluster: self.cluster.inspect(),
            command_count: transport.count.get(),
        })
    }

    fn inventory(&self) -> Inventory {
        let site = self.site.borrow();
        let nodes = site.hosts.iter().map(|host| Node {
            address: Some(host.address.clone()),
            ..Node::new(NodeName::from(host.name.as_str()))
        });
        Inventory::build("hosts", None, nodes.collect(), BTreeMap::new(), BTreeMap::new())
            .expect("the names differ")
    }

    fn options(&self) -> SshOptions {
        let configuration = self.site.borrow().write_configuration();
        SshOptions {
            settings: SshSettings {
                config: Some(configuration.display().to_string()),
                ..SshSettings::default()
            },
            secrets: Rc::new(NoSecrets),
            tell: Box::new(|why| println!("{why}")),
            tee: Arc::default(),
        }
    }

    /// Answers the programs of the hosts, one after the other; why it cannot go on.
    async fn serve(&self, listener: &UnixListener) -> String {
        loop {
            let answered = match listener.accept().await {
                Ok((stream, _)) => self.answer(stream).await,
                Err(why) => return why.to_string(),
            };
            // A program whose host lost its power in the middle hears nothing.
            if let Err(why) = answered {
                println!("a program went away: {why}");
            }
            self.follow_power();
            self.clock.wake_due();
        }
    }

    async fn answer(&self, mut stream: UnixStream) -> std::io::Result<()> {
        let mut line = String::new();
        BufReader::new(&mut stream).read_line(&mut line).await?;
        let call: Call = serde_json::from_str(&line)?;
        let Wish::CarryOut {
            node,
            command,
            input,
            limit_ms,
        } = call.wish
        else {
            return Err(std::io::Error::other("no program of a host wants that"));
        };
        let node = node.as_deref().map(NodeName::from);
        let (command, limit) = (CommandLine::from_quoted(command), Duration::from_millis(limit_ms));
        let request = Request {
            input: (!input.is_empty()).then(|| Secret::new(input)),
            ..Request::plain(node, command, limit, Purpose::Act)
        };
        let transport = self.cluster.transport();
        let reply = match self.cluster.block_on(transport.carry_out(&request)) {
            Ok(Outcome {
                status,
                output,
                errors,
            }) => Reply::Ran {
                status,
                output,
                errors,
            },
            Err(TransportError::Unreachable { why, .. }) => Reply::Unreachable { why },
            Err(error) => Reply::Lost {
                why: error.to_string(),
            },
        };
        stream.write_all(&serde_json::to_vec(&reply)?).await
    }

    /// Lets each real host be on or off as it is in the cluster; one that has booted meanwhile has lost
    /// its connections.
    fn follow_power(&self) {
        let nodes = self.cluster.inspect().nodes;
        let mut boots = self.boots.borrow_mut();
        for host in &mut self.site.borrow_mut().hosts {
            let node = &nodes[&host.name];
            let has_booted = boots.insert(host.name.clone(), node.boots) != Some(node.boots);
            if host.is_on() && (has_booted || !node.is_reachable) {
                host.switch_off();
            }
            if !host.is_on() && node.is_reachable {
                host.switch_on();
            }
        }
    }
}

/// The person beside the hosts: what is done by hand takes the cluster's time at once.
struct PersonAtHosts<'a> {
    hosts: &'a Hosts,
    inner: SimulatedPerson,
}

#[async_trait(?Send)]
impl Person for PersonAtHosts<'_> {
    async fn ask(&self, question: &Question) -> Answer {
        let answer = self.hosts.cluster.block_on(self.inner.ask(question));
        self.hosts.follow_power();
        self.hosts.clock.wake_due();
        answer
    }
}

struct NoSecrets;

#[async_trait(?Send)]
impl Secrets for NoSecrets {
    async fn ask(&self, _: &str) -> Option<Secret> {
        None
    }
}
