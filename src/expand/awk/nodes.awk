# Nodes and sets of them; the generated `load_inventory` fills the tables that are read here.

# What orders names as people count, byte by byte.
function natural_key(name,    rest, digits, key) {
    if (name in natural_keys) return natural_keys[name]
    rest = name
    while (match(rest, /[0-9]+/)) {
        digits = substr(rest, RSTART, RLENGTH)
        sub(/^0+/, "", digits)
        key = key substr(rest, 1, RSTART - 1) "0" sprintf("%03d", length(digits)) digits
        rest = substr(rest, RSTART + RLENGTH)
    }
    natural_keys[name] = key rest
    return natural_keys[name]
}

# -1, 0 or 1 as one name stands before, at or after another.
function compare_names(one, two,    order) {
    order = compare_texts(natural_key(one), natural_key(two))
    return order ? order : compare_texts(one, two)
}

# Names in order, each once, a blank between.
function sort_nodes(names,    found, count, at, sorted) {
    count = split(names, found, " ")
    for (at = 2; at <= count; at++) if (compare_names(found[at - 1], found[at]) > 0) break
    if (at <= count) merge_names(found, 1, count)
    for (at = 1; at <= count; at++)
        if (at == 1 || (found[at] "") != (found[at - 1] "")) sorted = sorted (at > 1 ? " " : "") found[at]
    return sorted
}

# Sorts a stretch of names, half by half.
function merge_names(names, first, last,    middle, one, two, at, sorted) {
    if (first >= last) return
    middle = int((first + last) / 2)
    merge_names(names, first, middle)
    merge_names(names, middle + 1, last)
    one = first
    two = middle + 1
    for (at = first; at <= last; at++) {
        if (two > last || (one <= middle && compare_names(names[one], names[two]) <= 0)) sorted[at] = names[one++]
        else sorted[at] = names[two++]
    }
    for (at = first; at <= last; at++) names[at] = sorted[at]
}

# The nodes of both sets.
function nodes_union(a, b) {
    if (failed(a)) return a
    if (failed(b)) return b
    return "N" sort_nodes(substr(a, 2) " " substr(b, 2))
}

# The nodes of one set that are not in the other.
function nodes_difference(a, b) {
    return pick_nodes(a, b, 0)
}

# The nodes that are in both sets.
function nodes_intersection(a, b) {
    return pick_nodes(a, b, 1)
}

# The nodes of one set that are in the other, or that are not.
function pick_nodes(a, b, wanted,    ones, others, known, count, at, kept) {
    if (failed(a)) return a
    if (failed(b)) return b
    count = split(substr(b, 2), others, " ")
    for (at = 1; at <= count; at++) known[others[at]] = 1
    count = split(substr(a, 2), ones, " ")
    for (at = 1; at <= count; at++)
        if ((ones[at] in known) == wanted) kept = kept (kept == "" ? "" : " ") ones[at]
    return "N" kept
}

# Names in order, folded: node[1-3].
function fold_nodes(names,    found, count, at, texts, family, families, kinds, members, text) {
    count = split(names, found, " ")
    for (at = 1; at <= count; at++) {
        texts = name_texts(found[at])
        if (!(texts in family)) {
            kinds++
            families[kinds] = texts
            family[texts] = kinds
        }
        members[family[texts]] = members[family[texts]] "\036" name_numbers
    }
    for (at = 1; at <= kinds + 0; at++)
        text = text (at > 1 ? "," : "") fold_family(families[at], substr(members[at], 2))
    return text
}

# The texts of a name between its numbers, which go into `name_numbers`; what has more
# digits than are counted with stays text.
function name_texts(name,    texts) {
    name_numbers = ""
    while (match(name, /[0-9]+/)) {
        if (RLENGTH > 18) {
            texts = texts substr(name, 1, RSTART + RLENGTH - 1)
        } else {
            texts = texts substr(name, 1, RSTART - 1) "\037"
            name_numbers = name_numbers (name_numbers == "" ? "" : "\037") substr(name, RSTART, RLENGTH)
        }
        name = substr(name, RSTART + RLENGTH)
    }
    return texts name
}

# Writes a family in the shortest of the ways that are tried: members that agree in all places but one are
# joined, place by place, and the order of the places decides what can be joined.
function fold_family(texts, members,    text, places, orders, tried, at, folded, best) {
    places = split(texts, text, "\037") - 1
    if (places < 1) return texts
    tried = split(fold_orders(places), orders, ";")
    for (at = 1; at <= tried; at++) {
        folded = fold_in_order(text, places, members, orders[at])
        if (at == 1 || length(folded) < length(best)) best = folded
        if (fold_count == 1) break
    }
    return best
}

# The orders of places that are tried: all of them for three places and fewer.
function fold_orders(places,    place, up, down) {
    if (places == 2) return "2 1;1 2"
    if (places == 3) return "3 2 1;3 1 2;2 3 1;2 1 3;1 3 2;1 2 3"
    for (place = 1; place <= places; place++) {
        up = up " " place
        down = " " place down
    }
    return places == 1 ? "1" : substr(down, 2) ";" substr(up, 2)
}

