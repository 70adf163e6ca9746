use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use crate::inventory::NodeName;
use crate::journal::LiveView;
use crate::transport::{Listener, Screen};

/// What is told the last line that a command has printed, while one is watched.
type Heard = Arc<Mutex<Option<Listener>>>;

/// Where what goes on is drawn, as long as a statement is carried out: each has a view of its own.
#[derive(Default)]
pub(super) struct Stage {
    view: RefCell<Option<Rc<LiveView>>>,
    heard: Heard,
}

impl Stage {
    /// Begins to draw.
    pub fn open(&self, view: Rc<LiveView>) {
        *self.lock() = Some(Arc::new(view.listener()));
        *self.view.borrow_mut() = Some(view);
    }

    /// Ends it.
    pub fn close(&self) {
        *self.lock() = None;
        *self.view.borrow_mut() = None;
    }

    /// Whoever is told what commands print.
    pub fn listener(&self) -> Listener {
        let heard = Arc::clone(&self.heard);
        Arc::new(move |node: Option<&NodeName>, line: &str| {
            let listener = heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(listener) = listener {
                listener(node, line);
            }
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Listener>> {
        // What is only shown is shown on, whatever became of another thread.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Screen for Stage {
    fn set_aside(&self) {
        if let Some(view) = &*self.view.borrow() {
            view.set_aside();
        }
    }

    fn bring_back(&self) {
        if let Some(view) = &*self.view.borrow() {
            view.bring_back();
        }
    }
}
