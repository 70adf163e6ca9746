//! How a connection is made: the stream, the greeting, the host's key, the user's key.

use std::cell::RefCell;
use std::fs::File;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{self, Config, Handle};
use tokio::net::{TcpStream, lookup_host};

use super::authenticate::authenticate;
use super::client::Target;
use super::configuration::Configuration;
use super::connection::Connection;
use super::coverage::{Covered, Way};
use super::failure::Failure;
use super::host_key::{HostToCheck, Learnt, Refusal, Watcher, describe_input, describe_loss};
use super::network::{Link, Network};
use super::stream::{Wire, last_message};
use crate::value::write_duration;

/// How long to wait before a server that turned a connection away is asked again, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What is said of a server that does not greet.
const SAYS_NOTHING: &str = " takes the connection and says nothing";

/// How long connections may take and be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub connect: Duration,
    pub alive_interval: Duration,
    pub alive_count: usize,
}

/// Makes a connection within its limit.
///
/// # Errors
///
/// [`Failure`].
pub(super) async fn establish(
    network: &Rc<Network>,
    configuration: &Configuration,
    covered: &Covered,
    limits: Limits,
    chain: &[Target],
) -> Result<Connection, Failure> {
    let host = check_host(network, configuration, covered)?;
    // The way to the jump host has a limit of its own, and may have to wait for a passphrase.
    let gate = match &covered.way {
        Way::Jump(gate) => Some(open_gate(network, gate, chain).await?),
        Way::Direct | Way::Program(_) => None,
    };
    let making = Making {
        network,
        configuration,
        covered,
        limits,
        host,
        gate,
        waits_for: RefCell::new("it has no address yet".to_owned()),
        greeting: RefCell::default(),
        messages: RefCell::default(),
    };
    match tokio::time::timeout(limits.connect, making.make()).await {
        Ok(made) => made,
        Err(_) => Err(Failure::Unreachable(format!(
            "no connection within {}: {}",
            write_duration(limits.connect),
            making.describe_wait()
        ))),
    }
}

/// Opens the connection to a jump host.
async fn open_gate(
    network: &Rc<Network>,
    gate: &Target,
    chain: &[Target],
) -> Result<Rc<Connection>, Failure> {
    match network.open(gate, chain).await {
        Ok(Link::Own(connection)) => Ok(connection),
        Ok(Link::Client(_)) => Err(Failure::LeftToClient(format!(
            "its jump host {} is left to `ssh`",
            gate.host
        ))),
        Err(why) => Err(Failure::Unreachable(format!(
            "by its jump host {}: {why}",
            gate.host
        ))),
    }
}

fn check_host(
    network: &Network,
    configuration: &Configuration,
    covered: &Covered,
) -> Result<HostToCheck, Failure> {
    let alias = configuration.value("hostkeyalias");
    let (name, port) = (configuration.host_name().to_owned(), configuration.port());
    let known = network
        .known_hosts
        .look_up(&covered.known_files, &name, port, alias)
        .map_err(Failure::Unreachable)?;
    let first = covered.known_files.first();
    Ok(HostToCheck {
        known,
        strictness: covered.strictness,
        principal: alias.unwrap_or(&name).to_ascii_lowercase(),
        has_alias: alias.is_some(),
        name,
        port,
        file: first.map(|file| file.display().to_string()).unwrap_or_default(),
        authority_signatures: configuration
            .list("casignaturealgorithms")
            .into_iter()
            .map(str::to_owned)
            .collect(),
    })
}

/// A connection that is being made.
struct Making<'a> {
    network: &'a Rc<Network>,
    configuration: &'a Configuration,
    covered: &'a Covered,
    limits: Limits,
    host: HostToCheck,
    /// The connection to the jump host, where there is one.
    gate: Option<Rc<Connection>>,
    /// What is waited for, as it goes on after "no connection within 10s: ".
    waits_for: RefCell<String>,
    /// Whether the server has sent its greeting on the connection in hand.
    greeting: RefCell<Arc<AtomicBool>>,
    /// Where the program says what is wrong that makes the connection in hand.
    messages: RefCell<Option<File>>,
}

