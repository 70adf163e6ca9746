//! Laws of the house: which room may import which, and where outside libraries stay.

use std::fs;
use std::path::{Path, PathBuf};

/// The longest file that may stand; longer ones are split by what a reader looks for.
const LONGEST: usize = 600;

/// Files that are longer and wait to be split. Only ever shortened: a file that has become
/// short is struck out, and the test says so.
const TO_BE_SPLIT: [&str; 0] = [];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All source files, by their path within `src/`, and their texts.
fn files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![source()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)
            .expect("a source folder is readable")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("a source file is readable");
                let name = path.strip_prefix(source()).expect("it lies in the source folder");
                found.push((name.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    found.sort();
    found
}

/// The rooms from the ground up: the rows of the table in `src/lib.rs`.
fn rooms() -> Vec<String> {
    let door = fs::read_to_string(source().join("lib.rs")).expect("the crate has a door");
    let rows = door
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`")?.split_once('`'));
    rows.map(|(room, _)| room.to_owned()).collect()
}

/// The code of a file without comments, a line at a time, with line numbers from 1.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn assert_none(what: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{what}:\n{}", breaches.join("\n"));
}

#[test]
fn the_table_of_rooms_is_whole() {
    let door = fs::read_to_string(source().join("lib.rs")).expect("the crate has a door");
    let mut declared: Vec<String> = door
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect();
    let mut listed = rooms();
    declared.sort();
    listed.sort();
    assert_eq!(
        declared, listed,
        "each room stands in the table of src/lib.rs once"
    );
}

#[test]
fn imports_go_downwards() {
    let rooms = rooms();
    let place = |name: &str| rooms.iter().position(|room| room == name);
    let mut breaches = Vec::new();
    for (file, text) in files() {
        let Some((room, _)) = file.split_once('/') else {
            continue;
        };
        let Some(own) = place(room) else { continue };
        for (number, line) in code(&text) {
            for imported in names_after(line, "crate::") {
                if place(&imported).is_some_and(|other| other > own) {
                    breaches.push(format!("src/{file}:{number}: `{room}` stands below `{imported}`"));
                }
            }
        }
    }
    assert_none(
        "a room imports only rooms above it in the table of src/lib.rs",
        &breaches,
    );
}

/// The names that follow `path` on a line: `crate::{a, b}` gives both.
fn names_after(line: &str, path: &str) -> Vec<String> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut names = Vec::new();
    for (at, _) in line.match_indices(path) {
        let before = line[..at].chars().next_back();
        if before.is_some_and(|letter| is_name(letter) || letter == '$') {
            continue;
        }
        let rest = &line[at + path.len()..];
        let parts: Vec<&str> = match rest.strip_prefix('{') {
            Some(list) => list.split(['}', ',']).collect(),
            None => vec![rest],
        };
        let first_name = |part: &str| {
            part.trim()
                .chars()
                .take_while(|letter| is_name(*letter))
                .collect()
        };
        names.extend(parts.into_iter().map(first_name));
    }
    names
}

