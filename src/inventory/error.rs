use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

/// What can be wrong with an inventory or a written set of nodes.
///
/// The variants with a `file` hold the text that their labels point into; where it is
/// optional, the inventory may have been built without one.
#[derive(Debug, Clone, Error, Diagnostic, PartialEq, Eq)]
pub enum InventoryError {
    /// A folded set of nodes is not well formed.
    #[error("`{text}` is not a set of nodes: {why}")]
    #[diagnostic(code(inventory::node_set), help("write a set such as node[01-16,20]"))]
    NodeSet {
        /// As written.
        #[source_code]
        text: String,
        /// What is wrong with it.
        why: String,
        /// Where in `text`.
        #[label("here")]
        at: SourceSpan,
    },

    /// A set in an inventory file is not well formed.
    #[error("`{text}` is not a set of nodes: {why}")]
    #[diagnostic(code(inventory::node_set), help("write a set such as node[01-16,20]"))]
    WrittenSet {
        /// As written.
        text: String,
        /// What is wrong with it.
        why: String,
        /// The inventory.
        #[source_code]
        file: Arc<NamedSource<String>>,
        /// Where in the file.
        #[label("here")]
        at: SourceSpan,
    },

    /// The file is not of its format, before anything in it is looked at.
    #[error("the inventory cannot be read: {why}")]
    #[diagnostic(code(inventory::unreadable))]
    Unreadable {
        /// What the reader of the format says.
        why: String,
        /// The inventory.
        #[source_code]
        file: Arc<NamedSource<String>>,
        /// Where in the file.
        #[label("here")]
        at: SourceSpan,
    },

    /// What a file says cannot be taken.
    #[error("{why}")]
    #[diagnostic(code(inventory::refused))]
    Refused {
        /// What is wrong.
        why: String,
        /// What to do about it.
        #[help]
        help: Option<String>,
        /// The file.
        #[source_code]
        file: Arc<NamedSource<String>>,
        /// Where in the file.
        #[label("here")]
        at: SourceSpan,
    },

    /// A file or folder cannot be read.
    #[error("`{path}` cannot be read: {why}")]
    #[diagnostic(code(inventory::not_read))]
    NotRead {
        /// Its path.
        path: String,
        /// Why not.
        why: String,
        /// What to do about it.
        #[help]
        help: Option<String>,
    },

    /// A program that is to print an inventory does not.
    #[error("`{command}` gives no inventory: {why}")]
    #[diagnostic(code(inventory::program_failed))]
    ProgramFailed {
        /// The program and its arguments.
        command: String,
        /// How it failed.
        why: String,
        /// What it said, or what to do about it.
        #[help]
        help: Option<String>,
    },

    /// A key that means nothing.
    #[error("`{key}` means nothing in {place}")]
    #[diagnostic(code(inventory::unknown_key))]
    UnknownKey {
        /// As written.
        key: String,
        /// Where it stands: `an inventory`, `a node`.
        place: String,
        /// What was meant, or what there is.
        #[help]
        help: String,
        /// The inventory.
        #[source_code]
        file: Arc<NamedSource<String>>,
        /// The key.
        #[label("not known")]
        at: SourceSpan,
    },

    /// A value that is not what its key takes.
    #[error("{what} must be {wanted}")]
    #[diagnostic(code(inventory::wrong_value))]
    WrongValue {
        /// Whose value: "`name`", "the address of `node1`".
        what: String,
        /// What it takes: "text", "text or a list of texts".
        wanted: String,
        /// The inventory.
        #[source_code]
        file: Arc<NamedSource<String>>,
        /// The value.
        #[label("this is {found}")]
        at: SourceSpan,
        /// What stands there.
        found: String,
    },

    /// The file does not name its cluster.
    #[error("the inventory does not say which cluster it is of")]
    #[diagnostic(
        code(inventory::no_name),
        help("begin it with a line such as: name = \"pcs1\"")
    )]
    NoName {
        /// The inventory.
        #[source_code]
        file: Arc<NamedSource<String>>,
        /// Its beginning.
        #[label("`name` is missing")]
        at: SourceSpan,
    },

    /// A node is described twice.
    #[error("`{host}` is described twice")]
    #[diagnostic(
        code(inventory::duplicate_host),
        help("take it out of one of the two sets, as in node[1-9]!node5")
    )]
    DuplicateHost {
        /// The node.
        host: String,
        /// The inventory.
        #[source_code]
        file: Arc<NamedSource<String>>,
        /// The first entry.
        #[label("once here")]
        first: SourceSpan,
        /// The second one.
        #[label("and again here")]
        second: SourceSpan,
    },

    /// A node occurs twice in a list of nodes.
    #[error("the inventory has two nodes called `{host}`")]
    #[diagnostic(code(inventory::duplicate_host), help("give each node a name of its own"))]
    SameHost {
        /// The node.
        host: String,
    },

    /// Something that only a single node can have is given to several.
    #[error("{count} nodes cannot share {what}")]
    #[diagnostic(
        code(inventory::shared_address),
        help("write one entry for each of them: [nodes.\"{example}\"]")
    )]
    SharedByEntry {
        /// `one address`, `aliases`.
        what: String,
        /// How many nodes the entry speaks of.
        count: usize,
        /// One of them.
        example: String,
        /// The inventory.
        #[source_code]
        file: Arc<NamedSource<String>>,
        /// The key.
        #[label("of all of them")]
        at: SourceSpan,
    },

    /// Two nodes answer to the same name, so that no output can be told apart.
    #[error("`{name}` would be both `{first}` and `{second}`")]
    #[diagnostic(
        code(inventory::shared_address),
        help("each name, alias and address belongs to one node")
    )]
    SharedName {
        /// The name, alias or address.
        name: String,
        /// One node.
        first: String,
        /// The other.
        second: String,
        /// The inventory, when it was read from a file.
        #[source_code]
        file: Option<Arc<NamedSource<String>>>,
        /// Where in the file.
        #[label("here")]
        at: Option<SourceSpan>,
    },

    /// A group names a node that is not in the inventory.
    #[error("group `{group}` has `{host}`, which is not in the inventory")]
    #[diagnostic(code(inventory::unknown_host))]
    UnknownHost {
        /// The group.
        group: String,
        /// The node.
        host: String,
        /// What was meant.
        #[help]
        help: Option<String>,
        /// The inventory, when it was read from a file.
        #[source_code]
        file: Option<Arc<NamedSource<String>>>,
        /// Where in the file.
        #[label("here")]
        at: Option<SourceSpan>,
    },

    /// Groups that hold each other.
    #[error("group `{group}` holds itself, by way of {chain}")]
    #[diagnostic(code(inventory::cyclic_group), help("write its nodes out in one of them"))]
    CyclicGroup {
        /// The group.
        group: String,
        /// Each in turn.
        chain: String,
        /// The inventory.
        #[source_code]
        file: Arc<NamedSource<String>>,
        /// Where it is used.
        #[label("here")]
        at: SourceSpan,
    },

    /// A name that cannot be one.
    #[error("{what} cannot be called `{name}`: {why}")]
    #[diagnostic(code(inventory::bad_name))]
    BadName {
        /// `the cluster`, `a node`, `a group`.
        what: String,
        /// As written.
        name: String,
        /// What is wrong with it.
        why: String,
        /// The inventory, when it was read from a file.
        #[source_code]
        file: Option<Arc<NamedSource<String>>>,
        /// Where in the file.
        #[label("here")]
        at: Option<SourceSpan>,
    },
}
