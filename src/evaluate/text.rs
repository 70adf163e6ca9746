use super::{Context, Frame, Stop};
use crate::diagnostic::Spanned;
use crate::syntax::{Expression, Quoting, Template, TemplatePart};
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

    /// The same, with `<unknown>` where a value is not known: what a dry run shows.
    ///
    /// # Errors
    ///
    /// As [`Context::evaluate`].
    pub fn text_with_gaps(&self, frame: &Frame, template: &Template) -> Result<String, Stop> {
        let mut text = String::new();
        for part in &template.parts {
            match &part.node {
                TemplatePart::Text(piece) => text.push_str(piece),
                TemplatePart::Variable(variable) => {
                    let value = self.variable(frame, variable, part.span)?;
                    text.push_str(
                        &value
                            .unsure()
                            .map_or_else(|| command_words(&value), |_| "<unknown>".to_owned()),
                    );
                }
            }
        }
        Ok(text)
    }

    /// The same as a value: what holds an unknown value is unknown as a whole.
    pub(super) fn text_value(&self, frame: &Frame, template: &Template) -> Result<Value, Stop> {
        for part in &template.parts {
            if let TemplatePart::Variable(variable) = &part.node
                && let Some(why) = self.variable(frame, variable, part.span)?.unsure()
            {
                return Ok(Value::Unknown(why));
            }
        }
        self.text(frame, template).map(Value::text)
    }

    /// What is said to a person: in a text, a value that is unknown is shown as such.
    ///
    /// # Errors
    ///
    /// As [`Context::evaluate`].
    pub fn message(&self, frame: &Frame, written: &Spanned<Expression>) -> Result<String, Stop> {
        match &written.node {
            Expression::Text(template) => self.text(frame, template),
            Expression::Group(inner) => self.message(frame, inner),
            _ => self.evaluate(frame, written).map(|value| value.to_string()),
        }
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
                    let value = self.wholly_known(
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
