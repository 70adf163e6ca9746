//! Facts, guards, texts and commands over random values.

use std::sync::Arc;

use proptest::prelude::*;
use quorate::diagnostic::Span;
use quorate::evaluate::{EvaluateError, Frame, Place, gather};
use quorate::expand::{awk_string, encode_columns, encode_value};
use quorate::guard::Verdict;
use quorate::inventory::NodeName;
use quorate::syntax::{Expression, Template, Test};
use quorate::value::{Column, Row, Table, Truth, Type, Value};

use crate::awk::{Case, check_cases};
use crate::generate::{columns, is_exact, is_writable, list, node, plain, row, sample, table, value, why};
use crate::world::{World, encode_result, inventory, parse};

fn encode(value: &Value) -> String {
    awk_string(&encode_value(value))
}

fn template(text: &str) -> Template {
    match parse(text).map(|written| written.node) {
        Some(Expression::Text(template)) => template,
        _ => panic!("{text} is no text"),
    }
}

#[test]
fn declared_columns_give_the_same() {
    let (world, inventory) = (World::new(), inventory());
    let given = prop_oneof![8 => table(), 1 => row(), 1 => plain()];
    let mut cases = Vec::new();
    for (value, declared) in sample((given, columns()), 500) {
        let wanted = match &value {
            Value::Unknown(_) => encode_value(&value),
            Value::Table(table) if table.is_foreign_to(&declared) => {
                let names = declared.iter().map(|column| format!("`{}`", column.name));
                let error = EvaluateError::OtherColumns {
                    fact: "f".to_owned(),
                    wanted: names.collect::<Vec<String>>().join(" "),
                    found: table.header(),
                    at: Span::default(),
                };
                format!("!f{error}")
            }
            Value::Table(_) | Value::Row(_) => {
                let converted = as_table(&value).convert(&declared, &|name| inventory.find(name));
                if !converted
                    .rows
                    .iter()
                    .flat_map(|row| &row.cells)
                    .all(|it| is_exact(it) && is_writable(it))
                {
                    continue;
                }
                encode_value(&Value::Table(Arc::new(converted)))
            }
            other => encode_result(world.context().coerce(
                other.clone(),
                &Type::Table(declared.clone()),
                Span::default(),
            )),
        };
        let header = awk_string(&encode_columns(&declared));
        cases.push(Case::new(
            format!("conform({}, {header}, \"f\")", encode(&value)),
            wanted,
        ));
    }
    check_cases(cases);
}

fn as_table(value: &Value) -> Table {
    match value {
        Value::Table(table) => (**table).clone(),
        Value::Row(row) => Table {
            columns: row.columns.clone(),
            rows: vec![(**row).clone()],
            or_more: None,
        },
        _ => Table::default(),
    }
}

#[test]
fn what_nodes_give_is_gathered() {
    let one = prop_oneof![
        3 => plain().prop_map(Ok),
        1 => value().prop_map(Ok),
        1 => why().prop_map(Err),
    ];
    // Nodes give tables of one fact, so rows have the same columns.
    let of_fact =
        (table(), prop::collection::vec((node(), any::<bool>()), 0..4)).prop_map(|(table, nodes)| {
            let given = |(name, fails): (String, bool)| {
                (
                    name,
                    if fails {
                        Err("no answer".into())
                    } else {
                        Ok(table.clone())
                    },
                )
            };
            nodes.into_iter().map(given).collect::<Vec<_>>()
        });
    let plain = prop::collection::vec((node(), one), 0..4).prop_filter("no rows", |given| {
        !given
            .iter()
            .any(|(_, value)| matches!(value, Ok(Value::Row(_) | Value::Table(_))))
    });
    let mut cases = Vec::new();
    for given in sample(prop_oneof![of_fact, plain], 300) {
        let mut expression = "gather_start()".to_owned();
        let mut values = Vec::new();
        for (name, value) in given {
            let encoded = match &value {
                Ok(value) => encode(value),
                Err(why) => awk_string(&format!("!f{why}")),
            };
            expression = format!("gather_add({expression}, {}, {encoded})", awk_string(&name));
            values.push((NodeName::from(name), value.unwrap_or_else(Value::Unknown)));
        }
        cases.push(Case::new(
            format!("gather_end({expression})"),
            encode_value(&gather(values)),
        ));
    }
    check_cases(cases);
}

