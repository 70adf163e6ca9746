use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use super::locking::deaf_to_lock;
use super::{LockWishes, Ways};
use crate::journal::{OverriddenFinding, RunJournal};
use crate::plan::Plan;
use crate::transport::{Answers, Listener, Tee, Terminal};

/// How a run meets the world: who answers, how hosts are reached, where output goes.
pub struct Setting {
    /// Answers given before the run; what they do not answer is asked at the terminal.
    pub answers: Answers,
    /// How real hosts are reached.
    pub ways: Ways,
    /// Where the person sits who is asked.
    pub terminal: Terminal,
    /// Is told what commands print while they run.
    pub listener: Option<Listener>,
    /// Where output goes that is too much for memory; it is there.
    pub output_folder: Option<PathBuf>,
    /// Where the run is written down; nowhere: it changes nothing real.
    pub kept: Option<Rc<RefCell<RunJournal>>>,
    /// Whether acts in the journal that the runbook does not come to any more are no obstacle.
    pub may_pass_over: bool,
    /// What is wrong with the script, and overridden.
    pub overridden: Vec<OverriddenFinding>,
    /// What is said of the maintenance lock.
    pub lock: LockWishes,
}

impl Setting {
    /// Where the output of the plan's commands goes.
    pub(super) fn tee(&self, plan: &Plan) -> Arc<Tee> {
        let (folder, listener) = (self.output_folder.clone(), deaf_to_lock(self.listener.clone()));
        Arc::new(Tee::new(folder, listener, plan.secrets()))
    }
}
