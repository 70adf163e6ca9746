# Makes the work folder, where tokens, answers and the awk program lie, and begins.
start() {
    newline='
'
    separator=$(printf '\001')
    work=${TMPDIR:-/tmp}/quorate.$$
    if ! (umask 077 && mkdir "$work"); then
        printf '%s\n' "the work folder $work cannot be made: remove what an older run left there, or let TMPDIR name another place" >&2
        exit 2
    fi
    mkdir "$work/tokens" "$work/replaced" "$work/runs"
    # It goes at one blow, so that nobody finds half of it.
    trap '[ ! -d "$work" ] || mv "$work" "$work.ended"; rm -rf "$work.ended"' EXIT
    trap 'end_work' EXIT # with the lock
    trap 'exit 130' INT TERM HUP
    exec 3<&0 </dev/null
    if [ -z "$simulated" ]; then
        host_name=$(uname -n)
        local_nodes="$local_nodes localhost $host_name ${host_name%%.*}"
    fi
    set_initial_values
    if [ -n "${QUORATE_ASK-}" ] && ! command -v "$QUORATE_ASK" >/dev/null; then
        printf '%s\n' "QUORATE_ASK: $QUORATE_ASK cannot be run" >&2
        exit 2
    fi
    QUORATE_YES=${QUORATE_YES-} QUORATE_ANSWERS=${QUORATE_ANSWERS-} QUORATE_ASK=${QUORATE_ASK-}
    end_settings
    {
        awk_of_runbook
        awk_library
    } >"$work/evaluate.awk"
}

# Does it all where no signal reaches it, nor what it has in hand: a signal is for this shell alone to take. The
# first one lets the nodes in hand be finished, and what is owed by `undo` and `finally` be done; a second one
# breaks off.
run_shielded() {
    trap '' INT TERM HUP
    {
        take_lock || finish # with the lock
        runbook
        finish
    } &
    runner=$!
    keep_lock </dev/null >/dev/null 2>&1 3<&- & # with the lock
    keeper=$! # with the lock
    trap 'if [ -e "$work/stopping" ]; then
            kill -KILL "$runner"
            mv "$work" "$work.ended"
            # Told only now: from here on nothing more is begun.
            printf "%s\n" "broken off; what was in flight is unknown" >&2
            exit 6
        fi
        : >"$work/stopping"
        printf "%s\n" "stopping after what is in hand; once more breaks it off and leaves it unknown" >&2' INT TERM HUP
    while :; do
        wait "$runner"
        ended_with=$?
        kill -0 "$runner" 2>/dev/null || break
    done
    if [ "$ended_with" -gt 130 ]; then
        printf '%s\n' "this script was ended from outside; what was in flight is unknown" >&2
        exit 6
    fi
    end_work # with the lock
    exit "$ended_with"
}

# After a second signal the work folder is gone; then nothing more is begun anywhere.
unless_broken_off() {
    [ -d "$work" ] || exit 6
}

# Enters what only one may be in at a time: a folder that one alone can make.
enter_alone() {
    until mkdir "$work/$1" 2>/dev/null; do
        unless_broken_off
        sleep 1
    done
}

leave_alone() {
    rmdir "$work/$1"
}

# Says how it ended, and ends with the exit code for it.
finish() {
    case $kind in
    '' | skipped) say 'done' && exit 0 ;;
    failed) code=1 ended='failed' ;;
    refused) code=4 ended='refused by a guard' ;;
    locked) code=7 ended='the cluster is locked' ;; # with the lock
    unreachable) code=5 ended='a node could not be reached' ;;
    unknown) code=6 ended='an outcome is unknown' ;;
    declined) code=8 ended='declined' ;;
    parked) code=9 ended='parked' ;;
    *) code=130 ended='interrupted' ;;
    esac
    {
        say "$cluster: $ended (exit code $code)${trouble_node:+ on $trouble_node}"
        say "$trouble"
        [ -z "$help" ] || say "help: $help"
    } >&2
    exit "$code"
}

# A parameter: its variable, its text, the number of the question that reads it, whether it is one word, and
# its name with `=`.
read_parameter() {
    if ! ask_about "$2" || ! evaluate "$3"; then
        printf '%s\n' "parameter ${5%=}: $trouble" >&2
        exit 2
    fi
    if ! bind "$1" "$value" || { [ -n "$4" ] && ! words "$1" "$1"; }; then
        printf '%s\n' "parameter ${5%=}: $trouble" >&2
        exit 2
    fi
}

# Reads a secret: its name with `=`, the file that holds it, and what names that file after the script. Without
# one it is asked for, and not shown. Leaves $secret.
read_secret() {
    if [ -n "$2" ]; then
        if ! secret=$(cat "$2" && printf .); then
            printf '%s\n' "parameter ${1%=}: its file $2 cannot be read" >&2
            exit 2
        fi
        secret=${secret%.}
        secret=${secret%"$newline"}
    elif [ -t 3 ]; then
        printf '%s (secret): ' "${1%=}" >&2
        trap 'stty echo <&3; exit 130' INT TERM HUP
        stty -echo <&3
        secret=''
        IFS= read -r secret <&3
        stty echo <&3
        trap 'exit 130' INT TERM HUP
        printf '\n' >&2
    else
        printf '%s\n' "parameter ${1%=} has no value: name its file after the script, $3=FILE" >&2
        exit 2
    fi
}

# Takes a secret out of what a host printed: a command may echo its input. It is read, never passed along.
hide() {
    [ "${#1}" -ge 4 ] || return 0
    for file in "$answer.out" "$answer.err"; do
        {
            printf '%s\n' "$1" | sed 's/^/secret /'
            sed 's/^/line /' "$file"
        } | awk '
            function hidden(text,    at, made) {
                while (at = index(text, secret)) {
                    made = made substr(text, 1, at - 1) "***"
                    text = substr(text, at + length(secret))
                }
                return made text
            }
            sub(/^secret /, "") { secret = secret more $0; more = "\n"; lines++; next }
            { sub(/^line /, "") }
            lines == 1 { print hidden($0); next }
            { text = text $0 "\n" }
            END { printf "%s", hidden(text) }' >"$file.hidden"
        mv "$file.hidden" "$file"
    done
}
