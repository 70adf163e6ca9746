//! Real hosts, by ssh.
//!
//! What a host's configuration means is asked of the real client (`client`), once for hosts that
//! it cannot tell apart (`classes`). What of it this process covers (`coverage`), it does by
//! itself: one connection a host (`establish`), a channel a command (`connection`). Everything
//! else is left to the system's `ssh`, host by host (`openssh`).
//!
//! A command has one of three ends. Whatever goes wrong before it is sent means that it did not
//! run; so does a login shell that ends before the mark which `sh` writes first (`text`).
//! Whatever goes wrong afterwards means that nobody can tell.

mod authenticate;
mod classes;
mod client;
mod configuration;
mod connection;
mod coverage;
mod establish;
mod failure;
mod host_key;
mod identity;
mod known_hosts;
mod network;
mod openssh;
mod pattern;
mod reply;
mod stream;
mod text;

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::{LocalTransport, Outcome, Request, Secrets, Tee, Transport, TransportError};
use crate::inventory::{Inventory, Node, NodeName, SshSettings};
use crate::value::{CommandLine, Secret, write_duration};
use client::Target;
use failure::Lost;
use network::Network;
use reply::Reply;
use text::{As, LONGEST, new_mark, write_sent};

/// How often the password of `sudo` is asked for.
const ATTEMPTS: usize = 3;

/// How hosts are reached, beside what the inventory says.
pub struct SshOptions {
    /// The inventory's ways, with those of the command line over them.
    pub settings: SshSettings,
    /// Who is asked for passphrases and for the password of `sudo`.
    pub secrets: Rc<dyn Secrets>,
    /// Is told, once for each host, why its connection is left to the system's `ssh`.
    pub tell: Box<dyn Fn(&str)>,
    /// Where the output of commands goes beside the one who asked for it.
    pub tee: Arc<Tee>,
}

/// Carries commands out on the nodes of an inventory, and on this machine.
pub struct SshTransport {
    inventory: Arc<Inventory>,
    network: Rc<Network>,
    local: LocalTransport,
    secrets: Rc<dyn Secrets>,
    /// The password of `sudo`, once it was asked for.
    password: OnceCell<Result<Secret, String>>,
    /// The hosts that have taken it.
    proved: RefCell<HashSet<String>>,
    mark: String,
    tee: Arc<Tee>,
}

