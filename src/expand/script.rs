use std::collections::BTreeMap;
use std::time::Duration;

use super::ExpandError;
use super::encode::{awk_string, encode_type};
use super::expander::Expander;
use super::here::{Here, ShellVariable, Target};
use super::lines::{all_of, block, comment, scope, single};
use super::lock::{check_lock, takes_lock};
use super::names::Library;
use super::own::{function, secrets_function};
use super::step::is_single;
use super::{inventory_tables, library_for, shell_library};
use crate::diagnostic::SourceMap;
use crate::inventory::{NodeName, NodeSet};
use crate::plan::Plan;
use crate::value::{Type, Value};

/// The variables that the shell library keeps, and what they are at the beginning.
const VARIABLES: [(&str, &str); 39] = [
    ("node", "''"),
    ("body", "0"),
    ("begun", "0"),
    ("depth", "0"),
    ("on", "''"),
    ("tolerated", "0"),
    ("starts", "''"),
    ("on_nodes", "''"),
    ("local", "''"),
    ("batch", "''"),
    ("last_nodes", "''"),
    ("sizes", "''"),
    ("hands", "0"),
    ("any_rank", "0"),
    ("any_done", "''"),
    ("last", "t"),
    ("kind", "''"),
    ("trouble", "''"),
    ("help", "''"),
    ("trouble_node", "''"),
    ("cleanups", "''"),
    ("cleaning", "''"),
    ("deadline", "''"),
    ("deadlines", "''"),
    ("retries", "''"),
    ("firsts", "''"),
    ("first_kinds", "''"),
    ("outage", "''"),
    ("outages", "''"),
    ("losing", "''"),
    ("lost", "''"),
    ("due", "''"),
    ("together", "''"),
    ("held", "''"),
    ("key", "''"),
    ("in_section", "''"),
    ("instance", "''"),
    ("skip_held", "''"),
    ("as_root", "''"),
];
/// Those of them that each `on` has for itself.
const SAVED: [&str; 14] = [
    "node",
    "body",
    "on",
    "tolerated",
    "starts",
    "on_nodes",
    "local",
    "batch",
    "last_nodes",
    "sizes",
    "hands",
    "any_rank",
    "any_done",
    "as_root",
];

/// How a plan is expanded.
#[derive(Debug, Clone, Default)]
pub struct Expansion {
    /// The runbook's file, as it was given.
    pub file: String,
    /// Where the inventory comes from, in words.
    pub inventory: String,
    /// What the runbook says of itself, in lines.
    pub about: Vec<String>,
    /// Loops instead of a copy for each node.
    pub fold: bool,
    /// Only these nodes are acted on.
    pub limit: Option<NodeSet>,
    /// How many nodes at once at most; 0 is 32.
    pub fan_out: usize,
    /// How long an act may take that does not say itself.
    pub timeout: Option<Duration>,
    /// Guards, findings and budgets that are overridden: the name, on which node only, and why.
    pub overrides: Vec<(String, Option<NodeName>, String)>,
    /// The parameters as they were given, as text.
    pub given: BTreeMap<String, String>,
    /// Why the script takes no maintenance lock.
    pub without_lock: Option<String>,
}

/// Writes a plan as a plain POSIX shell script.
///
/// # Errors
///
/// [`ExpandError`] for what cannot be said in one.
pub fn expand_plan(plan: &Plan, sources: &SourceMap, options: &Expansion) -> Result<String, ExpandError> {
    check_lock(plan, options)?;
    let mut expander = Expander::new(plan, sources, options);
    let mut here = Here::fresh(&plan.program.module, Target::Nowhere);
    let parameters = expander.parameters_of(&mut here)?;
    let compared = expander.compare_inventory()?;
    let steps = expander.steps(&here, &plan.steps, false)?;
    let mut body = compared;
    body.push(block("{", scope(steps), "}"));
    let runbook = block("runbook() {", all_of(body), "}");
    let services = expander.write_services()?;
    Ok(expander.put_together(&parameters, runbook, &services))
}

/// The parameters of a script, in its parts.
struct Parameters {
    /// The variables at the top.
    top: Vec<String>,
    /// What `NAME=VALUE` on the command line sets: the name, and the variable.
    named: Vec<(String, String)>,
    /// What reads them.
    read: Vec<String>,
    /// The secrets among them.
    secrets: Vec<String>,
    /// The variables that hold them.
    bound: Vec<String>,
}

