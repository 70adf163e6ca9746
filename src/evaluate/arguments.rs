use super::{Context, EvaluateError, Frame, Place, Stop};
use crate::check::ParameterDefinition;
use crate::diagnostic::{Span, Spanned};
use crate::inventory::NodeSet;
use crate::syntax::{Arguments, Expression};
use crate::value::{Secret, Type, Value};

/// Parameters with their values, in the parameters' order.
pub type Bound = Vec<(String, Value)>;

impl Context<'_> {
    /// Gives each parameter its argument or default. A list among the words is several of them.
    ///
    /// # Errors
    ///
    /// As [`Context::evaluate`]; also when one is missing or does not fit.
    pub fn bind(
        &self,
        frame: &Frame,
        parameters: &[ParameterDefinition],
        arguments: &Arguments,
        at: Span,
    ) -> Result<Bound, Stop> {
        let mut bound: Bound = Vec::new();
        let mut words = arguments.positional.iter();
        for parameter in parameters {
            let given = arguments
                .named
                .iter()
                .find(|(name, _)| name.node == parameter.name);
            let value = if let Some((_, written)) = given {
                Some(self.evaluate_for(frame, written, &parameter.kind)?)
            } else if parameter.is_rest {
                let rest: Vec<&Spanned<Expression>> = words.by_ref().collect();
                (!rest.is_empty())
                    .then(|| self.rest(frame, &rest, &parameter.kind))
                    .transpose()?
            } else {
                words
                    .next()
                    .map(|written| self.evaluate_for(frame, written, &parameter.kind))
                    .transpose()?
            };
            bound.push((parameter.name.clone(), self.or_default(parameter, value, at)?));
        }
        Ok(bound)
    }

    /// The same for values that are already there.
    pub(super) fn bind_values(
        &self,
        parameters: &[ParameterDefinition],
        values: Vec<Value>,
        at: Span,
    ) -> Result<Bound, Stop> {
        let mut values = values.into_iter();
        let mut bound = Vec::new();
        for parameter in parameters {
            let value = if parameter.is_rest {
                let rest: Vec<Value> = values.by_ref().collect();
                (!rest.is_empty())
                    .then(|| self.coerce(Value::list(rest), &parameter.kind, at))
                    .transpose()?
            } else {
                values
                    .next()
                    .map(|value| self.coerce(value, &parameter.kind, at))
                    .transpose()?
            };
            bound.push((parameter.name.clone(), self.or_default(parameter, value, at)?));
        }
        Ok(bound)
    }

    /// The value of a parameter's default.
    ///
    /// # Errors
    ///
    /// As [`Context::evaluate`].
    pub fn default_value(
        &self,
        frame: &Frame,
        default: &Spanned<Expression>,
        kind: &Type,
    ) -> Result<Value, Stop> {
        self.evaluate_for(frame, default, kind)
    }

    fn rest(&self, frame: &Frame, words: &[&Spanned<Expression>], kind: &Type) -> Result<Value, Stop> {
        let inner = if let Type::List(inner) = kind { inner } else { kind };
        let mut values = Vec::new();
        for written in words {
            match self.evaluate_loosely(frame, written, inner)? {
                Value::List(several) => {
                    for value in several.iter() {
                        values.push(self.coerce(value.clone(), inner, written.span)?);
                    }
                }
                value => values.push(self.coerce(value, inner, written.span)?),
            }
        }
        Ok(Value::list(values))
    }

    fn or_default(
        &self,
        parameter: &ParameterDefinition,
        value: Option<Value>,
        at: Span,
    ) -> Result<Value, Stop> {
        match (value, &parameter.default) {
            (Some(value), _) => Ok(value),
            (None, Some(default)) => {
                self.evaluate_for(&Frame::fresh("", Place::Nowhere), default, &parameter.kind)
            }
            (None, None) if parameter.is_rest => Ok(Value::list(Vec::new())),
            (None, None) => Err(EvaluateError::Arguments {
                what: format!("`{}` is missing", parameter.name),
                at,
            }
            .into()),
        }
    }

    /// The value of an argument whose type is known: bare words and texts are read as that type.
    pub(super) fn evaluate_for(
        &self,
        frame: &Frame,
        written: &Spanned<Expression>,
        wanted: &Type,
    ) -> Result<Value, Stop> {
        let value = self.evaluate_loosely(frame, written, wanted)?;
        self.coerce(value, wanted, written.span)
    }

    fn evaluate_loosely(
        &self,
        frame: &Frame,
        written: &Spanned<Expression>,
        wanted: &Type,
    ) -> Result<Value, Stop> {
        match (&written.node, wanted) {
            (Expression::Text(template), Type::Command) => self.command_value(frame, template),
            (Expression::Word(word), Type::Nodes | Type::Node)
                if self
                    .groups
                    .of(self.inventory, self.program.group(&frame.module, word))
                    .is_some()
                    || self.program.fact(&frame.module, word).is_some() =>
            {
                self.name(frame, word, written.span)
            }
            _ => self.evaluate(frame, written),
        }
    }

    /// A value as the type that is wanted, read from text where it is a text.
    ///
    /// # Errors
    ///
    /// [`EvaluateError::WrongKind`] when it is not of that type.
    pub fn coerce(&self, value: Value, wanted: &Type, at: Span) -> Result<Value, Stop> {
        let wrong = |found: &Value| -> Stop {
            EvaluateError::WrongKind {
                found: format!("`{found}`"),
                wanted: format!("of type {wanted}"),
                at,
            }
            .into()
        };
        Ok(match (value, wanted) {
            (value @ Value::Unknown(_), _) | (value, Type::Any) => value,
            (value @ Value::AtLeast(..), Type::Int) => value,
            (Value::Node(node), Type::Nodes) => Value::Nodes(std::iter::once(node).collect()),
            (Value::Nodes(nodes), Type::Node) if nodes.len() == 1 => Value::Node(
                nodes
                    .iter()
                    .next()
                    .cloned()
                    .ok_or_else(|| wrong(&Value::Nodes(NodeSet::default())))?,
            ),
            (value @ Value::List(_), Type::Nodes) => Value::Nodes(self.as_nodes(value, "these nodes", at)?),
            (Value::Text(text), Type::Nodes) => Value::Nodes(self.folded(&text, at)?),
            (Value::Text(text), Type::Secret) => Value::Secret(Secret::new(text)),
            (Value::List(values), Type::List(inner)) => {
                let values: Result<Vec<Value>, Stop> = values
                    .iter()
                    .map(|value| self.coerce(value.clone(), inner, at))
                    .collect();
                Value::list(values?)
            }
            (Value::Nodes(nodes), Type::List(inner)) => {
                let values: Result<Vec<Value>, Stop> = nodes
                    .iter()
                    .map(|node| self.coerce(Value::Node(node.clone()), inner, at))
                    .collect();
                Value::list(values?)
            }
            (value, Type::List(inner)) => Value::list(vec![self.coerce(value, inner, at)?]),
            (Value::Text(text) | Value::Path(text) | Value::Service(text), wanted) => {
                let find = |name: &str| self.inventory.find(name);
                Value::read(&text, wanted, &find).map_err(|error| {
                    let (found, wanted) = (format!("`{}`", error.text), error.wanted);
                    EvaluateError::WrongKind { found, wanted, at }
                })?
            }
            (value @ (Value::Int(_) | Value::Node(_) | Value::Version(_) | Value::Bool(_)), Type::String) => {
                Value::text(value.to_string())
            }
            (value @ Value::Table(_), Type::Table(_)) | (value @ Value::Row(_), Type::Row(_)) => value,
            (value @ Value::Truth(_), Type::Bool) => value,
            (value, wanted) if value.kind() == *wanted => value,
            (value, _) => return Err(wrong(&value)),
        })
    }
}
