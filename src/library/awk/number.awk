# Gives how many rows, values or nodes there are.
function filter_count(value, or_none,    tag, names) {
    tag = substr(value, 1, 1)
    if (tag == "!") return value
    if (tag == "L") return "i" item_count(value)
    if (tag == "N") return "i" split(substr(value, 2), names, " ")
    if (tag != "T") return not_taken("count", "a table, a list or nodes", value)
    if (or_more(value) != "") return "a" row_count(value) " " substr(or_more(value), 2)
    return "i" row_count(value)
}

# Adds up numbers, durations, sizes or percentages; of none, it is 0.
function filter_sum(value, column, or_none,    list, count, at, v, kind, sum) {
    list = items_of("sum", value, column)
    if (failed(list) || is_unknown(list)) return list
    count = item_count(list)
    if (!count) return "i0"
    kind = substr(item(list, 1), 1, 1)
    sum = "0"
    for (at = 1; at <= count; at++) {
        v = item(list, at)
        if (!index("ids%", kind) || substr(v, 1, 1) != kind)
            return "!f`sum` takes numbers, durations, sizes or percentages of one kind, and this is " kind_name_of(v)
        sum = reckon_whole(sum, "+", substr(v, 2))
        if (sum == ">") return "!fthe sum is greater than any number of its kind"
    }
    return kind sum
}

# Gives the least of the values.
function filter_min(value, column, or_none) {
    return choose_value("min", -1, value, column)
}

# Gives the greatest of the values.
function filter_max(value, column, or_none) {
    return choose_value("max", 1, value, column)
}

# The value that is beyond all others.
function choose_value(name, wanted, value, column,    list, count, at, v, best, order) {
    list = items_of(name, value, column)
    if (failed(list) || is_unknown(list)) return list
    count = item_count(list)
    if (!count) return "!f`" name "` has nothing to choose from"
    best = item(list, 1)
    for (at = 2; at <= count; at++) {
        v = item(list, at)
        order = compare_values(v, best)
        if (order == "")
            return "!f`" name "` takes values of one kind that have an order, and this is " kind_name_of(v) " beside " kind_name_of(best)
        if (order == wanted) best = v
    }
    return best
}
