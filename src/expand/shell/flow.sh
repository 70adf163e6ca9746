# Something went wrong: failed, refused, unreachable, unknown, declined, parked or interrupted.
halt() {
    kind=$1 trouble=$2 help=${3-} trouble_node=$node
    [ -z "$local" ] || trouble_node=''
    return 1
}

# The script's own words for an end: `fail` and `skip`.
fail() {
    halt failed "$1"
}

skip() {
    say "  $node is skipped: $1"
    kind=skipped
    return 1
}

# How bad a kind of trouble is; the worst one decides.
rank() {
    case $1 in
    parked) rank=1 ;;
    declined) rank=2 ;;
    refused) rank=3 ;;
    failed) rank=4 ;;
    locked) rank=5 ;; # with the lock
    interrupted) rank=6 ;;
    unreachable) rank=7 ;;
    unknown) rank=8 ;;
    *) rank=0 ;;
    esac
}

# Whether nothing has gone wrong here.
is_well() {
    [ -z "$kind" ]
}

# `within`: whether there is time left for another act.
time_is_left() {
    [ -n "$deadline" ] || return 0
    now
    [ "$now" -lt "$deadline" ] ||
        halt failed "the time of \`within\` is over, so nothing more is begun"
}

# Seconds since 1970.
now() {
    now=$(date +%s)
}

begin_within() {
    deadlines="$deadline;$deadlines"
    now
    if [ -z "$deadline" ] || [ "$((now + $1))" -lt "$deadline" ]; then
        deadline=$((now + $1))
    fi
}

end_within() {
    deadline=${deadlines%%;*}
    deadlines=${deadlines#*;}
    return "$1"
}

# A block that owns what its `undo` and `finally` say: they are put on a stack, newest first.
begin_scope() {
    cleanups="| $cleanups"
}

# What is to be run at its end.
owe() {
    cleanups="$1 $cleanups"
}

# At its end they run: `finally` always, `undo` when it went wrong.
end_scope() {
    while :; do
        cleanup=${cleanups%% *}
        cleanups=${cleanups#* }
        [ "$cleanup" != '|' ] || break
        clean_up "$cleanup"
    done
    is_well
}

# Runs one function of the stack. One that fails is told, and the older ones still run.
clean_up() {
    first_kind=$kind first_trouble=$trouble first_help=$help first_node=$trouble_node
    case $kind in
    parked) return 0 ;;
    '' | skipped)
        case $1 in
        undo_*) return 0 ;;
        esac
        ;;
    esac
    case $1 in
    undo_*)
        may_undo "$1" || return 0
        say "  undo: $trouble"
        ;;
    *) say '  finally:' ;;
    esac
    first="$first_kind;$deadline;$cleaning"
    firsts="$first_trouble$separator$first_help$separator$first_node$separator$firsts"
    first_kinds="$first $first_kinds"
    kind='' deadline='' cleaning=yes
    begin_scope
    run_cleanup "$1"
    end_scope
    first=${first_kinds%% *}
    first_kinds=${first_kinds#* }
    first_kind=${first%%;*}
    first=${first#*;}
    deadline=${first%%;*} cleaning=${first#*;}
    first_trouble=${firsts%%"$separator"*} firsts=${firsts#*"$separator"}
    first_help=${firsts%%"$separator"*} firsts=${firsts#*"$separator"}
    first_node=${firsts%%"$separator"*} firsts=${firsts#*"$separator"}
    case $kind in
    '' | skipped) kind=$first_kind trouble=$first_trouble help=$first_help trouble_node=$first_node ;;
    *)
        say "  ${1%%_*} failed itself: $trouble"
        rank "$kind"
        own=$rank
        rank "$first_kind"
        if [ "$rank" -ge "$own" ]; then
            kind=$first_kind trouble=$first_trouble help=$first_help trouble_node=$first_node
        fi
        ;;
    esac
}

# With a person present an undo is offered, not fired.
may_undo() {
    name=${1#undo_} outer=$local
    case $1 in
    *_locally) local=@ ;;
    esac
    ask "confirm" "undo-${name%%_*}" "$trouble. Take back what this block did?"
    local=$outer
    case $reply in
    yes | nobody) return 0 ;;
    esac
    return 1
}

# `try` and `retry` catch what failed, a refusal and a node that does not answer.
catches_failure() {
    case $kind in
    failed | refused | unreachable)
        say "  caught by $1: $trouble"
        kind=''
        return 0
        ;;
    esac
    return 1
}

# `retry`: so many times, with a pause.
begin_retry() {
    retries="1;$1;$2 $retries"
}

# After an attempt: whether there is another.
tries_again() {
    is_well && return 1
    retry=${retries%% *}
    attempt=${retry%%;*}
    pause=${retry##*;}
    times=${retry#*;}
    times=${times%;*}
    [ "$attempt" -lt "$times" ] || return 1
    if [ -n "$deadline" ]; then
        now
        [ "$((now + pause))" -lt "$deadline" ] || return 1
    fi
    catches_failure "retry $attempt of $times" || return 1
    retries="$((attempt + 1));$times;$pause ${retries#* }"
    if [ "$pause" -gt 0 ]; then sleep "$pause"; fi
    begins_nothing_more && return 1
    return 0
}

end_retry() {
    retries=${retries#* }
    is_well
}

# After a signal nothing more is begun outside of the nodes in hand, but for what is owed.
begins_nothing_more() {
    [ -e "$work/stopping" ] && [ -z "$node$cleaning" ] || return 1
    halt interrupted 'interrupted: nothing more is begun'
    return 0
}

# The same before each statement that stands outside of any node.
goes_on() {
    if begins_nothing_more; then return 1; fi
    return 0
}
