//! The prompt for incidents: the same language, checker, guards and run, a line at a time.
//!
//! A thread waits for the keyboard; everything else is done by the thread that holds the
//! session, so that a cluster is asked one thing at a time.
//!
//! May import: `diagnostic`, `project`, and the plain types that a project gives out.

mod command;
mod complete;
mod conversation;
mod editor;
mod highlight;
mod keyboard;
mod page;
mod person;
mod prompt;
mod speech;
mod stage;
mod statement;

pub use conversation::{Manner, converse};
