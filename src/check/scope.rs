use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostic::Span;
use crate::value::Type;

/// A name that a script gives to a value.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    pub(super) name: String,
    pub(super) kind: Type,
    pub(super) span: Span,
    pub(super) role: Role,
    pub(super) is_used: bool,
    /// Its words, where they are written in the script.
    pub(super) words: Option<Arc<Vec<String>>>,
}

/// What gives a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `let`
    Value,
    /// A parameter.
    Parameter,
    /// An earlier line of a session: it may be named anew, and need not be used.
    Earlier,
    /// `for x in …`
    Loop,
    /// `on each x of …`
    Node,
    /// `$it`, `$action`: never reported as unused.
    Given,
}

/// The names that are seen at a place, newest last.
#[derive(Debug, Default)]
pub(super) struct Scope {
    bindings: Vec<Binding>,
    by_name: HashMap<String, Vec<usize>>,
    loops: usize,
}

impl Scope {
    /// Where a block begins; hand it to [`Scope::close`].
    pub(super) fn mark(&self) -> usize {
        self.bindings.len()
    }

    pub(super) fn add(&mut self, binding: Binding) {
        let places = self.by_name.entry(binding.name.clone()).or_default();
        places.push(self.bindings.len());
        self.loops += usize::from(is_loop(binding.role));
        self.bindings.push(binding);
    }

    /// Forgets what was added since the mark, and gives it back.
    pub(super) fn close(&mut self, mark: usize) -> Vec<Binding> {
        let closed = self.bindings.split_off(mark);
        for binding in &closed {
            self.loops -= usize::from(is_loop(binding.role));
            if let Some(places) = self.by_name.get_mut(&binding.name) {
                places.pop();
            }
        }
        closed
    }

    pub(super) fn get(&self, name: &str) -> Option<&Binding> {
        let place = self.by_name.get(name)?.last()?;
        self.bindings.get(*place)
    }

    /// The binding of `name`, which is from now on used.
    pub(super) fn take(&mut self, name: &str) -> Option<&Binding> {
        let place = *self.by_name.get(name)?.last()?;
        let binding = self.bindings.get_mut(place)?;
        binding.is_used = true;
        Some(binding)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.iter()
    }

    /// Whether a loop is around.
    pub(super) fn has_loops(&self) -> bool {
        self.loops > 0
    }

    /// The loop that sets `name`, if one is around.
    pub(super) fn loop_of(&self, name: &str) -> Option<&Binding> {
        self.get(name).filter(|binding| is_loop(binding.role))
    }
}

fn is_loop(role: Role) -> bool {
    matches!(role, Role::Loop | Role::Node)
}
