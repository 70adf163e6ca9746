use super::away::{Bits, State};
use super::{Walk, Way};
use crate::diagnostic::Spanned;
use crate::syntax::{Block, Expression, ServiceAction, Statement};

impl Walk<'_, '_> {
    /// Walks both branches, each with the nodes that may take it; which they are is known
    /// where the inventory alone decides.
    pub(super) fn choice(
        &mut self,
        condition: &Spanned<Expression>,
        body: &Block,
        otherwise: Option<&Block>,
        state: &mut State,
        way: &Way,
    ) {
        let (yes, no) = self.told(&condition.node, way);
        let nodes = way.nodes.clone().unwrap_or_default();
        let open = nodes.without(&yes).without(&no);
        if way.nodes.is_some() && open.is_empty() {
            self.hangs_on_node = true;
            if no.is_empty() {
                return self.block(body, state, way);
            }
            let none = Block::new();
            let otherwise = otherwise.unwrap_or(&none);
            if yes.is_empty() {
                return self.block(otherwise, state, way);
            }
            return self.part(body, (yes, otherwise, no), state, way);
        }
        // Of several nodes that may each go either way, one is followed.
        let way = Way {
            nodes: way.nodes.as_ref().map(|_| yes.union(&open.first(1))),
            ..way.clone()
        };
        let before = state.clone();
        let mut other = state.clone();
        state.is_confirmed |= holds_guard(&condition.node);
        self.block(body, state, &way);
        self.blur(&open.without(&open.first(1)), &before, state);
        if let Some(otherwise) = otherwise {
            let way = Way {
                nodes: way.nodes.as_ref().map(|_| no.union(&open.first(1))),
                ..way
            };
            self.block(otherwise, &mut other, &way);
            self.blur(&open.without(&open.first(1)), &before, &mut other);
        }
        let both_over = state.is_over && other.is_over;
        *state = std::mem::take(state).join(other);
        state.is_over = both_over;
    }

    /// Some of the nodes in hand take one branch, the others the other.
    fn part(
        &mut self,
        body: &Block,
        (yes, otherwise, no): (Bits, &Block, Bits),
        state: &mut State,
        way: &Way,
    ) {
        let with = |nodes| Way {
            nodes: Some(nodes),
            ..way.clone()
        };
        let mut one = state.clone();
        self.block(body, &mut one, &with(yes));
        let mut two = if one.is_over { state.clone() } else { one.clone() };
        self.block(otherwise, &mut two, &with(no));
        let is_parted = one.is_over || two.is_over;
        *state = if is_parted { one.join(two) } else { two };
    }
}

/// Whether a condition asks a guard.
pub(super) fn holds_guard(condition: &Expression) -> bool {
    match condition {
        Expression::Holds(_) => true,
        Expression::Group(inner) => holds_guard(&inner.node),
        Expression::And(left, right) => holds_guard(&left.node) || holds_guard(&right.node),
        Expression::Or(left, right) => holds_guard(&left.node) && holds_guard(&right.node),
        _ => false,
    }
}

/// Whether a body may take a service away, start one, or call what does.
pub(super) fn may_act(body: &Block) -> bool {
    body.iter().any(|statement| match &statement.node {
        Statement::Service(call) => call.action.node != ServiceAction::Status,
        Statement::Reboot(_)
        | Statement::Losing { .. }
        | Statement::Leave { .. }
        | Statement::Outage { .. }
        | Statement::Verb(_)
        | Statement::Let { .. }
        | Statement::Value(_)
        | Statement::Show(_) => true,
        Statement::On(on) => may_act(&on.body),
        Statement::Locally(body)
        | Statement::For { body, .. }
        | Statement::Retry { body, .. }
        | Statement::Within { body, .. }
        | Statement::Finally(body) => may_act(body),
        Statement::Try { body, otherwise } | Statement::If { body, otherwise, .. } => {
            may_act(body) || otherwise.as_ref().is_some_and(may_act)
        }
        Statement::Wait { otherwise, .. } => otherwise.as_ref().is_some_and(may_act),
        _ => false,
    })
}
