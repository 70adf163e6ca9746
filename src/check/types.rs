use super::checker::{Checker, Definition, NodeInHand, RowNames};
use super::error::CheckError;
use super::findings::list_names;
use super::fit::{are_alike, fits, has_order, is_text, name_type, show_type};
use crate::diagnostic::{Span, Spanned};
use crate::syntax::{
    Arguments, ArithmeticOperator, Block, CompareOperator, Expression, Literal, On, Quantifier, Quoting,
    Statement, Template, TemplatePart, Written,
};
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
        self.findings.push(CheckError::WrongType {
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
            Type::Command => self.findings.push(CheckError::NotCommand {
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
                self.findings.push(CheckError::BadValue {
                    what: what.to_owned(),
                    wanted: error.wanted,
                    text: text.to_owned(),
                    at,
                    help,
                });
            }
        }
    }

    /// Whether `name` is a group, or a fact that may give nodes.
    fn is_set_name(&mut self, name: &str) -> bool {
        let declared = self.declared;
        if let super::collect::Found::One(index) = declared.facts.find(&self.module, name) {
            let fact = &declared.facts.entries[index].item;
            self.call(Definition::Fact(index), fact.span);
            return true;
        }
        let group = declared.group(&self.module, name);
        self.inventory.group(group).is_some() || declared.module_needs(&self.module, name)
    }

    pub(super) fn show_secret(&mut self, name: &Spanned<String>) {
        self.findings.push(CheckError::SecretShown {
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
                self.findings.push(CheckError::FieldInText {
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

    /// What a bare name in an expression means: a column, a fact, a group, a node, a service.
    fn name(&mut self, name: &str, at: Span) -> Type {
        let declared = self.declared;
        if let Some(kind) = self.row_name(name) {
            return kind;
        }
        let spanned = Spanned::new(name.to_owned(), at);
        if let Some(index) = self.find_one(&declared.facts, &spanned) {
            let fact = &declared.facts.entries[index].item;
            let what = format!("fact `{name}`");
            self.fill_parameters(&what, &fact.parameters, &Arguments::default(), at);
            self.call(Definition::Fact(index), at);
            return fact.kind.clone();
        }
        let group = declared.group(&self.module, name);
        if self.inventory.group(group).is_some() || declared.module_needs(&self.module, name) {
            return Type::Nodes;
        }
        if self.inventory.find(name).is_some() {
            return Type::Node;
        }
        if matches!(
            declared.services.find(&self.module, name),
            super::collect::Found::One(_)
        ) {
            return Type::Service;
        }
        if !matches!(
            declared.facts.find(&self.module, name),
            super::collect::Found::Several(_)
        ) {
            self.report_unknown_name(name, at);
        }
        Type::Any
    }

    /// A column of the row in hand, or a variable of the node in hand.
    fn row_name(&self, name: &str) -> Option<Type> {
        let mut is_open = false;
        for names in self.rows.iter().rev() {
            match names {
                RowNames::Columns(columns) => {
                    if let Some(column) = columns.iter().find(|column| column.name == name) {
                        return Some(column.kind.clone());
                    }
                }
                RowNames::Node if name == "name" => return Some(Type::Node),
                RowNames::Node if self.inventory.variable_names().any(|known| known == name) => {
                    return Some(Type::String);
                }
                RowNames::Node => {}
                RowNames::Open => is_open = true,
            }
        }
        let is_known = || {
            !matches!(
                self.declared.facts.find(&self.module, name),
                super::collect::Found::Nothing
            ) || self
                .inventory
                .group(self.declared.group(&self.module, name))
                .is_some()
        };
        (is_open && !is_known()).then_some(Type::Any)
    }

    fn report_unknown_name(&mut self, name: &str, at: Span) {
        let columns: Vec<String> = self
            .rows
            .iter()
            .flat_map(|names| match names {
                RowNames::Columns(columns) => columns.iter().map(|column| column.name.clone()).collect(),
                RowNames::Node => self.inventory.variable_names().map(str::to_owned).collect(),
                RowNames::Open => Vec::new(),
            })
            .collect();
        let known = columns
            .iter()
            .map(String::as_str)
            .chain(self.declared.facts.names())
            .chain(self.inventory.group_names());
        let help = if self.scope.get(name).is_some() {
            Some(format!("write `${name}` for its value"))
        } else if let Some(near) = crate::diagnostic::nearest(name, known) {
            Some(format!("did you mean `{near}`? text is quoted: \"{name}\""))
        } else if self.declared.guards.get(&self.module, name).is_some() {
            Some(format!("`{name}` is a guard: write `holds {name}`"))
        } else {
            Some(format!("if it is text, quote it: \"{name}\""))
        };
        let kinds = if self.rows.is_empty() {
            "fact or group"
        } else {
            "column, fact or group"
        };
        self.findings.push(CheckError::UnknownName {
            kinds: kinds.to_owned(),
            name: name.to_owned(),
            at,
            help,
        });
    }

    fn fact_call(&mut self, name: &Spanned<String>, arguments: &[Spanned<Expression>], at: Span) -> Type {
        let declared = self.declared;
        let Some(index) = self.find_one(&declared.facts, name) else {
            if matches!(
                declared.facts.find(&self.module, &name.node),
                super::collect::Found::Nothing
            ) {
                let help = if declared.guards.get(&self.module, &name.node).is_some() {
                    Some(format!("`{0}` is a guard: write `holds {0} …`", name.node))
                } else {
                    self.findings.suggest(&name.node, declared.facts.names())
                };
                self.findings.push(CheckError::UnknownName {
                    kinds: "fact".to_owned(),
                    name: name.node.clone(),
                    at: name.span,
                    help,
                });
            }
            arguments.iter().for_each(|argument| {
                self.infer(argument);
            });
            return Type::Any;
        };
        let fact = &declared.facts.entries[index].item;
        let given = Arguments {
            positional: arguments.to_vec(),
            named: Vec::new(),
        };
        self.fill_parameters(&format!("fact `{}`", name.node), &fact.parameters, &given, at);
        self.call(Definition::Fact(index), name.span);
        fact.kind.clone()
    }

    fn arithmetic(
        &mut self,
        left: &Written,
        operator: &Spanned<ArithmeticOperator>,
        right: &Written,
    ) -> Type {
        use ArithmeticOperator as O;
        let (one, two) = (self.infer(left), self.infer(right));
        let is_set = |kind: &Type| match kind {
            Type::Node | Type::Nodes => true,
            Type::List(inner) => matches!(**inner, Type::Node | Type::Nodes | Type::Any),
            _ => false,
        };
        let operator = operator.node;
        let result = match (&one, operator, &two) {
            (Type::Any, _, Type::Any) => Some(Type::Any),
            (one, O::Add | O::Subtract | O::Intersect, two)
                if (is_set(one) || is_set(two)) && fits(one, &Type::Nodes) && fits(two, &Type::Nodes) =>
            {
                Some(Type::Nodes)
            }
            (Type::Any, _, other) | (other, _, Type::Any) if is_measure(other) => Some(Type::Any),
            (Type::Int, O::Add | O::Subtract | O::Multiply | O::Divide, Type::Int) => Some(Type::Int),
            (Type::Duration | Type::Size | Type::Percent, O::Add | O::Subtract, same) if *same == one => {
                Some(one.clone())
            }
            (Type::Duration | Type::Size | Type::Percent, O::Divide, same) if *same == one => Some(Type::Int),
            (Type::Duration | Type::Size | Type::Percent, O::Multiply | O::Divide, Type::Int) => {
                Some(one.clone())
            }
            (Type::Int, O::Multiply, Type::Duration | Type::Size | Type::Percent) => Some(two.clone()),
            (Type::Size, O::Multiply, Type::Percent) | (Type::Percent, O::Multiply, Type::Size) => {
                Some(Type::Size)
            }
            _ => None,
        };
        result.unwrap_or_else(|| {
            let help = if is_measure(&one) && is_measure(&two) {
                Some("write both with the same unit".to_owned())
            } else if is_text(&one) || is_text(&two) {
                Some("to put texts together write them in one text: \"$one$two\"".to_owned())
            } else if matches!(one, Type::Table(_) | Type::List(_))
                || matches!(two, Type::Table(_) | Type::List(_))
            {
                Some("count it first: `(… | count)`".to_owned())
            } else {
                None
            };
            self.findings.push(CheckError::CannotCalculate {
                left: name_type(&one),
                right: name_type(&two),
                operator: sign(operator),
                left_at: left.span,
                right_at: right.span,
                help,
            });
            Type::Any
        })
    }

    fn compare(&mut self, left: &Written, operator: &Spanned<CompareOperator>, right: &Written) {
        use CompareOperator as O;
        let words = compare_words(operator.node);
        let one = self.infer(left);
        if matches!(operator.node, O::In | O::NotIn) {
            return self.compare_in(&one, left, words, right);
        }
        // A constant text is read as what stands on the other side.
        if let Some(text) = constant_text(&right.node)
            && !matches!(
                one,
                Type::Any | Type::Table(_) | Type::Row(_) | Type::List(_) | Type::Secret | Type::Truth
            )
            && operator.node != O::Matches
        {
            if let Expression::Text(template) = &right.node {
                self.template(template);
            }
            if has_order(&one) || matches!(operator.node, O::Is | O::IsNot) {
                return self.read_constant(&text, &one, "what it is compared with", right.span);
            }
        }
        let two = self.infer(right);
        let (fine, help) = match operator.node {
            O::Is | O::IsNot => (are_alike(&one, &two), None),
            O::Matches => (
                (is_text(&one) || matches!(one, Type::Any | Type::Node | Type::Version | Type::Int))
                    && matches!(two, Type::Regex | Type::Any | Type::String),
                Some("write a regular expression between slashes: `matches /…/`".to_owned()),
            ),
            _ => {
                let same = one == two || one == Type::Any || two == Type::Any;
                let read = (is_text(&one) && has_order(&two)) || (is_text(&two) && has_order(&one));
                let help = match (&one, &two) {
                    (Type::Table(_) | Type::List(_), _) | (_, Type::Table(_) | Type::List(_)) => {
                        Some("count it: `(… | count)`".to_owned())
                    }
                    (one, two) if is_measure(one) && is_measure(two) => {
                        Some("write both with the same unit".to_owned())
                    }
                    _ => None,
                };
                (read || (same && has_order(&one) && has_order(&two)), help)
            }
        };
        if !fine && one != Type::Secret && two != Type::Secret {
            self.cannot_compare(&one, left, words, &two, right, help);
        }
    }

    fn compare_in(&mut self, one: &Type, left: &Written, words: &'static str, right: &Written) {
        if let Expression::List(items) = &right.node {
            for item in items {
                let text = constant_text(&item.node);
                match text {
                    Some(text) if is_text(one) || has_order(one) || matches!(one, Type::Node) => {
                        if *one != Type::Any {
                            self.read_constant(&text, one, "what it is compared with", item.span);
                        }
                    }
                    _ => {
                        let two = self.infer(item);
                        let two = if let Type::List(inner) = two { *inner } else { two };
                        if !are_alike(one, &two) {
                            self.cannot_compare(one, left, words, &two, item, None);
                        }
                    }
                }
            }
            return;
        }
        let two = self.infer(right);
        let fine = match &two {
            Type::Any => true,
            Type::List(inner) => are_alike(one, inner),
            Type::Nodes | Type::Node => fits(one, &Type::Nodes),
            _ => false,
        };
        if !fine {
            let help = match &two {
                Type::Table(_) => Some("take one column of it: `… | get COLUMN`".to_owned()),
                Type::List(_) | Type::Nodes | Type::Node => None,
                _ => Some("write a list: `in [a b]`".to_owned()),
            };
            self.cannot_compare(one, left, words, &two, right, help);
        }
    }

    fn cannot_compare(
        &mut self,
        one: &Type,
        left: &Spanned<Expression>,
        operator: &'static str,
        two: &Type,
        right: &Spanned<Expression>,
        help: Option<String>,
    ) {
        self.findings.push(CheckError::CannotCompare {
            left: name_type(one),
            right: name_type(two),
            operator,
            left_at: left.span,
            right_at: right.span,
            help,
        });
    }

    fn quantified(&mut self, quantifier: &Spanned<Quantifier>, table: &Written, condition: &Written) {
        match &quantifier.node {
            Quantifier::Exactly(number) | Quantifier::AtLeast(number) | Quantifier::AtMost(number) => {
                let kind = self.infer(number);
                if !matches!(kind, Type::Int | Type::Percent | Type::Any) {
                    self.wrong_type("how many of them", "a number", &kind, number.span, None);
                }
            }
            Quantifier::All | Quantifier::None | Quantifier::Some => {}
        }
        let kind = self.infer(table);
        let mark = self.scope.mark();
        let has_rows = self.enter_rows(&kind, table.span);
        if !has_rows {
            self.wrong_type("what stands after `of`", "a table", &kind, table.span, None);
        }
        self.condition(condition);
        self.rows.pop();
        self.scope.close(mark);
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
            Some(command) => self.command_value(command),
            None => self.findings.push(CheckError::MissingArgument {
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

/// Whether it is a number with or without a unit.
fn is_measure(kind: &Type) -> bool {
    matches!(kind, Type::Int | Type::Duration | Type::Size | Type::Percent)
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

fn sign(operator: ArithmeticOperator) -> &'static str {
    match operator {
        ArithmeticOperator::Add => "+",
        ArithmeticOperator::Subtract => "-",
        ArithmeticOperator::Multiply => "*",
        ArithmeticOperator::Divide => "/",
        ArithmeticOperator::Intersect => "&",
    }
}

fn compare_words(operator: CompareOperator) -> &'static str {
    match operator {
        CompareOperator::Is => "is",
        CompareOperator::IsNot => "is not",
        CompareOperator::AtLeast => "at least",
        CompareOperator::AtMost => "at most",
        CompareOperator::MoreThan => "more than",
        CompareOperator::LessThan => "less than",
        CompareOperator::In => "in",
        CompareOperator::NotIn => "not in",
        CompareOperator::Matches => "matches",
    }
}
