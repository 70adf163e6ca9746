//! The shortest schedule that breaks the same promise.

use super::attempt::{Attempt, Scene, Start, Unbroken, attempt};
use super::fault_plan::Schedule;
use super::stage::Known;

/// Leaves out one fault after the other, as long as the same promise breaks.
pub(super) fn shrink(scene: Scene<'_>, start: &Start, unbroken: &Unbroken, found: Attempt) -> Attempt {
    let mut shortest = found;
    let mut index = 0;
    while shortest.schedule.0.len() > 1 && index < shortest.schedule.0.len() {
        let mut fewer = shortest.schedule.0.clone();
        fewer.remove(index);
        let tried = attempt(scene, start, &Schedule(fewer), Some(unbroken), Known::default());
        let promise = |attempt: &Attempt| attempt.broken.as_ref().map(|broken| broken.promise.clone());
        match promise(&tried) == promise(&shortest) {
            true => (shortest, index) = (tried, 0),
            false => index += 1,
        }
    }
    shortest
}
