use super::here::{Halt, Here, Used};
use super::walk::Walk;
use crate::diagnostic::Spanned;
use crate::guard::{Budget, Loss};
use crate::inventory::{NodeName, NodeSet};
use crate::journal::Happening;
use crate::plan::{Step, StepKind, domain_of};
use crate::syntax::{Expression, ServiceAction, Test};
use crate::value::{Truth, Value};

impl Walk<'_> {
    /// Asks whether a token is free for `node`; if not, refuses with the sum.
    pub(super) async fn ask_budget(
        &self,
        here: &Here,
        step: &Step,
        node: &NodeName,
        used: &Used,
    ) -> Result<(), Halt> {
        let Some(budget) = &used.service.budget else {
            return Ok(());
        };
        if !self.options.has_tokens() || (self.options.dry_run && self.is_past_acts()) {
            return Ok(());
        }
        let counted = self.count_members(here, used).await?;
        let mut loss = self.loss(&budget.node, used, &counted, Some(node));
        if !loss.is_allowed() && self.is_given_back(here, used).await? {
            // What is replicated elsewhere is not missed: only what went since then counts.
            let fresh = Counted {
                down: NodeSet::default(),
                ..counted.clone()
            };
            loss = self.loss(&budget.node, used, &fresh, Some(node));
        }
        if loss.is_allowed() {
            return Ok(());
        }
        let message = self.budget_message(&budget.node, node, used, &loss, &counted);
        let help = match counted.blind {
            Some(_) => "make the cluster answer first; see why its state cannot be read".to_owned(),
            None => "bring one of those back first, and let its `after start` hold".to_owned(),
        };
        self.refuse(
            here,
            step,
            &format!("may-lose:{}", used.service.name),
            message,
            Some(help),
        )
    }

    /// What is away of a service now; `None` when it has no budget.
    pub(super) async fn loss_now(&self, here: &Here, used: &Used) -> Result<Option<Loss>, Halt> {
        let Some(budget) = &used.service.budget else {
            return Ok(None);
        };
        let counted = self.count_members(here, used).await?;
        let loss = self.loss(&budget.node, used, &counted, None);
        if !loss.is_allowed() && self.is_given_back(here, used).await? {
            let fresh = Counted {
                down: NodeSet::default(),
                ..counted
            };
            return Ok(Some(self.loss(&budget.node, used, &fresh, None)));
        }
        Ok(Some(loss))
    }

    fn loss(&self, budget: &Budget, used: &Used, counted: &Counted, losing: Option<&NodeName>) -> Loss {
        let mut away = self.tokens_of(used).union(&counted.down);
        if let Some(node) = losing {
            away.insert(node.clone());
        }
        budget.count(&counted.members, &away, &|node| self.domain(budget, node))
    }

    pub(super) fn domain(&self, budget: &Budget, node: &NodeName) -> String {
        match budget {
            Budget::Domains(_, variable) => domain_of(&self.plan.inventory, node, variable),
            _ => node.to_string(),
        }
    }

    /// The members whose tokens this run holds.
    pub(super) fn tokens_of(&self, used: &Used) -> NodeSet {
        let key = used.key();
        let state = self.state.borrow();
        state
            .tokens
            .iter()
            .filter(|token| token.service == key)
            .map(|token| token.node.clone())
            .collect()
    }

    /// Who the members are, and which of them are not surely up.
    async fn count_members(&self, here: &Here, used: &Used) -> Result<Counted, Halt> {
        let group = self.group_of(&used.service);
        let Some(members) = &used.service.members else {
            return Ok(Counted {
                members: group,
                down: NodeSet::default(),
                blind: None,
            });
        };
        let inner = here.fresh(&used.service.module);
        let rows = self.value(&inner, &members.rows).await?;
        let Value::Table(table) = rows else {
            let why = match rows {
                Value::Unknown(why) => why.to_string(),
                other => format!("{other} is not a table"),
            };
            return Ok(Counted {
                members: group.clone(),
                down: group,
                blind: Some(why),
            });
        };
        let mut named = NodeSet::default();
        let mut down = NodeSet::default();
        for row in &table.rows {
            let Some(Value::Node(node)) = row.get(&members.column) else {
                continue;
            };
            named.insert(node.clone());
            let is_up = match &members.up_when {
                Some(condition) => self.row_is(&inner, row, condition).await?,
                None => Truth::Yes,
            };
            if !is_up.holds() {
                down.insert(node.clone());
            }
        }
        let down = down.union(&group.difference(&named));
        Ok(Counted {
            members: named.union(&group),
            down,
            blind: table.or_more.as_ref().map(ToString::to_string),
        })
    }

    async fn row_is(
        &self,
        here: &Here,
        row: &crate::value::Row,
        condition: &Spanned<Expression>,
    ) -> Result<Truth, Halt> {
        let mut inner = here.clone();
        inner.frame.row = Some(std::rc::Rc::new(row.clone()));
        self.measured(&inner, |context, frame| context.truth(frame, condition))
            .await
    }

    /// `until GUARD`: whether members that are away are no longer missed. Gives such tokens back.
    async fn is_given_back(&self, here: &Here, used: &Used) -> Result<bool, Halt> {
        let Some(until) = &used.service.until else {
            return Ok(false);
        };
        let inner = here.fresh(&used.service.module);
        let test = Spanned::new(Test::Guard(until.clone()), until.name.span);
        let verdict = self
            .measured(&inner, |context, frame| context.judge(frame, &test))
            .await?;
        if !verdict.holds() {
            return Ok(false);
        }
        let key = used.key();
        let noticed: Vec<NodeName> = {
            let state = self.state.borrow();
            let noticed = state
                .tokens
                .iter()
                .filter(|token| token.service == key && token.is_noticed);
            noticed.map(|token| token.node.clone()).collect()
        };
        for node in noticed {
            self.return_token(&node, used);
        }
        Ok(true)
    }

    fn budget_message(
        &self,
        budget: &Budget,
        node: &NodeName,
        used: &Used,
        loss: &Loss,
        counted: &Counted,
    ) -> String {
        let service = &used.service.name;
        if let Some(why) = &counted.blind {
            return format!(
                "cannot tell how many members of {service} are up, so none may be taken away: {why}"
            );
        }
        let held = self.tokens_of(used);
        let by_run = if held.is_empty() {
            String::new()
        } else {
            format!("{held} by this run")
        };
        let others = counted
            .down
            .difference(&held)
            .difference(&std::iter::once(node.clone()).collect());
        let down = if others.is_empty() {
            String::new()
        } else {
            format!("{others} down")
        };
        let away: Vec<String> = [by_run, down]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        let away = if away.is_empty() {
            String::new()
        } else {
            format!(" (away already: {})", away.join(", "))
        };
        let rule = match budget {
            Budget::Minority => format!("a majority of {} must stay", loss.must_stay()),
            Budget::None => "none may be lost".to_owned(),
            other => format!("it may lose {other} at a time"),
        };
        match budget {
            Budget::Domains(_, domain) => {
                format!(
                    "without {node}, {service} would miss {} {domain}s; {rule}{away}",
                    loss.away
                )
            }
            _ => {
                let stay = loss.members - loss.away.min(loss.members);
                format!(
                    "without {node}, {stay} of {} members of {service} would run; {rule}{away}",
                    loss.members
                )
            }
        }
    }

    /// Compares each role's group with its members before the first act: the inventory may be old.
    pub(super) async fn compare_inventory(&self, here: &Here) -> Result<(), Halt> {
        let Some(taking) = find_taking(&self.plan.steps) else {
            return Ok(());
        };
        for service in self.plan.program.all_services() {
            let (Some(members), true) = (&service.members, service.budget.is_some()) else {
                continue;
            };
            let used = Used {
                service: service.clone(),
                instances: Value::list(Vec::new()),
            };
            let group = self.group_of(service);
            if group.is_empty() {
                continue;
            }
            let counted = self.count_members(here, &used).await?;
            let message = match &counted.blind {
                Some(why) if !taking.in_outage => {
                    format!(
                        "cannot compare {} with the members of {}: {why}",
                        service.group, service.name
                    )
                }
                Some(_) => continue,
                None => {
                    let table = self.value(&here.fresh(&service.module), &members.rows).await?;
                    let named = nodes_in(&table, &members.column);
                    if named == group {
                        continue;
                    }
                    let missing = named.difference(&group);
                    let extra = group.difference(&named);
                    let mut parts = Vec::new();
                    if !missing.is_empty() {
                        parts.push(format!("{missing} is a member and not in the group"));
                    }
                    if !extra.is_empty() {
                        parts.push(format!("{extra} is in the group and no member"));
                    }
                    let parts = parts.join("; ");
                    format!(
                        "the inventory's {} differs from the members of {}: {parts}",
                        service.group, service.name
                    )
                }
            };
            let help = "correct the inventory, or give --override inventory-differs=\"why\"".to_owned();
            self.refuse(here, taking.step, "inventory-differs", message, Some(help))?;
        }
        Ok(())
    }

    /// `reboot`, and everything else that needs the budgets of all roles of a node.
    pub(super) fn roles_of(&self, node: &NodeName, here: &Here) -> Vec<Used> {
        self.plan
            .program
            .all_services()
            .into_iter()
            .filter(|service| service.budget.is_some() && self.group_of(service).contains(node))
            .map(|service| Used {
                service: service.clone(),
                instances: Value::list(Vec::new()),
            })
            .filter(|used| !here.losing.contains(&used.key()))
            .collect()
    }

    /// Records that a node has joined or left a group.
    pub(super) fn change_group(&self, group: &str, node: &NodeName, joins: bool) {
        let now = {
            let mut state = self.state.borrow_mut();
            let mut groups = (*state.groups).clone();
            if joins {
                groups.join(&self.plan.inventory, group, node.clone());
            } else {
                groups.leave(&self.plan.inventory, group, node);
            }
            state.groups = std::rc::Rc::new(groups);
            state
                .groups
                .of(&self.plan.inventory, group)
                .cloned()
                .unwrap_or_default()
        };
        let (group, node) = (group.to_owned(), node.clone());
        self.record(Happening::GroupChanged {
            group,
            node,
            joined: joins,
            now,
        });
    }
}

