/// The known name nearest to `wanted`, when it is near enough to be a slip of the hand.
///
/// Near is at most one change in four letters (insert, drop, replace, or swap two
/// neighbours), and at least one is always allowed in a word of four. Names that differ in
/// their numbers alone are different things.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = wanted.chars().count();
    known
        .into_iter()
        .filter(|name| *name != wanted && !differs_in_numbers(wanted, name))
        .map(|name| (distance(wanted, name), name))
        .filter(|(far, name)| {
            // Three letters with one replaced are another word; a slip swaps two or leaves one out.
            let is_slip = || sorted(wanted) == sorted(name) || name.chars().count() > length;
            *far <= (length / 4).max(1) && (length > 3 || *far == 0 || is_slip())
        })
        .min()
        .map(|(_, name)| name)
}

/// Whether nothing but numbers that both have tell the names apart.
fn differs_in_numbers(left: &str, right: &str) -> bool {
    let letters = |text: &str| -> String { text.chars().filter(|letter| !letter.is_ascii_digit()).collect() };
    let has_number = |text: &str| text.contains(|letter: char| letter.is_ascii_digit());
    has_number(left) && has_number(right) && letters(left) == letters(right)
}

fn sorted(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters
}

/// Optimal string alignment distance; `-` and `_` count as the same letter, which is the
/// commonest slip of all.
fn distance(left: &str, right: &str) -> usize {
    let fold = |text: &str| -> Vec<char> {
        text.chars()
            .map(|letter| {
                if letter == '_' {
                    '-'
                } else {
                    letter.to_ascii_lowercase()
                }
            })
            .collect()
    };
    let (left, right) = (fold(left), fold(right));
    let mut rows: Vec<Vec<usize>> = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (index, row) in rows.iter_mut().enumerate() {
        row[0] = index;
    }
    for (index, cell) in rows[0].iter_mut().enumerate() {
        *cell = index;
    }
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let change = usize::from(left[i - 1] != right[j - 1]);
            let mut best = (rows[i - 1][j] + 1)
                .min(rows[i][j - 1] + 1)
                .min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_are_found() {
        let known = ["mds_nodes", "cs_nodes", "all_nodes", "retry", "let", "node1"];
        let cases = [
            // what was written, what was meant
            ("mds_node", Some("mds_nodes")),
            ("mds-nodes", Some("mds_nodes")),
            ("sc_nodes", Some("cs_nodes")),
            ("storage", None),
            ("return", None),
            ("set", None),
            ("lte", Some("let")),
            ("node99", None),
            ("rtry", Some("retry")),
            ("nod1", Some("node1")),
        ];
        for (wanted, meant) in cases {
            assert_eq!(nearest(wanted, known), meant, "{wanted}");
        }
    }
}
