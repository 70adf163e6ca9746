# Gives the lines of a text as a list.
function filter_lines(value, or_none,    lines, count, at, list) {
    if (failed(value)) return value
    if (value !~ /^t/) return not_taken("lines", "text", value)
    list = "L"
    count = text_lines(substr(value, 2), lines)
    for (at = 1; at <= count; at++) list = list_add(list, "t" lines[at])
    return list
}

# Drops the blanks around each line of a text, and blank lines before and after it.
function filter_trim(value, or_none,    tag, lines, count, at, found) {
    tag = substr(value, 1, 1)
    if (tag == "!") return value
    if (tag == "t") {
        count = text_lines(trim(substr(value, 2)), lines)
        for (at = 1; at <= count; at++) found = found (at > 1 ? "\n" : "") trim(lines[at])
        return "t" found
    }
    if (tag != "L") return not_taken("trim", "text or a list of texts", value)
    found = "L"
    count = item_count(value)
    for (at = 1; at <= count; at++) found = list_add(found, filter_trim(item(value, at), or_none))
    return found
}

# Gives the lines from the first match to before the next blank line or the match of `until`.
function filter_section(value, from, until, or_none,    text, lines, count, at, bare, found, inside) {
    if (failed(value)) return value
    if (failed(from)) return from
    if (failed(until)) return until
    if (value !~ /^t/) return not_taken("section", "text", value)
    if (is_unknown(from)) return from
    if (is_unknown(until)) return until
    text = substr(value, 2)
    count = split(text, lines, "\n")
    for (at = 1; at <= count; at++) {
        bare = lines[at]
        sub(/\r+$/, "", bare)
        if (inside && (trim(bare) == "" || (is_textual(until) && bare ~ awk_pattern(until)))) break
        if (!inside && !(at == count && lines[at] == "")) inside = bare ~ awk_pattern(from)
        if (inside) found = found lines[at] (at < count ? "\n" : "")
    }
    if (inside || or_none) return "t" found
    return "!f`section` finds no line that matches /" written_pattern(from) "/"
}

# Cuts each line at the first separator into a table of `key` and `value`.
function filter_pairs(value, separator, or_none,    mark, lines, count, at, place, table, key) {
    if (failed(value)) return value
    if (failed(separator)) return separator
    if (value !~ /^t/) return not_taken("pairs", "text", value)
    if (is_unknown(separator)) return separator
    mark = argument_text(separator)
    if (mark == "") return "!f`pairs` needs a separator, such as pairs \":\""
    table = table_under("key:t\037value:t")
    count = text_lines(substr(value, 2), lines)
    for (at = 1; at <= count; at++) {
        place = index(lines[at], mark)
        if (!place) continue
        key = esc("t" trim(substr(lines[at], 1, place - 1)))
        table = table "\036" key "\037" esc("t" trim(substr(lines[at], place + length(mark))))
    }
    if (!row_count(table) && !or_none) return "!f`pairs` finds no line with `" show_line(mark) "`"
    return table
}
