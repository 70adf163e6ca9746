use miette::Diagnostic;
use thiserror::Error;

use crate::diagnostic::Span;
use crate::inventory::Inventory;

/// Names that mean nothing, two things, or what they should not.
#[derive(Debug, Clone, Error, Diagnostic, PartialEq, Eq)]
pub enum NameError {
    /// A `$name` that nothing defines.
    #[error("there is no `${name}` here")]
    #[diagnostic(code(check::unknown_variable))]
    UnknownVariable {
        /// Without the `$`.
        name: String,
        /// Where it is used.
        #[label("not defined")]
        at: Span,
        /// What to write instead.
        #[help]
        help: Option<String>,
    },

    /// `$row.column`, or `$node.rack`, where there is none.
    #[error("{owner} has no `{field}`")]
    #[diagnostic(code(check::unknown_column))]
    UnknownField {
        /// `` `$server` ``, `a node of the inventory`.
        owner: String,
        /// What was asked for.
        field: String,
        /// Where.
        #[label("no such column")]
        at: Span,
        /// What there is.
        #[help]
        help: Option<String>,
    },

    /// A variable that the inventory has for a node, and that cannot be read here.
    #[error("what the inventory has as `{name}` of `{node}` is {what}")]
    #[diagnostic(
        code(check::withheld_variable),
        help("write the value out in the inventory, for every node that has it")
    )]
    WithheldVariable {
        /// The variable.
        name: String,
        /// One of the nodes.
        node: String,
        /// What its value is: `a template of Ansible`.
        what: String,
        /// Where it is used.
        #[label("not known here")]
        at: Span,
    },

    /// A column that a table does not have.
    #[error("there is no column `{name}`")]
    #[diagnostic(code(check::unknown_column))]
    UnknownColumn {
        /// The column.
        name: String,
        /// Where.
        #[label("no such column")]
        at: Span,
        /// What there is.
        #[help]
        help: Option<String>,
    },

    /// A bare name in an expression that means nothing.
    #[error("there is no {kinds} `{name}`")]
    #[diagnostic(code(check::unknown_name))]
    UnknownName {
        /// `column, fact or group`.
        kinds: String,
        /// As written.
        name: String,
        /// Where.
        #[label("not known")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A word at the start of a statement that is no verb.
    #[error("there is no verb `{name}`")]
    #[diagnostic(code(check::unknown_verb))]
    UnknownVerb {
        /// As written.
        name: String,
        /// Where.
        #[label("not known")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A guard that nothing declares.
    #[error("there is no guard `{name}`")]
    #[diagnostic(code(check::unknown_guard))]
    UnknownGuard {
        /// As written.
        name: String,
        /// Where.
        #[label("not known")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A service that nothing declares.
    #[error("there is no service `{name}`")]
    #[diagnostic(code(check::unknown_service))]
    UnknownService {
        /// As written.
        name: String,
        /// Where.
        #[label("not a declared service")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A group that the inventory does not have.
    #[error("cluster {cluster} has no group or node `{name}`")]
    #[diagnostic(code(check::unknown_group))]
    UnknownGroup {
        /// The cluster's name.
        cluster: String,
        /// As written.
        name: String,
        /// Where.
        #[label("not in the inventory")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A node that the inventory does not have.
    #[error("cluster {cluster} has no node `{name}`")]
    #[diagnostic(code(check::unknown_node))]
    UnknownNode {
        /// The cluster's name.
        cluster: String,
        /// As written.
        name: String,
        /// Where.
        #[label("not in the inventory")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A filter that the language does not have.
    #[error("there is no filter `{name}`")]
    #[diagnostic(code(check::unknown_filter))]
    UnknownFilter {
        /// As written.
        name: String,
        /// Where.
        #[label("not known")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// `key=value` where there is no such key.
    #[error("{what} has no parameter `{name}`")]
    #[diagnostic(code(check::unknown_parameter))]
    UnknownParameter {
        /// `` guard `quorum` ``.
        what: String,
        /// The key.
        name: String,
        /// Where.
        #[label("not a parameter")]
        at: Span,
        /// What there is.
        #[help]
        help: Option<String>,
    },

    /// A name that two modules share.
    #[error("`{name}` is in {modules}")]
    #[diagnostic(code(check::ambiguous_name), help("write {choices}"))]
    AmbiguousName {
        /// As written.
        name: String,
        /// `` `etcd` and `pstorage` ``.
        modules: String,
        /// `` `etcd.healthy` or `pstorage.healthy` ``.
        choices: String,
        /// Where.
        #[label("which of them?")]
        at: Span,
    },

    /// Something declared twice.
    #[error("{what} `{name}` is declared twice")]
    #[diagnostic(
        code(check::duplicate_name),
        help("give one of the two another name, or delete it")
    )]
    DuplicateName {
        /// `guard`, `fact`, …
        what: &'static str,
        /// The name.
        name: String,
        /// The second one.
        #[label("again here")]
        at: Span,
        /// The first one.
        #[label("first here")]
        first: Span,
    },

    /// A name that hides another one.
    #[error("`${name}` would hide another `${name}`")]
    #[diagnostic(
        code(check::shadowed_name),
        help("a value is set once and keeps its name; choose another name here")
    )]
    ShadowedName {
        /// Without the `$`.
        name: String,
        /// The new one.
        #[label("named again here")]
        at: Span,
        /// The hidden one, where it stands in a text.
        #[label("first here")]
        first: Option<Span>,
    },

    /// A definition that has the name of a used module's.
    #[error("this {what} `{name}` would hide that of module `{module}`")]
    #[diagnostic(code(check::shadowed_name), help("{help}"))]
    ShadowedDefinition {
        /// `service`, `guard`, …
        what: &'static str,
        /// The name.
        name: String,
        /// Whose it is already.
        module: String,
        /// The new one.
        #[label("declared again here")]
        at: Span,
        /// The module's.
        #[label("first here")]
        first: Span,
        /// What to do.
        help: String,
    },

    /// A name that the language sets itself.
    #[error("`${name}` is set by the language")]
    #[diagnostic(code(check::shadowed_name), help("choose another name here"))]
    ReservedName {
        /// Without the `$`.
        name: String,
        /// Where it is taken.
        #[label("cannot be set again")]
        at: Span,
    },

    /// A name that nothing uses.
    #[error("{what} `{name}` is never used")]
    #[diagnostic(code(check::unused_name), severity(Warning), help("{help}"))]
    UnusedName {
        /// `value`, `parameter`, `guard`, …
        what: &'static str,
        /// The name.
        name: String,
        /// Where it is given.
        #[label("not used after this")]
        at: Span,
        /// What to do.
        help: String,
    },

    /// Two questions that one `--answer` would answer.
    #[error("two questions are called `{name}`")]
    #[diagnostic(
        code(check::question_twice),
        help("give each a name of its own: one `--answer {name}=yes` would answer both")
    )]
    QuestionTwice {
        /// The name after `as`.
        name: String,
        /// The second one.
        #[label("again here")]
        at: Span,
        /// The first one.
        #[label("first here")]
        first: Span,
    },
}

impl NameError {
    /// The error that a variable cannot be read for one of the nodes, if so.
    pub(in crate::check) fn withheld(inventory: &Inventory, name: &str, at: Span) -> Option<NameError> {
        let (node, what) = inventory.withheld(name)?;
        Some(NameError::WithheldVariable {
            name: name.to_owned(),
            node: node.name.to_string(),
            what: what.to_owned(),
            at,
        })
    }
}
