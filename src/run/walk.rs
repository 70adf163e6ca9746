use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::sync::Mutex;

use super::cleanup::{Cleanup, Cleanups, describe_owed};
use super::decide::Next;
use super::here::{Halt, Here, Walked, trouble};
use super::standing::Standing;
use super::token::State;
use super::trail::Track;
use super::{Ending, RunOptions, World};
use crate::diagnostic::Spanned;
use crate::evaluate::{Frame, Memo, Place};
use crate::inventory::NodeName;
use crate::journal::{Event, Happening, Recorder, StepPlace, TroubleKind};
use crate::plan::{PathParts, Plan, Step, StepKind, describe_step, identify_step};
use crate::syntax::{Expression, Written};
use crate::transport::Decision;
use crate::value::{Truth, Value};

/// How many nodes at once, unless told.
const FAN_OUT: usize = 32;

/// Carries a plan out.
///
/// An event is recorded before and after each act, so nothing in flight is ever forgotten.
pub async fn run_plan(
    plan: &Plan,
    world: World<'_>,
    options: &RunOptions,
    recorder: &mut dyn Recorder,
) -> Ending {
    run_statement(plan, world, options, &Standing::default(), recorder).await
}

/// Carries out what a line of a session says, after what earlier lines have left in `standing`.
///
/// [`run_plan`] is the same for a session of one line.
pub async fn run_statement(
    plan: &Plan,
    world: World<'_>,
    options: &RunOptions,
    standing: &Standing,
    recorder: &mut dyn Recorder,
) -> Ending {
    let walk = Walk::new(plan, world, options, standing, recorder);
    run_walk(walk, standing).await
}

/// Carries out a plan from its beginning to its end.
pub(super) async fn run_walk(walk: Walk<'_>, standing: &Standing) -> Ending {
    standing.begin();
    let (plan, options) = (walk.plan, walk.options);
    walk.record(Happening::RunStarted {
        cluster: plan.inventory.name.clone(),
        simulated: plan.inventory.is_simulated,
        dry_run: options.dry_run,
        runbook: plan.program.title.clone().unwrap_or_default(),
        steps: plan.step_count,
    });
    let ended = walk.whole(standing).await;
    let trouble = match ended {
        Ok(_) | Err(Halt::Skipped(_) | Halt::GivenUp(_)) => None,
        Err(Halt::Trouble(trouble)) => Some(*trouble),
    };
    let exit_code = trouble.as_ref().map_or(0, |trouble| trouble.kind.exit_code());
    walk.record(Happening::RunEnded {
        trouble: trouble.clone(),
        exit_code,
    });
    Ending { exit_code, trouble }
}

/// A plan being carried out.
pub(super) struct Walk<'w> {
    pub plan: &'w Plan,
    pub world: World<'w>,
    pub options: &'w RunOptions,
    pub state: &'w RefCell<State>,
    recorder: RefCell<&'w mut dyn Recorder>,
    /// From the first `before` guard to the stop returned: one at a time in the whole cluster.
    ///
    /// This and `asking` are taken in the order in which they are asked for: nodes side by side go on
    /// in the order of their names, in a resume as in the run. Both are taken unconstrained, since a
    /// runtime that has others go first would mix that up.
    pub section: Mutex<()>,
    /// What still runs is asked for one statement at a time, so that others find it answered.
    pub asking: Mutex<()>,
    /// What a person has decided about a step that failed, once nothing more is begun.
    pub decided: Cell<Option<Decision>>,
    began: Duration,
    /// What facts have come to before.
    pub memo: Rc<Memo>,
    /// Steps that need not be gone over.
    pub track: Option<Track<'w>>,
}

impl<'w> Walk<'w> {
    /// Begins to carry a plan out.
    pub fn new(
        plan: &'w Plan,
        world: World<'w>,
        options: &'w RunOptions,
        standing: &'w Standing,
        recorder: &'w mut dyn Recorder,
    ) -> Walk<'w> {
        Walk {
            plan,
            world,
            options,
            state: &standing.state,
            recorder: RefCell::new(recorder),
            section: Mutex::new(()),
            asking: Mutex::new(()),
            decided: Cell::new(None),
            began: world.clock.now(),
            memo: options.memo.clone().unwrap_or_default(),
            track: None,
        }
    }
}

