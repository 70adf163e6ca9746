use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::PlanError;
use super::step::{Hooks, OnStep, Plan, Step, StepId, StepKind};
use crate::check::{ParameterDefinition, Program};
use crate::diagnostic::{Span, Spanned, nearest};
use crate::evaluate::{Context, Frame, Groups, Measured, Place};
use crate::inventory::Inventory;
use crate::syntax::{Block, CommandCall, Expression, Mode, Statement, Test, VerbCall, Written};
use crate::value::Value;

/// Lays a checked program out as a plan.
///
/// `given` are the parameters' values as text (`--set`), already asked for where a person is there.
///
/// # Errors
///
/// [`PlanError`] when a parameter is missing, unknown or of the wrong type.
pub fn build_plan(
    program: Arc<Program>,
    inventory: Arc<Inventory>,
    given: &BTreeMap<String, String>,
) -> Result<Plan, PlanError> {
    let arguments = bind_parameters(&program, &inventory, given)?;
    lay_out_plan(program, inventory, arguments)
}

/// Lays a checked program out as a plan; `arguments` are what its parameters stand for.
///
/// # Errors
///
/// [`PlanError`] when verbs call one another in a ring.
pub fn lay_out_plan(
    program: Arc<Program>,
    inventory: Arc<Inventory>,
    arguments: Vec<(String, Value)>,
) -> Result<Plan, PlanError> {
    let mut builder = Builder {
        program: &program,
        next: 0,
        names: BTreeMap::new(),
        done_when: None,
        calls: Vec::new(),
        irreversible_later: false,
    };
    let module = program.module.clone();
    let steps = builder.steps(&module, &program.body)?;
    // Hooks are numbered after the script's own steps: they are asked many times, or never.
    let step_count = builder.next;
    let mut hooks = HashMap::new();
    for service in program.all_services() {
        let laid = Hooks {
            before_stop: builder.steps(&service.module, &service.before_stop)?,
            after_stop: builder.steps(&service.module, &service.after_stop)?,
            after_start: builder.steps(&service.module, &service.after_start)?,
        };
        hooks.insert(format!("{}.{}", service.module, service.name), laid);
    }
    let promises = builder.steps(&module, &program.promises)?;
    Ok(Plan {
        program: program.clone(),
        inventory,
        arguments,
        steps,
        promises,
        hooks,
        step_count,
    })
}

fn bind_parameters(
    program: &Program,
    inventory: &Inventory,
    given: &BTreeMap<String, String>,
) -> Result<Vec<(String, Value)>, PlanError> {
    let names = || program.parameters.iter().map(|parameter| parameter.name.as_str());
    for name in given.keys() {
        if names().any(|known| known == name) {
            continue;
        }
        let help = match (nearest(name, names()), names().next()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(_)) => format!("it has {}", names().collect::<Vec<&str>>().join(", ")),
            (None, None) => "it takes none".to_owned(),
        };
        return Err(PlanError::UnknownParameter {
            name: name.clone(),
            help,
        });
    }
    program
        .parameters
        .iter()
        .map(|parameter| {
            Ok((
                parameter.name.clone(),
                bind_parameter(program, inventory, parameter, given)?,
            ))
        })
        .collect()
}

fn bind_parameter(
    program: &Program,
    inventory: &Inventory,
    parameter: &ParameterDefinition,
    given: &BTreeMap<String, String>,
) -> Result<Value, PlanError> {
    let wrong = |why: String| PlanError::WrongParameter {
        name: parameter.name.clone(),
        kind: parameter.kind.to_string(),
        why,
        at: parameter.span,
    };
    let find = |name: &str| inventory.find(name);
    if let Some(text) = given.get(&parameter.name) {
        let value = Value::read(text, &parameter.kind, &find).map_err(|error| wrong(error.to_string()))?;
        return match unknown_service(program, &value) {
            Some(why) => Err(wrong(why)),
            None => Ok(value),
        };
    }
    let Some(default) = &parameter.default else {
        return Err(PlanError::MissingParameter {
            name: parameter.name.clone(),
            says: parameter
                .says
                .clone()
                .unwrap_or_else(|| parameter.kind.to_string()),
            at: parameter.span,
        });
    };
    let (groups, measured) = (Groups::default(), Measured::default());
    let context = Context {
        program,
        inventory,
        groups: &groups,
        masks: &[],
        measured: &measured,
    };
    let frame = Frame::fresh(&program.module, Place::Nowhere);
    context
        .default_value(&frame, default, &parameter.kind)
        .map_err(|stop| match stop {
            crate::evaluate::Stop::Fail(error) => wrong(error.to_string()),
            crate::evaluate::Stop::Need(_) => {
                wrong("its default cannot be measured before the run".to_owned())
            }
        })
}

