use crate::project::{KEYWORDS, Vocabulary, WORDS};

/// What a part of a line is drawn as.
const KEYWORD: &str = "1;34";
const WORD: &str = "34";
const NAME: &str = "36";
const TEXT: &str = "32";
const VARIABLE: &str = "35";
const NUMBER: &str = "33";
const COMMENT: &str = "2";
const UNKNOWN: &str = "31";

/// A line with its colours: nothing but colours is added.
pub(super) fn highlight(line: &str, vocabulary: &Vocabulary) -> String {
    let mut drawn = String::with_capacity(line.len() * 2);
    let names = Names::of(vocabulary);
    let (mut rest, mut is_first) = (line, true);
    while let Some(letter) = rest.chars().next() {
        let length = match letter {
            '#' if drawn.is_empty() || line[..line.len() - rest.len()].ends_with(char::is_whitespace) => {
                rest.find('\n').unwrap_or(rest.len())
            }
            '"' | '\'' => text_length(rest, letter),
            '$' => {
                1 + rest[1..]
                    .find(|it: char| !is_part(it) && !"{}.".contains(it))
                    .unwrap_or(rest.len() - 1)
            }
            _ if is_part(letter) || letter == ':' && line.len() == rest.len() => {
                let tail = rest.find(|it: char| !(is_part(it) || it == ':' && line.len() == rest.len()));
                tail.unwrap_or(rest.len())
            }
            _ => letter.len_utf8(),
        };
        let (part, tail) = rest.split_at(length);
        let colour = match letter {
            '#' if length > 1 => Some(COMMENT),
            '"' | '\'' => Some(TEXT),
            '$' => Some(VARIABLE),
            _ if is_part(letter) || part.starts_with(':') => names.colour(part, is_first, !tail.is_empty()),
            _ => None,
        };
        match colour {
            Some(colour) => drawn.push_str(&format!("\x1b[{colour}m{part}\x1b[0m")),
            None => drawn.push_str(part),
        }
        is_first = match letter {
            '<' | '>' | ';' | '\n' => true,
            _ if letter.is_whitespace() => is_first,
            _ => false,
        };
        rest = tail;
    }
    drawn
}

fn is_part(letter: char) -> bool {
    letter.is_alphanumeric() || "-_./%".contains(letter)
}

/// How long a text in quotes is, its quotes with it; one that is open goes to the end.
fn text_length(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if quote == '"' => is_escaped = true,
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The names that have a colour.
struct Names<'v> {
    known: std::collections::HashSet<&'v str>,
    vocabulary: &'v Vocabulary,
}

impl<'v> Names<'v> {
    fn of(vocabulary: &'v Vocabulary) -> Names<'v> {
        let names = [
            vocabulary.verbs(),
            vocabulary.guards(),
            vocabulary.facts(),
            vocabulary.services(),
        ];
        let known = names.into_iter().flatten().chain(vocabulary.filters());
        Names {
            known: known.collect(),
            vocabulary,
        }
    }

    fn colour(&self, word: &str, is_first: bool, is_ended: bool) -> Option<&'static str> {
        let inventory = self.vocabulary.inventory();
        if word.starts_with(':') || KEYWORDS.iter().any(|(known, _)| *known == word) {
            Some(KEYWORD)
        } else if self.known.contains(word)
            || inventory.group(word).is_some()
            || inventory.node(word).is_some()
        {
            Some(NAME)
        } else if WORDS.contains(&word) {
            Some(WORD)
        } else if word.starts_with(|letter: char| letter.is_ascii_digit()) {
            Some(NUMBER)
        } else {
            // A word that is still being typed may become a known one.
            (is_first && is_ended && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
                .then_some(UNKNOWN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repl::complete::tests::vocabulary;

    #[test]
    fn nothing_but_colours_is_added() {
        let vocabulary = vocabulary();
        let lines = [
            "on mds_nodes serially < stop pstorage-mdsd >",
            ":plan on node1 < run \"df -h $node\" > # look",
            "let x = 'open",
            "\u{fc}ber \u{1f600} \"\\\" $",
            "$",
            "#",
            "a#b ::: <<>>",
            "",
        ];
        for line in lines {
            let drawn = highlight(line, &vocabulary);
            let mut plain = String::new();
            let mut rest = drawn.as_str();
            while let Some(at) = rest.find("\x1b[") {
                plain.push_str(&rest[..at]);
                rest = &rest[at..];
                rest = &rest[rest.find('m').expect("it ends") + 1..];
            }
            plain.push_str(rest);
            assert_eq!(plain, line);
        }
        assert!(highlight("stop x", &vocabulary).starts_with("\x1b[1;34mstop\x1b[0m"));
        assert!(highlight("stpo x", &vocabulary).starts_with("\x1b[31mstpo"));
    }
}
