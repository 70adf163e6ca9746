use std::sync::Arc;

use super::*;
use crate::value::{Column, Row, Table, read_duration, read_percent, read_size, read_version};

/// Carries out a pipeline as the examples write it: `"text" | filter arguments | ...`.
fn run(pipeline: &str) -> Result<Value, FilterError> {
    let mut words = split_words(pipeline).into_iter().peekable();
    let mut value = read_literal(&words.next().expect("a pipeline begins with a value"));
    while let Some(bar) = words.next() {
        assert_eq!(bar, "|", "{pipeline}");
        let name = words.next().expect("a filter follows the bar");
        let filter = find_filter(&name).unwrap_or_else(|| panic!("no filter {name}"));
        let mut arguments = FilterArguments::default();
        let mut sorts = false;
        while let Some(word) = words.next_if(|word| word != "|") {
            match (word.as_str(), word.split_once('=')) {
                ("or", _) => {
                    words.next();
                    arguments.or_none = true;
                }
                ("by", _) => sorts = true,
                ("down", _) => arguments.keys.last_mut().expect("a key before `down`").1 = true,
                (key, _) if sorts => arguments.keys.push((key.trim_end_matches(',').to_owned(), false)),
                (word, None) => arguments.positional.push(read_literal(word)),
                (word, Some(_)) if word.starts_with(['"', '/']) => {
                    arguments.positional.push(read_literal(word));
                }
                (_, Some((name, word))) => arguments.named.push((name.to_owned(), read_literal(word))),
            }
        }
        let Apply::Pure(apply) = filter.apply else {
            panic!("{name} is the evaluator's");
        };
        value = apply(value, &arguments)?;
    }
    Ok(value)
}

/// Cuts at blanks outside of quotes, slashes and brackets.
fn split_words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut closing = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let word = words.last_mut().expect("there is always one");
        match (closing, letter) {
            (None, ' ') => words.push(String::new()),
            (Some('"'), '\\') => match letters.next() {
                Some('n') => word.push('\n'),
                Some(other) => word.push(other),
                None => {}
            },
            (None, '"' | '/') => {
                closing = Some(letter);
                word.push(letter);
            }
            (None, '[') => {
                closing = Some(']');
                word.push(letter);
            }
            (Some(wanted), letter) if wanted == letter => {
                closing = None;
                word.push(letter);
            }
            (_, letter) => word.push(letter),
        }
    }
    words
}

fn read_literal(word: &str) -> Value {
    let between = |open: char, close: char| {
        let inner = word.strip_prefix(open)?;
        inner.strip_suffix(close)
    };
    if let Some(text) = between('"', '"') {
        return Value::text(text);
    }
    if let Some(pattern) = between('/', '/') {
        return Value::Regex(pattern.into());
    }
    if let Some(words) = between('[', ']') {
        return Value::list(words.split_whitespace().map(read_literal).collect());
    }
    let int = word.parse().map(Value::Int).ok();
    int.or_else(|| read_size(word).map(Value::Size).ok())
        .or_else(|| read_duration(word).map(Value::Duration).ok())
        .or_else(|| read_percent(word).map(Value::Percent).ok())
        .or_else(|| read_version(word).map(Value::Version).ok())
        .unwrap_or_else(|| Value::text(word))
}

#[test]
fn every_filter_has_a_sentence_and_good_examples() {
    for filter in FILTERS {
        assert!(
            filter.says.ends_with('.') && !filter.examples.is_empty(),
            "{}",
            filter.name
        );
        for (pipeline, wanted) in filter.examples {
            assert!(pipeline.contains(&format!("| {}", filter.name)), "{pipeline}");
            if matches!(filter.apply, Apply::ByEvaluator) {
                continue;
            }
            let found = run(pipeline).unwrap_or_else(|error| panic!("{pipeline}: {error}"));
            assert_eq!(found.to_string(), *wanted, "{pipeline}");
        }
    }
}

