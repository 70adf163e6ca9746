use super::error::CheckError;
use crate::diagnostic::{Problems, nearest};

/// The findings so far, and whether the script could be run all the same.
pub(super) struct Findings<'a> {
    problems: &'a mut Problems,
    /// Whether a name or a type is wrong, so that there is no program.
    pub(super) is_broken: bool,
}

impl<'a> Findings<'a> {
    pub(super) fn new(problems: &'a mut Problems) -> Self {
        Findings {
            problems,
            is_broken: false,
        }
    }

    pub(super) fn push(&mut self, finding: impl Into<CheckError>) {
        let finding = finding.into();
        self.is_broken |= !finding.leaves_it_runnable();
        self.problems.push(finding);
    }

    /// `did you mean …?`, when a known name is near.
    pub(super) fn suggest<'b>(
        &self,
        wanted: &str,
        known: impl IntoIterator<Item = &'b str>,
    ) -> Option<String> {
        nearest(wanted, known).map(|known| format!("did you mean `{known}`?"))
    }
}

/// `a`, `a and b`, `a, b and c`, each between back quotes.
pub(super) fn list_names<'b>(names: impl IntoIterator<Item = &'b str>, last: &str) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}
