# Probes: their answers lie in a folder; what is not there yet is written down as a need.

# Reads which probes were asked.
function load_answers(    number, path, line, place, limit, command) {
    for (number = 1; ; number++) {
        path = ENVIRON["QUORATE_LOOK"] "/" number ".ask"
        if ((getline place < path) <= 0) break
        getline limit < path
        command = ""
        if ((getline line < path) > 0) {
            command = line
            while ((getline line < path) > 0) command = command "\n" line
        }
        close(path)
        ask_number[place, limit "", command] = number
    }
    ask_count = number - 1
}

# A file's lines without the last newline.
function read_lines(path,    line, text) {
    if ((getline line < path) > 0) {
        text = line
        while ((getline line < path) > 0) text = text "\n" line
    }
    close(path)
    return text
}

# Looks an answer up: empty when it is there, else an error. It is told in `answer_status`,
# `answer_out` and `answer_err`, or in `answer_silent` when there was none; `answer_command`
# and `answer_place` say what was asked.
function answer(place, command, limit,    seconds, number, path) {
    if (place == "") return "!fa command needs a node"
    if (failed(limit)) return limit
    if (failed(command)) return command
    seconds = limit == "" ? "30" : number_text(int((substr(limit, 2) + 999) / 1000))
    answer_command = substr(command, 2)
    answer_place = place == "@" ? "this machine" : place
    if (!((place, seconds, answer_command) in ask_number)) {
        path = ENVIRON["QUORATE_LOOK"] "/" (++ask_count) ".ask"
        printf "%s\n%s\n%s\n", place, seconds, answer_command > path
        close(path)
        ask_number[place, seconds, answer_command] = ask_count
    }
    number = ask_number[place, seconds, answer_command]
    if (!(number in answered)) read_answer(number)
    if (answered[number] == "") return "!?"
    answer_silent = answered[number] ~ /^silent/ ? substr(answered[number], 8) : ""
    if (answered[number] == "silent") answer_silent = "nobody knows why"
    answer_status = answer_silent != "" ? "" : answered[number] + 0
    answer_out = answered_out[number]
    answer_err = answered_err[number]
    return ""
}

# Reads the files of one answer.
function read_answer(number,    path) {
    path = ENVIRON["QUORATE_LOOK"] "/" number
    answered[number] = read_lines(path ".status")
    answered_out[number] = read_lines(path ".out")
    answered_err[number] = read_lines(path ".err")
}

# What a probe gave, as text; `ok` are the statuses that count as success, a blank between, and
# `expected` is what the text must match, if anything.
function probe_value(place, command, limit, ok, expected,    why) {
    why = answer(place, command, limit)
    if (why != "") return why
    if (answer_silent != "") return "!u" not_answered()
    if (!index(" " ok " ", " " answer_status " ")) return "!f" ended_with() said_last()
    if (expected != "" && !(answer_out ~ awk_pattern(expected)))
        return "!fthe output of `" answer_command "` on " answer_place " does not match /" written_pattern(expected) "/"
    return "t" answer_out
}

# Whether a command succeeds; `no` are the statuses that say no, a blank between.
function succeeds(place, command, limit, no,    why) {
    why = answer(place, command, limit)
    if (why != "") return why
    if (answer_silent != "") return "?" not_answered()
    if (answer_status == 0) return "byes"
    if (index(" " no " ", " " answer_status " ")) return "bno"
    return "?" ended_with() said_last()
}

# The command that was asked for its status, its node and the status, as text.
function explain_status(place, command, limit,    why) {
    why = answer(place, command, limit)
    if (why != "") return why
    return "t" (answer_silent != "" ? not_answered() : ended_with())
}

# Says that nobody answered.
function not_answered() {
    return answer_place " did not answer `" answer_command "`: " answer_silent
}

# Says with which status a command ended.
function ended_with() {
    return "`" answer_command "` on " answer_place " ended with status " answer_status
}

# The last line of what a command wrote as its errors, after a colon.
function said_last(    line) {
    line = last_line(answer_err)
    return line == "" ? "" : ": " line
}

# The numbers of a list, a blank between: statuses.
function statuses(list,    count, at, numbers) {
    if (substr(list, 1, 1) == "i") return substr(list, 2)
    count = item_count(list)
    for (at = 1; at <= count; at++)
        if (item(list, at) ~ /^i/) numbers = numbers (numbers == "" ? "" : " ") substr(item(list, at), 2)
    return numbers
}
