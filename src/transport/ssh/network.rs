//! All connections of a run: each made once, kept open, and closed at the end.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, Shared};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::client::{Client, Target};
use super::configuration::Configuration;
use super::connection::Connection;
use super::coverage::{Covered, cover, shared_connection};
use super::establish::{Limits, establish};
use super::failure::{Failure, Lost};
use super::identity::KeyFiles;
use super::known_hosts::KnownHosts;
use super::openssh::Master;
use super::reply::Reply;
use crate::inventory::SshSettings;
use crate::transport::Secrets;
use crate::value::Secret;

/// How long a connection may take when nobody says how long.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long a host may be silent until it is asked whether it lives.
const ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// How many names are looked up at once.
const MOST_LOOKUPS: usize = 16;
/// How many masters of `ssh` are started at once.
const MOST_MASTERS: usize = 16;
/// How many hosts may be jumped over one after the other.
const LONGEST_CHAIN: usize = 8;

/// A connection to a host, of one kind or the other.
#[derive(Clone)]
pub(super) enum Link {
    /// Made in this process.
    Own(Rc<Connection>),
    /// Made by the system's `ssh`.
    Client(Rc<Master>),
}

/// What has become of the connection to a host.
enum Slot {
    Opening(Shared<LocalBoxFuture<'static, Result<Link, String>>>),
    Open(Link),
}

/// The connections, and what they are made with.
pub(super) struct Network {
    pub known_hosts: KnownHosts,
    pub key_files: KeyFiles,
    pub lookups: Semaphore,
    client: Client,
    settings: SshSettings,
    slots: RefCell<HashMap<Target, Slot>>,
    folder: RefCell<Option<TempDir>>,
    masters: Semaphore,
    master_count: Cell<usize>,
    /// Told, once for each host, why it is left to `ssh`.
    tell: Box<dyn Fn(&str)>,
}

impl Network {
    /// Begins without a connection.
    pub fn new(settings: SshSettings, secrets: Rc<dyn Secrets>, tell: Box<dyn Fn(&str)>) -> Network {
        Network {
            known_hosts: KnownHosts::default(),
            key_files: KeyFiles::new(secrets),
            lookups: Semaphore::new(MOST_LOOKUPS),
            client: Client::new(settings.config.clone()),
            settings,
            slots: RefCell::default(),
            folder: RefCell::default(),
            masters: Semaphore::new(MOST_MASTERS),
            master_count: Cell::new(0),
            tell,
        }
    }

    /// Who logs in to a host.
    ///
    /// # Errors
    ///
    /// Why the configuration does not tell.
    pub async fn user(&self, target: &Target) -> Result<String, String> {
        Ok(self.client.ask(target).await?.user().to_owned())
    }

    /// The connection to a host: the one that is open, or a new one. All who ask while it is
    /// being made wait for the same one.
    ///
    /// `chain` are the hosts that are reached through this one.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub async fn open(self: &Rc<Self>, target: &Target, chain: &[Target]) -> Result<Link, String> {
        let known = match self.slots.borrow().get(target) {
            Some(Slot::Open(link)) if link.is_open() => return Ok(link.clone()),
            Some(Slot::Opening(_)) if chain.contains(target) || chain.len() > LONGEST_CHAIN => {
                return Err("the jump hosts lead in a circle (ProxyJump)".to_owned());
            }
            Some(Slot::Opening(opening)) => Some(opening.clone()),
            _ => None,
        };
        let opening = known.unwrap_or_else(|| {
            let (network, target, mut chain) = (Rc::clone(self), target.clone(), chain.to_vec());
            let of = target.clone();
            let opening = async move {
                chain.push(target.clone());
                let made = network.make(&target, &chain).await;
                let mut slots = network.slots.borrow_mut();
                match &made {
                    Ok(link) => slots.insert(target, Slot::Open(link.clone())),
                    Err(_) => slots.remove(&target),
                };
                made
            };
            let opening = opening.boxed_local().shared();
            self.slots.borrow_mut().insert(of, Slot::Opening(opening.clone()));
            opening
        });
        opening.await
    }

