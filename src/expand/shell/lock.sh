# Takes the maintenance lock of the cluster before the first change: on the first node of its set that answers
# before all others, so that of two that come at the same moment only one goes on.
take_lock() {
    describe_holder
    ask_seats look "$lock_nodes"
    if ! judge_seats; then
        rm "$work/lock/ours"
        return 1
    fi
    write_outwait
    steady_time
    sent=$now
    first='' rest=''
    for seat in $untaken $former; do
        if [ -z "$first" ]; then first=$seat; else rest="$rest $seat"; fi
    done
    take_seats "$first"
    case $(head -n 1 "$work/lock/reply.${first:-none}" 2>/dev/null) in
    theirs*) ;;
    *) take_seats "$rest" ;;
    esac
    count_replies "$first $rest"
    if [ "$taken" -lt "$needed" ] || { [ -n "$degraded" ] && [ -n "$theirs" ]; }; then
        refuse_lock
        free_lock
        return 1
    fi
    printf '%s\n' "$sent" >"$work/lock/confirmed"
    outwait
}

# What is written on the nodes: who this is, one fact a line.
describe_holder() {
    mkdir "$work/lock"
    degraded=''
    who=$(id -un)@$(uname -n)${SUDO_USER:+ (sudo by $SUDO_USER)}
    why=${QUORATE_REASON:-${QUORATE_TAKE_OVER:-${QUORATE_DEGRADED_LOCK-}}}
    lock_since=$(date -u '+%Y-%m-%d %H:%M:%SZ')
    lock_run=script-$(date -u '+%Y%m%dT%H%M%SZ')-$$
    {
        printf '%s\n' "run: $lock_run" 'kind: script' "owner: $who" "runbook: $lock_runbook"
        [ -z "$why" ] || printf 'reason: %s\n' "$(printf '%s' "$why" | tr '\000-\037\177' ' ')"
        printf '%s\n' "since: $lock_since" "lease: $lock_lease"
    } >"$work/lock/ours"
}

# How long those may be at work from whom the lock is taken is written down too, so that whoever comes after a take-over
# that was cut short waits for them as well.
write_outwait() {
    outwait=0
    for seat in $alive; do
        lease_of "$seat"
        if [ "$lease" -gt "$outwait" ]; then outwait=$lease; fi
    done
    [ "$outwait" -eq 0 ] || printf '%s\n' "outwait: $outwait" >>"$work/lock/ours"
}

# Has some nodes of the set do something at once; each one's reply is put into a file of its own.
ask_seats() {
    (
        for seat in $2; do
            ask_seat "$1" "$seat" &
        done
        wait_for_nodes
    )
}

ask_seat() {
    body=.lock.$2 as_root='' input='' limit=10 new_text=$(cat "$work/lock/ours") former_text=''
    case $1 in
    replace) former_text=$(cat "$work/lock/text.$2") ;;
    restore) former_text=$new_text new_text=$(cat "$work/lock/former.$2") ;;
    esac
    carry_out "$2" "sh -c $(quote "$(lock_program)") quorate $1 $(quote "$lock_file") $(quote "$new_text") $(quote "$former_text")"
    sed -n 's/^quorate-lock: //p' "$answer.out" >"$answer.said"
    case $outcome in
    unreachable) printf '%s\n' "failed could not be reached: $why" >"$answer.said" ;;
    unknown) printf '%s\n' "failed did not answer: $why" >"$answer.said" ;;
    *)
        [ -s "$answer.said" ] ||
            printf '%s\n' "failed it cannot keep a lock: $(tail -n 1 "$answer.err")" >"$answer.said"
        ;;
    esac
    tr -d '\r' <"$answer.said" | tr '\000-\010\013-\037\177' '?' >"$work/lock/reply.$2"
    sed -n 's/^| //p' "$answer.said" >"$work/lock/text.$2"
}

# Takes some nodes, also from those whom the lock is taken over from.
take_seats() {
    fresh='' replaced=''
    for seat in $1; do
        case " $former " in
        *" $seat "*) replaced="$replaced $seat" ;;
        *) fresh="$fresh $seat" ;;
        esac
    done
    for seat in $replaced; do cp "$work/lock/text.$seat" "$work/lock/former.$seat"; done
    [ -z "$fresh" ] || ask_seats take "$fresh"
    [ -z "$replaced" ] || ask_seats replace "$replaced"
}

