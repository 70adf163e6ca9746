//! Random values, types and texts, hostile ones among them.
//!
//! Where the awk library does not give just the same, nothing is generated: numbers from 2^53
//! on (and percentages of which not every hundredth can be printed), blanks, control characters and capitals beyond ASCII, lengths of time within a
//! millisecond, bytes of zero, and columns of tables within tables.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use quorate::inventory::{NodeName, NodeSet};
use quorate::library::write_extended;
use quorate::value::{Column, CommandText, Piece, Row, Table, Type, Value, read_version};

/// Some values of a strategy. There is no shrinking: a case is small, and told as it is.
pub fn sample<S: Strategy>(strategy: S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::default();
    let mut draw = || {
        strategy
            .new_tree(&mut runner)
            .expect("the strategy gives values")
            .current()
    };
    (0..count).map(|_| draw()).collect()
}

/// The least number that is not reckoned with.
const LIMIT: i64 = 1 << 53;

pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9 ]{0,8}",
        3 => number_text(),
        2 => "[ -~]{0,12}",
        2 => "[a-cé€ \\t\\n\\r\u{1b}\u{1e}\u{1f}\u{7f}'\"\\\\$`&%/!?|-]{0,10}",
        1 => prop::sample::select(vec![
            "yes", "no", "true", "avail", "node1", "10.0.0.3", "node[1-3]", "node2:80", "@mds", "5m", "1.5GB",
            "80%", "3:2", "6.0.0", "6.0", "[a b]", "unknown (x)", "i5", "!fno", "?why",
        ])
        .prop_map(str::to_owned),
    ]
}

/// What could be a number of some unit.
pub fn number_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[-+0-9.:%KMGTPBmshd ,]{0,6}",
        "[0-9]{1,3}(ms|s|m|h|d)( ?[0-9]{1,3}(ms|s|m))?",
        "[0-9]{1,3}(\\.[0-9]{1,10})?[KMGT]?B",
        "-?[0-9]{1,4}(\\.[0-9]{1,3})?%",
        "-?[0-9]{1,20}",
        "[0-9]{1,11}:[0-9]{1,11}",
        "[0-9]{1,3}(\\.[0-9]{1,3}){0,3}",
    ]
}

/// A reason, which is never empty.
pub fn why() -> impl Strategy<Value = Arc<str>> {
    "[a-z][a-z ]{0,6}( \u{1e}|\n)?".prop_map(Arc::from)
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -20..20i64, 2 => -100_000..100_000i64, 1 => (1 - LIMIT)..LIMIT]
}

pub fn node() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "node1",
        "node2",
        "node3",
        "node10",
        "n01-ib0",
        "n02-ib0",
        "gate.example.com",
    ])
    .prop_map(str::to_owned)
}

pub fn nodes() -> impl Strategy<Value = Value> {
    prop::collection::vec(node(), 0..5).prop_map(|names| Value::Nodes(node_set(&names)))
}

pub fn node_set(names: &[String]) -> NodeSet {
    names.iter().map(|name| NodeName::from(name.as_str())).collect()
}

fn size() -> impl Strategy<Value = u64> {
    let rounded = (0..2_000u64, 0..5u32).prop_map(|(number, unit)| number << (10 * unit));
    prop_oneof![0..5_000u64, rounded, 0..(LIMIT as u64)]
}

fn version() -> impl Strategy<Value = Value> {
    "[0-9]{1,2}(\\.(0|[0-9]{1,2})){0,3}"
        .prop_map(|text| Value::Version(read_version(&text).expect("numbers with dots between")))
}

/// A value of one of the plain types, each a strategy of its own.
fn plain_kinds() -> Vec<BoxedStrategy<Value>> {
    vec![
        text().prop_map(Value::text).boxed(),
        number().prop_map(Value::Int).boxed(),
        any::<bool>().prop_map(Value::Bool).boxed(),
        (0..(LIMIT as u64))
            .prop_map(|ms| Value::Duration(Duration::from_millis(ms)))
            .boxed(),
        (0..5_000u64)
            .prop_map(|seconds| Value::Duration(Duration::from_secs(seconds)))
            .boxed(),
        size().prop_map(Value::Size).boxed(),
        (-1_000_000..1_000_000_000i64).prop_map(Value::Percent).boxed(),
        (0..5u32, any::<u32>())
            .prop_map(|(one, two)| Value::Ratio(one, two % 7))
            .boxed(),
        version().boxed(),
        text().prop_map(|text| Value::Path(text.into())).boxed(),
        node().prop_map(|name| Value::Node(NodeName::from(name))).boxed(),
        text().prop_map(|text| Value::Service(text.into())).boxed(),
    ]
}

fn unsure() -> impl Strategy<Value = Value> {
    prop_oneof![
        why().prop_map(Value::Unknown),
        (number(), why()).prop_map(|(number, why)| Value::AtLeast(number, why)),
    ]
}

fn command() -> impl Strategy<Value = Value> {
    let command = |text: String| {
        let pieces = vec![Piece::Text(text)];
        Value::Command(Arc::new(CommandText { pieces }))
    };
    text().prop_map(command)
}

