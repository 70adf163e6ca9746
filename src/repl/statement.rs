use std::io::stdout;
use std::rc::Rc;
use std::time::Duration;

use super::conversation::{Conversation, Refusal};
use super::editor::Read;
use super::page::print_paged;
use super::speech::{say, write_out};
use crate::diagnostic::{SourceMap, Span};
use crate::journal::{
    Detail, Event, Happening, LiveReport, LiveView, OverriddenFinding, Recorder, ReportStyle, StepPlace,
    Trouble, TroubleKind, WithOverridden, neutralise_text,
};
use crate::plan::{Plan, Step, StepId};
use crate::project::{Came, Done, KeptLine, Line, check_overrides, drop_overridden, write_now};
use crate::run::{Ending, RunOptions, Standing};
use crate::transport::{Answers, Decision, InTurn, StepPath};

impl Conversation {
    /// Checks a line, shows what it would change and asks for it, and carries it out.
    pub fn statement(&mut self, text: &str) {
        let Some((line, dropped)) = self.read(text) else {
            return;
        };
        if !line.declares.is_empty() {
            self.session.declare(&line);
            let titles: Vec<&str> = line.declares.iter().map(|one| one.title.as_str()).collect();
            say!("declared: {}", titles.join(", "));
        }
        if !line.is_statement {
            self.keep(&line, false, Done::WELL);
            return;
        }
        let Some(plan) = self.plan(&line) else { return };
        let acts = plan.steps.iter().any(Step::acts);
        if !acts || self.is_wanted(&line, &plan) {
            self.carry_out(&line, &plan, dropped, acts);
        } else {
            self.keep(&line, acts, "not done");
        }
        // An override is for one statement.
        self.overrides.clear();
    }

    /// Reads and checks a line; none when something is wrong with it, which was told.
    pub fn read(&mut self, text: &str) -> Option<(Line, Vec<OverriddenFinding>)> {
        let mut line = self.session.background().read(text);
        let dropped = match line.program() {
            Some(_) => drop_overridden(&mut line.problems, &self.overrides),
            None => Vec::new(),
        };
        write_out(&line.render(self.style()));
        if let Some(program) = line.program()
            && let Err(error) = check_overrides(&self.overrides, &dropped, program)
        {
            // A slip of the hand must not pass for a decision.
            say!("{error}");
            self.overrides.clear();
            return None;
        }
        if !line.problems.has_errors() {
            return Some((line, dropped));
        }
        // A slip of the hand is no refusal: what is shown beside it stays known.
        if let Some(problem) = line.problems.iter().next().filter(|_| line.program().is_some()) {
            self.refusal = Some(Refusal {
                line: text.to_owned(),
                message: problem.finding.to_string(),
                help: problem.finding.help().map(|help| help.to_string()),
                measured: Vec::new(),
            });
        }
        None
    }

    /// Lays a line out.
    pub fn plan(&self, line: &Line) -> Option<Plan> {
        match self.session.plan(line) {
            Ok(plan) => Some(plan),
            Err(error) => {
                say!("{error}");
                None
            }
        }
    }

    /// Shows what a line would do, guards with their present verdict; how that ended.
    pub fn show_plan(&mut self, line: &Line, plan: &Plan) -> Ending {
        let options = RunOptions {
            dry_run: true,
            ..self.options()
        };
        let mut report = WithoutLast(self.report(line.sources(), None));
        self.session.preview(plan, &options, &mut report)
    }

    /// Whether the person wants what a line would do, now that they have seen it.
    fn is_wanted(&mut self, line: &Line, plan: &Plan) -> bool {
        say!("{}", self.paint.faint("this would be done:"));
        let ending = self.show_plan(line, plan);
        if let Some(trouble) = &ending.trouble {
            self.tell(line, trouble, "nothing was done");
            return false;
        }
        if !self.confirms {
            return true;
        }
        for _ in 0..3 {
            let Some(answer) = self.ask("do it? [yes/no] ") else {
                break;
            };
            match answer.trim() {
                "yes" | "y" => return true,
                "no" | "n" => break,
                _ => {}
            }
        }
        say!("nothing was done");
        false
    }

