use super::checker::{Checker, Definition};
use super::collect::Found;
use super::error::{NameError, TypeError};
use super::findings::list_names;
use super::fit::{example_of, fits, name_type};
use super::program::ParameterDefinition;
use super::types::constant_text;
use crate::diagnostic::{Span, Spanned, nearest};
use crate::syntax::{Arguments, Expression, GuardCall, VerbCall};
use crate::value::Type;

/// What else a call may be given by name, beside its parameters.
type Known = (&'static str, Type);

impl Checker<'_, '_> {
    /// Holds what a call gives against what is declared: missing, too many, unknown, of the wrong type.
    pub(super) fn fill_parameters(
        &mut self,
        what: &str,
        parameters: &[ParameterDefinition],
        arguments: &Arguments,
        at: Span,
    ) {
        let mut given: Vec<&str> = Vec::new();
        for (name, value) in &arguments.named {
            let Some(parameter) = parameters.iter().find(|it| it.name == name.node) else {
                self.infer(value);
                let known = parameters.iter().map(|it| it.name.as_str());
                self.report_unknown_parameter(what, name, known.collect());
                continue;
            };
            if given.contains(&name.node.as_str()) {
                self.findings.push(TypeError::GivenTwice {
                    name: name.node.clone(),
                    at: name.span,
                });
            }
            given.push(&parameter.name);
            self.expect(value, &parameter.kind, &format!("`{}`", parameter.name));
        }
        let mut words = arguments.positional.iter();
        for parameter in parameters {
            if given.contains(&parameter.name.as_str()) {
                continue;
            }
            let what_for = format!("`{}`", parameter.name);
            let mut is_given = false;
            if parameter.is_rest {
                for word in words.by_ref() {
                    self.expect(word, &parameter.kind, &what_for);
                    is_given = true;
                }
            } else if let Some(word) = words.next() {
                self.expect(word, &parameter.kind, &what_for);
                is_given = true;
            }
            if !is_given && parameter.default.is_none() && !parameter.is_rest {
                self.report_missing(what, parameter, at);
            }
        }
        if let Some(extra) = words.next() {
            self.infer(extra);
            let names: Vec<&str> = parameters.iter().map(|it| it.name.as_str()).collect();
            let takes = match names.as_slice() {
                [] => "no arguments".to_owned(),
                names => format!("{} only", list_names(names.iter().copied(), "and")),
            };
            self.findings.push(TypeError::TooManyArguments {
                what: what.to_owned(),
                takes,
                at: extra.span,
                help: Some("delete it; a text of several words is quoted".to_owned()),
            });
        }
        for word in words {
            self.infer(word);
        }
    }

    fn report_missing(&mut self, what: &str, parameter: &ParameterDefinition, at: Span) {
        let word = what.split('`').nth(1).unwrap_or(what);
        self.findings.push(TypeError::MissingArgument {
            what: what.to_owned(),
            name: parameter.name.clone(),
            says: name_type(&parameter.kind),
            example: format!("{word} {}={}", parameter.name, example_of(&parameter.kind)),
            at,
            declared: Some(parameter.span),
        });
    }

    pub(super) fn report_unknown_parameter(&mut self, what: &str, name: &Spanned<String>, known: Vec<&str>) {
        let help = self
            .findings
            .suggest(&name.node, known.iter().copied())
            .unwrap_or_else(|| match known.as_slice() {
                [] => "it takes none; delete it".to_owned(),
                known => format!("it takes {}", list_names(known.iter().copied(), "and")),
            });
        self.findings.push(NameError::UnknownParameter {
            what: what.to_owned(),
            name: name.node.clone(),
            at: name.span,
            help: Some(help),
        });
    }

    /// Holds `key=value` pairs of the language's own words against what they may be.
    pub(super) fn named_arguments(
        &mut self,
        what: &str,
        named: &[(Spanned<String>, Spanned<Expression>)],
        known: &[Known],
    ) {
        for (index, (name, value)) in named.iter().enumerate() {
            if named[..index].iter().any(|(before, _)| before.node == name.node) {
                self.findings.push(TypeError::GivenTwice {
                    name: name.node.clone(),
                    at: name.span,
                });
            }
            match known.iter().find(|(known, _)| *known == name.node) {
                Some((_, kind)) => {
                    self.expect(value, kind, &format!("`{}`", name.node));
                }
                None => {
                    self.infer(value);
                    self.report_unknown_parameter(
                        what,
                        name,
                        known.iter().map(|(known, _)| *known).collect(),
                    );
                }
            }
        }
    }

    /// A guard and what it is given.
    pub(super) fn guard_call(&mut self, call: &GuardCall, at: Span) {
        let declared = self.declared;
        let name = &call.name;
        if let Some(index) = self.find_one(&declared.guards, name) {
            let guard = &declared.guards.entries[index].item;
            let what = format!("guard `{}`", name.node);
            self.fill_parameters(&what, &guard.parameters, &call.arguments, at);
            self.call(Definition::Guard(index), name.span);
            return;
        }
        for word in &call.arguments.positional {
            self.infer(word);
        }
        for (_, value) in &call.arguments.named {
            self.infer(value);
        }
        if matches!(declared.guards.find(&self.module, &name.node), Found::Several(_)) {
            return;
        }
        let help = if declared.facts.get(&self.module, &name.node).is_some() {
            Some(format!(
                "`{0}` is a fact; write a condition in parentheses: `({0} …)`",
                name.node
            ))
        } else {
            self.findings.suggest(&name.node, declared.guards.names()).or_else(|| {
                declared.guards.entries.is_empty().then(|| {
                    "nothing here declares guards; `use` the module of your system, or write `guard NAME < … >`"
                        .to_owned()
                })
            })
        };
        self.findings.push(NameError::UnknownGuard {
            name: name.node.clone(),
            at: name.span,
            help,
        });
    }

    /// A verb and what it is given.
    pub(super) fn verb_call(&mut self, call: &VerbCall, at: Span) {
        let declared = self.declared;
        let name = &call.name;
        if let Some(index) = self.find_one(&declared.verbs, name) {
            let verb = &declared.verbs.entries[index].item;
            let what = format!("verb `{}`", name.node);
            self.fill_parameters(&what, &verb.parameters, &call.arguments, at);
            self.call(Definition::Verb(index), name.span);
            return;
        }
        if matches!(declared.verbs.find(&self.module, &name.node), Found::Several(_)) {
            return;
        }
        let module = self.module.as_str();
        let text = name.node.as_str();
        let help = if declared.guards.get(module, text).is_some() {
            Some(format!("`{text}` is a guard: write `require {text}`"))
        } else if declared.services.get(module, text).is_some() {
            Some(format!(
                "`{text}` is a service: write `stop`, `start`, `restart` or `status` before it"
            ))
        } else if declared.facts.get(module, text).is_some() {
            Some(format!("`{text}` is a fact: write `show {text}`"))
        } else {
            let known = declared.verbs.names().chain(WORDS.iter().copied());
            Some(nearest(text, known).map_or_else(
                || format!("a command of the shell is run by `run \"{text} …\"`"),
                |near| format!("did you mean `{near}`?"),
            ))
        };
        self.findings.push(NameError::UnknownVerb {
            name: name.node.clone(),
            at: name.span,
            help,
        });
    }

    /// The service that a word names; one that nothing declares is reported.
    pub(super) fn service_named(&mut self, name: &Spanned<String>) -> Option<usize> {
        let declared = self.declared;
        if let Some(index) = self.find_one(&declared.services, name) {
            self.learned.used.insert(Definition::Service(index));
            return Some(index);
        }
        if matches!(declared.services.find(&self.module, &name.node), Found::Nothing) {
            let help = if self.scope.get(&name.node).is_some() {
                self.scope.take(&name.node);
                Some(format!("did you mean `${}`?", name.node))
            } else if declared.constants.get(&self.module, &name.node).is_some() {
                Some(format!("did you mean `${}`?", name.node))
            } else {
                self.findings.suggest(&name.node, declared.services.names()).or_else(|| {
                    Some(format!(
                        "declare it, `service {0} < … >`, or run the plain command: `run \"service {0} …\"`",
                        name.node
                    ))
                })
            };
            self.findings.push(NameError::UnknownService {
                name: name.node.clone(),
                at: name.span,
                help,
            });
        }
        None
    }

    /// Services and, after each, the arguments that tell its instances apart.
    pub(super) fn services_given(&mut self, arguments: &Arguments, what: &str, at: Span) {
        self.named_arguments(what, &arguments.named, &[("limit", Type::Duration)]);
        if arguments.positional.is_empty() {
            self.findings.push(TypeError::MissingArgument {
                what: what.to_owned(),
                name: "service".to_owned(),
                says: "one or several".to_owned(),
                example: format!("{} SERVICE", what.trim_matches('`')),
                at,
                declared: None,
            });
        }
        let mut last: Option<usize> = None;
        for word in &arguments.positional {
            self.service_or_argument(word, &mut last);
        }
    }

    fn service_or_argument(&mut self, word: &Spanned<Expression>, last: &mut Option<usize>) {
        let declared = self.declared;
        let instance = last.and_then(|index| declared.services.entries[index].item.instance.as_ref());
        if let Some(text) = constant_text(&word.node) {
            let is_service = !matches!(declared.services.find(&self.module, &text), Found::Nothing);
            let near = nearest(&text, declared.services.names()).is_some();
            let is_path = text.contains('/');
            match (instance, *last) {
                (Some(instance), _) if is_path || (!is_service && !near) => {
                    self.expect(word, &instance.kind, &format!("`{}`", instance.name));
                }
                (None, Some(service)) if is_path => self.findings.push(TypeError::TooManyArguments {
                    what: format!("service `{}`", declared.services.entries[service].name),
                    takes: "no arguments".to_owned(),
                    at: word.span,
                    help: Some("it has no instances; delete it".to_owned()),
                }),
                _ => *last = self.service_named(&Spanned::new(text, word.span)),
            }
            return;
        }
        if let Some(words) = self.words_of(word) {
            self.infer(word);
            for text in words.iter() {
                *last = self.service_named(&Spanned::new(text.clone(), word.span));
            }
            return;
        }
        match (self.infer(word), instance) {
            (Type::Service, _) => {}
            (Type::List(inner), _) if *inner == Type::Service => {}
            (Type::Any, _) => {}
            (kind, Some(instance)) => {
                if !fits(&kind, &instance.kind) {
                    let what = format!("`{}`", instance.name);
                    self.wrong_type(&what, &name_type(&instance.kind), &kind, word.span, None);
                }
            }
            (Type::String, None) | (Type::List(_), None) => {}
            (kind, None) => self.wrong_type("what stands here", "a service", &kind, word.span, None),
        }
    }

    /// The words of an expression that is written out in the script.
    pub(super) fn words_of(&self, written: &Spanned<Expression>) -> Option<std::sync::Arc<Vec<String>>> {
        match &written.node {
            Expression::List(items) => {
                let mut words = Vec::new();
                for item in items {
                    match constant_text(&item.node) {
                        Some(text) => words.push(text),
                        None => words.extend(self.words_of(item)?.iter().cloned()),
                    }
                }
                Some(words.into())
            }
            Expression::Group(inner) => self.words_of(inner),
            Expression::Variable(variable) if variable.fields.is_empty() => {
                let name = &variable.name.node;
                if let Some(binding) = self.scope.get(name) {
                    return binding.words.clone();
                }
                match self.declared.constants.find(&self.module, name) {
                    Found::One(index) => self.learned.constants.get(index)?.1.clone(),
                    _ => None,
                }
            }
            Expression::Pipeline { source, filters } => {
                let mut words = (*self.words_of(source)?).clone();
                for filter in filters {
                    match filter.node.name.node.as_str() {
                        "reverse" => words.reverse(),
                        "sort" => words.sort(),
                        _ => return None,
                    }
                }
                Some(words.into())
            }
            _ => None,
        }
    }
}

/// Words that open a statement, for a near miss.
const WORDS: &[&str] = &[
    "on", "locally", "run", "probe", "stop", "start", "restart", "status", "reboot", "losing", "leave",
    "manual", "confirm", "note", "show", "fail", "skip", "let", "undo", "finally", "retry", "within", "try",
    "if", "for", "require", "promise", "wait", "check", "outage", "verb", "guard", "fact", "service",
    "param", "use", "group",
];
