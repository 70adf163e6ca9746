# Gives the cells of one column as a list, or the one cell of a row.
function filter_get(value, column, or_none,    tag, place) {
    if (failed(value)) return value
    if (failed(column) || is_unknown(column)) return column
    tag = substr(value, 1, 1)
    if (tag != "T" && tag != "R") return not_taken("get", "a table or a row", value)
    if (is_bare(value)) return "L"
    place = column_place(header_of(value), argument_text(column))
    if (!place) return no_column("get", argument_text(column))
    if (tag == "R") return cell_at(value, place)
    return or_more(value) != "" ? or_more(value) : column_cells(value, place)
}

# Drops the rows in which anything could not be measured.
function filter_known(value, or_none,    tag, count, at, found) {
    tag = substr(value, 1, 1)
    if (tag == "!") return value
    if (tag == "L") {
        found = "L"
        count = item_count(value)
        for (at = 1; at <= count; at++) if (!is_unknown(item(value, at))) found = list_add(found, item(value, at))
        return found
    }
    if (tag != "T") return not_taken("known", "a table or a list", value)
    found = table_under(header_of(value))
    count = row_count(value)
    for (at = 1; at <= count; at++)
        if (unknown_cell(table_row(value, at)) == "") found = table_add(found, table_row(value, at))
    return found
}

# The first cell of a row that could not be measured; empty when all were.
function unknown_cell(row,    cells, count, at) {
    count = split(cells_of(row), cells, "\037")
    for (at = 1; at <= count; at++) if (is_unknown(cells[at])) return unesc(cells[at])
    return ""
}
