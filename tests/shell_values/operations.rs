//! Comparing, reckoning, reading, printing and quoting.

use proptest::prelude::*;
use quorate::diagnostic::Span;
use quorate::evaluate::Context;
use quorate::expand::{awk_string, encode_type, encode_value};
use quorate::inventory::NodeSet;
use quorate::syntax::{ArithmeticOperator, CompareOperator};
use quorate::value::{Truth, Type, Value, quote};

use crate::awk::{Case, check_cases};
use crate::generate::{is_exact, is_writable, kind, list, node, nodes, plain, sample, table, text, value};
use crate::world::{World, encode_result, encode_truth, inventory};

/// What is done with random values.
#[derive(Debug, Clone)]
enum Operation {
    Show(Value),
    Compare(Value, usize, Value),
    Reckon(Value, usize, Value),
    Negative(Value),
    Coerce(Value, Type),
    Read(String, Type),
    Quote(String),
    Words(Value),
    Export(Value),
    Fold(NodeSet),
    Expand(String),
    Find(String),
    Matches(String, &'static str),
    Combine(Truth, Truth),
}

const COMPARE: [(CompareOperator, &str); 9] = [
    (CompareOperator::Is, "is"),
    (CompareOperator::IsNot, "is_not"),
    (CompareOperator::AtLeast, "at_least"),
    (CompareOperator::AtMost, "at_most"),
    (CompareOperator::MoreThan, "more_than"),
    (CompareOperator::LessThan, "less_than"),
    (CompareOperator::In, "is_in"),
    (CompareOperator::NotIn, "not_in"),
    (CompareOperator::Matches, "matches"),
];

const RECKON: [(ArithmeticOperator, &str); 5] = [
    (ArithmeticOperator::Add, "plus"),
    (ArithmeticOperator::Subtract, "minus"),
    (ArithmeticOperator::Multiply, "times"),
    (ArithmeticOperator::Divide, "divided"),
    (ArithmeticOperator::Intersect, "intersected"),
];

/// Patterns of all sorts that awk can be told.
const PATTERNS: [&str; 20] = [
    "",
    "^a",
    "a$",
    "^[[:blank:]]*a",
    r"\d{2,3}",
    "(?i)AB",
    "[^a-z]",
    "[^a ]b",
    r"\s\S",
    r"^\w+$",
    "a|b ",
    "(a|)c",
    r"[\]\[^\\-]",
    r"\.\*|\$",
    "(ab){2}",
    ".",
    "^.?$",
    "é+",
    "[^[:ascii:]]",
    r"\\|/|'",
];

/// Two values that often are alike, so that there is something to compare.
fn pair() -> impl Strategy<Value = (Value, Value)> {
    prop_oneof![
        2 => (value(), value()),
        2 => (plain(), plain()),
        3 => list().prop_filter_map("two items", |list| match &list {
            Value::List(values) if values.len() > 1 => Some((values[0].clone(), values[1].clone())),
            _ => None,
        }),
        1 => (plain(), list()),
        1 => (node().prop_map(Value::text), nodes()),
        1 => plain().prop_map(|value| (value.clone(), Value::text(value.to_string()))),
        1 => value().prop_map(|value| (value.clone(), value)),
        1 => list().prop_filter_map("an item", |list| match &list {
            Value::List(values) => values.first().map(|first| (first.clone(), list.clone())),
            _ => None,
        }),
    ]
}

/// A set of nodes as it might be written.
fn written_set() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("node1".to_owned()),
        Just("node[1-3]".to_owned()),
        Just("@mds".to_owned()),
        Just("@cs".to_owned()),
        Just("@rack[1-2]".to_owned()),
        Just("@".to_owned()),
        Just("n0[1-2]-ib0".to_owned()),
        "node\\[[0-9]{1,2}(-[0-9]{1,2})?(/[0-3])?(,[0-9]{0,2})?\\]",
        "x\\[0{0,2}[0-9]{1,2}-0{0,2}[0-9]{1,2}\\](y\\[[1-3]-[3-5]\\])?",
        "[-n0-9,!&^@ é/\\[\\]]{0,6}",
    ];
    (
        piece,
        prop::collection::vec(
            (
                "[,!&^ ]|, | ! ",
                prop_oneof![3 => "node\\[?[1-3]\\]?", 1 => "[@a-z1]{0,4}"],
            ),
            0..3,
        ),
    )
        .prop_map(|(first, rest)| {
            let rest = rest.into_iter().map(|(operator, name)| operator + &name);
            first + &rest.collect::<String>()
        })
}