    /// Asks for an answer; none when the person does not give one.
    pub fn ask(&mut self, question: &str) -> Option<String> {
        self.keyboard.want_answer(question.to_owned());
        let keyboard = Rc::clone(&self.keyboard);
        match self.session.wait(&mut keyboard.typed(), None, &[]) {
            Came::Typed(Read::Line(answer)) => Some(answer),
            _ => None,
        }
    }

    fn carry_out(&mut self, line: &Line, plan: &Plan, dropped: Vec<OverriddenFinding>, acts: bool) {
        let options = RunOptions {
            // Whatever only looks can be asked again.
            asks_on_failure: acts,
            ..self.options()
        };
        let stopped_before = self.session.standing().stopped();
        let answers = Answers {
            yes: self.manner.says_yes,
            named: Default::default(),
            simulated: false,
        };
        self.person.decided.set(None);
        self.person.has_skipped.set(false);
        let person = InTurn::new(answers, self.person.clone());
        let view = (self.manner.is_live && self.session.is_real())
            .then(|| Rc::new(LiveView::new(self.manner.is_coloured)));
        if let Some(view) = &view {
            self.stage.open(Rc::clone(view));
        }
        let report = WithoutLast(self.report(line.sources(), view));
        let mut recorder = WithOverridden::new(Box::new(report), dropped);
        let journal = self.kept.as_ref().map(|kept| Rc::clone(&kept.journal));
        let kept = journal.as_ref().map(|journal| KeptLine {
            journal,
            sources: line.sources(),
            since: self.session.now(),
            hides_values: line.holds_secret,
        });
        let ending = self
            .session
            .run(plan, &options, Box::new(person), kept, &mut recorder);
        drop(recorder);
        if let Some(journal) = &journal {
            // What cannot be written now is told of before the next act.
            let _ = journal.borrow_mut().commit(false);
        }
        self.stage.close();
        let outcome = match &ending.trouble {
            Some(trouble) => word_of(trouble.kind),
            None if self.person.has_skipped.get() => "done, but for what was skipped",
            None => Done::WELL,
        };
        self.keep(line, acts, outcome);
        match &ending.trouble {
            Some(trouble) => self.tell(line, trouble, ""),
            None if line.is_value => self.show_last(),
            None if acts && outcome == Done::WELL => say!("{}", self.paint.good(outcome)),
            None if acts => say!("{}", self.paint.notable(outcome)),
            None => {}
        }
        if self.is_quick() {
            let _ = self.look();
        }
        if self.person.decided.get() == Some(Decision::Undo) {
            // What was allowed was allowed for the statement itself.
            self.overrides.clear();
            self.start_again(&stopped_before);
        }
    }

    /// Starts again what a statement has stopped, the last first: each is a statement of its own.
    fn start_again(&mut self, before: &[crate::run::StoppedService]) {
        let stopped = self.session.standing().stopped();
        let new = stopped.iter().rev().filter(|one| !before.contains(one));
        let lines: Vec<String> = new
            .map(|one| format!("on {} < start {} >", one.node, one.name))
            .collect();
        for line in lines {
            say!("to take back what was stopped: {line}");
            self.statement(&line);
        }
    }

    /// Shows the value that was yielded last.
    fn show_last(&self) {
        if let Some(value) = self.session.standing().value(Standing::LAST) {
            let mut text = neutralise_text(&value.to_string());
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            print_paged(&text);
        }
    }

