use std::collections::BTreeSet;

use crate::diagnostic::Span;
use crate::syntax::Block;

/// What a command prints on a simulated cluster, checked.
#[derive(Debug, Clone)]
pub struct ModelDefinition {
    /// Which commands are meant.
    pub pattern: CommandPattern,
    /// The module whose names its body sees.
    pub module: String,
    /// What is printed.
    pub body: Block,
    /// Where the pattern is written.
    pub span: Span,
}

/// The words of a command, some of them in parts only: `etcdctl --command-timeout={limit} member list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandPattern(Vec<Word>);

/// A word, or what stands before and behind the one part of it that is not always the same.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Whole(String),
    Part {
        before: String,
        name: String,
        behind: String,
    },
}

/// What a shell makes something of; a model is written for one program and its arguments.
const SHELL: [char; 11] = ['\'', '"', '\\', '$', '`', '|', '&', ';', '<', '>', '#'];

impl CommandPattern {
    /// Reads the words; `{name}` is what is not always the same, one a word at most.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, as what follows `it`.
    pub fn read(text: &str) -> Result<CommandPattern, String> {
        let words: Vec<Word> = text.split_whitespace().map(read_word).collect::<Result<_, _>>()?;
        if let Some(letter) = text.chars().find(|letter| SHELL.contains(letter)) {
            return Err(format!("has a `{letter}`, which is for the shell"));
        }
        match words.first() {
            None => return Err("has no words".to_owned()),
            Some(Word::Part { .. }) => return Err("must begin with the name of a program".to_owned()),
            Some(Word::Whole(_)) => {}
        }
        let pattern = CommandPattern(words);
        let mut names = BTreeSet::new();
        if let Some(twice) = pattern.names().find(|name| !names.insert(*name)) {
            return Err(format!("has two parts of the name `{twice}`"));
        }
        Ok(pattern)
    }

    /// The names of what is not always the same.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|word| match word {
            Word::Part { name, .. } => Some(name.as_str()),
            Word::Whole(_) => None,
        })
    }

    /// What stands at each of the names, if these are the words of such a command.
    pub fn find(&self, words: &[String]) -> Option<Vec<(&str, String)>> {
        if words.len() != self.0.len() {
            return None;
        }
        let mut found = Vec::new();
        for (word, given) in self.0.iter().zip(words) {
            match word {
                Word::Whole(text) if text == given => {}
                Word::Whole(_) => return None,
                Word::Part { before, name, behind } => {
                    let part = given.strip_prefix(before.as_str())?;
                    let part = part.strip_suffix(behind.as_str())?;
                    found.push((name.as_str(), part.to_owned()));
                }
            }
        }
        Some(found)
    }
}

fn read_word(word: &str) -> Result<Word, String> {
    let Some((before, rest)) = word.split_once('{') else {
        return match word.contains('}') {
            true => Err(format!("has a `}}` without its `{{` in `{word}`")),
            false => Ok(Word::Whole(word.to_owned())),
        };
    };
    let (name, behind) = rest
        .split_once('}')
        .ok_or_else(|| format!("has a `{{` without its `}}` in `{word}`"))?;
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    if !is_name {
        return Err(format!(
            "has `{{{name}}}` in it; a name has letters, digits and hyphens"
        ));
    }
    if behind.contains(['{', '}']) {
        return Err(format!("has two parts in the one word `{word}`"));
    }
    Ok(Word::Part {
        before: before.to_owned(),
        name: name.to_owned(),
        behind: behind.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::CommandPattern;

    fn find(pattern: &str, command: &str) -> Option<String> {
        let pattern = CommandPattern::read(pattern).expect("it is a pattern");
        let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
        let found = pattern.find(&words)?;
        let found = found.iter().map(|(name, part)| format!("{name}={part}"));
        Some(found.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn words_are_found_whole_or_in_part() {
        assert_eq!(
            find("etcdctl member list", "etcdctl member list").as_deref(),
            Some("")
        );
        assert_eq!(find("etcdctl member list", "etcdctl member"), None);
        assert_eq!(
            find("ctl --limit={limit} remove {id}", "ctl --limit=2s remove 17").as_deref(),
            Some("limit=2s id=17")
        );
        assert_eq!(find("ctl --limit={limit}", "ctl --other=2s"), None);
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for (text, why) in [
            ("", "no words"),
            ("{all} list", "must begin"),
            ("ctl {a} {a}", "two parts of the name `a`"),
            ("ctl {a", "without its `}`"),
            ("ctl {a}{b}", "two parts in the one word"),
            ("ctl {}", "letters, digits"),
            ("ctl {a}}", "two parts in the one word"),
            ("ctl a}", "without its `{`"),
            ("ctl 'a b'", "for the shell"),
            ("ctl a | cat", "for the shell"),
        ] {
            let error = CommandPattern::read(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
