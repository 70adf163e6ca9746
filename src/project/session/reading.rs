use crate::diagnostic::Problems;
use crate::syntax::parse_script;

/// Whether more text could finish what `text` begins: a block, a string or a parenthesis is open.
pub fn is_unfinished(text: &str) -> bool {
    let mut problems = Problems::new();
    parse_script(text, 0, &mut problems);
    problems.is_incomplete()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_goes_on() {
        let cases = [
            ("mds", false),
            ("", false),
            ("on node1 <", true),
            ("on node1 < run \"df", true),
            ("on node1 < run \"df\"", true),
            ("on node1 < run \"df\" >", false),
            ("let x = (1 +", true),
            ("guard g < check (mds | count) is 5 >", false),
            ("stop >", false),
            ("# only a comment", false),
        ];
        for (text, is_open) in cases {
            assert_eq!(is_unfinished(text), is_open, "{text:?}");
        }
    }
}
