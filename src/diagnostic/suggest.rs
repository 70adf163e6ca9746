/// The known name nearest to `wanted`, when it is near enough to be a slip of the hand.
///
/// Near is at most one change in three letters (insert, drop, replace, or swap two
/// neighbours), and at least one is always allowed.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wanted.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|name| *name != wanted)
        .map(|name| (distance(wanted, name), name))
        .filter(|(far, _)| *far <= limit)
        .min()
        .map(|(_, name)| name)
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
        let known = ["mds_nodes", "cs_nodes", "all_nodes"];
        let cases = [
            // what was written, what was meant
            ("mds_node", Some("mds_nodes")),
            ("mds-nodes", Some("mds_nodes")),
            ("sc_nodes", Some("cs_nodes")),
            ("storage", None),
        ];
        for (wanted, meant) in cases {
            assert_eq!(nearest(wanted, known), meant, "{wanted}");
        }
    }
}
