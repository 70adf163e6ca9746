use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::load::{Implied, load_script, read_text};
use super::locking::{RunLock, WithLock, refuse, run_under_lock};
use super::options::{Chosen, InventoryChoice, choose_inventory};
use super::signals::{InFlight, Signals};
use super::ways::open_runtime;
use super::{ProjectError, Setting, load};
use crate::check::{Program, check_given_command, check_scripts};
use crate::diagnostic::{Problem, Problems, SourceMap, Span, Style, nearest, render_json, render_problem};
use crate::expand::{ExpandError, Expansion, expand_plan};
use crate::inventory::Inventory;
use crate::journal::{Entry, Event, Record, Recorder, RunError, Trouble, WithOverridden};
use crate::library::{stdlib, stdlib_names};
use crate::lock::HolderKind;
use crate::plan::{Plan, PlanError, build_plan};
use crate::run::{Ending, Keeping, RunOptions, World, run_kept, run_plan};
use crate::syntax::{format_script, parse_script};
use crate::transport::simulated::{Shape, SimulatedCluster};
use crate::transport::{
    Answer, Answers, DryTransport, InTurn, Person, Question, SshTransport, SteadyClock, SystemClock,
    Terminal, TerminalPerson, Transport,
};
use crate::value::Type;

/// Most problems that are drawn at once.
const MOST_DRAWN: usize = 30;

/// A cluster, a script for it, and the texts of both.
pub struct Project {
    sources: SourceMap,
    inventory: Arc<Inventory>,
    file: Option<PathBuf>,
    shape: Option<Shape>,
    program: Option<Arc<Program>>,
    /// Texts that stand for files which are not there any more.
    kept: Vec<(String, String)>,
    /// Where the text of the last script begins.
    main: u32,
}

impl Project {
    /// Opens a project without a script.
    ///
    /// # Errors
    ///
    /// [`ProjectError`] when the inventory cannot be found, read or understood.
    pub fn new(choice: &InventoryChoice) -> Result<Project, ProjectError> {
        let Chosen {
            inventory,
            file,
            shape,
        } = choose_inventory(choice)?;
        Ok(Project {
            sources: SourceMap::default(),
            inventory: Arc::new(inventory),
            file,
            shape,
            program: None,
            kept: Vec::new(),
            main: 0,
        })
    }

    /// Opens a project with the script of a file, `-` for standard input; also what is wrong with it.
    ///
    /// # Errors
    ///
    /// [`ProjectError`] when the inventory or the script cannot be found or read.
    pub fn open(path: &Path, choice: &InventoryChoice) -> Result<(Project, Problems), ProjectError> {
        let (name, text) = read_text(path)?;
        let mut project = Project::new(choice)?;
        let problems = project.check_named(path, &name, &text)?;
        Ok((project, problems))
    }

    /// Opens a project with a script whose text was kept, the first of `texts`; the others stand for
    /// modules whose files are not there any more. Also what is wrong with it.
    ///
    /// # Errors
    ///
    /// [`ProjectError`] when the inventory cannot be found or read.
    pub fn open_kept(
        texts: &[(String, String)],
        path: &Path,
        choice: &InventoryChoice,
    ) -> Result<(Project, Problems), ProjectError> {
        let mut project = Project::new(choice)?;
        let Some((name, text)) = texts.first() else {
            return Err(ProjectError::Given("no text of the runbook was kept".to_owned()));
        };
        project.kept = texts.to_vec();
        let problems = project.check_named(path, name, text)?;
        Ok((project, problems))
    }

    /// The built-in simulated cluster, without a script.
    pub fn simulated() -> Project {
        Project::new(&InventoryChoice::Simulated(None)).expect("the built-in cluster needs no file")
    }

    /// Reads and checks the script of a file; `-` is standard input.
    ///
    /// # Errors
    ///
    /// [`ProjectError`] when it cannot be read.
    pub fn check_file(&mut self, path: &Path) -> Result<Problems, ProjectError> {
        let (name, text) = read_text(path)?;
        self.check_named(path, &name, &text)
    }

    fn check_named(&mut self, path: &Path, name: &str, text: &str) -> Result<Problems, ProjectError> {
        let implied = self.implied_module()?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(self.check(name, text, folder, implied.as_ref()))
    }

    /// Checks a text as if it were a file called `name`.
    pub fn check_text(&mut self, name: &str, text: &str) -> Problems {
        // Without its module, the script's own findings still say what is missing.
        let implied = self.implied_module().ok().flatten();
        self.check(name, text, Path::new(""), implied.as_ref())
    }

