use std::path::Path;
use std::time::Duration;

use super::conversation::Conversation;
use super::page::print_paged;
use super::prompt::{list_changes, short_name, write_status};
use super::speech::{say, write_out};
use crate::diagnostic::nearest;
use crate::expand::Expansion;
use crate::inventory::{NodeName, NodeSet};
use crate::journal::neutralise_text;
use crate::project::{Done, DoneKind, Project, read_limit, read_overrides, write_now};
use crate::value::{Value, read_duration, write_duration};

/// What can be said to the prompt itself: the word, what follows it, and what it does.
pub(super) const COMMANDS: &[(&str, &str, &str)] = &[
    (
        "plan",
        "STATEMENT",
        "shows what a statement would do, guards with their present verdict",
    ),
    ("expand", "STATEMENT", "writes a statement as plain shell"),
    ("why", "", "shows the last refusal, and what had been measured"),
    ("nodes", "EXPRESSION", "lists the nodes of a set"),
    (
        "drop",
        "NODES|off",
        "leaves nodes out of all that is done from now on",
    ),
    ("limit", "NODES|off", "acts on these nodes only"),
    ("facts", "", "lists the facts that can be asked"),
    ("watch", "GUARD|off", "tells each change of a guard's verdict"),
    ("since", "", "shows what has changed since the last look"),
    ("status", "", "writes the state in one line, for others to read"),
    (
        "override",
        "NAME[@NODE]=WHY",
        "lets the next statement go on although a guard or finding says no",
    ),
    ("confirm", "on|off", "whether each change is asked for"),
    (
        "poll",
        "DURATION|on|off",
        "how often the cluster is looked at while you type",
    ),
    ("load", "FILE", "declares the verbs, guards and facts of a file"),
    ("edit", "", "opens $EDITOR for a statement of several lines"),
    ("save", "FILE", "writes what was done as a runbook"),
    ("journal", "", "lists what was said and how it ended"),
    ("left", "", "shows what this session leaves behind so far"),
    ("help", "[NAME]", "says what a name means, or lists these words"),
    ("quit", "", "leaves, as Ctrl-D does"),
];

/// What is said when a look takes too long.
const NOT_SEEN: &str = "the cluster does not answer in time";

/// The longest text that `:why` shows, in lines.
const LONGEST_TEXT: usize = 5;

/// How often the cluster is looked at after `:poll on`.
const POLL: Duration = Duration::from_secs(30);

impl Conversation {
    /// Does what the person says to the prompt itself.
    pub fn command(&mut self, text: &str) {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        let done = match word {
            "plan" => self.show_plan_of(rest),
            "expand" => self.show_expansion(rest),
            "why" => self.tell_why(),
            "nodes" => self.list_nodes(rest),
            "drop" => self.drop_nodes(rest),
            "limit" => self.set_limit(rest),
            "facts" => self.list_facts(),
            "watch" => self.watch(rest),
            "since" => self.tell_changes(),
            "status" => self.tell_status(),
            "override" => self.allow(rest),
            "confirm" => self.set_confirm(rest),
            "poll" => self.set_poll(rest),
            "load" => self.load(rest),
            "edit" => self.edit(),
            "save" => self.save(rest),
            "journal" => self.tell_journal(),
            "left" => self.tell_left(),
            "help" => self.help(rest),
            "quit" | "exit" | "q" => {
                self.is_over = true;
                Ok(())
            }
            _ => Err(match nearest(word, COMMANDS.iter().map(|(known, ..)| *known)) {
                Some(near) => format!("there is no `:{word}`; did you mean `:{near}`?"),
                None => format!("there is no `:{word}`; `:help` lists what there is"),
            }),
        };
        if let Err(why) = done {
            say!("{}", neutralise_text(&why));
        }
    }

    fn show_plan_of(&mut self, text: &str) -> Result<(), String> {
        wanted(text, "plan", "STATEMENT")?;
        let Some((line, _)) = self.read(text) else {
            return Ok(());
        };
        let Some(plan) = self.plan(&line) else {
            return Ok(());
        };
        let ending = self.show_plan(&line, &plan);
        if let Some(trouble) = &ending.trouble {
            self.tell(&line, trouble, "");
        }
        Ok(())
    }

