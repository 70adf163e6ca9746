//! Walks a script as a run would, with the inventory in hand, and reports what breaks on every way.

mod away;
mod batches;
mod budgets;
mod choices;
mod endings;
mod irreversible;
mod targets;
mod verbs;

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use super::checker::{Extent, Learned};
use super::collect::{Declared, Shelf};
use super::error::SafetyError;
use super::findings::Findings;
use crate::diagnostic::{Span, Spanned};
use crate::inventory::Inventory;
use crate::syntax::{Block, Expression, On, Statement, Test};
use away::{Bits, Places, Role, Standing, State, collect_roles};
use batches::{Batch, Change};
use choices::may_act;

/// Most statements that are looked at: verbs are followed into, and could call each other without end.
const MOST_STATEMENTS: usize = 400_000;

/// Most verbs that call one another.
const MOST_DEPTH: usize = 20;

/// What is known of a script before its safety is looked at.
pub(super) struct Grounds<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) declared: &'a Declared,
    pub(super) learned: &'a Learned,
    pub(super) extent: Extent,
}

/// Walks a script as a run would and reports what breaks on every way.
///
/// For each service it keeps the nodes where it is surely away and those where it may be. What
/// hangs on measurements is left to the guards of the run.
pub(super) fn check_safety(body: &Block, module: &str, grounds: &Grounds<'_>, findings: &mut Findings) {
    let Grounds {
        inventory,
        declared,
        learned,
        extent,
    } = *grounds;
    let mut places = Places::new(inventory);
    let roles = collect_roles(declared, &mut places);
    let mut walk = Walk {
        declared,
        learned,
        inventory,
        places,
        roles,
        findings,
        words: Vec::new(),
        hosts: Vec::new(),
        hangs_on_node: false,
        skipped: Vec::new(),
        losses: BTreeMap::new(),
        reported: HashSet::new(),
        fuel: MOST_STATEMENTS,
        stuck: None,
    };
    let roles = walk.roles.iter();
    let standing = |role: &Role| Standing {
        members: role.members.clone(),
        ..Standing::default()
    };
    let mut state = State {
        services: roles.map(standing).collect(),
        ..State::default()
    };
    let way = Way {
        module: module.into(),
        ..Way::default()
    };
    walk.block(body, &mut state, &way);
    walk.report_losses();
    if walk.findings.is_broken {
        return;
    }
    if let Some(at) = walk.stuck {
        walk.findings.push(SafetyError::TooLargeToCheck { at });
    } else if !state.is_over && extent == Extent::Whole {
        walk.report_left(&state, None);
    }
}

/// Where a walk is.
#[derive(Clone, Default)]
struct Way {
    module: Rc<str>,
    /// The nodes in hand at once, where they are known.
    nodes: Option<Bits>,
    /// All nodes of the `on` around.
    whole: Option<(Bits, Span)>,
    /// Budgets are lifted.
    in_outage: bool,
    /// The `retry` around.
    retry: Option<Span>,
    /// Inside of an irreversible verb, which was judged as a whole.
    in_irreversible: bool,
    /// When given, only these services are judged: the others were, with the first node.
    judged: Option<Rc<HashSet<usize>>>,
    depth: usize,
}

/// Names and their words.
type Known = Vec<(String, Rc<Vec<String>>)>;

/// Names and the nodes that they stand for.
type Hosts = Vec<(String, Bits)>;

/// The worst loss that one statement comes to.
struct Loss {
    does: &'static str,
    away: Bits,
    count: usize,
    members: usize,
}

struct Walk<'a, 'p> {
    declared: &'a Declared,
    learned: &'a Learned,
    inventory: &'a Inventory,
    places: Places<'a>,
    roles: Vec<Role>,
    findings: &'a mut Findings<'p>,
    /// Names whose words are known here, newest last.
    words: Known,
    /// Names of nodes, newest last.
    hosts: Hosts,
    /// Whether a condition was decided by which node is in hand, since the `on` began.
    hangs_on_node: bool,
    /// What is known where a body ended early by `skip`.
    skipped: Vec<State>,
    losses: BTreeMap<(Span, usize), Loss>,
    /// Statements that were reported, each once.
    reported: HashSet<Span>,
    fuel: usize,
    /// Where the fuel ran out.
    stuck: Option<Span>,
}

