use super::document::{Block, Document, Table};
use crate::journal::neutralise_text;

/// Writes a document as Markdown, in which nothing that a host printed means anything.
pub(super) fn write_markdown(document: &Document) -> String {
    let mut written = format!("# {}\n", escape_markdown(&document.title));
    for block in &document.blocks {
        let block = match block {
            Block::Heading(text) => format!("## {text}\n"),
            Block::Paragraph(text) => format!("{}\n", escape_markdown(text)),
            Block::Table(table) => write_table(table),
            Block::Text {
                caption,
                text,
                is_open: true,
            } => format!("{}:\n\n{}", escape_markdown(caption), fence(text)),
            Block::Text { is_open: false, .. } | Block::FoldedHeading(_) | Block::Picture => continue,
        };
        written.push('\n');
        written.push_str(&block);
    }
    written
}

fn write_table(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let head = table.head.iter().map(|name| (*name).to_owned()).collect();
    let rule = table.head.iter().map(|_| "---".to_owned()).collect();
    let mut written = line(head) + &line(rule);
    for row in &table.rows {
        written.push_str(&line(
            row.iter().map(|cell| escape_markdown(&cell.text)).collect(),
        ));
    }
    written
}

/// Puts a text between fences that are longer than any row of backticks in it.
fn fence(text: &str) -> String {
    let clean = neutralise_text(text);
    let mut longest = 2;
    let mut row = 0;
    for letter in clean.chars() {
        row = if letter == '`' { row + 1 } else { 0 };
        longest = longest.max(row);
    }
    let marks = "`".repeat(longest + 1);
    format!("{marks}text\n{}\n{marks}\n", clean.trim_end())
}

/// Makes a text harmless in a line or cell of Markdown.
///
/// # Source
///
/// CommonMark, "Backslash escapes" and "Entity references"; GitHub Flavored Markdown, "Tables":
/// a cell ends at a bar even within a span of code, so that a bar is written as an entity.
fn escape_markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in neutralise_text(text.trim()).chars() {
        match letter {
            '\n' => escaped.push_str("<br>"),
            '\t' => escaped.push(' '),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '|' => escaped.push_str("&#124;"),
            // It would call a person, or an issue, by name.
            '@' => escaped.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '#' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_prints_means_nothing() {
        let cases = [
            // what is printed, what is written
            ("plain text, 2 of 3", "plain text, 2 of 3"),
            (
                "<script>alert(1)</script>",
                "&lt;script&gt;alert(1)&lt;/script&gt;",
            ),
            ("a | b", "a &#124; b"),
            (r"a \| b", r"a \\&#124; b"),
            ("`x`", r"\`x\`"),
            ("one\ntwo\n", "one<br>two"),
            ("![x](http://e)", r"\!\[x\](http://e)"),
            ("\x1b[2J", r"␛\[2J"),
            ("&lt;", "&amp;lt;"),
            ("# head", r"\# head"),
        ];
        for (printed, written) in cases {
            assert_eq!(escape_markdown(printed), written, "{printed:?}");
        }
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        let cases = [
            // a text, its fence
            ("plain", "```"),
            ("a ``` b", "````"),
            ("`````\n```", "``````"),
        ];
        for (text, marks) in cases {
            let fenced = fence(text);
            assert!(fenced.starts_with(&format!("{marks}text\n")), "{fenced}");
            assert!(fenced.ends_with(&format!("\n{marks}\n")), "{fenced}");
        }
    }
}
