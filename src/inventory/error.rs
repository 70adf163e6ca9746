use miette::Diagnostic;
use thiserror::Error;

/// What can be wrong with an inventory or a written set of nodes.
#[derive(Debug, Error, Diagnostic, PartialEq, Eq)]
pub enum InventoryError {
    /// A folded set of nodes is not well formed.
    #[error("`{text}` is not a set of nodes: {why}")]
    #[diagnostic(code(inventory::node_set), help("write a set such as node[01-16,20]"))]
    NodeSet {
        /// As written.
        text: String,
        /// What is wrong with it.
        why: String,
    },
}
