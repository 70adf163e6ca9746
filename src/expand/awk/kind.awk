# Kinds of values, and how they are called.

# The kind of a value, as far as the value alone tells.
function kind_of(v,    tag) {
    tag = substr(v, 1, 1)
    if (tag == "?" || tag == "!") return "*"
    if (tag == "a") return "i"
    if (tag == "L") return "L" (item_count(v) ? kind_of(item(v, 1)) : "*")
    return tag
}

# A kind as a script writes it.
function kind_name(code,    tag) {
    tag = substr(code, 1, 1)
    if (tag == "[") return code
    if (tag == "L") return kind_name(substr(code, 2)) "..."
    if (tag == "t") return "string"
    if (tag == "i") return "int"
    if (tag == "b") return "bool"
    if (tag == "d") return "duration"
    if (tag == "s") return "size"
    if (tag == "%") return "percent"
    if (tag == "r") return "ratio"
    if (tag == "v") return "version"
    if (tag == "p") return "path"
    if (tag == "n") return "node"
    if (tag == "N") return "nodes"
    if (tag == "S") return "service"
    if (tag == "c") return "command"
    if (tag == "x") return "regular expression"
    if (tag == "y") return "condition"
    if (tag == "T") return "table()"
    if (tag == "R") return "row()"
    return "anything"
}

# The kind of a value as a script writes it, tables and rows with their columns.
function kind_name_of(v,    tag) {
    tag = substr(v, 1, 1)
    if (tag == "T") return "table(" columns_text(header_of(v)) ")"
    if (tag == "R") return "row(" columns_text(header_of(v)) ")"
    if (tag == "L" && item_count(v)) return kind_name_of(item(v, 1)) "..."
    return kind_name(kind_of(v))
}

# The columns of a header as a script declares them.
function columns_text(header,    columns, count, at, text) {
    count = split(header, columns, "\037")
    for (at = 1; at <= count; at++)
        text = text (at > 1 ? ", " : "") column_name(columns[at]) ": " kind_name(column_kind(columns[at]))
    return text
}
