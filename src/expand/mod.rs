//! What becomes of a plan as a plain POSIX shell script.
//!
//! The script's control flow is `sh`; whatever yields a value is awk: a library of functions
//! over the values of the language, each a string whose first character says what it is.
//! Nothing here runs a shell: texts come out.
//!
//! May import: `diagnostic`, `inventory`, `value`, `library`, `guard`, `check`, `evaluate`, `plan`.

mod awk;
mod encode;
mod inventory;

pub use awk::{library_for, whole_library};
pub use encode::{awk_string, encode_columns, encode_type, encode_value, export_value};
pub use inventory::inventory_tables;
