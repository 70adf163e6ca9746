use super::checker::{Checker, NodeInHand, RowNames};
use super::error::{CommandError, TypeError};
use super::findings::list_names;
use super::fit::{fits, name_type, show_type};
use crate::diagnostic::{Span, Spanned};
use crate::syntax::{Arguments, Block, Expression, Literal, On, Quoting, Statement, Template, TemplatePart};
use crate::value::{Column, Type, Value};

impl Checker<'_, '_> {
    /// The type of an expression; what is wrong in it is reported.
    pub(super) fn infer(&mut self, written: &Spanned<Expression>) -> Type {
        let at = written.span;
        match &written.node {
            Expression::Literal(literal) => literal_type(literal),
            Expression::Text(template) => {
                self.template(template);
                Type::String
            }
            Expression::Word(_) => Type::String,
            Expression::Regex(_) => Type::Regex,
            Expression::Name(name) => self.name(name, at),
            Expression::Variable(variable) => {
                let kind = self.variable(variable);
                if kind == Type::Secret {
                    self.show_secret(&variable.name);
                }
                kind
            }
            Expression::Call { name, arguments } => self.fact_call(name, arguments, at),
            Expression::List(items) => self.list(items),
            Expression::Row(cells) => {
                let mut columns = Vec::new();
                for (name, cell) in cells {
                    columns.push(Column::new(name.node.to_lowercase(), self.infer(cell)));
                }
                Type::Row(columns)
            }
            Expression::Folded(text) => {
                self.read_set(text, at);
                Type::Nodes
            }
            Expression::Negative(inner) => match self.infer(inner) {
                kind @ (Type::Int | Type::Percent | Type::Any) => kind,
                other => {
                    self.wrong_type("what stands after `-`", "a number", &other, inner.span, None);
                    Type::Any
                }
            },
            Expression::Arithmetic {
                left,
                operator,
                right,
            } => self.arithmetic(left, operator, right),
            Expression::Group(inner) => self.infer(inner),
            Expression::Pipeline { source, filters } => {
                let kind = self.infer(source);
                self.pipeline(kind, filters)
            }
            Expression::On(on) => self.on_value(on, at),
            Expression::Locally(body) => self.locally(body),
            Expression::Command(call) => {
                self.command_call(call, at);
                Type::String
            }
            _ => self.truth(written),
        }
    }

    fn truth(&mut self, written: &Spanned<Expression>) -> Type {
        match &written.node {
            Expression::Not(inner) => self.condition(inner),
            Expression::And(left, right) | Expression::Or(left, right) => {
                self.condition(left);
                self.condition(right);
            }
            Expression::Compare {
                left,
                operator,
                right,
            } => self.compare(left, operator, right),
            Expression::Quantified {
                quantifier,
                table,
                condition,
                ..
            } => self.quantified(quantifier, table, condition),
            Expression::Holds(call) => self.guard_call(call, written.span),
            Expression::Succeeds(arguments) => self.succeeds(arguments, written.span),
            _ => {}
        }
        Type::Truth
    }

    /// Sees to it that an expression is a condition.
    pub(super) fn condition(&mut self, written: &Spanned<Expression>) {
        let kind = self.infer(written);
        if !matches!(kind, Type::Truth | Type::Bool | Type::Any) {
            let help = match &kind {
                Type::Table(_) | Type::List(_) => Some(
                    "say what must hold of it: `some of … have CONDITION`, or count it: `… | count`"
                        .to_owned(),
                ),
                _ => Some("compare it: `… is …`, `… at least …`".to_owned()),
            };
            self.wrong_type("a condition", "yes or no", &kind, written.span, help);
        }
    }

    /// Sees to it that an expression can stand where a value of type `wanted` is; `what` names
    /// the place.
    pub(super) fn expect(&mut self, written: &Spanned<Expression>, wanted: &Type, what: &str) -> Type {
        let at = written.span;
        match (&written.node, wanted) {
            (Expression::Group(inner), _) => return self.expect(inner, wanted, what),
            (Expression::Text(template), Type::Command) => {
                self.command_text(template);
                return Type::Command;
            }
            (Expression::Word(_) | Expression::Text(_), _) => {
                if let Expression::Text(template) = &written.node {
                    self.template(template);
                }
                if let Some(text) = constant_text(&written.node) {
                    self.read_constant(&text, wanted, what, at);
                    return wanted.clone();
                }
            }
            (Expression::List(items), Type::List(inner)) => {
                items.iter().for_each(|item| {
                    self.expect(item, inner, what);
                });
                return wanted.clone();
            }
            (Expression::List(items), Type::Nodes) => {
                items.iter().for_each(|item| {
                    self.expect(item, &Type::Nodes, what);
                });
                return wanted.clone();
            }
            (Expression::Variable(variable), Type::Secret) => {
                let kind = self.variable(variable);
                if !fits(&kind, wanted) && kind != Type::Secret {
                    self.wrong_type(what, &show_type(wanted), &kind, at, None);
                }
                return Type::Secret;
            }
            (Expression::Variable(variable), _) => {
                // A secret in the wrong place is one finding, not two.
                let kind = self.variable(variable);
                if kind == Type::Secret {
                    self.show_secret(&variable.name);
                } else if !fits(&kind, wanted) {
                    self.wrong_type(what, &show_type(wanted), &kind, at, help_for(&kind, wanted));
                }
                return kind;
            }
            _ => {}
        }
        let kind = self.infer(written);
        if !fits(&kind, wanted) && kind != Type::Secret {
            self.wrong_type(what, &show_type(wanted), &kind, at, help_for(&kind, wanted));
        }
        kind
    }

