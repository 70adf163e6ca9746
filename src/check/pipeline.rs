use super::checker::Checker;
use super::error::{NameError, TypeError};
use super::fit::name_type;
use super::types::constant_text;
use crate::diagnostic::Spanned;
use crate::library::{FilterArguments, ParameterKind, filter_names, find_filter};
use crate::syntax::{Arguments, Expression, FilterCall, FilterForm, TemplatePart};
use crate::value::{Type, Value};

impl Checker<'_, '_> {
    /// The type that comes out of `filters`.
    pub(super) fn pipeline(&mut self, kind: Type, filters: &[Spanned<FilterCall>]) -> Type {
        let mut kind = kind;
        for filter in filters {
            kind = self.filter(kind, filter);
        }
        kind
    }

    pub(super) fn filter(&mut self, kind: Type, call: &Spanned<FilterCall>) -> Type {
        let name = &call.node.name;
        match &call.node.form {
            FilterForm::Where(condition) => {
                let mark = self.scope.mark();
                if !self.enter_rows(&kind, name.span) {
                    self.wrong_filter(
                        name,
                        &format!("takes a table, a list or nodes, not {}", name_type(&kind)),
                    );
                }
                self.condition(condition);
                self.rows.pop();
                self.scope.close(mark);
                kind
            }
            FilterForm::Each(value) => {
                let mark = self.scope.mark();
                if !self.enter_rows(&kind, name.span) {
                    self.wrong_filter(
                        name,
                        &format!("takes a table, a list or nodes, not {}", name_type(&kind)),
                    );
                }
                let item = self.infer(value);
                self.rows.pop();
                self.scope.close(mark);
                match item {
                    Type::Row(columns) => Type::Table(columns),
                    other => Type::List(Box::new(other)),
                }
            }
            FilterForm::SortBy(keys) => {
                for (column, _) in keys {
                    self.column(&kind, column);
                }
                let arguments = FilterArguments::default();
                let known = matches!(kind, Type::Table(_) if !keys.is_empty());
                if known {
                    kind
                } else {
                    self.ask_filter(&kind, call, &arguments)
                }
            }
            FilterForm::Plain(arguments) => self.plain_filter(kind, call, arguments),
        }
    }

    /// Reports a column that a table does not have.
    pub(super) fn column(&mut self, kind: &Type, column: &Spanned<String>) -> bool {
        let (Type::Table(columns) | Type::Row(columns)) = kind else {
            return true;
        };
        if columns.iter().any(|known| known.name == column.node) {
            return true;
        }
        let names = columns.iter().map(|known| known.name.as_str());
        let help = self
            .findings
            .suggest(&column.node, names)
            .unwrap_or_else(|| Self::known_columns(columns));
        self.findings.push(NameError::UnknownColumn {
            name: column.node.clone(),
            at: column.span,
            help: Some(help),
        });
        false
    }

    pub(super) fn wrong_filter(&mut self, name: &Spanned<String>, why: &str) {
        self.findings.push(TypeError::WrongFilter {
            filter: name.node.clone(),
            why: why.to_owned(),
            at: name.span,
            help: None,
        });
    }

    pub(super) fn plain_filter(
        &mut self,
        kind: Type,
        call: &Spanned<FilterCall>,
        written: &Arguments,
    ) -> Type {
        let name = &call.node.name;
        let Some(filter) = find_filter(&name.node) else {
            let help = self
                .findings
                .suggest(&name.node, filter_names())
                .unwrap_or_else(|| "a shell's pipe belongs in the quotes of a command text".to_owned());
            self.findings.push(NameError::UnknownFilter {
                name: name.node.clone(),
                at: name.span,
                help: Some(help),
            });
            return Type::Any;
        };
        let mut arguments = FilterArguments {
            or_none: call.node.or_none,
            ..FilterArguments::default()
        };
        let mut is_fine = true;
        let mut places = filter.parameters.iter().filter(|parameter| parameter.positional);
        for word in &written.positional {
            let Some(parameter) = places.next() else {
                self.findings.push(TypeError::TooManyArguments {
                    what: format!("filter `{}`", name.node),
                    takes: "less".to_owned(),
                    at: word.span,
                    help: Some("delete it; a text of several words is quoted".to_owned()),
                });
                return Type::Any;
            };
            if parameter.kind == ParameterKind::Column
                && let Some(column) = bare_text(&word.node)
            {
                is_fine &= self.column(&kind, &Spanned::new(column.clone(), word.span));
                arguments.positional.push(Value::text(column));
                continue;
            }
            let value = self.filter_argument(word, &parameter.kind, parameter.name);
            arguments.positional.push(value);
        }
        if let Some(missing) = places.find(|parameter| parameter.required) {
            self.wrong_filter(name, &format!("its `{}` is missing", missing.name));
            return Type::Any;
        }
        for (key, word) in &written.named {
            let known = || filter.parameters.iter().filter(|parameter| !parameter.positional);
            let Some(parameter) = known().find(|parameter| parameter.name == key.node) else {
                let known = known().map(|parameter| parameter.name).collect();
                self.report_unknown_parameter(&format!("filter `{}`", name.node), key, known);
                continue;
            };
            let value = self.filter_argument(word, &parameter.kind, parameter.name);
            arguments.named.push((key.node.clone(), value));
        }
        if !is_fine {
            return Type::Any;
        }
        self.ask_filter(&kind, call, &arguments)
    }

    pub(super) fn filter_argument(
        &mut self,
        word: &Spanned<Expression>,
        kind: &ParameterKind,
        name: &str,
    ) -> Value {
        if let Some(text) = bare_text(&word.node) {
            return match (&word.node, kind) {
                (Expression::Regex(_), _) => Value::Regex(text.into()),
                _ => Value::text(text),
            };
        }
        match kind {
            ParameterKind::Value(kind) => {
                self.expect(word, kind, &format!("`{name}`"));
            }
            _ => {
                self.infer(word);
            }
        }
        Value::unknown("not known before the run")
    }

    /// Asks the filter itself what it gives for what flows in.
    pub(super) fn ask_filter(
        &mut self,
        kind: &Type,
        call: &Spanned<FilterCall>,
        arguments: &FilterArguments,
    ) -> Type {
        let name = &call.node.name;
        let Some(filter) = find_filter(&name.node) else {
            return Type::Any;
        };
        let flows_in = match kind {
            Type::Path | Type::Service | Type::Choice(_) => &Type::String,
            other => other,
        };
        match (filter.gives)(flows_in, arguments) {
            Ok(kind) => kind,
            Err(why) => {
                let why = why.replace(&flows_in.to_string(), &name_type(flows_in));
                self.wrong_filter(name, &why);
                Type::Any
            }
        }
    }
}

/// A word, name, text or regular expression among a filter's arguments, where it has no values.
fn bare_text(expression: &Expression) -> Option<String> {
    match expression {
        Expression::Name(name) => Some(name.clone()),
        Expression::Regex(text) => Some(text.clone()),
        Expression::Text(template) => template
            .parts
            .iter()
            .map(|part| match &part.node {
                TemplatePart::Text(text) => Some(text.as_str()),
                TemplatePart::Variable(_) => None,
            })
            .collect(),
        other => constant_text(other),
    }
}
