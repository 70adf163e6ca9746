use std::cell::Cell;
use std::rc::Rc;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use tokio::process::Command;

use super::editor::Read;
use super::keyboard::Keyboard;
use super::speech::{say, write_out};
use crate::inventory::NodeName;
use crate::journal::neutralise_text;
use crate::project::Shells;
use crate::transport::{
    Answer, Decision, Failure, Person, Question, QuestionKind, Terminal, read_answer, write_question,
};

/// How often an answer that is none is asked for again.
const ATTEMPTS: usize = 3;

/// What can be decided about a step that failed.
const WORDS: &str = "  retry  takes the step once more
  skip   passes this node over (without a node: this step), and goes on
  shell  opens a shell on the node, and asks again
  undo   begins nothing more, and takes back what the statement did
  stop   begins nothing more, and leaves all as it is";

/// The person at the prompt.
#[derive(Clone)]
pub(super) struct PromptPerson {
    pub keyboard: Rc<Keyboard>,
    pub terminal: Terminal,
    pub cluster: String,
    pub shells: Shells,
    /// What was decided last about a step that failed.
    pub decided: Rc<Cell<Option<Decision>>>,
    /// Whether something was skipped since it was last looked at.
    pub has_skipped: Rc<Cell<bool>>,
}

impl PromptPerson {
    /// Puts a question whose last line waits for the answer.
    async fn put(&self, question: &str) -> Read {
        let question = neutralise_text(question);
        let (above, prompt) = match question.rsplit_once('\n') {
            Some((above, prompt)) => (Some(above), prompt),
            None => (None, question.as_str()),
        };
        if let Some(above) = above {
            say!("{above}");
        }
        let answer = std::pin::pin!(self.keyboard.answer(prompt.to_owned()));
        let gone = std::pin::pin!(self.terminal.gone());
        match select(answer, gone).await {
            // Whoever presses Ctrl-D is there, and gives no answer.
            Either::Left((Read::End, _)) => Read::Interrupted,
            Either::Left((read, _)) => read,
            Either::Right(_) => Read::End,
        }
    }

    /// Opens a shell on a node, until it is left.
    async fn open_shell(&self, node: &NodeName) {
        match self.shells.command(node) {
            Some(words) => {
                say!("a shell on {node}; `exit` comes back here");
                let ended = Command::new(&words[0]).args(&words[1..]).status().await;
                if let Err(error) = ended {
                    say!("no shell on {node}: {error}");
                }
            }
            None => {
                say!("a shell on {node}, SIMULATED; `exit` comes back here");
                loop {
                    match self.keyboard.answer(format!("{node}$ ")).await {
                        Read::Line(line) if line.trim() == "exit" => break,
                        Read::Line(line) if line.trim().is_empty() => {}
                        Read::Line(line) => {
                            write_out(&neutralise_text(&self.shells.carry_out(node, &line).await));
                        }
                        Read::Interrupted => {}
                        Read::End => break,
                    }
                }
            }
        }
    }
}

#[async_trait(?Send)]
impl Person for PromptPerson {
    async fn ask(&self, question: &Question) -> Answer {
        let _turn = self.terminal.take().await;
        for _ in 0..ATTEMPTS {
            match self.put(&write_question(question, &self.cluster)).await {
                Read::Line(line) => {
                    if let Some(answer) = read_answer(question.kind, &self.cluster, &line) {
                        return answer;
                    }
                }
                Read::Interrupted => break,
                Read::End => return Answer::Nobody,
            }
        }
        // Somebody is there, and did not say yes.
        let (taken, answer) = match question.kind {
            QuestionKind::Manual => ("later", Answer::Park),
            _ => ("no", Answer::No),
        };
        say!("that counts as `{taken}`");
        answer
    }

    async fn decide(&self, failure: &Failure) -> Option<Decision> {
        let _turn = self.terminal.take().await;
        let place = failure
            .node
            .as_ref()
            .map_or_else(String::new, |node| format!("{node}: "));
        let warning = match failure.is_unknown {
            true => "\nit may have happened all the same: look before you try it again",
            false => "",
        };
        let choices = match failure.node {
            Some(_) => "retry, skip this node, shell, undo, stop? ",
            None => "retry, skip, undo, stop? ",
        };
        let mut question = format!("{place}{}{warning}\n{choices}", failure.message);
        let decision = loop {
            let read = self.put(&question).await;
            question = choices.to_owned();
            let line = match read {
                Read::Line(line) => line,
                Read::Interrupted => break Decision::Stop,
                Read::End => return None,
            };
            break match (line.trim(), &failure.node) {
                ("retry" | "r", _) => Decision::Retry,
                ("skip" | "s", _) => Decision::Skip,
                ("undo" | "u", _) => Decision::Undo,
                ("stop" | "no" | "q", _) => Decision::Stop,
                ("shell" | "sh", Some(node)) => {
                    self.open_shell(node).await;
                    continue;
                }
                _ => {
                    say!("{WORDS}");
                    continue;
                }
            };
        };
        if decision == Decision::Skip {
            self.has_skipped.set(true);
        }
        self.decided.set(Some(decision));
        Some(decision)
    }
}