    pub(super) fn wrong_type(
        &mut self,
        what: &str,
        wanted: &str,
        given: &Type,
        at: Span,
        help: Option<String>,
    ) {
        self.findings.push(TypeError::WrongType {
            what: what.to_owned(),
            wanted: wanted.to_owned(),
            given: name_type(given),
            at,
            help,
        });
    }

    /// Reads a constant text as what is wanted, as a run will.
    pub(super) fn read_constant(&mut self, text: &str, wanted: &Type, what: &str, at: Span) {
        match wanted {
            Type::Service => {
                self.service_named(&Spanned::new(text.to_owned(), at));
            }
            Type::Node | Type::Nodes if self.is_set_name(text) => {}
            Type::Nodes => {
                self.read_set(text, at);
            }
            Type::Node => {
                if self.inventory.find(text).is_none() {
                    self.report_unknown_node(text, at);
                }
            }
            Type::List(inner) => self.read_constant(text, inner, what, at),
            Type::Command => self.findings.push(CommandError::NotCommand {
                given: format!("`{text}`"),
                at,
                help: format!("put it in quotes: \"{text}\""),
            }),
            _ => {
                let find = |name: &str| self.inventory.find(name);
                let Err(error) = Value::read(text, wanted, &find) else {
                    return;
                };
                let help = match wanted {
                    Type::Choice(words) => self.findings.suggest(text, words.iter().map(String::as_str)),
                    Type::Duration if text.parse::<u64>().is_ok() => {
                        Some(format!("write its unit: `{text}s` or `{text}m`"))
                    }
                    Type::Size if text.parse::<u64>().is_ok() => Some(format!("write its unit: `{text}GB`")),
                    Type::Percent if text.parse::<u64>().is_ok() => Some(format!("write `{text}%`")),
                    _ => None,
                };
                self.findings.push(TypeError::BadValue {
                    what: what.to_owned(),
                    wanted: error.wanted,
                    text: text.to_owned(),
                    at,
                    help,
                });
            }
        }
    }

    pub(super) fn show_secret(&mut self, name: &Spanned<String>) {
        self.findings.push(CommandError::SecretShown {
            name: name.node.clone(),
            at: name.span,
        });
    }

    /// Reports `$row.column` in a quoted text, where the dot is text.
    pub(super) fn find_fields(&mut self, template: &Template) {
        if template.quoting != Quoting::Double {
            return;
        }
        for pair in template.parts.windows(2) {
            let [first, second] = pair else { continue };
            let (TemplatePart::Variable(variable), TemplatePart::Text(text)) = (&first.node, &second.node)
            else {
                continue;
            };
            let Some(rest) = text.strip_prefix('.') else {
                continue;
            };
            let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            let field = &rest[..end.unwrap_or(rest.len())];
            let name = &variable.name.node;
            let kind = match name.as_str() {
                "node" => Some(&Type::Node),
                _ => self.scope.get(name).map(|binding| &binding.kind),
            };
            let has_field = match kind {
                Some(Type::Row(columns)) => columns.iter().any(|column| column.name == field),
                Some(Type::Node) => self.inventory.variable_names().any(|known| known == field),
                _ => false,
            };
            if has_field && variable.fields.is_empty() {
                self.findings.push(CommandError::FieldInText {
                    name: name.clone(),
                    field: field.to_owned(),
                    at: Span::new(first.span.start, second.span.start + 1 + field.len() as u32),
                });
            }
        }
    }

    /// Looks at the values in a text.
    pub(super) fn template(&mut self, template: &Template) {
        self.find_fields(template);
        for part in &template.parts {
            let TemplatePart::Variable(variable) = &part.node else {
                continue;
            };
            match self.variable(variable) {
                Type::Secret => self.show_secret(&variable.name),
                kind @ (Type::Table(_) | Type::Row(_)) if template.quoting == Quoting::Bare => {
                    self.wrong_type("a value in a word", "one word", &kind, part.span, None);
                }
                _ => {}
            }
        }
    }

    fn list(&mut self, items: &[Spanned<Expression>]) -> Type {
        let mut kind: Option<Type> = None;
        for item in items {
            let item = match self.infer(item) {
                Type::List(inner) => *inner,
                other => other,
            };
            kind = Some(match kind {
                None => item,
                Some(known) if known == item => known,
                Some(_) => Type::Any,
            });
        }
        Type::List(Box::new(kind.unwrap_or(Type::Any)))
    }

