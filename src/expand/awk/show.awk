# Values as the language prints them.

# A value as the language writes it, without quotes.
function show(v,    tag, rest, count, at, text) {
    tag = substr(v, 1, 1)
    rest = substr(v, 2)
    if (tag == "?") return "unknown (" rest ")"
    if (tag == "a") return "at least " substr(rest, 1, index(rest, " ") - 1)
    if (tag == "d") return write_duration(rest)
    if (tag == "s") return write_size(rest)
    if (tag == "%") return write_percent(rest)
    if (tag == "N") return fold_nodes(rest)
    if (tag == "x") return "/" written_pattern(v) "/"
    if (tag == "R") return show_row(v)
    if (tag == "T") return show_table(v)
    if (tag == "!") return message(v)
    if (tag != "L") return rest
    count = item_count(v)
    for (at = 1; at <= count; at++) text = text (at > 1 ? " " : "") show(item(v, at))
    return text
}

# A regular expression as the script writes it.
function written_pattern(v) {
    return index(v, "\036") ? substr(v, index(v, "\036") + 1) : substr(v, 2)
}

# A regular expression as awk reads it; a text is taken as it stands.
function awk_pattern(v) {
    return substr(v, 1, 1) == "x" && index(v, "\036") ? substr(v, 2, index(v, "\036") - 2) : substr(v, 2)
}

# A row on one line.
function show_row(row,    columns, count, cells, at, text) {
    count = split(header_of(row), columns, "\037")
    split(cells_of(row), cells, "\037")
    for (at = 1; at <= count; at++)
        if (at in cells)
            text = text (at > 1 ? ", " : "") column_name(columns[at]) " " show(unesc(cells[at]))
    return text
}

# A header in capitals and a line a row, the columns aligned.
function show_table(table,    columns, width, count, rows, cells, at, place, shown, wide, text) {
    width = split(header_of(table), columns, "\037")
    rows = row_count(table)
    for (place = 1; place <= width; place++) {
        shown[0, place] = toupper(column_name(columns[place]))
        wide[place] = letter_count(shown[0, place])
    }
    for (at = 1; at <= rows; at++) {
        split(cells_of(table_row(table, at)), cells, "\037")
        for (place = 1; place <= width; place++) {
            shown[at, place] = show_cell(unesc(cells[place]))
            if (letter_count(shown[at, place]) > wide[place]) wide[place] = letter_count(shown[at, place])
        }
    }
    for (at = 0; at <= rows; at++) {
        count = ""
        for (place = 1; place <= width; place++)
            count = count (place > 1 ? "  " : "") pad_text(shown[at, place], wide[place])
        sub(/[[:space:]]+$/, "", count)
        text = text (at ? "\n" : "") count
    }
    return text (or_more(table) != "" ? "\n(and perhaps more: some rows could not be read)" : "")
}

# A cell on one line; why it is unknown stands where it is asked for.
function show_cell(v) {
    if (is_unknown(v)) return "?"
    v = show(v)
    gsub(/\n/, " ", v)
    return v
}

# A text with blanks after it, up to a width in letters.
function pad_text(text, wide) {
    for (wide -= letter_count(text); wide > 0; wide--) text = text " "
    return text
}

# A length of time in milliseconds, such as 1h30m.
function write_duration(length_ms,    units, count, at, parts, many, text) {
    if (length_ms == "0") return "0s"
    count = split("d 86400000 h 3600000 m 60000 s 1000 ms 1", units, " ")
    length_ms += 0
    for (at = 1; at < count; at += 2) {
        many = int(length_ms / units[at + 1])
        if (many) text = text number_text(many) units[at]
        length_ms -= many * units[at + 1]
    }
    return text
}

# A number of bytes in the largest unit that is exact with two decimals.
function write_size(bytes,    units, count, at, unit, whole, rest, hundredths, text) {
    if (number_text(bytes) != (bytes "")) return bytes "B"
    count = split("PB 1125899906842624 TB 1099511627776 GB 1073741824 MB 1048576 KB 1024 B 1", units, " ")
    for (at = 1; at < count; at += 2) {
        unit = units[at + 1] + 0
        if (bytes + 0 < unit) continue
        whole = int(bytes / unit)
        rest = bytes - whole * unit
        if (!rest) return number_text(whole) units[at]
        # Reading drops the fraction of a byte, so the hundredths are rounded up.
        hundredths = hundredths_above(rest, unit)
        if (hundredths > 99) continue
        text = sprintf("%s.%02d", number_text(whole), hundredths)
        sub(/0+$/, "", text)
        if (read_size(text units[at]) == (bytes "")) return text units[at]
    }
    return bytes "B"
}

# How many hundredths of a unit the rest fills, rounded up; in halves, to stay exact.
function hundredths_above(rest, unit,    half, high, low) {
    half = unit > 1073741824 ? 33554432 : 1
    high = int(rest / half)
    low = (rest - high * half) * 100
    high = high * 100 + int(low / half)
    low -= int(low / half) * half
    rest = int(high / (unit / half))
    return rest + (low > 0 || high > rest * (unit / half) ? 1 : 0)
}

# Hundredths of a percent as a percentage.
function write_percent(hundredths,    sign, digits) {
    digits = hundredths ""
    if (sub(/^-/, "", digits)) sign = "-"
    while (length(digits) < 3) digits = "0" digits
    digits = substr(digits, 1, length(digits) - 2) "." substr(digits, length(digits) - 1)
    sub(/\.?0?0$/, "", digits)
    return sign digits "%"
}
