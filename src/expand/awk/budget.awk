# What a role may lose: who its members are, which are away, and how many may be.

# Reads the tokens that this run holds. A member is masked for all but the body that holds its token.
function load_tokens(    lines, count, at, words, body) {
    body = ENVIRON["QUORATE_BODY"]
    count = split(ENVIRON["QUORATE_TOKENS"], lines, "\n")
    for (at = 1; at <= count; at++) {
        if (split(lines[at], words, " ") < 3) continue
        if (words[1] == "replaced") {
            token_replaced[words[2]] = token_replaced[words[2]] " " words[3]
            continue
        }
        token_held[words[1]] = token_held[words[1]] " " words[2]
        if (body != words[3] && index(body, words[3] ",") != 1) masks[words[4], words[2]] = 1
    }
}

# Begins to count the members of a role by its table.
function start_members(table) {
    member_named = ""
    member_down = ""
    member_strangers = 0
    member_strange = ""
    member_blind = ""
    if (is_unknown(table)) member_blind = substr(table, 2)
    else if (substr(table, 1, 1) != "T") member_blind = show(table) " is not a table"
    else if (or_more(table) != "") member_blind = substr(or_more(table), 2)
    member_known = substr(table, 1, 1) == "T"
}

# Takes in a row: the node, and whether it is up.
function add_member(node, up) {
    if (substr(node, 1, 1) == "n") {
        if (up != "byes") member_down = member_down " " substr(node, 2)
        member_named = member_named " " substr(node, 2)
        return
    }
    member_strangers++
    member_strange = member_strange "; a member is not in the inventory: " (is_unknown(node) ? substr(node, 2) : "its node is not named")
}

# The members are those of the table and of the group; who is missing in the table is down.
function end_members(name) {
    member_group = group(name)
    member_named = "N" sort_nodes(member_named)
    member_down = "N" sort_nodes(member_down)
    if (!member_known) {
        member_all = member_group
        member_down = member_group
        return "yes"
    }
    member_down = nodes_union(member_down, nodes_difference(member_group, member_named))
    member_all = nodes_union(member_named, member_group)
    return "yes"
}

# A role whose members nobody tells: those of its group.
function group_members(name) {
    start_members("T\036")
    member_all = member_group = group(name)
    member_named = member_down = "N"
    return "yes"
}

# What a loss comes to, in the unit of the budget; `losing` is one more node, or empty.
function count_loss(key, budget, number, variable, losing,    away, names, count, at, domains, domain) {
    away = nodes_union("N" sort_nodes(token_held[key]), nodes_difference(member_down, "N" sort_nodes(token_replaced[key])))
    if (losing != "") away = nodes_union(away, "N" losing)
    loss_nodes = nodes_intersection(away, member_all)
    loss_away = 0
    count = split(substr(loss_nodes, 2), names, " ")
    for (at = 1; at <= count; at++) {
        domain = budget == "domains" ? domain_name(names[at], variable) : names[at]
        if (!(domain in domains)) loss_away++
        domains[domain] = 1
    }
    loss_members = split(substr(member_all, 2), names, " ") + member_strangers
    loss_away += member_strangers
    loss_may = budget == "minority" ? (loss_members > 0 ? int((loss_members - 1) / 2) : 0) : number
    return loss_away <= loss_may
}

# The failure domain of a node; one that has none is a domain of its own.
function domain_name(node, variable,    known) {
    known = node_variable(node, variable)
    return known == "" ? node : substr(known, 2)
}

# Answers whether a token is free for a node: yes, or what to do and the sum.
function put_loss(counted, key, service, budget, number, variable, words, node,    held, others, away, stay) {
    put_error(counted)
    if (count_loss(key, budget, number, variable, node)) put("yes")
    if (member_blind != "")
        put("make the cluster answer first; see why its state cannot be read\ncannot tell how many members of " service " are up, so none may be taken away: " member_blind)
    held = "N" sort_nodes(token_held[key])
    if (held != "N") away = show(held) " by this run"
    others = nodes_difference(nodes_difference(member_down, held), "N" node)
    if (others != "N") away = away (away == "" ? "" : ", ") show(others) " down"
    if (member_strangers) away = away (away == "" ? "" : ", ") member_strangers " that the inventory does not know"
    if (away != "") away = " (away already: " away ")"
    stay = budget == "minority" ? "a majority of " (loss_members - loss_may) " must stay" : budget == "none" ? "none may be lost" : "it may lose " words " at a time"
    if (budget == "domains")
        stay = "without " node ", " service " would miss " loss_away " " variable "s; " stay away
    else
        stay = "without " node ", " (loss_members - (loss_away < loss_members ? loss_away : loss_members)) " of " loss_members " members of " service " would run; " stay away
    put("bring one of those back first, and let its `after start` hold\n" stay)
}

# Answers whether a role is within its budget now: yes, or who is away.
function put_within(counted, key, budget, number, variable) {
    put_error(counted)
    if (count_loss(key, budget, number, variable, "")) put("yes")
    put((member_blind != "" ? "make the cluster answer" : "-") "\n" loss_away " of its " loss_members " members are away (" show(loss_nodes) "), " loss_may " may be")
}

# Answers whether one more stop takes a role below its budget. Where nobody can tell any more who is up, the
# tokens of this run do.
function put_beyond(counted, name, key, budget, number, variable, node) {
    if (needs(counted)) exit 10
    if (failed(counted) || member_blind != "") group_members(name)
    put(count_loss(key, budget, number, variable, node) ? "no" : "yes")
}

# Answers whether a group is what the members of its role are: yes, or how they differ.
function put_difference(counted, name, service, takes_away,    missing, extra, parts) {
    put_error(counted)
    if (member_blind != "") {
        if (!takes_away) put("yes")
        put("cannot compare " name " with the members of " service ": " member_blind)
    }
    missing = nodes_difference(member_named, member_group)
    extra = nodes_difference(member_group, member_named)
    if (missing != "N") parts = "; " show(missing) " is a member and not in the group"
    if (extra != "N") parts = parts "; " show(extra) " is in the group and no member"
    parts = parts member_strange
    if (parts == "") put("yes")
    put("the inventory's " name " differs from the members of " service ": " substr(parts, 3))
}
