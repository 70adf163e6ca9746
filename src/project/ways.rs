use std::rc::Rc;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::ProjectError;
use super::load::describe_failure;
use crate::inventory::SshSettings;
use crate::journal::neutralise_text;
use crate::transport::{SshOptions, Tee, Terminal, TerminalSecrets};

/// How real hosts are reached, where it is said for one run rather than in the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ways {
    /// Whether each connection is made by the system's `ssh`.
    pub is_openssh_forced: bool,
    /// The configuration file of `ssh`.
    pub config: Option<String>,
    /// Whether it is told which hosts are left to the system's `ssh`, and why.
    pub is_verbose: bool,
}

impl Ways {
    /// Puts these over the ways of an inventory; passwords are asked for, and reasons told, at the terminal.
    pub(super) fn over(&self, settings: &SshSettings, terminal: &Terminal, tee: Arc<Tee>) -> SshOptions {
        let mut settings = settings.clone();
        settings.is_openssh_forced |= self.is_openssh_forced;
        settings.config = self.config.clone().or(settings.config);
        let (is_verbose, told) = (self.is_verbose, terminal.clone());
        SshOptions {
            settings,
            secrets: Rc::new(TerminalSecrets {
                terminal: terminal.clone(),
            }),
            tell: Box::new(move |why| {
                if is_verbose {
                    told.tell(&neutralise_text(why));
                }
            }),
            tee,
        }
    }
}

/// What drives connections, all on this thread.
///
/// # Errors
///
/// [`ProjectError::NoRuntime`] when the system gives none.
pub(super) fn open_runtime() -> Result<Runtime, ProjectError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| ProjectError::NoRuntime {
        why: describe_failure(&error),
    })
}
