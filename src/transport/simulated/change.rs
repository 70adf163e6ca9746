//! What is unlike a healthy cluster: initial states and events of a shape.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::shape::{Shape, read_optional_length, write_optional_length};
use crate::inventory::NodeSet;
use crate::transport::ShapeError;

/// One deviation: an initial state, or an event `at` some time.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// When it happens; only for events.
    #[serde(
        default,
        deserialize_with = "read_optional_length",
        serialize_with = "write_optional_length",
        skip_serializing_if = "Option::is_none"
    )]
    pub at: Option<Duration>,
    /// The nodes it happens to, folded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// A service of these nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// One instance of the service, or the path that `holder` holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What becomes of the service, the disk or the SSD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<String>,
    /// A chunk server's repository whose disk is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<String>,
    /// The mount point of the SSD that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssd: Option<String>,
    /// `on` or `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power: Option<String>,
    /// Every network of the node: `up` or `down`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Its storage network alone: `up` or `down`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_network: Option<String>,
    /// The software installed and running on these nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The name of a process that holds `path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// The node whose metadata server becomes master.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master: Option<String>,
    /// How long the view lags from now on.
    #[serde(
        default,
        deserialize_with = "read_optional_length",
        serialize_with = "write_optional_length",
        skip_serializing_if = "Option::is_none"
    )]
    pub lag: Option<Duration>,
}

impl Shape {
    /// What a change does, one node after the other.
    pub(super) fn faults(&self, change: &Change) -> Result<Vec<Fault>, Flaw> {
        let mut faults = Vec::new();
        if let Some(lag) = change.lag {
            faults.push(Fault::Lag(lag));
        }
        if let Some(node) = &change.master {
            faults.push(Fault::Master {
                node: self.known(node)?,
            });
        }
        for node in change.nodes()? {
            faults.extend(change.on_node(&self.known(&node)?)?);
        }
        if faults.is_empty() {
            let help = "name a node and its service, disk, ssd, power, network, version or holder";
            return Err(flaw("a state or event that changes nothing".to_owned(), help));
        }
        Ok(faults)
    }

    fn known(&self, node: &str) -> Result<String, Flaw> {
        let names = self.node_names();
        match names.iter().find(|(name, _)| name == node) {
            Some(_) => Ok(node.to_owned()),
            None => Err(flaw(
                format!("no node `{node}` in [nodes]"),
                "name a node of the shape",
            )),
        }
    }
}

impl Change {
    fn nodes(&self) -> Result<Vec<String>, Flaw> {
        let Some(set) = &self.node else {
            return Ok(Vec::new());
        };
        let nodes = NodeSet::expand(set).map_err(|error| Flaw {
            why: error.to_string(),
            help: None,
        })?;
        Ok(nodes.iter().map(ToString::to_string).collect())
    }

    fn on_node(&self, node: &str) -> Result<Vec<Fault>, Flaw> {
        let node = node.to_owned();
        let mut faults = Vec::new();
        if let Some(service) = &self.service {
            faults.push(self.on_service(node.clone(), service.clone())?);
        } else if let Some(repository) = &self.disk {
            choose("disk", self.is.as_deref(), &["failed"])?;
            faults.push(Fault::DiskFails {
                node: node.clone(),
                repository: repository.clone(),
            });
        } else if let Some(mount) = &self.ssd {
            choose("ssd", self.is.as_deref(), &["failed"])?;
            faults.push(Fault::SsdFails {
                node: node.clone(),
                mount: mount.clone(),
            });
        }
        faults.extend(self.switches(&node)?);
        if let Some(version) = &self.version {
            faults.push(Fault::Version {
                node: node.clone(),
                version: version.clone(),
            });
        }
        if let Some(command) = &self.holder {
            let Some(path) = &self.path else {
                return Err(flaw(
                    "a holder without a path".to_owned(),
                    "write path = \"/pstorage/pcs1\"",
                ));
            };
            faults.push(Fault::Holder {
                node,
                command: command.clone(),
                path: path.clone(),
            });
        }
        Ok(faults)
    }

    /// What is switched on or off.
    fn switches(&self, node: &str) -> Result<Vec<Fault>, Flaw> {
        let mut faults = Vec::new();
        if self.power.is_some() {
            let on = choose("power", self.power.as_deref(), &["off", "on"])? == 1;
            faults.push(Fault::Power {
                node: node.to_owned(),
                on,
            });
        }
        if self.network.is_some() {
            let up = choose("network", self.network.as_deref(), &["down", "up"])? == 1;
            faults.push(Fault::Network {
                node: node.to_owned(),
                up,
            });
        }
        if self.storage_network.is_some() {
            let up = choose(
                "storage_network",
                self.storage_network.as_deref(),
                &["down", "up"],
            )? == 1;
            faults.push(Fault::StorageNetwork {
                node: node.to_owned(),
                up,
            });
        }
        Ok(faults)
    }

    fn on_service(&self, node: String, service: String) -> Result<Fault, Flaw> {
        let states = ["stopped", "running", "absent", "broken"];
        Ok(match choose("service", self.is.as_deref(), &states)? {
            0 => Fault::ServiceStops {
                node,
                service,
                path: self.path.clone(),
            },
            1 => Fault::ServiceStarts {
                node,
                service,
                path: self.path.clone(),
            },
            2 => Fault::ServiceAbsent { node, service },
            _ => Fault::ServiceBreaks { node, service },
        })
    }
}

/// What does not fit, before the file's name is put to it.
pub(super) struct Flaw {
    pub why: String,
    pub help: Option<String>,
}

impl Flaw {
    /// The error, with the file's name put to it.
    pub fn in_file(self, name: &str) -> ShapeError {
        ShapeError::Senseless {
            name: name.to_owned(),
            why: self.why,
            help: self.help,
        }
    }
}

/// A flaw, and what to write instead.
pub(super) fn flaw(why: String, help: &str) -> Flaw {
    Flaw {
        why,
        help: Some(help.to_owned()),
    }
}

fn choose(what: &str, given: Option<&str>, known: &[&str]) -> Result<usize, Flaw> {
    let help = format!("write {}", known.join(" or "));
    let Some(given) = given else {
        return Err(flaw(format!("`{what}` without `is`"), &help));
    };
    known
        .iter()
        .position(|word| *word == given)
        .ok_or_else(|| flaw(format!("`{what}` cannot be `{given}`"), &help))
}
