use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::editor::{Knowledge, LineEditor, Read};
use super::keyboard::Keyboard;
use super::person::PromptPerson;
use super::prompt::{Seen, compare_glances, draw_prompt, draw_state};
use super::speech::say;
use super::stage::Stage;
use crate::diagnostic::Style;
use crate::inventory::NodeSet;
use crate::journal::{Paint, neutralise_text};
use crate::project::{
    Came, Done, KeptRun, LockWishes, Project, ProjectError, Session, SessionWays, Ways, output_folder,
};
use crate::run::{Glance, Override};
use crate::transport::{Screen, Terminal};
use crate::value::Value;

/// How often the cluster is looked at, unless told.
const POLL: Duration = Duration::from_secs(30);

/// Most nodes of a simulated cluster that is looked at before the prompt rather than after it.
const MOST_AT_ONCE: usize = 100;

/// A look is taken only so seldom that it takes up a tenth of the time at most.
const REST: u32 = 10;

/// How a person wants to be spoken to.
#[derive(Debug, Clone)]
pub struct Manner {
    /// With colours.
    pub is_coloured: bool,
    /// Whether what goes on is drawn below what has happened.
    pub is_live: bool,
    /// Nothing is asked before it is done, and `confirm` is answered with yes.
    pub says_yes: bool,
    /// How real hosts are reached.
    pub ways: Ways,
    /// What is said of the maintenance lock.
    pub lock: LockWishes,
    /// Where the history of lines is kept.
    pub history: Option<PathBuf>,
}

/// A refusal, and what had been measured for it.
pub(super) struct Refusal {
    pub line: String,
    pub message: String,
    pub help: Option<String>,
    pub measured: Vec<(String, Value)>,
}

/// A conversation with one person about one cluster.
pub(super) struct Conversation {
    pub session: Session,
    pub keyboard: Rc<Keyboard>,
    /// What the keyboard's editor knows.
    knowledge: Arc<Mutex<Knowledge>>,
    pub person: PromptPerson,
    pub stage: Rc<Stage>,
    pub manner: Manner,
    pub paint: Paint,
    /// Where all that happens is kept, of a real cluster.
    pub kept: Option<KeptRun>,
    /// What was seen last, and when.
    pub seen: Option<(Glance, Duration)>,
    /// What was seen when somebody last asked what has changed.
    pub looked: Option<Glance>,
    /// Only these nodes are acted on.
    pub limit: Option<NodeSet>,
    /// These nodes are not.
    pub dropped: NodeSet,
    /// What the next statement may do all the same.
    pub overrides: Vec<Override>,
    /// Whether each change is asked for.
    pub confirms: bool,
    pub poll: Option<Duration>,
    pub watched: Vec<String>,
    pub refusal: Option<Refusal>,
    /// What was done, in order.
    pub done: Vec<Done>,
    pub is_over: bool,
}

