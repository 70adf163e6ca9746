use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use async_trait::async_trait;

use super::terminal::Typed;
use super::{Answer, Decision, Failure, Person, Question, QuestionKind, Terminal};

/// How often an answer that is none is asked for again.
const ATTEMPTS: usize = 3;

/// Answers given before the run: `--answer NAME=yes` and `--yes`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// Whether `--yes` was given: it answers `confirm`, and on a simulated cluster everything.
    pub yes: bool,
    /// The answers by the names of their questions.
    pub named: BTreeMap<String, bool>,
    /// Whether the cluster is simulated.
    pub simulated: bool,
}

#[async_trait(?Send)]
impl Person for Answers {
    async fn ask(&self, question: &Question) -> Answer {
        match self.named.get(&question.name) {
            Some(true) => Answer::Yes,
            Some(false) => Answer::No,
            None if self.yes && (self.simulated || question.kind == QuestionKind::Confirm) => Answer::Yes,
            None => Answer::Nobody,
        }
    }
}

/// Two persons: the second is asked when the first does not answer.
pub struct InTurn {
    first: Box<dyn Person>,
    second: Box<dyn Person>,
}

impl InTurn {
    /// Puts two persons behind one another.
    pub fn new(first: impl Person + 'static, second: impl Person + 'static) -> Self {
        InTurn {
            first: Box::new(first),
            second: Box::new(second),
        }
    }
}

#[async_trait(?Send)]
impl Person for InTurn {
    async fn ask(&self, question: &Question) -> Answer {
        match self.first.ask(question).await {
            Answer::Nobody => self.second.ask(question).await,
            answer => answer,
        }
    }

    async fn decide(&self, failure: &Failure) -> Option<Decision> {
        match self.first.decide(failure).await {
            None => self.second.decide(failure).await,
            decided => decided,
        }
    }
}

/// The person at the terminal; nobody when standard input is none.
pub struct TerminalPerson {
    /// Where they sit.
    pub terminal: Terminal,
    /// The cluster's name, to be typed before an outage or an irreversible step.
    pub cluster: String,
}

#[async_trait(?Send)]
impl Person for TerminalPerson {
    async fn ask(&self, question: &Question) -> Answer {
        if !std::io::stdin().is_terminal() {
            return Answer::Nobody;
        }
        let _turn = self.terminal.take().await;
        for _ in 0..ATTEMPTS {
            let text = write_question(question, &self.cluster);
            let mut shown = std::io::stderr();
            // A question that cannot be shown is answered by nobody.
            if shown
                .write_all(text.as_bytes())
                .and_then(|()| shown.flush())
                .is_err()
            {
                return Answer::Nobody;
            }
            let line = match self.terminal.read_line().await {
                Typed::Line(line) => line,
                // Nobody has said anything of what was done.
                Typed::Interrupted if question.kind == QuestionKind::Unsettled => return Answer::Nobody,
                Typed::Interrupted => return Answer::No,
                Typed::End => return Answer::Nobody,
            };
            if let Some(answer) = read_answer(question.kind, &self.cluster, &line) {
                return answer;
            }
        }
        // Somebody is there, and did not say yes.
        if matches!(question.kind, QuestionKind::Manual | QuestionKind::Unsettled) {
            Answer::Park
        } else {
            Answer::No
        }
    }
}

/// A question as it is put to a person; the last line waits for the answer.
pub fn write_question(question: &Question, cluster: &str) -> String {
    let text = &question.text;
    let place = question
        .node
        .as_ref()
        .map_or_else(String::new, |node| format!("{node}: "));
    match question.kind {
        QuestionKind::Confirm => format!("{place}{text} [yes/no] "),
        QuestionKind::Manual => format!("{place}{text}\ntype `done`, `no` or `later`: "),
        QuestionKind::Unsettled => format!(
            "{place}{text}\ntype `done` if it was done, `not` if it was not and is to be done now, `later` to stop: "
        ),
        QuestionKind::Outage => format!("{place}outage: {text}\ntype `{cluster}` to go on, `no` to stop: "),
        QuestionKind::Irreversible => {
            format!("{place}{text}\nthis cannot be undone; type `{cluster}` to go on, `no` to stop: ")
        }
    }
}

