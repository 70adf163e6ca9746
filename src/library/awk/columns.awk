# Reads a table under a line of headers, each cell by its header's word in lower case.
function filter_columns(value, mark, as, wide, or_none,    text, lines, count, at, names, width, header, place, table, row) {
    if (failed(value)) return value
    if (failed(mark)) return mark
    if (failed(as)) return as
    if (failed(wide)) return wide
    if (value !~ /^t/) return not_taken("columns", "text", value)
    if (is_unknown(mark)) return mark
    if (is_unknown(as)) return as
    if (is_unknown(wide)) return wide
    if (is_textual(mark) != is_textual(as))
        return "!f`columns` needs both: the mark and the column it becomes, as in mark=M as=master"
    count = text_lines(substr(value, 2), lines)
    for (at = 1; at <= count && trim(lines[at]) == ""; at++);
    width = at <= count ? split_words(tolower(lines[at]), names) : 0
    header = tell_apart(names, width)
    if (is_textual(wide)) {
        place = column_place(header, tolower(argument_text(wide)))
        if (!place && width) return no_column("columns", argument_text(wide))
    }
    if (is_textual(mark))
        header = header (header == "" ? "" : "\037") esc(tolower(argument_text(as))) ":b"
    table = table_under(header)
    for (at++; at <= count; at++) {
        if (trim(lines[at]) == "") continue
        row = read_row(lines[at], width, mark, place)
        table = table "\036" row
    }
    if (row_count(table) || or_none) return table
    return "!f`columns` finds no " (width ? "row under the headers" : "line of headers")
}

# The header of texts under these names; those that stand twice get a number from the second on.
function tell_apart(names, count,    at, free, number, known, header) {
    for (at = 1; at <= count; at++) {
        free = names[at]
        for (number = 2; free in known; number++) free = names[at] "-" number
        known[free] = 1
        header = header (at > 1 ? "\037" : "") esc(free) ":t"
    }
    return header
}

# The cells of a row, in the order of the headers, and the mark after them. A row whose cells
# cannot be counted off is all unknown; only the last cell may be missing.
function read_row(line, width, mark, place,    words, count, at, marked, first, last, why, row, v) {
    count = split_words(line, words)
    first = 1
    if (is_textual(mark)) {
        marked = take_mark(words, substr(mark, 2))
        if (marked == 2) first = 2
        marked = marked ? "\037byes" : "\037bno"
    }
    count -= first - 1
    last = place ? count - (width - place) : 0
    if (place ? last < place : count != width && (count + 1 != width || width < 2))
        why = "?the row `" show_line(trim(line)) "` has " count " cells under " width " headers"
    for (at = 1; at <= width; at++) {
        if (why != "") v = why
        else if (at == count + 1 && !place) v = "?the last cell of the row is empty"
        else if (!place || at < place) v = "t" words[at + first - 1]
        else if (at > place) v = "t" words[at + first - 1 + last - place]
        else v = "t" join_words(words, place + first - 1, last + first - 1)
        row = row (at > 1 ? "\037" : "") esc(v)
    }
    return width ? row marked : substr(marked, 2)
}

# Takes the mark off the front of a row: 2 when it stands alone, 1 when it sticks to the first
# cell. A letter sticks to a number only: the M of Main is no mark.
function take_mark(words, mark,    first, rest) {
    first = words[1] ""
    if (first == mark) return 2
    if (substr(first, 1, length(mark)) != mark) return 0
    rest = substr(first, length(mark) + 1)
    if (mark ~ /[A-Za-z0-9]$/ && rest !~ /^[0-9]/) return 0
    words[1] = rest
    return 1
}

# Some words with a blank between.
function join_words(words, first, last,    at, joined) {
    for (at = first; at <= last; at++) joined = joined (at > first ? " " : "") words[at]
    return joined
}
