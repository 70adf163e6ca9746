use std::io::{self, Write};
use std::rc::Rc;

use crate::inventory::SshSettings;
use crate::journal::neutralise_text;
use crate::transport::{SshOptions, TerminalSecrets};

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
    /// Puts these over the ways of an inventory.
    pub(super) fn over(&self, settings: &SshSettings) -> SshOptions {
        let mut settings = settings.clone();
        settings.is_openssh_forced |= self.is_openssh_forced;
        settings.config = self.config.clone().or(settings.config);
        let is_verbose = self.is_verbose;
        SshOptions {
            settings,
            secrets: Rc::new(TerminalSecrets),
            tell: Box::new(move |why| {
                if is_verbose {
                    // A closed stderr must not stop a run between two acts.
                    let _ = writeln!(io::stderr(), "{}", neutralise_text(why));
                }
            }),
        }
    }
}
