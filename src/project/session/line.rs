use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::DoneKind;
use crate::check::{Module, Program, check_line};
use crate::diagnostic::{Problems, SourceMap, Span, Spanned, Style, render_problem};
use crate::inventory::Inventory;
use crate::project::load::{Implied, load_script};
use crate::run::Standing;
use crate::syntax::{
    Declaration, Expression, GuardCall, Script, Statement, Test, Variable, VerbCall, parse_script,
};
use crate::value::Type;

/// What secrets are called when a command takes them.
const SECRET_NAMES: &[&str] = &["password", "passwd", "passphrase", "secret", "token"];

/// What a line of a session is called in messages.
const NAME: &str = "prompt";

/// What a line of a session is read and checked against: modules, and what earlier lines have
/// declared and named.
#[derive(Clone)]
pub struct Background {
    inventory: Arc<Inventory>,
    implied: Option<Implied>,
    /// The texts of the modules; that of a line comes after them.
    sources: SourceMap,
    modules: Arc<Vec<Module>>,
    declared: Vec<Declared>,
    named: Vec<(String, Type)>,
}

/// A declaration of an earlier line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// What it is and what it is called: `verb drain`.
    pub title: String,
    /// As it was written, with its doc comment.
    pub text: String,
}

/// A line of a session, read and checked.
pub struct Line {
    /// As it was typed.
    pub text: String,
    /// What is wrong with it.
    pub problems: Problems,
    /// What it declares.
    pub declares: Vec<Declared>,
    /// How many statements of a file were left alone.
    pub passed_over: usize,
    /// Whether it does anything beside declaring.
    pub is_statement: bool,
    /// Whether it is one value, which is to be shown.
    pub is_value: bool,
    /// The same as a runbook writes it: a bare guard is asked by `require`.
    pub written: String,
    /// Whether a secret stands in it, so that it is kept nowhere.
    pub holds_secret: bool,
    pub(super) program: Option<Arc<Program>>,
    sources: SourceMap,
    modules: Arc<Vec<Module>>,
}

impl Declared {
    /// Whether a text has its name as a word.
    fn is_named_in(&self, text: &str) -> bool {
        let name = self.title.rsplit(' ').next().unwrap_or_default();
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        text.split(|letter| !is_part(letter)).any(|word| word == name)
    }
}

impl Line {
    fn has_uses(&self) -> bool {
        self.declares.iter().any(|one| one.title.starts_with("use "))
    }

    fn redeclares(&self, known: &Declared) -> bool {
        self.declares.iter().any(|one| one.title == known.title)
    }

    /// All texts that its messages may point to.
    pub fn sources(&self) -> &SourceMap {
        &self.sources
    }

    /// What was checked, unless a name or a type is wrong.
    pub fn program(&self) -> Option<&Arc<Program>> {
        self.program.as_ref()
    }

    /// What a runbook would want of it; `acts` says whether it changes something.
    pub fn kind(&self, acts: bool) -> DoneKind {
        let body = self.program.as_ref().map_or(&[][..], |program| &program.body);
        match body.last().map(|statement| &statement.node) {
            _ if acts => DoneKind::Act,
            None => DoneKind::Declaration,
            Some(Statement::Require { .. } | Statement::Wait { .. }) => DoneKind::Guard,
            Some(Statement::Let { name, .. }) if name.node != Standing::LAST => {
                DoneKind::Name(name.node.clone())
            }
            Some(_) => DoneKind::Look,
        }
    }

    /// Draws what is wrong with it.
    pub fn render(&self, style: Style) -> String {
        let drawn = self
            .problems
            .iter()
            .map(|problem| render_problem(problem, &self.sources, style));
        drawn.collect::<Vec<String>>().join("\n")
    }
}

impl Background {
    /// What stands behind the first line: the module of the inventory's system.
    pub(super) fn new(inventory: Arc<Inventory>, implied: Option<Implied>) -> Background {
        let (mut sources, mut problems) = (SourceMap::default(), Problems::new());
        let loaded = load_script(
            NAME,
            "",
            Path::new(""),
            implied.as_ref(),
            &[],
            &mut sources,
            &mut problems,
        );
        Background {
            inventory,
            implied,
            sources,
            modules: Arc::new(loaded.modules),
            declared: Vec::new(),
            named: Vec::new(),
        }
    }

