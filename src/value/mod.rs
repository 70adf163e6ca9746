//! What expressions yield: values, their types and units, tables, and quoting.
//!
//! May import: `diagnostic`, `inventory`.

mod quote;
mod secret;
mod table;
mod truth;
mod types;
mod unit;
#[allow(clippy::module_inception)] // the room is named after its main type
mod value;

pub use quote::{CommandLine, as_root_text, quote};
pub use secret::Secret;
pub use table::{Row, Table};
pub use truth::Truth;
pub use types::{Column, Type};
pub use unit::{
    UnitError, Version, read_duration, read_percent, read_ratio, read_size, read_version, write_duration,
    write_size,
};
pub use value::{CommandText, Piece, Value, ValueError};
