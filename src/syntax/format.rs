use super::Script;
use super::trivia::{Item, Line, read_lines};

/// The longest line that a block written on one line may make.
const WIDEST: usize = 100;

/// Lays a script out anew: two blanks for each block, one statement a line, one blank
/// between words, comments and single empty lines kept.
///
/// Only blanks and newlines change, so the tree does not; laid out twice it is the same.
/// A block written on one line stays there if it fits; a pipeline or a list that was
/// broken over lines stays broken. To be called on a script that was read without problems.
pub fn format_script(text: &str, base: u32, script: &Script) -> String {
    let mut page = String::with_capacity(text.len());
    write_lines(&read_lines(text, base, script), 0, &mut page);
    page
}

fn write_lines(lines: &[Line], indentation: usize, page: &mut String) {
    for line in lines {
        match line {
            Line::Blank => page.push('\n'),
            Line::Comment(text) => {
                write_blanks(indentation, page);
                page.push_str(text);
                page.push('\n');
            }
            Line::Statement(items) => {
                let trial = write_statement(items, indentation, Blocks::Trial);
                let fits = trial.lines().all(|line| line.chars().count() <= WIDEST);
                let blocks = if fits { Blocks::AsWritten } else { Blocks::OnLines };
                let written = write_statement(items, indentation, blocks);
                let is_too_wide = blocks == Blocks::OnLines && {
                    let heads = write_statement(items, indentation, Blocks::Heads);
                    heads.lines().any(|line| line.chars().count() > WIDEST)
                };
                match break_pipeline(items) {
                    Some(broken) if is_too_wide => {
                        page.push_str(&write_statement(&broken, indentation, blocks));
                    }
                    _ => page.push_str(&written),
                }
                page.push('\n');
            }
        }
    }
}

/// How the blocks of a statement are laid out.
#[derive(Clone, Copy, PartialEq)]
enum Blocks {
    /// On one line where they were written so.
    AsWritten,
    /// As written, but without what stands on lines of its own: to see what fits.
    Trial,
    /// All on lines of their own.
    OnLines,
    /// As on lines of their own, but without what stands there.
    Heads,
}

/// The statement with each filter that stands in no bracket on a line of its own.
fn break_pipeline(items: &[Item]) -> Option<Vec<Item>> {
    let mut depth = 0;
    let mut pipes = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match item {
            Item::Word { text, .. } | Item::Sign { text, .. } if text == "(" || text == "[" => depth += 1,
            Item::Word { text, .. } if text == ")" || text == "]" => depth -= 1,
            Item::Sign { is_pipe: true, .. } if depth == 0 => pipes.push(index),
            _ => {}
        }
    }
    if pipes.is_empty() {
        return None;
    }
    let mut broken = Vec::with_capacity(items.len() + pipes.len());
    for (index, item) in items.iter().enumerate() {
        if pipes.contains(&index) && !matches!(broken.last(), Some(Item::Break)) {
            broken.push(Item::Break);
        }
        broken.push(item.clone());
    }
    Some(broken)
}

/// A statement without the newline behind it.
fn write_statement(items: &[Item], indentation: usize, blocks: Blocks) -> String {
    let mut written = String::new();
    write_blanks(indentation, &mut written);
    let mut writer = Writer {
        written,
        base: indentation,
        line: indentation,
        brackets: Vec::new(),
        blocks,
        is_fresh: true,
        is_behind_sign: false,
        is_behind_block: false,
    };
    for (index, item) in items.iter().enumerate() {
        writer.item(
            item,
            index.checked_sub(1).map(|before| &items[before]),
            &items[index + 1..],
        );
    }
    writer.written
}

struct Writer {
    written: String,
    /// Indentation of the statement.
    base: usize,
    /// Indentation of the line in hand.
    line: usize,
    /// For each open round or square bracket, the indentation of its line.
    brackets: Vec<usize>,
    blocks: Blocks,
    /// Whether nothing stands on the line yet.
    is_fresh: bool,
    /// Whether a sign stands before, which a blank follows.
    is_behind_sign: bool,
    /// Whether nothing but comments follows a block.
    is_behind_block: bool,
}

