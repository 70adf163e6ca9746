# Begins an `on`: its number, how many nodes may fail, its nodes, and `sudo` when commands go as root.
begin_on() {
    depth=$((depth + 1))
    for saved in $saved_names; do eval "${saved}_$depth=\$$saved"; done
    begun=$((begun + 1))
    on=$work/on$body.$1
    tolerated=$2
    on_nodes=$3 local=''
    if [ -n "${4-}" ]; then as_root=yes; fi
    rm -rf "$on"
    mkdir "$on"
    : >"$on/troubles"
    : >"$on/ended"
    starts=''
    if [ -n "$outage" ]; then
        starts=$on/starts
        mkdir "$starts"
    fi
    forget_services
}

# What an `on` hides for as long as it lasts.
restore_outer() {
    for saved in $saved_names; do eval "$saved=\$${saved}_$depth"; done
    depth=$((depth - 1))
}

# Those of some nodes that are among others: leaves $nodes.
only_nodes() {
    nodes=''
    for name in $1; do
        case " $2 " in
        *" $name "*) nodes="$nodes${nodes:+ }$name" ;;
        esac
    done
}

# The sizes of batches: leaves $sizes, of which the last one repeats.
read_sizes() {
    sizes='' size='' QUORATE_COUNT=0
    for name in $on_nodes; do QUORATE_COUNT=$((QUORATE_COUNT + 1)); done
    export QUORATE_COUNT
    evaluate "$1" && sizes=$value
}

next_size() {
    [ -z "$sizes" ] || size=${sizes%% *}
    case $sizes in
    *' '*) sizes=${sizes#* } ;;
    *) sizes='' ;;
    esac
    [ -n "$size" ]
}

# Whether there is no node to do this on; unless `or none` is said that is an error.
has_nodes() {
    [ -n "$1" ] || halt failed 'there is no node to do this on' "say \`or none\` if an empty set is fine here"
}

# Takes the next node in hand, unless too many have failed or nothing more is to be begun.
next_node() {
    is_over && return 1
    if [ -e "$work/stopping" ] && [ -z "$cleaning" ]; then
        if [ ! -e "$on/stopped" ]; then
            : >"$on/stopped"
            kind=interrupted trouble_node='' help=''
            trouble='interrupted: the nodes in hand were finished, no further one was begun'
            add_trouble .interrupted
            kind=''
        fi
        return 1
    fi
    eval "body=\$body_$depth,\${begun}_\$1"
    node=$1 kind='' last=t
    : >"$on/begun.$node"
}

# Whether no further node may begin: more failed than are tolerated, or one in a way that never is.
is_over() {
    count=0
    while IFS= read -r line; do
        count=$((count + 1))
        case $line in
        failed | refused | unreachable) ;;
        *) return 0 ;;
        esac
    done <"$on/troubles"
    [ "$count" -gt "$tolerated" ]
}

# A node's body has ended.
node_ended() {
    unless_broken_off
    case $kind in
    '' | skipped)
        [ -z "$kind" ] || last='?skipped'
        printf '%s\n' "$last" >"$on/value.$node"
        ;;
    *)
        say "  $node: $kind: $trouble" >&2
        trouble_node=${trouble_node:-$node}
        add_trouble "$node"
        ;;
    esac
    kind=''
    return 0
}

# Writes a trouble down for the end of the `on`.
add_trouble() {
    {
        printf '%s\n' "$kind" "$trouble_node" "$help"
        printf '%s\n' "$trouble"
    } >"$on/trouble.$1"
    printf '%s\n' "$1" >>"$on/ended"
    printf '%s\n' "$kind" >>"$on/troubles"
}

# The nodes that have not begun yet, in order; leaves $nodes.
nodes_left() {
    nodes=''
    for name in $on_nodes; do
        [ -e "$on/begun.$name" ] || nodes="$nodes${nodes:+ }$name"
    done
}

# A node whose part of the script ended without a word: killed, or out of memory.
find_broken_off() {
    for name in $on_nodes; do
        if [ -e "$on/begun.$name" ] && [ ! -e "$on/value.$name" ] && [ ! -e "$on/trouble.$name" ]; then
            kind=unknown trouble_node=$name
            trouble="what was done on $name is not known: the part of this script that acts on it was ended from outside"
            help="look at $name before anything else is done"
            add_trouble "$name"
            kind=''
        fi
    done
}

# Ends an `on`: asks what was left for its end, and says how the nodes have fared.
end_on() {
    find_broken_off
    ask_started
    ended=$on over=''
    if is_over; then over=yes; fi
    worst=0
    while IFS= read -r name; do
        {
            IFS= read -r one_kind
            IFS= read -r one_node
            IFS= read -r one_help
            one_trouble=$(cat)
        } <"$on/trouble.$name"
        rank "$one_kind"
        if [ -z "$over" ]; then
            say "  tolerated on $one_node: $one_trouble"
        elif [ "$rank" -ge "$worst" ]; then
            worst=$rank kind=$one_kind trouble=$one_trouble help=$one_help trouble_node=$one_node
        fi
    done <"$on/ended"
    if [ -n "$over" ]; then tell_nodes >&2; fi
    restore_outer
    is_well
}

# Which nodes are done, failed and not reached.
tell_nodes() {
    finished='' failed='' nodes_left=''
    for name in $on_nodes; do
        if [ -e "$on/trouble.$name" ]; then
            failed="$failed $name"
        elif [ -e "$on/begun.$name" ]; then
            finished="$finished $name"
        else
            nodes_left="$nodes_left $name"
        fi
    done
    say "  done:${finished:- none}  failed:${failed:- none}  not reached:${nodes_left:- none}"
}

