# Finds a template such as `{up: int} of {all: int}` in a text and gives a row for each match.
function filter_match(value, template, or_none,    text, why, at, end, count, piece, table, row) {
    if (failed(value)) return value
    if (failed(template)) return template
    if (value !~ /^t/) return not_taken("match", "text", value)
    if (is_unknown(template)) return template
    why = read_template(argument_text(template))
    if (why != "") return "!f`match` " why
    match_text = substr(value, 2)
    table = table_under(template_header)
    for (at = 1; (at = next_start(at)) > 0; at = end > at ? end : at + 1) {
        end = match_pieces(1, at)
        if (!end) continue
        row = ""
        count = 0
        for (piece = 1; piece <= piece_count; piece++)
            if (piece in field_name) row = row (count++ ? "\037" : "") esc(read_field_value(piece))
        table = table "\036" row
    }
    if (!row_count(table) && !or_none)
        return "!f`match` finds nothing like `" show_line(argument_text(template)) "`"
    return table
}

# The next place where a match may begin, 0 when there is none.
function next_start(at,    found) {
    if (at > length(match_text)) return 0
    if (piece_kind[1] != "=") return at
    found = index(substr(match_text, at), piece_text[1])
    return found ? at + found - 1 : 0
}

# What a field holds, of its kind.
function read_field_value(piece,    text, v) {
    text = substr(match_text, field_start[piece], field_end[piece] - field_start[piece])
    if ((piece == 1 && is_number_kind(field_kind[piece]) && goes_on_before(field_start[piece])) || (piece == piece_count && is_number_kind(field_kind[piece]) && goes_on_after(field_end[piece])))
        return "?`" show_line(text) "` is a part of something longer in the text"
    v = read_value(trim(text), field_kind[piece])
    return failed(v) ? "?`" field_name[piece] "`: " message(v) : v
}

# Whether a field must not be the end or the beginning of a longer one: the 13 of 13.5.
function is_number_kind(kind) {
    return !index("tpS", kind)
}

# Whether what stands before a place goes on into it.
function goes_on_before(at,    before) {
    before = substr(match_text, at > 2 ? at - 2 : 1, at > 2 ? 2 : at - 1)
    return before ~ /[0-9]\.$/ || before ~ /[A-Za-z0-9\200-\377]$/
}

# Whether what stands at a place goes on what is before it.
function goes_on_after(at,    after) {
    after = substr(match_text, at, 2)
    return after ~ /^\.[0-9]/ || after ~ /^[A-Za-z0-9%\200-\377]/
}

# Cuts a template into pieces; `{{` and `}}` stand for the braces themselves. Gives what is wrong.
function read_template(written,    rest, at, brace, why, parts, text, known) {
    if (("t" written) == template_read) return ""
    template_read = ""
    split("", field_name)
    parts = 0
    for (rest = written; match(rest, /[{}]/); ) {
        at = RSTART
        brace = substr(rest, at, 1)
        if (substr(rest, at + 1, 1) == brace) {
            parts = add_text(parts, substr(rest, 1, at))
            rest = substr(rest, at + 2)
            continue
        }
        if (at > 1) parts = add_text(parts, substr(rest, 1, at - 1))
        if (brace == "}") return "has a `}` without `{` in its template; write }} for a brace"
        rest = substr(rest, at + 1)
        at = index(rest, "}")
        if (!at) return "has a `{` without `}` in its template; write {{ for a brace"
        why = add_field(++parts, substr(rest, 1, at - 1))
        if (why != "") return why
        rest = substr(rest, at + 1)
    }
    if (rest != "") parts = add_text(parts, rest)
    piece_count = parts
    why = odd_fields()
    if (why == "") template_read = "t" written
    return why
}

# What is wrong with the fields together; sets how each is matched, and the header.
function odd_fields(    piece, count, known) {
    template_header = ""
    for (piece = 1; piece <= piece_count; piece++) {
        if (!(piece in field_name)) continue
        if (field_name[piece] in known) return "has two fields called `" field_name[piece] "` in its template"
        if ((piece + 1) in field_name) return "needs some text after the field `" field_name[piece] "`"
        known[field_name[piece]] = 1
        if (piece_kind[piece] == "text") piece_kind[piece] = piece == piece_count ? "greedy" : "lazy"
        template_header = template_header (count++ ? "\037" : "") field_name[piece] ":" field_kind[piece]
    }
    return count ? "" : "needs a field in its template, such as {up: int}"
}