    /// Opens the names of a row of `kind`; says no when it has no rows.
    pub(super) fn enter_rows(&mut self, kind: &Type, at: Span) -> bool {
        let (names, item) = match kind {
            Type::Table(columns) => (RowNames::Columns(columns.clone()), Type::Row(columns.clone())),
            Type::Nodes => (RowNames::Node, Type::Node),
            Type::List(inner) => match &**inner {
                Type::Row(columns) => (RowNames::Columns(columns.clone()), (**inner).clone()),
                Type::Any => (RowNames::Open, Type::Any),
                other => (RowNames::Columns(Vec::new()), other.clone()),
            },
            _ => (RowNames::Open, Type::Any),
        };
        self.rows.push(names);
        self.lend("it", item, at);
        matches!(kind, Type::Table(_) | Type::Nodes | Type::List(_) | Type::Any)
    }

    fn succeeds(&mut self, arguments: &Arguments, at: Span) {
        self.need_node("`succeeds`", at);
        match arguments.positional.first() {
            Some(command) => {
                self.command_value(command);
                self.check_probe(command, "`succeeds`");
            }
            None => self.findings.push(TypeError::MissingArgument {
                what: "`succeeds`".to_owned(),
                name: "command".to_owned(),
                says: "a command".to_owned(),
                example: "succeeds \"test -e /path\"".to_owned(),
                at,
                declared: None,
            }),
        }
        let known = [("no", Type::List(Box::new(Type::Int))), ("limit", Type::Duration)];
        self.named_arguments("`succeeds`", &arguments.named, &known);
    }

    fn on_value(&mut self, on: &On, at: Span) -> Type {
        let inner = self.on_block(on, at);
        if on.any {
            return inner;
        }
        let mut columns = vec![Column::new("node", Type::Node)];
        match inner {
            Type::Row(more) | Type::Table(more) => {
                columns.extend(more.into_iter().filter(|column| column.name != "node"));
            }
            // A row of what is not known yet may have any column.
            Type::Any => return Type::Any,
            other => columns.push(Column::new("value", other)),
        }
        Type::Table(columns)
    }

    /// The type of what `locally` gives.
    pub(super) fn locally(&mut self, body: &Block) -> Type {
        let outside = self.place.node;
        self.place.node = NodeInHand::Local;
        let kind = self.block_value(body);
        self.place.node = outside;
        kind
    }

    /// Walks a block and gives the type of its last statement.
    pub(super) fn block_value(&mut self, body: &Block) -> Type {
        let mark = self.scope.mark();
        let mut kind = Type::Any;
        for (index, statement) in body.iter().enumerate() {
            let is_last = index + 1 == body.len();
            kind = match &statement.node {
                Statement::Value(value) => self.infer(value),
                Statement::Command(call) if is_last => {
                    self.command_call(call, statement.span);
                    Type::String
                }
                Statement::On(on) if is_last => self.on_value(on, statement.span),
                _ => {
                    self.statement(statement);
                    Type::Any
                }
            };
        }
        self.close(mark);
        kind
    }

    pub(super) fn known_columns(columns: &[Column]) -> String {
        format!(
            "it has {}",
            list_names(columns.iter().map(|column| column.name.as_str()), "and")
        )
    }
}

fn help_for(given: &Type, wanted: &Type) -> Option<String> {
    match (given, wanted) {
        (Type::Table(_), Type::List(_) | Type::Nodes | Type::Node) => {
            Some("take one column of it: `… | get COLUMN`".to_owned())
        }
        (Type::Row(_), Type::Nodes | Type::Node) => {
            Some("take its column with the node: `$row.host`".to_owned())
        }
        (Type::Table(_) | Type::List(_), Type::Int) => Some("count it: `… | count`".to_owned()),
        (Type::List(_), _) => {
            Some("take one of them: `… | only`, or go through them: `for x in …`".to_owned())
        }
        _ => None,
    }
}

fn literal_type(literal: &Literal) -> Type {
    match literal {
        Literal::Int(_) => Type::Int,
        Literal::Bool(_) => Type::Bool,
        Literal::Duration(_) => Type::Duration,
        Literal::Size(_) => Type::Size,
        Literal::Percent(_) => Type::Percent,
        Literal::Ratio(..) => Type::Ratio,
        Literal::Version(_) => Type::Version,
    }
}

/// The text of an expression that is a text without values in it.
pub(super) fn constant_text(expression: &Expression) -> Option<String> {
    match expression {
        Expression::Word(word) => Some(word.clone()),
        Expression::Text(template) => template
            .parts
            .iter()
            .map(|part| match &part.node {
                TemplatePart::Text(text) => Some(text.as_str()),
                TemplatePart::Variable(_) => None,
            })
            .collect(),
        _ => None,
    }
}
