use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::here::{Halt, Here, Used, Walked, trouble};
use super::walk::Walk;
use crate::diagnostic::Spanned;
use crate::evaluate::{Ask, Place, Reply, gather};
use crate::inventory::{NodeName, NodeSet};
use crate::journal::{Happening, StepResult, Trouble, TroubleKind};
use crate::plan::{OnStep, Step, describe_step};
use crate::syntax::{Expression, Mode, OnOption};
use crate::value::{CommandLine, Type, Value};

/// How often it is told that time goes by while nodes are in hand.
const PASS_EVERY: Duration = Duration::from_secs(1);
/// How long a fact that orders nodes is asked again before the `on` fails.
const ORDER_LIMIT: Duration = Duration::from_secs(60);
/// The pause between two such askings.
const ORDER_EVERY: Duration = Duration::from_secs(5);

/// The options of an `on`, evaluated.
#[derive(Default)]
struct Options {
    last: Option<Spanned<String>>,
    tolerating: usize,
    width: Option<usize>,
}

/// How the nodes of an `on` have fared so far.
#[derive(Default)]
struct Tally {
    begun: NodeSet,
    done: NodeSet,
    values: Vec<(NodeName, Value)>,
    troubles: Vec<Trouble>,
    /// Whether one of the troubles is that of no node, so that it is not tolerated: who comes next is not known.
    has_no_order: bool,
}

impl Tally {
    /// Whether no further node may begin.
    fn is_over(&self, tolerating: usize) -> bool {
        self.has_no_order
            || self.troubles.len() > tolerating
            || self.troubles.iter().any(|trouble| !is_tolerable(trouble.kind))
    }
}

fn is_tolerable(kind: TroubleKind) -> bool {
    matches!(
        kind,
        TroubleKind::Failed | TroubleKind::Refused | TroubleKind::Unreachable
    )
}