# Adds text to the pieces, its blanks apart from the rest.
function add_text(parts, text,    blanks) {
    while (text != "") {
        parts++
        if (match(text, /^[[:space:]]+/)) {
            blanks = substr(text, 1, RLENGTH)
            piece_kind[parts] = index(blanks, "\n") ? "newline" : "blanks"
        } else {
            match(text, /^[^[:space:]]+/)
            piece_kind[parts] = "="
            piece_text[parts] = substr(text, 1, RLENGTH)
        }
        text = substr(text, RLENGTH + 1)
    }
    return parts
}

# Adds a field to the pieces; gives what is wrong with it.
function add_field(piece, written,    name, kind, at) {
    at = index(written, ":")
    name = trim(at ? substr(written, 1, at - 1) : written)
    kind = trim(at ? substr(written, at + 1) : "")
    if (name !~ /^[A-Za-z0-9_%-]+$/) return "has a field `{" written "}` without a good name"
    field_name[piece] = tolower(name)
    field_kind[piece] = "t"
    piece_kind[piece] = "word"
    if (!at) return ""
    if (kind ~ /^\[.*\]$/) return add_choice(piece, substr(kind, 2, length(kind) - 2))
    field_kind[piece] = field_code(kind)
    if (field_kind[piece] == "")
        return "knows no field of type `" kind "`; " suggest_kind(kind)
    piece_kind[piece] = field_kind[piece]
    if (kind == "string") piece_kind[piece] = "text"
    if (kind == "path" || kind == "service") piece_kind[piece] = "word"
    if (kind == "bool") return add_choice(piece, "yes no")
    return ""
}

# Makes a field one of some words.
function add_choice(piece, text,    words, count, at, before, word) {
    count = split_words(text, words)
    if (!count) return "has a choice of no words in its template"
    if (field_kind[piece] != "b") field_kind[piece] = "[" join_words(words, 1, count) "]"
    # The longest first, so that `up` does not hide `upgrading`.
    for (at = 2; at <= count; at++) {
        word = words[at]
        for (before = at - 1; before > 0 && length(words[before]) < length(word) && field_kind[piece] != "b"; before--)
            words[before + 1] = words[before]
        words[before + 1] = word
    }
    piece_kind[piece] = "choice"
    piece_text[piece] = join_words(words, 1, count)
    return ""
}

# The code of a kind that a field can have; empty when there is none.
function field_code(kind,    kinds, count, at) {
    count = split("string t int i bool b duration d size s percent % ratio r version v path p service S", kinds, " ")
    for (at = 1; at <= count; at += 2) if ((kinds[at] "") == (kind "")) return kinds[at + 1]
    return ""
}

# Matches the pieces from one on at a place of the text; gives where the match ends, or 0.
function match_pieces(piece, at,    kind, end, least, rest, ends, count, next_end, found) {
    if (piece > piece_count) return at
    kind = piece_kind[piece]
    if (kind == "=") {
        if (substr(match_text, at, length(piece_text[piece])) != piece_text[piece]) return 0
        return match_pieces(piece + 1, at + length(piece_text[piece]))
    }
    if (kind == "blanks") {
        found = match_down(piece, at, at + 1, run_end(at, "[ \t]"))
        if (found) return found
    }
    if (kind == "blanks" || kind == "newline") {
        at = run_end(at, "[ \t\r]")
        if (substr(match_text, at, 1) != "\n") return 0
        if (kind == "blanks") return match_down(piece, at + 1, at + 2, run_end(at + 1, "[ \t]"))
        return match_down(piece, at + 1, at + 1, run_end(at + 1, "[[:space:]]"))
    }
    field_start[piece] = at
    if (kind == "word") return match_down(piece, at, at + 1, run_end(at, "[^[:space:],;()]"))
    if (kind == "greedy") return match_down(piece, at, at + 1, run_end(at, "[^\r\n]"))
    if (kind == "lazy") {
        least = run_end(at, "[^\r\n]")
        for (end = at + 1; end <= least; end++) {
            found = match_pieces(piece + 1, end)
            if (found) return match_ends(piece, at, end, found)
        }
        return 0
    }
    if (kind == "choice") return match_choice(piece, at)
    if (kind == "d") {
        count = split(duration_ends(at), ends, " ")
        for (end = 1; end <= count; end++) {
            found = match_pieces(piece + 1, ends[end] + 0)
            if (found) return match_ends(piece, at, ends[end] + 0, found)
        }
        return 0
    }
    rest = substr(match_text, at, run_end(at, "[-0-9.:%KMGTPB]") - at)
    if (kind == "s") found = match(rest, /^[0-9]+(\.[0-9]+)?[KMGTP]?B/)
    else if (kind == "%") found = match(rest, /^-?[0-9]+(\.[0-9]+)?%/)
    else if (kind == "i") found = match(rest, /^-?[0-9]+/)
    else if (kind == "r") found = match(rest, /^[0-9]+:[0-9]+/)
    else found = match(rest, /^[0-9]+(\.[0-9]+)*/)
    if (!found) return 0
    end = at + RLENGTH
    least = end
    if (kind == "i") least = at + (rest ~ /^-/ ? 2 : 1)
    if (kind == "r") least = at + index(rest, ":") + 1
    if (kind == "v") least = at + 1
    return match_down(piece, at, least, end)
}

