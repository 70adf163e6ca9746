use miette::Diagnostic;
use thiserror::Error;

use crate::diagnostic::Span;

/// Things that stand where they must not: acts where one only looks, statements out of their place.
#[derive(Debug, Clone, Error, Diagnostic, PartialEq, Eq)]
pub enum EffectError {
    /// A block without a statement.
    #[error("nothing is done here")]
    #[diagnostic(
        code(check::empty_block),
        help("say what is to be done, or delete the `{word}`")
    )]
    EmptyBlock {
        /// The word that opens it.
        word: &'static str,
        /// Where.
        #[label("an empty block")]
        at: Span,
    },

    /// A loop over a list that has no items.
    #[error("this loop is over nothing")]
    #[diagnostic(code(check::empty_list), help("give the list an item, or delete the loop"))]
    EmptyList {
        /// Where.
        #[label("no items")]
        at: Span,
    },

    /// Something that changes the cluster where only looking is allowed.
    #[error("{what} changes the cluster, and {place} only looks")]
    #[diagnostic(code(check::acts_while_looking), help("{help}"))]
    ActsWhileLooking {
        /// `` `stop` ``.
        what: String,
        /// `a guard`, `a fact`.
        place: &'static str,
        /// Where.
        #[label("an act")]
        at: Span,
        /// What to write.
        help: String,
    },

    /// Something that takes its time where an answer is wanted at once.
    #[error("`{word}` cannot stand in {place}")]
    #[diagnostic(
        code(check::waits_while_looking),
        help("it answers at once, yes or no; write `{word}` where it is asked")
    )]
    WaitsWhileLooking {
        /// `wait`, `retry`.
        word: &'static str,
        /// `a guard`, `a fact`.
        place: &'static str,
        /// Where.
        #[label("not here")]
        at: Span,
    },

    /// `check` or `steady` outside a guard.
    #[error("`{word}` belongs in a guard")]
    #[diagnostic(code(check::only_in_guard), help("{help}"))]
    OnlyInGuard {
        /// `check`, `steady`.
        word: &'static str,
        /// Where.
        #[label("not in a guard")]
        at: Span,
        /// What to write.
        help: &'static str,
    },

    /// A statement in a guard by which nothing is decided.
    #[error("a guard decides by `check` and `require`, and by this nothing is decided")]
    #[diagnostic(
        code(check::decides_nothing),
        help("write `check (CONDITION) else \"why\"`, or take it out")
    )]
    DecidesNothing {
        /// Where.
        #[label("decides nothing")]
        at: Span,
    },

    /// A declaration inside of a block.
    #[error("`{word}` stands at the top of a file only")]
    #[diagnostic(
        code(check::not_at_top),
        help("move it out of the block, to the top of the file")
    )]
    NotAtTop {
        /// The word that opens it.
        word: &'static str,
        /// Where.
        #[label("inside of a block")]
        at: Span,
    },

    /// An act at the top of a module.
    #[error("a module declares, and does nothing by itself")]
    #[diagnostic(code(check::acts_in_module), help("put it in a verb: `verb NAME < … >`"))]
    ActsInModule {
        /// Where.
        #[label("an act")]
        at: Span,
    },

    /// A promise in a module.
    #[error("a module promises nothing")]
    #[diagnostic(
        code(check::promise_in_module),
        help("state it in the runbook that uses the module: `promise GUARD`")
    )]
    PromiseInModule {
        /// Where.
        #[label("a promise")]
        at: Span,
    },

    /// A model of a command that is none.
    #[error("`{text}` {why}")]
    #[diagnostic(
        code(check::bad_model),
        help(
            "write the words of a command, `{{name}}` for what is not always the same: `simulate \"ctl --limit={{limit}} list\" < … >`"
        )
    )]
    BadModel {
        /// What was written.
        text: String,
        /// What is wrong with it.
        why: String,
        /// Where.
        #[label("not the words of a command")]
        at: Span,
    },

    /// `irreversible`, `joins` or `leaves` elsewhere than at the head of a verb.
    #[error("`{word}` stands in the first lines of a verb only")]
    #[diagnostic(code(check::not_at_head), help("{help}"))]
    NotAtHead {
        /// The word.
        word: &'static str,
        /// Where.
        #[label("not at the head of a verb")]
        at: Span,
        /// What to write.
        help: &'static str,
    },

    /// A definition that comes back to itself.
    #[error("{what} `{name}` calls itself{chain}")]
    #[diagnostic(
        code(check::recursion),
        help("nothing may call itself; take one of the calls out")
    )]
    Recursion {
        /// `guard`, `verb`, `fact`.
        what: &'static str,
        /// Its name.
        name: String,
        /// `` , by way of `other` `` or nothing.
        chain: String,
        /// The call that closes the ring.
        #[label("called here")]
        at: Span,
        /// The definition.
        #[label("and declared here")]
        declared: Span,
    },

    /// A loop whose body can never be tried, or without an end.
    #[error("`{word}` must be {wanted}")]
    #[diagnostic(code(check::no_bound), help("{help}"))]
    NoBound {
        /// `retry`, `tolerating`, …
        word: &'static str,
        /// `at least 1`.
        wanted: &'static str,
        /// Where.
        #[label("here")]
        at: Span,
        /// What to write.
        help: &'static str,
    },
}