/// Talks with the person at the terminal until they leave; the exit code is that of what is left behind: 0.
///
/// # Errors
///
/// [`ProjectError`] when the session cannot be opened, or what happens cannot be kept.
pub fn converse(project: Project, manner: Manner) -> Result<(), ProjectError> {
    let kept = match project.is_simulated() {
        true => None,
        false => Some(project.begin_session()?),
    };
    let stage = Rc::new(Stage::default());
    let terminal = Terminal::new(Some(Rc::clone(&stage) as Rc<dyn Screen>));
    let ways = SessionWays {
        ways: manner.ways.clone(),
        terminal: terminal.clone(),
        listener: Some(stage.listener()),
        output_folder: kept
            .as_ref()
            .map(|kept| output_folder(&kept.journal.borrow()))
            .transpose()?,
        lock: LockWishes {
            run: kept.as_ref().map(KeptRun::name),
            ..manner.lock.clone()
        },
    };
    let session = Session::open(project, ways)?;
    let knowledge = Arc::new(Mutex::new(Knowledge {
        vocabulary: session.vocabulary(),
        background: session.background().clone(),
    }));
    let editor = LineEditor::open(manner.is_coloured, manner.history.clone(), Arc::clone(&knowledge));
    let keyboard = Rc::new(Keyboard::start(editor.map_err(ProjectError::Given)?));
    let person = PromptPerson {
        keyboard: Rc::clone(&keyboard),
        terminal,
        cluster: session.inventory().name.clone(),
        shells: session.shells().clone(),
        decided: Rc::default(),
        has_skipped: Rc::default(),
    };
    let conversation = Conversation {
        paint: Paint {
            coloured: manner.is_coloured,
        },
        confirms: !manner.says_yes,
        session,
        keyboard,
        knowledge,
        person,
        stage,
        manner,
        kept,
        seen: None,
        looked: None,
        limit: None,
        dropped: NodeSet::default(),
        overrides: Vec::new(),
        poll: Some(POLL),
        watched: Vec::new(),
        refusal: None,
        done: Vec::new(),
        is_over: false,
    };
    conversation.hold();
    Ok(())
}

impl Conversation {
    fn hold(mut self) {
        self.greet();
        if self.is_quick() {
            let _ = self.look();
        }
        while !self.is_over {
            // A passphrase that a look wants is asked for with the next statement.
            self.person.terminal.set_typing(true);
            let line = self.next_line();
            self.person.terminal.set_typing(false);
            let Some(line) = line else { break };
            self.answer(&line);
            self.tell_editor();
            if self.session.is_ending() {
                break;
            }
        }
        if self.session.is_ending() {
            self.keyboard.restore();
        }
        self.take_leave();
        if let Some(Err(error)) = self.kept.take().map(KeptRun::close) {
            say!("{error}");
        }
        self.session.close();
    }

    fn greet(&self) {
        let inventory = self.session.inventory();
        let name = neutralise_text(&inventory.name);
        let nodes = inventory.nodes().count();
        match self.session.is_real() {
            true => say!(
                "cluster {name}: {nodes} nodes, from {}",
                self.session.project().inventory_name()
            ),
            false => say!("cluster {name}: {nodes} nodes, SIMULATED; no real node is touched"),
        }
        if !self.confirms {
            say!("nothing is asked before it is done: --yes");
            self.note("nothing is asked before it is done: --yes");
        }
        say!(
            "{}",
            self.paint.faint("`:help` lists what can be said; Ctrl-D leaves")
        );
    }

    /// Waits for the next line, and looks at the cluster meanwhile; none when the person has left.
    fn next_line(&mut self) -> Option<String> {
        let name = self.session.inventory().name.clone();
        let is_simulated = !self.session.is_real();
        let now = self.session.now();
        let seen = self.seen.as_ref().map(|(glance, at)| Seen {
            glance,
            age: now.saturating_sub(*at),
        });
        say!("{}", draw_state(&name, is_simulated, seen, self.paint));
        let (plain, coloured) = draw_prompt(&name, is_simulated, seen, self.paint);
        self.keyboard.want_line(plain, coloured);
        // After a statement a real cluster is looked at at once; a simulated one was.
        let is_fresh = self.seen.is_some() && self.is_quick();
        let mut pause = self.poll.map(|poll| if is_fresh { poll } else { Duration::ZERO });
        loop {
            let keyboard = Rc::clone(&self.keyboard);
            let began = self.session.now();
            let came = self.session.wait(&mut keyboard.typed(), pause, &self.watched);
            match came {
                Came::Typed(Read::Line(line)) => return Some(line),
                Came::Typed(Read::Interrupted) => return Some(String::new()),
                Came::Typed(Read::End) | Came::Ended => return None,
                Came::Seen(glance) => {
                    let took = self
                        .session
                        .now()
                        .saturating_sub(began + pause.unwrap_or_default());
                    self.take_in(glance);
                    let rest = if is_simulated { Duration::ZERO } else { took * REST };
                    pause = self.poll.map(|poll| poll.max(rest));
                }
            }
        }
    }

