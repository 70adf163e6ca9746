# Texts letter by letter. Bytes from 128 on are parts of letters.

# Drops the blanks around a text.
function trim(text) {
    sub(/^[[:space:]]+/, "", text)
    sub(/[[:space:]]+$/, "", text)
    return text
}

# A text with another text in each place of an old one.
function replace_all(text, old, new,    at, done) {
    while ((at = index(text, old)) > 0) {
        done = done substr(text, 1, at - 1) new
        text = substr(text, at + length(old))
    }
    return done text
}

# Cuts a text into lines and gives their number.
function text_lines(text, lines,    count, at) {
    count = split(text, lines, "\n")
    for (at = 1; at < count; at++) sub(/\r$/, "", lines[at])
    if (count && lines[count] == "") count--
    return count
}

# The last line of a text, without the blanks around the text.
function last_line(text,    lines, count) {
    count = text_lines(trim(text), lines)
    return count ? lines[count] "" : ""
}

# Cuts a text at blanks and gives the number of words.
function split_words(text, words) {
    gsub(/[[:space:]]+/, " ", text)
    return split(text, words, " ")
}

# How many letters a text has.
function letter_count(text) {
    gsub(/[\200-\277]/, "", text)
    return length(text)
}

# The first letters of a text.
function first_letters(text, wanted,    at) {
    if (length(text) <= wanted) return text
    for (at = 1; at <= length(text); at++)
        if (substr(text, at, 1) !~ /[\200-\277]/ && wanted-- == 0) return substr(text, 1, at - 1)
    return text
}

# One line of an output for a message, cut short and without control characters.
function show_line(line,    shown) {
    gsub(/\t/, " ", line)
    gsub(/\302[\200-\237]/, "?", line)
    gsub(/[[:cntrl:]]/, "?", line)
    shown = first_letters(line, 100)
    return shown (length(shown) < length(line) ? "..." : "")
}

# A text between quotes, with what cannot be seen written out.
function quoted_text(text,    at, letter, shown) {
    if (text !~ /[[:cntrl:]\\"]/) return "\"" text "\""
    for (at = 1; at <= length(text); at++) {
        letter = substr(text, at, 1)
        if (letter == "\\" || letter == "\"") shown = shown "\\" letter
        else if (letter == "\n") shown = shown "\\n"
        else if (letter == "\r") shown = shown "\\r"
        else if (letter == "\t") shown = shown "\\t"
        else if (letter ~ /[[:cntrl:]]/) shown = shown "\\u{" control_code(letter) "}"
        else shown = shown letter
    }
    return "\"" shown "\""
}

# The number of a control character, in hexadecimal.
function control_code(letter,    code) {
    for (code = 1; code < 32; code++)
        if (sprintf("%c", code) == letter) return sprintf("%x", code)
    return "7f"
}

# Quotes a text so that a shell reads it as exactly one word.
function quote(text) {
    if (text ~ "^[A-Za-z0-9%+,./:=@_^-]+$") return text
    return "'" replace_all(text, "'", "'\\''") "'"
}
