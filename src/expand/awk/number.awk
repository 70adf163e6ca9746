# Whole numbers as decimal digits: compared at any length, reckoned with below 2^53.

# A number as digits.
function number_text(number,    text) {
    text = sprintf("%.0f", number)
    return text == "-0" ? "0" : text
}

# Whether a number is small enough to be exact.
function is_safe(number) {
    return number < 9007199254740992 && number > -9007199254740992
}

# Digits without the zeros in front.
function bare_digits(digits) {
    sub(/^0+/, "", digits)
    return digits == "" ? "0" : digits
}

# -1, 0 or 1 as one text of digits, perhaps with a minus, is below, at or above another.
function compare_digits(one, two,    sign) {
    one = one ""
    two = two ""
    if (one == two) return 0
    sign = substr(one, 1, 1) == "-" ? -1 : 1
    if (sign != (substr(two, 1, 1) == "-" ? -1 : 1)) return sign
    if (length(one) != length(two)) return length(one) < length(two) ? -sign : sign
    return one < two ? -sign : sign
}

# -1, 0 or 1 as one text stands before, at or after another.
function compare_texts(one, two) {
    one = one ""
    two = two ""
    return one == two ? 0 : one < two ? -1 : 1
}

# -1, 0 or 1 for two versions, number by number; one left out is 0.
function compare_versions(one, two,    ones, twos, count, most, at, order) {
    count = split(one, ones, ".")
    most = split(two, twos, ".")
    if (count > most) most = count
    for (at = 1; at <= most; at++) {
        order = compare_digits(at in ones ? ones[at] : "0", at in twos ? twos[at] : "0")
        if (order) return order
    }
    return 0
}

# -1, 0 or 1 for two values of one kind; empty when they have no order.
function compare_values(one, two,    tag, other) {
    tag = substr(one, 1, 1)
    other = substr(two, 1, 1)
    one = substr(one, 2)
    two = substr(two, 2)
    if (index("tpS", tag) && index("tpS", other)) return compare_texts(one, two)
    if (tag != other) return ""
    if (index("ids%", tag)) return compare_digits(one, two)
    if (tag == "b") return compare_texts(one, two)
    if (tag == "v") return compare_versions(one, two)
    if (tag == "n") return compare_names(one, two)
    if (tag == "r") {
        tag = compare_digits(substr(one, 1, index(one, ":") - 1), substr(two, 1, index(two, ":") - 1))
        if (tag) return tag
        return compare_digits(substr(one, index(one, ":") + 1), substr(two, index(two, ":") + 1))
    }
    return ""
}
