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

/// `depth` times `open`, then `middle`, then `depth` times `close`.
fn nested(depth: usize, open: &str, middle: &str, close: &str) -> String {
    format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn deep_nesting_is_read_or_refused_at_once() {
    let shapes = [
        // what opens, what stands innermost, what closes
        ("on a < ", "stop b", " >"),
        ("on a < ", "stop ) b", " >"),
        ("on a <\n", "stop b \"x\"y\n", ">\n"),
        ("on a sideways < ", "stop b", " >"),
        ("on a < ", "stop b", " > junk"),
        ("let a = (", "1", ")"),
        ("(", "1", ")"),
        ("let x = on a < ", "stop b", " > | where where"),
        ("let a = (on b < ", "let x 5", " > bad)"),
        ("if (on b < ", "let x 5", " > bad) < stop c > else bad"),
        ("if on b < ", "let x 5", " > bad < stop c > else bad"),
        ("a (", "let x 5", " bad bad | x)"),
        ("a k=(", "let x 5", " bad bad | x |)"),
        ("let a = f(all of (", "let x 5", ") x)"),
        ("[", "a", "]"),
        ("exactly (on a < ", "x", " > bad) of"),
        ("try < ", "x", " > else bad < y >"),
        ("guard g(x: table(a: ", "x", "))"),
        ("service s < before stop < ", "x", " > after stop < bad bad )> >"),
        (
            "for x in (on a < ",
            "x",
            " > | where all of (on x < y > bad) have) < y ",
        ),
        ("run (", "x", " x x) x"),
        ("{ ", "x", " }"),
    ];
    for (open, middle, close) in shapes {
        let brackets = open.matches(['<', '(', '[', '{']).count().max(1);
        for depth in [30 / brackets, 64 / brackets, 10_000] {
            let text = nested(depth, open, middle, close);
            let _ = read(&text);
        }
    }
}
