# Begins a statement about services: those that are still to be seen to.
services() {
    instance=''
    due=" $* "
}

# Whether a service is still to be seen to in this statement; the next command is then its own.
is_due() {
    case $due in
    *" $1 "*) acting_for=$1 ;;
    *) return 1 ;;
    esac
}

# Passes a service over in this statement, and says why.
pass_over() {
    due="${due%%" $1 "*} ${due#*" $1 "}"
    about_service "$1"
    say "  $node: $name is passed over: $2"
}

# A service acts on the nodes of its group only.
only_in() {
    is_due "$1" || return 0
    acting_for=''
    group_of "$2"
    case " $nodes " in
    *" $node "*) ;;
    *) pass_over "$1" "$node is not in $2" ;;
    esac
}

# A service that may be absent: 0 is there, 1 is not.
if_installed() {
    is_due "$1" || return 0
    probe "$node" "$2"
    case $outcome in
    0) ;;
    1) pass_over "$1" 'it is not installed here' ;;
    unreachable | unknown)
        about_service "$1"
        halt unreachable "cannot tell whether $name is installed: $why"
        ;;
    *)
        about_service "$1"
        halt failed "cannot tell whether $name is installed: status $outcome $(cat "$answer.err")"
        ;;
    esac
}

# The state of a service by its own status command, one for each instance: leaves $state, which is running,
# stopped, or empty when it is not known. Linux Standard Base: 0 runs, 1 to 3 stopped.
state_of() {
    asked_for=$1
    shift
    state=none
    for status_command in "$@"; do
        probe "$node" "$status_command"
        case $outcome in
        0) one_state=running ;;
        1 | 2 | 3) one_state=stopped ;;
        unreachable | unknown)
            halt unreachable "$node did not answer: $why"
            return 1
            ;;
        *) one_state='' ;;
        esac
        case $state in
        none | "$one_state") state=$one_state ;;
        *) state='' ;;
        esac
    done
    if [ -n "$state" ]; then remember_state "$asked_for" "$state"; fi
}

# What each service on each node was last known to be doing; forgotten with each `on`, person and raw command.
remember_state() {
    [ -z "$instance" ] || return 0
    printf '%s\n' "$2" >"$work/runs/$1@$node"
}

