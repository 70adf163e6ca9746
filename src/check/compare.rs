use super::checker::Checker;
use super::error::TypeError;
use super::fit::{are_alike, fits, has_order, is_text, name_type};
use super::types::constant_text;
use crate::diagnostic::Spanned;
use crate::syntax::{ArithmeticOperator, CompareOperator, Expression, Quantifier, Written};
use crate::value::Type;

impl Checker<'_, '_> {
    pub(super) fn arithmetic(
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
            self.findings.push(TypeError::CannotCalculate {
                left: name_type(&one),
                right: name_type(&two),
                operator: operator.sign(),
                left_at: left.span,
                right_at: right.span,
                help,
            });
            Type::Any
        })
    }

    pub(super) fn compare(&mut self, left: &Written, operator: &Spanned<CompareOperator>, right: &Written) {
        use CompareOperator as O;
        let words = operator.node.words();
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

    pub(super) fn compare_in(&mut self, one: &Type, left: &Written, words: &'static str, right: &Written) {
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

    pub(super) fn cannot_compare(
        &mut self,
        one: &Type,
        left: &Spanned<Expression>,
        operator: &'static str,
        two: &Type,
        right: &Spanned<Expression>,
        help: Option<String>,
    ) {
        self.findings.push(TypeError::CannotCompare {
            left: name_type(one),
            right: name_type(two),
            operator,
            left_at: left.span,
            right_at: right.span,
            help,
        });
    }

    pub(super) fn quantified(
        &mut self,
        quantifier: &Spanned<Quantifier>,
        table: &Written,
        condition: &Written,
    ) {
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
}

/// Whether it is a number with or without a unit.
fn is_measure(kind: &Type) -> bool {
    matches!(kind, Type::Int | Type::Duration | Type::Size | Type::Percent)
}
