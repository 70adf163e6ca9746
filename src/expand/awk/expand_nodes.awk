# Sets of nodes as they are written: node[01-16/2],other!@group.

# The nodes of a written set, each looked up in the inventory.
function expand_nodes(text,    found, names, count, at, set) {
    found = expand_written(text, 1)
    if (failed(found)) return found
    count = split(substr(found, 2), names, " ")
    for (at = 1; at <= count; at++) {
        found = node_named(names[at])
        if (failed(found)) return found
        set = set " " substr(found, 2)
    }
    return "N" sort_nodes(set)
}

# The names of a written set; `with_groups` says whether any group is known.
function expand_written(text, with_groups,    operator, set, term) {
    set_rest = text
    set_left = 1000000
    sub(/^[[:space:]]+/, "", set_rest)
    set = "N"
    operator = set_rest == "" ? "" : ","
    while (set_rest != "" || operator != "") {
        term = read_term(with_groups)
        if (failed(term)) return "!f`" text "` is not a set of nodes: " message(term)
        if (operator == "!") set = nodes_difference(set, term)
        else if (operator == "&") set = nodes_intersection(set, term)
        else if (operator == "^") set = nodes_union(nodes_difference(set, term), nodes_difference(term, set))
        else set = nodes_union(set, term)
        sub(/^[[:space:]]+/, "", set_rest)
        operator = ""
        if (set_rest ~ /^[,!&^]/) {
            operator = substr(set_rest, 1, 1)
            set_rest = substr(set_rest, 2)
            sub(/^[[:space:]]+/, "", set_rest)
        }
    }
    return set
}

# The first letter of what is not yet read.
function next_letter() {
    return set_rest == "" ? "" : first_letters(set_rest, 1)
}

# Reads one name, folded or of a group.
function read_term(with_groups,    is_group, parts, letter, names, count, at, set, found) {
    is_group = sub(/^@/, "", set_rest)
    count = read_parts(parts)
    if (failed(count)) return count
    letter = next_letter()
    if (!count) {
        if (letter == "]") return "!f`]` closes nothing"
        if (letter != "" && !index(",!&^@", letter)) return "!f`" letter "` cannot stand in a name"
        if (is_group) return "!fa group's name is missing after `@`"
        return "!fa name is missing " (letter == "" ? "at the end" : "before `" letter "`")
    }
    if (letter != "" && letter !~ /^[[:space:],!&^]/) {
        if (letter == "]") return "!f`]` closes nothing"
        if (letter == "@") return "!f`@` begins a group; write `,` before it"
        return "!f`" letter "` cannot stand in a name"
    }
    found = expand_parts(parts, count)
    if (failed(found)) return found
    count = split(found, names, " ")
    if (!is_group) {
        set = ""
        for (at = 1; at <= count; at++) {
            found = index(names[at], "*") || index(names[at], "?") ? fitting_nodes(names[at], with_groups) : names[at]
            if (failed(found)) return found
            set = set " " found
        }
        return "N" sort_nodes(set)
    }
    set = "N"
    for (at = 1; at <= count; at++) {
        found = with_groups ? named_set(names[at]) : ""
        if (found == "") return "!fthere is no group `" names[at] "`"
        set = nodes_union(set, found)
    }
    return set
}

# The nodes of a group; with `*` all nodes, and with `source:*` those of all groups of a source.
function named_set(name,    source, other, set) {
    if (group(name) != "") return group(name)
    if (name == "*") return group("all_nodes")
    if (name !~ /:[*]$/) return ""
    source = substr(name, 1, length(name) - 1)
    for (other in group_nodes)
        if (substr(other, 1, length(source)) == source) set = nodes_union(set == "" ? "N" : set, group(other))
    return set
}

# The nodes that fit a name in which * stands for any letters and ? for one.
function fitting_nodes(name, with_groups,    pattern, names, count, at, fitting) {
    if (!with_groups) return "!fonly an inventory knows which nodes `" name "` stands for"
    pattern = name
    gsub(/[.]/, "[.]", pattern)
    gsub(/[*]/, ".*", pattern)
    gsub(/[?]/, ".", pattern)
    count = split(substr(group("all_nodes"), 2), names, " ")
    for (at = 1; at <= count; at++)
        if (names[at] ~ ("^" pattern "$")) fitting = fitting (fitting == "" ? "" : " ") names[at]
    return fitting == "" ? "!fno node fits `" name "`" : fitting
}

