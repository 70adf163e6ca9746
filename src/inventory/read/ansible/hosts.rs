/// Most hosts that one pattern may stand for.
const MOST_HOSTS: u64 = 1_000_000;

/// Reads a host as Ansible writes it, `www[01:50:2].example.com:2222`: the names that it
/// stands for, and their port.
///
/// # Errors
///
/// Why it is none, and what to write.
///
/// # Source
///
/// Ansible's `parse_address` and `expand_hostname_range`, less what they do by accident: a
/// range that runs backwards is no empty set of hosts here.
pub(super) fn expand_hosts(pattern: &str) -> Result<(Vec<String>, Option<u16>), String> {
    let (pattern, port) = split_port(pattern)?;
    let mut names = vec![String::new()];
    let mut rest = pattern;
    while let Some(open) = rest.find('[') {
        let Some(length) = rest[open..].find(']') else {
            return Err(format!("`[` is never closed in `{pattern}`"));
        };
        let range = read_range(&rest[open + 1..open + length])?;
        if range.count().saturating_mul(names.len() as u64) > MOST_HOSTS {
            return Err(format!("`{pattern}` stands for more than {MOST_HOSTS} hosts"));
        }
        let head = &rest[..open];
        names = names
            .iter()
            .flat_map(|name| range.items().map(move |item| format!("{name}{head}{item}")))
            .collect();
        rest = &rest[open + length + 1..];
    }
    for name in &mut names {
        name.push_str(rest);
        if name.contains(':') && !is_ipv6(name) {
            return Err(format!(
                "`{name}` is neither a host with a port, as in host:2222, nor an IPv6 address"
            ));
        }
    }
    Ok((names, port))
}

/// Whether text with a colon is an address rather than a host and a port.
fn is_ipv6(text: &str) -> bool {
    text.parse::<core::net::Ipv6Addr>().is_ok()
}

fn split_port(pattern: &str) -> Result<(&str, Option<u16>), String> {
    // What stands in brackets may hold colons of its own.
    let mut depth = 0_usize;
    let mut colons = Vec::new();
    for (at, letter) in pattern.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => colons.push(at),
            _ => {}
        }
    }
    let [at] = colons[..] else {
        return Ok((pattern, None));
    };
    let (host, digits) = (&pattern[..at], &pattern[at + 1..]);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok((pattern, None));
    }
    let port = digits.parse().ok().filter(|port| *port > 0);
    let Some(port) = port else {
        return Err(format!("{digits} is no port: there are 1 to 65535"));
    };
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    Ok((inner.filter(|host| is_ipv6(host)).unwrap_or(host), Some(port)))
}

enum Range {
    Numbers {
        first: u64,
        last: u64,
        step: u64,
        width: usize,
    },
    Letters {
        first: u8,
        last: u8,
        step: u64,
    },
}

impl Range {
    fn count(&self) -> u64 {
        match self {
            Range::Numbers {
                first, last, step, ..
            } => (last - first) / step + 1,
            Range::Letters { first, last, step } => u64::from(last - first) / step + 1,
        }
    }

    fn items(&self) -> Box<dyn Iterator<Item = String>> {
        let steps = |step: u64| usize::try_from(step).unwrap_or(usize::MAX);
        match *self {
            Range::Numbers {
                first,
                last,
                step,
                width,
            } => {
                let numbers = (first..=last).step_by(steps(step));
                Box::new(numbers.map(move |number| format!("{number:0width$}")))
            }
            Range::Letters { first, last, step } => {
                let letters = (first..=last).step_by(steps(step));
                Box::new(letters.map(|letter| char::from(letter).to_string()))
            }
        }
    }
}

