use miette::{Diagnostic, Severity};

use super::Span;

/// Something wrong with a text, with its place, code and help.
pub struct Problem {
    /// The finding itself.
    pub finding: Box<dyn Diagnostic + Send + Sync>,
    /// Whether more text could repair it, as an unclosed block; a prompt then asks for
    /// another line.
    pub incomplete: bool,
}

impl Problem {
    /// The stable code, `room::what`.
    pub fn code(&self) -> String {
        self.finding
            .code()
            .map(|code| code.to_string())
            .unwrap_or_default()
    }

    /// The first label's place, by which problems are sorted.
    pub fn span(&self) -> Option<Span> {
        let label = self.finding.labels()?.next()?;
        let start = label.offset() as u32;
        Some(Span::new(start, start + label.len() as u32))
    }

    /// Whether it forbids the script to run; advice does not.
    pub fn is_error(&self) -> bool {
        !matches!(
            self.finding.severity(),
            Some(Severity::Warning | Severity::Advice)
        )
    }
}

/// The findings about a project so far; rooms add to them and go on.
#[derive(Default)]
pub struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    /// Nothing found yet.
    pub fn new() -> Self {
        Problems::default()
    }

    /// Adds a finding.
    pub fn push(&mut self, finding: impl Diagnostic + Send + Sync + 'static) {
        self.found.push(Problem {
            finding: Box::new(finding),
            incomplete: false,
        });
    }

    /// Adds a finding that more text could repair.
    pub fn push_incomplete(&mut self, finding: impl Diagnostic + Send + Sync + 'static) {
        self.found.push(Problem {
            finding: Box::new(finding),
            incomplete: true,
        });
    }

    /// Sorts by place and drops what is told twice about one place.
    pub fn sort(&mut self) {
        self.found.sort_by_key(|problem| problem.span());
        self.found.dedup_by(|later, earlier| {
            later.span() == earlier.span()
                && later.code() == earlier.code()
                && later.finding.to_string() == earlier.finding.to_string()
        });
    }

    /// All findings, in the order found, or by place after [`Problems::sort`].
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.found.iter()
    }

    /// Keeps the findings for which `keep` says yes.
    pub fn retain(&mut self, keep: impl FnMut(&Problem) -> bool) {
        self.found.retain(keep);
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether a finding forbids the script to run.
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(Problem::is_error)
    }

    /// Whether all that is wrong could be repaired by more text.
    pub fn is_incomplete(&self) -> bool {
        !self.found.is_empty() && self.found.iter().all(|problem| problem.incomplete)
    }
}
