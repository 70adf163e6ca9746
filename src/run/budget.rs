use super::here::{Halt, Here, Used};
use super::walk::Walk;
use crate::check::Members;
use crate::diagnostic::Spanned;
use crate::evaluate::{Context, Frame, Stop};
use crate::guard::{Budget, Loss};
use crate::inventory::{NodeName, NodeSet};
use crate::journal::Happening;
use crate::plan::{Step, domain_of};
use crate::syntax::Test;
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
        if !loss.is_allowed() && self.give_back_replaced(here, used, &counted).await? {
            loss = self.loss(&budget.node, used, &counted, Some(node));
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
        let mut loss = self.loss(&budget.node, used, &counted, None);
        if !loss.is_allowed() && self.give_back_replaced(here, used, &counted).await? {
            loss = self.loss(&budget.node, used, &counted, None);
        }
        Ok(Some(loss))
    }

    /// Whether one more stop takes a service below its budget. Where nobody can say any more who
    /// is up, as in an outage, this run's own tokens tell.
    pub(super) async fn is_beyond(&self, here: &Here, node: &NodeName, used: &Used) -> Result<bool, Halt> {
        let Some(budget) = &used.service.budget else {
            return Ok(true);
        };
        let counted = match self.count_members(here, used).await {
            Ok(counted) if counted.blind.is_none() => counted,
            _ => Counted {
                members: self.group_of(&used.service),
                ..Counted::default()
            },
        };
        Ok(!self.loss(&budget.node, used, &counted, Some(node)).is_allowed())
    }

    pub(super) fn loss(
        &self,
        budget: &Budget,
        used: &Used,
        counted: &Counted,
        losing: Option<&NodeName>,
    ) -> Loss {
        let key = used.key();
        let replaced: NodeSet = {
            let state = self.state.borrow();
            let own = state.replaced.iter().filter(|(service, _)| *service == key);
            own.map(|(_, node)| node.clone()).collect()
        };
        let mut away = self.tokens_of(used).union(&counted.down.difference(&replaced));
        if let Some(node) = losing {
            away.insert(node.clone());
        }
        budget.count(&counted.members, &away, counted.strangers.len(), &|node| {
            self.domain(budget, node)
        })
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
                ..Counted::default()
            });
        };
        let inner = here.fresh(&used.service.module);
        self.measured(&inner, |context, frame| {
            count_members(context, frame, members, group.clone())
        })
        .await
    }

    /// `until GUARD`: members that this run took away, whose going was noticed and which are no
    /// longer missed, give their tokens back. Nothing is given back when nothing can be read.
    async fn give_back_replaced(&self, here: &Here, used: &Used, counted: &Counted) -> Result<bool, Halt> {
        let (Some(until), None) = (&used.service.until, &counted.blind) else {
            return Ok(false);
        };
        let key = used.key();
        let noticed: Vec<NodeName> = {
            let state = self.state.borrow();
            let noticed = state
                .tokens
                .iter()
                .filter(|token| token.service == key && token.is_noticed);
            noticed.map(|token| token.node.clone()).collect()
        };
        if noticed.is_empty() {
            return Ok(false);
        }
        let inner = here.fresh(&used.service.module);
        let test = Spanned::new(Test::Guard(until.clone()), until.name.span);
        let verdict = self
            .measured(&inner, |context, frame| context.judge(frame, &test))
            .await?;
        if !verdict.holds() {
            return Ok(false);
        }
        for node in noticed {
            self.return_token(&node, used);
            self.state.borrow_mut().replaced.insert((key.clone(), node));
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
        let strangers = match counted.strangers.len() {
            0 => String::new(),
            1 => "1 that the inventory does not know".to_owned(),
            count => format!("{count} that the inventory does not know"),
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
        let away: Vec<String> = [by_run, down, strangers]
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
        let Some(acting) = self.plan.acting() else {
            return Ok(());
        };
        for service in self.plan.program.all_services() {
            if service.members.is_none() || service.budget.is_none() {
                continue;
            }
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
                Some(why) if acting.takes_away => {
                    format!(
                        "cannot compare {} with the members of {}: {why}",
                        service.group, service.name
                    )
                }
                Some(_) => continue,
                None => match differences(&group, &counted) {
                    Some(parts) => {
                        format!(
                            "the inventory's {} differs from the members of {}: {parts}",
                            service.group, service.name
                        )
                    }
                    None => continue,
                },
            };
            let help = "correct the inventory, or give --override inventory-differs=\"why\"".to_owned();
            self.refuse(here, acting.step, "inventory-differs", message, Some(help))?;
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
            .filter(|used| !here.is_losing(used, node))
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
        if self.options.dry_run {
            return;
        }
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
#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    /// Those of the table and of the group.
    pub members: NodeSet,
    /// Those of the table.
    pub named: NodeSet,
    /// Those that are not surely up.
    pub down: NodeSet,
    /// Rows whose node the inventory does not know, each with the reason.
    pub strangers: Vec<String>,
    /// How many rows the table has, and how many of them are surely up: a node may have several.
    pub rows: (usize, usize),
    /// Why nothing is known of them.
    pub blind: Option<String>,
}

/// Counts the members of a role, as its own table and its group have them.
///
/// # Errors
///
/// [`Stop::Need`] when probes must be answered first.
pub(super) fn count_members(
    context: &Context<'_>,
    frame: &Frame,
    members: &Members,
    group: NodeSet,
) -> Result<Counted, Stop> {
    let blind = |why: String| Counted {
        members: group.clone(),
        down: group.clone(),
        blind: Some(why),
        ..Counted::default()
    };
    let table = match context.evaluate(frame, &members.rows)? {
        Value::Table(table) => table,
        Value::Unknown(why) => return Ok(blind(why.to_string())),
        other => return Ok(blind(format!("{other} is not a table"))),
    };
    let mut counted = Counted {
        blind: table.or_more.as_ref().map(ToString::to_string),
        ..Counted::default()
    };
    for row in &table.rows {
        let is_up = match &members.up_when {
            Some(condition) => {
                context.truth(&frame.looking_at(std::sync::Arc::new(row.clone())), condition)?
            }
            None => Truth::Yes,
        };
        counted.rows.0 += 1;
        counted.rows.1 += usize::from(is_up.holds());
        match row.get(&members.column) {
            Some(Value::Node(node)) => {
                if !is_up.holds() {
                    counted.down.insert(node.clone());
                }
                counted.members.insert(node.clone());
            }
            // A member all the same, and nobody knows where: one that is away.
            Some(Value::Unknown(why)) => counted.strangers.push(why.to_string()),
            _ => counted.strangers.push("its node is not named".to_owned()),
        }
    }
    counted.named = counted.members.clone();
    counted.down = counted.down.union(&group.difference(&counted.members));
    counted.members = counted.members.union(&group);
    Ok(counted)
}

/// How a group differs from the members of its role.
fn differences(group: &NodeSet, counted: &Counted) -> Option<String> {
    let missing = counted.named.difference(group);
    let extra = group.difference(&counted.named);
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("{missing} is a member and not in the group"));
    }
    if !extra.is_empty() {
        parts.push(format!("{extra} is in the group and no member"));
    }
    parts.extend(
        counted
            .strangers
            .iter()
            .map(|why| format!("a member is not in the inventory: {why}")),
    );
    (!parts.is_empty()).then(|| parts.join("; "))
}