    fn show_expansion(&mut self, text: &str) -> Result<(), String> {
        wanted(text, "expand", "STATEMENT")?;
        let Some((line, _)) = self.read(text) else {
            return Ok(());
        };
        let Some(plan) = self.plan(&line) else {
            return Ok(());
        };
        let expansion = Expansion {
            file: "prompt".to_owned(),
            inventory: self.session.project().inventory_name(),
            limit: self.options().limit,
            given: plan
                .arguments
                .iter()
                .map(|(name, value)| (name.clone(), value.to_string()))
                .collect(),
            ..Expansion::default()
        };
        match self.session.expand(&line, &plan, expansion) {
            Ok(script) => print_paged(&script),
            Err(error) => say!("{error}"),
        }
        Ok(())
    }

    fn tell_why(&self) -> Result<(), String> {
        let refusal = self.refusal.as_ref().ok_or("nothing was refused so far")?;
        let mut text = format!("{}\n{}\n", refusal.line.trim(), refusal.message);
        if let Some(help) = &refusal.help {
            text.push_str(&format!("  help: {help}\n"));
        }
        // What commands printed stands behind the tables, and would bury them.
        let is_shown =
            |value: &Value| !matches!(value, Value::Text(text) if text.lines().count() > LONGEST_TEXT);
        for (fact, value) in refusal.measured.iter().filter(|(_, value)| is_shown(value)) {
            let fact = fact.split('(').next().unwrap_or(fact);
            text.push_str(&format!("\n{}:\n", short_name(fact)));
            let value = neutralise_text(&value.to_string());
            text.extend(value.lines().map(|line| format!("  {line}\n")));
        }
        print_paged(&text);
        Ok(())
    }

    fn list_nodes(&mut self, text: &str) -> Result<(), String> {
        wanted(text, "nodes", "EXPRESSION")?;
        let nodes = match read_limit(text, self.session.inventory()) {
            Ok(nodes) => nodes,
            // What is no set may be a value of the language: `cs_nodes - mds_nodes`.
            Err(error) => match self.session.background().read(text).is_value {
                true => {
                    self.statement(text);
                    return Ok(());
                }
                false => return Err(error.to_string()),
            },
        };
        let names: Vec<&str> = nodes.iter().map(NodeName::as_str).collect();
        let all = names.join(" ");
        print_paged(&format!("{nodes}: {}\n{all}\n", count(names.len(), "node")));
        Ok(())
    }

    fn drop_nodes(&mut self, text: &str) -> Result<(), String> {
        wanted(text, "drop", "NODES|off")?;
        self.dropped = match text {
            "off" => NodeSet::default(),
            _ => {
                let nodes = read_limit(text, self.session.inventory()).map_err(|error| error.to_string())?;
                self.dropped.union(&nodes)
            }
        };
        self.tell_scope();
        Ok(())
    }

    fn set_limit(&mut self, text: &str) -> Result<(), String> {
        match text {
            "" => {}
            "off" => self.limit = None,
            _ => {
                let nodes = read_limit(text, self.session.inventory()).map_err(|error| error.to_string())?;
                self.limit = Some(nodes);
            }
        }
        self.tell_scope();
        Ok(())
    }

    /// Says where statements act from now on.
    fn tell_scope(&self) {
        let limit = self
            .limit
            .as_ref()
            .map_or("all nodes".to_owned(), ToString::to_string);
        let without = match self.dropped.is_empty() {
            true => String::new(),
            false => format!(", without {}", self.dropped),
        };
        let text = format!("statements act on {limit}{without}; guards look at the whole cluster");
        say!("{text}");
        self.note(&text);
    }

    fn list_facts(&self) -> Result<(), String> {
        let program = &self.session.empty_plan().program;
        let mut text = String::new();
        for fact in program.all_facts() {
            let parameters: Vec<String> = fact
                .parameters
                .iter()
                .map(|parameter| format!("{}: {}", parameter.name, parameter.kind))
                .collect();
            let parameters = if parameters.is_empty() {
                String::new()
            } else {
                format!("({})", parameters.join(", "))
            };
            let says = fact
                .doc
                .as_deref()
                .and_then(|doc| doc.lines().next())
                .unwrap_or_default();
            text.push_str(&format!(
                "{}{parameters}  {}\n",
                fact.name,
                self.paint.faint(says)
            ));
        }
        if text.is_empty() {
            return Err(
                "there are no facts: the inventory says no `system`, and none was declared".to_owned(),
            );
        }
        print_paged(&text);
        Ok(())
    }

