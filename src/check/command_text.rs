use super::acting::find_change;
use super::checker::{Checker, NodeInHand};
use super::error::{CommandError, EffectError, ServiceError};
use super::fit::name_type;
use super::types::constant_text;
use crate::diagnostic::{Span, Spanned};
use crate::syntax::{CommandCall, Expression, Quoting, Template, TemplatePart};
use crate::value::Type;

/// Commands that take a whole node down.
const POWER_COMMANDS: [&str; 6] = ["reboot", "shutdown", "poweroff", "halt", "init", "telinit"];

/// What `service` and `systemctl` do that takes a service away or brings it back.
const SERVICE_ACTIONS: [&str; 9] = [
    "stop",
    "start",
    "restart",
    "kill",
    "condrestart",
    "try-restart",
    "force-restart",
    "reload-or-restart",
    "try-reload-or-restart",
];

/// Words by which a shell's own blocks begin; a `;` in them parts no commands.
const SHELL_BLOCKS: [&str; 5] = ["if", "for", "while", "case", "until"];

impl Checker<'_, '_> {
    /// `run` or `probe`: its command, its named arguments, its place.
    pub(super) fn command_call(&mut self, call: &CommandCall, at: Span) {
        let word = if call.acts { "`run`" } else { "`probe`" };
        if call.acts && self.place.body.only_looks() {
            self.report_act(word, at);
        } else {
            self.need_node(word, at);
        }
        self.command_value(&call.command);
        if !call.acts {
            self.check_probe(&call.command, "`probe`");
        }
        let known = [
            ("limit", Type::Duration),
            ("ok", Type::List(Box::new(Type::Int))),
            ("expect", Type::Regex),
            ("input", Type::Secret),
        ];
        self.named_arguments(word, &call.named, &known);
        if let Some(test) = &call.done_when {
            self.test(test);
        }
        self.find_service_in(&call.command, call.acts);
    }

    /// Sees to it that an expression is a command.
    pub(super) fn command_value(&mut self, written: &Spanned<Expression>) {
        let at = written.span;
        match &written.node {
            Expression::Text(template) if template.quoting != Quoting::Bare => self.command_text(template),
            Expression::Group(inner) => self.command_value(inner),
            Expression::Word(word) => self.findings.push(CommandError::NotCommand {
                given: format!("`{word}`"),
                at,
                help: format!("a command is one text, in quotes: \"{word} …\""),
            }),
            _ => {
                let kind = self.infer(written);
                if matches!(kind, Type::Command | Type::Any | Type::Secret) {
                    return;
                }
                let help = match &written.node {
                    Expression::Variable(variable) => format!(
                        "declare `{0}` as `command`, or write a command text with it: \"… ${0}\"",
                        variable.name.node
                    ),
                    _ => "write a command text, in quotes".to_owned(),
                };
                self.findings.push(CommandError::NotCommand {
                    given: name_type(&kind),
                    at,
                    help,
                });
            }
        }
    }

