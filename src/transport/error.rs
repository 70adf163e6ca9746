use miette::Diagnostic;
use thiserror::Error;

/// What can be wrong with the file that describes a simulated cluster.
#[derive(Debug, Clone, PartialEq, Eq, Error, Diagnostic)]
pub enum ShapeError {
    /// It is not TOML, or holds a key or a value that is not known.
    #[error("{name}: {why}")]
    #[diagnostic(
        code(transport::shape),
        help(
            "a shape has [cluster], [nodes.\"node[1-5]\"], [groups], [variables], [[state]] and [[event]]; \
              `quorate rehearse -i FILE` takes the nodes of an inventory"
        )
    )]
    Unreadable {
        /// The file.
        name: String,
        /// What the reader says, with the line.
        why: String,
    },
    /// It reads well and describes no cluster that could be.
    #[error("{name}: {why}")]
    #[diagnostic(code(transport::shape_senseless))]
    Senseless {
        /// The file.
        name: String,
        /// What does not fit.
        why: String,
        /// What to write instead.
        #[help]
        help: Option<String>,
    },
}
