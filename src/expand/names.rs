use std::collections::{BTreeMap, BTreeSet};

/// Names that are taken, so that each new thing gets one of its own.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
    /// Those that were given out.
    given: Vec<String>,
    /// Whether they are names of a shell script.
    is_shell: bool,
}

/// What an awk program may not call its variables and functions.
const AWK_WORDS: &str = "BEGIN END function func getline print printf if else while for do break continue next \
    nextfile exit return delete in length substr index split sub gsub match sprintf sin cos atan2 exp log sqrt int \
    rand srand tolower toupper system close fflush and or xor compl lshift rshift strftime systime gensub asort \
    asorti mktime switch case default include load namespace RS FS NR NF FNR FILENAME OFS ORS RSTART RLENGTH SUBSEP \
    ARGC ARGV ENVIRON CONVFMT OFMT RT IGNORECASE BINMODE FPAT PROCINFO place row it table key value verdict found steady list turn last nodes names node made";

/// What a script may not call its variables: they are the shell's or the system's own.
const SHELL_WORDS: &str = "if then else elif fi do done case esac while until for in PATH HOME IFS ENV PS1 PS2 PS4 \
    LC_ALL LANG PWD OLDPWD SHELL USER TERM TMPDIR PPID LINENO OPTARG OPTIND MAIL MAILPATH RANDOM SECONDS UID EUID \
    HOSTNAME HOSTTYPE BASH GROUPS DIRSTACK FUNCNAME REPLY PATTERN _ program argument";

impl Names {
    /// The names of an awk program, with the functions of the library taken.
    pub fn of_awk(library: &str) -> Names {
        let functions = library.lines().filter_map(|line| {
            let rest = line.strip_prefix("function ")?;
            rest.split('(').next()
        });
        Names {
            taken: AWK_WORDS
                .split_whitespace()
                .chain(functions)
                .map(str::to_owned)
                .collect(),
            given: Vec::new(),
            is_shell: false,
        }
    }

    /// The names of a shell script, with the variables and functions of the library taken.
    pub fn of_shell(library: &str) -> Names {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let mut taken: BTreeSet<String> = SHELL_WORDS.split_whitespace().map(str::to_owned).collect();
        for (at, _) in library.match_indices(['=', '(']) {
            let before = &library[..at];
            let start = before.rfind(|letter| !is_name(letter)).map_or(0, |last| last + 1);
            taken.insert(before[start..].to_owned());
        }
        // Those that are read, looped over, or read from a line.
        for mark in ["$", "${", "for ", "read -r "] {
            for (at, _) in library.match_indices(mark) {
                let rest = &library[at + mark.len()..];
                let end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
                taken.insert(rest[..end].to_owned());
            }
        }
        Names {
            taken,
            given: Vec::new(),
            is_shell: true,
        }
    }

    /// A name of its own for what a script calls `wanted`.
    pub fn take(&mut self, wanted: &str) -> String {
        let mut plain = plain_name(wanted);
        // `x_1` is where an outer `on` keeps its `x`, and `value_x` the value behind the words of `x`.
        let (_, last) = plain.rsplit_once('_').unwrap_or(("", "x"));
        if self.is_shell
            && (plain.starts_with("value_") || last.chars().all(|letter| letter.is_ascii_digit()))
        {
            plain = if plain.starts_with("value_") {
                format!("own_{plain}")
            } else {
                format!("{plain}_own")
            };
        }
        let mut name = plain.clone();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = match self.is_shell {
                true => format!("{plain}_n{number}"),
                false => format!("{plain}_{number}"),
            };
            number += 1;
        }
        self.given.push(name.clone());
        name
    }

    /// The names that were given out.
    pub fn given(&self) -> impl Iterator<Item = &str> {
        self.given.iter().map(String::as_str)
    }

    /// Whether a name is taken.
    pub fn has(&self, name: &str) -> bool {
        self.taken.contains(name)
    }
}

/// A name of the language as shells and awk take it.
pub(super) fn plain_name(wanted: &str) -> String {
    let plain: String = wanted
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        })
        .collect();
    match plain.starts_with(|letter: char| letter.is_ascii_digit()) {
        true => format!("_{plain}"),
        false => plain,
    }
}

/// Functions of a library, each by its name, in the order of the text.
pub(super) struct Library {
    functions: Vec<(String, String)>,
    /// Whether a bracket follows a name that is called, as in awk.
    has_brackets: bool,
    places: BTreeMap<String, usize>,
}

impl Library {
    /// Cuts a library's text at its functions: `function name(` or `name() {`, with the comment before each.
    pub fn read(texts: &[&str]) -> Library {
        let parts: Vec<Vec<&str>> = texts.iter().map(|text| text.lines().collect()).collect();
        Library::of(&parts)
    }

