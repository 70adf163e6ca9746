use super::ExpandError;
use super::encode::awk_string;
use super::expander::Expander;
use super::function::Function;
use super::here::{Here, Target};
use super::lines::{escape, single};
use crate::diagnostic::Spanned;
use crate::syntax::{Expression, Quoting, Template, TemplatePart, Variable};
use crate::value::{CommandLine, Type, Value, quote};

/// A word of the shell, and what has to be done before it can be used.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub before: Vec<Vec<String>>,
    pub text: String,
    /// The text itself, where it is known now.
    pub known: Option<String>,
}

impl Word {
    /// A word of the shell that needs nothing before.
    pub fn plain(text: String) -> Word {
        Word {
            before: Vec::new(),
            text,
            known: None,
        }
    }

    /// A text that is known now.
    pub fn known(text: &str) -> Word {
        Word {
            before: Vec::new(),
            text: single(text),
            known: Some(text.to_owned()),
        }
    }

    /// A word that is found out first.
    pub fn found(before: Vec<Vec<String>>, text: String) -> Word {
        Word {
            before,
            text,
            known: None,
        }
    }

    /// The answer to a question, kept in the variable `name`.
    pub fn answer(question: usize, name: &str) -> Word {
        let before = vec![
            vec![format!("evaluate {question}")],
            vec![format!("{name}=$value")],
        ];
        Word::found(before, format!("\"${name}\""))
    }
}

