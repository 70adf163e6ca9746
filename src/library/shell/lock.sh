act=$1 file=$2 ours=$3 theirs=$4 guard=$2.guard new="" entered=""
PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
umask 022
# Each line has a mark of its own: the shell of the login may say more.
tell() { printf "quorate-lock: %s\n" "$*"; }
give_up() { tell "failed $*"; exit 0; }
clear_up() { [ -z "$new" ] || rm -f "$new"; [ -z "$entered" ] || rmdir "$guard"; }
changed_at() { stat -c %Y "$1" 2>/dev/null || echo 0; }
# One at a time: between the look at the file and what is done about it nobody else may change it.
enter() {
    turns=0
    until why=$(mkdir "$guard" 2>&1); do
        [ -d "$guard" ] || give_up "$why"
        # Whoever made it needed no second for what it did, and is gone.
        if [ "$(($(date +%s) - $(changed_at "$guard")))" -gt 30 ]; then rmdir "$guard" 2>/dev/null; fi
        turns=$((turns + 1))
        [ "$turns" -lt 20 ] || give_up "$guard is in the way: remove it"
        sleep 0.1 2>/dev/null || sleep 1
    done
    entered=yes; }
look() {
    found=free content=""
    if [ -h "$file" ] || { [ -e "$file" ] && [ ! -f "$file" ]; }; then give_up "$file is no file of a lock"; fi
    [ -e "$file" ] || return 0
    if ! content=$(head -c 8192 "$file" 2>/dev/null); then
        [ -e "$file" ] || return 0
        give_up "$file cannot be read"
    fi
    found=theirs
    if [ "$content" = "$ours" ]; then found=ours; fi; }
# Text and name come into being at once, under a name that only one can give.
write_new() {
    new=$(mktemp "$file.XXXXXX" 2>&1) || { why=$new new=""; give_up "$why"; }
    { printf "%s\n" "$ours" >"$new" && chmod 644 "$new"; } 2>/dev/null || give_up "$new cannot be written"; }
create() {
    write_new
    why=$(ln "$new" "$file" 2>&1) || give_up "$why"
    tell made; }
replace() {
    write_new
    why=$(mv -f "$new" "$file" 2>&1) || give_up "$file belongs to $(stat -c %U "$file"): $why"
    new=""
    tell made; }
trap clear_up EXIT
trap "exit 1" HUP INT PIPE TERM
[ "$act" = look ] || enter
look
case $act.$found in
take.free | renew.free | replace.free) create ;;
take.ours | renew.ours | replace.ours)
    why=$(touch -c "$file" 2>&1) || give_up "$why"
    tell ours ;;
free.ours)
    why=$(rm -f "$file" 2>&1) || give_up "$why"
    tell free ;;
look.ours) tell ours ;;
*.free) tell free ;;
*)
    # What is restored belongs to somebody else; who restores it is the one whose place it is.
    case $act in
    replace | restore) is_due=yes ;;
    *) is_due="" ;;
    esac
    if [ "$is_due" ] && [ "$content" = "$theirs" ]; then
        replace
    else
        tell "theirs $(($(date +%s) - $(changed_at "$file")))"
        printf "%s\n" "$content" | sed "s/^/quorate-lock: | /"
    fi ;;
esac
