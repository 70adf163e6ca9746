# Reckoning with values, and with sets of nodes.

# a + b
function plus(a, b) {
    return reckon(a, "+", b)
}

# a - b
function minus(a, b) {
    return reckon(a, "-", b)
}

# a * b
function times(a, b) {
    return reckon(a, "*", b)
}

# a / b, towards zero
function divided(a, b) {
    return reckon(a, "/", b)
}

# a & b
function intersected(a, b) {
    return reckon(a, "&", b)
}

# -a
function negative(a) {
    return reckon("i0", "-", a)
}

# Reckons with two values of any kind.
function reckon(a, sign, b,    tag, other, found, shown) {
    if (failed(a)) return a
    if (failed(b)) return b
    tag = substr(a, 1, 1)
    other = substr(b, 1, 1)
    if (index("nN", tag) || index("nN", other)) {
        a = as_nodes(a, "this set")
        if (failed(a)) return a
        b = as_nodes(b, "this set")
        if (sign == "-") return nodes_difference(a, b)
        return sign == "&" ? nodes_intersection(a, b) : nodes_union(a, b)
    }
    found = calculate(a, tag, sign, b, other)
    if (index("?iadst%L", substr(found, 1, 1)) && found != "") return found
    shown = show(a) " " sign " " show(b)
    if (found == "/0") return "!f" shown " divides by zero"
    if (found == "") return "!f" shown " is not a calculation on numbers of one unit"
    return "!f" shown " is out of range"
}

# The value, or "/0" by zero, ">" out of range, and nothing for what does not go together.
function calculate(a, tag, sign, b, other,    one, two, sum) {
    if (tag == "?") return a
    if (other == "?") return b
    one = substr(a, 2)
    two = substr(b, 2)
    if (tag == "i" && other == "i") {
        if (sign == "/" && two == "0") return "/0"
        return with_tag("i", reckon_whole(one, sign, two))
    }
    if (tag == "a" || other == "a") return calculate_least(a, tag, sign, b, other)
    if (tag == "L" && other == "L" && sign == "+") return a substr(b, 2)
    if (tag == "%" && other == "%") return sign ~ /[-+]/ ? with_tag("%", reckon_whole(one, sign, two)) : ""
    if ((tag == "d" && other == "d") || (tag == "s" && other == "s")) {
        if (sign == "/") return two == "0" ? "/0" : with_tag("i", reckon_whole(one, sign, two))
        if (sign !~ /[-+]/) return ""
        sum = reckon_whole(one, sign, two)
        return sum ~ /^-/ ? ">" : with_tag(tag, sum)
    }
    if (tag == "i" && other == "d" && sign == "*") return calculate(b, other, sign, a, tag)
    if (index("ds", tag) && other == "i") {
        if (two ~ /^-/ || (tag == "d" && compare_digits(two, "4294967295") > 0)) return ">"
        if (sign !~ /[*\/]/) return ""
        return sign == "/" && two == "0" ? "/0" : with_tag(tag, reckon_whole(one, sign, two))
    }
    return ""
}

# Reckons with "at least so many", which stays so when something is added.
function calculate_least(a, tag, sign, b, other,    why, sum) {
    why = tag == "a" ? unsure(a) : unsure(b)
    if (tag == "a" && other == "i") {
        if (sign !~ /[-+]/) return "?" why
        sum = reckon_whole(least_of(a), sign, substr(b, 2))
    } else if (sign == "+" && tag == "i") {
        sum = reckon_whole(substr(a, 2), sign, least_of(b))
    } else if (sign == "+" && tag == "a" && other == "a") {
        sum = reckon_whole(least_of(a), sign, least_of(b))
    } else {
        return "?" why
    }
    return sum == ">" ? sum : "a" sum " " why
}

# A number with its tag; what is out of range has none.
function with_tag(tag, number) {
    return number == ">" ? number : tag number
}

# Reckons with whole numbers; ">" where the result or a part of it is not exact.
function reckon_whole(one, sign, two,    number) {
    if (!is_safe(one + 0) || !is_safe(two + 0)) return ">"
    if (sign == "+") number = one + two
    else if (sign == "-") number = one - two
    else if (sign == "*") number = one * two
    else if (sign == "/") number = int(one / two)
    else return ">"
    return is_safe(number) ? number_text(number) : ">"
}
