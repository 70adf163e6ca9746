use std::fmt;
use std::sync::Arc;

/// Stands before the name of a node in hand.
const NODE: char = '@';
/// What stands at the end of the path of a probe that settles an act.
const SETTLING: &str = "settled by";

/// Which statement of a run something belongs to: the words of the statements that enclose it,
/// the nodes in hand and the values of the turns, outermost first. It is the same in every run of
/// the same runbook, and in its resume.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepPath(Arc<str>);

impl StepPath {
    /// A path as it is written: one part a line.
    pub fn read(text: &str) -> StepPath {
        StepPath(Arc::from(text))
    }

    /// As it is written: one part a line.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of something in it.
    pub fn child(&self, part: &str) -> StepPath {
        // A part of several lines would pass for several parts.
        let part = part.replace('\n', " ");
        match self.0.is_empty() {
            true => StepPath(Arc::from(part)),
            false => StepPath(Arc::from(format!("{}\n{part}", self.0))),
        }
    }

    /// The path of the body of an `on` on one node.
    pub fn on(&self, node: &str) -> StepPath {
        self.child(&format!("{NODE}{node}"))
    }

    /// The path of what settles an act.
    pub fn settling(&self) -> StepPath {
        self.child(SETTLING)
    }

    /// Whether it is, or belongs to, what settles an act.
    pub fn is_settling(&self) -> bool {
        self.parts().any(|part| part == SETTLING)
    }

    /// Its parts, outermost first.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('\n').filter(|part| !part.is_empty())
    }

    /// The innermost body of an `on` on a node that it lies in; the script itself has the empty path.
    pub fn body(&self) -> StepPath {
        self.bodies().last().unwrap_or_default()
    }

    /// The node that is in hand where it lies.
    pub fn node(&self) -> Option<&str> {
        self.parts().rev().find_map(|part| part.strip_prefix(NODE))
    }

    /// The bodies of `on`s on a node that it lies in or is itself, outermost first.
    pub fn bodies(&self) -> impl Iterator<Item = StepPath> {
        let mut end = 0;
        self.0.split('\n').filter_map(move |part| {
            end += part.len() + usize::from(end > 0);
            part.starts_with(NODE)
                .then(|| StepPath(Arc::from(&self.0[..end])))
        })
    }

    /// What it lies in; the empty path lies in nothing.
    pub fn parent(&self) -> StepPath {
        let end = self.0.rfind('\n').unwrap_or(0);
        StepPath(Arc::from(&self.0[..end]))
    }

    /// Whether it is `outer`, or lies in it.
    pub fn is_in(&self, outer: &StepPath) -> bool {
        outer.0.is_empty()
            || self
                .0
                .strip_prefix(&*outer.0)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('\n'))
    }
}

impl Default for StepPath {
    fn default() -> Self {
        StepPath(Arc::from(""))
    }
}

impl fmt::Display for StepPath {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<&str> = self.parts().collect();
        to.write_str(&parts.join(" / "))
    }
}

impl fmt::Debug for StepPath {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_knows_the_bodies_that_it_lies_in() {
        let root = StepPath::default();
        let on = root.child("on mds_nodes");
        let body = on.on("mds1");
        let inner = body
            .child("for x in a\nb")
            .child("x = 1")
            .child("on any y")
            .on("y2");
        let step = inner.child("run \"true\"");
        let bodies: Vec<StepPath> = step.bodies().collect();
        assert_eq!(bodies, [body.clone(), inner.clone()]);
        assert_eq!(step.body(), inner);
        assert_eq!((step.node(), on.node()), (Some("y2"), None));
        assert_eq!(on.body(), root);
        assert_eq!(body.parent(), on);
        assert!(step.is_in(&body) && step.is_in(&root) && !body.is_in(&step));
        assert!(!root.child("on mds_nodes2").is_in(&on));
        assert_eq!(body.to_string(), "on mds_nodes / @mds1");
    }
}