impl Expander<'_> {
    fn parameters_of(&mut self, here: &mut Here) -> Result<Parameters, ExpandError> {
        let mut parameters = Parameters {
            top: Vec::new(),
            named: Vec::new(),
            read: Vec::new(),
            secrets: Vec::new(),
            bound: Vec::new(),
        };
        let definitions = self.plan.program.parameters.clone();
        for (definition, (name, value)) in definitions.iter().zip(&self.plan.arguments) {
            let says = definition
                .says
                .clone()
                .map_or(String::new(), |says| format!(": {says}"));
            let about = format!("{name}: {}{says}", definition.kind);
            let is_of_services = matches!(definition.kind, Type::Service)
                || matches!(&definition.kind, Type::List(inner) if **inner == Type::Service);
            // Which commands there are hangs on services, and some lists cannot be written as `--set` takes them.
            if is_of_services || (!self.options.given.contains_key(name) && falls_apart(value)) {
                parameters.top.push(comment(&format!(
                    "{about}; {name} is {value}, as it was when this was written"
                )));
                here.know(name, value.clone());
                continue;
            }
            let variable = self.names.take(name);
            parameters.bound.push(variable.clone());
            let is_secret = definition.kind == Type::Secret;
            here.bind(
                name,
                ShellVariable {
                    name: variable.clone(),
                    is_ready: is_single(&definition.kind),
                    is_single: is_single(&definition.kind),
                    is_secret,
                },
            );
            if is_secret {
                let mut named = format!("{name}_file");
                while definitions.iter().any(|other| other.name == named) {
                    named.push_str("_file");
                }
                let file = self.names.take(&named);
                parameters
                    .top
                    .push(comment(&format!("{about}; read from this file, else asked for")));
                parameters.top.push(format!("{file}=''"));
                parameters
                    .read
                    .push(format!("read_secret {name}= \"${file}\" {named}"));
                parameters.read.push(format!("{variable}=$secret"));
                parameters.named.push((named, file));
                parameters.secrets.push(variable);
                continue;
            }
            let text = match self.options.given.get(name) {
                Some(text) => text.clone(),
                None => written(value),
            };
            parameters.top.push(comment(&about));
            parameters.top.push(format!("{variable}={}", single(&text)));
            parameters.named.push((name.clone(), variable.clone()));
            let code = format!(
                "read_value(ENVIRON[\"QUORATE_VALUE\"], {})",
                awk_string(&encode_type(&definition.kind))
            );
            let question = self.questions.add("put_value", &code);
            let one = if is_single(&definition.kind) { "yes" } else { "''" };
            parameters.read.push(format!(
                "read_parameter {variable} \"${variable}\" {question} {one} {name}="
            ));
        }
        Ok(parameters)
    }

    fn put_together(
        &mut self,
        parameters: &Parameters,
        runbook: Vec<String>,
        services: &[Vec<String>],
    ) -> String {
        // What is done, and what blocks owe.
        let mut done = vec![runbook];
        done.extend(self.cleanups.iter().map(|(_, lines)| lines.clone()));
        let mut own = vec![
            self.groups_function(),
            self.overrides_function(),
            self.log_in_function(),
            secrets_function(&parameters.secrets),
        ];
        own.extend(self.dispatchers());
        own.extend(self.shell_functions.clone());
        let main = self.main(parameters);
        let texts = shell_library(takes_lock(self.plan, self.options));
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let parts = [
            Library::of(&done),
            Library::of(services),
            Library::of(&own),
            Library::read(&texts),
        ];
        let used = Library::joined(&parts).names_used_by(&main.join("\n"));
        let [runbook, services, own, shell] = parts.map(|part| part.only(&used));
        let given: Vec<&str> = parameters.bound.iter().map(String::as_str).collect();
        let bound = self.names.given().filter(|name| !given.contains(name));
        let start = initial_values(&[&runbook, &services, &own, &shell], bound);
        let functions = self.functions.text();
        let questions = self.questions.text();
        let inventory = inventory_tables(&self.plan.inventory);
        let library = library_for(&format!("{functions}\n{questions}\n{inventory}"));
        let mut head = self.header(parameters);
        head.extend(needed_programs(&library));
        let sections = [
            head.join("\n"),
            title("What is done, in order"),
            runbook,
            title("What the services may lose, and what is asked around them"),
            services,
            title(
                "Facts, guards and conditions: an awk program, and the questions that are put to it by number",
            ),
            format!("awk_of_runbook() {{\n    cat <<'END_OF_AWK'\n{functions}\n{questions}END_OF_AWK\n}}"),
            title("How things are done; nothing here says what is done"),
            own,
            start,
            shell,
            self.lock_function().join("\n"),
            format!("awk_library() {{\n    cat <<'END_OF_AWK'\n{inventory}\n{library}END_OF_AWK\n}}"),
            main.join("\n"),
        ];
        let sections = sections.into_iter().map(|section| section.trim_end().to_owned());
        let kept: Vec<String> = sections.filter(|section| !section.is_empty()).collect();
        let mut text = kept.join("\n\n");
        text.push('\n');
        text
    }

    fn header(&self, parameters: &Parameters) -> Vec<String> {
        let inventory = &self.plan.inventory;
        let title = self
            .plan
            .program
            .title
            .clone()
            .unwrap_or_else(|| self.options.file.clone());
        let mut lines = vec![
            "#!/bin/sh".to_owned(),
            comment(&format!("{title}, for the cluster {}", inventory.name)),
        ];
        if inventory.is_simulated {
            lines.push("# SIMULATED: the nodes are those of quorate's simulated cluster.".to_owned());
        }
        lines.push("#".to_owned());
        lines.extend(self.options.about.iter().map(|line| comment(line)));
        if !self.options.about.is_empty() {
            lines.push("#".to_owned());
        }
        let settings: String = parameters
            .named
            .iter()
            .map(|(name, _)| format!(" [{name}=VALUE]"))
            .collect();
        lines.push(comment(&format!(
            "Written by quorate {} from {} and {}.",
            env!("CARGO_PKG_VERSION"),
            self.options.file,
            self.options.inventory
        )));
        lines.push(
            "# It does what `quorate run` does with them, and needs a POSIX shell, awk, ssh and timeout."
                .to_owned(),
        );
        lines.extend(
            [
                "#".to_owned(),
                format!("# How to run it:  sh FILE{settings}"),
                "#   QUORATE_YES=1                    answers each `confirm` with yes".to_owned(),
                "#   QUORATE_ANSWERS='NAME=yes ...'   answers questions by their names".to_owned(),
                "#   QUORATE_ASK=PROGRAM              asks PROGRAM KIND NAME NODE TEXT, which prints yes, no or later".to_owned(),
            ],
        );
        lines.extend(self.lock_header());
        lines.extend(
            [
                "# How it ends: 0 done, 1 a step failed, 2 usage, 4 a guard refused, 5 a node could not be reached,".to_owned(),
                "#   6 an outcome is unknown, 8 declined, 9 parked at a manual step, 130 interrupted.".to_owned(),
                "#".to_owned(),
                "# Each line `ssh NODE 'command'` is carried out on that node, in the order in which it stands here;".to_owned(),
                "# a line `limit=...` before it sets how long it may take. Steps stand under FILE:LINE of the runbook.".to_owned(),
                "# `require N` and `wait_until N` put question N to the facts and guards below.".to_owned(),
                "LC_ALL=C".to_owned(),
                "export LC_ALL".to_owned(),
                String::new(),
                format!("cluster={}", single(&inventory.name)),
            ],
        );
        lines.extend(parameters.top.clone());
        lines
    }

    /// What runs everything; it stands last, since the shell must know all functions before.
    fn main(&self, parameters: &Parameters) -> Vec<String> {
        let mut lines = vec![
            format!(
                "fan_out={}",
                if self.options.fan_out == 0 {
                    32
                } else {
                    self.options.fan_out
                }
            ),
            format!(
                "act_limit={}",
                self.options
                    .timeout
                    .map_or(300, |timeout| timeout.as_secs().max(1))
            ),
            format!(
                "simulated={}",
                if self.plan.inventory.is_simulated {
                    "yes"
                } else {
                    "''"
                }
            ),
        ];
        let ssh = &self.plan.inventory.ssh;
        let seconds =
            |length: Option<Duration>, usual: u64| length.map_or(usual, |length| length.as_secs().max(1));
        lines.push(format!("connect_limit={}", seconds(ssh.connect_limit, 10)));
        lines.push(format!("alive_interval={}", seconds(ssh.alive_interval, 15)));
        let local = self.plan.inventory.nodes().filter(|node| node.login.is_local);
        let local: Vec<&str> = local.map(|node| node.name.as_str()).collect();
        lines.push(format!("local_nodes={}", single(&local.join(" "))));
        lines.extend(self.lock_settings());
        let mut choices: Vec<String> = parameters
            .named
            .iter()
            .map(|(name, variable)| format!("{name}=*) {variable}=${{argument#*=}} ;;"))
            .collect();
        choices.push("*)".to_owned());
        choices.push(
            "    printf '%s\\n' \"$argument: no such parameter; see the head of this script\" >&2".to_owned(),
        );
        choices.push("    exit 2".to_owned());
        choices.push("    ;;".to_owned());
        lines.extend(block(
            "for argument in \"$@\"; do",
            block("case $argument in", choices, "esac")
                .into_iter()
                .map(|line| line.strip_prefix("    ").map_or(line.clone(), str::to_owned))
                .collect(),
            "done",
        ));
        lines.push("start".to_owned());
        lines.extend(parameters.read.clone());
        let title = self.plan.program.title.clone().unwrap_or_default();
        let simulated = if self.plan.inventory.is_simulated {
            "  SIMULATED"
        } else {
            ""
        };
        lines.push(format!(
            "say {}",
            single(format!("cluster {}{simulated}  runbook {title}", self.plan.inventory.name).trim_end())
        ));
        lines.push("run_shielded".to_owned());
        lines
    }
}

