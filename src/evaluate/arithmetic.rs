use super::nodes::combine;
use super::{Context, EvaluateError, Stop};
use crate::diagnostic::Span;
use crate::syntax::ArithmeticOperator;
use crate::value::Value;

use ArithmeticOperator::{Add, Divide, Multiply, Subtract};

impl Context<'_> {
    /// Reckons with two values, or with sets of nodes.
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Arithmetic`] out of range or by zero, [`EvaluateError::WrongKind`] when
    /// the two do not go together.
    pub fn arithmetic(
        &self,
        left: Value,
        operator: ArithmeticOperator,
        right: Value,
        at: Span,
    ) -> Result<Value, Stop> {
        if let (Value::Nodes(_) | Value::Node(_), _) | (_, Value::Nodes(_) | Value::Node(_)) = (&left, &right)
        {
            let (left, right) = (
                self.as_nodes(left, "this set", at)?,
                self.as_nodes(right, "this set", at)?,
            );
            return Ok(Value::Nodes(combine(&left, operator, &right)));
        }
        let shown = format!("{left} {} {right}", operator.sign());
        match calculate(left, operator, right) {
            Calculated::Value(value) => Ok(value),
            Calculated::OutOfRange => Err(EvaluateError::Arithmetic {
                what: format!("{shown} is out of range"),
                at,
            }
            .into()),
            Calculated::ByZero => Err(EvaluateError::Arithmetic {
                what: format!("{shown} divides by zero"),
                at,
            }
            .into()),
            Calculated::Mixed => Err(EvaluateError::WrongKind {
                found: shown,
                wanted: "a calculation on numbers of one unit".into(),
                at,
            }
            .into()),
        }
    }
}

enum Calculated {
    Value(Value),
    OutOfRange,
    ByZero,
    Mixed,
}

fn calculate(left: Value, operator: ArithmeticOperator, right: Value) -> Calculated {
    let found = match (left, right) {
        (Value::Unknown(why), _) | (_, Value::Unknown(why)) => Some(Value::Unknown(why)),
        (Value::Int(left), Value::Int(right)) => {
            if operator == Divide && right == 0 {
                return Calculated::ByZero;
            }
            whole(left, operator, right).map(Value::Int)
        }
        (Value::AtLeast(left, why), Value::Int(right)) => match operator {
            Add | Subtract => whole(left, operator, right).map(|number| Value::AtLeast(number, why)),
            _ => Some(Value::Unknown(why)),
        },
        (Value::Int(left), Value::AtLeast(right, why)) if operator == Add => {
            left.checked_add(right).map(|number| Value::AtLeast(number, why))
        }
        (Value::AtLeast(left, why), Value::AtLeast(right, _)) if operator == Add => {
            left.checked_add(right).map(|number| Value::AtLeast(number, why))
        }
        (Value::AtLeast(_, why), _) | (_, Value::AtLeast(_, why)) => Some(Value::Unknown(why)),
        (Value::Duration(left), Value::Duration(right)) => match operator {
            Add => left.checked_add(right).map(Value::Duration),
            Subtract => left.checked_sub(right).map(Value::Duration),
            Divide if !right.is_zero() => i64::try_from(left.as_millis() / right.as_millis().max(1))
                .ok()
                .map(Value::Int),
            Divide => return Calculated::ByZero,
            _ => return Calculated::Mixed,
        },
        (Value::Duration(length), Value::Int(number)) => {
            let Ok(number) = u32::try_from(number) else {
                return Calculated::OutOfRange;
            };
            match operator {
                Multiply => length.checked_mul(number).map(Value::Duration),
                Divide if number == 0 => return Calculated::ByZero,
                Divide => length.checked_div(number).map(Value::Duration),
                _ => return Calculated::Mixed,
            }
        }
        (Value::Int(number), Value::Duration(length)) if operator == Multiply => {
            let Ok(number) = u32::try_from(number) else {
                return Calculated::OutOfRange;
            };
            length.checked_mul(number).map(Value::Duration)
        }
        (Value::Size(left), Value::Size(right)) => match operator {
            Add => left.checked_add(right).map(Value::Size),
            Subtract => left.checked_sub(right).map(Value::Size),
            Divide if right == 0 => return Calculated::ByZero,
            Divide => i64::try_from(left / right).ok().map(Value::Int),
            _ => return Calculated::Mixed,
        },
        (Value::Size(bytes), Value::Int(number)) => {
            let Ok(number) = u64::try_from(number) else {
                return Calculated::OutOfRange;
            };
            match operator {
                Multiply => bytes.checked_mul(number).map(Value::Size),
                Divide if number == 0 => return Calculated::ByZero,
                Divide => bytes.checked_div(number).map(Value::Size),
                _ => return Calculated::Mixed,
            }
        }
        (Value::Percent(left), Value::Percent(right)) => match operator {
            Add | Subtract => whole(left, operator, right).map(Value::Percent),
            _ => return Calculated::Mixed,
        },
        (Value::List(left), Value::List(right)) if operator == Add => {
            Some(Value::list(left.iter().chain(right.iter()).cloned().collect()))
        }
        _ => return Calculated::Mixed,
    };
    found.map_or(Calculated::OutOfRange, Calculated::Value)
}

/// `/` on two ints rounds towards zero; the caller has seen to a zero.
fn whole(left: i64, operator: ArithmeticOperator, right: i64) -> Option<i64> {
    match operator {
        Add => left.checked_add(right),
        Subtract => left.checked_sub(right),
        Multiply => left.checked_mul(right),
        Divide => left.checked_div(right),
        ArithmeticOperator::Intersect => None,
    }
}
