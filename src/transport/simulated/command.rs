//! Command texts: as much of a shell as runbooks use, and the table of programs.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use super::tools::{clients, filters, host, packages, services, storage};
use super::world::World;
use crate::transport::Outcome;

/// A program in the middle of its work.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub host: usize,
    /// The program and its arguments.
    pub words: Vec<String>,
    pub input: String,
    /// How often it was asked before.
    pub stage: u32,
    pub began: Duration,
}

/// How far a program has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// It has ended.
    Done(Outcome),
    /// It is to be asked again after a while.
    Wait(Duration),
}

impl Task {
    /// The arguments.
    pub fn arguments(&self) -> Vec<&str> {
        self.words.iter().skip(1).map(String::as_str).collect()
    }

    /// Whether the program has not yet taken its time.
    pub fn is_first(&self) -> bool {
        self.stage == 0
    }
}

/// An outcome without a word.
pub(super) fn quiet(status: i32) -> Progress {
    Progress::Done(Outcome {
        status,
        output: String::new(),
        errors: String::new(),
    })
}

/// A good outcome that prints.
pub(super) fn print(output: impl Into<String>) -> Progress {
    Progress::Done(Outcome {
        status: 0,
        output: output.into(),
        errors: String::new(),
    })
}

/// A bad outcome that complains.
pub(super) fn complain(status: i32, errors: impl Into<String>) -> Progress {
    let mut errors = errors.into();
    errors.push('\n');
    Progress::Done(Outcome {
        status,
        output: String::new(),
        errors,
    })
}

/// What a command ends with that the simulation does not know.
pub(super) fn not_modelled(name: &str) -> Progress {
    complain(127, format!("sh: {name}: not modelled by the simulated cluster"))
}

impl World {
    /// Asks a program how far it has come.
    pub fn ask_program(&mut self, task: &Task) -> Progress {
        let name = task.words.first().map_or("", String::as_str);
        let name = name.rsplit('/').next().unwrap_or(name);
        let is_filter = filters::NAMES.contains(&name);
        if is_filter && !(name == "cat" && task.words.len() > 1) {
            return filters::filter(name, task);
        }
        let cost = cost_of(name, &task.words);
        if task.is_first() {
            return Progress::Wait(cost);
        }
        match name {
            "service" => services::run_service(self, task),
            "chkconfig" => services::run_chkconfig(self, task),
            "pstorage" | "vstorage" => storage::run_storage(self, task),
            "pstorage-mount" | "vstorage-mount" => services::run_mount_helper(self, task),
            "shaman" => clients::run_shaman(self, task),
            "pstorage-iscsi" | "vstorage-iscsi" => clients::run_iscsi(self, task),
            "yum" => packages::run_yum(self, task),
            "rpm" => packages::run_rpm(self, task),
            "simulated-services" => print(self.write_declared()),
            _ => host::run_tool(self, task, name),
        }
    }
}

/// How long a program takes when nothing holds it up.
fn cost_of(name: &str, words: &[String]) -> Duration {
    let has = |word: &str| words.iter().any(|given| given == word);
    let milliseconds = match name {
        "service" if has("restart") => 1_500,
        "service" if has("start") || has("stop") => 2_000,
        "yum" if has("update") || has("install") || has("upgrade") => 60_000,
        "yum" => 3_000,
        "pstorage" | "vstorage" if has("stat") || has("top") => 50,
        "pstorage" | "vstorage" => 300,
        "smartctl" | "mount" | "umount" | "fuser" => 200,
        "sleep" => return host::read_sleep(words),
        _ => 50,
    };
    Duration::from_millis(milliseconds)
}

/// What joins a pipeline to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    Always,
    IfGood,
    IfBad,
}

/// Programs whose outputs feed one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pipeline {
    pub joint: Joint,
    pub is_negated: bool,
    pub commands: Vec<Simple>,
}

/// One program, its arguments, and where its words go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Simple {
    pub words: Vec<String>,
    pub output_to: Option<String>,
    pub drops_errors: bool,
    pub errors_to_output: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Operator(&'static str),
}

