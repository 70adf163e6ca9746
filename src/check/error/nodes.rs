use miette::Diagnostic;
use thiserror::Error;

use crate::diagnostic::Span;

/// Nodes that are not in hand, or that are not there.
#[derive(Debug, Clone, Error, Diagnostic, PartialEq, Eq)]
pub enum NodeError {
    /// `$node` where no node is in hand.
    #[error("there is no node in hand here")]
    #[diagnostic(code(check::needs_node), help("{help}"))]
    NodeOutsideOn {
        /// Where.
        #[label("needs a node")]
        at: Span,
        /// What to write.
        help: String,
    },

    /// Something that needs a node, outside of `on`.
    #[error("{what} needs a node, and none is in hand here")]
    #[diagnostic(code(check::needs_node), help("{help}"))]
    NeedsNode {
        /// `` `stop` ``, `` guard `mounted` ``.
        what: String,
        /// Where.
        #[label("on which node?")]
        at: Span,
        /// What to write.
        help: String,
    },

    /// A bare `$node` inside of a nested `on`.
    #[error("`$node` could mean two nodes here")]
    #[diagnostic(
        code(check::ambiguous_node),
        help(
            "name the node that you mean where its `on` begins: `on each server of …`, then write `$server`"
        )
    )]
    AmbiguousNode {
        /// Where.
        #[label("of which `on`?")]
        at: Span,
        /// The outer one.
        #[label("this one's")]
        outer: Span,
        /// The inner one.
        #[label("or this one's")]
        inner: Span,
    },

    /// A set of nodes that is empty.
    #[error("{what} has no nodes")]
    #[diagnostic(
        code(check::empty_nodes),
        help("correct the set or the inventory; if it may be empty, write `, or none` before the `<`")
    )]
    EmptyNodes {
        /// `` group `s3_nodes` ``, `this set`.
        what: String,
        /// Where.
        #[label("not one node")]
        at: Span,
    },

    /// A set of nodes that cannot be read.
    #[error("{why}")]
    #[diagnostic(code(check::bad_nodes), help("write it as in `node[1-3,7]`"))]
    BadNodes {
        /// What is wrong.
        why: String,
        /// Where.
        #[label("here")]
        at: Span,
    },

    /// A service is acted upon where it does not run.
    #[error("{service} runs on none of these nodes")]
    #[diagnostic(code(check::not_its_nodes), help("write `on {group} …`, where it runs"))]
    NotItsNodes {
        /// The service.
        service: String,
        /// Its group.
        group: String,
        /// The act.
        #[label("acts on no node")]
        at: Span,
        /// The nodes.
        #[label("{nodes}")]
        on: Span,
        /// Folded.
        nodes: String,
    },
}
