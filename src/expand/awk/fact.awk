# What was measured, as the table or value that a fact declares.

# A measured value under the declared columns of a table; `fact` names the fact.
function conform(v, columns, fact,    tag) {
    tag = substr(v, 1, 1)
    if (tag == "!" || tag == "?") return v
    if (tag == "T" && fact != "" && is_foreign(v, columns))
        return "!ffact `" fact "` wants the columns " column_names(columns, 0) ", and the output has none of them: its header is " column_names(header_of(v), 12)
    if (tag == "T" || tag == "R") return convert_table(as_table(v), columns)
    if (index("tpS", tag)) return "!f`" substr(v, 2) "` is not a table(" columns_text(columns) ")"
    return "!f`" show(v) "` is not of type table(" columns_text(columns) ")"
}

# A measured value as the declared kind that is no table.
function conform_plain(v, code) {
    return coerce(v, code)
}

# The names of columns between back quotes; of very many the first.
function column_names(header, most,    columns, count, at, names) {
    count = split(header, columns, "\037")
    for (at = 1; at <= count && (!most || at <= most); at++)
        names = names (at > 1 ? " " : "") "`" column_name(columns[at]) "`"
    return names (most && count > most ? " …" : "")
}

# Whether a table has not one of the columns that are declared; the node is added by `on`.
function is_foreign(table, declared,    columns, count, at, known, read) {
    if (!row_count(table)) return 0
    count = split(declared, columns, "\037")
    for (at = 1; at <= count; at++) known[column_name(columns[at])] = 1
    if (count - ("node" in known) < 1) return 0
    count = split(header_of(table), columns, "\037")
    for (at = 1; at <= count; at++) {
        if (column_name(columns[at]) == "node") continue
        if (column_name(columns[at]) in known) return 0
        read++
    }
    return read > 0
}

# A table under declared columns, in their order and of their kinds.
function convert_table(table, declared,    columns, width, places, rows, at, place, cells, row, found) {
    width = split(declared, columns, "\037")
    for (place = 1; place <= width; place++)
        places[place] = column_place(header_of(table), column_name(columns[place]))
    found = "T" esc(or_more(table)) "\036" declared
    rows = row_count(table)
    for (at = 1; at <= rows; at++) {
        split(cells_of(table_row(table, at)), cells, "\037")
        row = ""
        for (place = 1; place <= width; place++)
            row = row (place > 1 ? "\037" : "") esc(convert_cell(table, cells, places[place], columns[place]))
        found = found "\036" row
    }
    return found
}

# A cell as what its column declares; what cannot be had is unknown and says why.
function convert_cell(table, cells, place, column,    name, kind, v, tag, text, found) {
    name = column_name(column)
    kind = column_kind(column)
    if (!place)
        return "?there is no column `" name "` in the output, which has " column_names(header_of(table), 12)
    v = unesc(cells[place])
    tag = substr(v, 1, 1)
    if (tag == "?" || kind == "*") return v
    if (tag != "t") {
        # JSON has bare numbers only; of a size they are the bytes.
        if (tag == "i" && kind == "s" && v !~ /^i-/) return "s" substr(v, 2)
        if (tag == "a" && kind == "i") return v
        if (index("LTR", tag) && tag == substr(kind, 1, 1)) return v
        if (tag == kind) return v
    }
    text = show(v)
    if (trim(text) == "" && kind != "t") return "?the cell under `" name "` is empty"
    text = trim(text)
    if (kind == "b" && text == "true") return "byes"
    if (kind == "b" && text == "false") return "bno"
    found = read_value(text, kind)
    return failed(found) ? "?`" name "`: " message(found) : found
}

# Whether the cells of a column say which thing a row speaks of, rather than how that thing is.
function is_identity(column,    name, kind) {
    name = column_name(column)
    kind = column_kind(column)
    if (kind == "n" || kind == "N" || name == "id" || name ~ /[-_]id$/) return 1
    return kind == "i" && name ~ /id$/
}

# Hides what the rows of members that are out say, but for ids and nodes: the view lags.
function masked_table(v, fact,    columns, width, rows, at, place, row, cells, node, cells_text, found) {
    if (substr(v, 1, 1) != "T") return v
    width = split(header_of(v), columns, "\037")
    found = table_empty_like(v)
    rows = row_count(v)
    for (at = 1; at <= rows; at++) {
        row = table_row(v, at)
        split(cells_of(row), cells, "\037")
        node = ""
        for (place = 1; place <= width && node == ""; place++)
            if (cells[place] ~ /^n/ && (fact, substr(cells[place], 2)) in masks) node = substr(cells[place], 2)
        if (node == "") {
            found = table_add(found, row)
            continue
        }
        cells_text = ""
        for (place = 1; place <= width; place++) {
            if (!is_identity(columns[place])) cells[place] = "?" node " is out by this run, and the view lags"
            cells_text = cells_text (place > 1 ? "\037" : "") cells[place]
        }
        found = found "\036" cells_text
    }
    return found
}

# Begins to gather what each node gives.
function gather_start() {
    return "L"
}

# Takes in what a node gives. What failed is unknown; what must be asked first is asked of all.
function gather_add(gathered, node, v) {
    if (substr(gathered, 1, 2) == "!?") return gathered
    if (substr(v, 1, 2) == "!?") return v
    if (failed(v)) v = "?" message(v)
    return list_add(list_add(gathered, "n" node), v)
}

# A table with a column `node` of what each node gave: rows keep their columns, a table's rows
# each get their node, anything else stands in a column `value`.
function gather_end(gathered,    count, at, v, tag, kind, header, width, place, cells, rows, row, why) {
    if (failed(gathered)) return gathered
    count = item_count(gathered)
    for (at = 2; at <= count; at += 2) {
        v = item(gathered, at)
        if (kind == "" && !is_unknown(v)) kind = kind_of(v)
        if (index("RT", substr(v, 1, 1))) break
    }
    header = "value:" (kind == "" ? "*" : kind)
    if (at <= count) header = header_of(v)
    header = "node:n" (header == "" ? "" : "\037" header)
    width = split(header, cells, "\037") - 1
    for (at = 2; at <= count; at += 2) {
        v = item(gathered, at)
        tag = substr(v, 1, 1)
        if (tag == "T" || tag == "R") {
            if (why == "") why = or_more(v)
            rows = rows gathered_rows(item(gathered, at - 1), v)
            continue
        }
        row = item(gathered, at - 1) "\037" esc(v)
        if (tag == "?") {
            row = item(gathered, at - 1)
            for (place = 0; place < width; place++) row = row "\037" esc(v)
        }
        rows = rows "\036" row
    }
    return "T" esc(why) "\036" header rows
}

# The rows of one node, the node before each.
function gathered_rows(node, v,    count, at, row, rows) {
    count = row_count(v)
    for (at = 1; at <= count; at++) {
        row = cells_of(table_row(v, at))
        rows = rows "\036" node (row == "" ? "" : "\037") row
    }
    return rows
}