impl Walk<'_, '_> {
    fn block(&mut self, body: &Block, state: &mut State, way: &Way) {
        let known = self.words.len();
        let mut finals: Vec<&Block> = Vec::new();
        for statement in body {
            if state.is_over {
                break;
            }
            if self.fuel == 0 {
                self.stuck.get_or_insert(statement.span);
                break;
            }
            self.fuel -= 1;
            if let Statement::Finally(body) = &statement.node {
                finals.push(body);
            } else {
                self.statement(statement, state, way);
            }
        }
        for body in finals.into_iter().rev() {
            let was_over = std::mem::replace(&mut state.is_over, false);
            self.block(body, state, way);
            state.is_over |= was_over;
        }
        self.words.truncate(known);
    }

    fn statement(&mut self, written: &Spanned<Statement>, state: &mut State, way: &Way) {
        let at = written.span;
        match &written.node {
            Statement::On(on) => self.on(on, at, state, way),
            Statement::Locally(body) => {
                let inner = Way {
                    nodes: None,
                    whole: None,
                    ..way.clone()
                };
                self.block(body, state, &inner);
            }
            Statement::Service(call) => self.service_call(call, at, state, way),
            Statement::Leave { services, .. } => {
                let services = self.services(services, way);
                self.stop(&services, at, state, way);
                for service in services {
                    let standing = &mut state.services[service];
                    standing.left = standing.surely.clone();
                    standing.somewhere = None;
                }
            }
            Statement::Losing { services, body } => self.losing(services, body, at, state, way),
            Statement::Reboot(_) => {
                let all: Vec<usize> = (0..self.roles.len()).collect();
                self.take_away(&all, "takes away", at, state, way);
            }
            Statement::Verb(call) => self.verb(call, state, way),
            Statement::Confirm { .. } => state.is_confirmed = true,
            Statement::Require { test, .. } => self.asked(&test.node, state),
            Statement::Wait { test, otherwise, .. } => {
                let late = otherwise.as_ref().map(|block| {
                    let mut late = state.clone();
                    self.block(block, &mut late, way);
                    late
                });
                self.asked(&test.node, state);
                if let Some(late) = late {
                    *state = std::mem::take(state).join(late);
                }
            }
            Statement::Outage { body, .. } => self.outage(body, state, way),
            Statement::Let { name, value } => {
                self.acting_value(value, state, way);
                if let Some(words) = self.words_of(value, way) {
                    self.words.push((name.node.clone(), words));
                }
            }
            Statement::Value(value) | Statement::Show(value) => self.acting_value(value, state, way),
            Statement::Fail(_) => state.is_over = true,
            Statement::Skip(_) => {
                self.skipped.push(state.clone());
                state.is_over = true;
            }
            _ => self.branch(written, state, way),
        }
    }

    fn branch(&mut self, written: &Spanned<Statement>, state: &mut State, way: &Way) {
        match &written.node {
            Statement::If {
                condition,
                body,
                otherwise,
            } => self.choice(condition, body, otherwise.as_ref(), state, way),
            Statement::Try { body, otherwise } => {
                let before = state.clone();
                self.block(body, state, way);
                let mut failed = before.join(state.clone());
                failed.is_over = false;
                if let Some(otherwise) = otherwise {
                    self.block(otherwise, &mut failed, way);
                }
                *state = std::mem::take(state).join(failed);
            }
            Statement::Retry { body, .. } => {
                let inner = Way {
                    retry: Some(Span::new(written.span.start, written.span.start + 5)),
                    ..way.clone()
                };
                self.block(body, state, &inner);
            }
            Statement::Within { body, .. } => self.block(body, state, way),
            Statement::For { name, list, body } => match self.words_of(list, way) {
                // A turn that takes nothing away and starts nothing is the same for every word.
                Some(words) if !words.is_empty() && !may_act(body) => {
                    self.words.push((name.node.clone(), words));
                    self.block(body, state, way);
                    self.words.pop();
                }
                Some(words) => {
                    for word in words.iter() {
                        self.words.push((name.node.clone(), Rc::new(vec![word.clone()])));
                        self.block(body, state, way);
                        self.words.pop();
                    }
                }
                None => {
                    let before = state.clone();
                    self.block(body, state, way);
                    *state = std::mem::take(state).join(before);
                }
            },
            _ => {}
        }
    }

