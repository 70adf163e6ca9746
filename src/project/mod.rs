//! The façade: a script, its modules, its inventory and its options, loaded together.
//!
//! Whoever offers quorate to people (the command line, a prompt, an editor) holds a
//! [`Project`] and sees its plain results. Files are read here and nowhere above.
//!
//! May import: all rooms but `cli`.

mod error;
mod facade;
mod kept;
mod load;
mod options;
mod setting;
mod signals;
mod surroundings;
#[cfg(test)]
mod tests;
mod ways;

pub use error::ProjectError;
pub use facade::Project;
pub use kept::RunFolder;
pub use load::read_text;
pub use options::InventoryChoice;
pub use setting::Setting;
pub use ways::Ways;
