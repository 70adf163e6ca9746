# Conditions: byes, bno, or ?why where it cannot be told.

# 1 or 0 as yes or no.
function yes_or_no(holds) {
    return holds ? "byes" : "bno"
}

# Both; no wins over unknown, since one sure no decides.
function both(a, b) {
    if (failed(a) || a == "bno") return a
    if (failed(b) || b == "bno") return b
    return is_unknown(a) ? a : b
}

# Either; yes wins over unknown.
function either(a, b) {
    if (failed(a) || a == "byes") return a
    if (failed(b) || b == "byes") return b
    return is_unknown(a) ? a : b
}

# Turns yes into no; unknown stays unknown.
function negate(a) {
    return a == "byes" ? "bno" : a == "bno" ? "byes" : a
}

# The value of any expression as a condition.
function truth(v) {
    if (index("!?b", substr(v, 1, 1))) return v
    return "!f" show(v) " is not a condition"
}

# What makes a comparison an error or unknown before it begins; empty when nothing does.
function not_compared(a, b) {
    if (failed(a)) return a
    if (failed(b)) return b
    return is_unknown(a) ? a : is_unknown(b) ? b : ""
}

# a is b
function is(a, b) {
    return not_compared(a, b) != "" ? not_compared(a, b) : equal(a, b)
}

# a is not b
function is_not(a, b) {
    return negate(is(a, b))
}

# a at least b
function at_least(a, b) {
    return in_order(a, "at least", b)
}

# a at most b
function at_most(a, b) {
    return in_order(a, "at most", b)
}

# a more than b
function more_than(a, b) {
    return in_order(a, "more than", b)
}

# a less than b
function less_than(a, b) {
    return in_order(a, "less than", b)
}

# a in b
function is_in(a, b,    tag, found, count, at) {
    if (not_compared(a, b) != "") return not_compared(a, b)
    tag = substr(b, 1, 1)
    if (tag == "n") return equal(a, b)
    if (tag == "N") {
        a = as_nodes(a, "this node")
        return failed(a) ? a : yes_or_no(nodes_difference(a, b) == "N")
    }
    if (tag != "L") return "!f" show(b) " is not a list"
    found = "bno"
    count = item_count(b)
    for (at = 1; at <= count; at++) found = either(found, equal(a, item(b, at)))
    return found
}

# a not in b
function not_in(a, b) {
    return negate(is_in(a, b))
}

# a matches b
function matches(a, b) {
    if (not_compared(a, b) != "") return not_compared(a, b)
    if (unsure(a) != "") return "?" unsure(a)
    if (!index("xt", substr(b, 1, 1))) return "!f" show(b) " is not a regular expression"
    return yes_or_no(show(a) ~ awk_pattern(b))
}

# Whether two values are the same, unknown when that hangs on something unknown.
function equal(a, b,    tag, other, count, at, found) {
    if (is_unknown(a)) return a
    if (is_unknown(b)) return b
    tag = substr(a, 1, 1)
    other = substr(b, 1, 1)
    if (tag == "a" && other == "i") return equal_at_least(a, b)
    if (tag == "i" && other == "a") return equal_at_least(b, a)
    if (tag == "a") return "?" unsure(a)
    if (other == "a") return "?" unsure(b)
    if ((tag == "n" && other == "N") || (tag == "N" && other == "n"))
        return yes_or_no(substr(a, 2) == substr(b, 2))
    if (tag == "L" && other == "L") {
        count = item_count(a)
        if (count != item_count(b)) return "bno"
        found = "byes"
        for (at = 1; at <= count; at++) found = both(found, equal(item(a, at), item(b, at)))
        return found
    }
    if (unsure(a) != "") return "?" unsure(a)
    if (unsure(b) != "") return "?" unsure(b)
    return yes_or_no(value_key(a) == value_key(alike(b, a)))
}

# Whether at least so many can be just so many.
function equal_at_least(a, b) {
    if (compare_digits(substr(b, 2), least_of(a)) < 0) return "bno"
    return "?" unsure(a)
}

# The number of "at least so many".
function least_of(v) {
    return substr(v, 2, index(v, " ") - 2)
}

# A value as the kind that a model is, where it is a text that can be read so.
function alike(v, model,    tag, other, found) {
    tag = substr(v, 1, 1)
    other = substr(model, 1, 1)
    if (tag == other) return v
    if (index("tpS", tag)) {
        found = read_plain(substr(v, 2), kind_of(model))
        return found == "" || failed(found) ? v : found
    }
    return index("tpS", other) ? other show(v) : v
}

# Compares two values that have an order.
function in_order(a, words, b) {
    return not_compared(a, b) != "" ? not_compared(a, b) : ordered(a, words, b)
}

# The same for known values. "So many or more" is sure only upwards.
function ordered(a, words, b,    tag, other, upwards, sure, order) {
    tag = substr(a, 1, 1)
    other = substr(b, 1, 1)
    upwards = words == "at least" || words == "more than"
    if (tag == "a") {
        sure = ordered("i" least_of(a), words, b)
        return failed(sure) || sure == (upwards ? "byes" : "bno") ? sure : "?" unsure(a)
    }
    if (other == "a") {
        sure = ordered(a, words, "i" least_of(b))
        return failed(sure) || sure == (upwards ? "bno" : "byes") ? sure : "?" unsure(b)
    }
    if (tag == "r" && other == "r") return ordered_ratios(substr(a, 2), words, substr(b, 2))
    order = index("ids%v", tag) ? compare_values(a, alike(b, a)) : ""
    if (order == "") return "!f" show(a) " beside " show(b) " is not a pair that can be ordered"
    if (words == "at least") return yes_or_no(order >= 0)
    if (words == "at most") return yes_or_no(order <= 0)
    return yes_or_no(words == "more than" ? order > 0 : order < 0)
}

# A ratio is at least another when both its numbers are.
function ordered_ratios(a, words, b,    one, two, above, below) {
    one = compare_digits(substr(a, 1, index(a, ":") - 1), substr(b, 1, index(b, ":") - 1))
    two = compare_digits(substr(a, index(a, ":") + 1), substr(b, index(b, ":") + 1))
    above = one >= 0 && two >= 0
    below = one <= 0 && two <= 0
    if (words == "at least") return yes_or_no(above)
    if (words == "at most") return yes_or_no(below)
    return yes_or_no(words == "more than" ? above && !below : below && !above)
}
