# Evaluates expression number N of the awk program. What it has to know first is asked, until nothing is
# missing: facts are measured anew for each call, and once within it. Leaves $value.
evaluate() {
    unless_broken_off
    look=$work/look$body
    rm -rf "$look"
    mkdir "$look"
    evaluate_again "$1"
}

# The same with the answers that are there already.
evaluate_again() {
    list_tokens
    while :; do
        value=$(QUORATE_QUESTION=$1 QUORATE_WORK=$work QUORATE_LOOK=$look QUORATE_PLACE=${local:-$node} \
            QUORATE_TOKENS=$tokens QUORATE_BODY=$body awk -f "$work/evaluate.awk")
        evaluated=$?
        [ "$evaluated" = 10 ] || break
        answer_all
    done
    case $evaluated$value in
    0*) return 0 ;;
    11!u*) halt unreachable "${value#??}" ;;
    11*) halt failed "${value#??}" ;;
    *) halt failed "expression $1 cannot be evaluated: awk ended with status $evaluated" ;;
    esac
}

# Has everything answered that an evaluation asked for and that is not answered yet, several at once.
answer_all() {
    number=1 running=0
    while [ -e "$look/$number.ask" ]; do
        if [ ! -e "$look/$number.status" ]; then
            (answer_one "$look/$number") &
            running=$((running + 1))
            if [ "$running" -ge "$fan_out" ]; then
                wait_for_nodes
                running=0
            fi
        fi
        number=$((number + 1))
    done
    wait_for_nodes
}

# Answers one: a file with the place, the limit and the command.
answer_one() {
    {
        IFS= read -r asked_place
        IFS= read -r limit
        IFS= read -r asked
        while IFS= read -r line || [ -n "$line" ]; do
            asked="$asked$newline$line"
        done
    } <"$1.ask"
    body=$body,${1##*/}
    probe "$asked_place" "$asked"
    mv "$answer.out" "$1.out"
    mv "$answer.err" "$1.err"
    case $outcome in
    unreachable | unknown) printf 'silent %s\n' "$why" ;;
    *) printf '%s\n' "$outcome" ;;
    esac >"$1.status"
}

# Carries out a command that only looks.
probe() {
    limit=${limit:-30} input=''
    carry_out "$1" "$2"
    hide_secrets
    end_settings
}

# Takes the first line off $value, and leaves it in $line.
take_line() {
    line=${value%%"$newline"*}
    value=${value#"$line"}
    value=${value#"$newline"}
}

# Gives a name its value: `value_NAME`, as the awk program takes it.
bind() {
    may_be_passed "$2" || return 1
    eval "value_$1=\$2"
    export "value_$1"
}

# Gives the next question the value that it is about.
ask_about() {
    may_be_passed "$1" || return 1
    QUORATE_VALUE=$1
    export QUORATE_VALUE
}

# The system takes no word of more than 128 KiB along to a program; with one, nothing could be begun any more.
may_be_passed() {
    [ "${#1}" -lt 131000 ] || halt failed "a value of ${#1} bytes is more than a shell script can work with (131000)" \
        "shorten it with filters where it is read, or use \`quorate run\`"
}

# Gives the node in hand a name of its own.
name_node() {
    eval "$1=\$node"
    bind "$1" "n$node"
}

# A value as words of a command, each quoted: leaves them in the variable NAME. What is not known is an error.
words() {
    eval "value=\$value_$1"
    case $value in
    [tpnSiv]*[!%+,./:=@_^0-9A-Za-z-]* | [tpSi] | [!tpnSiv]*)
        QUORATE_NAME=$2
        export QUORATE_NAME
        ask_about "$value" && evaluate words || return 1
        ;;
    *) value=${value#?} ;;
    esac
    eval "$1=\$value"
}

# Keeps what the last command printed, as a value.
keep_output() {
    ask_about "$answer.out" && evaluate output || return 1
    last=$value
}

# Judges a guard or a condition: leaves $truth (y, n or u), $steady and $reason.
judge() {
    evaluate "$1" || return 1
    take_line
    truth=$line
    take_line
    steady=$line reason=$value
}

# `require`: N, the guard in the script's words, its name, and what the script says else (text, and whether
# it stands for the reason).
require() {
    judge "$1" || return 1
    case $truth in
    y) return 0 ;;
    n) message="\`$2\` does not hold: $reason" ;;
    *) message="\`$2\` cannot be measured, so it does not hold: $reason" ;;
    esac
    required=$3 required_reason=$reason
    if [ -n "${4-}" ]; then
        text_of "$4" || return 1
        if [ "$required" = condition ]; then
            message="$text ($required_reason)"
        else
            message="$text: $message"
        fi
    fi
    refuse "$required" "$message"
}