# What the nodes have said, of those that were asked: leaves $taken, $still, $silent, $answered (numbers), $theirs and
# $untaken (nodes).
count_replies() {
    taken=0 still=0 silent=0 answered=0 theirs='' untaken=''
    for seat in $1; do
        IFS= read -r reply <"$work/lock/reply.$seat"
        case $reply in
        failed*) silent=$((silent + 1)) ;;
        *) answered=$((answered + 1)) ;;
        esac
        case $reply in
        ours) taken=$((taken + 1)) still=$((still + 1)) untaken="$untaken $seat" ;;
        made) taken=$((taken + 1)) ;;
        free) untaken="$untaken $seat" ;;
        theirs*) theirs="$theirs $seat" ;;
        esac
    done
}

# Whether what was seen lets the lock be taken: leaves $former, the nodes that it is taken over on, $untaken, and
# $needed, how many must be ours.
judge_seats() {
    count_replies "$lock_nodes"
    lock_size=0 former='' alive='' untaken_count=0
    for seat in $lock_nodes; do lock_size=$((lock_size + 1)); done
    for seat in $untaken; do untaken_count=$((untaken_count + 1)); done
    needed=$((lock_size / 2 + 1))
    for seat in $theirs; do
        # What was left on few nodes when it was given back stands in nobody's way.
        if [ "$answered" -ge "$needed" ] && [ "$untaken_count" -ge "$needed" ] && is_left "$seat"; then continue; fi
        former="$former $seat"
        age_on "$seat"
        if [ "$age" -le "$lease" ]; then alive="$alive $seat"; fi
    done
    if [ -n "$former" ] && [ -z "${QUORATE_TAKE_OVER-}" ]; then
        tell_holder "$former"
        return 1
    fi
    [ "$answered" -lt "$needed" ] || return 0
    if [ -z "${QUORATE_DEGRADED_LOCK-}" ]; then
        list_silent
        halt locked "the maintenance lock of $cluster cannot be taken: $answered of $lock_size nodes of its set answered, and $needed must$listed" \
            "where so much is broken that no majority will answer, \`QUORATE_DEGRADED_LOCK=\"why\"\` takes it on those that do; whoever sees only the others can then do the same, so find out first who else is at work"
        return 1
    fi
    degraded=yes needed=$answered
    printf 'degraded: %s\n' "$(printf '%s' "$QUORATE_DEGRADED_LOCK" | tr '\000-\037\177' ' ')" >>"$work/lock/ours"
    : >"$work/lock/degraded"
    [ "$answered" -gt 0 ] || : >"$work/lock/on_none"
}

# What a holder has written on a node, as $fact.
fact_of() {
    fact=$(sed -n "s/^$2: //p" "$work/lock/text.$1" | head -n 1 | tr '\000-\011\013-\037\177' ' ')
    [ -n "$fact" ] || fact=${3-'not said'}
}

# How long ago a node was renewed, and the lease of its holder or, if that is longer, of one from whom it was being
# taken over: leaves $age and $lease.
age_on() {
    IFS=' ' read -r _ age <"$work/lock/reply.$1"
    [ "$age" -ge 0 ] || age=0
    lease_of "$1"
}

lease_of() {
    fact_of "$1" lease 60
    case $fact in
    *[!0-9]*) lease=60 ;;
    *) lease=$fact ;;
    esac
    fact_of "$1" outwait 0
    case $fact in
    *[!0-9]*) ;;
    *) if [ "$fact" -gt "$lease" ]; then lease=$fact; fi ;;
    esac
}

is_left() {
    age_on "$1"
    fact_of "$1" degraded ''
    [ "$age" -gt "$lease" ] && [ -z "$fact" ]
}

# Of some nodes that are somebody's the holder of most: leaves $by, a node of it, with $count and $age.
find_holder() {
    by='' most=0 youngest=0
    for seat in $1; do
        text=$(cat "$work/lock/text.$seat")
        count=0 least=''
        for other in $1; do
            [ "$(cat "$work/lock/text.$other")" = "$text" ] || continue
            count=$((count + 1))
            age_on "$other"
            if [ -z "$least" ] || [ "$age" -lt "$least" ]; then least=$age; fi
        done
        if [ "$count" -gt "$most" ]; then by=$seat most=$count youngest=$least; fi
    done
    age_on "$by"
    count=$most age=$youngest
}