# Cuts a folded name into its texts ("t") and numbers in brackets ("[") and gives their number.
function read_parts(parts,    count, end, found) {
    if (set_rest ~ /^-/) return "!fa name cannot begin with `-`, which commands take for an option"
    for (;;) {
        if (match(set_rest, /^[A-Za-z0-9_.:*?-]+/)) {
            parts[++count] = "t" substr(set_rest, 1, RLENGTH)
            set_rest = substr(set_rest, RLENGTH + 1)
        }
        if (set_rest !~ /^\[/) return count + 0
        if (!match(substr(set_rest, 2), /[][]/)) return "!f`[` is never closed"
        end = RSTART + 1
        if (substr(set_rest, end, 1) == "[") return "!f`[` inside of brackets"
        found = read_stretches(substr(set_rest, 2, end - 2))
        if (failed(found)) return found
        parts[++count] = "[" found
        set_rest = substr(set_rest, end + 1)
    }
}

# Reads what stands between two brackets, 01-10/2,15: first, last, step and width of each.
function read_stretches(text,    pieces, count, at, found, all) {
    count = split(text, pieces, ",")
    if (!count) return "!fa number is missing between the brackets"
    for (at = 1; at <= count; at++) {
        found = read_stretch(trim(pieces[at]))
        if (failed(found)) return found
        all = all (at > 1 ? "," : "") found
    }
    return all
}

# Reads one number or range.
function read_stretch(text,    range, step, from, until, why, width) {
    if (text == "") return "!fa number is missing between the brackets"
    range = text
    step = "1"
    if (index(text, "/")) {
        range = substr(text, 1, index(text, "/") - 1)
        step = substr(text, index(text, "/") + 1)
        why = odd_number(step)
        if (why != "") return "!f" why
    }
    if (!index(range, "-")) {
        if (range != text) return "!f`" text "` has a step but no end; write first-last/step"
        why = odd_number(range)
        if (why != "") return "!f" why
        return range " " range " 1 " padding(range)
    }
    from = substr(range, 1, index(range, "-") - 1)
    until = substr(range, index(range, "-") + 1)
    why = odd_number(from)
    if (why == "") why = odd_number(until)
    if (why != "") return "!f" why
    if (bare_digits(step) == "0") return "!f`" text "` has a step of 0"
    if (compare_digits(bare_digits(from), bare_digits(until)) > 0)
        return "!f`" range "` runs backwards; write " until "-" from
    width = padding(from)
    if (width ? length(until) < width || padding(until) > width : padding(until))
        return "!f`" range "` pads its ends differently; write as many digits on both"
    return from " " until " " bare_digits(step) " " width
}

# What is wrong with a number of a range; empty when nothing is.
function odd_number(text) {
    if (text == "") return "a number is missing in the range"
    if (text !~ /^[0-9]+$/) return "`" text "` is not a number; a range is such as 01-16"
    return length(text) > 18 ? "`" text "` has more than 18 digits" : ""
}

# The names, each text with each number; counted before anything is made.
function expand_parts(parts, count,    at, total, letters, stretches, stretch, many, sum, numbers, names, made, one, all, name_count, number_count) {
    total = 1
    for (at = 1; at <= count; at++) {
        if (substr(parts[at], 1, 1) == "t") {
            letters += length(parts[at]) - 1
            continue
        }
        many = split(substr(parts[at], 2), stretches, ",")
        for (sum = 0; many > 0; many--) {
            split(stretches[many], stretch, " ")
            sum += int((bare_digits(stretch[2]) - bare_digits(stretch[1])) / stretch[3]) + 1
        }
        total *= sum
        letters += 18
    }
    if (total > set_left) return "!fit stands for more than 1000000 nodes"
    if (letters > 273) return "!fa name has more than 255 letters"
    set_left -= total
    all = ""
    for (at = 1; at <= count; at++) {
        if (substr(parts[at], 1, 1) == "t") numbers = substr(parts[at], 2)
        else numbers = stretch_numbers(substr(parts[at], 2))
        if (failed(numbers)) return numbers
        number_count = split(numbers, made, " ")
        name_count = at == 1 ? 1 : split(all, names, " ")
        if (at == 1) names[1] = ""
        all = ""
        for (one = 1; one <= name_count; one++)
            for (many = 1; many <= number_count; many++) all = all " " names[one] made[many]
    }
    return all
}

# The numbers of some stretches, each with its zeros in front.
function stretch_numbers(text,    stretches, count, at, stretch, number, last, digits, all) {
    count = split(text, stretches, ",")
    for (at = 1; at <= count; at++) {
        split(stretches[at], stretch, " ")
        if ((stretch[1] "") == (stretch[2] "")) {
            all = all " " stretch[1]
            continue
        }
        # Some awks take a zero in front for octal digits.
        last = bare_digits(stretch[2]) + 0
        if (!is_safe(last + stretch[3])) return "!f" stretch[2] " is out of range"
        for (number = bare_digits(stretch[1]) + 0; number <= last; number += stretch[3]) {
            digits = number_text(number)
            while (length(digits) < stretch[4] + 0) digits = "0" digits
            all = all " " digits
        }
    }
    return all
}