# Joins members in one order of their places, until none can be joined any more; leaves `fold_count`.
function fold_in_order(text, places, members, order,    member, count, before, place, turn, at, known, kept, key, numbers, all, folded) {
    count = split(members, member, "\036")
    split(order, place, " ")
    do {
        before = count
        for (turn = 1; turn <= places; turn++) {
            split("", known)
            kept = 0
            for (at = 1; at <= count; at++) {
                split(member[at], numbers, "\037")
                all = numbers[place[turn]]
                numbers[place[turn]] = ""
                key = join_numbers(numbers, places)
                if (key in known) {
                    split(member[known[key]], numbers, "\037")
                    numbers[place[turn]] = numbers[place[turn]] "," all
                    member[known[key]] = join_numbers(numbers, places)
                } else {
                    known[key] = ++kept
                    numbers[place[turn]] = all
                    member[kept] = join_numbers(numbers, places)
                }
            }
            count = kept
        }
    } while (count < before)
    fold_count = count
    for (at = 1; at <= count; at++) {
        split(member[at], numbers, "\037")
        folded = folded (at > 1 ? "," : "") text[1]
        for (turn = 1; turn <= places; turn++)
            folded = folded fold_numbers(numbers[turn]) text[turn + 1]
    }
    return folded
}

# The numbers of each place, in one text.
function join_numbers(numbers, places,    place, joined) {
    for (place = 1; place <= places; place++) joined = joined (place > 1 ? "\037" : "") numbers[place]
    return joined
}

# The numbers of one place, folded and in brackets when there are several.
function fold_numbers(list,    numbers, count, at, first, wanted, width, folded) {
    count = split(list, numbers, ",")
    if (count < 2) return list
    for (at = 1; at <= count; at++) {
        first = at
        width = padding(numbers[at])
        wanted = next_number(bare_digits(numbers[at]))
        while (at < count && bare_digits(numbers[at + 1]) == wanted && fits_width(numbers[at + 1], width)) {
            wanted = next_number(wanted)
            at++
        }
        folded = folded (first > 1 ? "," : "") numbers[first] (at > first ? "-" numbers[at] : "")
    }
    return "[" folded "]"
}

# Whether a number is padded as the first of its run is.
function fits_width(number, width) {
    return width ? length(number) == width : !padding(number)
}

# The width that zeros in front ask for; 0 without them.
function padding(number) {
    return length(number) > 1 && substr(number, 1, 1) == "0" ? length(number) : 0
}

# The next number, at any length.
function next_number(digits,    nines) {
    nines = match(digits, /9+$/) ? RLENGTH : 0
    if (nines == length(digits)) digits = "0" digits
    digits = substr(digits, 1, length(digits) - nines)
    digits = substr(digits, 1, length(digits) - 1) (substr(digits, length(digits)) + 1)
    while (nines-- > 0) digits = digits "0"
    return digits
}

# The name of the node that a text speaks of; empty when there is none.
function find_node(text,    host, short_name) {
    if (text in node_index) return node_index[text]
    host = without_port(text)
    if (host in node_index) return node_index[host]
    if (!index(host, ".")) return ""
    # An output may write node1.example.com for what the inventory calls node1.
    short_name = substr(host, 1, index(host, ".") - 1)
    if (short_name ~ /^[0-9]*$/ || !(short_name in node_whole)) return ""
    return node_index[short_name]
}

# Drops a port; an IPv6 address without brackets has none.
function without_port(text) {
    if (substr(text, 1, 1) == "[")
        return index(text, "]") ? substr(text, 2, index(text, "]") - 2) : text
    if (index(text, ":") && substr(text, index(text, ":")) ~ /^:[0-9]+$/)
        return substr(text, 1, index(text, ":") - 1)
    return text
}

# The node of that name, alias or address.
function node_named(text) {
    if (find_node(text) != "") return "n" find_node(text)
    return "!fthere is no node called `" text "`"
}

# What the inventory knows of a node under a name, as text; empty when it knows nothing.
function node_variable(node, name) {
    return (node, name) in node_value ? "t" node_value[node, name] : ""
}

# Whether anything is known of any node under a name.
function has_variable(name) {
    return name in known_variable
}

# The nodes of a group as it is now; empty when there is no such group.
function group(name,    path, line, names) {
    if (name in group_now) return group_now[name]
    path = ENVIRON["QUORATE_WORK"] "/group." name
    if (name != "" && (getline line < path) >= 0) {
        names = line
        while ((getline line < path) > 0) names = names " " line
        close(path)
        group_now[name] = "N" sort_nodes(names)
    } else if (name in group_nodes) {
        group_now[name] = "N" group_nodes[name]
    } else {
        group_now[name] = ""
    }
    return group_now[name]
}

# A value as a set of nodes; `what` says of what in an error.
function as_nodes(v, what,    tag, count, at, set) {
    if (failed(v)) return v
    v = unknown_value(v, what)
    tag = substr(v, 1, 1)
    if (tag == "!" || tag == "N") return v
    if (tag == "n") return "N" substr(v, 2)
    if (tag == "t" || tag == "p") return expand_nodes(substr(v, 2))
    if (tag != "L") return "!f" show(v) " is not a set of nodes"
    set = "N"
    count = item_count(v)
    for (at = 1; at <= count; at++) set = nodes_union(set, as_nodes(item(v, at), what))
    return set
}
