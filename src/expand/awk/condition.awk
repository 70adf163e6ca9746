# How many rows of a table meet a condition, and what a guard answers.

# Begins to count the rows of a table, or of a row, or of what is unknown.
function counted_start(table,    tag) {
    tag = substr(table, 1, 1)
    if (tag == "!") return table
    if (!index("TR?", tag)) return "!f" show(table) " is not a table"
    return "K" row_count(table) "\036" 0 "\036" 0 "\036" 0 "\036" (tag == "?" ? esc(table) : "") "\036" esc(or_more(table)) "\036\036"
}

# Counts a row by what the condition says of it.
function counted_add(counted, row, found,    part, place) {
    if (failed(counted)) return counted
    if (failed(found)) return found
    split(counted, part, "\036")
    if (is_unknown(found)) {
        part[4]++
        if (part[5] == "") part[5] = esc(found)
    } else {
        place = found == "byes" ? 2 : 3
        part[place]++
        if (part[place] <= 5) part[place + 5] = part[place + 5] "\n    " esc(show(row))
    }
    return part[1] "\036" part[2] "\036" part[3] "\036" part[4] "\036" part[5] "\036" part[6] "\036" part[7] "\036" part[8]
}

# What a quantifier says of the rows: all, none, some, at-least, at-most or exactly `wanted`.
function quantify(kind, counted, wanted, or_none,    part, total, least, no, unsure_count, why, most, endless) {
    if (failed(counted)) return counted
    split(counted, part, "\036")
    total = substr(part[1], 2) + 0
    least = part[2] + 0
    no = part[3] + 0
    unsure_count = part[4] + 0
    why = part[6] != "" ? unesc(part[6]) : unesc(part[5])
    if (!total && why == "") return quantify_none(kind, wanted, or_none)
    if (kind ~ /^(at|exactly)/) {
        wanted = wanted_count(wanted)
        if (failed(wanted)) return wanted
    }
    endless = part[6] != "" || !total
    most = least + unsure_count
    if (why == "") why = "?a row could not be measured"
    if (kind == "all") return between(part[5] part[6] == "" && least == total, no > 0, why)
    if (kind == "none") return between(!endless && most == 0, least > 0, why)
    if (kind == "some") return between(least > 0, !endless && most == 0, why)
    if (kind == "at-least") return between(least >= wanted, !endless && most < wanted, why)
    if (kind == "at-most") return between(!endless && most <= wanted, least > wanted, why)
    return between(!endless && least == wanted && most == wanted, least > wanted || (!endless && most < wanted), why)
}

# What a quantifier says of no rows at all: a parser that matched nothing must not pass for a
# cluster where nothing is wrong.
function quantify_none(kind, wanted, or_none) {
    if (kind == "some") return "bno"
    if (kind !~ /^(at-least|exactly)/) return yes_or_no(or_none)
    if (kind == "exactly" && !or_none) return "bno"
    wanted = wanted_count(wanted)
    return failed(wanted) ? wanted : yes_or_no(wanted == 0)
}

# How many rows are wanted, as a bare number.
function wanted_count(v) {
    if (failed(v)) return v
    if (substr(v, 1, 1) != "i") return "!f" show(v) " is not a whole number"
    return v ~ /^i-/ ? 0 : substr(v, 2) + 0
}

# Yes or no when it is sure, else unknown.
function between(sure_yes, sure_no, why) {
    return sure_yes ? "byes" : sure_no ? "bno" : why
}

# Why a quantifier does not hold, as text: how many rows of what keep the rule, and those that do not.
function explain_rows(kind, words, counted, what, rule,    part, place, text) {
    if (failed(counted)) return counted
    split(counted, part, "\036")
    if (substr(part[1], 2) + 0 == 0) return "t" what " has no rows, so nothing was checked"
    text = part[2] " of " substr(part[1], 2) " of " what " have " rule "; wanted: " words
    place = kind == "none" || kind == "at-most" ? 2 : 3
    text = text unesc(part[place + 5])
    if (part[place] > 5) text = text "\n    and " (part[place] - 5) " more"
    return "t" text
}

# A guard that holds.
function verdict_yes() {
    return "Vy\036"
}

# A guard that does not hold, and why: a text.
function verdict_no(reason) {
    return failed(reason) ? reason : "Vn\036" esc(substr(reason, 2))
}

# A guard that cannot be measured, and why: an unknown value, a text, or what failed.
function verdict_unknown(reason) {
    if (substr(reason, 1, 2) == "!?") return reason
    return "Vu\036" esc(failed(reason) ? message(reason) : substr(reason, 2))
}

# y, n or u.
function verdict_truth(v) {
    return substr(v, 2, 1)
}

# The reason of a verdict, as it is said.
function verdict_reason(v,    part) {
    split(v, part, "\036")
    return unesc(part[2])
}

# The values of a verdict that must not change, as a list of texts.
function verdict_steady_values(v,    part, count, at, list) {
    count = split(v, part, "\036")
    list = "L"
    for (at = 3; at <= count; at++) list = list_add(list, "t" unesc(part[at]))
    return list
}

# A verdict as a condition.
function verdict_value(v) {
    if (failed(v)) return v
    return verdict_truth(v) == "y" ? "byes" : verdict_truth(v) == "n" ? "bno" : "?" verdict_reason(v)
}

# Takes in what one more check found: no wins over unknown, unknown over yes; the first stays.
function verdict_merge(v, found,    part, count, at, steady, one, two) {
    if (failed(v)) return v
    if (failed(found)) return found
    one = verdict_truth(v)
    two = verdict_truth(found)
    count = split(found, part, "\036")
    for (at = 3; at <= count; at++) steady = steady "\036" part[at]
    if (one == "n" || two == "y" || one == two) return v steady
    count = split(v, part, "\036")
    found = "V" two "\036" esc(verdict_reason(found))
    for (at = 3; at <= count; at++) found = found "\036" part[at]
    return found steady
}

# Takes in a value whose change means that something restarted meanwhile.
function verdict_steady(v, value) {
    if (failed(v)) return v
    if (failed(value)) return value
    if (unsure(value) != "") v = verdict_merge(v, verdict_unknown("?" unsure(value)))
    return v "\036" esc(show(value))
}
