use super::expression::literal_value;
use crate::diagnostic::Spanned;
use crate::syntax::{
    Arguments, Block, CommandCall, Expression, FilterCall, FilterForm, Mode, NodeExpression, On, OnOption,
    Quantifier, Quoting, Statement, Template, TemplatePart, Test, Variable,
};

/// An expression as it is written, on one line, to be named in a message.
pub fn describe(expression: &Expression) -> String {
    match expression {
        Expression::Literal(literal) => literal_value(literal).to_string(),
        Expression::Text(template) => describe_template(template),
        Expression::Word(word) | Expression::Name(word) | Expression::Folded(word) => word.clone(),
        Expression::Regex(text) => format!("/{text}/"),
        Expression::Variable(variable) => describe_variable(variable),
        Expression::Call { name, arguments } => format!("{}({})", name.node, join(arguments, ", ")),
        Expression::List(items) => format!("[{}]", join(items, " ")),
        Expression::Row(cells) => format!("row{}", describe_named(cells)),
        Expression::Not(condition) => format!("not {}", inner(condition)),
        Expression::Negative(number) => format!("-{}", inner(number)),
        Expression::Arithmetic {
            left,
            operator,
            right,
        } => format!("{} {} {}", inner(left), operator.node.sign(), inner(right)),
        Expression::Compare {
            left,
            operator,
            right,
        } => format!("{} {} {}", inner(left), operator.node.words(), inner(right)),
        Expression::And(left, right) => format!("{} and {}", inner(left), inner(right)),
        Expression::Or(left, right) => format!("{} or {}", inner(left), inner(right)),
        Expression::Quantified {
            quantifier,
            table,
            condition,
            or_none,
        } => format!(
            "{} of {} have {}{}",
            describe_quantifier(&quantifier.node),
            inner(table),
            inner(condition),
            none_words(*or_none)
        ),
        Expression::Holds(call) => format!("holds {}{}", call.name.node, describe_arguments(&call.arguments)),
        Expression::Succeeds(arguments) => format!("succeeds{}", describe_arguments(arguments)),
        Expression::Pipeline { source, filters } => {
            let filters = filters.iter().map(|filter| describe_filter(&filter.node));
            format!("{}{}", inner(source), filters.collect::<String>())
        }
        Expression::On(on) => describe_on(on),
        Expression::Locally(body) => format!("locally {}", describe_body(body)),
        Expression::Command(call) => describe_command(call),
        Expression::Group(written) => format!("({})", inner(written)),
    }
}

fn inner(written: &Spanned<Expression>) -> String {
    describe(&written.node)
}

fn join(items: &[Spanned<Expression>], between: &str) -> String {
    items.iter().map(inner).collect::<Vec<String>>().join(between)
}

/// Arguments as they are written, each after a blank.
fn describe_arguments(arguments: &Arguments) -> String {
    let positional = arguments
        .positional
        .iter()
        .map(|word| format!(" {}", inner(word)));
    positional.collect::<String>() + &describe_named(&arguments.named)
}

fn describe_named(named: &[(Spanned<String>, Spanned<Expression>)]) -> String {
    let cell =
        |(name, value): &(Spanned<String>, Spanned<Expression>)| format!(" {}={}", name.node, inner(value));
    named.iter().map(cell).collect()
}

fn describe_filter(filter: &FilterCall) -> String {
    let arguments = match &filter.form {
        FilterForm::Where(written) | FilterForm::Each(written) => format!(" {}", inner(written)),
        FilterForm::SortBy(columns) => {
            let column = |(name, down): &(Spanned<String>, bool)| match down {
                true => format!("{} down", name.node),
                false => name.node.clone(),
            };
            let columns: Vec<String> = columns.iter().map(column).collect();
            format!(" by {}", columns.join(", "))
        }
        FilterForm::Plain(arguments) => describe_arguments(arguments),
    };
    format!(" | {}{arguments}{}", filter.name.node, none_words(filter.or_none))
}

fn describe_command(call: &CommandCall) -> String {
    let verb = if call.acts { "run" } else { "probe" };
    let settled = call.done_when.as_ref().map(|test| match &test.node {
        Test::Guard(guard) => format!(
            " done when {}{}",
            guard.name.node,
            describe_arguments(&guard.arguments)
        ),
        Test::Condition(condition) => format!(" done when ({})", inner(condition)),
    });
    let cut = if call.may_disconnect {
        " may disconnect"
    } else {
        ""
    };
    let named = describe_named(&call.named);
    format!(
        "{verb} {}{named}{}{cut}",
        inner(&call.command),
        settled.unwrap_or_default()
    )
}