/// The function that gives variables their first values, those that a script reads.
fn initial_values<'a>(texts: &[&str], bound: impl Iterator<Item = &'a str>) -> String {
    let lines_of = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        lines.map(|line| line.replace("\\$", "")).collect()
    };
    let code = texts
        .iter()
        .flat_map(|text| lines_of(text))
        .collect::<Vec<_>>()
        .join("\n");
    let is_read = |name: &str| {
        [format!("${name}"), format!("${{{name}")].iter().any(|used| {
            code.match_indices(used.as_str()).any(|(at, _)| {
                let after = code[at + used.len()..].chars().next();
                !after.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            })
        })
    };
    let saved: Vec<&str> = SAVED.into_iter().filter(|name| is_read(name)).collect();
    let mut lines: Vec<String> = VARIABLES
        .iter()
        .filter(|(name, _)| is_read(name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    lines.extend(
        bound
            .filter(|name| is_read(name))
            .map(|name| format!("{name}=''")),
    );
    lines.push(format!("saved_names={}", single(&saved.join(" "))));
    function("What is true at the beginning.", "set_initial_values", lines).join("\n")
}

/// Refuses to begin where a program is missing.
fn needed_programs(library: &str) -> Vec<String> {
    let json = if library.contains("function json_program(") {
        " jq"
    } else {
        ""
    };
    let refusal = [
        "if ! command -v \"$program\" >/dev/null; then",
        "    printf '%s\\n' \"this script needs $program, which is not installed here\" >&2",
        "    exit 2",
        "fi",
    ];
    let refusal = refusal.map(str::to_owned).to_vec();
    let mut lines = vec![String::new()];
    lines.extend(block(
        &format!("for program in awk ssh timeout{json}; do"),
        refusal,
        "done",
    ));
    lines
}

fn title(text: &str) -> String {
    format!("# ==== {text}")
}

/// Whether a list has items that `--set` would take apart.
fn falls_apart(value: &Value) -> bool {
    let Value::List(items) = value else {
        return false;
    };
    items.iter().map(Value::to_string).any(|item| {
        item.is_empty() || item.contains(|letter: char| letter.is_whitespace() || "[],\"'".contains(letter))
    })
}

/// A value as `--set` takes it.
fn written(value: &Value) -> String {
    match value {
        Value::List(values) => {
            let words: Vec<String> = values.iter().map(Value::to_string).collect();
            words.join(" ")
        }
        other => other.to_string(),
    }
}
