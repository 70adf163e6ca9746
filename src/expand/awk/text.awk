# Texts and commands with values in them.

# A text with one more value in it; it begins as "t". What holds an unknown value is unknown.
function text_add(text, v) {
    if (failed(text) || is_unknown(text)) return text
    if (failed(v)) return v
    if (unsure(v) != "") return "?" unsure(v)
    return text show(v)
}

# What is said to a person, with one more value; what is unknown is shown as such.
function say_add(text, v) {
    if (failed(text)) return text
    return failed(v) ? v : text show(v)
}

# A value as words of a command, quoted.
function word_list(v,    tag, count, at, words) {
    tag = substr(v, 1, 1)
    if (tag == "c") return substr(v, 2)
    if (tag != "L") return quote(show(v))
    count = item_count(v)
    for (at = 1; at <= count; at++) words = words (at > 1 ? " " : "") quote(show(item(v, at)))
    return words
}

# A command with one more value in it; it begins as "c". `name` says of what in an error.
function command_add(command, v, name) {
    if (failed(command)) return command
    v = wholly_known(v, name)
    return failed(v) ? v : command word_list(v)
}

# A command with one more text in it, as it is written.
function command_text(command, text) {
    return failed(command) ? command : command text
}

# A whole command; an empty list has left the blank that stood before it.
function command_end(command, trims) {
    if (failed(command) || !trims) return command
    return "c" trim(substr(command, 2))
}

# The command that a value is.
function command_of(v) {
    if (failed(v) || substr(v, 1, 1) == "c") return v
    if (is_unknown(v)) return "!fthe command cannot be measured: " substr(v, 2)
    return "!f" show(v) " is not a command; declare it `command`, not `string`"
}