    /// What earlier lines have declared.
    pub fn declared(&self) -> &[Declared] {
        &self.declared
    }

    /// The values that have names, and their types.
    pub(super) fn named(&self) -> &[(String, Type)] {
        &self.named
    }

    /// Says which values have names, and of which types they are.
    pub(super) fn name_values(&mut self, named: Vec<(String, Type)>) {
        self.named = named;
    }

    /// What earlier lines have declared and a text speaks of, also by way of one another.
    pub fn used_by(&self, text: &str) -> Vec<Declared> {
        let mut used: Vec<Declared> = Vec::new();
        let mut texts = vec![text.to_owned()];
        while let Some(text) = texts.pop() {
            for known in self.declared.iter().filter(|known| known.is_named_in(&text)) {
                if !used.contains(known) {
                    used.push(known.clone());
                    texts.push(known.text.clone());
                }
            }
        }
        used
    }

    /// Reads and checks a line.
    pub fn read(&self, text: &str) -> Line {
        self.read_part(NAME, text, Path::new(""), &|_| true)
    }

    /// Reads and checks what a file declares; its other statements are left alone.
    pub(super) fn read_file(&self, name: &str, text: &str, folder: &Path) -> Line {
        self.read_part(name, text, folder, &is_for_sessions)
    }

    /// Keeps what a line has declared; what had the same name is forgotten.
    pub(super) fn declare(&mut self, line: &Line) {
        self.declared.retain(|known| !line.redeclares(known));
        self.declared.extend(line.declares.iter().cloned());
        if line.has_uses() {
            (self.sources, self.modules) = (line.sources.clone(), Arc::clone(&line.modules));
        }
    }

    fn read_part(
        &self,
        name: &str,
        text: &str,
        folder: &Path,
        is_wanted: &dyn Fn(&Statement) -> bool,
    ) -> Line {
        let mut line = Line {
            text: text.to_owned(),
            problems: Problems::new(),
            declares: Vec::new(),
            passed_over: 0,
            is_statement: false,
            is_value: false,
            written: text.to_owned(),
            holds_secret: false,
            program: None,
            sources: SourceMap::default(),
            modules: Arc::clone(&self.modules),
        };
        let base = line.sources.add(name, text);
        let script = parse_script(text, base, &mut line.problems);
        if line.problems.has_errors() {
            line.problems.sort();
            return line;
        }
        for statement in script
            .statements
            .iter()
            .filter(|statement| is_wanted(&statement.node))
        {
            match &statement.node {
                Statement::Declaration(declaration) => {
                    let declared =
                        describe_declaration(declaration, statement.span, &script, (text, base), folder);
                    line.declares.extend(declared);
                }
                _ => line.is_statement = true,
            }
        }
        let acts = script
            .statements
            .iter()
            .filter(|statement| !is_wanted(&statement.node));
        line.passed_over = acts
            .filter(|statement| !matches!(statement.node, Statement::Declaration(_)))
            .count();
        self.check(&mut line, name, folder, is_wanted);
        line
    }