# Tries the ends of a piece from the last to the first; a version does not end at a dot.
function match_down(piece, at, least, end,    found) {
    for (; end >= least; end--) {
        if (piece_kind[piece] == "v" && substr(match_text, end - 1, 1) == ".") continue
        found = match_pieces(piece + 1, end)
        if (found) return match_ends(piece, at, end, found)
    }
    return 0
}

# Keeps where a piece lies, and gives where the whole match ends.
function match_ends(piece, at, end, found) {
    field_start[piece] = at
    field_end[piece] = end
    return found
}

# Tries the words of a choice, one after the other.
function match_choice(piece, at,    words, count, one, found) {
    count = split(piece_text[piece], words, " ")
    for (one = 1; one <= count; one++) {
        if (substr(match_text, at, length(words[one])) != (words[one] "")) continue
        found = match_pieces(piece + 1, at + length(words[one]))
        if (found) return match_ends(piece, at, at + length(words[one]), found)
    }
    return 0
}

# Where a run of letters of one sort ends, from a place on.
function run_end(at, letters) {
    while (at <= length(match_text) && substr(match_text, at, 1) ~ letters) at++
    return at
}

# The places where a duration may end, in the order in which they are tried.
function duration_ends(at,    end, unit, ends) {
    end = run_end(at, "[0-9]")
    if (end == at) return ""
    if (substr(match_text, end, 2) == "ms") ends = duration_goes_on(end + 2) " " (end + 2)
    unit = substr(match_text, end, 1)
    if (unit ~ /[smhd]/) ends = ends " " duration_goes_on(end + 1) " " (end + 1)
    return ends
}

# The same from after a unit on, with a blank between or none.
function duration_goes_on(at) {
    return duration_ends(substr(match_text, at, 1) == " " ? at + 1 : at)
}

# What a kind that is not known may have meant.
function suggest_kind(kind,    kinds, count, at, far, least, found) {
    count = split("bool duration int path percent ratio service size string version", kinds, " ")
    least = 1000
    for (at = 1; at <= count; at++) {
        far = letters_apart(tolower(kind), kinds[at])
        if (far > (length(kind) >= 8 ? int(length(kind) / 4) : 1) || (length(kind) < 4 && !is_slip(kind, kinds[at], far))) continue
        if (far < least) {
            least = far
            found = kinds[at]
        }
    }
    if (found != "") return "did you mean `" found "`?"
    return "there are string, int, bool, duration, size, percent, ratio, version, path, service"
}

# Whether a short word is another with two letters swapped or some left out.
function is_slip(kind, known, far) {
    return !far || length(known) > length(kind) || same_letters(kind, known)
}

# Whether two words have the same letters.
function same_letters(one, two,    at, place) {
    if (length(one) != length(two)) return 0
    for (at = 1; at <= length(one); at++) {
        place = index(two, substr(one, at, 1))
        if (!place) return 0
        two = substr(two, 1, place - 1) substr(two, place + 1)
    }
    return 1
}

# How many letters must be put in, dropped, replaced or swapped to make one word of another.
function letters_apart(one, two,    i, j, far, best) {
    gsub(/_/, "-", one)
    for (i = 0; i <= length(one); i++) {
        for (j = 0; j <= length(two); j++) {
            best = i && j ? far[i - 1, j - 1] + (substr(one, i, 1) != substr(two, j, 1)) : i + j
            if (i && j && far[i - 1, j] + 1 < best) best = far[i - 1, j] + 1
            if (i && j && far[i, j - 1] + 1 < best) best = far[i, j - 1] + 1
            if (i > 1 && j > 1 && substr(one, i, 1) == substr(two, j - 1, 1) && substr(one, i - 1, 1) == substr(two, j, 1) && far[i - 2, j - 2] + 1 < best) best = far[i - 2, j - 2] + 1
            far[i, j] = best
        }
    }
    return far[length(one), length(two)]
}
