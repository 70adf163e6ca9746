# Asks the person: the kind of question, its name, and its text. Leaves $reply: yes, no, later or nobody; and
# $about: the node in hand, none on this machine.
ask() {
    reply=nobody about=$node
    [ -z "$local" ] || about=''
    case " $QUORATE_ANSWERS " in
    *" $2=yes "*) reply=yes ;;
    *" $2=no "*) reply=no ;;
    *)
        if [ "$QUORATE_YES" = 1 ] && { [ "$1" = confirm ] || [ -n "$simulated" ]; }; then
            reply=yes
        elif [ -n "$QUORATE_ASK" ]; then
            reply=$("$QUORATE_ASK" "$1" "$2" "$about" "$3") || reply=nobody
        elif [ -t 3 ]; then
            enter_alone terminal
            ask_at_terminal "$1" "$3"
            leave_alone terminal
        fi
        ;;
    esac
}

ask_at_terminal() {
    case $1 in
    manual) reply=later ;;
    *) reply=no ;;
    esac
    for _ in 1 2 3; do
        printf '%s%s' "${about:+$about: }" "$2" >&2
        case $1 in
        confirm) printf ' [yes/no] ' >&2 ;;
        manual) printf '\ntype "done", "no" or "later": ' >&2 ;;
        outage) printf '\ntype "%s" to go on, "no" to stop: ' "$cluster" >&2 ;;
        *) printf '\nthis cannot be undone; type "%s" to go on, "no" to stop: ' "$cluster" >&2 ;;
        esac
        if ! IFS= read -r typed <&3; then
            reply=nobody
            return 0
        fi
        case $1:$typed in
        *:no | *:n | *:No | *:NO)
            reply=no
            return 0
            ;;
        confirm:yes | confirm:y | confirm:Yes | confirm:YES | manual:done | "outage:$cluster" | "irreversible:$cluster")
            reply=yes
            return 0
            ;;
        manual:later)
            reply=later
            return 0
            ;;
        esac
    done
}

# Goes on only after a yes.
ask_person() {
    ask "$1" "$2" "$3"
    forget_services
    say "${about:+$about: }$3 — $reply"
    case $reply in
    yes) return 0 ;;
    no) halt declined "declined: $3" ;;
    later) halt parked "parked: $3" 'what comes after it has not been done, and undo and finally are still owed' ;;
    *)
        if [ "$1" = confirm ]; then
            halt declined "nobody was there to answer: $3" "answer it with QUORATE_ANSWERS='$2=yes', or with QUORATE_YES=1"
        else
            halt declined "nobody was there to answer: $3" "run it at a terminal, or answer it with QUORATE_ANSWERS='$2=yes'"
        fi
        ;;
    esac
}

# What cannot be taken back is asked for once more, unless a person has confirmed it before.
ask_irreversible() {
    if [ -e "$work/confirmed" ]; then return 0; fi
    text_of "$2" || return 1
    ask_person irreversible "$1" "$text"
}
