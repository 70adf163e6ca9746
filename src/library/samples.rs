//! Outputs as the real tools print them, and what pipelines read out of them.

use std::sync::Arc;

use proptest::prelude::*;

use super::tests::apply_filter;
use super::*;
use crate::inventory::NodeName;
use crate::value::{Column, Row, Table};

const STAT: &str = include_str!("../../tests/samples/stat.txt");
const HEADER: &str = include_str!("../../tests/samples/stat_header.txt");
const SPACE_UNTAGGED: &str = include_str!("../../tests/samples/space_untagged.txt");
const CHUNKS_PERCENT: &str = include_str!("../../tests/samples/chunks_percent.txt");
const MDS_ALONE: &str = include_str!("../../tests/samples/mds_mark_alone.txt");
const MDS_GLUED: &str = include_str!("../../tests/samples/mds_mark_glued.txt");
const CS: &str = include_str!("../../tests/samples/cs.txt");
const CS_UNIQUE: &str = include_str!("../../tests/samples/cs_unique.txt");
const GET_ATTR: &str = include_str!("../../tests/samples/get_attr.txt");
const ISCSI_LIST: &str = include_str!("../../tests/samples/iscsi_list.txt");
const ISCSI_TARGET: &str = include_str!("../../tests/samples/iscsi_target.txt");

fn table_of(value: Value) -> Arc<Table> {
    match value {
        Value::Table(table) => table,
        other => panic!("no table: {other:?}"),
    }
}

/// Each row's cells of the named columns, a question mark for what is not known.
fn show(table: &Table, names: &[&str]) -> Vec<String> {
    let show_cell = |row: &Row, name: &str| match row.get(name) {
        None => "no column".to_owned(),
        Some(Value::Unknown(_)) => "?".to_owned(),
        Some(cell) => cell.to_string(),
    };
    let show_row = |row: &Row| {
        let cells = names.iter().map(|name| show_cell(row, name));
        cells.collect::<Vec<_>>().join("|")
    };
    table.rows.iter().map(show_row).collect()
}

fn columns(text: Value, named: &[(&str, &str)]) -> Arc<Table> {
    table_of(apply_filter("columns", text, &[], named).expect("a table"))
}

fn matches(text: &str, template: &str) -> Arc<Table> {
    let found = apply_filter("match", Value::text(text), &[template], &[]);
    table_of(found.unwrap_or_else(|error| panic!("{template}: {error}")))
}

fn find_node(text: &str) -> Option<NodeName> {
    let name = text.split(':').next()?;
    (name.starts_with("node") || name.starts_with("10.")).then(|| NodeName::from(name))
}

#[test]
fn metadata_servers_are_read_in_both_forms_of_the_mark() {
    let declared = [
        Column::new("mdsid", Type::Int),
        Column::new("master", Type::Bool),
        Column::new("status", Type::String),
        Column::new("%ctime", Type::Percent),
        Column::new("uptime", Type::Duration),
        Column::new("host", Type::Node),
    ];
    let wanted = [
        "1|no|avail|0.1%|9d21h|node1",
        "2|yes|avail|0.2%|9d20h|node2",
        "3|no|avail|0.1%|9d21h|node3",
    ];
    let named = [("mark", "M"), ("as", "master"), ("wide", "UPTIME")];
    for text in [MDS_ALONE, MDS_GLUED, STAT] {
        let section = apply_filter("section", Value::text(text), &["MDSID"], &[]).expect("a section");
        let table = columns(section, &named).as_ref().clone();
        let table = table.convert(&declared, &find_node);
        let names: Vec<&str> = declared.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(show(&table, &names), wanted);
    }
}

#[test]
fn a_row_of_more_words_without_a_wide_column_is_unknown() {
    let table = columns(Value::text(MDS_ALONE), &[("mark", "M"), ("as", "master")]);
    assert_eq!(show(&table, &["mdsid", "master"]), ["?|no", "?|yes", "?|no"]);
}