# Waits for all nodes in hand; a signal does not end the wait.
wait_for_nodes() {
    until wait; do :; done
}

# Takes the next node of the batch, which several hands may share.
claim_node() {
    for name in $batch; do
        is_over && return 1
        if mkdir "$on/claimed.$name" 2>/dev/null; then
            next_node "$name"
            return
        fi
    done
    return 1
}

# Another pair of hands for the batch, if that many are wanted and there is a node for it.
next_hand() {
    [ "$hands" -lt "$1" ] || [ "$hands" -eq 0 ] || return 1
    hands=$((hands + 1))
    claim_node
}

# `on any`: takes the next node. With an act in its body it is the first one that answers, and no second try.
next_any() {
    while :; do
        nodes_left
        [ -n "$nodes" ] && [ -z "$any_done" ] || return 1
        node=${nodes%% *}
        : >"$on/begun.$node"
        eval "body=\$body_$depth,\${begun}_\$node"
        kind='' last=t
        [ -n "$1" ] || return 0
        limit=30
        carry_out "$node" true
        end_settings
        case $outcome in
        unreachable | unknown) ;;
        *) return 0 ;;
        esac
    done
}

# After a node of `on any`: only looks that failed are tried on the next one.
any_ended() {
    case $kind in
    skipped)
        kind='' last='?skipped'
        ;;
    failed | refused | unreachable)
        trouble_node=${trouble_node:-$node}
        if [ -z "$1" ]; then
            rank "$kind"
            if [ "$rank" -gt "$any_rank" ]; then
                any_rank=$rank any_kind=$kind any_trouble=$trouble any_help=$help any_node=$trouble_node
            fi
            kind=''
            return 0
        fi
        ;;
    esac
    any_done=yes
}

# Ends an `on any`; NODES are those that were aimed at.
end_any() {
    ask_started
    while IFS= read -r name; do
        {
            IFS= read -r one_kind
            IFS= read -r one_node
            IFS= read -r one_help
            one_trouble=$(cat)
        } <"$on/trouble.$name"
        if is_well; then
            kind=$one_kind trouble=$one_trouble help=$one_help trouble_node=$one_node
        fi
    done <"$on/ended"
    done_before=$any_done
    if [ -z "$done_before" ] && [ "$any_rank" -gt 0 ]; then
        kind=$any_kind trouble=$any_trouble help=$any_help trouble_node=$any_node
    fi
    restore_outer
    if [ -z "$done_before" ] && [ -z "$kind" ]; then
        fold_nodes "$1"
        halt unreachable "none of $folded answers"
    fi
    is_well
}

# What the nodes gave that are done, as a table: leaves $last.
gather_values() {
    gathered=''
    for name in $1; do
        if [ -e "$ended/value.$name" ] && read -r line <"$ended/value.$name"; then
            gathered="$gathered$name $line$newline"
        fi
    done
    ask_about "$gathered" && evaluate gathered || return 1
    last=$value
}

# The next batch of an `on`: leaves $batch, of so many nodes, those that ought to be last after all others.
next_batch() {
    nodes_left
    [ -n "$nodes" ] || return 1
    is_over && return 1
    first=''
    for name in $nodes; do
        case " $last_nodes " in
        *" $name "*) ;;
        *) first="$first${first:+ }$name" ;;
        esac
    done
    [ -n "$first" ] || first=$nodes
    batch='' count=0
    for name in $first; do
        [ "$count" -lt "$1" ] || break
        batch="$batch${batch:+ }$name" count=$((count + 1))
    done
}

# Of the nodes in $batch those of the first one's failure domain, which a function tells.
same_domain() {
    domain='' same=''
    for name in $batch; do
        domain_by "$1" "$name"
        [ -n "$same" ] || domain=$own_domain
        if [ "$own_domain" = "$domain" ]; then same="$same${same:+ }$name"; fi
    done
    batch=$same
}

# Reads again which nodes ought to be last; leaves $last_nodes. What cannot be read is asked again for 1m.
read_last() {
    nodes_left
    if [ -z "$nodes" ] || is_over; then return 0; fi
    now
    order_end=$((now + 60))
    eval "node=\$node_$depth"
    until evaluate "$1"; do
        now
        if [ "$now" -ge "$order_end" ]; then
            trouble="\`$2\` decides who is last, and it could not be read: $trouble"
            add_order_trouble
            return 1
        fi
        kind=''
        sleep 5
    done
    last_nodes=${value#N}
    early=''
    for name in $last_nodes; do
        if [ -e "$on/value.$name" ]; then early="$early $name"; fi
    done
    if [ -n "$early" ]; then
        fold_nodes "$nodes"
        order_help="$folded is not done yet; make one of these \`$2\` first"
        fold_nodes "$early"
        halt failed "$folded is \`$2\` now and ought to be last, but was already done" "$order_help"
        add_order_trouble
        return 1
    fi
}

# Trouble with the order of the nodes is that of no node, and so is not tolerated.
add_order_trouble() {
    trouble_node=''
    add_trouble .order
    printf 'order\n' >>"$on/troubles"
    kind=''
}

# A set of nodes as people write it: leaves $folded.
fold_nodes() {
    folded=$1
    if ask_about "${1# }" && evaluate folded; then folded=$value; fi
}