fn describe_on(on: &On) -> String {
    let any = if on.any { "any " } else { "" };
    let each = on.each.as_ref().map(|name| format!("each {} of ", name.node));
    let mode = on.mode.as_ref().map(|mode| match &mode.node {
        Mode::Serially => " serially".to_owned(),
        Mode::InParallel => " in parallel".to_owned(),
        Mode::InBatches(sizes) => format!(" in batches of {}", join(sizes, " ")),
        Mode::By(domain) => format!(" by {domain}"),
    });
    let options = on.options.iter().map(|option| match &option.node {
        OnOption::Last(fact) => format!(", {} last", fact.node),
        OnOption::Tolerating(number) => format!(", tolerating {}", inner(number)),
        OnOption::AtMost(number) => format!(", at most {} at once", inner(number)),
        OnOption::AsRoot => ", as root".to_owned(),
    });
    format!(
        "on {any}{}{}{}{}{} {}",
        each.unwrap_or_default(),
        describe_nodes(&on.nodes.node),
        mode.unwrap_or_default(),
        options.collect::<String>(),
        if on.or_none { ", or none" } else { "" },
        describe_body(&on.body)
    )
}

/// Nodes as they are written.
pub fn describe_nodes(nodes: &NodeExpression) -> String {
    match nodes {
        NodeExpression::Name(text) | NodeExpression::Folded(text) => text.clone(),
        NodeExpression::Quoted(text) => format!("\"{text}\""),
        NodeExpression::Value(variable) => describe_variable(variable),
        NodeExpression::Expression(written) => format!("({})", inner(written)),
        NodeExpression::Combined {
            left,
            operator,
            right,
        } => format!(
            "{} {} {}",
            describe_nodes(&left.node),
            operator.sign(),
            describe_nodes(&right.node)
        ),
        NodeExpression::Where { nodes, condition } => {
            format!("{} where {}", describe_nodes(&nodes.node), inner(condition))
        }
    }
}

/// A body of one value in full; a longer one is left out.
fn describe_body(body: &Block) -> String {
    match body.iter().map(|statement| &statement.node).collect::<Vec<_>>()[..] {
        [Statement::Value(value)] => format!("< {} >", inner(value)),
        [Statement::Command(call)] => format!("< {} >", describe_command(call)),
        _ => "< … >".to_owned(),
    }
}

fn none_words(or_none: bool) -> &'static str {
    if or_none { " or none" } else { "" }
}

/// A quantifier as it is written: `at least 2`.
pub fn describe_quantifier(quantifier: &Quantifier) -> String {
    match quantifier {
        Quantifier::All => "all".to_owned(),
        Quantifier::None => "none".to_owned(),
        Quantifier::Some => "some".to_owned(),
        Quantifier::Exactly(number) => format!("exactly {}", inner(number)),
        Quantifier::AtLeast(number) => format!("at least {}", inner(number)),
        Quantifier::AtMost(number) => format!("at most {}", inner(number)),
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
        TemplatePart::Text(text) if template.quoting == Quoting::Double => escape(text),
        TemplatePart::Text(text) => text.replace('\n', "\\n"),
        TemplatePart::Variable(variable)
            if !variable.fields.is_empty() && template.quoting == Quoting::Double =>
        {
            format!("${{{}}}", &describe_variable(variable)[1..])
        }
        TemplatePart::Variable(variable) => describe_variable(variable),
    };
    let text: String = template.parts.iter().map(part).collect();
    match template.quoting {
        Quoting::Bare => text,
        Quoting::Single => format!("'{text}'"),
        Quoting::Double => format!("\"{text}\""),
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => escaped.push_str("\\n"),
            '"' | '\\' | '$' => escaped.extend(['\\', letter]),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Problems;
    use crate::syntax::parse_script;

    #[test]
    fn an_expression_is_named_as_it_is_written() {
        let cases = [
            r#"mds | where status is "x" | get host"#,
            r#"holds quorum spare=2 losing=$node"#,
            r#"succeeds "test -e $node" no=[1 16]"#,
            r#"(mds | sort by status down, host | first)"#,
            r#"not (1 + 2) * 3 is 9 and (all of mds have status is "up" or none)"#,
            r#"on any mds_nodes + cs_nodes < probe "stat \$x" limit=5s | section /MDSID/ until=/x/ or none >"#,
            r#"service-state($service, 'a b')"#,
            r#"row a=1 b=[x y]"#,
            r#""${server.host} is $x""#,
        ];
        for text in cases {
            let mut problems = Problems::default();
            let script = parse_script(&format!("let x = {text}\n"), 0, &mut problems);
            let Some(Statement::Let { value, .. }) = script.statements.first().map(|first| &first.node)
            else {
                panic!("{text} does not parse");
            };
            assert_eq!(describe(&value.node), text);
        }
    }
}