    /// A guard or condition was asked: whoever comes on was let through.
    fn asked(&mut self, test: &Test, state: &mut State) {
        state.is_confirmed = true;
        let Test::Guard(call) = test else { return };
        for (role, standing) in self.roles.iter().zip(&mut state.services) {
            if role.until.as_deref() == Some(call.name.node.as_str()) {
                standing.freed = standing.surely.clone();
            }
        }
    }

    fn acting_value(&mut self, value: &Spanned<Expression>, state: &mut State, way: &Way) {
        match &value.node {
            Expression::On(on) => self.on(on, value.span, state, way),
            Expression::Pipeline { source, .. } | Expression::Group(source) => {
                self.acting_value(source, state, way);
            }
            _ => {}
        }
    }

    fn outage(&mut self, body: &Block, state: &mut State, way: &Way) {
        state.is_confirmed = true;
        let before = state.clone();
        let inner = Way {
            in_outage: true,
            ..way.clone()
        };
        self.block(body, state, &inner);
        if state.is_over || way.in_outage || self.findings.is_broken {
            return;
        }
        self.report_left(state, Some(&before));
        // What was reported here is not reported again at the end of the script.
        for (now, then) in state.services.iter_mut().zip(&before.services) {
            let fresh = now.surely.without(&then.surely).without(&now.left);
            now.surely = now.surely.without(&fresh);
            now.somewhere = now.somewhere.filter(|_| then.somewhere.is_some());
        }
    }

    fn on(&mut self, on: &On, at: Span, state: &mut State, way: &Way) {
        let nodes = self.nodes(&on.nodes.node, way);
        let head = Span::new(at.start, on.nodes.span.end);
        let Some(set) = nodes.filter(|set| !on.any || set.count() == 1) else {
            let inner = Way {
                nodes: None,
                whole: None,
                ..way.clone()
            };
            self.body_of_on(&on.body, state, &inner);
            return;
        };
        if set.is_empty() {
            return;
        }
        let inner = Way {
            whole: Some((set.clone(), head)),
            ..way.clone()
        };
        let batches = self.batches(on, &set, state);
        let outer = std::mem::take(&mut self.hangs_on_node);
        for batch in batches {
            if state.is_over || self.fuel == 0 {
                break;
            }
            self.batch(on, &batch, state, &inner);
        }
        self.hangs_on_node |= outer;
    }

    /// Walks the body turn by turn, until a turn tells what all further ones will do: nothing
    /// new, or the same to their own nodes, which are then taken in one go.
    fn batch(&mut self, on: &On, batch: &Batch, state: &mut State, way: &Way) {
        let start = state.clone();
        let mut left = batch.all.clone();
        for (index, turn) in batch.turns.iter().enumerate() {
            let before = state.clone();
            self.turn(on, turn.clone(), state, way);
            left = left.without(turn);
            if left.is_empty() || state.is_over || self.fuel == 0 {
                return;
            }
            let is_last = index + 1 == batch.turns.len();
            if self.hangs_on_node || !(batch.are_alike || is_last) {
                continue;
            }
            match self.change_of(&before, state, turn) {
                Change::Nothing => return,
                Change::Own(mut changed) => {
                    if let Some(judged) = &way.judged {
                        changed.retain(|index| judged.contains(index));
                    }
                    let rest = Way {
                        judged: Some(Rc::new(changed)),
                        ..way.clone()
                    };
                    self.turn(on, left, state, &rest);
                    return;
                }
                Change::Wider => {}
            }
        }
        self.blur(&left, &start, state);
    }

    fn turn(&mut self, on: &On, nodes: Bits, state: &mut State, way: &Way) {
        let known = self.hosts.len();
        if let Some(name) = &on.each {
            self.hosts.push((name.node.clone(), nodes.clone()));
        }
        let inner = Way {
            nodes: Some(nodes),
            ..way.clone()
        };
        self.body_of_on(&on.body, state, &inner);
        self.hosts.truncate(known);
    }

    fn body_of_on(&mut self, body: &Block, state: &mut State, way: &Way) {
        let outer = std::mem::take(&mut self.skipped);
        self.block(body, state, way);
        for skipped in std::mem::replace(&mut self.skipped, outer) {
            *state = std::mem::take(state).join(skipped);
        }
    }
}

fn find<'s, T>(shelf: &'s Shelf<T>, module: &str, name: &str) -> Option<&'s super::collect::Entry<T>> {
    shelf.get(module, name)
}
