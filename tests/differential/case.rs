//! One case: a runbook, a cluster, what goes wrong, and the script that shall do the same.

use quorate::run::Override;

use crate::difference::find_differences;
use crate::door::PlannedFault;
use crate::interpreter::{Prepared, run_interpreter};
use crate::person::Said;
use crate::script::{Surroundings, run_script};

/// A runbook and a script that is to do the same.
#[derive(Default)]
pub struct Case<'a> {
    /// The shape of the cluster.
    pub shape: &'a str,
    /// The runbook's file name.
    pub name: &'a str,
    /// The runbook.
    pub runbook: &'a str,
    /// Its parameters.
    pub given: &'a [(&'a str, &'a str)],
    /// What is overridden.
    pub overrides: &'a [Override],
    /// What goes wrong.
    pub faults: &'a [PlannedFault],
    /// What the person says; what is not named is answered with yes.
    pub said: Said,
    /// `dash`, `bash` or `busybox sh`.
    pub shell: &'a str,
    /// Variables of the script's environment.
    pub environment: &'a [(&'a str, &'a str)],
    /// The script.
    pub script: &'a str,
}

/// Carries out both and compares what they did.
///
/// # Errors
///
/// In what they differ, or why they could not be compared.
pub fn compare(case: &Case<'_>) -> Result<(), String> {
    let prepared = Prepared::new(case.shape, case.name, case.runbook, case.given)?;
    let differences = compare_prepared(case, &prepared)?;
    if differences.is_empty() {
        return Ok(());
    }
    Err(differences.join("\n"))
}

/// Carries out a runbook that is laid out already, and the script; in what they differ.
///
/// # Errors
///
/// When the script cannot be started or gets stuck.
pub fn compare_prepared(case: &Case<'_>, prepared: &Prepared) -> Result<Vec<String>, String> {
    let cluster = prepared.cluster();
    let expected = run_interpreter(prepared, case.overrides, case.faults, &case.said, &cluster);
    let expected_state = cluster.inspect();

    let questions: Vec<_> = expected
        .asked
        .iter()
        .map(|(question, _)| question.clone())
        .collect();
    let surroundings = Surroundings {
        shell: case.shell,
        environment: case.environment,
        faults: case.faults,
        questions: &questions,
        said: case.said.clone(),
    };
    let cluster = prepared.cluster();
    let actual = run_script(case.script, &surroundings, &cluster)?;
    let state = cluster.inspect();
    let mut differences = find_differences(&prepared.plan, (&expected, &expected_state), (&actual, &state));
    if !differences.is_empty() {
        differences.push(format!("the script's output:\n{}", actual.output));
        differences.push(format!("the script's errors:\n{}", actual.errors));
    }
    Ok(differences)
}
