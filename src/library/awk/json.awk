# Reads JSON: an object is a row, a list of objects is a table.
function filter_json(value, or_none,    path, command, line, text, count, last) {
    if (failed(value)) return value
    if (value !~ /^t/) return not_taken("json", "text", value)
    path = ENVIRON["QUORATE_LOOK"] "/json"
    printf "%s", substr(value, 2) > path
    close(path)
    command = "jq -rs " quote(json_program()) " <" quote(path) " 2>&1; echo $?"
    for (count = 0; (command | getline line) > 0; count++) {
        if (count) text = text (count > 1 ? "\n" : "") last
        last = line
    }
    close(command)
    if (last == "0") return text
    if (last == "127") return "!f`json` needs the program jq on this machine"
    line = last_line(text)
    sub(/^parse error: /, "", line)
    sub(/^jq: error [^:]*(:[0-9]+)?\): /, "", line)
    return "!fthis is not JSON: " line
}
