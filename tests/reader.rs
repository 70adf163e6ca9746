//! Reading and laying out whole scripts: nothing panics, nothing is lost.

use std::fs;
use std::path::Path;

use quorate::diagnostic::{Problems, SourceMap, Style, render_problems};
use quorate::syntax::{Script, parse_script};

/// All scripts at hand: the samples, the standard modules and the runbooks.
fn samples() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["tests/samples", "stdlib", "scripts"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|ending| ending == "runbook") {
                let text = fs::read_to_string(&path).expect("a sample is readable");
                found.push((path.display().to_string(), text));
            }
        }
    }
    found.sort();
    found
}

fn read(text: &str) -> (Script, Problems) {
    let mut problems = Problems::new();
    let script = parse_script(text, 0, &mut problems);
    (script, problems)
}

/// Problems as an operator sees them.
fn drawn(name: &str, text: &str, problems: &Problems) -> String {
    let mut sources = SourceMap::default();
    sources.add(name, text);
    render_problems(problems, &sources, Style::Plain)
}

#[test]
fn samples_are_read_without_problems() {
    for (name, text) in samples() {
        let (_, problems) = read(&text);
        assert!(problems.is_empty(), "{}", drawn(&name, &text, &problems));
    }
}