fn read_range(text: &str) -> Result<Range, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (first, last, step) = match parts[..] {
        [first, last] => (first, last, "1"),
        [first, last, step] => (first, last, step),
        _ if text.contains('-') || text.contains(',') => {
            let meant = text.replace('-', ":");
            let meant = meant.split(',').next().unwrap_or_default();
            return Err(format!(
                "`[{text}]` is ClusterShell's way of writing; Ansible's is `[{meant}]`"
            ));
        }
        _ => {
            return Err(format!(
                "`[{text}]` is no range; write [first:last] or [first:last:step]"
            ));
        }
    };
    let backwards = || format!("`[{text}]` runs backwards; write [{last}:{first}]");
    let number = |part: &str| -> Result<u64, String> {
        let is_number = (1..=18).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        let number = part.parse().ok().filter(|_| is_number);
        number.ok_or_else(|| {
            format!("`[{text}]`: `{part}` is no number, and its ends are not two letters such as [a:f]")
        })
    };
    let step = number(step)?;
    if step == 0 {
        return Err(format!("`[{text}]` has a step of 0"));
    }
    if let ([first], [last]) = (first.as_bytes(), last.as_bytes())
        && first.is_ascii_alphabetic()
        && last.is_ascii_alphabetic()
    {
        if first.is_ascii_lowercase() != last.is_ascii_lowercase() {
            return Err(format!(
                "`[{text}]` runs from small to capital letters; write two ranges"
            ));
        }
        if first > last {
            return Err(backwards());
        }
        return Ok(Range::Letters {
            first: *first,
            last: *last,
            step,
        });
    }
    let first_text = if first.is_empty() { "0" } else { first };
    if last.is_empty() {
        return Err(format!("`[{text}]` has no end"));
    }
    let width = match first_text.len() > 1 && first_text.starts_with('0') {
        true => first_text.len(),
        false => 0,
    };
    if width > 0 && last.len() != width {
        return Err(format!("`[{text}]`: write as many digits at both ends"));
    }
    let (first, last) = (number(first_text)?, number(last)?);
    if first > last {
        return Err(backwards());
    }
    Ok(Range::Numbers {
        first,
        last,
        step,
        width,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_expanded_as_ansible_does() {
        let cases = [
            ("web", "web", None),
            ("web:2222", "web", Some(2222)),
            (
                "www[01:03].example.com",
                "www01.example.com www02.example.com www03.example.com",
                None,
            ),
            ("db[a:c]:5", "dba dbb dbc", Some(5)),
            ("n[1:9:4]", "n1 n5 n9", None),
            ("n[08:11]", "n08 n09 n10 n11", None),
            ("n[9:11]", "n9 n10 n11", None),
            ("n[:2]", "n0 n1 n2", None),
            ("n[1:2]-[a:b]", "n1-a n1-b n2-a n2-b", None),
            ("[1:2]n", "1n 2n", None),
            ("10.0.0.[1:2]:22", "10.0.0.1 10.0.0.2", Some(22)),
            ("fe80::1", "fe80::1", None),
            ("[fe80::1]:22", "fe80::1", Some(22)),
        ];
        for (pattern, names, port) in cases {
            let (found, found_port) = expand_hosts(pattern).expect(pattern);
            assert_eq!((found.join(" ").as_str(), found_port), (names, port), "{pattern}");
        }
    }

    #[test]
    fn odd_hosts_are_refused() {
        let cases = [
            (
                "n[1-5]",
                "`[1-5]` is ClusterShell's way of writing; Ansible's is `[1:5]`",
            ),
            (
                "n[5]",
                "`[5]` is no range; write [first:last] or [first:last:step]",
            ),
            ("n[5:1]", "`[5:1]` runs backwards; write [1:5]"),
            ("n[c:a]", "`[c:a]` runs backwards; write [a:c]"),
            (
                "n[a:F]",
                "`[a:F]` runs from small to capital letters; write two ranges",
            ),
            ("n[1:9:0]", "`[1:9:0]` has a step of 0"),
            ("n[1:]", "`[1:]` has no end"),
            ("n[01:100]", "`[01:100]`: write as many digits at both ends"),
            (
                "n[aa:bb]",
                "`[aa:bb]`: `aa` is no number, and its ends are not two letters such as [a:f]",
            ),
            ("n[1:2", "`[` is never closed in `n[1:2`"),
            (
                "n[1:2000000]",
                "`n[1:2000000]` stands for more than 1000000 hosts",
            ),
            ("n:0", "0 is no port: there are 1 to 65535"),
            ("n:70000", "70000 is no port: there are 1 to 65535"),
            (
                "n:",
                "`n:` is neither a host with a port, as in host:2222, nor an IPv6 address",
            ),
            (
                "n:x",
                "`n:x` is neither a host with a port, as in host:2222, nor an IPv6 address",
            ),
        ];
        for (pattern, why) in cases {
            assert_eq!(expand_hosts(pattern).unwrap_err(), why, "{pattern}");
        }
    }
}