    /// A command text: each `$x` outside of quotes, no status hidden, no loop's name without `$`.
    pub(super) fn command_text(&mut self, template: &Template) {
        let mut quotes = Quotes::default();
        self.find_fields(template);
        for part in &template.parts {
            match &part.node {
                TemplatePart::Text(text) => {
                    if let Some((sign, offset)) = quotes.read(text) {
                        let finding = hidden_status(sign, text, within(part, text, offset, 1));
                        finding
                            .into_iter()
                            .for_each(|finding| self.findings.push(finding));
                    }
                    self.find_loop_words(template, part, text);
                    if text.contains('\0') {
                        self.findings.push(CommandError::NulInCommand { at: part.span });
                    }
                }
                TemplatePart::Variable(variable) => {
                    if quotes.inside.is_some() {
                        self.findings.push(CommandError::QuotedValue {
                            name: variable.name.node.clone(),
                            at: part.span,
                        });
                    }
                    match self.variable(variable) {
                        Type::Secret => self.show_secret(&variable.name),
                        kind @ (Type::Table(_) | Type::Row(_) | Type::Truth) => {
                            let help = Some("take one cell or column of it: `$row.column`".to_owned());
                            self.wrong_type("a value in a command", "words", &kind, part.span, help);
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    /// A word of the command that is the name of a loop's variable, which the command uses nowhere.
    fn find_loop_words(&mut self, template: &Template, part: &Spanned<TemplatePart>, text: &str) {
        if !self.scope.has_loops() {
            return;
        }
        let mut offset = 0;
        for word in text.split(|letter: char| letter.is_whitespace()) {
            let start = offset;
            offset += word.len() + 1;
            let Some(binding) = self.scope.loop_of(word) else {
                continue;
            };
            let set = binding.span;
            let is_used = template.parts.iter().any(
                |part| matches!(&part.node, TemplatePart::Variable(variable) if variable.name.node == word),
            );
            if is_used {
                continue;
            }
            // One finding: the variable is not called unused on top.
            self.scope.take(word);
            self.findings.push(CommandError::ForgottenDollar {
                name: word.to_owned(),
                at: within(part, text, start, word.len()),
                set,
            });
        }
    }

    /// A raw command that stops or starts a declared service.
    fn find_service_in(&mut self, written: &Spanned<Expression>, acts: bool) {
        let Expression::Text(template) = &written.node else {
            return;
        };
        if !acts || self.place.node == NodeInHand::Local {
            return;
        }
        let texts = template.parts.iter().filter_map(|part| match &part.node {
            TemplatePart::Text(text) => Some(text.as_str()),
            TemplatePart::Variable(_) => None,
        });
        let words: Vec<&str> = texts
            .flat_map(|text| text.split([' ', '\t', '\n', ';', '&', '|']))
            .collect();
        let own_name = |word: &&str| word.rsplit('/').next().unwrap_or(word).to_owned();
        let first = words
            .iter()
            .map(own_name)
            .find(|word| !matches!(word.as_str(), "" | "sudo" | "-n" | "systemctl"));
        if let Some(command) = first.filter(|word| POWER_COMMANDS.contains(&word.as_str()))
            && self
                .declared
                .services
                .entries
                .iter()
                .any(|entry| entry.item.budget.is_some())
        {
            self.findings.push(ServiceError::GoesRoundRoles {
                command,
                at: written.span,
            });
            return;
        }
        let Some(action) = words.iter().find(|word| SERVICE_ACTIONS.contains(word)) else {
            return;
        };
        let is_service_command = words.iter().any(|word| {
            let command = word.rsplit('/').next().unwrap_or(word);
            matches!(command, "service" | "systemctl") || word.starts_with("/etc/init.d/")
        });
        if !is_service_command {
            return;
        }
        for word in &words {
            let name = word
                .trim_start_matches("/etc/init.d/")
                .trim_end_matches(".service");
            if self.declared.services.get(&self.module, name).is_some() {
                self.findings.push(ServiceError::GoesRoundService {
                    service: name.to_owned(),
                    action: match *action {
                        "kill" => "stop".to_owned(),
                        action if action.ends_with("restart") => "restart".to_owned(),
                        action => action.to_owned(),
                    },
                    at: written.span,
                });
                return;
            }
        }
    }

    /// A `probe` promises to change nothing; the commonest ones that do are told.
    pub(super) fn check_probe(&mut self, written: &Spanned<Expression>, place: &'static str) {
        let Some(text) = command_words(&written.node) else {
            return;
        };
        if let Some(change) = find_change(&text) {
            self.findings.push(EffectError::ActsWhileLooking {
                what: format!("`{change}`"),
                place,
                at: written.span,
                help: "write `run` for a command that changes something".to_owned(),
            });
        }
    }
}

/// What is wrong with a command that is given from outside; it stands at `base` of the sources.
///
/// The same is said of a command text in a script.
pub fn check_given_command(text: &str, base: u32) -> Option<CommandError> {
    let (sign, offset) = Quotes::default().read(text)?;
    let start = base + offset as u32;
    hidden_status(sign, text, Span::new(start, start + 1))
}

fn hidden_status(sign: &'static str, text: &str, at: Span) -> Option<CommandError> {
    let is_block = |word: &str| SHELL_BLOCKS.contains(&word);
    if sign == ";" && text.split([' ', ';', '\n']).any(is_block) {
        return None;
    }
    if text.split_whitespace().next() == Some("set") && text.contains("pipefail") {
        return None;
    }
    let help = if sign == "|" {
        "let the language filter: `probe \"…\" | lines | where $it matches /…/`, or write the first \
         command's output to a file"
    } else {
        "write `&&` for `;`, or two statements"
    };
    Some(CommandError::HiddenStatus { sign, at, help })
}

/// The text of a command; a value in it is one word that nothing is known of.
fn command_words(expression: &Expression) -> Option<String> {
    match expression {
        Expression::Text(template) => {
            let part = |part: &Spanned<TemplatePart>| match &part.node {
                TemplatePart::Text(text) => text.clone(),
                TemplatePart::Variable(variable) => format!("${}", variable.name.node),
            };
            Some(template.parts.iter().map(part).collect())
        }
        other => constant_text(other),
    }
}

/// The place of `length` bytes of a part; of the whole part where escapes moved them.
fn within(part: &Spanned<TemplatePart>, text: &str, offset: usize, length: usize) -> Span {
    if text.len() as u32 != part.span.end - part.span.start {
        return part.span;
    }
    let start = part.span.start + offset as u32;
    Span::new(start, start + length as u32)
}

/// What quotes a shell would be in, read from the start of a command.
#[derive(Default)]
struct Quotes {
    inside: Option<char>,
}

impl Quotes {
    /// Reads on; gives the first sign that hides a status and where it stands.
    fn read(&mut self, text: &str) -> Option<(&'static str, usize)> {
        let mut found = None;
        let mut letters = text.char_indices().peekable();
        while let Some((offset, letter)) = letters.next() {
            match (self.inside, letter) {
                (Some('"') | None, '\\') => {
                    letters.next();
                }
                (Some(quote), letter) if letter == quote => self.inside = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => self.inside = Some(letter),
                (None, '|') if letters.next_if(|(_, next)| *next == '|').is_none() => {
                    found.get_or_insert(("|", offset));
                }
                (None, ';') => {
                    let is_last = text[offset + 1..].trim().is_empty();
                    // `\;` and `;;` belong to other commands of the shell.
                    if letters.next_if(|(_, next)| *next == ';').is_none() && !is_last {
                        found.get_or_insert((";", offset));
                    }
                }
                _ => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::Quotes;

    #[test]
    fn a_status_is_hidden_outside_of_quotes_only() {
        let cases = [
            ("ps aux | grep x", Some("|")),
            ("cd /x; make", Some(";")),
            ("test -e /x || exit 1", None),
            ("echo 'a | b; c'", None),
            ("find / -exec ls {} \\;", None),
            ("echo \"a | b\"", None),
            ("true;", None),
        ];
        for (text, sign) in cases {
            let found = Quotes::default().read(text);
            assert_eq!(found.map(|(sign, _)| sign), sign, "{text}");
        }
    }
}