impl Expander<'_> {
    /// A question to the awk program: its number.
    pub fn ask(
        &mut self,
        here: &Here,
        print: &str,
        code: impl FnOnce(&mut Self, &mut Function, &Here) -> Result<String, ExpandError>,
    ) -> Result<usize, ExpandError> {
        let mut function = Function::new("");
        function.parameters.clear();
        let code = code(self, &mut function, here)?;
        // What needs variables on the way is a function of its own.
        if function.locals.is_empty() && function.lines.is_empty() {
            return Ok(self.questions.add(print, &code));
        }
        function.name = self.functions.name("question", "");
        function.parameters = vec!["place".to_owned()];
        function.line(format!("return {code}"));
        let name = self.functions.add_helper(function);
        Ok(self.questions.add(print, &format!("{name}(place)")))
    }

    /// A command as one word of the script.
    pub fn command_word(&mut self, here: &Here, written: &Spanned<Expression>) -> Result<Word, ExpandError> {
        if let Some(line) = self.compute(&here.scope.known, |context, frame| {
            context.command(frame, written)
        }) {
            return Ok(Word::known(line.as_str()));
        }
        let word = match &written.node {
            Expression::Text(template) => self.template_word(here, template)?,
            Expression::Group(inner) => return self.command_word(here, inner),
            Expression::Variable(variable)
                if variable.fields.is_empty() && here.shell_variable(&variable.name.node).is_some() =>
            {
                let (before, name) = self.variable_word(here, variable)?;
                Word::found(before, format!("\"${name}\""))
            }
            _ => {
                let question = self.ask(here, "put_text", |it, function, here| {
                    it.command(function, &here.scope, written)
                })?;
                let name = format!("command_{}", self.next());
                Word::answer(question, &name)
            }
        };
        Ok(word)
    }

    /// A command of a service, in its own frame.
    pub fn template_command(&mut self, here: &Here, template: &Template) -> Result<Word, ExpandError> {
        let line: Option<CommandLine> = self.compute(&here.scope.known, |context, frame| {
            context.command_line(frame, template)
        });
        let word = match line {
            Some(line) => Word::known(line.as_str()),
            None => self.template_word(here, template)?,
        };
        Ok(word)
    }

    /// A command text between double quotes, its values put in.
    fn template_word(&mut self, here: &Here, template: &Template) -> Result<Word, ExpandError> {
        let mut before = Vec::new();
        let mut text = String::new();
        let last = template.parts.len().saturating_sub(1);
        let trims = template.quoting != Quoting::Single;
        for (index, part) in template.parts.iter().enumerate() {
            match &part.node {
                TemplatePart::Text(piece) => {
                    let mut piece = piece.as_str();
                    if trims && index == 0 {
                        piece = piece.trim_start();
                    }
                    if trims && index == last {
                        piece = piece.trim_end();
                    }
                    text.push_str(&escape(piece));
                }
                TemplatePart::Variable(variable) => {
                    let alone = Template {
                        quoting: Quoting::Single,
                        parts: vec![part.clone()],
                    };
                    let known = self.compute(&here.scope.known, |context, frame| {
                        context.command_line(frame, &alone)
                    });
                    if let Some(words) = known {
                        text.push_str(&escape(words.as_str()));
                        continue;
                    }
                    if variable.name.node == "node"
                        && variable.fields.is_empty()
                        && here.target == Target::Hand
                    {
                        text.push_str("$node");
                        self.close_name(&mut text, "node", template, index);
                        continue;
                    }
                    let (steps, name) = self.variable_word(here, variable)?;
                    before.extend(steps);
                    // An empty list leaves no blank behind.
                    if trims && index == last && text.ends_with(' ') {
                        text.pop();
                        text.push_str(&format!("${{{name}:+ ${name}}}"));
                    } else {
                        text.push_str(&format!("${name}"));
                        self.close_name(&mut text, &name, template, index);
                    }
                }
            }
        }
        Ok(Word::found(before, format!("\"{text}\"")))
    }

    /// Puts braces round a variable's name where a letter follows it.
    fn close_name(&self, text: &mut String, name: &str, template: &Template, index: usize) {
        let follows = match template.parts.get(index + 1).map(|part| &part.node) {
            Some(TemplatePart::Text(next)) => {
                next.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_')
            }
            _ => false,
        };
        if follows {
            text.truncate(text.len() - name.len() - 1);
            text.push_str(&format!("${{{name}}}"));
        }
    }

    /// The shell variable that holds a value as words, and what has to be done first.
    fn variable_word(
        &mut self,
        here: &Here,
        variable: &Variable,
    ) -> Result<(Vec<Vec<String>>, String), ExpandError> {
        let name = &variable.name.node;
        if variable.fields.is_empty()
            && let Some(known) = here.shell_variable(name)
        {
            let before = match known.is_ready {
                true => Vec::new(),
                false => vec![vec![format!("words {} {}", known.name, single(name))]],
            };
            return Ok((before, known.name.clone()));
        }
        let question = self.ask(here, "put_words", |it, _, here| {
            let code = it.variable(&here.scope, variable)?;
            Ok(format!("{code}, {}", awk_string(name)))
        })?;
        let fields: String = variable
            .fields
            .iter()
            .map(|field| format!("_{}", field.node))
            .collect();
        let word = self.names.take(&format!("{name}{fields}"));
        let before = vec![
            vec![format!("evaluate {question}")],
            vec![format!("{word}=$value")],
        ];
        Ok((before, word))
    }

    /// A text for people as an argument: a literal after a colon, or the number of its question.
    pub fn text_word(&mut self, here: &Here, written: &Spanned<Expression>) -> Result<String, ExpandError> {
        if let Some(text) = self.known_text(here, written) {
            return Ok(single(&format!(":{text}")));
        }
        let question = self.ask(here, "put_text", |it, function, here| {
            it.message(function, &here.scope, written)
        })?;
        Ok(question.to_string())
    }

    /// A text for people that is known now.
    pub fn known_text(&self, here: &Here, written: &Spanned<Expression>) -> Option<String> {
        if let Expression::Text(_) = written.node {
            return self.compute(&here.scope.known, |context, frame| {
                context.message(frame, written)
            });
        }
        self.constant(&here.scope, written).map(|value| value.to_string())
    }

    /// A text for people as a word: `"$text"` after it was found out.
    pub fn said_word(&mut self, here: &Here, written: &Spanned<Expression>) -> Result<Word, ExpandError> {
        if let Some(text) = self.known_text(here, written) {
            return Ok(Word::known(&text));
        }
        let argument = self.text_word(here, written)?;
        Ok(Word::found(
            vec![vec![format!("text_of {argument}")]],
            "\"$text\"".to_owned(),
        ))
    }

    /// A number, of a count or of seconds, as a word.
    pub fn number_word(
        &mut self,
        here: &Here,
        written: &Spanned<Expression>,
        kind: &Type,
    ) -> Result<Word, ExpandError> {
        let value = self.compute(&here.scope.known, |context, frame| {
            context.evaluate_as(frame, written, kind)
        });
        if let Some(Value::Int(number)) = &value
            && *number < 0
        {
            let refusal = vec![format!("halt failed '{number} is not a count'")];
            return Ok(Word::found(vec![refusal], "0".to_owned()));
        }
        let known = value.and_then(|value| match &value {
            Value::Int(number) => Some(number.to_string()),
            other => super::expression::whole_seconds(other).map(|seconds| seconds.to_string()),
        });
        if let Some(number) = known {
            return Ok(Word::plain(number));
        }
        let what = crate::evaluate::describe(&written.node);
        let question = self.ask(here, "put_number", |it, function, here| {
            let code = it.argument(function, &here.scope, written, kind)?;
            Ok(format!("unknown_value({code}, {})", awk_string(&what)))
        })?;
        let name = format!("number_{}", self.next());
        Ok(Word::answer(question, &name))
    }
}

/// A value's words are quoted by the one quoting function.
pub(super) fn quoted(text: &str) -> String {
    quote(text).into_owned()
}
