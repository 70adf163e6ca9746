//! Nodes, groups of them, and how sets of them are named.
//!
//! May import: `diagnostic`.

mod cluster;
mod error;
mod fold;
mod lock;
mod node;
mod nodeset;
mod range;
mod read;

pub use cluster::{ALL_NODES, Inventory, SshSettings, describe_inventory, write_inventory};
pub use error::InventoryError;
pub use lock::{LOCK_GROUP, LockSettings};
pub use node::{Login, Node, NodeName};
pub use nodeset::NodeSet;
pub use read::{Found, Surroundings, read_inventory, read_inventory_at};