forget_services() {
    for file in "$work"/runs/*; do
        [ ! -e "$file" ] || rm -f "$file"
    done
}

# `stop` passes over what is stopped already.
unless_stopped() {
    is_due "$1" || return 0
    state_of "$@" || return 1
    if [ "$state" = stopped ]; then pass_over "$1" 'it is stopped already'; fi
}

# `start` passes over what runs; it is asked all the same where this run has it out.
unless_running() {
    starting=''
    state_of "$@" || return 1
    if [ "$state" = running ]; then
        pass_over "$1" 'it runs already'
        is_back "$1"
        has_token "$1" && starting=again
    else
        starting=yes
    fi
    return 0
}

# Whether a service is to be started by its command.
begins() {
    [ "$starting" = yes ] || return 1
    acting_for=$1
}

# `status` of a service.
tell_state() {
    is_due "$1" || return 0
    state_of "$@" || return 1
    about_service "$1"
    say "  $node: $name: ${state:-unknown}"
}

# Whether a service is about to leave: due, and not out of an enclosing `losing` already.
is_leaving() {
    case $due in
    *" $1 "*) ;;
    *) return 1 ;;
    esac
    case " $losing " in
    *" $1@$node "*) return 1 ;;
    esac
}

# Guard and act are one critical section of the whole cluster, wherever a guard is asked at all.
enter_section() {
    [ -z "$outage" ] || return 0
    for service in "$@"; do
        case $due in
        *" $service "*)
            enter_alone section
            in_section=yes
            return 0
            ;;
        esac
    done
}

# Leaves it, however the act ended.
end_section() {
    if [ -n "$in_section" ]; then
        leave_alone section
        in_section=''
    fi
    acting_for=''
    return "$1"
}

# Takes the node out of services: asks their budgets, guards and dependents first, all of them, then takes
# their tokens. None goes if one refuses.
take_away() {
    time_is_left || return 1
    together=' ' held=''
    for service in "$@"; do
        case $due in
        *" $service "*) together="$together$service " ;;
        esac
        if has_token "$service"; then held="$held $service "; fi
    done
    for service in "$@"; do
        if is_leaving "$service"; then may_go "$service" || return 1; fi
    done
    for service in "$@"; do
        if is_leaving "$service"; then take_token "$service"; fi
    done
    return 0
}

# A token is a file: the service's key, the node, the body that holds it, the fact that speaks of it, and
# whether its going was noticed.
take_token() {
    about_service "$1"
    [ -n "$budget" ] || return 0
    noticed=no
    if [ -e "$work/tokens/$key@$node" ]; then
        read -r _ _ _ _ noticed <"$work/tokens/$key@$node"
    else
        rm -f "$work/replaced/$key@$node"
    fi
    write_token "$body" "$fact" "$noticed"
}

# Writes the token beside its place and moves it there: others may be reading it.
write_token() {
    printf '%s\n' "$key $node $1 $2 $3" >"$work/token.$key@$node"
    mv "$work/token.$key@$node" "$work/tokens/$key@$node"
}

has_token() {
    about_service "$1"
    [ -e "$work/tokens/$key@$node" ]
}

return_token() {
    about_service "$1"
    rm -f "$work/tokens/$key@$node"
}

# All tokens, one a line: leaves $tokens.
list_tokens() {
    tokens=''
    for file in "$work"/tokens/*; do
        if [ -e "$file" ] && read -r line <"$file"; then tokens="$tokens$line$newline"; fi
    done
    for file in "$work"/replaced/*; do
        if [ -e "$file" ] && read -r line <"$file"; then tokens="$tokens$line$newline"; fi
    done
}

# Whether a token of a service is free for $node; if not, refuses with the sum. N is the number of its
# question; UNTIL that of the guard which gives tokens back, if there is one.
may_lose() {
    evaluate "$2" || return 1
    if [ "$value" = yes ]; then return 0; fi
    if [ -n "${3-}" ]; then
        give_back "$1" "$2" "$3" || return 1
        if [ "$value" = yes ]; then return 0; fi
    fi
    take_line
    loss_help=$line
    about_service "$1"
    refuse "may-lose:$name" "$value" "$loss_help"
}

# `until GUARD`: members whose going was noticed and which are no longer missed give their tokens back.
give_back() {
    refusal=$value
    case $value in
    'make the cluster answer'*) return 0 ;;
    esac
    about_service "$1"
    list_tokens
    case $newline$tokens in
    *"$newline$key "*' yes'"$newline"*) ;;
    *) return 0 ;;
    esac
    kept=$look
    look=$look.until
    rm -rf "$look"
    mkdir "$look"
    evaluate_again "$3" || return 1
    look=$kept
    take_line
    if [ "$line" != y ]; then
        value=$refusal
        return 0
    fi
    about_service "$1"
    for file in "$work/tokens/$key"@*; do
        read -r _ token_node _ _ noticed <"$file"
        if [ "$noticed" = yes ]; then
            rm -f "$file"
            printf '%s\n' "replaced $key $token_node" >"$work/replaced/$key@$token_node"
        fi
    done
    evaluate_again "$2"
}

# A stop that surely did not begin gives back the token that was taken for it.
unless_begun() {
    is_well && return 0
    if [ "$kind" = unreachable ]; then
        case $held in
        *" $1 "*) ;;
        *) return_token "$1" ;;
        esac
    fi
    return 1
}

# A service was stopped. Inside an outage no guard may be left to answer, so its own status proves it.
has_stopped() {
    remember_state "$1" stopped
    [ -n "$outage" ] || return 0
    about_service "$1"
    name="$name${instance:+ $instance}"
    outage_count=0
    while [ -e "$outage/$node@$outage_count" ]; do outage_count=$((outage_count + 1)); done
    stopped_service=$1
    stopped_file=$node@$outage_count
    shift
    printf '%s\n' "$stopped_service" "$node" "$instance" "$name" "$@" >"$outage/$stopped_file"
    printf '%s\n' "$stopped_file" >>"$outage/order"
    state_of "$stopped_service" "$@" || return 1
    about_service "$stopped_service"
    case $state in
    stopped) ;;
    running) halt failed "$name still runs on $node after it was stopped" ;;
    *) halt unknown "$name was stopped on $node, and its own status does not say whether it runs" ;;
    esac
}

# What runs again is not missed at the end of the outage.
is_back() {
    [ -n "$outage" ] || return 0
    for file in "$outage/$node"@*; do
        [ -e "$file" ] || continue
        {
            IFS= read -r stopped_service
            IFS= read -r _
            IFS= read -r stopped_instance
        } <"$file"
        [ "$stopped_service" = "$1" ] || continue
        if [ -z "$instance" ] || [ "$stopped_instance" = "$instance" ]; then rm -f "$file"; fi
    done
}

# After a stop: its hook, and the token may be given back once all is replaced.
after_stop() {
    [ -z "$outage" ] || return 0
    is_leaving "$1" || return 0
    hook_after_stop "$1" || return 1
    about_service "$1"
    if [ -e "$work/tokens/$key@$node" ]; then
        read -r _ _ token_body token_fact _ <"$work/tokens/$key@$node"
        write_token "$token_body" "$token_fact" yes
    fi
}

# A service was started: its `after start` is asked now, or at the end of the `on` inside an outage.
has_started() {
    remember_state "$1" running
    is_back "$1"
    case " $losing " in
    *" $1@$node "*) return 0 ;;
    esac
    about_service "$1"
    rm -f "$work/replaced/$key@$node"
    if [ -e "$work/tokens/$key@$node" ]; then
        read -r _ _ _ token_fact noticed <"$work/tokens/$key@$node"
        write_token "$body" "$token_fact" "$noticed"
    fi
    if [ -n "$starts" ]; then
        count=0
        while [ -e "$starts/$node.$count" ]; do count=$((count + 1)); done
        own_value=''
        eval "own_value=\${value_of_$1-}"
        printf '%s\n' "$1" "$node" "$body" "$own_value" >"$starts/$node.$count"
        printf '%s\n' "$node.$count" >>"$on/started"
        return 0
    fi
    after_start "$1"
}

# Asks `after start`, and gives the token back once it holds.
after_start() {
    hook_after_start "$1" || return 1
    return_token "$1"
}

# At the end of an `on` inside an outage: the hooks of all that was started, at once.
ask_started() {
    [ -n "$starts" ] && [ -e "$on/started" ] || return 0
    own_starts=$starts
    starts=''
    while IFS= read -r name; do
        (ask_one_started "$own_starts/$name" "$name.started") &
    done <"$on/started"
    wait_for_nodes
}

ask_one_started() {
    {
        IFS= read -r service
        IFS= read -r node
        IFS= read -r body
        IFS= read -r instance_value
    } <"$1"
    kind='' cleanups=''
    bind "of_$service" "$instance_value"
    after_start "$service"
    if [ -n "$kind" ]; then
        trouble_node=${trouble_node:-$node}
        add_trouble "$2"
    fi
}

# `losing`: what is out of which services, by service and node.
begin_losing() {
    lost=''
    for service in "$@"; do
        if is_leaving "$service"; then
            losing="$losing $service@$node"
            lost="$lost $service"
        fi
    done
    lost="$lost "
}

# A block that was left by `skip` is closed all the same; one with trouble is not.
close_block() {
    skip_held=''
    case $kind in
    '') return 0 ;;
    skipped)
        skip_held=yes kind=''
        return 0
        ;;
    esac
    return 1
}

# And `skip` goes on from there.
go_on_skipping() {
    if [ -n "$skip_held" ] && [ -z "$kind" ]; then kind=skipped; fi
    skip_held=''
    is_well
}

# At the end of `losing` a service runs, and its `after start` holds, as long as the node has its role.
runs_again() {
    case $lost in
    *" $1 "*) ;;
    *) return 0 ;;
    esac
    about_service "$1"
    group_of "$group"
    case " $nodes " in
    *" $node "*) ;;
    *)
        return_token "$1"
        return 0
        ;;
    esac
    instance=''
    bind "of_$1" L
    state_of "$@" || return 1
    if [ "$state" != running ]; then
        about_service "$1"
        halt failed "$name does not run on $node at the end of \`losing\`" \
            "start it again inside the block: start $name"
        return 1
    fi
    after_start "$1"
}

# `needs X here`, before a start: X runs on the same node.
needs_here() {
    needing=$1
    shift
    instance=''
    state_of "$@" || return 1
    [ "$state" != running ] || return 0
    about_service "$needing"
    needing=$name
    about_service "$1"
    refuse "$name" "$needing needs $name: it does not run on $node" "start $name first"
}

# `needs X`, before a start: X is within its budget in the cluster.
needs_in_cluster() {
    evaluate "$3" || return 1
    if [ "$value" != yes ] && [ -n "${4-}" ]; then give_back "$2" "$3" "$4" || return 1; fi
    [ "$value" != yes ] || return 0
    take_line
    about_service "$1"
    needing=$name
    about_service "$2"
    refuse "$name" "$needing needs $name: $value" "start $name first"
}

# What still runs and needs a service forbids to take it away beyond its budget. DEPENDENT, the service, where
# (here, or the nodes), the number of the question whether one more is beyond the budget (or -), whether
# the dependent is `there` or may be absent (its test), and its status command.
ask_dependent() {
    dependent=$1 needed=$2 beyond=$4 presence_test=$5 dependent_status=$6
    if [ "$3" = here ]; then
        nodes=$node
    else
        about_service "$needed"
        if [ -n "$budget" ] && [ -z "$outage" ]; then return 0; fi
        group_of "$3"
    fi
    case $together in
    *" $dependent "*) without_node ;;
    esac
    about_service "$dependent"
    group_of_dependent=$group
    dependent_nodes=$nodes
    enter_alone asking
    running_on
    leave_alone asking
    [ -n "$running_node" ] || return 0
    if [ "$3" != here ] && [ "$beyond" != - ]; then
        evaluate "$beyond" || return 1
        [ "$value" = yes ] || return 0
    fi
    about_service "$needed"
    needed_name=$name
    about_service "$dependent"
    refuse "$name" "$name still runs on $running_node and needs $needed_name" \
        "stop $name there first"
}

# $nodes without $node.
without_node() {
    others=''
    for name in $nodes; do
        [ "$name" = "$node" ] || others="$others${others:+ }$name"
    done
    nodes=$others
}

# A node of $dependent_nodes on which $dependent still runs: leaves $running_node. Each is asked, several at
# once; a node that does not answer is down.
running_on() {
    running_node='' unknown_nodes=''
    for name in $dependent_nodes; do
        known=''
        [ ! -e "$work/runs/$dependent@$name" ] || read -r known <"$work/runs/$dependent@$name"
        case $known in
        running)
            running_node=$name
            return 0
            ;;
        stopped) ;;
        *) unknown_nodes="$unknown_nodes $name" ;;
        esac
    done
    for name in $unknown_nodes; do
        (runs_there "$name") &
    done
    wait_for_nodes
    for name in $unknown_nodes; do
        # What another body has had forgotten meanwhile is taken to run.
        known=running
        [ ! -e "$work/runs/$dependent@$name" ] || read -r known <"$work/runs/$dependent@$name"
        if [ "$known" = running ] && [ -z "$running_node" ]; then running_node=$name; fi
    done
}

runs_there() {
    node=$1 body=$body,$1 kind='' instance=''
    due=" $dependent "
    group_of "$group_of_dependent"
    state=stopped
    case " $nodes " in
    *" $node "*)
        if [ "$presence_test" != there ]; then if_installed "$dependent" "$presence_test"; fi
        if is_well; then
            case $due in
            *" $dependent "*) state_of "$dependent" "$dependent_status" ;;
            esac
        fi
        ;;
    esac
    case $kind in
    unreachable) state=stopped ;;
    '') state=${state:-running} ;;
    *) state=running ;;
    esac
    remember_state "$dependent" "$state"
}

# `outage`: budgets and the hooks of stops are lifted inside.
begin_outage() {
    outages="$outage;$outages"
    outage=$work/outage$body.$1
    rm -rf "$outage"
    mkdir "$outage"
    now
    printf '%s\n' "$now" "$2" >"$outage/why"
    say "outage: $2"
}

# What was stopped inside must run again, by its own status, or be left by word.
end_outage() {
    if close_block; then
        still='' in_order=''
        [ ! -e "$outage/order" ] || in_order=$(cat "$outage/order")
        for file in $in_order; do
            file=$outage/$file
            [ -e "$file" ] || continue
            kept_node=$node
            {
                IFS= read -r service
                IFS= read -r node
                IFS= read -r instance
                IFS= read -r name
                stopped_commands=''
                while IFS= read -r line; do stopped_commands="$stopped_commands$line$newline"; done
            } <"$file"
            with_commands state_of "$service" "$stopped_commands"
            if [ -n "$kind" ] || [ "$state" != running ]; then
                still="$still${still:+, }$name on $node"
            fi
            kind='' node=$kept_node instance=''
        done
        if [ -n "$still" ]; then
            halt failed "at the end of the outage these are still stopped: $still" \
                "start them again inside the outage, or say \`leave SERVICE stopped \"why\"\`"
        fi
        go_on_skipping
    fi
    case $kind in
    '' | skipped) rm -rf "$outage" ;;
    *)
        {
            read -r opened
            IFS= read -r outage_why
        } <"$outage/why"
        now
        in_words "$((now - opened))"
        trouble="$trouble (the outage \"$outage_why\" is still open, for $words now)"
        ;;
    esac
    outage=${outages%%;*}
    outages=${outages#*;}
    is_well
}

# Calls a function for a service with several commands, one a line.
with_commands() {
    called=$1 all_commands=$3
    set -- "$2"
    while [ -n "$all_commands" ]; do
        set -- "$@" "${all_commands%%"$newline"*}"
        all_commands=${all_commands#*"$newline"}
    done
    case $called in
    unless_stopped) unless_stopped "$@" ;;
    unless_running) unless_running "$@" ;;
    has_stopped) has_stopped "$@" ;;
    tell_state) tell_state "$@" ;;
    *) state_of "$@" ;;
    esac
}

# The same command for each instance, one a line: leaves $commands.
commands_for() {
    commands='' all_instances=$instances
    while [ -n "$all_instances" ]; do
        commands="$commands$1${all_instances%%"$newline"*}$2$newline"
        all_instances=${all_instances#*"$newline"}
    done
}

# An `undo` that was said inside an outage still is, unless that is over.
in_outage() {
    outages="$outage;$outages"
    if [ -e "$1/why" ]; then outage=$1; else outage=''; fi
}

out_of_outage() {
    outage=${outages%%;*}
    outages=${outages#*;}
    is_well
}

# Tells one boot of a node from the next: leaves $boot_id.
boot_id() {
    limit=30
    probe "$node" 'cat /proc/sys/kernel/random/boot_id'
    boot_id=$(cat "$answer.out")
    case $outcome in
    0) return 0 ;;
    unreachable | unknown) ;;
    *) why=$(cat "$answer.err") ;;
    esac
    return 1
}

# Before a reboot; without it nobody could tell a reboot from a node that never went down.
remember_boot() {
    boot_id || halt failed "$node is not rebooted: its boot id cannot be read: $why" || return 1
    boot_before=$boot_id
}

# After it: waits until the node has booted.
wait_for_boot() {
    now
    boot_end=$((now + $1))
    while :; do
        sleep 5
        if boot_id; then
            if [ "$boot_id" != "$boot_before" ]; then break; fi
            now
            if [ "$now" -ge "$boot_end" ]; then
                halt failed "$node has not rebooted: its boot id is the same"
                return 1
            fi
        else
            now
            if [ "$now" -ge "$boot_end" ]; then
                halt unreachable "$node has not come back after its reboot: $why"
                return 1
            fi
        fi
    done
    forget_services
}

# `joins` and `leaves`: whether a node may.
may_join() {
    group_of "$1"
    case " $nodes " in
    *" $2 "*) halt failed "$2 cannot join $1: it is in it already" ;;
    esac
}

may_leave() {
    group_of "$1"
    case " $nodes " in
    *" $2 "*) ;;
    *) halt failed "$2 cannot leave $1: it is not in it" ;;
    esac
}

# The nodes of a group as this run has changed it: leaves $nodes.
group_of() {
    if [ -e "$work/group.$1" ]; then
        IFS= read -r nodes <"$work/group.$1"
    else
        first_nodes_of "$1"
    fi
}

# From now on a node is, or is not, in a group: the question tells who is.
change_group() {
    QUORATE_HOST=$2
    export QUORATE_HOST
    evaluate "$3" || return 1
    printf '%s\n' "${value#N}" >"$work/group.$1"
    say "  $1 is now ${value#N}"
}

# Before the first act: the inventory may be old.
compare_members() {
    evaluate "$1" || return 1
    [ "$value" = yes ] || refuse inventory-differs "$value" 'correct the inventory, and expand the runbook again'
}

# The words of the instances that a statement means, one a line: leaves $instances.
list_instances() {
    evaluate "$1" || return 1
    instances=${value:+$value$newline}
    instances_named=$(printf '%s' "$instances" | tr '\n' ' ')
    instances_named=${instances_named% }
    instance=$instances_named
}

# The next of them: leaves $instance.
next_instance() {
    [ -n "$instances_left" ] || return 1
    instance=${instances_left%%"$newline"*}
    instances_left=${instances_left#*"$newline"}
}