/// Most command texts that are kept read; with more than these, all are let go at once.
const MOST_KEPT: usize = 4_096;

thread_local! {
    /// A rehearsal sends the same few texts again and again.
    static READ: RefCell<HashMap<String, Rc<[Pipeline]>>> = RefCell::default();
}

/// Reads a command text; the same one is read once.
///
/// # Errors
///
/// A text that no shell would take, or that needs more of a shell than is modelled.
pub(super) fn read_command(text: &str) -> Result<Rc<[Pipeline]>, String> {
    let known = READ.with_borrow(|read| read.get(text).cloned());
    if let Some(known) = known {
        return Ok(known);
    }
    let pipelines: Rc<[Pipeline]> = read_pipelines(text)?.into();
    READ.with_borrow_mut(|read| {
        if read.len() >= MOST_KEPT {
            read.clear();
        }
        read.insert(text.to_owned(), Rc::clone(&pipelines));
    });
    Ok(pipelines)
}

fn read_pipelines(text: &str) -> Result<Vec<Pipeline>, String> {
    let mut pipelines = Vec::new();
    let mut joint = Joint::Always;
    let mut commands = Vec::new();
    let mut simple = Simple::default();
    let mut tokens = split_tokens(text)?.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) => simple.words.push(word),
            Token::Operator("2>&1") => simple.errors_to_output = true,
            Token::Operator("1>&2") => simple.output_to = Some("/dev/stderr".to_owned()),
            Token::Operator(redirection @ (">" | "2>" | "&>" | "<")) => {
                let Some(Token::Word(target)) = tokens.next() else {
                    return Err(format!("syntax error after `{redirection}`"));
                };
                redirect(&mut simple, redirection, target)?;
            }
            Token::Operator("|") => commands.push(std::mem::take(&mut simple)),
            Token::Operator(operator) => {
                commands.push(std::mem::take(&mut simple));
                push_pipeline(&mut pipelines, joint, std::mem::take(&mut commands))?;
                joint = match operator {
                    "&&" => Joint::IfGood,
                    "||" => Joint::IfBad,
                    _ => Joint::Always,
                };
            }
        }
    }
    commands.push(simple);
    push_pipeline(&mut pipelines, joint, commands)?;
    Ok(pipelines)
}

fn redirect(simple: &mut Simple, redirection: &str, target: String) -> Result<(), String> {
    match redirection {
        ">" => simple.output_to = Some(target),
        "2>" if target == "/dev/null" => simple.drops_errors = true,
        "&>" if target == "/dev/null" => {
            simple.drops_errors = true;
            simple.output_to = Some(target);
        }
        "<" if target == "/dev/null" => {}
        _ => {
            return Err(format!(
                "`{redirection} {target}`: not modelled by the simulated cluster"
            ));
        }
    }
    Ok(())
}

fn push_pipeline(pipelines: &mut Vec<Pipeline>, joint: Joint, commands: Vec<Simple>) -> Result<(), String> {
    let mut commands: Vec<Simple> = commands;
    if commands.iter().all(|simple| simple.words.is_empty()) && commands.len() == 1 {
        return if joint == Joint::Always {
            Ok(())
        } else {
            Err("syntax error: a command is missing".to_owned())
        };
    }
    if commands.iter().any(|simple| simple.words.is_empty()) {
        return Err("syntax error: a command is missing".to_owned());
    }
    let is_negated = commands[0].words[0] == "!";
    if is_negated {
        commands[0].words.remove(0);
    }
    for simple in &mut commands {
        drop_prefixes(&mut simple.words);
    }
    pipelines.push(Pipeline {
        joint,
        is_negated,
        commands,
    });
    Ok(())
}

/// Takes away what only says as whom and in which locale a program runs.
fn drop_prefixes(words: &mut Vec<String>) {
    loop {
        let first = words.first().map_or("", String::as_str);
        let count = match first {
            "sudo" => 1 + words[1..].iter().take_while(|word| word.starts_with('-')).count(),
            "env" | "exec" | "command" | "nohup" => 1,
            "timeout" | "nice" => 2,
            _ if is_assignment(first) => 1,
            _ => return,
        };
        if count >= words.len() {
            return;
        }
        words.drain(..count);
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    })
}

