//! The patterns of OpenSSH: `*` and `?`, lists of them, `!` before one that must not match.

/// Whether a pattern with `*` and `?` matches the whole of a text.
pub(super) fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last `*` does not fit.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(letter) if *letter == b'?' || *letter == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match &mut retry {
                Some((after, from)) => {
                    *from += 1;
                    (p, t) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|letter| *letter == b'*')
}

/// Whether one of the patterns matches, and none behind a `!` does.
pub(super) fn matches_list<'a>(patterns: impl IntoIterator<Item = &'a str>, text: &str) -> bool {
    let mut is_matched = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches_pattern(pattern, text) => return false,
            Some(_) => {}
            None => is_matched |= matches_pattern(pattern, text),
        }
    }
    is_matched
}

#[cfg(test)]
mod tests {
    use super::{matches_list, matches_pattern};

    #[test]
    fn patterns_match_whole_texts() {
        let cases = [
            ("node1", "node1", true),
            ("node1", "node10", false),
            ("node?", "node1", true),
            ("node?", "node", false),
            ("*", "", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbY", false),
            ("10.0.0.?", "10.0.0.12", false),
            ("**", "x", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches_pattern(pattern, text), expected, "{pattern} {text}");
        }
        let cases = [
            ("a b", "b", true),
            ("* !b", "b", false),
            ("!b *", "b", false),
            ("!b", "c", false),
        ];
        for (list, text, expected) in cases {
            assert_eq!(matches_list(list.split(' '), text), expected, "{list}");
        }
    }
}