fn truth() -> impl Strategy<Value = Truth> {
    prop_oneof![
        Just(Truth::Yes),
        Just(Truth::No),
        Just(Truth::Unknown("one".into())),
        Just(Truth::Unknown("two".into())),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let names = prop::collection::vec(
        "[a-c]{0,2}[0-9]{1,3}(-ib[0-9]{1,2})?(x[0-9])?|[a-z0-9]{1,4}",
        0..20,
    );
    let found = prop_oneof![
        node(),
        (node(), "[:.a-z0-9]{0,5}").prop_map(|(name, rest)| name + &rest),
        Just("[fe80::1]:80".to_owned()),
        Just("gate".to_owned()),
        Just("n2".to_owned()),
        "10\\.0\\.0\\.[0-9]{1,2}(:[0-9]{1,2})?",
    ];
    prop_oneof![
        2 => prop_oneof![table(), value()].prop_map(Operation::Show),
        8 => (pair(), 0..COMPARE.len()).prop_map(|((a, b), at)| Operation::Compare(a, at, b)),
        5 => (pair(), 0..RECKON.len()).prop_map(|((a, b), at)| Operation::Reckon(a, at, b)),
        1 => plain().prop_map(Operation::Negative),
        3 => (value(), kind()).prop_map(|(value, kind)| Operation::Coerce(value, kind)),
        4 => (text(), kind()).prop_map(|(text, kind)| Operation::Read(text, kind)),
        1 => text().prop_map(Operation::Quote),
        1 => prop_oneof![list(), plain()].prop_map(Operation::Words),
        1 => value().prop_map(Operation::Export),
        2 => names.prop_map(|names| Operation::Fold(crate::generate::node_set(&names))),
        3 => written_set().prop_map(Operation::Expand),
        1 => found.prop_map(Operation::Find),
        2 => (text(), prop::sample::select(PATTERNS.to_vec())).prop_map(|(text, it)| Operation::Matches(text, it)),
        1 => (truth(), truth()).prop_map(|(one, two)| Operation::Combine(one, two)),
    ]
}

fn encode(value: &Value) -> String {
    awk_string(&encode_value(value))
}

fn encode_text(text: &str) -> String {
    awk_string(&format!("t{text}"))
}

/// The cases of an operation; none where awk is not exact.
fn cases(context: &Context<'_>, operation: &Operation) -> Vec<Case> {
    let at = Span::default();
    match operation {
        Operation::Show(value) => {
            let given = encode(value);
            let unsure = value.unsure();
            vec![
                Case::new(format!("show({given})"), value.to_string()),
                Case::new(format!("unsure({given})"), unsure.as_deref().unwrap_or_default()),
                Case::new(format!("kind_name_of({given})"), value.kind().to_string()),
                Case::new(
                    format!("kind_of({given})"),
                    match value {
                        Value::Unknown(_) => "*".to_owned(),
                        _ => encode_type(&value.kind()),
                    },
                ),
            ]
        }
        Operation::Compare(left, place, right) => {
            let (operator, name) = COMPARE[*place];
            // A text as a pattern is taken as it stands; what is written is translated before.
            if operator == CompareOperator::Matches && matches!(right, Value::Text(_)) {
                return Vec::new();
            }
            let wanted = context.compare(left.clone(), operator, right.clone(), at);
            let expression = format!("{name}({}, {})", encode(left), encode(right));
            vec![Case::new(expression, encode_truth(wanted))]
        }
        Operation::Reckon(left, place, right) => {
            let (operator, name) = RECKON[*place];
            let wanted = context.arithmetic(left.clone(), operator, right.clone(), at);
            if wanted.as_ref().is_ok_and(|value| !is_exact(value)) {
                return Vec::new();
            }
            let expression = format!("{name}({}, {})", encode(left), encode(right));
            vec![Case::new(expression, encode_result(wanted))]
        }
        Operation::Negative(value) => {
            let wanted = context.arithmetic(Value::Int(0), ArithmeticOperator::Subtract, value.clone(), at);
            vec![Case::new(
                format!("negative({})", encode(value)),
                encode_result(wanted),
            )]
        }
        Operation::Coerce(value, kind) => {
            let wanted = context.coerce(value.clone(), kind, at);
            if wanted
                .as_ref()
                .is_ok_and(|value| !is_exact(value) || !is_writable(value))
            {
                return Vec::new();
            }
            let expression = format!("coerce({}, {})", encode(value), awk_string(&encode_type(kind)));
            vec![Case::new(expression, encode_result(wanted))]
        }
        Operation::Read(text, kind) => {
            let inventory = inventory();
            let wanted = Value::read(text, kind, &|name| inventory.find(name));
            if wanted
                .as_ref()
                .is_ok_and(|value| !is_exact(value) || !is_writable(value))
            {
                return Vec::new();
            }
            let wanted = wanted.map_or_else(|error| format!("!f{error}"), |value| encode_value(&value));
            let expression = format!(
                "read_value({}, {})",
                awk_string(text),
                awk_string(&encode_type(kind))
            );
            vec![Case::new(expression, wanted)]
        }
        Operation::Quote(text) => vec![Case::new(format!("quote({})", awk_string(text)), quote(text))],
        Operation::Words(value) => {
            let wanted = match value {
                Value::List(values) => {
                    let words = values.iter().map(|value| quote(&value.to_string()).into_owned());
                    words.collect::<Vec<String>>().join(" ")
                }
                Value::Command(_) => value.to_string(),
                other => quote(&other.to_string()).into_owned(),
            };
            vec![Case::new(format!("word_list({})", encode(value)), wanted)]
        }
        Operation::Export(value) => {
            let given = encode(value);
            let expression = format!(
                "import_value(export_value({given})) ({given} == import_value(export_value({given})))"
            );
            vec![Case::new(expression, encode_value(value) + "1")]
        }
        Operation::Fold(set) => {
            let names: Vec<String> = set.iter().rev().map(ToString::to_string).collect();
            let given = awk_string(&names.join(" "));
            vec![
                Case::new(
                    format!("\"N\" sort_nodes({given})"),
                    encode_value(&Value::Nodes(set.clone())),
                ),
                Case::new(format!("fold_nodes(sort_nodes({given}))"), set.to_string()),
                Case::new(
                    format!("expand_written({}, 0)", awk_string(&set.to_string())),
                    encode_value(&Value::Nodes(set.clone())),
                ),
            ]
        }
        Operation::Expand(text) => {
            let alone = NodeSet::expand(text).map(Value::Nodes);
            let alone = alone.map_or_else(|error| format!("!f{error}"), |value| encode_value(&value));
            let known = encode_result(context.coerce(Value::text(text.as_str()), &Type::Nodes, at));
            vec![
                Case::new(format!("expand_written({}, 0)", awk_string(text)), alone),
                Case::new(format!("expand_nodes({})", awk_string(text)), known),
            ]
        }
        Operation::Find(text) => {
            let found = inventory().find(text).map(|node| node.to_string());
            vec![Case::new(
                format!("find_node({})", awk_string(text)),
                found.unwrap_or_default(),
            )]
        }
        Operation::Matches(text, pattern) => {
            // A letter beyond ASCII is several bytes to awk: one place of any letter is not enough.
            if *pattern == "^.?$" && !text.is_ascii() {
                return Vec::new();
            }
            let pattern = Value::Regex((*pattern).into());
            let wanted = context.compare(
                Value::text(text.as_str()),
                CompareOperator::Matches,
                pattern.clone(),
                at,
            );
            let expression = format!("matches({}, {})", encode_text(text), encode(&pattern));
            vec![Case::new(expression, encode_truth(wanted))]
        }
        Operation::Combine(one, two) => {
            let (a, b) = (
                encode(&Value::Truth(one.clone())),
                encode(&Value::Truth(two.clone())),
            );
            vec![
                Case::new(
                    format!("both({a}, {b})"),
                    encode_truth(Ok(one.clone().and(two.clone()))),
                ),
                Case::new(
                    format!("either({a}, {b})"),
                    encode_truth(Ok(one.clone().or(two.clone()))),
                ),
                Case::new(format!("negate({a})"), encode_truth(Ok(one.clone().not()))),
                Case::new(format!("truth({a})"), encode_truth(Ok(one.clone()))),
            ]
        }
    }
}

#[test]
fn operations_give_the_same() {
    let world = World::new();
    let context = world.context();
    let operations = sample(operation(), 1_500);
    check_cases(
        operations
            .iter()
            .flat_map(|operation| cases(&context, operation))
            .collect(),
    );
}
