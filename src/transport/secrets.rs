use std::io::IsTerminal;

use async_trait::async_trait;

use super::{Secrets, Terminal};
use crate::value::Secret;

/// The person at the terminal, who types without being seen; nobody when standard input is none.
pub struct TerminalSecrets {
    /// Where they sit.
    pub terminal: Terminal,
}

#[async_trait(?Send)]
impl Secrets for TerminalSecrets {
    async fn ask(&self, prompt: &str) -> Option<Secret> {
        if !std::io::stdin().is_terminal() {
            return None;
        }
        let _turn = self.terminal.take().await;
        let prompt = prompt.to_owned();
        let typed = tokio::task::spawn_blocking(move || rpassword::prompt_password(prompt)).await;
        typed.ok()?.ok().map(Secret::new)
    }
}

/// Nobody: what needs a password fails and says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSecrets;

#[async_trait(?Send)]
impl Secrets for NoSecrets {
    async fn ask(&self, _prompt: &str) -> Option<Secret> {
        None
    }
}