    /// Whether a look costs no time that anybody would notice: at a small simulated cluster.
    pub fn is_quick(&self) -> bool {
        !self.session.is_real() && self.session.inventory().nodes().nth(MOST_AT_ONCE).is_none()
    }

    /// Looks at the cluster now; whether it was seen in time.
    pub fn look(&mut self) -> bool {
        let glance = self.session.glance(&self.watched);
        let is_seen = glance.is_some();
        let now = self.session.now();
        self.seen = glance.map(|glance| (glance, now)).or(self.seen.take());
        if self.looked.is_none() {
            self.looked = self.seen.as_ref().map(|(glance, _)| glance.clone());
        }
        is_seen
    }

    /// Takes in what was seen while somebody types; what has become worse is told above the line.
    fn take_in(&mut self, glance: Option<Glance>) {
        let Some(glance) = glance else { return };
        if let Some((before, _)) = &self.seen {
            for news in compare_glances(before, &glance, &self.watched) {
                let text = self.paint.bad(&format!("! {}", neutralise_text(&news)));
                self.keyboard.print_above(&format!("{text}\n"));
            }
        }
        self.looked.get_or_insert_with(|| glance.clone());
        self.seen = Some((glance, self.session.now()));
    }

    /// Answers one line.
    fn answer(&mut self, line: &str) {
        let text = line.trim();
        if text.is_empty() {
            return;
        }
        self.remember(line);
        match (text.strip_prefix(':'), text) {
            (Some(command), _) => self.command(command),
            // What people type who have not heard of the colon.
            (None, "help" | "exit" | "quit") => self.command(text),
            (None, _) => self.statement(line),
        }
    }

    /// Keeps a line for later sessions, unless a secret stands in it.
    pub fn remember(&self, line: &str) {
        if !self.session.vocabulary().holds_secret(line) {
            self.keyboard.remember(line);
        }
    }

    /// Tells the keyboard's editor what there is now.
    fn tell_editor(&self) {
        let known = Knowledge {
            vocabulary: self.session.vocabulary(),
            background: self.session.background().clone(),
        };
        *self.knowledge.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// How problems are drawn.
    pub fn style(&self) -> Style {
        match self.manner.is_coloured {
            true => Style::Coloured,
            false => Style::Plain,
        }
    }

    /// Tells what this session leaves behind.
    pub fn take_leave(&self) {
        for line in self.left_behind() {
            say!("{line}");
        }
        if let Some(kept) = &self.kept {
            say!("all that happened is kept: quorate show {}", kept.name());
        }
    }

    /// What is not as it was found: services down, tokens held, undos not done, groups changed.
    pub fn left_behind(&self) -> Vec<String> {
        let standing = self.session.standing();
        let mut lines = Vec::new();
        let unknown = self.done.iter().filter(|one| one.outcome == "unknown");
        lines.extend(unknown.map(|one| format!("  of unknown outcome: {}", one.text.trim())));
        let stopped = standing.stopped();
        lines.extend(
            stopped
                .iter()
                .map(|one| format!("  stopped: {} on {}", one.name, one.node)),
        );
        for (service, node) in standing.tokens() {
            let service = super::prompt::short_name(&service).to_owned();
            // What is stopped is away, of course.
            if stopped
                .iter()
                .any(|one| one.node == node && one.name.starts_with(&service))
            {
                continue;
            }
            lines.push(format!("  counted as away: {service} on {node}"));
        }
        for undo in standing.undos_left() {
            lines.push(format!("  not undone: {undo}"));
        }
        for (group, nodes) in standing.groups() {
            lines.push(format!(
                "  changed: write into the inventory: {group} = \"{nodes}\""
            ));
        }
        if !lines.is_empty() {
            lines.insert(0, "this session leaves behind:".to_owned());
        }
        lines
    }
}
