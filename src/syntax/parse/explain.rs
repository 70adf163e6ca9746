use pest::Parser;
use pest::error::{Error, ErrorVariant, InputLocation};

use super::{Grammar, Pair, Reader, Rule, is_keyword};
use crate::diagnostic::Span;
use crate::syntax::SyntaxError;
use crate::syntax::foreign::{Foreign, foreign_statement};
use crate::syntax::scan::REPORTED;

impl<'a> Reader<'a> {
    /// Says what is wrong with a statement, or a line of a service, that cannot be read.
    pub(super) fn explain(&mut self, pair: Pair<'a>, is_clause: bool) {
        let (from, to) = self.range(&pair);
        self.explain_piece(from, from, to, is_clause);
    }

    /// Says what is wrong with a piece of text; what lies in blocks before `unread` is told already.
    pub(super) fn explain_piece(&mut self, from: usize, unread: usize, to: usize, is_clause: bool) {
        let flat: &'a str = self.flat;
        let broken = &flat[from..to];
        if self.patience < broken.len() {
            if self.patience > 0 {
                self.patience = 0;
                self.problems.push(SyntaxError::TooMuchBroken {
                    at: self.at(from, from + 1),
                });
            }
            return;
        }
        self.patience -= broken.len();
        if broken.bytes().any(|byte| byte == REPORTED) {
            if matches!(first_word(broken), "if" | "for" | "while" | "case") {
                self.foreign_blocks += 1;
            }
        } else if let Some(foreign) = foreign_statement(broken).filter(|_| !is_clause) {
            let header = broken
                .find(['<', '\n'])
                .map_or(broken.len(), |end| broken[..end].trim_end().len());
            self.tell_foreign(first_word(broken), foreign, self.at(from, from + header.max(1)));
        } else {
            let rule = if is_clause {
                Rule::alone_clause
            } else {
                Rule::alone_statement
            };
            if let Err(error) = Grammar::parse(rule, &without_blocks(broken)) {
                self.tell_unexpected(error, from, to, is_clause);
            }
        }
        if !broken.starts_with("service") {
            self.look_into_blocks(unread, to);
        }
    }

    /// Reports what is wrong inside the blocks of a statement that cannot be read.
    fn look_into_blocks(&mut self, from: usize, to: usize) {
        let flat: &'a str = self.flat;
        let mut depth = 0;
        let mut opened = from;
        for (at, byte) in flat.bytes().enumerate().take(to).skip(from) {
            match byte {
                b'<' => {
                    if depth == 0 {
                        opened = at;
                    }
                    depth += 1;
                }
                b'>' if depth > 0 => {
                    depth -= 1;
                    if depth == 0 {
                        self.body(Rule::alone_block, opened, at + 1);
                    }
                }
                _ => {}
            }
        }
    }

    /// Reports another shell's statement; its inner words are not told again.
    pub(super) fn tell_foreign(&mut self, word: &str, foreign: Foreign, at: Span) {
        match word {
            "if" | "for" | "while" | "case" => self.foreign_blocks += 1,
            "then" | "do" | "elif" if self.foreign_blocks > 0 => return,
            "fi" | "done" | "esac" if self.foreign_blocks > 0 => {
                self.foreign_blocks -= 1;
                return;
            }
            _ => {}
        }
        let Foreign { says, instead, .. } = foreign;
        self.problems.push(SyntaxError::OtherShell { says, instead, at });
    }

    /// Reports what the grammar met and what it wanted, for a piece that begins at `from`.
    pub(super) fn tell_unexpected(&mut self, error: Error<Rule>, from: usize, to: usize, is_clause: bool) {
        let start = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => (from + at).min(to),
        };
        let wanted = match error.variant {
            ErrorVariant::ParsingError { positives, .. } => positives,
            ErrorVariant::CustomError { .. } => Vec::new(),
        };
        let rest = &self.flat[start..to];
        let start = start + (rest.len() - rest.trim_start().len());
        let found = first_token(&self.flat[start..to]);
        let written = &self.text[start..start + found.len()];
        let said = &self.text[from..start];
        let help = help_for(first_word(&self.flat[from..to]), said, written, is_clause);
        let expected = expected_of(&wanted);
        if written == "else" && self.foreign_blocks > 0 {
            return;
        }
        let expected = expected.unwrap_or_else(|| "the end of the statement".to_owned());
        let (says, at) = if written.is_empty() {
            let end = from + self.flat[from..to].trim_end().len();
            let place = self.at(end.saturating_sub(1).max(from), end);
            (format!("the statement ends where {expected} should stand"), place)
        } else {
            let place = self.at(start, start + written.len());
            (
                format!("`{}` stands where {expected} should", shorten(written)),
                place,
            )
        };
        self.problems.push(SyntaxError::Unexpected {
            says,
            expected,
            help,
            at,
        });
    }
}