    /// Checks a line together with what was declared before it, which stands below it: so every
    /// place in the line is where it was typed.
    fn check(&self, line: &mut Line, name: &str, folder: &Path, is_wanted: &dyn Fn(&Statement) -> bool) {
        let mut whole = line.text.clone();
        for known in self.declared.iter().filter(|known| !line.redeclares(known)) {
            whole.push_str("\n\n");
            whole.push_str(&known.text);
        }
        let mut main = if line.has_uses() {
            let (implied, sources) = (self.implied.as_ref(), &mut line.sources);
            *sources = SourceMap::default();
            let loaded = load_script(name, &whole, folder, implied, &[], sources, &mut line.problems);
            line.modules = Arc::new(loaded.modules);
            loaded.script
        } else {
            line.sources = self.sources.clone();
            let base = line.sources.add(name, whole.as_str());
            Module {
                name: String::new(),
                script: parse_script(&whole, base, &mut line.problems),
                text: whole.into(),
                base,
                with: BTreeMap::new(),
                is_built_in: false,
            }
        };
        main.name.clear();
        let end = main.base + line.text.len() as u32;
        main.script
            .statements
            .retain(|statement| statement.span.start >= end || is_wanted(&statement.node));
        let known = Names::of(self, &line.modules, &main);
        let all = main.script.statements.iter().enumerate();
        let meant: Vec<(usize, Statement)> = all
            .filter_map(|(index, statement)| Some((index, known.settle(statement)?)))
            .collect();
        let mut asked = Vec::new();
        for (index, statement) in meant {
            line.is_value |= matches!(statement, Statement::Let { .. });
            let at = main.script.statements[index].span.start;
            if matches!(statement, Statement::Require { .. }) && at < end {
                asked.push((at - main.base) as usize);
            }
            main.script.statements[index].node = statement;
        }
        for at in asked.into_iter().rev() {
            line.written.insert_str(at, "require ");
        }
        let named = self
            .named
            .iter()
            .filter(|(name, _)| mentions(&line.text, name) || line.text.trim() == name);
        let named: Vec<(String, Type)> = named.cloned().collect();
        let is_readable = !line.problems.has_errors();
        let program = check_line(&line.modules, &main, &named, &self.inventory, &mut line.problems);
        // What is carried out is called as it was typed.
        // Advice about earlier lines was given with them.
        line.problems
            .retain(|problem| problem.is_error() || problem.span().is_none_or(|span| span.start < end));
        line.program = program.filter(|_| is_readable).map(|mut program| {
            line.holds_secret = holds_secret(&line.text, &program);
            program.title = (!line.holds_secret).then(|| line.text.trim().to_owned());
            Arc::new(program)
        });
        line.problems.sort();
    }
}

/// Whether a statement of a file is for a session that loads it.
fn is_for_sessions(statement: &Statement) -> bool {
    match statement {
        Statement::Declaration(declaration) => !matches!(
            **declaration,
            Declaration::Language(_)
                | Declaration::Runbook(_)
                | Declaration::Module(_)
                | Declaration::Param { .. }
                | Declaration::Promise { .. }
                | Declaration::Simulate(_)
        ),
        _ => false,
    }
}

/// What is kept of a declaration; nothing of one that a session has no use for.
fn describe_declaration(
    declaration: &Declaration,
    at: Span,
    script: &Script,
    (text, base): (&str, u32),
    folder: &Path,
) -> Option<Declared> {
    let (word, name) = match declaration {
        Declaration::Fact(fact) => ("fact", &fact.name),
        Declaration::Guard(guard) => ("guard", &guard.name),
        Declaration::Service(service) => ("service", &service.name),
        Declaration::Verb(verb) => ("verb", &verb.name),
        Declaration::Group { name, .. } => ("group", name),
        Declaration::Use { module, .. } => ("use", module),
        Declaration::Language(_)
        | Declaration::Runbook(_)
        | Declaration::Module(_)
        | Declaration::Param { .. }
        | Declaration::Promise { .. }
        | Declaration::Simulate(_) => {
            return None;
        }
    };
    let mut written = text
        .get((at.start - base) as usize..(at.end - base) as usize)?
        .to_owned();
    if let Declaration::Use {
        module,
        is_file: true,
        ..
    } = declaration
    {
        // Later lines are read from wherever the session was begun.
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
        written = written.replace(&module.node, &folder.join(&module.node).display().to_string());
    }
    if let Some(doc) = script.doc_of(at, text, base) {
        let lines: String = doc.lines().map(|line| format!("## {line}\n")).collect();
        written = lines + &written;
    }
    Some(Declared {
        title: format!("{word} {}", name.node),
        text: written,
    })
}

/// Whether a text gives a secret in plain letters: by a parameter that takes one, or by its name.
pub(super) fn holds_secret(text: &str, program: &Program) -> bool {
    let verbs = program.all_verbs().into_iter().flat_map(|verb| &verb.parameters);
    let secrets = verbs.filter(|parameter| parameter.kind == Type::Secret);
    let names = secrets
        .map(|parameter| parameter.name.as_str())
        .chain(SECRET_NAMES.iter().copied());
    // `name = value` gives it as `name=value` does.
    let lower = text.to_lowercase().replace(" =", "=").replace("= ", "=");
    let is_given = |name: &str| {
        let given = format!("{}=", name.to_lowercase());
        let after = lower
            .match_indices(&given)
            .map(|(at, _)| &lower[at + given.len()..]);
        after
            .into_iter()
            .any(|rest| !rest.is_empty() && !rest.starts_with(['$', ' ']))
    };
    names.into_iter().any(is_given) || gives_by_place(text, program)
}