# A text for people: its number, or the text itself after a colon. Leaves $text.
text_of() {
    case $1 in
    :*) text=${1#:} ;;
    *)
        evaluate "$1" || return 1
        text=$value
        ;;
    esac
}

# Refuses, unless that is overridden.
refuse() {
    override=''
    if override_of "$1"; then
        say "  overridden: $2 (why: $override)"
        return 0
    fi
    halt refused "$2" "${3-}"
}

# `if`: leaves $truth, yes or no; what cannot be measured is a failure.
decide() {
    evaluate "$1" || return 1
    case $value in
    byes) truth=yes ;;
    bno) truth=no ;;
    *)
        value=${value#?}
        halt failed "\`if $2\` cannot be measured: $value"
        ;;
    esac
}

# Waits until a guard holds: its number, its words, the limit, how long it must hold, how often it is asked
# (all in seconds). Ends with 2 when the time is over.
wait_until() {
    now
    began=$now
    wait_end=$((began + $3))
    if [ -n "$deadline" ] && [ "$deadline" -lt "$wait_end" ]; then wait_end=$deadline; fi
    since='' was_steady='' blind_since='' said_before='' said_at=0
    while :; do
        judge "$1" || return 1
        now
        held=''
        if [ "$truth" = y ]; then
            if [ "$steady" != "$was_steady" ]; then
                was_steady=$steady since=''
            fi
            since=${since:-$now}
            held=$((now - since))
            if [ "$held" -ge "$4" ]; then return 0; fi
            in_words "$held"
            reason="holds for $words"
            in_words "$4"
            reason="$reason of $words"
        else
            since=''
        fi
        if [ "$truth" = u ]; then blind_since=${blind_since:-$now}; else blind_since=''; fi
        blind=''
        if [ -n "$blind_since" ] && [ "$((now - blind_since))" -ge 900 ]; then blind=yes; fi
        if [ "$now" -ge "$wait_end" ] || [ -n "$blind" ]; then
            in_words "$((now - began))"
            if [ -n "$blind" ]; then
                halt failed "waited $words for \`$2\`, which cannot be measured: $reason"
            else
                halt failed "waited $words for \`$2\`, and it did not come: $reason"
            fi
            return 2
        fi
        if [ "$reason" != "$said_before" ] || [ "$((now - said_at))" -ge 60 ]; then
            say "  ${node:+$node: }waiting for $2: $reason"
            said_before=$reason said_at=$now
        fi
        goes_on || return 1
        pause=$5
        if [ "$pause" -eq 0 ]; then pause=1; fi
        if [ -n "$held" ] && [ "$(($4 - held))" -lt "$pause" ]; then pause=$(($4 - held)); fi
        if [ "$((wait_end - now))" -lt "$pause" ]; then pause=$((wait_end - now)); fi
        sleep "$pause"
    done
}

# Whether a wait ended, with this status, because its time was over; then what stands after its `else` is done.
wait_ran_out() {
    [ "$1" = 2 ] || return 1
    say "  $trouble"
    kind=''
}
