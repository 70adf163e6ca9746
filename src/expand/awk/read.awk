# Texts read as values.

# A text as a value of a kind.
function read_value(text, code,    v) {
    v = read_plain(text, code)
    return v != "" ? v : "!f" quoted_text(wrong_text) " is not " wrong_wanted
}

# The same; empty when it is none, `wrong_text` is then not `wrong_wanted`.
function read_plain(text, code,    tag, found) {
    tag = substr(code, 1, 1)
    if (tag == "*") return "t" text
    if (index("tpSxc", tag)) return tag text
    if (tag == "i") {
        found = read_whole(text)
        return found != "" ? "i" found : not_read(text, "a whole number")
    }
    if (tag == "b") return text == "yes" || text == "no" ? "b" text : not_read(text, "`yes` or `no`")
    if (tag == "d") return read_unit(tag, text, read_duration(text), "a duration such as 30s or 5m")
    if (tag == "s") return read_unit(tag, text, read_size(text), "a size such as 10GB")
    if (tag == "%") return read_unit(tag, text, read_percent(text), "a percentage such as 80%")
    if (tag == "r") return read_unit(tag, text, read_ratio(text), "a ratio such as 3:2")
    if (tag == "v") return read_unit(tag, text, read_version(text), "a version such as 6.0.7")
    if (tag == "n") return read_unit(tag, text, find_node(text), "a node of the inventory")
    if (tag == "N") return read_nodes(text)
    if (tag == "[") return read_choice(text, substr(code, 2, length(code) - 2))
    if (tag == "L") return read_list(text, substr(code, 2))
    return not_read(text, "a " kind_name(code))
}

# Keeps what could not be read.
function not_read(text, wanted) {
    wrong_text = text
    wrong_wanted = wanted
    return ""
}

# What was read with its tag before it; what is too great to be exact is an error.
function read_unit(tag, text, found, wanted) {
    if (failed(found)) return found
    return found != "" ? tag found : not_read(text, wanted)
}

# One of some words.
function read_choice(text, words,    known, count, at) {
    count = split(words, known, " ")
    for (at = 1; at <= count; at++)
        if ((known[at] "") == (text "")) return "t" text
    gsub(/ /, ", ", words)
    return not_read(text, "one of " words)
}

# Words between brackets or not, with commas or blanks between, as a list.
function read_list(text, code,    words, count, at, list, v) {
    if (trim(text) ~ "^[[].*[]]$") {
        text = trim(text)
        text = substr(text, 2, length(text) - 2)
    }
    gsub(/,/, " ", text)
    count = split_words(text, words)
    list = "L"
    for (at = 1; at <= count; at++) {
        v = read_plain(words[at], code)
        if (v == "" || failed(v)) return v
        list = list_add(list, v)
    }
    return list
}

# A set of nodes written without groups.
function read_nodes(text,    found, names, count, at, set) {
    found = expand_written(text, 0)
    if (failed(found)) return not_read(text, "a set of nodes such as node[1-3]")
    count = split(substr(found, 2), names, " ")
    for (at = 1; at <= count; at++) {
        if (find_node(names[at]) == "") return not_read(text, "a set of nodes of the inventory")
        set = set " " find_node(names[at])
    }
    return "N" sort_nodes(set)
}

# Digits as they are written, with or without a sign, as a number of 64 bits; empty when it is none.
function read_whole(text,    digits) {
    if (text !~ /^[-+]?[0-9]+$/) return ""
    digits = text
    sub(/^[-+]/, "", digits)
    digits = bare_digits(digits)
    if (text ~ /^-/) {
        if (compare_digits(digits, "9223372036854775808") > 0) return ""
        return digits == "0" ? digits : "-" digits
    }
    return compare_digits(digits, "9223372036854775807") > 0 ? "" : digits
}

# Digits alone, at most those of a greatest number; empty when they are not.
function read_digits(text, greatest) {
    if (text !~ /^[0-9]+$/) return ""
    text = bare_digits(text)
    return compare_digits(text, greatest) > 0 ? "" : text
}

