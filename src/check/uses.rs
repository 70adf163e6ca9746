use super::error::UseError;
use super::findings::Findings;
use crate::diagnostic::{Span, Spanned};
use crate::syntax::{Declaration, Script, Statement};

/// A `use` line: what a loader is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// The module's name, or the path of a file.
    pub module: Spanned<String>,
    /// Whether it is a file, relative to the one that says `use`.
    pub is_file: bool,
    /// Which group of the inventory stands for which group of the module.
    pub with: Vec<(Spanned<String>, Spanned<String>)>,
    /// The whole line.
    pub span: Span,
}

/// The `use` lines of a script, in order.
pub fn find_uses(script: &Script) -> Vec<Use> {
    let mut uses = Vec::new();
    for statement in &script.statements {
        if let Statement::Declaration(declaration) = &statement.node
            && let Declaration::Use {
                module,
                is_file,
                with,
            } = &**declaration
        {
            uses.push(Use {
                module: module.clone(),
                is_file: *is_file,
                with: with.clone(),
                span: statement.span,
            });
        }
    }
    uses
}

/// Reports a declaration that says something of a whole file, which a line of a session is not.
pub(super) fn refuse_in_session(declaration: &Declaration, at: Span, findings: &mut Findings) {
    let (what, help) = match declaration {
        Declaration::Param { parameter, .. } => {
            ("param", format!("write `let {} = VALUE`", parameter.name.node))
        }
        Declaration::Promise { .. } => ("promise", "ask the guard by `require`, or watch it".to_owned()),
        Declaration::Simulate(_) => ("simulate", "write it into a module, and `use` that".to_owned()),
        Declaration::Runbook(_) => ("runbook", "leave it out".to_owned()),
        Declaration::Module(_) => (
            "module",
            "leave it out; what is declared here belongs to the session".to_owned(),
        ),
        _ => return,
    };
    findings.push(UseError::NotInSession { what, at, help });
}