    /// Forgets a connection that has turned out to be dead.
    pub fn drop_link(&self, target: &Target, dead: &Link) {
        let mut slots = self.slots.borrow_mut();
        if matches!(slots.get(target), Some(Slot::Open(link)) if link.is_same(dead)) {
            slots.remove(target);
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        let slots: Vec<Slot> = self.slots.borrow_mut().drain().map(|(_, slot)| slot).collect();
        let closing = slots.iter().map(|slot| async move {
            match slot {
                Slot::Open(Link::Own(connection)) => connection.close().await,
                Slot::Open(Link::Client(master)) => master.close().await,
                Slot::Opening(_) => {}
            }
        });
        futures_util::future::join_all(closing).await;
        // A folder that cannot be removed holds nothing but sockets without an owner.
        drop(self.folder.borrow_mut().take());
    }

    async fn make(self: &Rc<Self>, target: &Target, chain: &[Target]) -> Result<Link, String> {
        let configuration = self.client.ask(target).await?;
        let limits = self.limits(&configuration);
        match self.make_own(&configuration, limits, chain).await {
            Ok(link) => Ok(link),
            Err(Failure::LeftToClient(why)) => {
                (self.tell)(&format!("{}: left to the system's ssh: {why}", target.host));
                if let Some(socket) = shared_connection(&configuration)
                    && let Some(master) = Master::join(socket).await
                {
                    return Ok(Link::Client(Rc::new(master)));
                }
                let _turn = self.masters.acquire().await;
                let number = self.master_count.replace(self.master_count.get() + 1);
                let folder = self.folder()?;
                let master = Master::start(&self.client, target, limits, &folder, number).await?;
                Ok(Link::Client(Rc::new(master)))
            }
            Err(Failure::Unreachable(why)) => Err(why),
            Err(Failure::NeedsPassphrase(path)) => Err(format!("the key {} stays locked", path.display())),
        }
    }

    async fn make_own(
        self: &Rc<Self>,
        configuration: &Configuration,
        limits: Limits,
        chain: &[Target],
    ) -> Result<Link, Failure> {
        let left = |why: &str| Err(Failure::LeftToClient(why.to_owned()));
        if self.settings.is_openssh_forced {
            return left("as the inventory or --ssh says");
        }
        if shared_connection(configuration).is_some() {
            return left("a shared connection is open there (ControlPath)");
        }
        let covered: Covered = match cover(configuration, self.client.home()) {
            Ok(covered) => covered,
            Err(wanted) => return left(&format!("its configuration wants {wanted}")),
        };
        // Each passphrase is asked for once, while no limit runs; then the key is ready or of no use.
        for _ in 0..=covered.identities.len() {
            match establish(self, configuration, &covered, limits, chain).await {
                Err(Failure::NeedsPassphrase(path)) => self.key_files.unlock(&path).await,
                made => return Ok(Link::Own(Rc::new(made?))),
            }
        }
        Err(Failure::Unreachable("its keys stay locked".to_owned()))
    }

    fn limits(&self, configuration: &Configuration) -> Limits {
        let of_inventory = self.settings.connect_limit;
        let connect = of_inventory
            .or(configuration.connect_limit())
            .unwrap_or(CONNECT_LIMIT);
        match (self.settings.alive_interval, configuration.alive_interval()) {
            (None, Some(alive_interval)) => Limits {
                connect,
                alive_interval,
                alive_count: configuration.alive_count(),
            },
            (of_inventory, _) => Limits {
                connect,
                alive_interval: of_inventory.unwrap_or(ALIVE_INTERVAL),
                alive_count: 3,
            },
        }
    }

    /// The folder of sockets, which nobody else can look into.
    fn folder(&self) -> Result<std::path::PathBuf, String> {
        let mut folder = self.folder.borrow_mut();
        let folder = match &mut *folder {
            Some(folder) => folder,
            none => {
                let made = tempfile::Builder::new().prefix("quorate-").tempdir();
                none.insert(made.map_err(|error| format!("there is no temporary folder: {error}"))?)
            }
        };
        Ok(folder.path().to_path_buf())
    }
}

impl Link {
    /// Whether it still stands, as far as is known.
    fn is_open(&self) -> bool {
        match self {
            Link::Own(connection) => connection.is_open(),
            Link::Client(_) => true,
        }
    }

    fn is_same(&self, other: &Link) -> bool {
        match (self, other) {
            (Link::Own(one), Link::Own(other)) => Rc::ptr_eq(one, other),
            (Link::Client(one), Link::Client(other)) => Rc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Carries out what is sent, at most for `limit`.
    ///
    /// # Errors
    ///
    /// [`Lost`].
    pub async fn run(
        &self,
        sent: &str,
        reply: Reply,
        input: Option<&Secret>,
        limit: Duration,
    ) -> Result<Reply, Lost> {
        match self {
            Link::Own(connection) => connection.run(sent, reply, input, limit).await,
            Link::Client(master) => master.run(sent, reply, input, limit).await,
        }
    }
}