#[test]
fn chunk_servers_are_read_in_both_editions() {
    let declared = [
        Column::new("csid", Type::Int),
        Column::new("status", Type::String),
        Column::new("space", Type::Size),
        Column::new("replicas", Type::Int),
        Column::new("iowait", Type::Percent),
        Column::new("host", Type::Node),
        Column::new("unique", Type::Int),
        Column::new("flags", Type::String),
    ];
    let names: Vec<&str> = declared.iter().map(|column| column.name.as_str()).collect();
    let read = |text: Value| {
        let table = columns(text, &[]).as_ref().clone();
        show(&table.convert(&declared, &find_node), &names)
    };
    let section = apply_filter("section", Value::text(STAT), &[r"^\s*CSID"], &[]).expect("a section");
    for text in [Value::text(CS), section] {
        assert_eq!(
            read(text),
            [
                "1025|active|105GB|40|0%|10.30.17.38|?|?",
                "1026|active|105GB|40|0%|10.30.18.40|?|?",
                "1027|active|105GB|40|0%|10.30.21.30|?|?",
                "1028|active|107GB|40|0%|10.30.16.38|?|?",
            ]
        );
    }
    assert_eq!(
        read(Value::text(CS_UNIQUE)),
        [
            "1025|active|105GB|40|0%|10.30.17.38|0|JCc",
            "1026|active|105GB|40|1%|10.30.18.40|2|?",
            "1027|ill|105GB|40|0%|10.30.21.30|0|JC",
            "1028|offline|107GB|40|0%|10.30.16.38|0|?",
        ]
    );
}

#[test]
fn the_header_is_read_line_by_line() {
    let cases = [
        ("Cluster '{name}': {health: string}", vec!["stor1|healthy"]),
        (
            "Space: {tag} allocatable {a: size} of {b: size}, free {c: size} of {d: size}",
            vec!["[OK]|1.32TB|1.44TB|1.39TB|1.44TB"],
        ),
        (
            "MDS nodes: {up: int} of {all: int}, epoch uptime: {t: duration}, cluster version: {v: int}",
            vec!["3|3|19d23h|128"],
        ),
        (
            "CS nodes: {up: int} of {all: int} ({avail: int} avail, {inactive: int} inactive, {off: int} offline)",
            vec!["3|3|3|0|0"],
        ),
        ("Replication: {norm: int} norm, {limit: int} limit", vec!["1|1"]),
        ("capacity: {all: size}, used: {used: size})", vec!["10TB|20.3GB"]),
        // Folded over three lines.
        (
            "{healthy: int} ({share: percent}) healthy, {standby: int} ({s: percent}) standby",
            vec!["323|100%|0|0%"],
        ),
        (
            "{a: int} ({b: percent}) urgent, {c: int} ({d: percent}) blocked",
            vec!["0|0%|0|0%"],
        ),
    ];
    for text in [HEADER, STAT] {
        for (template, wanted) in &cases {
            let table = matches(text, template);
            let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
            assert_eq!(show(&table, &names), *wanted, "{template}");
        }
    }
    let untagged = matches(
        SPACE_UNTAGGED,
        "allocatable {a: size} of {b: size}, free {c: size} of {d: size}",
    );
    assert_eq!(show(&untagged, &["a", "d"]), ["287TB|386TB"]);
}

#[test]
fn chunk_states_are_read_in_both_editions() {
    let counted = matches(HEADER, "{count: int} ({share: percent}) {state}");
    assert_eq!(counted.rows.len(), 11);
    assert_eq!(
        show(&counted, &["state", "count", "share"])[0],
        "healthy|323|100%"
    );
    assert_eq!(show(&counted, &["state", "count", "share"])[10], "void|0|0%");
    let shares = matches(CHUNKS_PERCENT, "{share: percent} {state}");
    assert_eq!(shares.rows.len(), 11);
    assert_eq!(show(&shares, &["state", "share"])[0], "healthy|100%");
}

#[test]
fn attributes_and_targets_are_read() {
    let pairs = table_of(apply_filter("pairs", Value::text(GET_ATTR), &["="], &[]).expect("pairs"));
    assert_eq!(show(&pairs, &["key", "value"])[1], "replicas|3:2");
    let replicas = matches(GET_ATTR, "replicas={replicas: ratio}");
    assert_eq!(show(&replicas, &["replicas"]), ["3:2"]);
    let targets = columns(Value::text(ISCSI_LIST), &[]);
    assert_eq!(show(&targets, &["status", "portal(s)"]), ["running|10.10.11.226"]);
    let target = table_of(apply_filter("pairs", Value::text(ISCSI_TARGET), &[":"], &[]).expect("pairs"));
    assert_eq!(show(&target, &["key", "value"])[3], "Registered|yes");
}

proptest! {
    #[test]
    fn no_output_is_too_odd(text in "[ \\nM1-9a-c:{}%()é]{0,80}", template in "[ a{}:int\\n]{0,20}") {
        let value = Value::text(text.as_str());
        let _ = apply_filter("columns", value.clone(), &[], &[("mark", "M"), ("as", "m"), ("wide", "a")]);
        let _ = apply_filter("match", value.clone(), &[&template], &[]);
        let _ = apply_filter("section", value.clone(), &["a"], &[("until", "b")]);
        let _ = apply_filter("pairs", value.clone(), &[":"], &[]);
        let _ = apply_filter("json", value, &[], &[]);
    }
}
