//! Whole runs on the simulated cluster, as an operator sees them.
//!
//! Each `NAME.case` of `tests/golden/run`, `guards` and `rules` holds the words after `quorate`, one command line a file
//! (lines that begin with `#` say what it shows); `NAME.out` beside it holds what is printed
//! and the exit code. Time is virtual, so the output is the same on every machine.
//! `UPDATE_GOLDEN=1 cargo test --test golden_run` writes the `.out` files anew.

use std::path::Path;
use std::process::{Command, Stdio};

fn carry_out(words: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_quorate"))
        .args(words.split_whitespace())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("NO_COLOR", "1")
        .env_remove("QUORATE_INVENTORY")
        .stdin(Stdio::null())
        .output()
        .expect("the binary was built for this test");
    let code = output
        .status
        .code()
        .map_or("a signal".to_owned(), |code| code.to_string());
    let said = String::from_utf8_lossy(&output.stderr);
    let said = if said.is_empty() {
        String::new()
    } else {
        format!("--- stderr\n{said}")
    };
    format!(
        "{}{said}--- exit {code}\n",
        String::from_utf8_lossy(&output.stdout)
    )
}

#[test]
fn runs_print_what_they_printed() {
    compare("tests/golden/run");
}

/// Each guard of the standard modules refuses at least once, in these words.
#[test]
fn guards_refuse_as_they_refused() {
    compare("tests/golden/guards");
}

/// The rules of the language that are easiest to break, each by a script that broke it once.
#[test]
fn rules_hold_as_they_held() {
    compare("tests/golden/rules");
}

fn compare(folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut cases: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder is in the repository")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "case"))
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    let mut different = Vec::new();
    for case in cases {
        let text = std::fs::read_to_string(&case).expect("a case is text");
        let words: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let found = carry_out(&words.join(" "));
        let expected_path = case.with_extension("out");
        if update {
            std::fs::write(&expected_path, &found).expect("the folder can be written");
            continue;
        }
        let expected = std::fs::read_to_string(&expected_path).unwrap_or_default();
        if found != expected {
            different.push(format!(
                "{}: expected\n{expected}\nfound\n{found}",
                case.file_name().unwrap_or_default().display()
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
}
