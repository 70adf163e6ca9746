use super::{Context, Frame, Stop};
use crate::syntax::{Quoting, Template, TemplatePart};
use crate::value::{CommandLine, Value, quote};

impl Context<'_> {
    /// The text of a template, its values put in as they print.
    ///
    /// # Errors
    ///
    /// As [`Context::evaluate`]; an unknown value prints as such.
    pub fn text(&self, frame: &Frame, template: &Template) -> Result<String, Stop> {
        let mut text = String::new();
        for part in &template.parts {
            match &part.node {
                TemplatePart::Text(piece) => text.push_str(piece),
                TemplatePart::Variable(variable) => {
                    text.push_str(&self.variable(frame, variable, part.span)?.to_string());
                }
            }
        }
        Ok(text)
    }

    /// The command of a command text: each value is exactly one quoted word, a list several.
    ///
    /// # Errors
    ///
    /// As [`Context::evaluate`]; also when a value is unknown or a secret.
    pub fn command_line(&self, frame: &Frame, template: &Template) -> Result<CommandLine, Stop> {
        let mut text = String::new();
        for part in &template.parts {
            match &part.node {
                TemplatePart::Text(piece) => text.push_str(piece),
                TemplatePart::Variable(variable) => {
                    let value = self.known(
                        self.variable(frame, variable, part.span)?,
                        &variable.name.node,
                        part.span,
                    )?;
                    text.push_str(&command_words(&value));
                }
            }
        }
        // An empty list leaves the blank that stood before it.
        let trimmed = if template.quoting == Quoting::Single {
            text.as_str()
        } else {
            text.trim()
        };
        Ok(CommandLine::from_quoted(trimmed))
    }
}

/// A value as words of a command, quoted.
fn command_words(value: &Value) -> String {
    match value {
        Value::List(values) => values
            .iter()
            .map(|value| quote(&value.to_string()).into_owned())
            .collect::<Vec<String>>()
            .join(" "),
        Value::Command(command) => Value::Command(command.clone()).to_string(),
        other => quote(&other.to_string()).into_owned(),
    }
}