    fn watch(&mut self, text: &str) -> Result<(), String> {
        if text == "off" {
            self.watched.clear();
            say!("no guard is watched");
            return Ok(());
        }
        wanted(text, "watch", "GUARD")?;
        let program = self.session.empty_plan().program.clone();
        let guard = program.guard(&program.module, text).ok_or_else(|| {
            let guards = program.all_guards();
            match nearest(text, guards.iter().map(|guard| guard.name.as_str())) {
                Some(near) => format!("there is no guard `{text}`; did you mean `{near}`?"),
                None => format!("there is no guard `{text}`"),
            }
        })?;
        if guard.uses_node
            || guard
                .parameters
                .iter()
                .any(|parameter| parameter.default.is_none())
        {
            return Err(format!(
                "`{text}` needs more than its name; declare a guard that asks it, and watch that"
            ));
        }
        let name = format!("{}.{}", guard.module, guard.name);
        if !self.watched.contains(&name) {
            self.watched.push(name.clone());
        }
        if !self.look() {
            return Err(NOT_SEEN.to_owned());
        }
        let verdict = self
            .seen
            .as_ref()
            .and_then(|(glance, _)| glance.guards.iter().find(|(known, _)| *known == name));
        match verdict {
            Some((_, verdict)) if verdict.holds() => say!("{text} holds"),
            Some((_, verdict)) => say!("{text} does not hold: {}", neutralise_text(&verdict.reason)),
            None => say!("{text} could not be asked in time"),
        }
        Ok(())
    }

    fn tell_changes(&mut self) -> Result<(), String> {
        let before = self.looked.clone();
        let (true, Some((now, _))) = (self.look(), &self.seen) else {
            return Err(NOT_SEEN.to_owned());
        };
        let changes = before.map_or(Vec::new(), |before| list_changes(&before, now));
        match changes.is_empty() {
            true => say!("nothing has changed"),
            false => print_paged(&format!("{}\n", neutralise_text(&changes.join("\n")))),
        }
        self.looked = Some(now.clone());
        Ok(())
    }

    fn tell_status(&mut self) -> Result<(), String> {
        let (true, Some((glance, _))) = (self.look(), &self.seen) else {
            return Err(NOT_SEEN.to_owned());
        };
        if glance.roles.is_empty() && glance.guards.is_empty() && glance.words.is_empty() {
            return Err(
                "nothing is known of its state: the inventory says no `system`, whose module would"
                    .to_owned(),
            );
        }
        let name = &self.session.inventory().name;
        say!(
            "{}",
            write_status(name, !self.session.is_real(), glance, &write_now())
        );
        Ok(())
    }

    fn allow(&mut self, text: &str) -> Result<(), String> {
        wanted(text, "override", "NAME[@NODE]=WHY")?;
        let read = read_overrides(&[text.to_owned()], self.session.inventory())
            .map_err(|error| error.to_string())?;
        for known in read {
            say!(
                "the next statement may go on although `{}` says no, because {}",
                known.name,
                known.why
            );
            self.overrides.push(known);
        }
        Ok(())
    }

    fn set_confirm(&mut self, text: &str) -> Result<(), String> {
        self.confirms = match text {
            "on" => true,
            "off" => false,
            _ => return Err("write `:confirm on` or `:confirm off`".to_owned()),
        };
        let text = match self.confirms {
            true => "each change is asked for",
            false => "nothing is asked before it is done: `:confirm off`",
        };
        say!("{text}");
        self.note(text);
        Ok(())
    }

    fn set_poll(&mut self, text: &str) -> Result<(), String> {
        self.poll = match text {
            "off" => None,
            "on" => Some(POLL),
            _ => {
                let length = read_duration(text)
                    .ok()
                    .filter(|length| *length >= Duration::from_secs(1));
                Some(length.ok_or("write `:poll 30s`, at least 1s, or `:poll off`")?)
            }
        };
        match self.poll {
            Some(poll) => say!("the cluster is looked at every {}", write_duration(poll)),
            None => say!("the cluster is not looked at by itself"),
        }
        Ok(())
    }

