//! The shell expander: `Plan` → one POSIX `sh` script that does the same without quorate.
//!
//! What is done to which node stands in the script as plain `ssh NODE 'command'` lines, in the
//! order of execution. What computes a value (facts, guards, conditions, filters) is an awk
//! program that the script carries along: functions written for this runbook, and the library
//! in `awk/` and beside each filter. What keeps the order of things is in `shell/`. A script
//! takes along only what it uses.
//!
//! What is known before the run is computed here by the evaluator itself; the rest is put as a
//! numbered question to the awk program.
//!
//! May import: `diagnostic`, `inventory`, `value`, `syntax`, `library`, `guard`, `check`,
//! `evaluate`, `plan`.

mod awk;
mod condition;
mod definition;
mod encode;
mod error;
mod expander;
mod expression;
mod function;
mod here;
mod inventory;
mod lines;
mod lock;
mod losing;
mod names;
mod node_block;
mod own;
mod pipeline;
mod role;
mod script;
mod service;
mod step;
mod verb;
mod word;

pub use awk::{library_for, whole_library};
pub use encode::{awk_string, encode_columns, encode_type, encode_value, export_value};
pub use error::ExpandError;
pub use inventory::inventory_tables;
pub use script::{Expansion, expand_plan};

/// What a line of the library ends with that a script without the maintenance lock leaves out.
const WITH_LOCK: &str = " # with the lock";

/// The shell library: what keeps the order of things.
fn shell_library(with_lock: bool) -> Vec<String> {
    let mut parts = vec![
        include_str!("shell/commands.sh"),
        include_str!("shell/flow.sh"),
        include_str!("shell/nodes.sh"),
        include_str!("shell/person.sh"),
        include_str!("shell/questions.sh"),
        include_str!("shell/services.sh"),
        include_str!("shell/start.sh"),
    ];
    if with_lock {
        parts.push(include_str!("shell/lock.sh"));
    }
    let choose = |line: &'static str| match line.strip_suffix(WITH_LOCK) {
        Some(line) => with_lock.then_some(line),
        None => Some(line),
    };
    let write = |text: &'static str| {
        let lines: Vec<&str> = text.lines().filter_map(choose).collect();
        lines.join("\n") + "\n"
    };
    parts.into_iter().map(write).collect()
}