#[test]
fn outside_libraries_stay_home() {
    let homes: [(&str, &[&str]); 22] = [
        // what is used, in which files it may be
        ("pest::", &["syntax/parse"]),
        ("pest_derive", &["syntax/parse"]),
        ("derive(Diagnostic)", &["/error.rs", "/error/", "diagnostic/"]),
        ("duct::", &["transport/local.rs"]),
        ("russh::", &["transport/ssh/"]),
        ("openssh::", &["transport/ssh/"]),
        (
            "tokio::",
            &["lock/etcd.rs", "transport/", "project/", "repl/", "cli/", "run/"],
        ),
        ("clap::", &["cli/"]),
        ("rustyline::", &["repl/"]),
        ("nix::", &["repl/", "project/kept.rs", "transport/clock.rs"]),
        ("rusqlite::", &["journal/"]),
        ("sha2::", &["journal/"]),
        ("ureq::", &["lock/etcd.rs"]),
        ("data_encoding::", &["journal/", "lock/etcd.rs", "transport/"]),
        ("indicatif::", &["journal/view.rs"]),
        ("console::", &["journal/", "repl/"]),
        ("similar::", &["journal/difference.rs"]),
        ("aho_corasick::", &["transport/tee.rs"]),
        ("etcetera::", &["project/kept.rs"]),
        ("jiff::", &["project/kept.rs", "journal/when.rs"]),
        (
            "std::fs",
            &["lock/etcd.rs", "project/", "cli/", "journal/", "transport/"],
        ),
        ("Instant::now", &["transport/"]),
    ];
    let mut breaches = Vec::new();
    for (file, text) in files() {
        let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
        for (number, line) in code(&text[..tests]) {
            for (used, places) in homes {
                let is_home = places
                    .iter()
                    .any(|place| file.starts_with(place) || file.contains(place));
                let is_used = match used {
                    "derive(Diagnostic)" => line.contains("derive(") && uses(line, "Diagnostic"),
                    _ => uses(line, used),
                };
                if is_used && !is_home {
                    breaches.push(format!(
                        "src/{file}:{number}: `{used}` belongs in {}",
                        places.join(", ")
                    ));
                }
            }
        }
    }
    assert_none("each outside library has its home", &breaches);
}

/// Whether a line uses a name, as a whole word.
fn uses(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
        !before.is_some_and(is_word) && (name.ends_with("::") || !after.is_some_and(is_word))
    })
}

#[test]
fn pure_rooms_touch_nothing_outside() {
    let outside = [
        "std::process",
        "std::net",
        "std::thread",
        "SystemTime",
        "std::env",
        "async",
    ];
    let pure = rooms().into_iter().take_while(|room| room != "transport");
    let pure: Vec<String> = pure.collect();
    let mut breaches = Vec::new();
    for (file, text) in files() {
        let is_pure = file
            .split_once('/')
            .is_some_and(|(room, _)| pure.iter().any(|other| other == room));
        let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
        for (number, line) in code(&text[..tests]).filter(|_| is_pure) {
            for name in outside {
                if uses(line, name) || line.contains(&format!("{name}::")) {
                    breaches.push(format!("src/{file}:{number}: `{name}`"));
                }
            }
        }
    }
    assert_none(
        "rooms above `transport` know no file, process, clock, thread or async",
        &breaches,
    );
}

#[test]
fn the_prompt_survives_its_terminal() {
    let mut breaches = Vec::new();
    for (file, text) in files().into_iter().filter(|(file, _)| file.starts_with("repl/")) {
        for (number, line) in code(&text).filter(|(_, line)| uses(line, "println!") || uses(line, "print!")) {
            breaches.push(format!("src/{file}:{number}: `{}`", line.trim()));
        }
    }
    assert_none(
        "the prompt writes by `say!`: a terminal that is gone ends no session",
        &breaches,
    );
}

#[test]
fn files_are_short() {
    let mut long = Vec::new();
    for (file, text) in files() {
        let lines = text.lines().count();
        let is_excused = TO_BE_SPLIT.contains(&file.as_str());
        if lines > LONGEST && !is_excused {
            long.push(format!("src/{file}: {lines} lines"));
        }
        if lines <= LONGEST && is_excused {
            long.push(format!(
                "src/{file} is short by now: strike it out of TO_BE_SPLIT"
            ));
        }
    }
    assert_none("a file has at most 600 lines", &long);
}

#[test]
fn each_room_has_a_door() {
    let missing = rooms().into_iter().filter(|room| {
        let door = fs::read_to_string(source().join(room).join("mod.rs")).unwrap_or_default();
        !door.starts_with("//!")
    });
    let missing: Vec<String> = missing.collect();
    assert_none("each room opens with `//!` in its mod.rs", &missing);
}