/// A table with a column that says whether each row is well.
fn judged_table() -> impl Strategy<Value = Table> {
    let cell = prop_oneof![
        3 => any::<bool>().prop_map(Value::Bool),
        1 => why().prop_map(Value::Unknown),
    ];
    let rows = prop::collection::vec((cell, 0..100i64), 0..9);
    (rows, prop::option::weighted(0.2, why())).prop_map(|(rows, or_more)| {
        let columns = Arc::new(vec![
            Column::new("well", Type::Bool),
            Column::new("number", Type::Int),
        ]);
        let rows = rows.into_iter().map(|(well, number)| Row {
            columns: columns.clone(),
            cells: vec![well, Value::Int(number)],
        });
        Table {
            rows: rows.collect(),
            columns: columns.clone(),
            or_more,
        }
    })
}

#[test]
fn quantifiers_give_the_same() {
    let world = World::new();
    let quantifiers = [
        ("all", "all"),
        ("none", "none"),
        ("some", "some"),
        ("at least $n", "at-least"),
        ("at most $n", "at-most"),
        ("exactly $n", "exactly"),
    ];
    let given = (
        prop_oneof![
            8 => judged_table().prop_map(|table| Value::Table(Arc::new(table))),
            1 => why().prop_map(Value::Unknown),
            1 => plain(),
        ],
        prop::sample::select(quantifiers.to_vec()),
        -1..6i64,
        any::<bool>(),
    );
    let mut cases = Vec::new();
    for (value, (words, kind), number, or_none) in sample(given, 300) {
        let frame = Frame::default()
            .with("t", value.clone())
            .with("n", Value::Int(number));
        let text = format!("{words} of $t have well{}", if or_none { " or none" } else { "" });
        let written = parse(&text).expect("it is a condition");
        let counted = count(&value);
        let quantified = format!(
            "quantify({}, {counted}, \"i{number}\", {})",
            awk_string(kind),
            u8::from(or_none)
        );
        let truth = world.context().truth(&frame, &written).map(Value::Truth);
        cases.push(Case::new(quantified, encode_result(truth)));
        let test = quorate::diagnostic::Spanned::new(Test::Condition(Box::new(written)), Span::default());
        let judged = world.context().judge(&frame, &test).expect("nothing is asked");
        if judged.truth == Truth::No {
            let explained = format!(
                "explain_rows({}, {}, {counted}, \"$t\", \"well\")",
                awk_string(kind),
                awk_string(words)
            );
            cases.push(Case::new(explained, format!("t{}", judged.reason)));
        }
        if let Value::Table(table) = &value {
            let where_well = parse("$t | where well").expect("it is a pipeline");
            let kept = world.context().evaluate(&frame, &where_well);
            cases.push(Case::new(keep(&value, table), encode_result(kept)));
        }
    }
    check_cases(cases);
}

/// The awk expression that counts the rows of a table.
fn count(value: &Value) -> String {
    let start = format!("counted_start({})", encode(value));
    let Value::Table(table) = value else { return start };
    table.rows.iter().fold(start, |counted, row| {
        let row = encode(&Value::Row(Arc::new(row.clone())));
        format!("counted_add({counted}, {row}, truth(cell({row}, \"well\")))")
    })
}

/// The awk expression that keeps the rows that are well.
fn keep(value: &Value, table: &Table) -> String {
    let start = format!("table_empty_like({})", encode(value));
    (1..)
        .zip(&table.rows)
        .fold(start, |kept, (at, row)| match &row.cells[0] {
            Value::Bool(true) => format!("table_add({kept}, table_row({}, {at}))", encode(value)),
            unknown @ Value::Unknown(_) => format!("table_or_more({kept}, {})", encode(unknown)),
            _ => kept,
        })
}

