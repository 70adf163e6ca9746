//! Who holds a cluster: the maintenance lock.
//!
//! A lock lives on *seats*, where two machines that work on one cluster both see it: on a fixed
//! set of the cluster's own nodes (`nodes`), of which a majority must hold it, or in etcd
//! (`etcd`), which is one seat. What is done on a seat is decided there in one go; `held` takes
//! the lock on the seats, keeps it, and gives it back.
//!
//! No two clocks are ever compared. How old a lock is, its seat says by its own clock. A holder
//! begins a change only while its last renewal, counted from when it was sent, is younger than
//! the lease; whoever takes a lock over that is younger waits until a lease has passed.
//!
//! May import: `diagnostic`, `inventory`, `value`, `library`, `transport`.

mod error;
mod etcd;
mod fenced;
mod held;
mod holder;
mod nodes;
mod seat;
mod survey;
#[cfg(test)]
mod tests;

pub use error::LockError;
pub use etcd::EtcdSeat;
pub use fenced::FencedTransport;
pub use held::{Claim, MaintenanceLock, Taken, is_of_lock, seat_limit};
pub use holder::{Holder, HolderKind};
pub use nodes::NodeSeats;
pub use seat::{Action, Age, Reply, Seats};
pub use survey::Sighting;