# A length of time as milliseconds.
function read_duration(text,    rest, total, number, unit, place, last, lengths) {
    rest = trim(text)
    if (rest == "") return ""
    split("86400000 3600000 60000 1000 1", lengths, " ")
    while (rest != "") {
        if (!match(rest, /^[0-9]+[a-zA-Z]+/)) return ""
        unit = substr(rest, 1, RLENGTH)
        rest = substr(rest, RLENGTH + 1)
        number = unit
        sub(/[a-zA-Z]+$/, "", number)
        sub(/^[0-9]+/, "", unit)
        number = read_digits(number, "18446744073709551615")
        if (number == "") return ""
        place = unit == "ms" ? 5 : length(unit) == 1 ? index("dhms", unit) : 0
        if (place <= last + 0) return ""
        last = place
        total += number * lengths[place]
        sub(/^[[:space:]]+/, "", rest)
    }
    return is_safe(total) ? number_text(total) : "!f" text " is out of range"
}

# A number of bytes.
function read_size(text,    number, unit, power, part, whole, total, rest, at) {
    text = trim(text)
    if (!match(text, /^[0-9.]+/)) return ""
    number = substr(text, 1, RLENGTH)
    unit = substr(text, RLENGTH + 1)
    if (unit != "B" && unit !~ /^[KMGTP]B$/) return ""
    power = unit == "B" ? 0 : index("KMGTP", substr(unit, 1, 1)) * 10
    if (number !~ /^[0-9]+(\.[0-9]+)?$/) return ""
    whole = number
    sub(/\..*$/, "", whole)
    whole = read_digits(whole, "18446744073709551615")
    if (whole == "") return ""
    part = index(number, ".") ? substr(number, index(number, ".") + 1) : ""
    # Some awks take a zero in front for octal digits.
    rest = bare_digits(substr(part "000000000", 1, 9)) + 0
    # The part is so many billionths; doubling it step by step keeps it exact.
    for (at = 0; at < power; at++) {
        whole *= 2
        total *= 2
        rest *= 2
        if (rest >= 1000000000) {
            rest -= 1000000000
            total++
        }
    }
    total += whole
    return is_safe(total) ? number_text(total) : "!f" text " is out of range"
}

# A percentage in hundredths.
function read_percent(text,    sign, whole, part, digits) {
    text = trim(text)
    if (!sub(/%$/, "", text)) return ""
    if (sub(/^-/, "", text)) sign = "-"
    sub(/[[:space:]]+$/, "", text)
    if (text !~ /^[0-9]+(\.[0-9]+)?$/) return ""
    whole = text
    sub(/\..*$/, "", whole)
    part = index(text, ".") ? substr(text, index(text, ".") + 1) : ""
    digits = bare_digits(whole substr(part "00", 1, 2))
    if (compare_digits(digits, "9223372036854775807") > 0) return ""
    return digits == "0" ? digits : sign digits
}

# Two numbers around a colon.
function read_ratio(text,    at, one, two) {
    text = trim(text)
    at = index(text, ":")
    one = read_digits(substr(text, 1, at - 1), "4294967295")
    two = read_digits(substr(text, at + 1), "4294967295")
    return !at || one == "" || two == "" ? "" : one ":" two
}

# Numbers with dots between.
function read_version(text,    parts, count, at, version) {
    text = trim(text)
    count = split(text, parts, ".")
    for (at = 1; at <= count; at++) {
        parts[at] = read_digits(parts[at], "18446744073709551615")
        if (parts[at] == "") return ""
        version = version (at > 1 ? "." : "") parts[at]
    }
    return version
}

# A value as the kind that is wanted, read from text where it is a text.
function coerce(v, code,    tag, kind, list, found, count, at) {
    tag = substr(v, 1, 1)
    kind = substr(code, 1, 1)
    if (tag == "!" || tag == "?" || kind == "*" || (tag == "a" && kind == "i")) return v
    if (tag == "n" && kind == "N") return "N" substr(v, 2)
    if (tag == "N" && kind == "n" && v ~ /^N[^ ]+$/) return "n" substr(v, 2)
    if (kind == "N" && tag == "L") return as_nodes(v, "these nodes")
    if (kind == "N" && tag == "t") return expand_nodes(substr(v, 2))
    if (kind == "L") {
        list = tag == "L" || tag == "N" ? items(v) : list_add("L", v)
        found = "L"
        count = item_count(list)
        for (at = 1; at <= count; at++) found = list_add(found, coerce(item(list, at), substr(code, 2)))
        return found
    }
    if (index("tpS", tag)) {
        found = read_plain(substr(v, 2), code)
        return found != "" ? found : "!f`" wrong_text "` is not " wrong_wanted
    }
    if (index("invb", tag) && kind == "t") return "t" show(v)
    if (tag == kind || (tag == "b" && kind == "y")) return v
    return "!f`" show(v) "` is not of type " kind_name(code)
}