impl Writer {
    fn item(&mut self, item: &Item, before: Option<&Item>, after: &[Item]) {
        match item {
            Item::Word { text, is_glued } => {
                let is_free = self.is_behind_sign || matches!(before, Some(Item::Block { .. } | Item::Break));
                self.part(text, *is_glued && !is_free);
                self.count_brackets(text);
            }
            Item::Sign { text, clings, .. } => {
                self.part(text, *clings);
                self.count_brackets(text);
                self.is_behind_sign = true;
            }
            Item::Comment(text) => {
                self.written.push_str(if self.is_fresh { "" } else { "  " });
                self.written.push_str(text);
                self.is_fresh = false;
            }
            Item::Break => {
                let next = after
                    .iter()
                    .find(|item| !matches!(item, Item::Break | Item::Comment(_)));
                let is_else = matches!(next, Some(Item::Word { text, .. }) if text == "else");
                let is_last = after.is_empty();
                if is_else && self.is_behind_block {
                    let is_joined = matches!(before, Some(Item::Block { .. }))
                        && matches!(after.first(), Some(Item::Word { .. }));
                    if !is_joined {
                        self.line = self.base;
                        self.new_line();
                    }
                } else if !is_last {
                    let closes =
                        matches!(after.first(), Some(Item::Word { text, .. }) if text == ")" || text == "]");
                    let outer = self.brackets.last().copied().unwrap_or(self.base);
                    self.line = if closes { outer } else { outer + 2 };
                    self.new_line();
                }
            }
            Item::Block {
                comment,
                lines,
                is_on_one_line,
            } => {
                self.part("<", false);
                self.is_behind_block = true;
                if lines.is_empty() && comment.is_none() {
                    self.written.push_str(" >");
                } else if *is_on_one_line
                    && matches!(self.blocks, Blocks::AsWritten | Blocks::Trial)
                    && comment.is_none()
                {
                    self.block_on_one_line(lines);
                } else {
                    self.block_on_lines(comment.as_deref(), lines);
                }
            }
        }
    }

    /// A word, with a blank before it unless it clings to what stands there.
    fn part(&mut self, text: &str, is_glued: bool) {
        let clings =
            is_glued || self.is_fresh || self.written.ends_with(['(', '[']) || text.starts_with([')', ']']);
        if !clings {
            self.written.push(' ');
        }
        self.written.push_str(text);
        self.is_fresh = false;
        self.is_behind_sign = false;
        self.is_behind_block = false;
    }

    fn count_brackets(&mut self, text: &str) {
        match text {
            "(" | "[" => self.brackets.push(self.line),
            ")" | "]" => self.line = self.brackets.pop().unwrap_or(self.base),
            _ => {}
        }
    }

    fn new_line(&mut self) {
        self.written.push('\n');
        write_blanks(self.line, &mut self.written);
        self.is_fresh = true;
    }

    fn block_on_one_line(&mut self, lines: &[Line]) {
        let statements = lines.iter().filter_map(|line| match line {
            Line::Statement(items) => Some(write_statement(items, 0, Blocks::AsWritten)),
            _ => None,
        });
        let statements: Vec<String> = statements.collect();
        if !statements.is_empty() {
            self.written.push(' ');
            self.written.push_str(&statements.join("; "));
        }
        self.written.push_str(" >");
    }

    fn block_on_lines(&mut self, comment: Option<&str>, lines: &[Line]) {
        if let Some(comment) = comment {
            self.written.push_str("  ");
            self.written.push_str(comment);
        }
        self.written.push('\n');
        if matches!(self.blocks, Blocks::Trial | Blocks::Heads) {
            write_blanks(self.line, &mut self.written);
            return self.written.push('>');
        }
        let lines_end = lines
            .iter()
            .rposition(|line| !matches!(line, Line::Blank))
            .map_or(0, |last| last + 1);
        write_lines(&lines[..lines_end], self.line + 2, &mut self.written);
        write_blanks(self.line, &mut self.written);
        self.written.push('>');
    }
}

fn write_blanks(count: usize, page: &mut String) {
    page.extend(std::iter::repeat_n(' ', count));
}
