# Carries a command out on a node and judges how it ended: `ssh NODE [sudo] [--] COMMAND`. `sudo` says what
# $as_root decides; after `--` come values as they are now.
ssh() {
    place=$1
    while [ "$#" -gt 1 ]; do shift; done
    act "$place" "$1"
}

# The same on this machine.
locally() {
    act @ "$1"
}

# What `ssh` and `locally` do. Settings for one command, made just before it: limit (seconds), ok (good
# statuses), expect (a pattern for the output), input, looks (it changes nothing), may_disconnect.
act() {
    if [ -z "$looks" ] && ! time_is_left; then
        end_settings
        return 1
    fi
    if [ -z "$looks" ] && ! confirm_lock; then end_settings && return 1; fi # with the lock
    if [ -n "$looks" ]; then limit=${limit:-30}; else limit=${limit:-$act_limit}; fi
    carry_out "$1" "$2"
    show_output "$1" "$2"
    judge_outcome "$1" "$2"
    judged=$?
    [ -n "$acting_for" ] || forget_services
    end_settings
    return "$judged"
}

# The usual settings for the next command.
end_settings() {
    limit='' ok=0 expect='' expect_words='' input='' looks='' may_disconnect='' acting_for=''
}

# Carries COMMAND out on PLACE (@: this machine), $limit seconds at the longest. Leaves $outcome: its
# status, `unreachable` (it surely did not run) or `unknown` (nobody can tell), with $why.
carry_out() {
    unless_broken_off
    answer=$work/answer$body
    : >"$answer.log"
    late=''
    command=$2
    if is_here "$1"; then
        if [ -n "$as_root" ] && [ "$(id -u)" != 0 ]; then command="sudo -n sh -c $(quote "$2")"; fi
        started=$(date +%s)
        send_input | timeout -k 1 "$limit" sh -c "$command" >"$answer.out" 2>"$answer.err"
        outcome=$?
        # A command may end with these statuses by itself, but then it has not taken all of its time.
        case $outcome in
        124 | 137) if [ "$(($(date +%s) - started))" -ge "$limit" ]; then too_late; fi ;;
        esac
        return 0
    fi
    if [ -n "$as_root" ]; then command="sudo -n sh -c $(quote "$2")"; fi
    send_input | log_in "$1" "$command" >"$answer.out" 2>"$answer.err"
    outcome=$?
    case $outcome in
    124 | 137 | 255) ;;
    *) return 0 ;;
    esac
    # The client's own words tell a status of 255 from a connection that failed, and how far it came.
    if grep -q -e "Exit status $outcome" -e exit-signal "$answer.log"; then
        return 0
    fi
    if [ "$outcome" != 255 ]; then
        too_late
    else
        outcome=unknown
        why=$(grep -v -e '^debug1: ' -e '^OpenSSH_' -e '^Authenticated to ' -e '^Transferred: ' -e '^Bytes per ' -e '^Warning: ' "$answer.log" | tail -n 1)
        # Some versions say it among the errors of the command.
        [ -n "$why" ] || why=$(tail -n 1 "$answer.err" | tr -d '\r')
        [ -n "$why" ] || why='the connection was lost'
    fi
    grep -q 'Authenticated to ' "$answer.log" || outcome=unreachable
}

# Whether a place is this machine.
is_here() {
    case " @ $local_nodes " in
    *" $1 "*) return 0 ;;
    esac
    return 1
}

# The client, with the words that stand for a node: its options, its address and the command. A connection that
# others share would not say how far it came.
client() {
    timeout -k 1 "$limit" ssh -v -T -E "$answer.log" -o BatchMode=yes -o ControlPath=none \
        -o ConnectTimeout="$connect_limit" -o ServerAliveInterval="$alive_interval" "$@"
}

# A command did not end in time.
too_late() {
    outcome=unknown late=yes
    in_words "$limit"
    why="it took longer than $words"
}

# What the next command reads.
send_input() {
    [ -z "$input" ] || printf '%s' "$input"
}

# Says what COMMAND printed on PLACE; control characters of hosts are not passed on.
show_output() {
    unless_broken_off
    hide_secrets
    if [ "$1" = @ ]; then say "this machine: $2"; else say "$1: $2"; fi
    if [ -s "$answer.out" ] || [ -s "$answer.err" ]; then
        cat "$answer.out" "$answer.err" | tr '\000-\010\013-\037\177' '?' | awk '{ print "    " $0 }'
    fi
}

# Whether the command ended as it ought to.
judge_outcome() {
    place=$1
    [ "$place" != @ ] || place='this machine'
    case $outcome in
    unreachable)
        halt unreachable "\`$2\` was not started: $place could not be reached: $why"
        return 1
        ;;
    unknown)
        if [ -n "$may_disconnect" ] && [ -z "$late" ]; then
            return 0
        fi
        if [ -n "$looks" ]; then
            halt failed "$place did not answer \`$2\`: $why"
        else
            halt unknown "\`$2\` may or may not have happened on $place: $why" \
                "look on $place whether it has, before anything else is done"
        fi
        return 1
        ;;
    esac
    case " $ok " in
    *" $outcome "*) ;;
    *)
        last_words
        halt failed "\`$2\` ended with status $outcome$said"
        return 1
        ;;
    esac
    if [ -n "$expect" ] && ! PATTERN=$expect awk 'BEGIN { RS = "\001" } { text = text $0 } END { exit text !~ ENVIRON["PATTERN"] }' "$answer.out"; then
        halt failed "the output of \`$2\` does not match /$expect_words/"
        return 1
    fi
    return 0
}

# The last line of what a command complained of, or else printed; with a colon before it.
last_words() {
    said=$(sed '/[^[:space:]]/!d; s/[[:space:]]*$//' "$answer.err" | tail -n 1)
    [ -n "$said" ] || said=$(sed '/[^[:space:]]/!d; s/[[:space:]]*$//' "$answer.out" | tail -n 1)
    said=${said:+: $said}
}

# `done when`: what settles an outcome that is unknown.
settle() {
    [ "$kind" = unknown ] || return 1
    unsettled=$trouble unsettled_help=$help
    kind=''
    judge "$1" || return 1
    if [ "$truth" = y ]; then
        say "  caught: $unsettled (\`done when\`: it is done)"
        return 0
    fi
    halt unknown "$unsettled" "$unsettled_help"
}

# Seconds as people write them: 1h30m.
in_words() {
    words=''
    left=$1
    if [ "$left" -ge 86400 ]; then words="$((left / 86400))d" left=$((left % 86400)); fi
    if [ "$left" -ge 3600 ]; then words="$words$((left / 3600))h" left=$((left % 3600)); fi
    if [ "$left" -ge 60 ]; then words="$words$((left / 60))m" left=$((left % 60)); fi
    if [ "$left" -gt 0 ] || [ -z "$words" ]; then words="$words${left}s"; fi
}

# One line for whoever reads along.
say() {
    printf '%s\n' "$*"
}

# A text as one word of a shell: as it is where that is safe, else between quotes.
quote() {
    case $1 in
    *[!%+,./:=@_^0-9A-Za-z-]* | '') ;;
    *)
        printf '%s' "$1"
        return 0
        ;;
    esac
    rest=$1 quoted=''
    while :; do
        case $rest in
        *\'*)
            quoted="$quoted${rest%%\'*}'\\''"
            rest=${rest#*\'}
            ;;
        *) break ;;
        esac
    done
    printf "'%s'" "$quoted$rest"
}