impl Walk<'_> {
    /// `on NODES MODE, OPTIONS < … >`
    pub(super) async fn on(&self, here: &Here, step: &Step, on: &OnStep) -> Walked {
        let all = match self
            .measured(&here.keeping(), |context, frame| context.nodes(frame, &on.nodes))
            .await
        {
            Err(_) if self.options.dry_run && self.is_past_acts() => {
                self.show_held_back(here, &on.body);
                return Ok(Value::unknown("a dry run does not know the nodes"));
            }
            all => all?,
        };
        self.state.borrow_mut().epoch += 1;
        let nodes = self
            .options
            .limit
            .as_ref()
            .map_or_else(|| all.clone(), |limit| all.intersection(limit));
        if all.is_empty() && !on.or_none {
            let message = "there is no node to do this on";
            let help = "say `or none` if an empty set is fine here";
            return Err(trouble(TroubleKind::Failed, message, step, here).with_help(help));
        }
        let mode = if on.any {
            "any".to_owned()
        } else {
            describe_mode(&on.mode)
        };
        let left_out = all.difference(&nodes);
        let place = self.place(step, here);
        self.record(Happening::NodesChosen {
            place,
            nodes: nodes.clone(),
            mode,
            left_out,
        });
        if nodes.is_empty() {
            return Ok(gather(Vec::new()));
        }
        let mut inner = here.clone();
        let options = self.on_options(&mut inner, step, on).await?;
        if here.outage.is_some() {
            inner.starts = Some(Rc::new(RefCell::new(Vec::new())));
        }
        if on.any {
            let walked = self.on_any(&inner, step, on, &nodes).await;
            let troubles = self.ask_started(&inner, step).await;
            return match (walked, troubles.into_iter().max_by_key(|trouble| trouble.kind)) {
                (Ok(_), Some(trouble)) => Err(Halt::Trouble(Box::new(trouble))),
                (walked, _) => walked,
            };
        }
        let mut tally = Tally::default();
        let ordered = self.on_all(&inner, step, on, &nodes, &options, &mut tally).await;
        if let Err(Halt::Trouble(trouble)) = ordered {
            tally.troubles.push(*trouble);
            tally.has_no_order = true;
        }
        self.close_on(&inner, step, &nodes, &options, tally).await
    }

    async fn on_options(&self, inner: &mut Here, step: &Step, on: &OnStep) -> Result<Options, Halt> {
        let mut options = Options::default();
        for option in &on.options {
            match &option.node {
                OnOption::Last(fact) => options.last = Some(fact.clone()),
                OnOption::Tolerating(count) => {
                    options.tolerating = self.count(&inner.keeping(), count, step).await?;
                    inner.is_caught |= options.tolerating > 0;
                }
                OnOption::AtMost(count) => {
                    options.width = Some(self.count(&inner.keeping(), count, step).await?.max(1))
                }
                OnOption::AsRoot => inner.as_root = true,
            }
        }
        Ok(options)
    }

    /// Probes: the next node is tried when one fails. With an act in the body: the first node that
    /// answers, and no second try.
    async fn on_any(&self, here: &Here, step: &Step, on: &OnStep, nodes: &NodeSet) -> Walked {
        let acts = on.body.iter().any(Step::acts);
        let mut worst: Option<Trouble> = None;
        for node in nodes.iter() {
            if acts && !self.answers(&here.keeping(), node).await {
                continue;
            }
            let inner = if acts { here.clone() } else { here.catching() };
            let (result, walked) = self.on_node(&inner, step, on, node.clone()).await;
            match result {
                StepResult::Trouble(trouble) if !acts && is_tolerable(trouble.kind) => {
                    if worst.as_ref().is_none_or(|known| known.kind < trouble.kind) {
                        worst = Some(trouble);
                    }
                }
                _ => return walked,
            }
        }
        let nobody = || {
            trouble(
                TroubleKind::Unreachable,
                format!("none of {nodes} answers"),
                step,
                here,
            )
        };
        Err(worst.map_or_else(nobody, |worst| Halt::Trouble(Box::new(worst))))
    }

    async fn answers(&self, here: &Here, node: &NodeName) -> bool {
        let command = CommandLine::from_quoted("true");
        let ask = Ask {
            node: Some(node.clone()),
            command,
            limit: super::act::PROBE_LIMIT,
            input: None,
        };
        matches!(self.ask(here, &ask).await, Reply::Ran { .. })
    }

    /// Lists what a dry run cannot walk, since the nodes are not known yet.
    fn show_held_back(&self, here: &Here, steps: &[Step]) {
        for step in steps {
            let (place, what) = (self.place(step, here), describe_step(&step.kind));
            self.record(Happening::HeldBack {
                place,
                what,
                command: None,
            });
            for body in step.kind.bodies() {
                self.show_held_back(here, body);
            }
        }
    }

    /// Asks the `after start` of what was started inside an outage, on all nodes at once.
    async fn ask_started(&self, here: &Here, step: &Step) -> Vec<Trouble> {
        let started = here
            .starts
            .as_ref()
            .map(|starts| starts.take())
            .unwrap_or_default();
        // Their nodes are through, so that this belongs to the `on`.
        let started: Vec<(Here, Used)> = started
            .into_iter()
            .map(|started| {
                let node = started.here.node().map_or_else(String::new, ToString::to_string);
                let path = here.path.child(&format!("{} on {node}", started.used.name()));
                (Here { path, ..started.here }, started.used)
            })
            .collect();
        let mut hooks: FuturesUnordered<_> = started
            .iter()
            .map(|(here, used)| self.after_start(here, step, used))
            .collect();
        let mut troubles = Vec::new();
        while let Some(asked) = hooks.next().await {
            if let Err(Halt::Trouble(trouble)) = asked {
                troubles.push(*trouble);
            }
        }
        troubles
    }

    async fn on_all(
        &self,
        here: &Here,
        step: &Step,
        on: &OnStep,
        nodes: &NodeSet,
        options: &Options,
        tally: &mut Tally,
    ) -> Result<(), Halt> {
        let mut left = nodes.clone();
        let mut sizes = self.sizes(here, step, on, nodes).await?.into_iter();
        let mut size = 1;
        while !left.is_empty() && !tally.is_over(options.tolerating) {
            let last = match &options.last {
                Some(fact) => self.read_last(here, step, fact, &left, &tally.done).await?,
                None => NodeSet::default(),
            };
            size = sizes.next().unwrap_or(size);
            let batch = self.next_batch(&on.mode, &left, &last, size);
            for node in &batch {
                left.remove(node);
            }
            self.batch(here, step, on, &batch, options, tally).await;
        }
        Ok(())
    }

    /// The nodes to take next: not those that ought to be last while others are left.
    fn next_batch(&self, mode: &Mode, left: &NodeSet, last: &NodeSet, size: usize) -> NodeSet {
        if matches!(mode, Mode::Serially | Mode::InBatches(_)) {
            // Not by way of sets: on 10,000 nodes, one after another, each of these would be whole.
            let mut first = left.iter().filter(|node| !last.contains(node)).peekable();
            let size = size.max(1);
            return match first.peek() {
                Some(_) => first.take(size).cloned().collect(),
                None => left.iter().take(size).cloned().collect(),
            };
        }
        let first = left.difference(last);
        let pool = if first.is_empty() { left } else { &first };
        match mode {
            Mode::By(variable) => {
                let domains = self.plan.inventory.domains(pool, variable);
                let first = domains.into_iter().next();
                first.map_or_else(|| pool.clone(), |(_, nodes)| nodes)
            }
            _ => pool.clone(),
        }
    }

    /// The sizes of batches: a share is of the whole set, rounded down, at least 1.
    async fn sizes(
        &self,
        here: &Here,
        step: &Step,
        on: &OnStep,
        nodes: &NodeSet,
    ) -> Result<Vec<usize>, Halt> {
        let Mode::InBatches(written) = &on.mode else {
            return Ok(vec![1]);
        };
        let mut sizes = Vec::new();
        for size in written {
            sizes.push(match self.value(&here.keeping(), size).await? {
                Value::Int(count) if count > 0 => count as usize,
                Value::Percent(hundredths) if hundredths > 0 => {
                    (nodes.len() * hundredths as usize / 10_000).max(1)
                }
                other => {
                    let message = format!("{other} is not a size of a batch: write a count or a percentage");
                    return Err(trouble(TroubleKind::Failed, message, step, here));
                }
            });
        }
        Ok(sizes)
    }

    /// Reads the fact that says who is last, again before each node: mastership moves.
    async fn read_last(
        &self,
        here: &Here,
        step: &Step,
        fact: &Spanned<String>,
        left: &NodeSet,
        done: &NodeSet,
    ) -> Result<NodeSet, Halt> {
        let written = Spanned::new(Expression::Name(fact.node.clone()), fact.span);
        let end = self.now() + ORDER_LIMIT;
        let last = loop {
            let read = self.value_as(&here.keeping(), &written, &Type::Nodes).await;
            match read {
                Ok(Value::Nodes(nodes)) => break nodes,
                Err(_) | Ok(_) if self.options.dry_run && self.is_past_acts() => break NodeSet::default(),
                Err(Halt::Trouble(mut trouble)) if self.now() >= end => {
                    trouble.message = format!(
                        "`{}` decides who is last, and it could not be read: {}",
                        fact.node, trouble.message
                    );
                    return Err(Halt::Trouble(trouble));
                }
                Err(_) => self.world.clock.sleep(ORDER_EVERY).await,
                Ok(other) => {
                    let message = format!("`{}` is {other}, not a node", fact.node);
                    return Err(trouble(TroubleKind::Failed, message, step, here));
                }
            }
        };
        let early = last.intersection(done);
        if !early.is_empty() && !left.is_empty() && !self.options.dry_run {
            let message = format!(
                "{early} is `{}` now and ought to be last, but was already done",
                fact.node
            );
            let help = format!("{left} is not done yet; make one of these `{}` first", fact.node);
            return Err(trouble(TroubleKind::Failed, message, step, here).with_help(help));
        }
        Ok(last)
    }

    /// Walks the body on some nodes at once; nodes in hand finish, no further node begins after a failure.
    async fn batch(
        &self,
        here: &Here,
        step: &Step,
        on: &OnStep,
        nodes: &NodeSet,
        options: &Options,
        tally: &mut Tally,
    ) {
        let width = options.width.unwrap_or_else(|| self.fan_out());
        let mut here = here.clone();
        here.is_beside |= nodes.len() > 1 && width > 1;
        let here = &here;
        let mut waiting = nodes.iter().cloned();
        let mut in_hand = FuturesUnordered::new();
        loop {
            while in_hand.len() < width && !tally.is_over(options.tolerating) {
                let Some(node) = waiting.next() else { break };
                if self.is_stopping(here) {
                    tally.troubles.push(self.interrupted(step));
                    break;
                }
                tally.begun.insert(node.clone());
                in_hand.push(async {
                    let (result, walked) = self.on_node(here, step, on, node.clone()).await;
                    (node, result, walked)
                });
            }
            let Some((node, result, walked)) = self.next_of(&mut in_hand).await else {
                break;
            };
            match result {
                StepResult::Trouble(trouble) => tally.troubles.push(trouble),
                StepResult::Done | StepResult::Skipped(_) | StepResult::NotReached => {
                    tally.done.insert(node.clone());
                    tally
                        .values
                        .push((node, walked.unwrap_or_else(|_| Value::unknown("skipped"))));
                }
            }
        }
    }

    /// The next of what is in hand to end; while none does, time goes by, which is told.
    async fn next_of<F: Future>(&self, in_hand: &mut FuturesUnordered<F>) -> Option<F::Output> {
        if self.plan.inventory.is_simulated {
            return in_hand.next().await;
        }
        loop {
            let pause = std::pin::pin!(self.world.clock.sleep(PASS_EVERY));
            match select(in_hand.next(), pause).await {
                Either::Left((ended, _)) => return ended,
                Either::Right(_) => self.pass_time(),
            }
        }
    }

    fn interrupted(&self, step: &Step) -> Trouble {
        Trouble {
            kind: TroubleKind::Interrupted,
            message: "interrupted: the nodes in hand were finished, no further one was begun".to_owned(),
            help: None,
            at: step.span,
            node: None,
        }
    }

    async fn on_node(&self, here: &Here, step: &Step, on: &OnStep, node: NodeName) -> (StepResult, Walked) {
        let mut inner = here.clone();
        inner.path = here.path.on(node.as_str());
        let there = inner.clone();
        if let Some(value) = self.follow(&mut inner) {
            return (StepResult::Done, Ok(value));
        }
        let leg = self.begin_leg(&inner);
        let path = inner.path.clone();
        self.record(Happening::NodeStarted {
            step: step.id,
            node: node.clone(),
            path: path.clone(),
        });
        let mut bodies = (*here.bodies).clone();
        {
            let mut state = self.state.borrow_mut();
            state.next_body += 1;
            bodies.push(state.next_body);
        }
        inner.bodies = Rc::new(bodies);
        inner.frame.place = Place::Node(node.clone());
        if let Some(name) = &on.each {
            inner = inner.with(name, Value::Node(node.clone()));
        }
        let walked = self.scoped(inner, &on.body).await;
        let (result, walked) = match walked {
            Ok(value) => (StepResult::Done, Ok(value)),
            Err(Halt::Skipped(why) | Halt::GivenUp(why)) => {
                (StepResult::Skipped(why), Ok(Value::unknown("skipped")))
            }
            Err(Halt::Trouble(mut trouble)) => {
                trouble.node.get_or_insert_with(|| node.clone());
                (
                    StepResult::Trouble((*trouble).clone()),
                    Err(Halt::Trouble(trouble)),
                )
            }
        };
        self.record(Happening::NodeEnded {
            step: step.id,
            node,
            path,
            result: result.clone(),
        });
        if let (StepResult::Done, Ok(value), Some(leg)) = (&result, &walked, leg) {
            self.end_leg(leg, &there, value);
        }
        (result, walked)
    }

    /// Asks the hooks that wait for the end of the `on`, and says how it ended.
    async fn close_on(
        &self,
        here: &Here,
        step: &Step,
        nodes: &NodeSet,
        options: &Options,
        tally: Tally,
    ) -> Walked {
        for node in nodes.difference(&tally.begun).iter() {
            let result = StepResult::NotReached;
            self.record(Happening::NodeEnded {
                step: step.id,
                node: node.clone(),
                path: here.path.on(node.as_str()),
                result,
            });
        }
        let mut troubles = tally.troubles.clone();
        troubles.extend(self.ask_started(here, step).await);
        if troubles.is_empty() {
            let mut values = tally.values;
            values.sort_by(|left, right| left.0.cmp(&right.0));
            return Ok(gather(values));
        }
        let tolerated = Tally {
            troubles: troubles.clone(),
            has_no_order: tally.has_no_order,
            ..Tally::default()
        };
        if !tolerated.is_over(options.tolerating) {
            for trouble in troubles {
                let (place, by) = (self.place(step, here), "tolerated".to_owned());
                self.record(Happening::Caught { place, by, trouble });
            }
            return Ok(gather(tally.values));
        }
        let worst = troubles.into_iter().max_by_key(|trouble| trouble.kind);
        Err(worst.map_or(Halt::Skipped(String::new()), |worst| {
            Halt::Trouble(Box::new(worst))
        }))
    }
}

fn describe_mode(mode: &Mode) -> String {
    match mode {
        Mode::Serially => "serially".to_owned(),
        Mode::InParallel => "in parallel".to_owned(),
        Mode::InBatches(_) => "in batches".to_owned(),
        Mode::By(variable) => format!("by {variable}"),
    }
}
