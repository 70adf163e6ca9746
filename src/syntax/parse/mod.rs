//! The boundary to the parser generator: no `Rule` leaves this folder.

mod declaration;
mod explain;
mod expression;
mod statement;
mod text;

use pest::Parser;
use pest::iterators::{Pair as PestPair, Pairs as PestPairs};

use super::scan::scan_text;
use super::{Block, Script};
use crate::diagnostic::{Problems, Span, Spanned};

/// The parser generated from the grammar.
#[derive(pest_derive::Parser)]
#[grammar = "../grammar/quorate.pest"]
struct Grammar;

type Pair<'i> = PestPair<'i, Rule>;
type Pairs<'i> = PestPairs<'i, Rule>;

/// Reads a script; `base` is the byte at which `text` begins in the source map.
///
/// Reading never fails as a whole: a statement that cannot be read is reported in
/// `problems` and left out, and the statements around it are kept. Problems that more text
/// could repair are told apart.
pub fn parse_script(text: &str, base: u32, problems: &mut Problems) -> Script {
    let Some(flat) = scan_text(text, base, problems) else {
        return Script::default();
    };
    let mut reader = Reader {
        text,
        flat: &flat.text,
        base,
        offset: 0,
        problems,
        operators: 0,
        is_in_expression: false,
        foreign_blocks: 0,
        is_told: false,
        patience: PATIENCE + 8 * flat.text.len(),
    };
    let statements = reader.body(Rule::script, 0, flat.text.len());
    Script {
        statements,
        comments: flat.comments,
    }
}

/// Bytes of broken statements that are read again at least: each level of a broken nest is, so
/// without a bound a wholly broken text would take time by the square of its depth.
const PATIENCE: usize = 64 << 10;

/// What is known while pairs of the grammar become nodes of the tree.
struct Reader<'a> {
    /// The text as written.
    text: &'a str,
    /// The same, laid flat; pairs point into it.
    flat: &'a str,
    /// Where the text begins on the number line.
    base: u32,
    /// Where the piece in hand begins in the text.
    offset: usize,
    problems: &'a mut Problems,
    /// Operators of the expression in hand, with those around it.
    operators: usize,
    is_in_expression: bool,
    /// Blocks of another shell that were reported and not yet closed by its words.
    foreign_blocks: usize,
    /// Whether the statement in hand was reported as something else than it was read as.
    is_told: bool,
    /// How many bytes of broken statements may still be read again to say what is wrong.
    patience: usize,
}

impl<'a> Reader<'a> {
    /// Reads the piece of text between two bytes by a rule that holds statements.
    fn body(&mut self, rule: Rule, from: usize, to: usize) -> Block {
        let outer = std::mem::replace(&mut self.offset, from);
        let flat: &'a str = self.flat;
        let block = match Grammar::parse(rule, &flat[from..to]) {
            Ok(pairs) => self.statements(pairs.flat_map(Pair::into_inner)),
            Err(error) => {
                self.tell_unexpected(error, from, to, false);
                Block::new()
            }
        };
        self.offset = outer;
        block
    }

    /// The statements among `pairs`, looking through a frame such as `block`.
    fn statements(&mut self, pairs: impl Iterator<Item = Pair<'a>>) -> Block {
        let mut block = Block::new();
        for pair in pairs {
            match pair.as_rule() {
                Rule::statement => {
                    let (from, to) = self.range(&pair);
                    let mut inner = parts(pair);
                    let form = inner.next().expect("a statement has a form");
                    let span = self.span(&form);
                    let is_worth_keeping = form.as_str().contains('<');
                    match inner.next() {
                        Some(rest) => {
                            if is_worth_keeping {
                                self.keep_statement(form, span, &mut block);
                            }
                            let (rest, _) = self.range(&rest);
                            self.explain_piece(from, rest, to, false);
                        }
                        None => self.keep_statement(form, span, &mut block),
                    }
                }
                Rule::broken => self.explain(pair, false),
                Rule::block => block.extend(self.statements(pair.into_inner())),
                _ => {}
            }
        }
        block
    }

    /// Adds a statement, unless it was reported: nothing more is to be said about it.
    fn keep_statement(&mut self, form: Pair<'a>, span: Span, block: &mut Block) {
        let outer = std::mem::replace(&mut self.is_told, false);
        let statement = self.statement(form);
        if !std::mem::replace(&mut self.is_told, outer) {
            block.push(Spanned::new(statement, span));
        }
    }

