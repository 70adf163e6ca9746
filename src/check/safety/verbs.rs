use std::rc::Rc;

use super::away::{Bits, State};
use super::{Hosts, Known, MOST_DEPTH, Walk, Way, find};
use crate::check::VerbDefinition;
use crate::diagnostic::Spanned;
use crate::syntax::{Arguments, Expression, VerbCall};

impl Walk<'_, '_> {
    pub(super) fn verb(&mut self, call: &VerbCall, state: &mut State, way: &Way) {
        let declared = self.declared;
        let Some(entry) = find(&declared.verbs, &way.module, &call.name.node) else {
            return;
        };
        let verb: &VerbDefinition = &entry.item;
        if way.depth > MOST_DEPTH {
            self.stuck.get_or_insert(call.name.span);
            return;
        }
        self.check_irreversible(verb, call.name.span, state, way);
        let (words, hosts) = self.bind(verb, &call.arguments, way);
        let outer = std::mem::replace(&mut self.words, words);
        let outer_hosts = std::mem::replace(&mut self.hosts, hosts);
        let inner = Way {
            module: verb.module.as_str().into(),
            in_irreversible: way.in_irreversible || verb.irreversible,
            depth: way.depth + 1,
            ..way.clone()
        };
        self.move_members(verb, state, &inner);
        self.block(&verb.body, state, &inner);
        self.words = outer;
        self.hosts = outer_hosts;
    }

    /// The parameters whose words or nodes are known where the verb is called.
    fn bind(&mut self, verb: &VerbDefinition, arguments: &Arguments, way: &Way) -> (Known, Hosts) {
        let (mut known, mut hosts) = (Known::new(), Hosts::new());
        let mut given = arguments.positional.iter();
        let inside = Way {
            module: verb.module.as_str().into(),
            ..way.clone()
        };
        for parameter in &verb.parameters {
            let named = arguments
                .named
                .iter()
                .find(|(name, _)| name.node == parameter.name);
            let written: Vec<&Spanned<Expression>> = match named {
                Some((_, value)) => vec![value],
                None if parameter.is_rest => given.by_ref().collect(),
                None => given.next().into_iter().collect(),
            };
            let words = match &parameter.default {
                Some(default) if written.is_empty() => self.words_of(default, &inside),
                _ => self.words_of_all(&written, way),
            };
            if let Some(words) = words {
                known.push((parameter.name.clone(), words));
            } else if let [one] = written.as_slice()
                && let Expression::Variable(variable) = &one.node
                && variable.fields.is_empty()
                && let Some(host) = self.host(&variable.name.node, way)
            {
                hosts.push((parameter.name.clone(), host));
            }
        }
        (known, hosts)
    }

    fn words_of_all(&self, written: &[&Spanned<Expression>], way: &Way) -> Option<Rc<Vec<String>>> {
        let mut words = Vec::new();
        for one in written {
            words.extend(self.words_of(one, way)?.iter().cloned());
        }
        (!words.is_empty()).then(|| Rc::new(words))
    }

    /// Roles move: from now on the members of these services are not what the inventory says.
    fn move_members(&mut self, verb: &VerbDefinition, state: &mut State, way: &Way) {
        for membership in &verb.memberships {
            let who = match &membership.host {
                None => way.nodes.clone(),
                Some(host) => {
                    let written = Expression::Variable(host.clone());
                    let at = membership.span;
                    self.host(&host.name.node, way)
                        .filter(|_| host.fields.is_empty())
                        .or_else(|| self.set_of_words(&Spanned::new(written, at), way))
                }
            };
            for (role, standing) in self.roles.iter().zip(&mut state.services) {
                if role.group != membership.group {
                    continue;
                }
                let Some(who) = &who else {
                    standing.has_moved = true;
                    standing.somewhere = None;
                    standing.surely = Bits::default();
                    continue;
                };
                if membership.joins {
                    standing.members = standing.members.union(who);
                } else {
                    standing.members = standing.members.without(who);
                    standing.surely = standing.surely.without(who);
                    standing.maybe = standing.maybe.without(who);
                }
            }
        }
    }
}
