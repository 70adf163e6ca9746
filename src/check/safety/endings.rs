use super::Walk;
use super::away::State;
use crate::check::error::SafetyError;

impl Walk<'_, '_> {
    /// Reports services that are surely stopped where `state` is, and were not `before`.
    ///
    /// A stop that was reported for another reason is not reported again.
    pub(super) fn report_left(&mut self, state: &State, before: Option<&State>) {
        for index in 0..self.roles.len() {
            let standing = &state.services[index];
            let mut left = standing.surely.without(&standing.left);
            let mut somewhere = standing.somewhere;
            if let Some(before) = before {
                let before = &before.services[index];
                left = left.without(&before.surely);
                somewhere = somewhere.filter(|_| before.somewhere.is_none());
            }
            let at = if left.is_empty() { somewhere } else { standing.stop };
            let Some(at) = at else { continue };
            if !self.reported.insert(at) {
                continue;
            }
            let mut where_ = String::new();
            if !left.is_empty() {
                where_ = format!(" on {}", self.places.fold(&left));
            }
            if before.is_some() {
                where_.push_str(" at the end of the outage");
            }
            self.findings.push(SafetyError::LeftStopped {
                service: self.roles[index].name.clone(),
                where_,
                at,
            });
        }
    }
}
