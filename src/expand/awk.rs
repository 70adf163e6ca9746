use super::awk_string;
use super::names::Library;
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
    include_str!("awk/budget.awk"),
    include_str!("awk/program.awk"),
];

/// The awk functions that `generated` calls, and those that they call, in the library's order.
pub fn library_for(generated: &str) -> String {
    read_library().used_by(generated)
}

/// All awk functions of the library.
pub fn whole_library() -> String {
    read_library().whole()
}

fn read_library() -> Library {
    let json = json_program();
    let mut texts = vec![json.as_str()];
    texts.extend(PARTS);
    for filter in FILTERS {
        // Filters of one topic share their text.
        if !texts.contains(&filter.shell) {
            texts.push(filter.shell);
        }
    }
    Library::read(&texts)
}

/// The function that gives the jq program of the filter `json`.
fn json_program() -> String {
    let lines: Vec<String> = JSON_PROGRAM
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| awk_string(&format!("{line}\n")))
        .collect();
    format!(
        "# The jq program that prints JSON as a value.\nfunction json_program() {{\n    return {}\n}}\n",
        lines.join(" \\\n        ")
    )
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
        let library = read_library();
        let functions = library.functions();
        let names: std::collections::BTreeSet<&str> =
            functions.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), functions.len(), "two functions share a name");
        for (name, text) in functions {
            assert!(text.starts_with("# "), "{name}");
            let line = text.lines().find(|line| line.starts_with("function "));
            let (_, parameters) = line.and_then(|line| line.split_once('(')).expect("it has a head");
            let parameters = parameters.trim_end_matches([')', ' ', '{']);
            for parameter in parameters.split(',').map(str::trim) {
                assert!(!names.contains(parameter), "{name}: `{parameter}`");
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