/// Operators, the longest first.
const OPERATORS: [&str; 11] = ["2>&1", "1>&2", "&&", "||", "2>", "&>", "|", ";", "\n", ">", "<"];

fn split_tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut word: Option<String> = None;
    while let Some(letter) = rest.chars().next() {
        let at_start = word.is_none();
        let operator = OPERATORS.into_iter().find(|operator| {
            rest.starts_with(operator) && (at_start || !operator.starts_with(|it: char| it.is_ascii_digit()))
        });
        if let Some(operator) = operator {
            tokens.extend(word.take().map(Token::Word));
            tokens.push(Token::Operator(operator));
            rest = &rest[operator.len()..];
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        match letter {
            ' ' | '\t' | '\r' => tokens.extend(word.take().map(Token::Word)),
            '#' if at_start => rest = &rest[rest.find('\n').unwrap_or(rest.len())..],
            '\'' => {
                let end = rest.find('\'').ok_or("syntax error: a ' is not closed")?;
                word.get_or_insert_default().push_str(&rest[..end]);
                rest = &rest[end + 1..];
            }
            '"' => rest = read_double_quoted(rest, word.get_or_insert_default())?,
            '\\' => {
                let next = rest.chars().next().ok_or("syntax error: nothing after \\")?;
                rest = &rest[next.len_utf8()..];
                if next != '\n' {
                    word.get_or_insert_default().push(next);
                }
            }
            '$' | '`' | '(' | ')' | '&' => {
                return Err(format!("`{letter}`: not modelled by the simulated cluster"));
            }
            _ => word.get_or_insert_default().push(letter),
        }
    }
    tokens.extend(word.map(Token::Word));
    Ok(tokens)
}

fn read_double_quoted<'a>(mut rest: &'a str, word: &mut String) -> Result<&'a str, String> {
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '"' => return Ok(rest),
            '\\' => {
                let next = rest.chars().next().unwrap_or('\\');
                rest = rest.get(next.len_utf8()..).unwrap_or("");
                if !matches!(next, '"' | '\\' | '$' | '`') {
                    word.push('\\');
                }
                word.push(next);
            }
            '`' => return Err("`: not modelled by the simulated cluster".to_owned()),
            '$' if rest.starts_with(|next: char| next.is_alphanumeric() || "_({".contains(next)) => {
                return Err("`$`: not modelled by the simulated cluster".to_owned());
            }
            _ => word.push(letter),
        }
    }
    Err("syntax error: a \" is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Joint, read_command};

    #[test]
    fn commands_are_read_as_a_shell_reads_them() {
        let cases: [(&str, &[&[&str]]); 6] = [
            ("echo 'a b' \"c\\\"d\" e\\ f", &[&["echo", "a b", "c\"d", "e f"]]),
            ("sudo -n service vz stop", &[&["service", "vz", "stop"]]),
            (
                "LC_ALL=C env X=1 pstorage -c pcs1 stat",
                &[&["pstorage", "-c", "pcs1", "stat"]],
            ),
            ("true; false # no more", &[&["true"], &["false"]]),
            ("test -e /a 2>/dev/null", &[&["test", "-e", "/a"]]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            let read = read_command(text).expect("it is well formed");
            let words: Vec<Vec<String>> = read.iter().map(|it| it.commands[0].words.clone()).collect();
            assert_eq!(words, expected, "{text}");
        }
    }

    #[test]
    fn joints_and_pipes_are_kept() {
        let read = read_command("a && b || c | d").expect("it is well formed");
        let joints: Vec<Joint> = read.iter().map(|it| it.joint).collect();
        assert_eq!(joints, [Joint::Always, Joint::IfGood, Joint::IfBad]);
        assert_eq!(read[2].commands.len(), 2);
    }

    #[test]
    fn what_is_not_modelled_is_said() {
        for text in ["echo $HOME", "echo \"$(id)\"", "a &", "a 'b", "a &&", "| b"] {
            assert!(read_command(text).is_err(), "{text}");
        }
    }
}
