//! Awk functions as they are put together.

/// An awk function under construction.
#[derive(Debug, Default)]
pub(super) struct Function {
    /// Its name.
    pub name: String,
    /// What it is given, the place first.
    pub parameters: Vec<String>,
    /// Its own variables.
    pub locals: Vec<String>,
    /// Its statements, indented by one level each.
    pub lines: Vec<String>,
    /// The comment before it.
    pub comment: String,
    temporary: usize,
}

impl Function {
    /// A function that is given the place alone.
    pub fn new(name: &str) -> Function {
        Function {
            name: name.to_owned(),
            parameters: vec!["place".to_owned()],
            ..Function::default()
        }
    }

    /// Adds a statement.
    pub fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// A variable of its own for a value on the way.
    pub fn temporary(&mut self) -> String {
        self.temporary += 1;
        let name = format!("t{}", self.temporary);
        self.locals.push(name.clone());
        name
    }

    /// A variable that several statements use in turn.
    pub fn shared(&mut self, name: &str) -> String {
        if !self.locals.iter().any(|known| known == name) {
            self.locals.push(name.to_owned());
        }
        name.to_owned()
    }

    /// A variable of its own, called so or nearly so.
    pub fn local(&mut self, wanted: &str) -> String {
        let known = |name: &str| {
            self.locals
                .iter()
                .chain(&self.parameters)
                .any(|other| other == name)
        };
        let mut name = wanted.to_owned();
        while known(&name) {
            name.push('_');
        }
        self.locals.push(name.clone());
        name
    }

    /// Its text.
    pub fn write(&self) -> String {
        let own = match self.locals.is_empty() {
            true => String::new(),
            false => format!(",    {}", self.locals.join(", ")),
        };
        let mut text = String::new();
        for line in self.comment.lines() {
            text.push_str(&format!("# {line}\n"));
        }
        text.push_str(&format!(
            "function {}({}{own}) {{\n",
            self.name,
            self.parameters.join(", ")
        ));
        let mut depth = 1;
        for line in &self.lines {
            if line.starts_with('}') {
                depth -= 1;
            }
            text.push_str(&format!("{}{line}\n", "    ".repeat(depth)));
            if line.ends_with('{') {
                depth += 1;
            }
        }
        text.push_str("}\n");
        text
    }
}

/// Whether `name` stands in `code` as a word of its own, outside of texts.
pub(super) fn uses(code: &str, name: &str) -> bool {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + name.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}