impl Making<'_> {
    async fn make(&self) -> Result<Connection, Failure> {
        let config = Arc::new(self.config());
        let learnt = Arc::new(Mutex::new(Learnt::default()));
        let mut handle = self.greet(&config, &learnt).await?;
        self.wait_for(format!("{} does not answer who may log in", self.place()));
        let proved = authenticate(
            &mut handle,
            self.configuration,
            self.covered,
            &self.network.key_files,
        )
        .await;
        let connection = Connection::new(handle, learnt, self.covered.variables.clone(), self.limits);
        if let Err(failure) = proved {
            // What the host said when it hung up tells more than that it did.
            let said = connection.why_ended();
            connection.close().await;
            return Err(match (failure, said) {
                (Failure::Unreachable(why), Some(said)) => Failure::Unreachable(format!("{why}; {said}")),
                (failure, _) => failure,
            });
        }
        Ok(connection)
    }

    fn config(&self) -> Config {
        let mut preferred = self.covered.preferred.clone();
        preferred.key = self.host.order_algorithms(&preferred.key).into();
        preferred.host_key_certificates = self.host.certificates(self.covered).into();
        Config {
            preferred,
            keepalive_interval: Some(self.limits.alive_interval),
            keepalive_max: self.limits.alive_count,
            nodelay: true,
            ..Config::default()
        }
    }

    /// Goes on until the host has shown itself; a server that turns the connection away before
    /// its greeting has too much to do, and is asked again.
    async fn greet(
        &self,
        config: &Arc<Config>,
        learnt: &Arc<Mutex<Learnt>>,
    ) -> Result<Handle<Watcher>, Failure> {
        let mut pause = PAUSES.0;
        let mut turned_away = 0;
        loop {
            let wire = self.open_wire().await?;
            self.greeting.replace(wire.greeting());
            self.messages.replace(wire.messages());
            if turned_away == 0 {
                self.wait_for(format!("{}{SAYS_NOTHING}", self.place()));
            }
            let watcher = Watcher {
                host: self.host.clone(),
                learnt: Arc::clone(learnt),
            };
            let error = match client::connect_stream(Arc::clone(config), wire, watcher).await {
                Ok(handle) => return Ok(handle),
                Err(error) => error,
            };
            let refusal = learnt
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .refusal
                .take();
            match refusal {
                Some(Refusal::Refused(why)) => return Err(Failure::Unreachable(why)),
                Some(Refusal::LeftToClient(why)) => return Err(Failure::LeftToClient(why)),
                None => {}
            }
            if self.has_greeted() {
                return Err(self.describe_handshake(&error));
            }
            if matches!(self.covered.way, Way::Program(_)) {
                return Err(Failure::Unreachable(format!(
                    "its ProxyCommand ended before the server's greeting{}",
                    self.quote_program()
                )));
            }
            turned_away += 1;
            self.wait_for(format!(
                "{} turned {turned_away} connections away before its greeting; is its MaxStartups too low?",
                self.place()
            ));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// What went wrong after the greeting.
    fn describe_handshake(&self, error: &russh::Error) -> Failure {
        match error {
            // The client has algorithms that are not to be had here.
            russh::Error::NoCommonAlgo { kind, theirs, .. } => Failure::LeftToClient(format!(
                "the host has no {kind:?} algorithm in common with this program; it has {}",
                theirs.join(",")
            )),
            error => Failure::Unreachable(format!(
                "{} broke the handshake off: {}",
                self.place(),
                describe_loss(error)
            )),
        }
    }

    async fn open_wire(&self) -> Result<Wire, Failure> {
        let (host, port) = (&self.host.name, self.host.port);
        match &self.covered.way {
            Way::Direct => {
                let stream = self.open_tcp().await?;
                Wire::over_tcp(stream).map_err(|error| {
                    Failure::Unreachable(format!("{}: {}", self.place(), describe_input(&error)))
                })
            }
            Way::Program(text) => {
                self.wait_for("its ProxyCommand does not bring the server's greeting".to_owned());
                Wire::over_program(text).map_err(|error| {
                    Failure::Unreachable(format!("its ProxyCommand does not start: {error}"))
                })
            }
            Way::Jump(gate) => {
                let through = |why: String| format!("by its jump host {}: {why}", gate.host);
                let connection = self.gate.as_ref().expect("the way there was opened first");
                self.wait_for(through(format!("{} does not answer", self.place())));
                let opened = connection.open_stream(host, port).await;
                opened
                    .map(Wire::over_channel)
                    .map_err(|why| Failure::Unreachable(through(why)))
            }
        }
    }

    async fn open_tcp(&self) -> Result<TcpStream, Failure> {
        let mut last = None;
        let addresses = self.look_up().await?;
        // One that does not answer must not use up the time of the others.
        let share = self.limits.connect / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
        for address in addresses {
            self.wait_for(format!("{address} does not answer"));
            last = match tokio::time::timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => Some(format!("{address}: {}", describe_input(&error))),
                Err(_) => Some(format!(
                    "no connection within {}: {address} does not answer",
                    write_duration(share)
                )),
            };
        }
        let none = || format!("{} has no address", self.host.name);
        Err(Failure::Unreachable(last.unwrap_or_else(none)))
    }

    async fn look_up(&self) -> Result<Vec<SocketAddr>, Failure> {
        let (host, port) = (self.host.name.as_str(), self.host.port);
        self.wait_for(format!("the name {host} is being looked up"));
        // Each look-up of a name takes a thread while it lasts.
        let _turn = self.network.lookups.acquire().await;
        match lookup_host((host, port)).await {
            Ok(addresses) => Ok(addresses.collect()),
            Err(error) => Err(Failure::Unreachable(format!(
                "the name {host} has no address: {error}"
            ))),
        }
    }

    fn has_greeted(&self) -> bool {
        self.greeting.borrow().load(Ordering::Relaxed)
    }

    /// What was waited for in vain.
    fn describe_wait(&self) -> String {
        let waits_for = self.waits_for.borrow();
        match waits_for.strip_suffix(SAYS_NOTHING) {
            Some(place) if self.has_greeted() => format!("{place} greets and says no more"),
            _ => format!("{waits_for}{}", self.quote_program()),
        }
    }

    /// What the program has said that makes the connection: `: Connection refused`.
    fn quote_program(&self) -> String {
        let said = self.messages.borrow().as_ref().and_then(last_message);
        said.map_or_else(String::new, |said| format!(": {said}"))
    }

    fn wait_for(&self, what: String) {
        *self.waits_for.borrow_mut() = what;
    }

    /// Where the host's server is.
    fn place(&self) -> String {
        match self.host.name.contains(':') {
            true => format!("[{}]:{}", self.host.name, self.host.port),
            false => format!("{}:{}", self.host.name, self.host.port),
        }
    }
}