    /// The first and last byte of a pair in the text, without blanks behind it.
    fn range(&self, pair: &Pair) -> (usize, usize) {
        let start = pair.as_span().start();
        let length = pair.as_str().trim_end().len();
        (self.offset + start, self.offset + start + length)
    }

    fn span(&self, pair: &Pair) -> Span {
        let (from, to) = self.range(pair);
        self.at(from, to)
    }

    fn at(&self, from: usize, to: usize) -> Span {
        Span::new(self.base + from as u32, self.base + to as u32)
    }

    /// What was written there, before the text was laid flat.
    fn written(&self, pair: &Pair) -> &'a str {
        let (from, to) = self.range(pair);
        &self.text[from..to]
    }

    fn written_at(&self, span: Span) -> &'a str {
        &self.text[(span.start - self.base) as usize..(span.end - self.base) as usize]
    }

    fn named(&self, pair: &Pair) -> Spanned<String> {
        Spanned::new(self.written(pair).to_owned(), self.span(pair))
    }
}

/// A sign that is no part of a word, wherever the author put blanks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sign {
    /// Its first byte.
    pub at: usize,
    /// The byte after its last.
    pub end: usize,
    /// Whether it clings to what stands before it, as a comma does; else a blank stands on both sides.
    pub clings: bool,
    /// Whether it is the `|` of a pipeline.
    pub is_pipe: bool,
}

/// Every sign of a flat text that is read without problems, in order.
pub(super) fn find_signs(flat: &str) -> Vec<Sign> {
    let Ok(pairs) = Grammar::parse(Rule::script, flat) else {
        return Vec::new();
    };
    let signs = pairs.flatten().filter_map(|pair| {
        let (mut at, mut end) = (pair.as_span().start(), pair.as_span().end());
        let clings = match pair.as_rule() {
            Rule::comma | Rule::colon | Rule::rest => true,
            Rule::parameters | Rule::table_type => {
                at += pair.as_str().find('(')?;
                end = at + 1;
                true
            }
            Rule::equals
            | Rule::pipe
            | Rule::node_operator
            | Rule::add
            | Rule::subtract
            | Rule::multiply
            | Rule::divide
            | Rule::intersect => false,
            _ => return None,
        };
        let is_pipe = pair.as_rule() == Rule::pipe;
        let sign = Sign {
            at,
            end,
            clings,
            is_pipe,
        };
        Some(sign)
    });
    let mut signs: Vec<Sign> = signs.collect();
    signs.sort_by_key(|sign| sign.at);
    signs
}

/// The next pair, where the grammar puts one for sure.
fn first<'i>(mut pairs: Pairs<'i>) -> Pair<'i> {
    pairs.next().expect("the grammar puts a pair here")
}

/// The pairs inside that are not keywords, punctuation or ends.
fn parts<'i>(pair: Pair<'i>) -> impl Iterator<Item = Pair<'i>> {
    pair.into_inner().filter(|part| !is_mark(part.as_rule()))
}

/// Whether a rule is a mark that only helps messages.
fn is_mark(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::open
            | Rule::close
            | Rule::pipe
            | Rule::equals
            | Rule::colon
            | Rule::comma
            | Rule::open_round
            | Rule::close_round
            | Rule::open_square
            | Rule::close_square
            | Rule::gap
            | Rule::end
            | Rule::EOI
    ) || is_keyword(rule)
}

/// Whether a rule is a keyword: they stand together at the end of the grammar.
fn is_keyword(rule: Rule) -> bool {
    (Rule::word_a as usize..=Rule::word_within as usize).contains(&(rule as usize))
}

/// Whether the keyword stands directly inside.
fn has(pair: &Pair, rule: Rule) -> bool {
    pair.clone().into_inner().any(|part| part.as_rule() == rule)
}

#[cfg(test)]
mod tests {
    use super::{Rule, is_keyword};

    #[test]
    fn keywords_stand_together_at_the_end_of_the_grammar() {
        for rule in Rule::all_rules() {
            let name = format!("{rule:?}");
            let is_named_so = name.starts_with("word_") && name != "word_char" && name != "word_end";
            assert_eq!(is_keyword(*rule), is_named_so, "{name}");
        }
    }
}