    fn check(&mut self, name: &str, text: &str, folder: &Path, implied: Option<&Implied>) -> Problems {
        let mut problems = Problems::new();
        self.main = self.sources.end();
        let loaded = load_script(
            name,
            text,
            folder,
            implied,
            &self.kept,
            &mut self.sources,
            &mut problems,
        );
        let is_readable = !problems.has_errors();
        // What was left out because it cannot be read would be left out of a run, too.
        let program = check_scripts(&loaded.modules, &loaded.script, &self.inventory, &mut problems)
            .filter(|_| is_readable);
        if !is_readable {
            // A block or script whose only statement cannot be read is not called empty on top.
            problems.retain(|problem| {
                !matches!(
                    problem.code().as_str(),
                    "check::empty_block" | "check::empty_script"
                )
            });
        }
        problems.sort();
        self.program = program.map(Arc::new);
        problems
    }

    pub(super) fn implied_module(&self) -> Result<Option<Implied>, ProjectError> {
        let Some(system) = &self.inventory.system else {
            return Ok(None);
        };
        if stdlib(system).is_some() {
            return Ok(Some(Implied::Standard(system.clone())));
        }
        let folder = self
            .file
            .as_deref()
            .and_then(Path::parent)
            .unwrap_or(Path::new(""));
        let beside = folder.join(format!("{system}.runbook"));
        if beside.is_file() {
            return Ok(Some(Implied::File(beside)));
        }
        let help = match nearest(system, stdlib_names()) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("write the module as `{}`", beside.display()),
        };
        Err(ProjectError::UnknownSystem {
            inventory: self.inventory_name(),
            system: system.clone(),
            help: Some(help),
        })
    }

    /// The cluster's inventory.
    pub fn inventory(&self) -> &Arc<Inventory> {
        &self.inventory
    }

    /// Where the inventory comes from, for people.
    pub fn inventory_name(&self) -> String {
        match &self.file {
            Some(path) => path.display().to_string(),
            None => "the simulated cluster".to_owned(),
        }
    }

    /// The file of the inventory, when it has one.
    pub fn inventory_file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The simulated cluster's shape, when it is that one.
    pub(super) fn shape(&self) -> Option<&Shape> {
        self.shape.as_ref()
    }

    /// Whether the cluster is the simulated one.
    pub fn is_simulated(&self) -> bool {
        self.shape.is_some()
    }

    /// All texts so far.
    pub fn sources(&self) -> &SourceMap {
        &self.sources
    }

    /// The checked program of the last script, unless it does not check.
    pub fn program(&self) -> Option<&Arc<Program>> {
        self.program.as_ref()
    }

    /// Draws problems without colours.
    pub fn render_plain(&self, problems: &Problems) -> String {
        self.render(problems, Style::Plain)
    }

    /// Draws problems, the first of very many.
    pub fn render(&self, problems: &Problems, style: Style) -> String {
        draw_problems(problems, &self.sources, style)
    }

    /// Problems as a JSON array.
    pub fn render_json(&self, problems: &Problems) -> serde_json::Value {
        render_json(problems, &self.sources)
    }

    /// Draws what went wrong in a run, with the place in the script.
    pub fn render_trouble(&self, trouble: &Trouble, style: Style) -> String {
        // Of a block, its first line says enough.
        let text = self.sources.text(trouble.at);
        let first = text
            .find('\n')
            .map_or(trouble.at.end, |length| trouble.at.start + length as u32);
        let at = Span::new(trouble.at.start, first);
        let trouble = Trouble {
            at,
            ..trouble.clone()
        };
        let problem = Problem {
            finding: Box::new(RunError::from(&trouble)),
            incomplete: false,
        };
        render_problem(&problem, &self.sources, style)
    }

    /// Draws why a script cannot be laid out as a plan.
    pub fn render_plan_error(&self, error: PlanError, style: Style) -> String {
        self.render_finding(error, style)
    }

    /// Checks the commands that are given as parameters as those of the script are.
    pub fn check_given(&mut self, given: &BTreeMap<String, String>) -> Problems {
        let mut problems = Problems::new();
        let Some(program) = &self.program else {
            return problems;
        };
        for parameter in &program.parameters {
            if let Some(text) = given.get(&parameter.name)
                && parameter.kind == Type::Command
            {
                let base = self
                    .sources
                    .add(format!("--set {}", parameter.name), text.as_str());
                if let Some(finding) = check_given_command(text, base) {
                    problems.push(finding);
                }
            }
        }
        problems
    }

    /// Lays the program out as a plan; `given` are the values of `--set`.
    ///
    /// # Errors
    ///
    /// [`PlanError`] when a parameter is missing, unknown or wrong.
    ///
    /// # Panics
    ///
    /// When the script does not check; see [`Project::program`].
    pub fn plan(&self, given: &BTreeMap<String, String>) -> Result<Plan, PlanError> {
        let program = self
            .program
            .clone()
            .expect("only a script that checks is laid out");
        build_plan(program, self.inventory.clone(), given)
    }

    /// Writes a plan as a plain POSIX shell script; its head says what the runbook says of itself.
    ///
    /// # Errors
    ///
    /// [`ExpandError`] for what cannot be said in one.
    pub fn expand(&self, plan: &Plan, expansion: Expansion) -> Result<String, ExpandError> {
        let about = self
            .sources
            .whole(self.main)
            .map_or(Vec::new(), |(text, _)| leading_comment(text));
        expand_plan(plan, &self.sources, &Expansion { about, ..expansion })
    }

    /// Draws a single finding, with the place in the script.
    pub fn render_finding(
        &self,
        finding: impl miette::Diagnostic + Send + Sync + 'static,
        style: Style,
    ) -> String {
        let problem = Problem {
            finding: Box::new(finding),
            incomplete: false,
        };
        render_problem(&problem, &self.sources, style)
    }

    /// Carries a plan out: on the simulated cluster in virtual time, else for real.
    ///
    /// # Errors
    ///
    /// [`ProjectError::NoRuntime`] when nothing could be begun.
    pub fn run(
        &self,
        plan: &Plan,
        options: &RunOptions,
        setting: &Setting,
        recorder: &mut dyn Recorder,
    ) -> Result<Ending, ProjectError> {
        let person = InTurn::new(
            setting.answers.clone(),
            TerminalPerson {
                terminal: setting.terminal.clone(),
                cluster: self.inventory.name.clone(),
            },
        );
        match &self.shape {
            Some(shape) => {
                let mut recorder = WithOverridden::new(Box::new(recorder), setting.overridden.clone());
                Ok(run_simulated(shape, plan, options, person, &mut recorder))
            }
            None => self.run_for_real(plan, options, &person, setting, recorder),
        }
    }

    /// Draws a problem that belongs to no script.
    pub fn render_error(error: ProjectError, style: Style) -> String {
        let problem = Problem {
            finding: Box::new(error),
            incomplete: false,
        };
        render_problem(&problem, &SourceMap::default(), style)
    }

    /// Reads and formats a text; `Err` holds the drawn problems when it does not read.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, drawn.
    pub fn format_text(name: &str, text: &str, style: Style) -> Result<String, String> {
        let (mut sources, mut problems) = (SourceMap::default(), Problems::new());
        let base = sources.add(name, text);
        let script = parse_script(text, base, &mut problems);
        if problems.has_errors() {
            problems.sort();
            return Err(draw_problems(&problems, &sources, style));
        }
        let formatted = format_script(text, base, &script);
        // A layout is blanks alone; whatever else it would do is not done.
        let mut problems = Problems::new();
        if parse_script(&formatted, base, &mut problems) != script || problems.has_errors() {
            return Err(format!(
                "{name}: laid out, it would no longer say the same; it is left as it is (a defect of quorate)\n"
            ));
        }
        Ok(formatted)
    }

    /// Writes a text to a file, which keeps its mode.
    ///
    /// # Errors
    ///
    /// [`ProjectError::NotWritten`] when the system does not let it.
    pub fn write_text(path: &Path, text: &str) -> Result<(), ProjectError> {
        std::fs::write(path, text).map_err(|error| ProjectError::NotWritten {
            path: path.display().to_string(),
            why: load::describe_failure(&error),
        })
    }

    /// Carries a plan out on real hosts; what is done is written down, if `setting` says where.
    fn run_for_real(
        &self,
        plan: &Plan,
        options: &RunOptions,
        person: &InTurn,
        setting: &Setting,
        recorder: &mut dyn Recorder,
    ) -> Result<Ending, ProjectError> {
        let failed = |error: std::io::Error| ProjectError::NoRuntime {
            why: load::describe_failure(&error),
        };
        let runtime = open_runtime()?;
        let terminal = &setting.terminal;
        let inventory = plan.inventory.clone();
        let ways = setting.ways.over(&inventory.ssh, terminal, setting.tee(plan));
        let (transport, clock) = (SshTransport::new(inventory, ways), SystemClock::new());
        let steady = SteadyClock::new();
        let lock = setting
            .lock
            .open(HolderKind::Run, plan, options, &transport, &steady)?;
        let dry = DryTransport::new(&transport);
        let fenced = lock.as_ref().map(|lock| lock.fence(&transport));
        let door: &dyn Transport = match &fenced {
            _ if options.dry_run => &dry,
            Some(fenced) => fenced,
            None => &transport,
        };
        let world = World {
            transport: door,
            clock: &clock,
            person,
        };
        let mut recorder = WithLock::new(recorder, lock.as_ref());
        let mut recorder = InFlight::new(&mut recorder);
        let ended = runtime.block_on(async {
            let mut signals = Signals::listen().map_err(failed)?;
            let run = self.walk(plan, world, options, setting, lock.as_ref(), &mut recorder);
            let stop = &options.stop_requested;
            let ended = run_under_lock(lock.as_ref(), run, &mut signals, stop, terminal).await;
            transport.close().await;
            Ok::<_, ProjectError>(ended)
        })?;
        // A thread that still waits for a line of standard input must not hold the end up.
        runtime.shutdown_background();
        match ended {
            Ok(Some(ended)) => ended,
            Ok(None) => {
                let (ending, event) = recorder.break_off();
                self.keep(setting, &event);
                Ok(ending)
            }
            Err(trouble) => {
                let (ending, events) = refuse(plan, trouble);
                for event in &events {
                    recorder.record(event);
                    // A run that was taken up is still what it was before.
                    if !setting.lock.goes_on {
                        self.keep(setting, event);
                    }
                }
                Ok(ending)
            }
        }
    }

    fn keep(&self, setting: &Setting, event: &Event) {
        if let Some(journal) = &setting.kept {
            let entry = Entry::Happened(Record::of(event, &self.sources));
            journal.borrow_mut().push(&entry);
        }
    }

    async fn walk(
        &self,
        plan: &Plan,
        world: World<'_>,
        options: &RunOptions,
        setting: &Setting,
        lock: Option<&RunLock<'_>>,
        recorder: &mut dyn Recorder,
    ) -> Result<Ending, ProjectError> {
        let Some(journal) = &setting.kept else {
            let mut recorder = WithOverridden::new(Box::new(recorder), setting.overridden.clone());
            return Ok(run_plan(plan, world, options, &mut recorder).await);
        };
        let keeping = Keeping {
            journal: &**journal,
            sources: &self.sources,
            may_pass_over: setting.may_pass_over,
            overridden: &setting.overridden,
            watch: None,
        };
        // In spite of what the lock was taken: it is kept before anything is begun.
        for finding in lock.into_iter().flat_map(RunLock::findings) {
            let at = Duration::ZERO;
            let what = finding.happening();
            self.keep(setting, &Event { at, what });
        }
        let went = run_kept(plan, world, options, keeping, recorder).await?;
        let name = journal.borrow().name().to_owned();
        Ok(went.ending(&name))
    }
}