#[test]
fn filters_are_found_by_their_names() {
    let names: std::collections::BTreeSet<&str> = filter_names().collect();
    assert_eq!(names.len(), FILTERS.len(), "two filters share a name");
    assert!(find_filter("columns").is_some() && find_filter("colums").is_none());
}

fn table(rows: &[&[Value]], or_more: Option<&str>) -> Value {
    let columns = Arc::new(vec![
        Column::new("id", Type::Int),
        Column::new("free", Type::Size),
    ]);
    let rows = rows.iter().map(|cells| Row {
        columns: columns.clone(),
        cells: cells.to_vec(),
    });
    Value::Table(Arc::new(Table {
        rows: rows.collect(),
        columns: columns.clone(),
        or_more: or_more.map(Arc::from),
    }))
}

/// Carries out one filter; all arguments are text.
pub(super) fn apply_filter(
    name: &str,
    value: Value,
    positional: &[&str],
    named: &[(&str, &str)],
) -> Result<Value, FilterError> {
    let named = named
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::text(*value)));
    let arguments = FilterArguments {
        positional: positional.iter().map(|text| Value::text(*text)).collect(),
        named: named.collect(),
        keys: if name == "sort" {
            vec![("free".to_owned(), false)]
        } else {
            Vec::new()
        },
        or_none: false,
    };
    match find_filter(name).map(|filter| &filter.apply) {
        Some(Apply::Pure(apply)) => apply(value, &arguments),
        _ => panic!("{name} cannot be carried out here"),
    }
}

fn apply(name: &str, value: Value, positional: &[&str]) -> Result<Value, FilterError> {
    apply_filter(name, value, positional, &[])
}

#[test]
fn unknown_stays_unknown_through_every_filter() {
    for filter in FILTERS {
        if matches!(filter.apply, Apply::Pure(_)) {
            let found = apply(filter.name, Value::unknown("no answer"), &["x"]);
            assert_eq!(found, Ok(Value::unknown("no answer")), "{}", filter.name);
        }
    }
}

#[test]
fn nothing_sure_comes_of_what_is_not() {
    let rows: &[&[Value]] = &[
        &[Value::Int(1), Value::Size(5)],
        &[Value::Int(2), Value::unknown("no answer")],
    ];
    let sure: &[&[Value]] = &[&[Value::Int(1), Value::Size(5)]];
    for (name, column) in [
        ("get", "id"),
        ("first", ""),
        ("last", ""),
        ("only", ""),
        ("same", "id"),
        ("sum", "free"),
        ("min", "free"),
        ("max", "free"),
    ] {
        let columns: Vec<&str> = Some(column)
            .filter(|column| !column.is_empty())
            .into_iter()
            .collect();
        let found = apply(name, table(sure, Some("one cannot be told")), &columns);
        assert_eq!(found, Ok(Value::unknown("one cannot be told")), "{name}");
    }
    for (name, column) in [
        ("sum", "free"),
        ("min", "free"),
        ("max", "free"),
        ("same", "free"),
        ("sort", ""),
    ] {
        let found = apply(name, table(rows, None), &[column]);
        assert_eq!(found, Ok(Value::unknown("no answer")), "{name}");
    }
    let at_least = apply("count", table(rows, Some("why")), &[]);
    assert_eq!(at_least, Ok(Value::AtLeast(2, "why".into())));
    let known = apply("known", table(rows, Some("why")), &[]).expect("a table");
    assert_eq!(known, table(sure, None));
    let unique = apply("unique", table(rows, None), &[]).expect("a table");
    assert_eq!(unique, table(sure, Some("no answer")));
}

