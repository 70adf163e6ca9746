# Rows and tables: a header of `name:kind`, and cells.

# The header of a row or of a table.
function header_of(v,    rest, end) {
    rest = substr(v, 2)
    if (substr(v, 1, 1) == "T") rest = substr(rest, index(rest, "\036") + 1)
    end = index(rest, "\036")
    return end ? substr(rest, 1, end - 1) : rest
}

# The name of a column of a header.
function column_name(column) {
    sub(/:[^:]*$/, "", column)
    return unesc(column)
}

# The kind of a column of a header.
function column_kind(column) {
    match(column, /:[^:]*$/)
    return substr(column, RSTART + 1)
}

# The place of a column in a header, 0 when there is none of that name.
function column_place(header, name,    columns, count, at) {
    count = split(header, columns, "\037")
    for (at = 1; at <= count; at++)
        if (column_name(columns[at]) == (name "")) return at
    return 0
}

# The cells of a row, as they are written.
function cells_of(row) {
    return index(row, "\036") ? substr(row, index(row, "\036") + 1) : ""
}

# The cell at a place of a row.
function cell_at(row, place,    cells, count) {
    count = split(cells_of(row), cells, "\037")
    if (place > count) return "?the row has no such cell"
    return unesc(cells[place])
}

# A row with one cell more; a row begins as "R".
function row_add(row, name, v,    header) {
    if (failed(row)) return row
    if (failed(v)) return v
    header = header_of(row)
    if (header == "") return "R" esc(name) ":" kind_of(v) "\036" esc(v)
    return "R" header "\037" esc(name) ":" kind_of(v) "\036" cells_of(row) "\037" esc(v)
}

# The cell of a row under a column.
function cell(row, name,    place) {
    if (failed(row)) return row
    place = column_place(header_of(row), name)
    if (!place) return "!fthere is no column called `" name "`"
    return cell_at(row, place)
}

# Whether a row has a column.
function has_cell(row, name) {
    return column_place(header_of(row), name) > 0
}

# What stands under a name in a row, or what the inventory knows of a node.
function field(v, name,    tag, node) {
    tag = substr(v, 1, 1)
    if (tag == "!" || tag == "?") return v
    if (tag == "R") return cell(v, name)
    if (tag != "n") return "!f" show(v) " is not a row or a node"
    node = substr(v, 2)
    if (node_variable(node, name) != "") return node_variable(node, name)
    if (name == "name") return "t" node
    return "?" node " has no `" name "` in the inventory"
}

# How many rows a table surely has; a row is a table of one.
function row_count(table) {
    if (substr(table, 1, 1) == "R") return 1
    if (substr(table, 1, 1) != "T") return 0
    open_value(table)
    return opened_count - 2
}

# The row of a table at a place, from 1.
function table_row(table, at) {
    if (substr(table, 1, 1) != "T") return table
    open_value(table)
    return "R" opened_part[2] "\036" opened_part[at + 2]
}

# A table of these columns without rows.
function table_under(header) {
    return "T\036" header
}

# The same table without its rows; it may still have more.
function table_empty_like(table,    parts) {
    if (failed(table)) return table
    split(table, parts, "\036")
    return parts[1] "\036" parts[2]
}

# A table with one row more.
function table_add(table, row) {
    if (failed(table)) return table
    if (failed(row)) return row
    return table "\036" cells_of(row)
}

# A table that may have more rows, and why (`?why`); the first reason stays.
function table_or_more(table, why) {
    if (failed(table)) return table
    if (failed(why)) return why
    if (or_more(table) != "") return table
    return "T" esc(why) substr(table, index(table, "\036"))
}

# Why a table may have more rows (`?why`); empty when it has no more.
function or_more(table) {
    if (substr(table, 1, 1) != "T") return ""
    return unesc(substr(table, 2, index(table, "\036") - 2))
}

# A row as a table of one, anything else as it is.
function as_table(v) {
    if (substr(v, 1, 1) != "R") return v
    return "T\036" header_of(v) "\036" cells_of(v)
}

# A list as a table, when each of its items is a row.
function of_rows(list,    count, at, table) {
    if (substr(list, 1, 1) != "L") return list
    count = item_count(list)
    for (at = 1; at <= count; at++)
        if (substr(item(list, at), 1, 1) != "R") return list
    if (!count) return list
    table = table_under(header_of(item(list, 1)))
    for (at = 1; at <= count; at++) table = table_add(table, item(list, at))
    return table
}

# What a loop goes through, as a list.
function items(v,    tag, list, count, at, names) {
    if (failed(v)) return v
    v = unknown_value(v, "this list")
    tag = substr(v, 1, 1)
    if (tag == "!" || tag == "L") return v
    list = "L"
    if (tag == "N") {
        count = split(substr(v, 2), names, " ")
        for (at = 1; at <= count; at++) list = list "\036n" names[at]
        return list
    }
    if (tag != "T") return list_add(list, v)
    if (or_more(v) != "") return "!fhow many rows there are cannot be measured: " substr(or_more(v), 2)
    count = row_count(v)
    for (at = 1; at <= count; at++) list = list_add(list, table_row(v, at))
    return list
}
