//! Runs awk expressions and compares what they give.

use std::path::Path;
use std::process::Command;

use quorate::expand::{export_value, inventory_tables, library_for, whole_library};

use crate::world::inventory;

/// An awk expression and the encoded value that it ought to give.
#[derive(Debug, Clone)]
pub struct Case {
    pub expression: String,
    pub wanted: String,
}

impl Case {
    pub fn new(expression: impl Into<String>, wanted: impl Into<String>) -> Case {
        Case {
            expression: expression.into(),
            wanted: wanted.into(),
        }
    }
}

/// The awks that expanded scripts must run on.
pub const AWKS: [&[&str]; 3] = [&["mawk"], &["gawk", "--posix"], &["busybox", "awk"]];

/// How many cases one program has, and how many differences are told.
const AT_ONCE: usize = 500;
const MOST_TOLD: usize = 12;

/// Fails with what differs from what is wanted, in any awk.
pub fn check_cases(cases: Vec<Case>) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut differences = Vec::new();
    for (awk, cases) in AWKS
        .iter()
        .flat_map(|awk| cases.chunks(AT_ONCE).map(move |some| (awk, some)))
    {
        let found = run_awk(awk, folder.path(), cases).unwrap_or_else(|error| panic!("{error}"));
        for (number, case) in cases.iter().enumerate() {
            let (wanted, found) = (export_value(&case.wanted), found.get(number).cloned());
            if found.as_deref() != Some(&wanted) {
                let expression = &case.expression;
                differences.push(format!(
                    "{}: {expression}\n  wanted {wanted:?}\n  found  {found:?}",
                    awk[0]
                ));
            }
        }
    }
    let count = differences.len();
    differences.truncate(MOST_TOLD);
    assert!(
        count == 0,
        "{count} of {} differ:\n{}",
        cases.len(),
        differences.join("\n")
    );
}

/// The lines that a program of these cases prints; `folder` is where answers are looked up.
pub fn run_awk(awk: &[&str], folder: &Path, cases: &[Case]) -> Result<Vec<String>, String> {
    let mut program = whole_library() + &inventory_tables(&inventory());
    program += "\nfunction tell(v) {\n    print export_value(v)\n}\n";
    program += "BEGIN {\n    load_inventory()\n    load_answers()\n";
    for case in cases {
        program += &format!("    tell({})\n", case.expression);
    }
    program += "}\n";
    let path = folder.join("evaluate.awk");
    std::fs::write(&path, program).map_err(|error| error.to_string())?;
    let output = Command::new(awk[0])
        .args(&awk[1..])
        .arg("-f")
        .arg(&path)
        .env("LC_ALL", "C")
        .env("QUORATE_LOOK", folder)
        .env("QUORATE_WORK", folder)
        .output()
        .map_err(|error| format!("{awk:?}: {error}; tests/prepare installs it"))?;
    if !output.status.success() || !output.stderr.is_empty() {
        return Err(format!("{awk:?}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .strip_suffix('\n')
        .unwrap_or(&text)
        .split('\n')
        .map(str::to_owned)
        .collect())
}

#[test]
fn each_function_finds_those_it_calls() {
    let library = whole_library();
    let names = library
        .lines()
        .filter_map(|line| line.strip_prefix("function ")?.split_once('('));
    for (name, _) in names {
        // mawk refuses to begin when a function is missing. The tables of the inventory are always there.
        let tables = inventory_tables(&inventory());
        let program = library_for(&format!("{name}()\n{tables}")) + &tables + "\nBEGIN { exit 0 }\n";
        let output = Command::new("mawk").arg(&program).output();
        let output = output.expect("tests/prepare installs mawk");
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
