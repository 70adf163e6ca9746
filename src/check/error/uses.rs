use miette::Diagnostic;
use thiserror::Error;

use crate::diagnostic::Span;

/// What is wrong with the modules that a script uses.
#[derive(Debug, Clone, Error, Diagnostic, PartialEq, Eq)]
pub enum UseError {
    /// A module that uses itself.
    #[error("`{name}` uses itself{chain}")]
    #[diagnostic(code(check::cyclic_use), help("take one of the `use` lines out"))]
    CyclicUse {
        /// The module or file.
        name: String,
        /// `` , by way of `other` `` or nothing.
        chain: String,
        /// The line that closes the ring.
        #[label("closes the ring")]
        at: Span,
    },

    /// A module that is not there.
    #[error("there is no module `{name}`")]
    #[diagnostic(code(check::unknown_module))]
    UnknownModule {
        /// As written.
        name: String,
        /// Where.
        #[label("not in the standard library")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A file that cannot be read.
    #[error("`{path}` cannot be read: {why}")]
    #[diagnostic(
        code(check::file_not_read),
        help("the path is taken from the folder of the file that says `use`")
    )]
    FileNotRead {
        /// As written.
        path: String,
        /// What the system said.
        why: String,
        /// Where.
        #[label("used here")]
        at: Span,
    },

    /// A `with` that stands for nothing.
    #[error("module `{module}` needs no group `{group}`")]
    #[diagnostic(code(check::unknown_group))]
    UnknownModuleGroup {
        /// The module.
        module: String,
        /// As written.
        group: String,
        /// Where.
        #[label("not a group of it")]
        at: Span,
        /// What there is.
        #[help]
        help: Option<String>,
    },

    /// A module that is used with two groups for one of its own.
    #[error("`{group}` of module `{module}` would be both {first} and {second}")]
    #[diagnostic(
        code(check::given_twice),
        help("a module is there once; say the same in both `use` lines")
    )]
    TwoGroups {
        /// The module.
        module: String,
        /// Its group.
        group: String,
        /// What another line says.
        first: String,
        /// What this line says.
        second: String,
        /// Where.
        #[label("another line says {first}")]
        at: Span,
    },

    /// A version of the language that this program does not speak.
    #[error("this is language 1, and the script wants language {wanted}")]
    #[diagnostic(code(check::language), help("take a newer quorate, or write `language 1`"))]
    Language {
        /// As written.
        wanted: i64,
        /// Where.
        #[label("not known here")]
        at: Span,
    },

    /// A file without a single statement: the wrong file, or one that was cut off.
    #[error("the script is empty")]
    #[diagnostic(
        code(check::empty_script),
        help("write what is to be done, such as `require quorum`; is it the right file?")
    )]
    EmptyScript {
        /// Its first byte.
        #[label("nothing is said here")]
        at: Span,
    },

    /// What only a file can say.
    #[error("`{what}` has no meaning at the prompt")]
    #[diagnostic(code(check::not_in_session))]
    NotInSession {
        /// The word.
        what: &'static str,
        /// Where.
        #[label("a session has none")]
        at: Span,
        /// What to write instead.
        #[help]
        help: String,
    },
}
