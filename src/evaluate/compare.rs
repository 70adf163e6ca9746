use std::cmp::Ordering;

use super::{Context, EvaluateError, Stop};
use crate::diagnostic::Span;
use crate::library::read_regex;
use crate::syntax::CompareOperator;
use crate::value::{Truth, Value};

use CompareOperator::{AtLeast, AtMost, In, Is, IsNot, LessThan, Matches, MoreThan, NotIn};

impl Context<'_> {
    /// Compares two values; what is unknown on either side makes the answer unknown.
    ///
    /// # Errors
    ///
    /// [`EvaluateError::WrongKind`] when the two cannot be compared so.
    pub fn compare(
        &self,
        left: Value,
        operator: CompareOperator,
        right: Value,
        at: Span,
    ) -> Result<Truth, Stop> {
        if let Some(why) = unknown_of(&left).or_else(|| unknown_of(&right)) {
            return Ok(Truth::Unknown(why));
        }
        match operator {
            Is => Ok(self.equal(&left, &right)),
            IsNot => Ok(self.equal(&left, &right).not()),
            In => self.contained(&left, &right, at),
            NotIn => Ok(self.contained(&left, &right, at)?.not()),
            Matches if left.unsure().is_some() => Ok(Truth::Unknown(
                left.unsure().unwrap_or_else(|| "it is not known".into()),
            )),
            Matches => matches_expression(&left, &right, at),
            AtLeast | AtMost | MoreThan | LessThan => self.ordered(&left, operator, &right, at),
        }
    }

    fn ordered(
        &self,
        left: &Value,
        operator: CompareOperator,
        right: &Value,
        at: Span,
    ) -> Result<Truth, Stop> {
        // "N or more" is sure only upwards.
        match (left, right) {
            (Value::AtLeast(number, why), right) => {
                let sure = self.ordered(&Value::Int(*number), operator, right, at)?;
                let upwards = matches!(operator, AtLeast | MoreThan);
                return Ok(match sure {
                    Truth::Yes if upwards => Truth::Yes,
                    Truth::No if !upwards => Truth::No,
                    _ => Truth::Unknown(why.clone()),
                });
            }
            (left, Value::AtLeast(number, why)) => {
                let sure = self.ordered(left, operator, &Value::Int(*number), at)?;
                let upwards = matches!(operator, AtLeast | MoreThan);
                return Ok(match sure {
                    Truth::No if upwards => Truth::No,
                    Truth::Yes if !upwards => Truth::Yes,
                    _ => Truth::Unknown(why.clone()),
                });
            }
            _ => {}
        }
        if let (Value::Ratio(norm, limit), Value::Ratio(wanted_norm, wanted_limit)) = (left, right) {
            // A ratio is at least another when both its numbers are.
            let (above, below) = (
                norm >= wanted_norm && limit >= wanted_limit,
                norm <= wanted_norm && limit <= wanted_limit,
            );
            return Ok(Truth::from(match operator {
                AtLeast => above,
                AtMost => below,
                MoreThan => above && !below,
                _ => below && !above,
            }));
        }
        let Some(order) = order(left, &self.alike(right, left)) else {
            let found = format!("{left} beside {right}");
            return Err(EvaluateError::WrongKind {
                found,
                wanted: "a pair that can be ordered".into(),
                at,
            }
            .into());
        };
        Ok(Truth::from(match operator {
            AtLeast => order != Ordering::Less,
            AtMost => order != Ordering::Greater,
            MoreThan => order == Ordering::Greater,
            _ => order == Ordering::Less,
        }))
    }

    /// Whether two values are the same, unknown when that hangs on something unknown.
    pub(super) fn equal(&self, left: &Value, right: &Value) -> Truth {
        if let Some(why) = unknown_of(left).or_else(|| unknown_of(right)) {
            return Truth::Unknown(why);
        }
        match (left, right) {
            (Value::AtLeast(number, why), Value::Int(wanted))
            | (Value::Int(wanted), Value::AtLeast(number, why)) => {
                if wanted < number {
                    Truth::No
                } else {
                    Truth::Unknown(why.clone())
                }
            }
            (Value::AtLeast(_, why), _) | (_, Value::AtLeast(_, why)) => Truth::Unknown(why.clone()),
            (Value::Nodes(nodes), Value::Node(node)) | (Value::Node(node), Value::Nodes(nodes)) => {
                Truth::from(nodes.len() == 1 && nodes.contains(node))
            }
            (Value::List(left), Value::List(right)) => {
                if left.len() != right.len() {
                    return Truth::No;
                }
                left.iter()
                    .zip(right.iter())
                    .fold(Truth::Yes, |so_far, (a, b)| so_far.and(self.equal(a, b)))
            }
            (Value::Truth(truth), Value::Bool(yes)) | (Value::Bool(yes), Value::Truth(truth)) => {
                if *yes {
                    truth.clone()
                } else {
                    truth.clone().not()
                }
            }
            _ => match left.unsure().or_else(|| right.unsure()) {
                Some(why) => Truth::Unknown(why),
                None => Truth::from(*left == self.alike(right, left)),
            },
        }
    }

    /// `value` as the kind that `model` is, where it is a text that can be read so.
    fn alike(&self, value: &Value, model: &Value) -> Value {
        if std::mem::discriminant(value) == std::mem::discriminant(model) {
            return value.clone();
        }
        match (value, model) {
            (Value::Text(text) | Value::Path(text) | Value::Service(text), _) => {
                let find = |name: &str| self.inventory.find(name);
                Value::read(text, &model.kind(), &find).unwrap_or_else(|_| value.clone())
            }
            (_, Value::Text(_)) => Value::text(value.to_string()),
            (_, Value::Path(_)) => Value::Path(value.to_string().into()),
            (_, Value::Service(_)) => Value::Service(value.to_string().into()),
            _ => value.clone(),
        }
    }

    fn contained(&self, left: &Value, right: &Value, at: Span) -> Result<Truth, Stop> {
        match right {
            Value::List(values) => Ok(values
                .iter()
                .fold(Truth::No, |so_far, value| so_far.or(self.equal(left, value)))),
            Value::Nodes(nodes) => {
                let left = self.as_nodes(left.clone(), "this node", at)?;
                Ok(Truth::from(left.difference(nodes).is_empty()))
            }
            Value::Node(_) => Ok(self.equal(left, right)),
            other => Err(EvaluateError::WrongKind {
                found: other.to_string(),
                wanted: "a list".into(),
                at,
            }
            .into()),
        }
    }
}

fn unknown_of(value: &Value) -> Option<std::sync::Arc<str>> {
    match value {
        Value::Unknown(why) | Value::Truth(Truth::Unknown(why)) => Some(why.clone()),
        _ => None,
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) | (Value::Percent(left), Value::Percent(right)) => {
            Some(left.cmp(right))
        }
        (Value::Duration(left), Value::Duration(right)) => Some(left.cmp(right)),
        (Value::Size(left), Value::Size(right)) => Some(left.cmp(right)),
        (Value::Version(left), Value::Version(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn matches_expression(left: &Value, right: &Value, at: Span) -> Result<Truth, Stop> {
    let (Value::Regex(expression) | Value::Text(expression)) = right else {
        let found = right.to_string();
        return Err(EvaluateError::WrongKind {
            found,
            wanted: "a regular expression".into(),
            at,
        }
        .into());
    };
    let compiled = read_regex(expression).map_err(|error| EvaluateError::WrongKind {
        found: format!("/{expression}/ ({error})"),
        wanted: "a regular expression".into(),
        at,
    })?;
    Ok(Truth::from(compiled.is_match(&left.to_string())))
}
