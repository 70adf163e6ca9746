# What the filters share: the values of a list or of a column of a table.

# What a filter says to a value that it does not take; an unknown one stays unknown.
function not_taken(name, takes, v) {
    if (is_unknown(v)) return v
    return "!f`" name "` takes " takes ", and this is " kind_name_of(v)
}

# Whether an argument is a text of some kind.
function is_textual(v) {
    return v != "" && index("tpSx", substr(v, 1, 1)) > 0
}

# The text of an argument; empty when it is none.
function argument_text(v) {
    if (substr(v, 1, 1) == "x") return written_pattern(v)
    return is_textual(v) ? substr(v, 2) : ""
}

# What a filter says to a column that is not there.
function no_column(name, column) {
    return "!f`" name "` finds no column `" column "`"
}

# Whether a table has no rows and no columns; then no column can be missing.
function is_bare(table) {
    return substr(table, 1, 1) == "T" && header_of(table) == "" && !row_count(table) && or_more(table) == ""
}

# The one column that is not the node's, when there is just one; else empty.
function sole_column(header,    columns, count, at, found, name) {
    count = split(header, columns, "\037")
    for (at = 1; at <= count; at++) {
        if (column_kind(columns[at]) == "n" || column_name(columns[at]) == "node") continue
        name = column_name(columns[at])
        found++
    }
    return found == 1 ? name : ""
}

# The cells of a table under the column at a place, as a list.
function column_cells(table, place,    rows, at, list) {
    list = "L"
    rows = row_count(table)
    for (at = 1; at <= rows; at++) list = list_add(list, cell_at(table_row(table, at), place))
    return list
}

# The values of a list or of the named column of a table, as a list.
function list_or_column(name, v, column,    tag, place, wanted) {
    if (failed(v)) return v
    if (failed(column)) return column
    if (is_unknown(column)) return column
    tag = substr(v, 1, 1)
    if (tag == "L") return v
    if (tag != "T") return not_taken(name, "a list, or a table and a column of it", v)
    if (is_bare(v)) return "L"
    wanted = is_textual(column) ? argument_text(column) : sole_column(header_of(v))
    if (!is_textual(column) && wanted == "")
        return "!f`" name "` needs to know of which column of the table: write its name after it"
    place = column_place(header_of(v), wanted)
    if (!place) return no_column(name, wanted)
    return column_cells(v, place)
}

# The same where each value is known and there are surely no more.
function items_of(name, v, column,    list, count, at, tag) {
    list = list_or_column(name, v, column)
    if (failed(list) || is_unknown(list)) return list
    if (or_more(v) != "") return or_more(v)
    count = item_count(list)
    for (at = 1; at <= count; at++) {
        tag = substr(item(list, at), 1, 1)
        if (tag == "?" || tag == "a") return "?" unsure(item(list, at))
    }
    return list
}