# Refuses: some nodes are somebody else's.
tell_holder() {
    find_holder "$1"
    in_words "$age"
    advice='wait until it has ended'
    if [ "$age" -gt "$lease" ]; then
        aged="not renewed for $words: whatever held it has probably died"
        advice='look on the nodes what it has left behind'
    else
        aged="renewed $words ago"
    fi
    in_words "$lease"
    fact_of "$by" owner
    told="$cluster is locked for maintenance by $fact"
    fact_of "$by" runbook
    told="$told$newline  runbook:  $fact"
    fact_of "$by" run
    told="$told$newline  run:      $fact"
    run=$fact
    fact_of "$by" reason 'none given'
    told="$told$newline  reason:   $fact"
    fact_of "$by" since
    told="$told$newline  since:    $fact$newline  lease:    $words, $aged$newline  held on:  $count of $lock_size nodes of its set"
    fact_of "$by" degraded ''
    [ -z "$fact" ] || told="$told$newline  degraded: $fact"
    fact_of "$by" kind
    case $fact in
    run)
        # One that was handed over says where it goes on after its name, in which there is no blank.
        place=${run#"${run%% *}"}
        advice="$advice; if it is your own run, go on with it$place:$newline  quorate resume ${run%% *}${newline}or"
        ;;
    *) advice="$advice; or" ;;
    esac
    halt locked "$told" "$advice take the lock away from it: QUORATE_TAKE_OVER=\"why\""
}

# Why it could not be taken although nothing seemed to be in the way.
refuse_lock() {
    if [ -n "$theirs" ] && [ -z "${QUORATE_TAKE_OVER-}" ]; then
        tell_holder "$theirs"
        return
    fi
    list_silent
    halt locked "the maintenance lock of $cluster could not be taken over: $taken of $lock_size nodes of its set are ours, and $needed must be$listed" \
        'what was taken is given back; the file of another account can only be replaced by that account or by root'
}

# The nodes that did not answer, each with why: leaves $listed.
list_silent() {
    listed=''
    for seat in $lock_nodes; do
        IFS= read -r reply <"$work/lock/reply.$seat"
        case $reply in
        failed*) listed="$listed$newline  $seat: ${reply#failed }" ;;
        esac
    done
}

# Waits until those whom the lock was taken from have surely noticed: until a lease has passed in which they could
# not renew it.
outwait() {
    longest=0
    for seat in $alive; do
        cp "$work/lock/former.$seat" "$work/lock/text.$seat"
        lease_of "$seat"
        if [ "$lease" -gt "$longest" ]; then longest=$lease by=$seat; fi
    done
    if [ "$longest" -gt 0 ]; then
        longest=$((longest + 1))
        fact_of "$by" owner
        in_words "$longest"
        say "the maintenance lock is taken over from $fact, which may not have noticed yet: nothing is begun for $words" >&2
        steady_time
        until_then=$((now + longest))
        while [ "$now" -lt "$until_then" ]; do
            sleep 1
            if begins_nothing_more; then
                free_lock
                return 1
            fi
            # It is renewed where it has grown old.
            confirm_lock || return 1
            steady_time
        done
    fi
    rm -f "$work"/lock/former.*
    : >"$work/lock/held"
}

# Keeps the lock while the part of this script lives that does what is to be done.
keep_lock() {
    while sleep "$lock_pause"; do
        [ -d "$work" ] || return 0
        kill -0 "$runner" || return 0
        if [ -e "$work/lock/held" ]; then renew_lock; fi
    done
}

# Before each change: whether the lock is still held. A renewal that is younger than the lease is enough.
confirm_lock() {
    steady_time
    give_up=$((now + lock_lease))
    until is_confirmed; do
        renew_lock
        if is_confirmed; then break; fi
        steady_time
        if [ "$now" -ge "$give_up" ] && [ ! -e "$work/lock/lost" ]; then
            in_words "$lock_lease"
            printf '%s\n' "for $words it could not be renewed on a majority, $(cat "$work/lock/answered") of $lock_size nodes of its set answered last" >"$work/lock/lost"
        fi
        if [ -e "$work/lock/lost" ]; then break; fi
        sleep 1
    done
    [ -e "$work/lock/lost" ] || return 0
    halt locked "the maintenance lock of $cluster was lost, so nothing more is begun: $(cat "$work/lock/lost")" \
        'what was in flight was finished; find out who holds the cluster now before anything else is done'
}

