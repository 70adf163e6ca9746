//! Each filter, by its examples and on random values.

use proptest::prelude::*;
use quorate::expand::{awk_string, encode_value};
use quorate::library::{Apply, FILTERS, Filter, FilterArguments, ParameterKind, find_filter};
use quorate::syntax::{Expression, FilterForm};
use quorate::value::{Type, Value};

use crate::awk::{Case, check_cases};
use crate::generate::{is_exact, list, nodes, plain, sample, table, text, value};
use crate::world::{World, parse};

/// A filter by its name, and what it is given.
type Call = (&'static str, Value, FilterArguments);

/// The awk call of a filter; `value` is an awk expression.
fn call_filter(filter: &Filter, value: &str, arguments: &FilterArguments) -> String {
    let mut positional = arguments.positional.iter();
    let given = filter.parameters.iter().map(|parameter| match &parameter.kind {
        ParameterKind::SortKeys => {
            let keys = arguments
                .keys
                .iter()
                .map(|(name, down)| format!("{}{name}", if *down { "-" } else { "" }));
            awk_string(&keys.collect::<Vec<String>>().join("\u{1f}"))
        }
        _ if parameter.positional => encode(positional.next()),
        _ => encode(arguments.named(parameter.name)),
    });
    let given: Vec<String> = given.collect();
    let separator = if given.is_empty() { "" } else { ", " };
    let or_none = u8::from(arguments.or_none);
    format!(
        "filter_{}({value}, {}{separator}{or_none})",
        filter.name,
        given.join(", ")
    )
}

fn encode(value: Option<&Value>) -> String {
    awk_string(&value.map(encode_value).unwrap_or_default())
}

#[test]
fn every_example_gives_the_same() {
    let (world, mut cases, mut odd) = (World::new(), Vec::new(), Vec::new());
    for filter in FILTERS
        .iter()
        .filter(|filter| matches!(filter.apply, Apply::Pure(_)))
    {
        for (example, wanted) in filter.examples {
            match translate(&world, example) {
                Some(expression) => cases.push(Case::new(format!("show({expression})"), *wanted)),
                None => odd.push(*example),
            }
        }
    }
    // Filters are told of a `sort` without `by`, which no script can write.
    assert_eq!(odd, ["[3 1 2] | sort"]);
    check_cases(cases);
}

/// A pipeline as an awk expression; `None` when it does not parse.
fn translate(world: &World, example: &str) -> Option<String> {
    let context = world.context();
    let evaluate = |written: &quorate::diagnostic::Spanned<Expression>| match &written.node {
        Expression::Name(name) => Value::text(name.as_str()),
        _ => context
            .evaluate(&quorate::evaluate::Frame::default(), written)
            .map(read_words)
            .expect(example),
    };
    let Expression::Pipeline { source, filters } = parse(example)?.node else {
        panic!("{example} is no pipeline");
    };
    let mut expression = encode(Some(&evaluate(&source)));
    for call in &filters {
        let mut arguments = FilterArguments {
            or_none: call.node.or_none,
            ..FilterArguments::default()
        };
        match &call.node.form {
            FilterForm::SortBy(keys) => {
                arguments.keys = keys
                    .iter()
                    .map(|(name, down)| (name.node.clone(), *down))
                    .collect();
            }
            FilterForm::Plain(written) => {
                arguments.positional = written.positional.iter().map(&evaluate).collect();
                let named = written.named.iter();
                arguments.named = named
                    .map(|(name, value)| (name.node.clone(), evaluate(value)))
                    .collect();
            }
            _ => panic!("{example} has a loop in it"),
        }
        let filter = find_filter(&call.node.name.node).expect("the example parses");
        expression = call_filter(filter, &expression, &arguments);
    }
    Some(expression)
}

/// What tools print: headers, marks, blank lines, words in columns.
fn output() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        3 => "[A-C]{1,2}( +[A-D]{1,2}){0,3}",
        6 => "[M*]?[ ]?[0-9a-cM]{1,3}( +[a-c0-9%]{1,3}){0,4} ?",
        1 => "[ \t\r]{0,2}",
        1 => "[A-Z]: [a-c:]{0,5}",
        1 => text(),
    ];
    prop::collection::vec(line, 0..6).prop_map(|lines| lines.join("\n"))
}