    /// Tells what went wrong, and keeps a refusal for `:why`.
    pub fn tell(&mut self, line: &Line, trouble: &Trouble, outcome: &str) {
        let word = word_of(trouble.kind);
        let place = trouble
            .node
            .as_ref()
            .map_or_else(String::new, |node| format!("{node}: "));
        let message = neutralise_text(&format!("{place}{}", trouble.message));
        match trouble.message.starts_with(word) {
            true => say!("{}", self.paint.bad(&message)),
            false => say!("{}: {message}", self.paint.bad(word)),
        }
        if let Some(help) = &trouble.help {
            say!("  help: {}", neutralise_text(help));
        }
        if !outcome.is_empty() {
            say!("{outcome}");
        }
        if trouble.kind == TroubleKind::Refused {
            let hint = "  `:why` shows what was measured";
            say!("{}", self.paint.faint(hint));
        }
        self.refusal = Some(Refusal {
            line: line.text.clone(),
            message,
            help: trouble.help.clone(),
            measured: self.session.evidence(),
        });
    }

    /// Keeps what was said and how it ended.
    fn keep(&mut self, line: &Line, acts: bool, outcome: &str) {
        let limit = self.options().limit.filter(|_| acts);
        let only_here = match (line.holds_secret, limit) {
            (true, _) => Some("a secret stands in it".to_owned()),
            (false, Some(limit)) => Some(format!("it was limited to {limit}")),
            (false, None) if !self.overrides.is_empty() => Some("it went on by an override".to_owned()),
            (false, None) => None,
        };
        self.done.push(Done {
            at: write_now(),
            text: match line.holds_secret {
                true => "***".to_owned(),
                false => line.text.clone(),
            },
            written: line.written.clone(),
            uses: self.session.background().used_by(&line.text),
            kind: line.kind(acts),
            outcome: outcome.to_owned(),
            only_here,
        });
    }

    /// How statements are carried out now.
    pub fn options(&self) -> RunOptions {
        let all = self.limit.clone();
        let limit = match (all, self.dropped.is_empty()) {
            (limit, true) => limit,
            (Some(limit), false) => Some(limit.difference(&self.dropped)),
            (None, false) => {
                let nodes = self.session.inventory().nodes().map(|node| node.name.clone());
                Some(
                    nodes
                        .collect::<crate::inventory::NodeSet>()
                        .difference(&self.dropped),
                )
            }
        };
        RunOptions {
            limit,
            overrides: self.overrides.clone(),
            keeps_evidence: true,
            ..RunOptions::default()
        }
    }

    fn report<'s>(
        &self,
        sources: &'s SourceMap,
        view: Option<Rc<LiveView>>,
    ) -> LiveReport<'s, std::io::Stdout> {
        let style = ReportStyle {
            coloured: self.manner.is_coloured,
            detail: Detail::Usual,
            with_differences: false,
            is_framed: false,
        };
        LiveReport::new(stdout(), sources, style, view)
    }

    /// Keeps a remark among what has happened.
    pub fn note(&self, text: &str) {
        let Some(kept) = &self.kept else { return };
        let sources = SourceMap::default();
        let place = StepPlace {
            step: StepId(u32::MAX),
            span: Span::default(),
            node: None,
            path: StepPath::default(),
        };
        let what = Happening::Note {
            place,
            text: text.to_owned(),
        };
        let line = KeptLine {
            journal: &kept.journal,
            sources: &sources,
            since: self.session.now(),
            hides_values: false,
        };
        let at = Duration::ZERO;
        line.note(Event { at, what });
    }
}

/// How something went wrong, in a word.
fn word_of(kind: TroubleKind) -> &'static str {
    match kind {
        TroubleKind::Refused => "refused",
        TroubleKind::Declined => "declined",
        TroubleKind::Parked => "parked",
        TroubleKind::Interrupted => "interrupted",
        TroubleKind::Unreachable => "not reached",
        TroubleKind::Unknown => "unknown",
        TroubleKind::Failed => "failed",
        TroubleKind::Locked => "locked",
    }
}

/// Passes on all but the value of a line, which is shown by itself.
struct WithoutLast<R>(R);

impl<R: Recorder> Recorder for WithoutLast<R> {
    fn record(&mut self, event: &Event) {
        let is_last = matches!(&event.what, Happening::Named { name, .. } if name == Standing::LAST);
        if !is_last {
            self.0.record(event);
        }
    }

    fn pass(&mut self, at: Duration) {
        self.0.pass(at);
    }
}
