//! Scripts and the words that they bring forth: `tests/golden/FOLDER/*.runbook`, `.out` beside each.

use std::fs;
use std::path::Path;

use quorate::diagnostic::{Problems, SourceMap, Style, render_problems};
use quorate::syntax::parse_script;

/// Runs `produce` with the name and text of every `.runbook` file of a golden folder and
/// compares what it gives with the `.out` file beside it.
///
/// `UPDATE_GOLDEN=1 cargo test --test golden` writes the `.out` files anew.
fn golden(folder: &str, produce: impl Fn(&str, &str) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(folder);
    let mut scripts: Vec<_> = fs::read_dir(&folder)
        .expect("the golden folder is there")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "runbook"))
        .collect();
    scripts.sort();
    let mut differing = Vec::new();
    for script in scripts {
        let name = script
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&script).expect("a script is readable");
        let produced = produce(&name, &text);
        let beside = script.with_extension("out");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&beside, produced).expect("the golden folder can be written");
        } else if fs::read_to_string(&beside).unwrap_or_default() != produced {
            differing.push(format!("{name} gives now:\n{produced}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn what_cannot_be_read_is_told() {
    golden("read", |name, text| {
        let mut sources = SourceMap::default();
        let base = sources.add(name, text);
        let mut problems = Problems::new();
        parse_script(text, base, &mut problems);
        problems.sort();
        let more = if problems.is_incomplete() {
            "\n(more text could repair it)\n"
        } else {
            ""
        };
        format!("{}{more}", render_problems(&problems, &sources, Style::Plain))
    });
}