/// Who the members of a role are, by its own table and the group.
#[derive(Debug, Clone)]
struct Counted {
    members: NodeSet,
    down: NodeSet,
    /// Why nothing is known of them.
    blind: Option<String>,
}

fn nodes_in(table: &Value, column: &str) -> NodeSet {
    let Value::Table(table) = table else {
        return NodeSet::default();
    };
    let node = |row: &crate::value::Row| match row.get(column) {
        Some(Value::Node(node)) => Some(node.clone()),
        _ => None,
    };
    table.rows.iter().filter_map(node).collect()
}

/// The first step that takes a member away, and whether all of them stand in an outage.
struct Taking<'p> {
    step: &'p Step,
    in_outage: bool,
}

fn find_taking(steps: &[Step]) -> Option<Taking<'_>> {
    let mut found: Option<Taking<'_>> = None;
    look_for_taking(steps, false, &mut found);
    found
}

fn look_for_taking<'p>(steps: &'p [Step], in_outage: bool, found: &mut Option<Taking<'p>>) {
    for step in steps {
        let takes = match &step.kind {
            StepKind::Service(call) => {
                matches!(call.action.node, ServiceAction::Stop | ServiceAction::Restart)
            }
            StepKind::Losing(..) | StepKind::Reboot(_) | StepKind::Leave(..) => true,
            _ => false,
        };
        if takes {
            let known = found.get_or_insert(Taking { step, in_outage });
            known.in_outage &= in_outage;
        }
        let inside = in_outage || matches!(step.kind, StepKind::Outage { .. });
        for body in step.kind.bodies() {
            look_for_taking(body, inside, found);
        }
    }
}