/// Asks a question before a run begins; whether the answer was yes.
///
/// # Errors
///
/// [`ProjectError::NoRuntime`] when nobody can be asked.
pub fn ask_person(project: &Project, answers: &Answers, question: &Question) -> Result<bool, ProjectError> {
    let runtime = open_runtime()?;
    let person = InTurn::new(
        answers.clone(),
        TerminalPerson {
            terminal: Terminal::new(None),
            cluster: project.inventory.name.clone(),
        },
    );
    let answer = runtime.block_on(person.ask(question));
    runtime.shutdown_background();
    Ok(answer == Answer::Yes)
}

/// The comment at the head of a text, without its signs.
fn leading_comment(text: &str) -> Vec<String> {
    text.lines()
        .skip_while(|line| line.starts_with("#!"))
        .map_while(|line| line.strip_prefix('#'))
        .map(|line| line.trim_start_matches('#').trim().to_owned())
        .collect()
}

/// Draws problems, a blank line between two; of very many only the first, which explain most of the others.
fn draw_problems(problems: &Problems, sources: &SourceMap, style: Style) -> String {
    let drawn: Vec<String> = problems
        .iter()
        .take(MOST_DRAWN)
        .map(|problem| render_problem(problem, sources, style))
        .collect();
    let mut text = drawn.join("\n");
    if problems.len() > MOST_DRAWN {
        let left = problems.len() - MOST_DRAWN;
        text.push_str(&format!("\n… and {left} more findings; repair these first\n"));
    }
    text
}

fn run_simulated(
    shape: &Shape,
    plan: &Plan,
    options: &RunOptions,
    person: InTurn,
    recorder: &mut dyn Recorder,
) -> Ending {
    let cluster = SimulatedCluster::new(shape.clone());
    cluster.learn(&plan.program, &plan.inventory);
    let (transport, clock) = (cluster.transport(), cluster.clock());
    let person = cluster.person(Box::new(person));
    let dry = DryTransport::new(&transport);
    let transport: &dyn Transport = if options.dry_run { &dry } else { &transport };
    let world = World {
        transport,
        clock: &clock,
        person: &person,
    };
    cluster.block_on(run_plan(plan, world, options, recorder))
}
