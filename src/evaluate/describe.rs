use super::expression::literal_value;
use crate::diagnostic::Spanned;
use crate::syntax::{
    ArithmeticOperator, CompareOperator, Expression, Quantifier, Template, TemplatePart, Variable,
};

/// An expression as a person would name it in a message.
pub fn describe(expression: &Expression) -> String {
    let inner = |written: &Spanned<Expression>| describe(&written.node);
    match expression {
        Expression::Literal(literal) => literal_value(literal).to_string(),
        Expression::Text(template) => format!("\"{}\"", describe_template(template)),
        Expression::Word(word) | Expression::Name(word) | Expression::Folded(word) => word.clone(),
        Expression::Regex(text) => format!("/{text}/"),
        Expression::Variable(variable) => describe_variable(variable),
        Expression::Call { name, arguments } => {
            format!(
                "{}({})",
                name.node,
                arguments.iter().map(inner).collect::<Vec<String>>().join(", ")
            )
        }
        Expression::List(items) => {
            format!("[{}]", items.iter().map(inner).collect::<Vec<String>>().join(" "))
        }
        Expression::Row(_) => "a row".to_owned(),
        Expression::Not(condition) => format!("not {}", inner(condition)),
        Expression::Negative(number) => format!("-{}", inner(number)),
        Expression::Arithmetic {
            left,
            operator,
            right,
        } => {
            let sign = match operator.node {
                ArithmeticOperator::Add => "+",
                ArithmeticOperator::Subtract => "-",
                ArithmeticOperator::Multiply => "*",
                ArithmeticOperator::Divide => "/",
                ArithmeticOperator::Intersect => "&",
            };
            format!("{} {sign} {}", inner(left), inner(right))
        }
        Expression::Compare {
            left,
            operator,
            right,
        } => {
            format!(
                "{} {} {}",
                inner(left),
                compare_words(operator.node),
                inner(right)
            )
        }
        Expression::And(left, right) => format!("{} and {}", inner(left), inner(right)),
        Expression::Or(left, right) => format!("{} or {}", inner(left), inner(right)),
        Expression::Quantified {
            quantifier,
            table,
            condition,
            ..
        } => {
            format!(
                "{} of {} have {}",
                quantifier_words(&quantifier.node),
                inner(table),
                inner(condition)
            )
        }
        Expression::Holds(call) => format!("holds {}", call.name.node),
        Expression::Succeeds(_) => "succeeds".to_owned(),
        Expression::Pipeline { source, filters } => {
            let names: Vec<&str> = filters
                .iter()
                .map(|filter| filter.node.name.node.as_str())
                .collect();
            format!("{} | {}", inner(source), names.join(" | "))
        }
        Expression::On(_) | Expression::Locally(_) | Expression::Command(_) => {
            "what this measures".to_owned()
        }
        Expression::Group(written) => inner(written),
    }
}

pub(super) fn compare_words(operator: CompareOperator) -> &'static str {
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

pub(super) fn quantifier_words(quantifier: &Quantifier) -> String {
    match quantifier {
        Quantifier::All => "all".to_owned(),
        Quantifier::None => "none".to_owned(),
        Quantifier::Some => "some".to_owned(),
        Quantifier::Exactly(number) => format!("exactly {}", describe(&number.node)),
        Quantifier::AtLeast(number) => format!("at least {}", describe(&number.node)),
        Quantifier::AtMost(number) => format!("at most {}", describe(&number.node)),
    }
}

fn describe_variable(variable: &Variable) -> String {
    let mut text = format!("${}", variable.name.node);
    for field in &variable.fields {
        text.push('.');
        text.push_str(&field.node);
    }
    text
}

fn describe_template(template: &Template) -> String {
    let part = |part: &Spanned<TemplatePart>| match &part.node {
        TemplatePart::Text(text) => text.clone(),
        TemplatePart::Variable(variable) => describe_variable(variable),
    };
    template.parts.iter().map(part).collect()
}
