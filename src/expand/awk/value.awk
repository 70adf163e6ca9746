# Values: one string each, whose first character says what it is.

# Whether a value is an error.
function failed(v) {
    return substr(v, 1, 1) == "!"
}

# Whether a value is unknown as a whole.
function is_unknown(v) {
    return substr(v, 1, 1) == "?"
}

# The text of an error, without its mark.
function message(v) {
    return substr(v, 3)
}

# The same value where it is known; `what` cannot be measured where it is not.
function unknown_value(v, what) {
    if (is_unknown(v)) return "!f`" what "` cannot be measured: " substr(v, 2)
    return v
}

# The same value where it is known with all that is in it.
function wholly_known(v, what,    why) {
    if (failed(v)) return v
    why = unsure(v)
    if (why != "") return "!f`" what "` cannot be measured: " why
    return v
}

# Why a value, or something in it, is not surely known; empty when all is known.
function unsure(v,    tag, part, count, at, cells, cell_count, place, why) {
    tag = substr(v, 1, 1)
    if (tag == "?") return substr(v, 2)
    if (tag == "a") return substr(v, index(v, " ") + 1)
    if (tag != "L" && tag != "R" && tag != "T") return ""
    if (tag == "T" && or_more(v) != "") return substr(or_more(v), 2)
    count = split(v, part, "\036")
    for (at = tag == "T" ? 3 : 2; at <= count; at++) {
        if (tag == "L") {
            why = unsure(unesc(part[at]))
            if (why != "") return why
            continue
        }
        cell_count = split(part[at], cells, "\037")
        for (place = 1; place <= cell_count; place++) {
            why = unsure(unesc(cells[place]))
            if (why != "") return why
        }
    }
    return ""
}

# Hides the characters that part cells and items.
function esc(text) {
    if (text !~ /[\033\036\037]/) return text
    gsub(/\033/, "\033e", text)
    gsub(/\036/, "\033r", text)
    gsub(/\037/, "\033u", text)
    return text
}

# Brings back what `esc` hid.
function unesc(text) {
    if (!index(text, "\033")) return text
    gsub(/\033u/, "\037", text)
    gsub(/\033r/, "\036", text)
    gsub(/\033e/, "\033", text)
    return text
}

# A value as one line, for a variable of the shell.
function export_value(v) {
    gsub(/\033/, "\033e", v)
    gsub(/\n/, "\033n", v)
    return v
}

# The value that `export_value` wrote.
function import_value(v) {
    gsub(/\033n/, "\n", v)
    gsub(/\033e/, "\033", v)
    return v
}

# Cuts a list or a table into its parts, once for many looks at the same one.
function open_value(v) {
    if (v == opened_value) return
    opened_value = v
    opened_count = split(v, opened_part, "\036")
}

# A list with one item more; an empty list is "L".
function list_add(list, v) {
    if (failed(list)) return list
    if (failed(v)) return v
    return list "\036" esc(v)
}

# How many items a list has.
function item_count(list) {
    if (substr(list, 1, 1) != "L") return 0
    open_value(list)
    return opened_count - 1
}

# The item of a list at a place, from 1.
function item(list, at) {
    if (failed(list)) return list
    open_value(list)
    return unesc(opened_part[at + 1])
}

# A key that two values share exactly when they are the same value: 6.0 is 6.0.0.
function value_key(v,    tag, part, count, at, cells, cell_count, place, key) {
    tag = substr(v, 1, 1)
    if (tag == "v") {
        sub(/(\.0)+$/, "", v)
        return v
    }
    if (tag != "L" && tag != "R" && tag != "T") return v
    count = split(v, part, "\036")
    key = part[1]
    for (at = 2; at <= count; at++) {
        if (tag == "L") {
            key = key "\036" esc(value_key(unesc(part[at])))
        } else if (tag == "T" && at == 2) {
            key = key "\036" part[at]
        } else {
            cell_count = split(part[at], cells, "\037")
            key = key "\036"
            for (place = 1; place <= cell_count; place++)
                key = key "\037" esc(value_key(unesc(cells[place])))
        }
    }
    return key
}
