//! Nodes, groups of them, and how sets of them are named.
//!
//! May import: `diagnostic`.

mod cluster;
mod error;
mod node;
mod nodeset;

pub use cluster::Inventory;
pub use error::InventoryError;
pub use node::{Node, NodeName};
pub use nodeset::NodeSet;