/// What a typed line means; `None` when it is no answer to such a question.
pub fn read_answer(kind: QuestionKind, cluster: &str, line: &str) -> Option<Answer> {
    match (kind, line.trim()) {
        (QuestionKind::Unsettled, "not") => Some(Answer::No),
        // To this question it would be no answer.
        (QuestionKind::Unsettled, "no" | "n" | "No" | "NO") => None,
        (_, "no" | "n" | "No" | "NO") => Some(Answer::No),
        (QuestionKind::Manual | QuestionKind::Unsettled, "done") => Some(Answer::Yes),
        (QuestionKind::Manual | QuestionKind::Unsettled, "later") => Some(Answer::Park),
        (QuestionKind::Confirm, "yes" | "y" | "Yes" | "YES") => Some(Answer::Yes),
        (QuestionKind::Outage | QuestionKind::Irreversible, typed) if typed == cluster => Some(Answer::Yes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Answers, InTurn, read_answer};
    use crate::transport::simulated::SimulatedCluster;
    use crate::transport::{Answer, Person, Question, QuestionKind, StepPath};
    use std::collections::BTreeMap;

    fn ask(person: &dyn Person, kind: QuestionKind, name: &str) -> Answer {
        let question = Question {
            kind,
            name: name.to_owned(),
            text: String::new(),
            node: None,
            rehearsed_as: None,
            path: StepPath::default(),
        };
        SimulatedCluster::from_default().block_on(person.ask(&question))
    }

    #[test]
    fn yes_answers_no_more_than_it_may() {
        use QuestionKind::{Confirm, Irreversible, Manual, Outage};
        let named = BTreeMap::from([("drop-cs".to_owned(), true), ("outage-1".to_owned(), false)]);
        let cases = [
            ("a confirm", true, false, Confirm, "confirm-1", Answer::Yes),
            (
                "no confirm without it",
                false,
                false,
                Confirm,
                "confirm-1",
                Answer::Nobody,
            ),
            (
                "no outage on a real cluster",
                true,
                false,
                Outage,
                "outage-2",
                Answer::Nobody,
            ),
            (
                "no manual step on a real cluster",
                true,
                false,
                Manual,
                "manual-1",
                Answer::Nobody,
            ),
            (
                "everything on a simulated one",
                true,
                true,
                Outage,
                "outage-2",
                Answer::Yes,
            ),
            (
                "a named answer answers by itself",
                false,
                false,
                Irreversible,
                "drop-cs",
                Answer::Yes,
            ),
            ("a named answer wins", true, true, Outage, "outage-1", Answer::No),
        ];
        for (what, yes, simulated, kind, name, expected) in cases {
            let answers = Answers {
                yes,
                simulated,
                named: named.clone(),
            };
            assert_eq!(ask(&answers, kind, name), expected, "{what}");
        }
    }

    #[test]
    fn the_second_is_asked_when_the_first_is_silent() {
        let person = InTurn::new(
            Answers::default(),
            Answers {
                yes: true,
                ..Answers::default()
            },
        );
        assert_eq!(ask(&person, QuestionKind::Confirm, "confirm-1"), Answer::Yes);
    }

    #[test]
    fn a_typed_line_answers_only_its_kind() {
        use QuestionKind::{Confirm, Irreversible, Manual, Outage, Unsettled};
        let cases = [
            (Unsettled, "no", None),
            (Unsettled, "not", Some(Answer::No)),
            (Unsettled, "done", Some(Answer::Yes)),
            (Unsettled, "yes", None),
            (Confirm, "yes\n", Some(Answer::Yes)),
            (Confirm, "done", None),
            (Manual, " done ", Some(Answer::Yes)),
            (Manual, "yes", None),
            (Manual, "later", Some(Answer::Park)),
            (Outage, "yes", None),
            (Outage, "pcs1", Some(Answer::Yes)),
            (Irreversible, "pcs2", None),
            (Irreversible, "no", Some(Answer::No)),
        ];
        for (kind, line, expected) in cases {
            assert_eq!(read_answer(kind, "pcs1", line), expected, "{kind:?} {line:?}");
        }
    }
}