/// The text with nothing but blanks in its blocks: what they hold is another matter.
fn without_blocks(text: &str) -> String {
    let mut depth = 0;
    let blank = |byte: u8| {
        match byte {
            b'<' => depth += 1,
            b'>' if depth > 0 => depth -= 1,
            _ if depth > 0 => return b' ',
            _ => return byte,
        }
        let is_outermost = depth == usize::from(byte == b'<');
        if is_outermost { byte } else { b' ' }
    };
    String::from_utf8(text.bytes().map(blank).collect()).expect("whole blocks are replaced")
}

fn shorten(written: &str) -> String {
    match written.char_indices().nth(40) {
        Some((at, _)) => format!("{}...", &written[..at]),
        None => written.to_owned(),
    }
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start();
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-' && letter != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The word or mark that stands first.
fn first_token(text: &str) -> &str {
    let is_mark = |letter: char| "<>()[]|,;\"'".contains(letter);
    let Some(first) = text.chars().next() else {
        return "";
    };
    if first == '"' || first == '\'' {
        let end = text[1..].find(first).map_or(text.len(), |end| end + 2);
        return &text[..end];
    }
    if is_mark(first) {
        return &text[..first.len_utf8()];
    }
    let end = text.find(|letter: char| is_mark(letter) || letter.is_whitespace());
    &text[..end.unwrap_or(text.len())]
}

/// What was wanted, in the operator's words: at most four things.
fn expected_of(wanted: &[Rule]) -> Option<String> {
    let statements = wanted
        .iter()
        .filter(|rule| matches!(rule, Rule::word_require | Rule::word_let | Rule::word_stop));
    if statements.count() == 3 {
        return Some("a statement".to_owned());
    }
    let mut names: Vec<String> = Vec::new();
    for name in wanted.iter().filter_map(|rule| name_of(*rule)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let holds = |names: &[String], name: &str| names.iter().any(|other| other == name);
    if holds(&names, "`serially`") {
        names = ["`<`".to_owned(), "a mode such as `in parallel`".to_owned()].into();
    }
    if holds(&names, "a value") {
        let is_value = [
            "a set of nodes",
            "a name",
            "a text in quotes",
            "`$name`",
            "a number with its unit",
            "`(`",
            "`[`",
        ];
        names.retain(|name| name == "`<`" || !name.starts_with('`') && !is_value.contains(&name.as_str()));
    }
    if ["`<`", "the end of the statement", "`)`", "`have`"]
        .iter()
        .any(|name| holds(&names, name))
    {
        let is_infix = [
            "and", "or", "is", "in", "at", "more", "less", "not", "matches", "|",
        ];
        names.retain(|name| !is_infix.contains(&name.trim_matches('`')));
    }
    names.sort_by_key(|name| name.starts_with('`') && name != "`<`");
    if names.len() > 6 {
        names.truncate(4);
        names.push("something alike".to_owned());
    }
    let last = names.pop()?;
    if names.is_empty() {
        Some(last)
    } else {
        Some(format!("{} or {last}", names.join(", ")))
    }
}

/// What a rule is called; nothing for what would only confuse.
fn name_of(rule: Rule) -> Option<String> {
    if is_keyword(rule) {
        return format!("{rule:?}")
            .strip_prefix("word_")
            .map(|word| format!("`{word}`"));
    }
    let name = match rule {
        Rule::open | Rule::block | Rule::service_block => "`<`",
        Rule::close => "`>`",
        Rule::open_round | Rule::group => "`(`",
        Rule::close_round => "`)`",
        Rule::open_square | Rule::list => "`[`",
        Rule::close_square => "`]`",
        Rule::equals => "`=`",
        Rule::colon => "`:`",
        Rule::pipe => "`|`",
        Rule::alone_statement => "a statement",
        Rule::alone_clause => "a line of a service such as `may lose 1 node`",
        Rule::EOI | Rule::end => "the end of the statement",
        Rule::nodes | Rule::host | Rule::folded => "a set of nodes",
        Rule::name | Rule::name_path | Rule::field_name => "a name",
        Rule::string => "a text in quotes",
        Rule::variable | Rule::dollar | Rule::braced => "`$name`",
        Rule::number => "a number with its unit",
        Rule::regex => "a regular expression, `/.../`",
        Rule::expression | Rule::pipeline | Rule::row_condition | Rule::quantified | Rule::call => "a value",
        Rule::on | Rule::locally | Rule::command | Rule::holds | Rule::succeeds | Rule::row | Rule::truth => {
            "a value"
        }
        Rule::filter | Rule::plain_filter => "a filter",
        Rule::test | Rule::guard_call => "a guard or a condition in `( )`",
        Rule::type_expression | Rule::table_type | Rule::choice => "a type",
        Rule::gap => "a blank",
        Rule::positional | Rule::bare | Rule::run_of_text | Rule::item => "a word",
        Rule::budget => "`a minority`, `1 node` or `none`",
        Rule::parameter | Rule::parameters => "a parameter, `name: type`",
        Rule::column => "a column, `name: type`",
        Rule::serially | Rule::in_parallel | Rule::in_batches | Rule::by_domain => {
            "a mode such as `in parallel`"
        }
        Rule::option_last | Rule::option_tolerating | Rule::option_at_most | Rule::option_as_root => {
            "an option such as `tolerating 1`"
        }
        Rule::done_when | Rule::may_disconnect | Rule::named | Rule::as_name | Rule::rehearsed_as => {
            return None;
        }
        _ => return None,
    };
    Some(name.to_owned())
}

/// What to write instead, where the words around give it away.
fn help_for(statement: &str, said: &str, found: &str, is_clause: bool) -> Option<String> {
    let last = said.split_whitespace().last().unwrap_or("");
    let help = match (statement, found) {
        (_, "else") => {
            "`else` belongs to `if`, `try`, `wait` (with a block) and to `require`, `check` (with a text)"
        }
        ("else", _) => {
            "`else` stands behind the `>` of an `if`, `try` or `wait`, or behind a `require` or `check`"
        }
        ("simulate", "") => "say what it prints: `simulate \"etcdctl member list\" < \"...\" >`",
        ("simulate", _) => "it gives the output of a command: `simulate \"etcdctl member list\" < \"...\" >`",
        ("on", "parallel" | "parallely" | "parallelly" | "concurrently" | "together") => {
            "write `on NODES in parallel < ... >`"
        }
        ("on", "serial" | "sequentially" | "one-by-one" | "series") => {
            "write `on NODES serially < ... >`, or nothing: one node at a time is the rule"
        }
        ("on", "do" | "then" | "begin" | ":") => "a block is written `< ... >`: `on NODES < ... >`",
        ("on", "or") => "a comma stands before it: `on NODES, or none < ... >`",
        ("on", "tolerating" | "at" | "as") => {
            "a comma stands before each option: `on NODES serially, tolerating 1 < ... >`"
        }
        ("on", "last") => "a comma stands before it: `on NODES serially, mds_master last < ... >`",
        ("on", "locally") => "write `locally < ... >` for the machine that runs the script",
        ("on", _) if last == "locally" => "write `locally < ... >` for the machine that runs the script",
        ("on", "") if is_clause => "name the group that has the service: `on mds_nodes`",
        ("on", "") => "say what is done there: `on NODES < stop NAME >`",
        ("let", _) if found.starts_with('$') => {
            "drop the `$`: a name is written without it where it is given, `let x = ...`"
        }
        ("let", _) if said.split_whitespace().count() == 2 => "write `let NAME = VALUE`",
        ("for", _) if found.starts_with('$') => {
            "drop the `$`: a name is written without it where it is given, `for x in ...`"
        }
        ("check" | "if", "|") => "put the pipeline in parentheses: `(mds | count) is 3`",
        ("require" | "promise", "|") => "put the condition in parentheses: `require ((mds | count) is 3)`",
        ("if" | "check" | "require" | "promise", "=") => "`=` names arguments; compare with `is`",
        ("param", "=" | "") => "say of what type it is: `param NAME: int = 5`",
        ("guard" | "verb" | "service" | "fact", "," | ")") => "say of what type it is: `name: int`",
        ("fact", "<") => "say what it yields: `fact NAME: table(host: node, status: string) < ... >`",
        ("on", "<") if said.contains(',') => {
            "sets of nodes are joined by `+`: `on a + b < ... >`; a comma stands before options"
        }
        (
            "wait" | "require" | "promise",
            "is" | "and" | "or" | "at" | "more" | "less" | "in" | "matches" | "not" | "|",
        ) if last.ends_with(')') => "put the whole condition in parentheses: `((mds | count) is 5)`",
        (_, "=") if said.split_whitespace().any(|word| word == "where") => {
            "`=` names arguments; compare with `is`"
        }
        (_, "=") if last != "let" && statement != "let" => {
            "`=` names arguments, `key=value` without blanks; compare with `is`"
        }
        ("run" | "probe", _) if last == statement => {
            "the command is one text: `run \"umount $mount\"`; each value in it becomes one quoted word"
        }
        ("wait", _) if last == "wait" => "every wait has a limit: `wait up to 10m until GUARD`",
        ("if" | "check", "contains") => "write `\"a\" in $list`, or `matches /a/`",
        ("note" | "fail" | "skip" | "manual" | "confirm" | "outage", _) if last == statement => {
            "put the text in quotes"
        }
        ("leave", "") => "say why: `leave NAME stopped \"why\"`",
        ("outage", "") => "say what is done meanwhile: `outage \"why\" < ... >`",
        (_, "&") => "nothing runs in the background; use `on NODES in parallel < ... >`",
        (_, ",") => "words are parted by blanks alone; put the text in quotes if the comma belongs to it",
        _ => return None,
    };
    Some(help.to_owned())
}
