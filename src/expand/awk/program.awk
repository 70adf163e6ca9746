# What the generated functions are made of, beside values themselves.

# Reads what there is to know before a question is answered.
function load() {
    load_inventory()
    load_tokens()
    load_answers()
}

# Whether something has to be asked first.
function needs(v) {
    return substr(v, 1, 2) == "!?"
}

# The node in hand.
function node_in_hand(place) {
    return place == "" || place == "@" ? "!f`$node` needs a node" : "n" place
}

# What a guard answers that cannot go on.
function cannot(v) {
    return needs(v) ? v : verdict_unknown(v)
}

# A guard's answer where it is asked: what cannot be evaluated cannot be measured.
function judged(v) {
    return failed(v) ? cannot(v) : v
}

# A verdict that says no more than a condition does.
function verdict_from(so) {
    if (failed(so)) return so
    return so == "byes" ? verdict_yes() : is_unknown(so) ? verdict_unknown(so) : so
}

# A verdict with the script's own words before its reason.
function verdict_because(said, found) {
    return failed(said) ? said : verdict_no("t" substr(said, 2) ": " verdict_reason(found))
}

# The reason of a verdict as a text.
function reason_of(found) {
    return failed(found) ? found : "t" verdict_reason(found)
}

# A condition that must be sure.
function must_be_sure(so, what) {
    return is_unknown(so) ? "!f" what " cannot be measured: " substr(so, 2) : so
}

# What stands under a name in a row, or what the inventory knows of a node; empty when nothing does.
function seen(row, name) {
    if (substr(row, 1, 1) == "R") return has_cell(row, name) ? cell(row, name) : ""
    if (substr(row, 1, 1) != "n") return ""
    if (name == "name") return row
    return node_variable(substr(row, 2), name)
}

# The same where the name means nothing else.
function in_row(row, name,    found) {
    found = seen(row, name)
    if (found != "") return found
    if (substr(row, 1, 1) == "n" && has_variable(name)) return "?this node has no `" name "` in the inventory"
    return "!fthere is no column, fact, group or node called `" name "`"
}

# What a `where` chooses from, as a list: rows, nodes or items.
function choices(v,    tag, count, at, list) {
    tag = substr(v, 1, 1)
    if (tag == "T") {
        list = "L"
        count = row_count(v)
        for (at = 1; at <= count; at++) list = list_add(list, table_row(v, at))
        return list
    }
    if (tag == "L" || tag == "N") return items(v)
    return "!f" show(v) " is not a table"
}

# The same kind of thing with nothing in it yet.
function none_of(v,    tag) {
    tag = substr(v, 1, 1)
    return tag == "T" ? table_empty_like(v) : tag
}

# Keeps what a condition surely says yes to; what cannot be told makes a table have more rows, perhaps.
function keep(kept, it, so,    tag) {
    tag = substr(kept, 1, 1)
    if (so == "byes") {
        if (tag == "T") return table_add(kept, it)
        if (tag == "L") return list_add(kept, it)
        return kept (kept == "N" ? "" : " ") substr(it, 2)
    }
    if (so == "bno") return kept
    if (tag == "T") return table_or_more(kept, so)
    if (tag == "L") return so
    return "!fwhether " substr(it, 2) " is among them cannot be measured: " substr(so, 2)
}

# What an `each` goes through; a table that may have more rows is unknown as a whole.
function each_item(v) {
    if (failed(v) || is_unknown(v)) return v
    if (substr(v, 1, 1) == "T" && or_more(v) != "") return or_more(v)
    return items(v)
}

# The nodes of a set that a condition keeps.
function belonging(v) {
    if (failed(v)) sub(/ is among them cannot be measured/, " belongs to the set cannot be measured", v)
    return v
}

# A variable of the script.
function var(name) {
    return import_value(ENVIRON[name])
}

# Keeps what a fact has measured, once for one question.
function measured_as(key, v, fact) {
    if (needs(v)) return v
    if (failed(v)) v = "?" message(v)
    else if (fact != "") v = masked_table(v, fact)
    measured[key] = v
    return v
}

# One more argument of those that take all that is left; a list is several.
function rest_add(list, v, code,    count, at) {
    if (failed(list)) return list
    if (failed(v)) return v
    if (substr(v, 1, 1) != "L") return list_add(list, coerce(v, code))
    count = item_count(v)
    for (at = 1; at <= count; at++) list = list_add(list, coerce(item(v, at), code))
    return list
}

# None of the nodes of an `on any` has answered: after two reasons the rest say the same as a rule.
function none_answers(what, said,    reasons, count, why) {
    count = split(said, reasons, "\036")
    why = unesc(reasons[2])
    if (count > 2) why = why "; " unesc(reasons[3])
    if (count > 3) why = why "; and " (count - 3) " more"
    return "!fany of " what " cannot be measured: " why
}

# Prints the answer to a question, or asks first for what it takes: status 10.
function put(text) {
    printf "%s", text
    exit 0
}

# Ends here when a value needs an answer first (status 10), or is an error (status 11).
function put_error(v) {
    if (needs(v)) exit 10
    if (failed(v)) {
        printf "%s", v
        exit 11
    }
}

# A value for a variable of the script.
function put_value(v) {
    put_error(v)
    put(export_value(v))
}

# A text for people.
function put_text(v) {
    put_error(v)
    put(substr(v, 2))
}

# A verdict: its letter, the values that must not change, and its reason.
function put_verdict(v) {
    put_error(v)
    put(verdict_truth(v) "\n" export_value(verdict_steady_values(v)) "\n" verdict_reason(v))
}

# The items of a list, one a line.
function put_items(v,    count, at, lines) {
    v = items(v)
    put_error(v)
    count = item_count(v)
    for (at = 1; at <= count; at++) lines = lines export_value(item(v, at)) "\n"
    put(lines)
}

# A value as words of a command.
function put_words(v, name) {
    v = wholly_known(v, name)
    put_error(v)
    put(word_list(v))
}

# What the nodes of an `on` gave, one a line: the node, a blank and the value.
function put_gathered(text,    lines, count, at, made, place) {
    made = gather_start()
    count = split(text, lines, "\n")
    for (at = 1; at <= count; at++) {
        place = index(lines[at], " ")
        if (place) made = gather_add(made, substr(lines[at], 1, place - 1), import_value(substr(lines[at], place + 1)))
    }
    put_value(gather_end(made))
}

# The words of each item, one a line.
function put_instances(v,    count, at, lines) {
    put_error(v)
    count = item_count(v)
    for (at = 1; at <= count; at++) lines = lines word_list(item(v, at)) "\n"
    put(lines)
}

# A number: how often, how many, or whole seconds.
function put_number(v) {
    if (v ~ /^i-/) v = "!f" show(v) " is not a count"
    put_error(v)
    if (substr(v, 1, 1) == "d") put(int((substr(v, 2) + 999) / 1000))
    put(substr(v, 2))
}

# Sizes of batches of so many nodes: a share is rounded down, and is one at least.
function put_sizes(list, total,    count, at, v, sizes) {
    put_error(list)
    count = item_count(list)
    for (at = 1; at <= count; at++) {
        v = item(list, at)
        if (v ~ /^i[1-9]/) v = substr(v, 2)
        else if (v ~ /^%[1-9]/) v = int(total * substr(v, 2) / 10000)
        else put_error("!f" show(v) " is not a size of a batch: write a count or a percentage")
        sizes = sizes (sizes == "" ? "" : " ") (v < 1 ? 1 : v)
    }
    put(sizes)
}