pub fn plain() -> impl Strategy<Value = Value> {
    prop_oneof![
        12 => prop::strategy::Union::new(plain_kinds()),
        2 => unsure(),
        1 => nodes(),
        1 => command(),
        1 => prop::sample::select(vec!["^a", "a.c", r"\d+", "x|y"]).prop_map(|it| Value::Regex(it.into())),
    ]
}

/// A list, mostly of values of one kind.
pub fn list() -> impl Strategy<Value = Value> {
    let alike = (0..plain_kinds().len()).prop_flat_map(|at| {
        let one = plain_kinds().swap_remove(at);
        prop::collection::vec(prop_oneof![8 => one, 1 => unsure()], 0..6)
    });
    let any = prop::collection::vec(plain(), 0..5);
    prop_oneof![3 => alike, 1 => any].prop_map(Value::list)
}

fn column_name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec!["a", "b", "node", "id", "state", "iolat(ms)", "a:b"]).prop_map(str::to_owned),
        1 => "[a-z][a-z0-9%_-]{0,5}",
    ]
}

/// A table whose columns each hold values of one kind.
pub fn table() -> impl Strategy<Value = Value> {
    let column = (column_name(), 0..plain_kinds().len());
    let columns = prop::collection::vec(column, 0..4).prop_map(|mut columns| {
        columns.sort();
        columns.dedup_by(|(a, _), (b, _)| a == b);
        columns
    });
    let rows = columns.prop_flat_map(|columns| {
        let cells: Vec<BoxedStrategy<Value>> = columns
            .iter()
            .map(|(_, at)| prop_oneof![8 => plain_kinds().swap_remove(*at), 1 => unsure()].boxed())
            .collect();
        (Just(columns), prop::collection::vec(cells, 0..5))
    });
    (rows, prop::option::weighted(0.2, why())).prop_map(|((columns, rows), or_more)| {
        let models = plain_types();
        let columns: Vec<Column> = columns
            .into_iter()
            .map(|(name, at)| Column::new(name, models[at].clone()))
            .collect();
        let columns = Arc::new(columns);
        let rows = rows.into_iter().map(|cells| Row {
            columns: columns.clone(),
            cells,
        });
        Value::Table(Arc::new(Table {
            rows: rows.collect(),
            columns: columns.clone(),
            or_more,
        }))
    })
}

/// The types of [`plain_kinds`], in its order.
fn plain_types() -> Vec<Type> {
    vec![
        Type::String,
        Type::Int,
        Type::Bool,
        Type::Duration,
        Type::Duration,
        Type::Size,
        Type::Percent,
        Type::Ratio,
        Type::Version,
        Type::Path,
        Type::Node,
        Type::Service,
    ]
}

pub fn row() -> impl Strategy<Value = Value> {
    table().prop_filter_map("a table with rows", |table| match table {
        Value::Table(table) => table.rows.first().map(|row| Value::Row(Arc::new(row.clone()))),
        _ => None,
    })
}

pub fn value() -> impl Strategy<Value = Value> {
    prop_oneof![5 => plain(), 3 => list(), 3 => table(), 1 => row()]
}

/// A type that a parameter or a column may have.
pub fn kind() -> impl Strategy<Value = Type> {
    let mut plain = plain_types();
    plain.extend([Type::Any, Type::Nodes, Type::Command, Type::Regex]);
    plain.push(Type::Choice(vec!["avail".to_owned(), "stale".to_owned()]));
    let plain = prop::sample::select(plain);
    prop_oneof![4 => plain.clone(), 1 => plain.prop_map(|inner| Type::List(Box::new(inner)))]
}

/// Columns as a fact declares them.
pub fn columns() -> impl Strategy<Value = Vec<Column>> {
    prop::collection::vec((column_name(), kind()), 1..4).prop_map(|mut columns| {
        columns.sort_by(|(a, _), (b, _)| a.cmp(b));
        columns.dedup_by(|(a, _), (b, _)| a == b);
        columns
            .into_iter()
            .map(|(name, kind)| Column::new(name, kind))
            .collect()
    })
}

/// Whether the awk library can hold a value exactly.
pub fn is_exact(value: &Value) -> bool {
    let holds = |number: u128| number < LIMIT as u128;
    match value {
        Value::Int(number) | Value::Percent(number) => holds(u128::from(number.unsigned_abs())),
        Value::AtLeast(number, _) => holds(u128::from(number.unsigned_abs())),
        Value::Duration(length) => holds(length.as_millis()) && length.as_nanos() % 1_000_000 == 0,
        Value::Size(bytes) => holds(u128::from(*bytes)),
        Value::List(values) => values.iter().all(is_exact),
        Value::Row(row) => row.cells.iter().all(is_exact),
        Value::Table(table) => table.rows.iter().flat_map(|row| &row.cells).all(is_exact),
        _ => true,
    }
}

/// Whether a value that was read can be held: a text need not be a pattern that awk can be told.
pub fn is_writable(value: &Value) -> bool {
    match value {
        Value::Regex(pattern) => write_extended(pattern).is_ok_and(|written| written == **pattern),
        Value::List(values) => values.iter().all(is_writable),
        _ => true,
    }
}