/// Whether a verb that takes a secret is given anything by its place.
fn gives_by_place(text: &str, program: &Program) -> bool {
    let takes_secret = |name: &str| {
        let verb = program.verb(&program.module, name);
        verb.is_some_and(|verb| {
            verb.parameters
                .iter()
                .any(|parameter| parameter.kind == Type::Secret)
        })
    };
    text.split(['<', '>', ';', '\n']).any(|part| {
        let mut words = part.split_whitespace();
        words.next().is_some_and(takes_secret)
            && words.any(|word| !word.starts_with('$') && !word.contains('='))
    })
}

/// Whether a text speaks of `$name`.
pub(super) fn mentions(text: &str, name: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let plain = format!("${name}");
    text.contains(&format!("${{{name}"))
        || text
            .match_indices(&plain)
            .any(|(at, _)| !text[at + plain.len()..].starts_with(is_part))
}

/// The names that a bare word at the beginning of a line may mean.
struct Names<'a> {
    verbs: HashSet<&'a str>,
    facts: HashSet<&'a str>,
    guards: HashSet<&'a str>,
    inventory: &'a Inventory,
    named: &'a [(String, Type)],
}

impl<'a> Names<'a> {
    fn of(background: &'a Background, modules: &'a [Module], main: &'a Module) -> Names<'a> {
        let mut names = Names {
            verbs: HashSet::new(),
            facts: HashSet::new(),
            guards: HashSet::new(),
            inventory: &background.inventory,
            named: &background.named,
        };
        let scripts = modules.iter().chain([main]).map(|module| &module.script);
        for statement in scripts.flat_map(|script| &script.statements) {
            let Statement::Declaration(declaration) = &statement.node else {
                continue;
            };
            match &**declaration {
                Declaration::Verb(verb) => names.verbs.insert(&verb.name.node),
                Declaration::Fact(fact) => names.facts.insert(&fact.name.node),
                Declaration::Guard(guard) => names.guards.insert(&guard.name.node),
                _ => false,
            };
        }
        names
    }

    /// What a statement means at a prompt, where it is more than a script would take it for: a value
    /// is shown and kept, a fact or group is such a value, and a guard is asked.
    fn settle(&self, statement: &Spanned<Statement>) -> Option<Statement> {
        let at = statement.span;
        match &statement.node {
            Statement::Value(value) => Some(keep_value((**value).clone())),
            Statement::Verb(call) => self.settle_call(call, at),
            _ => None,
        }
    }

    fn settle_call(&self, call: &VerbCall, at: Span) -> Option<Statement> {
        let name = call.name.node.rsplit('.').next().unwrap_or_default();
        if self.verbs.contains(name) {
            return None;
        }
        if self.guards.contains(name) {
            let (name, arguments) = (call.name.clone(), call.arguments.clone());
            return Some(Statement::Require {
                test: Spanned::new(Test::Guard(GuardCall { name, arguments }), at),
                otherwise: None,
            });
        }
        let value = if self.facts.contains(name) {
            Expression::Call {
                name: call.name.clone(),
                arguments: call.arguments.positional.clone(),
            }
        } else if !call.arguments.positional.is_empty() || !call.arguments.named.is_empty() {
            return None;
        } else if self.named.iter().any(|(known, _)| known == name) {
            Expression::Variable(Variable {
                name: Spanned::new(name.to_owned(), call.name.span),
                fields: Vec::new(),
            })
        } else if self.inventory.group(name).is_some() || self.inventory.node(name).is_some() {
            Expression::Name(name.to_owned())
        } else {
            return None;
        };
        Some(keep_value(Spanned::new(value, at)))
    }
}

/// A value as it is kept: under the name of what was yielded last.
fn keep_value(value: Spanned<Expression>) -> Statement {
    Statement::Let {
        name: Spanned::new(Standing::LAST.to_owned(), value.span),
        value: Box::new(value),
    }
}
