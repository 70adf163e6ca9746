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

mod condition;
mod definition;
mod encode;
mod error;
mod expander;
mod expression;
mod function;
mod here;
mod lines;
mod names;
mod node_block;
mod role;
mod script;
mod service;
mod step;
mod word;

pub use encode::{awk_string, encode_value, inventory_tables};
pub use error::ExpandError;
pub use script::{Expansion, expand_plan};

/// The awk library: what the generated functions are made of.
fn awk_library() -> Vec<&'static str> {
    let mut texts = vec![
        include_str!("awk/arithmetic.awk"),
        include_str!("awk/ask.awk"),
        include_str!("awk/budget.awk"),
        include_str!("awk/compare.awk"),
        include_str!("awk/condition.awk"),
        include_str!("awk/expand_nodes.awk"),
        include_str!("awk/fact.awk"),
        include_str!("awk/kind.awk"),
        include_str!("awk/letters.awk"),
        include_str!("awk/nodes.awk"),
        include_str!("awk/number.awk"),
        include_str!("awk/program.awk"),
        include_str!("awk/read.awk"),
        include_str!("awk/show.awk"),
        include_str!("awk/table.awk"),
        include_str!("awk/text.awk"),
        include_str!("awk/value.awk"),
        include_str!("awk/column.awk"),
    ];
    texts.extend([include_str!("../library/awk/columns.awk"), include_str!("../library/awk/json.awk"), include_str!("../library/awk/list.awk"), include_str!("../library/awk/number.awk"), include_str!("../library/awk/table.awk"), include_str!("../library/awk/template.awk"), include_str!("../library/awk/text.awk")]);
    texts
}

/// The shell library: what keeps the order of things.
fn shell_library() -> Vec<&'static str> {
    vec![
        include_str!("shell/commands.sh"),
        include_str!("shell/flow.sh"),
        include_str!("shell/nodes.sh"),
        include_str!("shell/person.sh"),
        include_str!("shell/questions.sh"),
        include_str!("shell/services.sh"),
        include_str!("shell/start.sh"),
    ]
}