#[test]
fn same_names_the_nodes_that_differ() {
    let columns = Arc::new(vec![
        Column::new("node", Type::Node),
        Column::new("kernel", Type::String),
    ]);
    let rows = [("n1", "3.10"), ("n2", "3.10"), ("n3", "4.18")];
    let rows = rows.map(|(node, kernel)| Row {
        columns: columns.clone(),
        cells: vec![Value::Node(node.into()), Value::text(kernel)],
    });
    let table = |rows: &[Row]| {
        Value::Table(Arc::new(Table {
            columns: columns.clone(),
            rows: rows.to_vec(),
            or_more: None,
        }))
    };
    let differ = apply("same", table(&rows), &[]).unwrap_err().to_string();
    assert_eq!(differ, "these are not the same: `3.10` on n[1-2], `4.18` on n3");
    assert_eq!(apply("same", table(&rows[..2]), &[]), Ok(Value::text("3.10")));
}

#[test]
fn failures_say_what_was_there() {
    let cases = [
        (
            r#""a\nb" | section /^X/"#,
            "`section` finds no line that matches /^X/",
        ),
        (r#""a b" | columns"#, "`columns` finds no row under the headers"),
        (r#""a\n1" | columns wide=B"#, "`columns` finds no column `B`"),
        (
            r#""a" | match "{n: int}""#,
            "`match` finds nothing like `{n: int}`",
        ),
        (
            r#""a" | json"#,
            "this is not JSON: expected value at line 1 column 1",
        ),
        (
            r#""a\n1\n2" | columns | only"#,
            "`only` takes exactly one, and there are 2",
        ),
        (r#"[] | only"#, "`only` takes exactly one, and there is none"),
        (r#"[] | first"#, "`first` has nothing to choose from"),
        (
            r#"[6.0.7 6.0.8 6.0.7] | same"#,
            "these are not the same: `6.0.7` twice, `6.0.8` once",
        ),
        (r#""a\n1" | columns | get b"#, "`get` finds no column `b`"),
        (
            r#"[1 2GB] | sum"#,
            "`sum` takes numbers, durations, sizes or percentages of one kind, and this is size",
        ),
        (
            r#"["a"] | sum"#,
            "`sum` takes numbers, durations, sizes or percentages of one kind, and this is string",
        ),
        (
            r#"[9223372036854775807 1] | sum"#,
            "the sum is greater than any number of its kind",
        ),
        (
            r#""a" | first"#,
            "`first` takes a table or a list, and this is string",
        ),
        (
            r#""a" | section /(/"#,
            "`section` cannot read /(/: unclosed group",
        ),
    ];
    for (pipeline, message) in cases {
        assert_eq!(run(pipeline).unwrap_err().to_string(), message, "{pipeline}");
    }
}

#[test]
fn types_are_told_before_anything_runs() {
    let columns = vec![Column::new("id", Type::Int), Column::new("host", Type::Node)];
    let table = Type::Table(columns.clone());
    let cases = [
        ("get", &table, "host", Ok("node...")),
        (
            "get",
            &table,
            "hots",
            Err("finds no column `hots`; did you mean `host`?"),
        ),
        ("only", &table, "", Ok("row(id: int, host: node)")),
        ("count", &table, "", Ok("int")),
        ("sum", &table, "id", Ok("int")),
        (
            "sum",
            &table,
            "host",
            Err("takes numbers, durations, sizes or percentages, not node"),
        ),
        (
            "lines",
            &table,
            "",
            Err("takes text, not table(id: int, host: node)"),
        ),
        (
            "match",
            &Type::String,
            "{a: int} {b}",
            Ok("table(a: int, b: string)"),
        ),
        ("columns", &Type::Any, "", Ok("anything")),
    ];
    for (name, given, argument, wanted) in cases {
        let filter = find_filter(name).expect(name);
        let arguments = FilterArguments {
            positional: Some(argument)
                .filter(|it| !it.is_empty())
                .map(Value::text)
                .into_iter()
                .collect(),
            ..FilterArguments::default()
        };
        let found = (filter.gives)(given, &arguments).map(|kind| kind.to_string());
        assert_eq!(
            found,
            wanted.map(str::to_owned).map_err(str::to_owned),
            "{name} {argument}"
        );
    }
}