impl Walk<'_> {
    async fn whole(&self, standing: &Standing) -> Walked {
        let mut frame = Frame::fresh(&self.plan.program.module, Place::Nowhere);
        for (name, value) in &self.plan.arguments {
            frame = frame.with(name, value.clone());
        }
        let mut here = Here {
            frame,
            bodies: Rc::new(vec![0]),
            ..Here::default()
        };
        self.compare_inventory(&here).await?;
        let cleanups = Cleanups::default();
        let walked = self.steps(&mut here, &self.plan.steps, &cleanups).await;
        standing.keep(&self.plan.steps, &here.frame.scope, &walked);
        self.clean_up(walked, cleanups).await
    }

    pub(super) fn record(&self, what: Happening) {
        let at = self.world.clock.now().saturating_sub(self.began);
        self.tell(&Event { at, what });
    }

    /// Tells whoever is told of the run, and the trail while it is laid.
    pub(super) fn tell(&self, event: &Event) {
        if let Some(track) = &self.track {
            track.hear(event);
        }
        self.recorder.borrow_mut().record(event);
    }

    /// Tells whoever is told of the run that time has gone by.
    pub(super) fn pass_time(&self) {
        let at = self.world.clock.now().saturating_sub(self.began);
        self.recorder.borrow_mut().pass(at);
    }

    pub(super) fn now(&self) -> Duration {
        self.world.clock.now()
    }

    pub(super) fn fan_out(&self) -> usize {
        if self.options.fan_out == 0 {
            FAN_OUT
        } else {
            self.options.fan_out
        }
    }

    pub(super) fn place(&self, step: &Step, here: &Here) -> StepPlace {
        StepPlace {
            step: step.id,
            span: step.span,
            node: here.node().cloned(),
            path: here.path.clone(),
        }
    }

    /// Whether a dry run has held an act back, so that nothing measured is what it would be.
    pub(super) fn is_past_acts(&self) -> bool {
        self.state.borrow().held_back
    }

    /// Whether Ctrl-C lets nothing more be begun here.
    pub(super) fn is_stopping(&self, here: &Here) -> bool {
        self.options.stop_requested.get() && !here.is_owed
    }

    /// Ctrl-C ends a run between two steps, but never in the middle of a node.
    pub(super) fn check_interrupt(&self, here: &Here, step: &Step) -> Result<(), Halt> {
        if here.node().is_none() && self.is_stopping(here) {
            return Err(trouble(
                TroubleKind::Interrupted,
                "interrupted: nothing more is begun",
                step,
                here,
            ));
        }
        Ok(())
    }

    /// The node in hand, or trouble.
    pub(super) fn node_in_hand<'h>(&self, here: &'h Here, step: &Step) -> Result<&'h NodeName, Halt> {
        let what = format!("`{}` needs a node", describe_step(&step.kind));
        here.node()
            .ok_or_else(|| trouble(TroubleKind::Failed, what, step, here))
    }

    /// Walks a body that owns its undos: of an `on`, `for` turn, `try`, attempt, `losing`, verb or script.
    pub(super) fn scoped<'a>(&'a self, here: Here, steps: &'a [Step]) -> LocalBoxFuture<'a, Walked> {
        async move {
            let cleanups = Cleanups::default();
            let walked = self.sequence(here, steps, &cleanups).await;
            self.clean_up(walked, cleanups).await
        }
        .boxed_local()
    }

    /// Walks steps in order; their undos and finallys go to `cleanups`.
    pub(super) fn sequence<'a>(
        &'a self,
        mut here: Here,
        steps: &'a [Step],
        cleanups: &'a Cleanups,
    ) -> LocalBoxFuture<'a, Walked> {
        async move { self.steps(&mut here, steps, cleanups).await }.boxed_local()
    }

    /// Walks steps in order, each again as long as somebody wants it; afterwards `here` knows what they named.
    async fn steps(&self, here: &mut Here, steps: &[Step], cleanups: &Cleanups) -> Walked {
        let mut last = Value::text("");
        let (enclosing, mut parts) = (here.path.clone(), PathParts::default());
        for step in steps {
            self.check_interrupt(here, step)?;
            here.path = enclosing.child(&parts.name(identify_step(&step.kind)));
            last = loop {
                match self.follow_or_step(here, step, cleanups).await {
                    Err(halt) => match self.decide(here, step, halt).await? {
                        Next::Again => {}
                        Next::Further => break Value::text(""),
                    },
                    walked => break walked?,
                }
            };
        }
        here.path = enclosing;
        Ok(last)
    }

    pub(super) async fn step(&self, here: &mut Here, step: &Step, cleanups: &Cleanups) -> Walked {
        match &step.kind {
            StepKind::On(on) => self.on(here, step, on).await,
            StepKind::Locally(body) => {
                let mut inner = here.clone();
                inner.frame.place = Place::Local;
                self.sequence(inner, body, cleanups).await
            }
            StepKind::Command(call) => self.command(here, step, call).await,
            StepKind::Service(call) => self.service(here, step, call).await,
            StepKind::Reboot(arguments) => self.reboot(here, step, arguments).await,
            StepKind::Losing(services, body) => self.losing(here, step, services, body).await,
            StepKind::Leave(services, why) => self.leave(here, step, services, why).await,
            StepKind::Manual {
                name,
                text,
                rehearsed_as,
            } => self.manual(here, step, name, text, rehearsed_as.as_ref()).await,
            StepKind::Confirm {
                name,
                text,
                before_irreversible,
            } => {
                self.confirm(here, step, name, text, *before_irreversible).await?;
                if *before_irreversible {
                    here.confirmed.set(true);
                }
                Ok(Value::text(""))
            }
            StepKind::Note(text) => {
                let text = self.shown(here, text).await?;
                self.record(Happening::Note {
                    place: self.place(step, here),
                    text,
                });
                Ok(Value::text(""))
            }
            StepKind::Show(value) => {
                let shown = self.shown(here, value).await?;
                let what = crate::evaluate::describe(&value.node);
                self.record(Happening::Shown {
                    place: self.place(step, here),
                    what,
                    value: shown,
                });
                Ok(Value::text(""))
            }
            StepKind::Fail(text) => {
                let message = self.shown(here, text).await?;
                if here.is_shown {
                    return Ok(self.hold_back(here, step));
                }
                Err(trouble(TroubleKind::Failed, message, step, here))
            }
            StepKind::Skip(text) => {
                let why = self.shown(here, text).await?;
                if here.is_shown {
                    return Ok(self.hold_back(here, step));
                }
                Err(Halt::Skipped(why))
            }
            StepKind::Let { name, value, source } => {
                self.name_value(here, step, name, value, source.as_deref()).await
            }
            StepKind::Undo(body) | StepKind::Finally(body) => {
                let is_finally = matches!(step.kind, StepKind::Finally(_));
                let place = self.place(step, here);
                match (is_finally, self.options.dry_run) {
                    (true, _) => {}
                    (false, true) => self.show_undo(&place, body),
                    (false, false) => {
                        let undo = describe_owed(&place, body);
                        self.state.borrow_mut().owed.push(undo);
                    }
                }
                cleanups.borrow_mut().push(Cleanup {
                    here: here.clone(),
                    steps: body.clone(),
                    place,
                    is_finally,
                });
                Ok(Value::text(""))
            }
            StepKind::Retry { times, every, body } => {
                self.retry(here, step, times, every.as_ref(), body).await
            }
            StepKind::Within(limit, body) => {
                let deadline = self.now() + self.duration(here, limit, step).await?;
                let mut inner = here.clone();
                inner.deadline = Some(here.deadline.map_or(deadline, |outer| outer.min(deadline)));
                self.sequence(inner, body, cleanups).await
            }
            StepKind::Try(body, otherwise) => self.try_else(here, step, body, otherwise, cleanups).await,
            StepKind::If(condition, body, otherwise) => {
                self.branch(here, step, condition, body, otherwise, cleanups)
                    .await
            }
            StepKind::For(name, list, body) => self.each_turn(here, step, &name.node, list, body).await,
            StepKind::Require(test, otherwise) => self.require(here, step, test, otherwise.as_ref()).await,
            StepKind::Wait { .. } => self.wait(here, step, cleanups).await,
            StepKind::Outage { name, why, body } => self.outage(here, step, name, why, body, cleanups).await,
            StepKind::Verb {
                verb,
                arguments,
                name,
                body,
            } => self.verb(here, step, verb, arguments, name, body).await,
            StepKind::Value(value) => self.value(here, value).await,
        }
    }

    /// Shows a step that a dry run does not take.
    fn hold_back(&self, here: &Here, step: &Step) -> Value {
        let (place, what) = (self.place(step, here), describe_step(&step.kind));
        self.record(Happening::HeldBack {
            place,
            what,
            command: None,
        });
        Value::text("")
    }

    /// Shows an undo, which only a failure brings about.
    fn show_undo(&self, place: &StepPlace, steps: &[Step]) {
        let steps: Vec<String> = steps.iter().map(|step| describe_step(&step.kind)).collect();
        self.record(Happening::Branch {
            place: place.clone(),
            what: format!("undo, if something fails after this: {}", steps.join("; ")),
        });
    }

    /// A value as it is shown to a person: a text, or whatever it prints as.
    pub(super) async fn shown(&self, here: &Here, written: &Written) -> Result<String, Halt> {
        self.measured(here, |context, frame| context.message(frame, written))
            .await
    }

    async fn name_value(
        &self,
        here: &mut Here,
        step: &Step,
        name: &str,
        value: &Written,
        source: Option<&[Step]>,
    ) -> Walked {
        let found = match source {
            Some(source) => {
                let flowing = self.scoped(here.keeping(), source).await?;
                match &value.node {
                    Expression::Pipeline { filters, .. } => {
                        self.measured(&here.keeping(), |context, frame| {
                            context.pipe(frame, flowing.clone(), filters)
                        })
                        .await?
                    }
                    _ => flowing,
                }
            }
            None if self.is_past_acts() && !is_constant(value) => {
                Value::unknown("a dry run cannot know it: it is measured after an act that was held back")
            }
            None => self.value(&here.keeping(), value).await?,
        };
        let shown = found.to_string();
        self.record(Happening::Named {
            place: self.place(step, here),
            name: name.to_owned(),
            value: shown,
        });
        *here = here.with(name, found);
        Ok(Value::text(""))
    }

    async fn branch(
        &self,
        here: &Here,
        step: &Step,
        condition: &Written,
        body: &[Step],
        otherwise: &[Step],
        cleanups: &Cleanups,
    ) -> Walked {
        let truth = if self.is_past_acts() && !is_constant(condition) {
            Truth::Unknown("a dry run cannot know it".into())
        } else {
            self.measured(here, |context, frame| context.truth(frame, condition))
                .await?
        };
        match truth {
            Truth::Yes => self.sequence(here.clone(), body, cleanups).await,
            Truth::No => self.sequence(here.clone(), otherwise, cleanups).await,
            Truth::Unknown(_) if self.options.dry_run => {
                // Either may be taken when it is run for real, so both are shown.
                self.record(Happening::Branch {
                    place: self.place(step, here),
                    what: format!(
                        "if {} (decided when run)",
                        crate::evaluate::describe(&condition.node)
                    ),
                });
                let mut inner = here.clone();
                inner.is_shown = true;
                let taken = self.sequence(inner.clone(), body, cleanups).await;
                if !otherwise.is_empty() {
                    self.record(Happening::Branch {
                        place: self.place(step, here),
                        what: "else".to_owned(),
                    });
                }
                let other = self.sequence(inner, otherwise, cleanups).await;
                taken.and(other)
            }
            Truth::Unknown(why) => {
                let what = crate::evaluate::describe(&condition.node);
                let message = format!("`if {what}` cannot be measured: {why}");
                Err(trouble(TroubleKind::Failed, message, step, here))
            }
        }
    }

    async fn each_turn(&self, here: &Here, step: &Step, name: &str, list: &Written, body: &[Step]) -> Walked {
        let found = if self.is_past_acts() && !is_constant(list) {
            Value::unknown("a dry run cannot know it")
        } else {
            self.value(&here.keeping(), list).await?
        };
        let turns = match found {
            // The body is shown once.
            unknown @ Value::Unknown(_) if self.options.dry_run => vec![unknown],
            found => {
                self.measured(here, |context, _| context.items(found.clone(), list.span))
                    .await?
            }
        };
        let (mut last, mut parts) = (Value::text(""), PathParts::default());
        for item in turns {
            let turn = format!("{name} = {item}");
            self.record(Happening::Branch {
                place: self.place(step, here),
                what: turn.clone(),
            });
            let inner = here.further(&parts.name(turn));
            last = self.scoped(inner.with(name, item), body).await?;
        }
        Ok(last)
    }

    async fn try_else(
        &self,
        here: &Here,
        step: &Step,
        body: &[Step],
        otherwise: &[Step],
        cleanups: &Cleanups,
    ) -> Walked {
        match self.scoped(here.catching(), body).await {
            Err(Halt::Trouble(trouble)) if is_caught(trouble.kind) => {
                let (place, by) = (self.place(step, here), "try".to_owned());
                self.record(Happening::Caught {
                    place,
                    by,
                    trouble: *trouble,
                });
                self.sequence(here.clone(), otherwise, cleanups).await
            }
            walked => walked,
        }
    }

    async fn retry(
        &self,
        here: &Here,
        step: &Step,
        times: &Written,
        every: Option<&Written>,
        body: &[Step],
    ) -> Walked {
        let times = match self.count(here, times, step).await {
            Err(_) if self.is_past_acts() => 1,
            times => times?.max(1),
        };
        let pause = match every {
            Some(every) => self.duration(here, every, step).await?,
            None => Duration::ZERO,
        };
        let mut attempt = 1;
        loop {
            let here = &here.further(&format!("attempt {attempt}"));
            // The last attempt is one that nothing catches any more.
            let inner = if attempt < times {
                here.catching()
            } else {
                here.clone()
            };
            match self.scoped(inner, body).await {
                Err(Halt::Trouble(trouble))
                    if is_caught(trouble.kind)
                        && attempt < times
                        && here.deadline.is_none_or(|deadline| self.now() + pause < deadline) =>
                {
                    let (place, by) = (self.place(step, here), format!("retry {attempt} of {times}"));
                    self.record(Happening::Caught {
                        place,
                        by,
                        trouble: *trouble,
                    });
                    attempt += 1;
                    self.world.clock.sleep(pause).await;
                    self.check_interrupt(here, step)?;
                }
                walked => return walked,
            }
        }
    }
}

/// `try` and `retry` catch what failed; not what is unknown, declined, parked or interrupted.
fn is_caught(kind: TroubleKind) -> bool {
    matches!(
        kind,
        TroubleKind::Failed | TroubleKind::Refused | TroubleKind::Unreachable
    )
}

/// Whether a value hangs on nothing that is measured; a variable may still be unknown itself.
fn is_constant(written: &Spanned<Expression>) -> bool {
    match &written.node {
        Expression::Literal(_) | Expression::Text(_) | Expression::Word(_) | Expression::Variable(_) => true,
        Expression::Folded(_) | Expression::Regex(_) => true,
        Expression::List(items) => items.iter().all(is_constant),
        Expression::Group(inner) | Expression::Not(inner) | Expression::Negative(inner) => is_constant(inner),
        Expression::Arithmetic { left, right, .. }
        | Expression::Compare { left, right, .. }
        | Expression::And(left, right)
        | Expression::Or(left, right) => is_constant(left) && is_constant(right),
        Expression::Pipeline { source, .. } => is_constant(source),
        _ => false,
    }
}
