use crate::value::Type;

/// Whether a value of type `given` can stand where `wanted` is.
///
/// A text fits whatever can be read from text: what was measured is read when it is known.
pub(super) fn fits(given: &Type, wanted: &Type) -> bool {
    use Type as T;
    if given == wanted {
        return true;
    }
    match (given, wanted) {
        (T::Any, _) | (_, T::Any) => true,
        (T::Secret, _) => false,
        (T::List(given), T::List(wanted)) => fits(given, wanted),
        (T::Nodes, T::List(wanted)) => fits(&T::Node, wanted),
        (given, T::List(wanted)) => fits(given, wanted),
        (T::Node, T::Nodes) | (T::Nodes, T::Node) => true,
        (T::List(given), T::Nodes) => fits(given, &T::Node),
        (T::Bool, T::Truth) | (T::Truth, T::Bool) => true,
        (T::Table(_), T::Table(_)) | (T::Row(_), T::Row(_)) => true,
        (_, T::Table(_) | T::Row(_) | T::Truth | T::Command | T::Regex) => false,
        (T::Int | T::Node | T::Version | T::Bool, T::String) => true,
        (given, _) => is_text(given),
    }
}

/// Whether values of the type are texts, told apart only by what may be in them.
pub(super) fn is_text(kind: &Type) -> bool {
    matches!(kind, Type::String | Type::Path | Type::Service | Type::Choice(_))
}

/// Whether two values can be said to be the same or not.
pub(super) fn are_alike(left: &Type, right: &Type) -> bool {
    use Type as T;
    match (left, right) {
        (T::Any, _) | (_, T::Any) => true,
        (T::List(left), T::List(right)) => are_alike(left, right),
        (T::Node | T::Nodes, T::Node | T::Nodes) | (T::Bool | T::Truth, T::Bool | T::Truth) => true,
        (T::Row(_), T::Row(_)) | (T::Table(_), T::Table(_)) => true,
        (left, right) if left == right => true,
        (left, right) => (is_text(left) && is_scalar(right)) || (is_text(right) && is_scalar(left)),
    }
}

fn is_scalar(kind: &Type) -> bool {
    !matches!(
        kind,
        Type::Table(_)
            | Type::Row(_)
            | Type::List(_)
            | Type::Command
            | Type::Secret
            | Type::Truth
            | Type::Regex
    )
}

/// Whether more and less mean something for the type.
pub(super) fn has_order(kind: &Type) -> bool {
    matches!(
        kind,
        Type::Any | Type::Int | Type::Duration | Type::Size | Type::Percent | Type::Version | Type::Ratio
    )
}

/// A type with its article, as an operator would name it.
pub(super) fn name_type(kind: &Type) -> String {
    match kind {
        Type::String => "text".to_owned(),
        Type::Int => "a number".to_owned(),
        Type::Bool => "yes or no".to_owned(),
        Type::Duration => "a duration".to_owned(),
        Type::Size => "a size".to_owned(),
        Type::Percent => "a percentage".to_owned(),
        Type::Ratio => "a ratio".to_owned(),
        Type::Version => "a version".to_owned(),
        Type::Path => "a path".to_owned(),
        Type::Node => "a node".to_owned(),
        Type::Nodes => "a set of nodes".to_owned(),
        Type::Service => "a service".to_owned(),
        Type::Command => "a command".to_owned(),
        Type::Secret => "a secret".to_owned(),
        Type::Choice(words) => format!("one of {}", words.join(", ")),
        Type::List(inner) => match &**inner {
            Type::Any => "a list".to_owned(),
            Type::String => "a list of texts".to_owned(),
            inner => {
                let name = name_type(inner);
                let name = name.strip_prefix("a ").unwrap_or(&name);
                match name {
                    "text" | "yes or no" => format!("a list of {name}"),
                    _ => format!("a list of {name}s"),
                }
            }
        },
        Type::Table(_) => "a table".to_owned(),
        Type::Row(_) => "a row".to_owned(),
        Type::Regex => "a regular expression".to_owned(),
        Type::Truth => "a condition".to_owned(),
        Type::Any => "anything".to_owned(),
    }
}

/// The same with an example of how it is written.
pub(super) fn show_type(kind: &Type) -> String {
    let example = match kind {
        Type::Duration => " such as 30s or 5m",
        Type::Size => " such as 10GB",
        Type::Percent => " such as 80%",
        Type::Ratio => " such as 3:2",
        Type::Version => " such as 6.0.7",
        Type::Nodes => " such as node[1-3]",
        _ => "",
    };
    format!("{}{example}", name_type(kind))
}

/// How a value of the type is written, for a help text.
pub(super) fn example_of(kind: &Type) -> String {
    match kind {
        Type::Int => "5".to_owned(),
        Type::Bool => "yes".to_owned(),
        Type::Duration => "5m".to_owned(),
        Type::Size => "10GB".to_owned(),
        Type::Percent => "80%".to_owned(),
        Type::Ratio => "3:2".to_owned(),
        Type::Version => "6.0.7".to_owned(),
        Type::Path => "/path".to_owned(),
        Type::Node | Type::Nodes => "$node".to_owned(),
        Type::Choice(words) => words.first().cloned().unwrap_or_default(),
        Type::List(inner) => example_of(inner),
        Type::Service => "SERVICE".to_owned(),
        _ => "\"…\"".to_owned(),
    }
}
