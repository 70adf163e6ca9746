use std::collections::{BTreeMap, BTreeSet};

use super::awk_string;
use crate::library::{FILTERS, JSON_PROGRAM};

/// The parts of the library that are no filters.
const PARTS: &[&str] = &[
    include_str!("awk/value.awk"),
    include_str!("awk/table.awk"),
    include_str!("awk/kind.awk"),
    include_str!("awk/letters.awk"),
    include_str!("awk/number.awk"),
    include_str!("awk/read.awk"),
    include_str!("awk/show.awk"),
    include_str!("awk/nodes.awk"),
    include_str!("awk/expand_nodes.awk"),
    include_str!("awk/compare.awk"),
    include_str!("awk/arithmetic.awk"),
    include_str!("awk/condition.awk"),
    include_str!("awk/text.awk"),
    include_str!("awk/column.awk"),
    include_str!("awk/fact.awk"),
    include_str!("awk/ask.awk"),
];

/// One function of the library.
struct Function {
    name: String,
    /// The comment before it and its lines.
    text: String,
}

/// The awk functions that `generated` calls, and those that they call, in the library's order.
pub fn library_for(generated: &str) -> String {
    let functions = read_functions();
    let texts: BTreeMap<&str, &str> = functions
        .iter()
        .map(|function| (function.name.as_str(), function.text.as_str()))
        .collect();
    let mut needed: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = called_names(generated);
    while let Some(name) = open.pop() {
        if let Some((name, text)) = texts.get_key_value(name)
            && needed.insert(name)
        {
            open.extend(called_names(text));
        }
    }
    write_functions(
        functions
            .iter()
            .filter(|function| needed.contains(function.name.as_str())),
    )
}

/// All awk functions of the library.
pub fn whole_library() -> String {
    write_functions(read_functions().iter())
}

fn write_functions<'a>(functions: impl Iterator<Item = &'a Function>) -> String {
    let texts: Vec<&str> = functions.map(|function| function.text.as_str()).collect();
    texts.join("\n")
}

/// Cuts the library into its functions. Each begins with its comment and ends with a brace
/// at the beginning of a line.
fn read_functions() -> Vec<Function> {
    let mut functions: Vec<Function> = vec![json_program()];
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let filters = FILTERS.iter().map(|filter| filter.shell);
    for part in PARTS
        .iter()
        .copied()
        .chain(filters)
        .filter(|part| seen.insert(part))
    {
        let mut text = String::new();
        let mut name = None;
        for line in part.lines() {
            if line.is_empty() && name.is_none() {
                text.clear();
                continue;
            }
            text.push_str(line);
            text.push('\n');
            if let Some((called, _)) = line
                .strip_prefix("function ")
                .and_then(|rest| rest.split_once('('))
            {
                name = Some(called.to_owned());
            }
            if line == "}"
                && let Some(name) = name.take()
            {
                functions.push(Function {
                    name,
                    text: std::mem::take(&mut text),
                });
            }
        }
    }
    functions
}

/// The function that gives the jq program of the filter `json`.
fn json_program() -> Function {
    let lines: Vec<String> = JSON_PROGRAM
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| awk_string(&format!("{line}\n")))
        .collect();
    Function {
        name: "json_program".to_owned(),
        text: format!(
            "# The jq program that prints JSON as a value.\nfunction json_program() {{\n    return {}\n}}\n",
            lines.join(" \\\n        ")
        ),
    }
}

/// The names that stand right before a parenthesis.
fn called_names(text: &str) -> Vec<&str> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let before = text.match_indices('(').map(|(at, _)| &text[..at]);
    before
        .filter_map(|before| {
            let start = before
                .rfind(|letter: char| !is_name(letter))
                .map_or(0, |at| at + 1);
            Some(&before[start..]).filter(|name| !name.is_empty())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_carries_what_it_calls() {
        let library = library_for("print show_line(x)");
        assert!(library.contains("function show_line(") && library.contains("function first_letters("));
        assert!(!library.contains("function show("), "{library}");
        assert_eq!(library_for("print x"), "");
    }

    #[test]
    fn functions_have_names_of_their_own_and_a_comment() {
        let functions = read_functions();
        let names: BTreeSet<&str> = functions.iter().map(|function| function.name.as_str()).collect();
        assert_eq!(names.len(), functions.len(), "two functions share a name");
        for function in &functions {
            assert!(function.text.starts_with("# "), "{}", function.name);
            let line = function.text.lines().find(|line| line.starts_with("function "));
            let (_, parameters) = line.and_then(|line| line.split_once('(')).expect("it has a head");
            let parameters = parameters.trim_end_matches([')', ' ', '{']);
            for parameter in parameters.split(',').map(str::trim) {
                assert!(!names.contains(parameter), "{}: `{parameter}`", function.name);
            }
        }
    }

    #[test]
    fn each_filter_has_its_function() {
        let library = whole_library();
        for filter in FILTERS.iter().filter(|filter| !filter.shell.is_empty()) {
            let parameters = filter.parameters.iter().map(|parameter| match parameter.name {
                "by" => "keys",
                name => name,
            });
            let parameters: Vec<&str> = parameters.collect();
            let head = format!("function filter_{}(value", filter.name);
            assert!(library.contains(&head), "{head}");
            let written = parameters
                .iter()
                .map(|name| format!(", {name}"))
                .collect::<String>();
            assert!(
                library.contains(&format!("{head}{written}, or_none")),
                "{head}{written}"
            );
        }
    }
}
