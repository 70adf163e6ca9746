# Makes the work folder, where tokens, answers and the awk program lie, and begins.
start() {
    newline='
'
    separator=$(printf '\001')
    work=${TMPDIR:-/tmp}/quorate.$$
    umask 077
    if ! mkdir "$work"; then
        printf '%s\n' "no work folder can be made in ${TMPDIR:-/tmp}; let TMPDIR name another place" >&2
        exit 2
    fi
    mkdir "$work/tokens" "$work/replaced" "$work/runs"
    trap 'rm -rf "$work"' EXIT
    # The first signal lets the nodes in hand be finished, and what is owed by `undo` and `finally` be done;
    # a second one breaks off.
    trap 'if [ -e "$work/stopping" ]; then
            printf "%s\n" "broken off; what was in flight is unknown" >&2
            exit 6
        fi
        : >"$work/stopping"
        printf "%s\n" "stopping after what is in hand; once more breaks it off and leaves it unknown" >&2' INT TERM HUP
    exec 3<&0 </dev/null
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

# Says how it ended, and ends with the exit code for it.
finish() {
    case $kind in
    '' | skipped) say 'done' && exit 0 ;;
    failed) code=1 ended='failed' ;;
    refused) code=4 ended='refused by a guard' ;;
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
    QUORATE_VALUE=$2
    export QUORATE_VALUE
    if ! evaluate "$3"; then
        printf '%s\n' "parameter ${5%=}: $trouble" >&2
        exit 2
    fi
    bind "$1" "$value"
    if [ -n "$4" ]; then words "$1" "$1"; fi
}

# Prints a secret: its name with `=`, and the file that holds it; else it is asked for, and not shown.
read_secret() {
    if [ -n "$2" ]; then
        if ! cat "$2"; then
            printf '%s\n' "parameter ${1%=}: its file $2 cannot be read" >&2
            exit 2
        fi
    elif [ -t 3 ]; then
        printf '%s (secret): ' "${1%=}" >&2
        stty -echo <&3
        IFS= read -r secret <&3
        stty echo <&3
        printf '\n' >&2
        printf '%s' "$secret"
    else
        printf '%s\n' "parameter ${1%=} has no value: name its file after the script, ${1%=}_file=FILE" >&2
        exit 2
    fi
}

# Takes a secret out of what a host printed: a command may echo its input. It is read, never passed along.
hide() {
    [ "${#1}" -ge 4 ] || return 0
    for file in "$answer.out" "$answer.err"; do
        {
            printf '%s\n' "$1"
            cat "$file"
        } | awk 'NR == 1 { secret = $0; next }
            { done_part = ""
              while (at = index($0, secret)) { done_part = done_part substr($0, 1, at - 1) "***"; $0 = substr($0, at + length(secret)) }
              print done_part $0 }' >"$file.hidden"
        mv "$file.hidden" "$file"
    done
}
