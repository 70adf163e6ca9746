use super::document::{Block, Document, Table};
use crate::journal::neutralise_text;

/// How it looks: on a screen, light or dark, and on paper. Nothing comes from elsewhere.
const LOOK: &str = include_str!("look.css");

/// Writes a document as one page of HTML, which is also well-formed XML.
pub(super) fn write_html(document: &Document, picture: &str) -> String {
    let title = escape_html(&document.title);
    // Should a letter of a host ever get through, this page still loads and runs nothing.
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n\
         <title>{title}</title>\n<style>\n{LOOK}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
    for block in &document.blocks {
        page.push_str(&match block {
            Block::Heading(text) | Block::FoldedHeading(text) => format!("<h2>{text}</h2>\n"),
            Block::Paragraph(text) => format!("<p>{}</p>\n", escape_html(text)),
            Block::Table(table) => write_table(table),
            Block::Text {
                caption,
                text,
                is_open,
            } => write_text(caption, text, *is_open),
            Block::Picture => format!("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"The picture of the run\">\n{picture}</div>\n"),
        });
    }
    page + "</main>\n</body>\n</html>\n"
}

fn write_table(table: &Table) -> String {
    let caption = table.caption;
    let mut written = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\">\n<table>\n\
         <caption>{caption}</caption>\n<thead><tr>"
    );
    for name in table.head {
        written.push_str(&format!("<th scope=\"col\">{name}</th>"));
    }
    written.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        written.push_str("<tr>");
        for cell in row {
            let text = escape_html(&cell.text).replace('\n', "<br/>");
            written.push_str(&format!("<td class=\"{}\">{text}</td>", cell.tone.class()));
        }
        written.push_str("</tr>\n");
    }
    written + "</tbody>\n</table>\n</div>\n"
}

fn write_text(caption: &str, text: &str, is_open: bool) -> String {
    let open = if is_open { " open=\"open\"" } else { "" };
    let (caption, text) = (escape_html(caption), escape_html(text.trim_end()));
    // Right after the mark the first line end is not part of the text.
    format!("<details{open}><summary>{caption}</summary><pre>\n{text}</pre></details>\n")
}

/// Makes a text harmless in HTML and in XML, between marks and within quotes.
pub(super) fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in neutralise_text(text).chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // XML knows no such letters.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_prints_is_no_mark() {
        let cases = [
            // what is printed, what is written
            ("2 < 3 & 4 > 3", "2 &lt; 3 &amp; 4 &gt; 3"),
            ("\"'", "&quot;&#39;"),
            ("\x1b[31m\0", "␛[31m␀"),
            ("a\u{ffff}", "a\u{fffd}"),
        ];
        for (printed, written) in cases {
            assert_eq!(escape_html(printed), written, "{printed:?}");
        }
    }
}