/// Says that a service in `value` is none.
fn unknown_service(program: &Program, value: &Value) -> Option<String> {
    match value {
        Value::List(values) => values.iter().find_map(|value| unknown_service(program, value)),
        Value::Service(name) => {
            let services = program.all_services();
            let is_known = services.iter().any(|service| {
                service.name == **name || format!("{}.{}", service.module, service.name) == **name
            });
            if is_known {
                return None;
            }
            let near = nearest(name, services.iter().map(|service| service.name.as_str()));
            let help = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            Some(format!("there is no service `{name}`{help}"))
        }
        _ => None,
    }
}

struct Builder<'a> {
    program: &'a Program,
    next: u32,
    /// How many questions of each kind there are so far: `confirm-1`, `manual-1`, `outage-1`.
    names: BTreeMap<&'static str, u32>,
    /// What the verb in hand says of when it is done.
    done_when: Option<Spanned<Test>>,
    calls: Vec<String>,
    irreversible_later: bool,
}

impl Builder<'_> {
    fn steps(&mut self, module: &str, block: &Block) -> Result<Vec<Step>, PlanError> {
        let mut steps = Vec::new();
        for (index, statement) in block.iter().enumerate() {
            let id = StepId(self.next);
            self.next += 1;
            // Whether something that cannot be taken back comes later, here or in what encloses this.
            let outer = self.irreversible_later;
            self.irreversible_later = outer || self.has_irreversible(module, &block[index + 1..]);
            let kind = self.kind(module, &statement.node, statement.span);
            self.irreversible_later = outer;
            if let Some(kind) = kind? {
                steps.push(Step {
                    id,
                    span: statement.span,
                    kind,
                });
            }
        }
        Ok(steps)
    }

    fn optional(&mut self, module: &str, block: Option<&Block>) -> Result<Vec<Step>, PlanError> {
        block.map_or(Ok(Vec::new()), |block| self.steps(module, block))
    }

    fn question(&mut self, kind: &'static str, name: Option<&Spanned<String>>) -> String {
        let count = self.names.entry(kind).or_default();
        *count += 1;
        name.map_or_else(|| format!("{kind}-{count}"), |name| name.node.clone())
    }

    fn kind(&mut self, module: &str, statement: &Statement, at: Span) -> Result<Option<StepKind>, PlanError> {
        Ok(Some(match statement {
            // Declarations are in the program; these three mean something only in verbs and guards.
            Statement::Declaration(_)
            | Statement::Irreversible
            | Statement::Membership { .. }
            | Statement::DoneWhen(_)
            | Statement::Check { .. }
            | Statement::Steady(_) => return Ok(None),
            Statement::On(on) => StepKind::On(Box::new(OnStep {
                any: on.any,
                each: on.each.as_ref().map(|name| name.node.clone()),
                nodes: on.nodes.clone(),
                mode: on.mode.as_ref().map_or(Mode::Serially, |mode| mode.node.clone()),
                options: on.options.clone(),
                or_none: on.or_none,
                body: self.steps(module, &on.body)?,
            })),
            Statement::Locally(body) => StepKind::Locally(self.steps(module, body)?),
            Statement::Command(call) => StepKind::Command(self.command(call)),
            Statement::Service(call) => StepKind::Service(call.clone()),
            Statement::Reboot(arguments) => StepKind::Reboot(arguments.clone()),
            Statement::Losing { services, body } => {
                StepKind::Losing(services.clone(), self.steps(module, body)?)
            }
            Statement::Leave { services, why } => StepKind::Leave(services.clone(), why.clone()),
            Statement::Manual {
                text,
                name,
                rehearsed_as,
            } => StepKind::Manual {
                name: self.question("manual", name.as_ref()),
                text: text.clone(),
                rehearsed_as: rehearsed_as.clone(),
            },
            Statement::Confirm { text, name } => StepKind::Confirm {
                name: self.question("confirm", name.as_ref()),
                text: text.clone(),
                before_irreversible: self.irreversible_later,
            },
            Statement::Note(text) => StepKind::Note(text.clone()),
            Statement::Show(value) => StepKind::Show(value.clone()),
            Statement::Fail(text) => StepKind::Fail(text.clone()),
            Statement::Skip(text) => StepKind::Skip(text.clone()),
            Statement::Let { name, value } => StepKind::Let {
                name: name.node.clone(),
                value: value.clone(),
                source: self.source(module, value)?,
            },
            Statement::Undo(body) => StepKind::Undo(self.owed(module, body)?),
            Statement::Finally(body) => StepKind::Finally(self.owed(module, body)?),
            Statement::Retry { times, every, body } => StepKind::Retry {
                times: times.clone(),
                every: every.clone(),
                body: self.steps(module, body)?,
            },
            Statement::Within { limit, body } => StepKind::Within(limit.clone(), self.steps(module, body)?),
            Statement::Try { body, otherwise } => StepKind::Try(
                self.steps(module, body)?,
                self.optional(module, otherwise.as_ref())?,
            ),
            Statement::If {
                condition,
                body,
                otherwise,
            } => StepKind::If(
                condition.clone(),
                self.steps(module, body)?,
                self.optional(module, otherwise.as_ref())?,
            ),
            Statement::For { name, list, body } => {
                StepKind::For(name.clone(), list.clone(), self.steps(module, body)?)
            }
            Statement::Require { test, otherwise } => StepKind::Require(test.clone(), otherwise.clone()),
            Statement::Wait {
                limit,
                test,
                holding,
                every,
                otherwise,
            } => StepKind::Wait {
                limit: limit.clone(),
                test: test.clone(),
                holding: holding.clone(),
                every: every.clone(),
                otherwise: otherwise
                    .as_ref()
                    .map(|block| self.steps(module, block))
                    .transpose()?,
            },
            Statement::Outage { why, name, body } => StepKind::Outage {
                name: self.question("outage", name.as_ref()),
                why: why.clone(),
                body: self.steps(module, body)?,
            },
            Statement::Verb(call) => return self.verb(module, call, at),
            Statement::Value(value) => StepKind::Value((**value).clone()),
        }))
    }

    /// What is owed at the end of a block: that a verb is done says nothing of it.
    fn owed(&mut self, module: &str, body: &Block) -> Result<Arc<Vec<Step>>, PlanError> {
        let outer = self.done_when.take();
        let steps = self.steps(module, body);
        self.done_when = outer;
        Ok(Arc::new(steps?))
    }

    /// A command; what a verb says of when it is done holds for each that does not say it itself.
    fn command(&self, call: &CommandCall) -> Box<CommandCall> {
        let mut call = call.clone();
        if call.acts && call.done_when.is_none() {
            call.done_when.clone_from(&self.done_when);
        }
        Box::new(call)
    }

    fn verb(&mut self, module: &str, call: &VerbCall, at: Span) -> Result<Option<StepKind>, PlanError> {
        let Some(verb) = self.program.verb(module, &call.name.node).cloned() else {
            return Ok(None);
        };
        let key = format!("{}.{}", verb.module, verb.name);
        if self.calls.contains(&key) {
            return Err(PlanError::Recursion {
                name: verb.name.clone(),
                at,
            });
        }
        let name = if verb.irreversible {
            self.question("irreversible", None)
        } else {
            String::new()
        };
        self.calls.push(key);
        let outer = std::mem::replace(&mut self.done_when, verb.done_when.clone());
        let body = self.steps(&verb.module, &verb.body);
        self.done_when = outer;
        self.calls.pop();
        Ok(Some(StepKind::Verb {
            verb,
            arguments: call.arguments.clone(),
            name,
            body: body?,
        }))
    }

    /// Whether a verb that cannot be taken back is called in these statements or their bodies.
    fn has_irreversible(&self, module: &str, block: &[Spanned<Statement>]) -> bool {
        block.iter().any(|statement| match &statement.node {
            Statement::Verb(call) => self.program.verb(module, &call.name.node).is_some_and(|verb| {
                verb.irreversible
                    || (!self
                        .calls
                        .iter()
                        .any(|key| key.ends_with(&format!(".{}", verb.name)))
                        && self.has_irreversible(&verb.module, &verb.body))
            }),
            other => other
                .bodies()
                .iter()
                .any(|body| self.has_irreversible(module, body)),
        })
    }

    /// What must be walked before a value can be evaluated: commands, on whatever nodes. A fact
    /// takes a node that does not answer for a row of unknowns; a step that asks one has failed.
    fn source(&mut self, module: &str, value: &Written) -> Result<Option<Vec<Step>>, PlanError> {
        let source = match &value.node {
            Expression::Pipeline { source, .. } => source,
            _ => value,
        };
        let statement = match &source.node {
            Expression::On(on) => Statement::On(on.clone()),
            Expression::Locally(body) => Statement::Locally(body.clone()),
            Expression::Command(call) => Statement::Command(call.clone()),
            _ => return Ok(None),
        };
        self.steps(module, &vec![Spanned::new(statement, source.span)])
            .map(Some)
    }
}