    /// The same of lines that were put together; what a text of the runbook has in it is one of them, however
    /// many lines it has itself.
    pub fn of<Line: AsRef<str>>(parts: &[Vec<Line>]) -> Library {
        let mut functions: Vec<(String, String)> = Vec::new();
        for lines in parts {
            let mut comment = String::new();
            let mut open: Option<(String, String)> = None;
            for line in lines.iter().map(AsRef::as_ref) {
                if let Some((_, body)) = &mut open {
                    body.push_str(line);
                    body.push('\n');
                    if line == "}" {
                        functions.extend(open.take());
                    }
                    continue;
                }
                match name_of(line) {
                    Some(name) => {
                        let body = format!("{}{line}\n", std::mem::take(&mut comment));
                        // A function of one line has its end in it.
                        match line.ends_with('}') {
                            true => functions.push((name, body)),
                            false => open = Some((name, body)),
                        }
                    }
                    None if line.starts_with('#') => {
                        comment.push_str(line);
                        comment.push('\n');
                    }
                    None => comment.clear(),
                }
            }
        }
        let has_brackets = parts
            .iter()
            .flatten()
            .any(|line| line.as_ref().starts_with("function "));
        Library::with(functions, has_brackets)
    }

    /// Its functions: the name and the text of each.
    #[cfg(test)]
    pub fn functions(&self) -> &[(String, String)] {
        &self.functions
    }

    /// Libraries of one kind, one behind the other.
    pub fn joined(parts: &[Library]) -> Library {
        let functions = parts
            .iter()
            .flat_map(|part| part.functions.iter().cloned())
            .collect();
        Library::with(functions, parts.iter().any(|part| part.has_brackets))
    }

    fn with(functions: Vec<(String, String)>, has_brackets: bool) -> Library {
        let named = functions.iter().enumerate();
        let places = named.map(|(place, (name, _))| (name.clone(), place)).collect();
        Library {
            functions,
            has_brackets,
            places,
        }
    }

    /// All functions.
    pub fn whole(&self) -> String {
        let bodies: Vec<&str> = self.functions.iter().map(|(_, body)| body.as_str()).collect();
        bodies.join("\n")
    }

    /// The functions that `text` uses, and those that these use, in the order of the library.
    pub fn used_by(&self, text: &str) -> String {
        self.only(&self.names_used_by(text))
    }

    /// The functions of these names, in the order of the library.
    pub fn only(&self, names: &BTreeSet<String>) -> String {
        let kept = self.functions.iter().filter(|(name, _)| names.contains(name));
        let bodies: Vec<&str> = kept.map(|(_, body)| body.as_str()).collect();
        bodies.join("\n")
    }

    /// The names of the functions that `text` uses, and of those that these use.
    pub fn names_used_by(&self, text: &str) -> BTreeSet<String> {
        let mut used: BTreeSet<usize> = BTreeSet::new();
        let mut left: Vec<usize> = self.named_in(text);
        while let Some(place) = left.pop() {
            if used.insert(place) {
                left.extend(self.named_in(self.body(place)));
            }
        }
        used.iter()
            .map(|place| self.functions[*place].0.clone())
            .collect()
    }

    /// A function without the line that names it.
    fn body(&self, place: usize) -> &str {
        let text = &self.functions[place].1;
        match self.has_brackets {
            true => text,
            false => text.split_once("() {").map_or(text, |(_, body)| body),
        }
    }

    /// The functions that a text calls: in awk a bracket follows the name, in a shell none does.
    fn named_in(&self, text: &str) -> Vec<usize> {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let mut found = Vec::new();
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let mut rest = line;
            while let Some(start) = rest.find(is_name) {
                let end = rest[start..]
                    .find(|letter| !is_name(letter))
                    .map_or(rest.len(), |length| start + length);
                let (word, after) = (&rest[start..end], &rest[end..]);
                let is_called = match self.has_brackets {
                    true => after.starts_with('('),
                    // A variable is no call.
                    false => !rest[..start].ends_with(['$', '{', '-']) && !after.starts_with(['=', '-', '/']),
                };
                if is_called {
                    found.extend(self.places.get(word).copied());
                }
                rest = after;
            }
        }
        found
    }
}

fn name_of(line: &str) -> Option<String> {
    let name = match line.strip_prefix("function ") {
        Some(rest) => rest.split('(').next()?,
        None => line.split_once("() {")?.0,
    };
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    is_name.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_used_is_taken_along() {
        let text = "# one\na() {\n    b\n}\n\n# two\nb() {\n    :\n}\n\n# three\nc() { a; }\n";
        let library = Library::read(&[text]);
        assert_eq!(library.used_by("b"), "# two\nb() {\n    :\n}\n");
        assert_eq!(
            library.used_by("a 1"),
            "# one\na() {\n    b\n}\n\n# two\nb() {\n    :\n}\n"
        );
        assert!(library.used_by("x").is_empty());
    }

    #[test]
    fn names_do_not_meet() {
        let mut names = Names::of_shell("limit=3\nssh() {\n    node=$1\n}\n");
        assert_eq!(names.take("cs"), "cs");
        assert_eq!(names.take("limit"), "limit_n2");
        assert_eq!(names.take("mounts-of-cs"), "mounts_of_cs");
        assert_eq!(names.take("mounts_of-cs"), "mounts_of_cs_n2");
        assert_eq!(names.take("value-1"), "own_value_1");
        assert_eq!(names.take("node-1"), "node_1_own");
        assert!(names.has("node") && names.has("ssh"));
    }
}
