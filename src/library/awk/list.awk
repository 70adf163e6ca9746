# Puts rows in order, by one column after the other; a minus puts the greatest first.
function filter_sort(value, keys, or_none,    tag, names, count, at, places, place, list, i) {
    if (failed(value)) return value
    tag = substr(value, 1, 1)
    if (tag == "L") return sort_by_keys(value, value, "1")
    if (tag != "T") return not_taken("sort", "a table or a list", value)
    if (is_bare(value)) return value
    count = split(keys, names, "\037")
    if (!count) return "!f`sort` needs to know by which column: write `sort by` and its name"
    for (at = 1; at <= count; at++) {
        place = column_place(header_of(value), substr(names[at], names[at] ~ /^-/ ? 2 : 1))
        if (!place) return no_column("sort", substr(names[at], names[at] ~ /^-/ ? 2 : 1))
        places = places (at > 1 ? " " : "") (names[at] ~ /^-/ ? "-" : "") place
    }
    list = "L"
    count = row_count(value)
    for (at = 1; at <= count; at++) list = list_add(list, table_row(value, at))
    return sort_by_keys(value, list, places)
}

# Sorts a list, or the rows of a table, by the cells at some places.
function sort_by_keys(value, list, places,    signs, width, count, at, place, v, order, found, is_list) {
    is_list = substr(value, 1, 1) == "L"
    width = split(places, signs, " ")
    count = item_count(list)
    for (at = 1; at <= count; at++) {
        order[at] = at
        for (place = 1; place <= width; place++) {
            v = item(list, at)
            if (!is_list) v = cell_at(v, signs[place] < 0 ? -signs[place] : signs[place])
            if (is_unknown(v)) return v
            sort_key[at, place] = v
        }
    }
    sort_fault = ""
    merge_rows(order, 1, count, signs, width)
    if (sort_fault != "") return "!f`sort` takes values of one kind that have an order, and this is " sort_fault
    found = is_list ? "L" : table_empty_like(value)
    for (at = 1; at <= count; at++)
        found = is_list ? list_add(found, item(list, order[at])) : table_add(found, item(list, order[at]))
    return found
}

# Sorts a stretch of rows, half by half.
function merge_rows(order, first, last, signs, width,    middle, one, two, at, sorted) {
    if (first >= last) return
    middle = int((first + last) / 2)
    merge_rows(order, first, middle, signs, width)
    merge_rows(order, middle + 1, last, signs, width)
    one = first
    two = middle + 1
    for (at = first; at <= last; at++) {
        if (two > last || (one <= middle && compare_keys(order[one], order[two], signs, width) <= 0))
            sorted[at] = order[one++]
        else sorted[at] = order[two++]
    }
    for (at = first; at <= last; at++) order[at] = sorted[at]
}

# -1, 0 or 1 as one row stands before, at or after another.
function compare_keys(one, two, signs, width,    place, order) {
    for (place = 1; place <= width; place++) {
        order = compare_values(sort_key[one, place], sort_key[two, place])
        if (order == "") sort_fault = kind_name_of(sort_key[two, place]) " beside " kind_name_of(sort_key[one, place])
        else if (order) return signs[place] < 0 ? -order : order
    }
    return 0
}

# Gives the first row or value.
function filter_first(value, or_none) {
    return pick_one("first", value)
}

# Gives the last row or value.
function filter_last(value, or_none) {
    return pick_one("last", value)
}

# The first or last of a table or a list.
function pick_one(name, value,    tag, count) {
    tag = substr(value, 1, 1)
    if (tag == "!") return value
    if (tag != "T" && tag != "L") return not_taken(name, "a table or a list", value)
    if (or_more(value) != "") return or_more(value)
    count = tag == "T" ? row_count(value) : item_count(value)
    if (!count) return "!f`" name "` has nothing to choose from"
    if (name == "first") count = 1
    return tag == "T" ? table_row(value, count) : item(value, count)
}

# Gives the one row or value, and fails unless there is exactly one.
function filter_only(value, or_none,    tag, count) {
    tag = substr(value, 1, 1)
    if (tag == "!") return value
    if (tag != "T" && tag != "L") return not_taken("only", "a table or a list", value)
    if (or_more(value) != "") return or_more(value)
    count = tag == "T" ? row_count(value) : item_count(value)
    if (count == 1) return tag == "T" ? table_row(value, 1) : item(value, 1)
    return "!f`only` takes exactly one, and there " (count ? "are " count : "is none")
}