#[test]
fn texts_and_commands_give_the_same() {
    let world = World::new();
    let context = world.context();
    let mut cases = Vec::new();
    for value in sample(prop_oneof![value(), list()], 200) {
        let (given, frame) = (encode(&value), Frame::default().with("x", value.clone()));
        let evaluate = |text: &str| encode_result(context.evaluate(&frame, &parse(text).expect(text)));
        let text = evaluate("\"a $x b\"");
        cases.push(Case::new(
            format!("text_add(text_add(\"ta \", {given}), \"t b\")"),
            text,
        ));
        let said = context
            .text(&frame, &template("\"a $x b\""))
            .expect("it can be shown");
        cases.push(Case::new(
            format!("say_add(say_add(\"ta \", {given}), \"t b\")"),
            format!("t{said}"),
        ));
        let command = context.command_line(&frame, &template("\"a $x \""));
        let command = command.map(|line| Value::text(line.as_str()));
        let command = encode_result(command);
        let command = command
            .strip_prefix('t')
            .map_or(command.clone(), |line| format!("c{line}"));
        let written = format!("command_end(command_text(command_add(\"ca \", {given}, \"x\"), \" \"), 1)");
        cases.push(Case::new(written, command));
        cases.push(Case::new(
            format!("field({given}, \"rack\")"),
            evaluate("$x.rack"),
        ));
        cases.push(Case::new(
            format!("field({given}, \"node\")"),
            evaluate("$x.node"),
        ));
        let items = context.items(value.clone(), Span::default()).map(Value::list);
        cases.push(Case::new(format!("items({given})"), encode_result(items)));
        if !matches!(&value, Value::Unknown(_))
            && !matches!(&value, Value::Table(table) if table.or_more.is_some())
        {
            cases.push(Case::new(
                format!("of_rows(items({given}))"),
                evaluate("$x | each $it"),
            ));
        }
    }
    check_cases(cases);
}

#[test]
fn verdicts_are_merged() {
    let verdict = |what: &str| match what {
        "y" => (Verdict::yes(), "verdict_yes()".to_owned()),
        "n" => (Verdict::no("no reason"), "verdict_no(\"tno reason\")".to_owned()),
        _ => (
            Verdict::unknown("silent"),
            "verdict_unknown(\"?silent\")".to_owned(),
        ),
    };
    let cases = [
        // what is there, what is found, what comes of it
        ("y", "y", "Vy\u{1e}\u{1e}7"),
        ("y", "n", "Vn\u{1e}no reason\u{1e}7"),
        ("y", "u", "Vu\u{1e}silent\u{1e}7"),
        ("u", "n", "Vn\u{1e}no reason\u{1e}7"),
        ("u", "y", "Vu\u{1e}silent\u{1e}7"),
        ("n", "u", "Vn\u{1e}no reason\u{1e}7"),
    ];
    let cases = cases.map(|(one, two, wanted)| {
        let (one, two) = (verdict(one).1, verdict(two).1);
        Case::new(
            format!("verdict_merge(verdict_steady({one}, \"i7\"), {two})"),
            wanted,
        )
    });
    let mut cases = cases.to_vec();
    cases.push(Case::new(
        "verdict_steady(verdict_yes(), \"?gone\")",
        "Vu\u{1e}gone\u{1e}unknown (gone)",
    ));
    cases.push(Case::new(
        "verdict_value(verdict_unknown(\"!fbroken\"))",
        "?broken",
    ));
    cases.push(Case::new("verdict_unknown(\"!?\")", "!?"));
    check_cases(cases);
}

#[test]
fn members_that_are_out_are_masked() {
    let table =
        "T\u{1e}host:n\u{1f}id:i\u{1f}state:t\u{1e}nnode1\u{1f}i1\u{1f}tup\u{1e}nnode2\u{1f}i2\u{1f}tup";
    let masked = table.replacen("tup", "?node1 is out by this run, and the view lags", 1);
    check_cases(vec![Case::new(
        format!(
            "(masks[\"pstorage.mds\", \"node1\"] = 1) masked_table({}, \"pstorage.mds\")",
            awk_string(table)
        ),
        format!("1{masked}"),
    )]);
}

/// The place in awk and in the interpreter.
const PLACES: [&str; 3] = ["node1", "@", ""];

#[test]
fn the_places_of_commands_are_told_apart() {
    for place in PLACES {
        let frame = match place {
            "" => Place::Nowhere,
            "@" => Place::Local,
            node => Place::Node(NodeName::from(node)),
        };
        crate::probes::check_probes(place, frame);
    }
}