/// A template and a text that it may be in.
fn template() -> impl Strategy<Value = (String, String)> {
    let part = prop::sample::select(vec![
        "up ",
        "nodes: ",
        "(",
        "%",
        ", ",
        " of ",
        "\n",
        " \n ",
        "é ",
        " ",
        "{{",
        "}}",
        "{",
        "}",
        "{a}",
        "{b}",
        "{B}",
        "{a: int}",
        "{b: bool}",
        "{c: duration}",
        "{d: size}",
        "{e: percent}",
        "{f: ratio}",
        "{g: version}",
        "{h: path}",
        "{i: string}",
        "{j: string}",
        "{k: [up upgrading a]}",
        "{l: itn}",
        "{m: [ ]}",
        "{n: verson}",
        "{o: service}",
        "{o o}",
        "{p:}",
        "{a: sting}",
        "{q: a}",
        "{r: [a b}",
    ]);
    let word = prop::sample::select(vec![
        "up",
        "3",
        "-3",
        "13.5",
        "80%",
        "1h 30m",
        "5ms",
        "2ms5s",
        "1m",
        "s",
        "yes",
        "no",
        "1.5GB",
        "B",
        "3:2",
        "6.0.7",
        " ",
        "  ",
        "\n",
        " \n  ",
        "\r\n",
        "of",
        " of ",
        "nodes: ",
        ", ",
        "(",
        ")",
        "é",
        "pcs1",
        "upgrading",
        "%",
        ".",
        "{",
        "}",
        "a",
        "99999999999999999999",
    ]);
    let join = |parts: Vec<&'static str>| parts.concat();
    (
        prop::collection::vec(part, 1..7).prop_map(join),
        prop::collection::vec(word, 0..14).prop_map(join),
    )
}

fn column() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => prop::sample::select(vec!["a", "b", "node", "id", "state", "value", "x"]).prop_map(Value::text),
        1 => plain(),
    ]
}

/// An argument for a parameter, or none.
fn argument(kind: &ParameterKind, required: bool) -> BoxedStrategy<Option<Value>> {
    let some = match kind {
        ParameterKind::Column => column().boxed(),
        ParameterKind::Value(Type::Regex) => prop_oneof![
            8 => prop::sample::select(vec!["^A", "a", "[BC]", "^$", "b|c", r"\d$"]).prop_map(|it| Value::Regex(it.into())),
            1 => Just(Value::unknown("no pattern")),
        ]
        .boxed(),
        _ => prop_oneof![
            8 => prop::sample::select(vec![":", "M", "*", "A", "b", "", " ", "B", "Up"]).prop_map(Value::text),
            1 => plain(),
        ]
        .boxed(),
    };
    if required {
        some.prop_map(Some).boxed()
    } else {
        prop::option::of(some).boxed()
    }
}

fn call() -> impl Strategy<Value = Call> {
    let pure = FILTERS
        .iter()
        .filter(|filter| matches!(filter.apply, Apply::Pure(_)) && filter.name != "json");
    let names: Vec<&str> = pure.map(|filter| filter.name).collect();
    prop::sample::select(names).prop_flat_map(|name| {
        let filter = find_filter(name).expect("it is one of them");
        let is_of_text = ["lines", "trim", "section", "columns", "match", "pairs"].contains(&filter.name);
        let value = match is_of_text {
            true => prop_oneof![12 => output().prop_map(Value::text), 1 => value(), 1 => list()].boxed(),
            false => prop_oneof![6 => table(), 6 => list(), 1 => nodes(), 1 => value()].boxed(),
        };
        let positional = filter.parameters.iter().filter(|parameter| parameter.positional);
        let positional: Vec<_> = positional.map(|it| argument(&it.kind, it.required)).collect();
        let named = filter
            .parameters
            .iter()
            .filter(|it| !it.positional && it.kind != ParameterKind::SortKeys);
        let named: Vec<_> = named
            .map(|it| (Just(it.name.to_owned()), argument(&it.kind, it.required)))
            .collect();
        let keys = prop::sample::select(vec!["a", "b", "node", "id", "state", "x"]).prop_map(str::to_owned);
        let keys = prop::collection::vec((keys, any::<bool>()), 0..3);
        let arguments =
            (positional, named, keys, any::<bool>()).prop_map(move |(positional, named, keys, or_none)| {
                FilterArguments {
                    positional: positional.into_iter().flatten().collect(),
                    named: named
                        .into_iter()
                        .filter_map(|(name, value)| Some((name, value?)))
                        .collect(),
                    keys: if filter.name == "sort" { keys } else { Vec::new() },
                    or_none,
                }
            });
        let template = template().prop_map(move |(template, text)| {
            let positional = vec![Value::text(template)];
            (
                Value::text(text),
                FilterArguments {
                    positional,
                    ..FilterArguments::default()
                },
            )
        });
        let given = match filter.name {
            "match" => prop_oneof![4 => template, 1 => (value, arguments)].boxed(),
            _ => (value, arguments).boxed(),
        };
        given.prop_map(move |(value, arguments)| (name, value, arguments))
    })
}

