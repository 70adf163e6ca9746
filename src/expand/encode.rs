use crate::inventory::Inventory;
use crate::value::{Column, Row, Truth, Type, Value};

/// A value as the awk program of an expanded script has it: a tag, and the value as text.
pub fn encode_value(value: &Value) -> String {
    match value {
        Value::Unknown(why) | Value::Truth(Truth::Unknown(why)) => format!("?{why}"),
        Value::Text(text) => format!("t{text}"),
        Value::Int(number) => format!("i{number}"),
        Value::AtLeast(number, why) => format!("a{number} {why}"),
        Value::Bool(yes) => if *yes { "byes" } else { "bno" }.to_owned(),
        Value::Truth(Truth::Yes) => "byes".to_owned(),
        Value::Truth(Truth::No) => "bno".to_owned(),
        Value::Duration(length) => format!("d{}", length.as_millis()),
        Value::Size(bytes) => format!("s{bytes}"),
        Value::Percent(hundredths) => format!("%{hundredths}"),
        Value::Ratio(one, two) => format!("r{one}:{two}"),
        Value::Version(version) => format!("v{version}"),
        Value::Path(text) => format!("p{text}"),
        Value::Node(node) => format!("n{node}"),
        Value::Nodes(nodes) => {
            let names: Vec<String> = nodes.iter().map(ToString::to_string).collect();
            format!("N{}", names.join(" "))
        }
        Value::Service(name) => format!("S{name}"),
        Value::Command(_) => format!("c{value}"),
        Value::Secret(_) => "t***".to_owned(),
        Value::List(values) => {
            let items = values.iter().map(|value| format!("\u{1e}{}", hide(&encode_value(value))));
            format!("L{}", items.collect::<String>())
        }
        Value::Table(table) => {
            let or_more = table.or_more.as_ref().map_or(String::new(), |why| hide(&format!("?{why}")));
            let rows = table.rows.iter().map(|row| format!("\u{1e}{}", encode_cells(row)));
            format!("T{or_more}\u{1e}{}{}", header_of(&table.columns), rows.collect::<String>())
        }
        Value::Row(row) => format!("R{}\u{1e}{}", header_of(&row.columns), encode_cells(row)),
        Value::Regex(pattern) => format!("x{pattern}"),
    }
}

fn encode_cells(row: &Row) -> String {
    let cells: Vec<String> = row.cells.iter().map(|cell| hide(&encode_value(cell))).collect();
    cells.join("\u{1f}")
}

/// Hides the characters that part items and cells.
fn hide(text: &str) -> String {
    text.replace('\u{1b}', "\u{1b}e")
        .replace('\u{1e}', "\u{1b}r")
        .replace('\u{1f}', "\u{1b}u")
}

/// Columns as a header: `name:kind`, parted by the unit separator.
pub(super) fn header_of(columns: &[Column]) -> String {
    let named: Vec<String> = columns
        .iter()
        .map(|column| format!("{}:{}", column.name, kind_code(&column.kind)))
        .collect();
    named.join("\u{1f}")
}

/// A type as the awk program names it.
pub(super) fn kind_code(kind: &Type) -> String {
    let code = match kind {
        Type::String => "t",
        Type::Int => "i",
        Type::Bool => "b",
        Type::Duration => "d",
        Type::Size => "s",
        Type::Percent => "%",
        Type::Ratio => "r",
        Type::Version => "v",
        Type::Path => "p",
        Type::Node => "n",
        Type::Nodes => "N",
        Type::Service => "S",
        Type::Command => "c",
        Type::Regex => "x",
        Type::Truth => "y",
        Type::Secret => "t",
        Type::Any => "*",
        Type::Table(_) => "T",
        Type::Row(_) => "R",
        Type::Choice(words) => return format!("[{}]", words.join(" ")),
        Type::List(inner) => return format!("L{}", kind_code(inner)),
    };
    code.to_owned()
}

/// A text as awk writes it between double quotes.
pub fn awk_string(text: &str) -> String {
    let mut written = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\t' => written.push_str("\\t"),
            letter if letter.is_ascii_control() => written.push_str(&format!("\\{:03o}", letter as u32)),
            letter => written.push(letter),
        }
    }
    written.push('"');
    written
}

/// What the awk program knows of the inventory: a function that fills its tables.
pub fn inventory_tables(inventory: &Inventory) -> String {
    let mut lines = Vec::new();
    for node in inventory.nodes() {
        let name = node.name.as_str();
        let mut words: Vec<&str> = vec![name];
        words.extend(node.address.as_deref());
        words.extend(node.aliases.iter().map(String::as_str));
        if let Some((short, _)) = name.split_once('.') {
            words.push(short);
        }
        for word in words {
            if inventory.find(word).is_some_and(|found| found == node.name) {
                lines.push(format!("node_index[{}] = {}", awk_string(word), awk_string(name)));
            }
        }
        for whole in std::iter::once(name).chain(node.aliases.iter().map(String::as_str)) {
            if !whole.contains('.') {
                lines.push(format!("node_whole[{}] = 1", awk_string(whole)));
            }
        }
        for (variable, text) in &node.variables {
            lines.push(format!(
                "node_value[{}, {}] = {}",
                awk_string(name),
                awk_string(variable),
                awk_string(text)
            ));
        }
    }
    for variable in inventory.variable_names() {
        lines.push(format!("known_variable[{}] = 1", awk_string(variable)));
    }
    for group in inventory.group_names() {
        let nodes: Vec<String> = match inventory.group(group) {
            Some(nodes) => nodes.iter().map(ToString::to_string).collect(),
            None => Vec::new(),
        };
        lines.push(format!("group_nodes[{}] = {}", awk_string(group), awk_string(&nodes.join(" "))));
    }
    format!(
        "# The nodes of the inventory, what is known of them, and the groups.\nfunction load_inventory() {{\n    {}\n}}\n",
        lines.join("\n    ")
    )
}
