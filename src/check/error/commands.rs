use miette::Diagnostic;
use thiserror::Error;

use crate::diagnostic::Span;

/// What is wrong with a text, above all with a command text.
#[derive(Debug, Clone, Error, Diagnostic, PartialEq, Eq)]
pub enum CommandError {
    /// `$node.rack` in a text, where the dot is text.
    #[error("in a text `${name}.{field}` is `${name}` and then the plain text `.{field}`")]
    #[diagnostic(code(check::field_in_text), help("write `${{{name}.{field}}}`"))]
    FieldInText {
        /// The value.
        name: String,
        /// What follows the dot.
        field: String,
        /// Where.
        #[label("without braces")]
        at: Span,
    },

    /// A `$x` inside of quotes of a command text.
    #[error("`${name}` stands inside of quotes")]
    #[diagnostic(
        code(check::quoted_value),
        help(
            "drop the quotes: a value always becomes exactly one quoted word; the remote shell's own `$` is `\\$`"
        )
    )]
    QuotedValue {
        /// Without the `$`.
        name: String,
        /// The value.
        #[label("is quoted by itself")]
        at: Span,
    },

    /// A word of a command that is the name of a loop's variable.
    #[error("`{name}` is here the plain word, not the value of the loop")]
    #[diagnostic(code(check::forgotten_dollar), help("did you mean `${name}`?"))]
    ForgottenDollar {
        /// The name.
        name: String,
        /// The word.
        #[label("without its `$`")]
        at: Span,
        /// The loop.
        #[label("the loop sets `${name}`")]
        set: Span,
    },

    /// A character that no command line can hold.
    #[error("a command cannot hold the character NUL, which `\\0` is in quotes")]
    #[diagnostic(
        code(check::nul_in_command),
        help("for the shell's own `\\033` write `\\\\033`; for the escape itself `\\e`")
    )]
    NulInCommand {
        /// Where.
        #[label("in here")]
        at: Span,
    },

    /// A `|` or `;` that hides the status of a command before it.
    #[error("`{sign}` hides whether the command before it failed")]
    #[diagnostic(code(check::hidden_status), help("{help}"))]
    HiddenStatus {
        /// `|` or `;`.
        sign: &'static str,
        /// Where.
        #[label("only the last command's status counts")]
        at: Span,
        /// What to write.
        help: &'static str,
    },

    /// Something that is no command text where one must be.
    #[error("{given} is not a command")]
    #[diagnostic(code(check::not_a_command), help("{help}"))]
    NotCommand {
        /// With its article.
        given: String,
        /// Where.
        #[label("not a command text")]
        at: Span,
        /// What to write.
        help: String,
    },

    /// A secret that would be seen.
    #[error("secret `${name}` would be seen here")]
    #[diagnostic(
        code(check::secret_shown),
        help("give it to a command as `input=${name}`, which is neither shown nor logged")
    )]
    SecretShown {
        /// Without the `$`.
        name: String,
        /// Where.
        #[label("on a command line, in a text or in a log")]
        at: Span,
    },
}