# Whether the last renewal is younger than the lease, counted from when it was sent.
is_confirmed() {
    unless_broken_off
    [ ! -e "$work/lock/lost" ] && [ -e "$work/lock/confirmed" ] || return 1
    steady_time
    [ "$((now - $(cat "$work/lock/confirmed")))" -lt "$lock_lease" ]
}

# Renews the lock, and finds out whether it is lost. One at a time.
renew_lock() {
    enter_alone renewing
    (renew_once)
    leave_alone renewing
}

renew_once() {
    steady_time
    asked_at=$now
    ask_seats renew "$lock_nodes"
    count_replies "$lock_nodes"
    printf '%s\n' "$answered" >"$work/lock/answered"
    needed=$((lock_size / 2 + 1))
    lost_how=''
    if [ -e "$work/lock/degraded" ]; then
        if [ -n "$theirs" ]; then
            describe_taker
        elif [ "$still" -gt 0 ] || [ -e "$work/lock/on_none" ]; then
            confirm_renewal
        fi
    elif [ "$still" -ge "$needed" ]; then
        confirm_renewal
    elif [ "$((still + silent))" -lt "$needed" ]; then
        if [ -n "$theirs" ]; then
            describe_taker
        else
            lost_how="it is gone from $((lock_size - still - silent)) of $lock_size nodes of its set, so somebody may have had it meanwhile"
        fi
    elif [ -z "$theirs" ] && [ -n "${QUORATE_DEGRADED_LOCK-}" ] && [ "$still" -gt 0 ]; then
        : >"$work/lock/degraded"
        confirm_renewal
    fi
    [ -n "$lost_how" ] || return 0
    printf '%s\n' "$lost_how" >"$work/lock/lost"
    # What was missing has just been made anew.
    free_seats
}

confirm_renewal() {
    printf '%s\n' "$asked_at" >"$work/lock/sent"
    mv "$work/lock/sent" "$work/lock/confirmed"
}

# Who has the lock now: leaves $lost_how.
describe_taker() {
    find_holder "$theirs"
    fact_of "$by" owner
    lost_how="$fact has it for"
    fact_of "$by" runbook
    lost_how="$lost_how $fact"
    fact_of "$by" run
    lost_how="$lost_how (run $fact)"
    fact_of "$by" since
    lost_how="$lost_how since $fact"
    fact_of "$by" reason ''
    [ -z "$fact" ] || lost_how="$lost_how, because: $fact"
}

# Gives the lock back, wherever it is ours.
free_lock() {
    [ -e "$work/lock/ours" ] || return 0
    rm -f "$work/lock/held" "$work/lock/confirmed"
    free_seats
}

# A take-over that has not come to its end is undone: whoever had the lock may not have noticed and still be at work,
# and so has it again.
free_seats() {
    owed='' taken_over=''
    for seat in $lock_nodes; do
        if [ -e "$work/lock/former.$seat" ]; then taken_over="$taken_over $seat"; else owed="$owed $seat"; fi
    done
    [ -z "$owed" ] || ask_seats free "$owed"
    [ -z "$taken_over" ] || ask_seats restore "$taken_over"
}

# Ends the work folder at one blow, so that nobody finds half of it, and gives the lock back. A renewal that is on
# its way must not make it anew.
end_work() {
    [ -n "$work" ] || return 0
    trap '' INT TERM HUP
    turns=0
    while [ -d "$work" ] && ! mkdir "$work/renewing" 2>/dev/null; do
        turns=$((turns + 1))
        if [ "$turns" -gt 15 ]; then break; fi
        sleep 1
    done
    if [ -n "${keeper-}" ]; then
        # A shell would tell of it.
        {
            kill -KILL "$keeper"
            wait "$keeper"
        } 2>/dev/null
    fi
    if [ -d "$work" ]; then mv "$work" "$work.ended"; else turns=16; fi
    work=$work.ended
    free_lock
    if [ "$turns" -gt 15 ] && [ -d "$work/renewing" ]; then
        sleep 1
        free_lock
    fi
    rm -rf "$work"
    work=''
}

# Seconds that go by even while this machine sleeps.
steady_time() {
    if [ -r /proc/uptime ]; then
        IFS=. read -r now _ </proc/uptime
    else
        now
    fi
}
