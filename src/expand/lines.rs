//! Lines of a shell script as they are put together.

/// One statement of the script: its comment, and its commands.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// Lines of comment before it, without the `#`.
    pub comment: Vec<String>,
    /// Its lines; none when nothing is to be done.
    pub code: Vec<String>,
}

impl Said {
    /// A statement without a comment.
    pub fn of(code: Vec<String>) -> Said {
        Said {
            comment: Vec::new(),
            code,
        }
    }
}

/// Joins statements of which each goes on only if the one before went well.
pub(super) fn chain(statements: Vec<Said>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = false;
    for statement in statements {
        if open && !statement.code.is_empty() {
            continue_last(&mut lines);
            open = false;
        }
        lines.extend(statement.comment.iter().map(|line| comment(line)));
        if !statement.code.is_empty() {
            lines.extend(statement.code);
            open = true;
        }
    }
    if !open {
        lines.push(":".to_owned());
    }
    lines
}

/// Puts `&&` behind the last line that is no comment.
fn continue_last(lines: &mut [String]) {
    if let Some(last) = lines
        .iter_mut()
        .rev()
        .find(|line| !line.trim_start().starts_with('#'))
    {
        last.push_str(" &&");
    }
}

/// Joins commands of one statement in the same way.
pub(super) fn all_of(commands: Vec<Vec<String>>) -> Vec<String> {
    let said = commands
        .into_iter()
        .filter(|lines| !lines.is_empty())
        .map(Said::of);
    chain(said.collect())
}

/// A comment; it stays one line whatever is in it, since the next one would be carried out.
pub(super) fn comment(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    format!("# {line}").trim_end().to_owned()
}

/// Lines one level deeper.
pub(super) fn indent(lines: Vec<String>) -> impl Iterator<Item = String> {
    lines.into_iter().map(|line| match line.is_empty() {
        true => line,
        false => format!("    {line}"),
    })
}

/// Lines between an opening and a closing one.
pub(super) fn block(open: &str, lines: Vec<String>, close: &str) -> Vec<String> {
    let mut all = vec![open.to_owned()];
    all.extend(indent(lines));
    all.push(close.to_owned());
    all
}

/// A body that owns its undos and finallys.
pub(super) fn scope(lines: Vec<String>) -> Vec<String> {
    let mut all = vec!["begin_scope".to_owned()];
    all.extend(block("{", lines, "}"));
    all.push("end_scope".to_owned());
    all
}

/// A text as one word of a shell, between quotes also where it needs none.
///
/// What a shell would read between double quotes stands behind a backslash there, so that a
/// reader is not left in doubt whether it was meant to be read.
pub(super) fn single(text: &str) -> String {
    if text.contains(['$', '`']) {
        return format!("\"{}\"", escape(text));
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A text as it stands between double quotes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '"' | '\\' | '$' | '`') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