    fn load(&mut self, text: &str) -> Result<(), String> {
        wanted(text, "load", "FILE")?;
        let text = plain_path(text);
        let text = text.as_str();
        let line = self
            .session
            .load(Path::new(text))
            .map_err(|error| error.to_string())?;
        write_out(&line.render(self.style()));
        if line.program().is_none() || line.problems.has_errors() {
            return Ok(());
        }
        if line.passed_over > 0 {
            say!(
                "its other statements were not carried out ({}): `quorate run` does that",
                line.passed_over
            );
        }
        let titles: Vec<&str> = line.declares.iter().map(|one| one.title.as_str()).collect();
        match titles.is_empty() {
            true => say!("{text} declares nothing"),
            false => say!("declared: {}", titles.join(", ")),
        }
        Ok(())
    }

    fn save(&mut self, text: &str) -> Result<(), String> {
        wanted(text, "save", "FILE")?;
        let text = plain_path(text);
        let text = text.as_str();
        let path = Path::new(text);
        if path.exists() {
            return Err(format!(
                "`{text}` is there already, and is left as it is; name another file"
            ));
        }
        let done = self.done.clone();
        let saved = self.session.save(text, &done)?;
        Project::write_text(path, &saved.text).map_err(|error| error.to_string())?;
        say!("saved as {text}; `quorate check {text}` finds nothing wrong with it");
        for left in &saved.left_out {
            say!("  left out: {}", neutralise_text(left));
        }
        Ok(())
    }

    fn tell_left(&self) -> Result<(), String> {
        let left = self.left_behind();
        match left.is_empty() {
            true => say!("nothing is left behind so far"),
            false => print_paged(&format!("{}\n", left.join("\n"))),
        }
        Ok(())
    }

    fn tell_journal(&self) -> Result<(), String> {
        let mut text = String::new();
        for one in &self.done {
            let mark = match (one.outcome.as_str(), &one.kind) {
                (Done::WELL, DoneKind::Act) => self.paint.good("✓"),
                (Done::WELL, _) => " ".to_owned(),
                (outcome, _) => self.paint.bad(&format!("✗ {outcome}:")),
            };
            let lines = one.text.trim().replace('\n', "\n                       ");
            text.push_str(&format!("{} {mark} {lines}\n", one.at));
        }
        if let Some(kept) = &self.kept {
            text.push_str(&format!("kept as {}\n", kept.name()));
        }
        print_paged(&text);
        Ok(())
    }

    fn help(&self, name: &str) -> Result<(), String> {
        if name.is_empty() {
            let mut text =
                "Type a statement of the language; what it would change is shown first, and asked for.\n"
                    .to_owned();
            for (word, takes, says) in COMMANDS {
                text.push_str(&format!("  {:<28}{says}\n", format!(":{word} {takes}")));
            }
            print_paged(&text);
            return Ok(());
        }
        let bare = name.trim_start_matches(':');
        if let Some((word, takes, says)) = COMMANDS.iter().find(|(word, ..)| *word == bare) {
            say!("{}\n  {says}", format!(":{word} {takes}").trim_end());
            return Ok(());
        }
        let vocabulary = self.session.vocabulary();
        match (vocabulary.describe(name), vocabulary.nearest(name)) {
            (Some(text), _) => print_paged(&text),
            (None, Some(near)) => return Err(format!("nothing is called `{name}`; did you mean `{near}`?")),
            (None, None) => return Err(format!("nothing is called `{name}`")),
        }
        Ok(())
    }

    fn edit(&mut self) -> Result<(), String> {
        let last = self.done.last().map_or(String::new(), |done| done.text.clone());
        let text = super::page::edit_text(&last)?;
        if text.trim().is_empty() {
            say!("nothing was written");
            return Ok(());
        }
        say!("{}", neutralise_text(text.trim_end()));
        self.remember(text.trim_end());
        self.statement(&text);
        Ok(())
    }
}

/// Says what a word of the prompt takes, where it is given nothing.
fn wanted(text: &str, word: &str, takes: &str) -> Result<(), String> {
    match text.is_empty() {
        true => Err(format!("write `:{word} {takes}`")),
        false => Ok(()),
    }
}

/// A path without the backslashes that a completed one has before its blanks.
fn plain_path(text: &str) -> String {
    text.replace("\\ ", " ")
}

fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