# Gives the one value that all have, and fails when they differ, naming who has which.
function filter_same(value, column, or_none,    list, count, at, key, keys, kinds, place, v, unknown) {
    list = list_or_column("same", value, column)
    if (failed(list) || is_unknown(list)) return list
    if (or_more(value) != "") return or_more(value)
    count = item_count(list)
    for (at = 1; at <= count; at++) {
        v = item(list, at)
        if (is_unknown(v)) {
            if (unknown == "") unknown = v
            continue
        }
        key = value_key(v)
        if (!(key in place)) {
            keys[++kinds] = v
            place[key] = ""
        }
        place[key] = place[key] " " at
    }
    if (kinds > 1) return "!fthese are not the same: " who_has_which(value, keys, kinds, place)
    if (unknown != "") return unknown
    return kinds ? keys[1] : "!f`same` has nothing to choose from"
}

# Names each of the first values, and who has it.
function who_has_which(value, keys, kinds, place,    at, rows, count, one, places, nodes, names, has_nodes, who) {
    has_nodes = substr(value, 1, 1) == "T"
    count = has_nodes ? row_count(value) : 0
    for (at = 1; at <= count; at++) {
        nodes[at] = node_of_row(table_row(value, at))
        if (nodes[at] == "") has_nodes = 0
    }
    for (at = 1; at <= kinds && at <= 5; at++) {
        rows = split(place[value_key(keys[at])], places, " ")
        who = who (at > 1 ? ", " : "") "`" show_line(show(keys[at])) "` "
        if (!has_nodes) {
            who = who (rows == 1 ? "once" : rows == 2 ? "twice" : rows " times")
            continue
        }
        names = ""
        for (one = 1; one <= rows; one++) names = names " " nodes[places[one]]
        who = who "on " fold_nodes(sort_nodes(names))
    }
    return who
}

# The first node among the cells of a row.
function node_of_row(row,    cells, count, at) {
    count = split(cells_of(row), cells, "\037")
    for (at = 1; at <= count; at++) if (cells[at] ~ /^n/) return substr(cells[at], 2)
    return ""
}

# Drops rows and values that were there before.
function filter_unique(value, or_none,    tag, count, at, v, known, found, why) {
    tag = substr(value, 1, 1)
    if (tag == "!") return value
    if (tag != "T" && tag != "L") return not_taken("unique", "a table or a list", value)
    count = tag == "T" ? row_count(value) : item_count(value)
    found = tag == "T" ? table_empty_like(value) : "L"
    for (at = 1; at <= count; at++) {
        v = tag == "T" ? table_row(value, at) : item(value, at)
        if (tag == "L" && is_unknown(v)) return v
        # A row with an unknown cell may be one of the others, or one more.
        if (tag == "T" && unknown_cell(v) != "") {
            if (why == "") why = unknown_cell(v)
            continue
        }
        if (value_key(v) in known) continue
        known[value_key(v)] = 1
        found = tag == "T" ? table_add(found, v) : list_add(found, v)
    }
    return why == "" ? found : table_or_more(found, why)
}

# Puts the last first.
function filter_reverse(value, or_none,    tag, count, found) {
    tag = substr(value, 1, 1)
    if (tag == "!") return value
    if (tag != "T" && tag != "L") return not_taken("reverse", "a table or a list", value)
    count = tag == "T" ? row_count(value) : item_count(value)
    found = tag == "T" ? table_empty_like(value) : "L"
    for (; count > 0; count--)
        found = tag == "T" ? table_add(found, table_row(value, count)) : list_add(found, item(value, count))
    return found
}

# Writes the values one after another as one text, a blank or the given text between.
function filter_join(value, separator, or_none,    tag, between_two, names, count, at, text) {
    if (failed(value)) return value
    if (failed(separator) || is_unknown(separator)) return separator
    tag = substr(value, 1, 1)
    if (tag != "L" && tag != "N") return not_taken("join", "a list or nodes", value)
    between_two = is_textual(separator) ? argument_text(separator) : " "
    value = items(value)
    count = item_count(value)
    for (at = 1; at <= count; at++) if (is_unknown(item(value, at))) return item(value, at)
    for (at = 1; at <= count; at++) text = text (at > 1 ? between_two : "") show(item(value, at))
    return "t" text
}
