//! What is true of a simulated cluster, and how commands and time change it.

mod chunks;
mod clients;
mod declared;
mod fingerprint;
mod host;
mod inspection;
mod metadata;
mod replication;
mod servers;
mod service;
mod state;
mod vitals;

pub use chunks::ChunkState;
pub(super) use chunks::{CHUNK_SIZE, DISK_SIZE};
pub(super) use host::{Host, Process};
pub use inspection::{ChunkServerInspection, Inspection, MetadataInspection, NodeInspection};
pub(super) use metadata::{MetadataServer, read_version};
pub(super) use servers::{Activity, ChunkServer};
pub(super) use service::process_of;
pub(super) use state::World;
pub use vitals::Vitals;