impl SshTransport {
    /// Stands before the nodes of an inventory; nothing is connected yet.
    pub fn new(inventory: Arc<Inventory>, options: SshOptions) -> SshTransport {
        let secrets = Rc::clone(&options.secrets);
        SshTransport {
            inventory,
            network: Rc::new(Network::new(options.settings, options.secrets, options.tell)),
            local: LocalTransport::new(Arc::clone(&options.tee)),
            secrets,
            password: OnceCell::new(),
            proved: RefCell::default(),
            mark: new_mark(),
            tee: options.tee,
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.network.close().await;
    }

    /// Whether a node is this machine: the inventory says so, or it has this machine's name and
    /// nothing is said of a login.
    fn is_here(&self, name: &NodeName, node: Option<&Node>) -> bool {
        let Some(node) = node else {
            return self.local.is_here(name);
        };
        let login = &node.login;
        let is_told = node.address.is_some()
            || login.port.is_some()
            || login.user.is_some()
            || login.identity.is_some()
            || !login.arguments.is_empty();
        login.is_local || (!is_told && self.local.is_here(name))
    }

    async fn carry_out_there(&self, target: &Target, request: &Request) -> Result<Outcome, Lost> {
        let mut who = As::Login;
        if request.as_root && self.network.user(target).await.map_err(Lost::NotRun)? != "root" {
            who = As::Root;
        }
        let reply = self.send(target, request, who, request.input.as_ref()).await?;
        if who == As::Login || !reply.wants_password() {
            return reply.judge();
        }
        let password = self.prove_password(target, request, &reply).await?;
        let rest = request.input.as_ref().map_or("", |input| input.reveal());
        let input = Secret::new(format!("{}\n{rest}", password.reveal()));
        let reply = self
            .send(target, request, As::RootByPassword, Some(&input))
            .await?;
        if reply.wants_password() {
            return Err(Lost::NotRun(format!(
                "sudo refuses the password: {}",
                last_line(&reply)
            )));
        }
        reply.judge()
    }

    /// The password of `sudo`, which this host has taken: it is tried before anything is sent behind
    /// it, for `sudo` would take that for further passwords.
    ///
    /// The first host to want one tries what is typed, before others do: so a slip of the hand is
    /// one failed login, and not one on each host.
    async fn prove_password(
        &self,
        target: &Target,
        request: &Request,
        refusal: &Reply,
    ) -> Result<Secret, Lost> {
        let asked = self.password.get_or_init(|| async {
            let mut said = last_line(refusal);
            for _ in 0..ATTEMPTS {
                let Some(password) = self.secrets.ask("Password for sudo on the nodes: ").await else {
                    return Err(format!("sudo wants a password, and none was given: {said}"));
                };
                match self.try_password(target, request, &password).await {
                    Ok(None) => {
                        self.proved.borrow_mut().insert(target.host.clone());
                        return Ok(password);
                    }
                    Ok(Some(why)) => said = why,
                    Err(Lost::Stale(why) | Lost::NotRun(why) | Lost::Unknown(why)) => return Err(why),
                    Err(Lost::Late) => return Err("sudo does not answer in time".to_owned()),
                }
            }
            Err(format!("sudo refuses the password: {said}"))
        });
        let password = asked.await.clone().map_err(Lost::NotRun)?;
        let is_proved = self.proved.borrow().contains(&target.host);
        if !is_proved {
            if let Some(why) = self.try_password(target, request, &password).await? {
                return Err(Lost::NotRun(format!("sudo refuses the password: {why}")));
            }
            self.proved.borrow_mut().insert(target.host.clone());
        }
        Ok(password)
    }

    /// Has `sudo` do nothing with a password; what it says when it refuses.
    async fn try_password(
        &self,
        target: &Target,
        request: &Request,
        password: &Secret,
    ) -> Result<Option<String>, Lost> {
        let nothing = Request {
            command: CommandLine::from_quoted("true"),
            input: None,
            ..request.clone()
        };
        let input = Secret::new(format!("{}\n", password.reveal()));
        let reply = self
            .send(target, &nothing, As::RootByPassword, Some(&input))
            .await?;
        Ok(reply.wants_password().then(|| last_line(&reply)))
    }

    /// Sends a command; a connection that is found dead before it is sent is made anew, once.
    async fn send(
        &self,
        target: &Target,
        request: &Request,
        who: As,
        input: Option<&Secret>,
    ) -> Result<Reply, Lost> {
        let sent = write_sent(request.command.as_str(), &self.mark, who);
        if sent.len() > LONGEST {
            return Err(Lost::NotRun(format!(
                "the command is {} bytes long as it is sent; a host takes {LONGEST}",
                sent.len()
            )));
        }
        let mut is_second = false;
        loop {
            let link = self.network.open(target, &[]).await.map_err(Lost::NotRun)?;
            let reply = Reply::new(&self.mark, &self.tee, request.node.as_ref());
            match link.run(&sent, reply, input, request.limit).await {
                Err(Lost::Stale(why)) => {
                    self.network.drop_link(target, &link);
                    if is_second {
                        return Err(Lost::NotRun(why));
                    }
                    is_second = true;
                }
                ended => return ended,
            }
        }
    }
}

#[async_trait(?Send)]
impl Transport for SshTransport {
    async fn carry_out(&self, request: &Request) -> Result<Outcome, TransportError> {
        let Some(name) = &request.node else {
            return self.local.carry_out(request).await;
        };
        let node = self.inventory.node(name.as_str());
        if self.is_here(name, node) {
            return self.local.carry_out_here(request).await;
        }
        let ended = self.carry_out_there(&aim(name, node), request).await;
        ended.map_err(|lost| tell(lost, name, request.limit))
    }
}

/// The words after `ssh` that reach a node: options, and the host last.
pub fn ssh_words(name: &NodeName, node: Option<&Node>) -> Vec<String> {
    let Target { host, mut options } = aim(name, node);
    options.push(host);
    options
}

/// What `ssh` is told of a node.
fn aim(name: &NodeName, node: Option<&Node>) -> Target {
    let address = node.and_then(|node| node.address.clone());
    let mut options = Vec::new();
    if let Some(node) = node {
        let login = &node.login;
        let port = login.port.map(|port| port.to_string());
        for (flag, value) in [("-p", &port), ("-l", &login.user), ("-i", &login.identity)] {
            if let Some(value) = value {
                options.extend([flag.to_owned(), value.clone()]);
            }
        }
        options.extend(login.arguments.iter().cloned());
    }
    Target {
        host: address.unwrap_or_else(|| name.to_string()),
        options,
    }
}

/// The outcome that is none, as the rooms above know it.
fn tell(lost: Lost, node: &NodeName, limit: Duration) -> TransportError {
    let node = node.to_string();
    match lost {
        Lost::Stale(why) | Lost::NotRun(why) => TransportError::Unreachable { node, why },
        Lost::Unknown(why) => TransportError::Unknown {
            node,
            why,
            is_late: false,
        },
        Lost::Late => TransportError::Unknown {
            node,
            why: format!("it took longer than {}", write_duration(limit)),
            is_late: true,
        },
    }
}

/// The last thing that `sudo` said.
fn last_line(reply: &Reply) -> String {
    let said = reply.errors.noise();
    said.trim().lines().next_back().unwrap_or_default().to_owned()
}