/// What the interpreter gives, as the awk library holds it; `None` where awk is not exact.
fn apply((name, value, arguments): &Call) -> Option<Case> {
    let filter = find_filter(name)?;
    let Apply::Pure(apply) = filter.apply else {
        return None;
    };
    let expression = call_filter(filter, &encode(Some(value)), arguments);
    match apply(value.clone(), arguments) {
        Ok(found) => is_exact(&found).then(|| Case::new(expression, encode_value(&found))),
        // Which of several pairs without an order is named hangs on the way of sorting.
        Err(error) if filter.name == "sort" && error.to_string().contains(" beside ") => Some(Case::new(
            format!("substr({expression}, 1, 60)"),
            format!("!f{error}").get(..60)?,
        )),
        Err(error) => Some(Case::new(expression, format!("!f{error}"))),
    }
}

#[test]
fn filters_give_the_same() {
    let calls = sample(call(), 1_500);
    check_cases(calls.iter().filter_map(apply).collect());
}

/// The words of a list as the numbers that the examples mean by them.
fn read_words(value: Value) -> Value {
    let kinds = [
        Type::Int,
        Type::Size,
        Type::Duration,
        Type::Percent,
        Type::Version,
    ];
    let read = |word: &Value| {
        let text = word.to_string();
        let read = kinds
            .iter()
            .find_map(|kind| Value::read(&text, kind, &|_| None).ok());
        read.unwrap_or_else(|| word.clone())
    };
    match &value {
        Value::List(values) => Value::list(values.iter().map(read).collect()),
        _ => value,
    }
}

/// JSON with whole numbers below 2^53 and fractions that need no rounding; jq before 1.7 keeps
/// no others as they are written.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?[1-9][0-9]{0,14}",
        "[0-9]\\.[25]",
        text().prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        let name = prop::sample::select(vec!["Id", "id", "ID-2", "Health", "node", "a:b"]);
        let object = prop::collection::vec((name, inner.clone()), 0..4).prop_map(|fields| {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("\"{name}\": {value}"))
                .collect();
            format!("{{{}}}", fields.join(", "))
        });
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            object.clone(),
            prop::collection::vec(object, 1..4).prop_map(|rows| format!(" [{}]\n", rows.join(",\n"))),
        ]
    })
}

#[test]
fn json_gives_the_same() {
    let filter = find_filter("json").expect("it is a filter");
    let mut cases = Vec::new();
    for text in sample(json(), 40) {
        let call = ("json", Value::text(text), FilterArguments::default());
        cases.extend(apply(&call));
    }
    for text in ["", "{", "[1,", "1 2", "nul", "'a'"] {
        // What is wrong with it, each reader says in its own words.
        let expression = call_filter(
            filter,
            &encode(Some(&Value::text(text))),
            &FilterArguments::default(),
        );
        cases.push(Case::new(
            format!("substr({expression}, 1, 20)"),
            "!fthis is not JSON: "[..20].to_owned(),
        ));
    }
    cases.extend(
        [Value::unknown("why"), Value::Int(1)]
            .map(|value| ("json", value, FilterArguments::default()))
            .iter()
            .filter_map(apply),
    );
    check_cases(cases);
}
