use super::ExpandError;
use super::encode::awk_string;
use super::expander::Expander;
use super::here::{Here, ShellVariable, Target};
use super::lines::{all_of, block, comment, indent, scope, single};
use crate::inventory::{NodeName, NodeSet};
use crate::plan::{OnStep, Step, batches};
use crate::syntax::{Expression, Mode, OnOption};
use crate::value::{Type, Value};

/// Sets of more nodes than this become loops.
const MOST_UNROLLED: usize = 32;
/// And so does what would stand in more copies than this.
const MOST_COPIES: usize = 64;
/// How many nodes at once, unless told.
const FAN_OUT: usize = 32;

/// The options of an `on`, as words of the script.
struct Options {
    last: Option<(usize, String)>,
    tolerating: String,
    width: Option<String>,
    before: Vec<Vec<String>>,
}

impl Expander<'_> {
    /// `on NODES MODE, OPTIONS < … >`
    pub fn on(
        &mut self,
        here: &Here,
        step: &Step,
        on: &OnStep,
        gives: bool,
    ) -> Result<Vec<String>, ExpandError> {
        let mut inner = here.clone();
        let options = self.options_of(&mut inner, here, on)?;
        let known = self.constant_nodes(&here.scope, &on.nodes);
        let mut before = Vec::new();
        let (nodes, all, is_empty_known) = match known {
            Some(all) => {
                let nodes = match &self.options.limit {
                    Some(limit) => all.intersection(limit),
                    None => all.clone(),
                };
                if all.is_empty() && !on.or_none {
                    return Ok(vec!["has_nodes ''".to_owned()]);
                }
                if nodes.is_empty() {
                    let empty = "last=$(printf 'T\\036node:n\\037value:*')".to_owned();
                    return Ok(if gives { vec![empty] } else { Vec::new() });
                }
                let words: Vec<String> = nodes.iter().map(ToString::to_string).collect();
                (Some(nodes), words.join(" "), true)
            }
            None => {
                let question = self.ask(here, "put_value", |it, function, here| {
                    it.nodes(function, &here.scope, &on.nodes)
                })?;
                before.push(vec![format!("evaluate {question}")]);
                let name = format!("nodes_{}", self.next());
                before.push(vec![format!("{name}=${{value#N}}")]);
                if !on.or_none {
                    before.push(vec![format!("has_nodes \"${name}\"")]);
                }
                if let Some(limit) = &self.options.limit {
                    let words: Vec<String> = limit.iter().map(ToString::to_string).collect();
                    before.push(vec![format!(
                        "only_nodes \"${name}\" {}",
                        single(&words.join(" "))
                    )]);
                    before.push(vec![format!("{name}=$nodes")]);
                }
                (None, format!("${name}"), false)
            }
        };
        let number = step.id.0;
        let rooted = if inner.as_root { " sudo" } else { "" };
        let begin = match is_empty_known {
            true => format!("begin_on {number} {} '{all}'{rooted}", options.tolerating),
            false => format!("begin_on {number} {} \"{all}\"{rooted}", options.tolerating),
        };
        let mut lines = vec![begin];
        if on.any {
            lines.extend(self.any_node(&inner, on, &all, gives)?);
        } else {
            let body = match &nodes {
                Some(nodes) if options.last.is_none() => self.unrolled(&inner, on, nodes, &options, gives)?,
                _ => None,
            };
            let body = match body {
                Some(body) => body,
                None => self.looped(&inner, on, nodes.as_ref(), &options, gives)?,
            };
            lines.extend(body);
            lines.push("end_on".to_owned());
        }
        let mut opened = block("{", lines, "}");
        if gives && !on.any {
            opened = all_of(vec![opened, vec![format!("gather_values \"{all}\"")]]);
        }
        // The options are asked for only when there is a node.
        let mut wanted = options.before.clone();
        wanted.push(opened);
        let opened = all_of(wanted);
        before.push(match is_empty_known {
            true => opened,
            // An empty set is fine where that is said: then nothing is done.
            false => {
                let mut lines = vec![format!("if [ -n \"{all}\" ]; then")];
                lines.extend(indent(opened));
                lines.push("fi".to_owned());
                lines
            }
        });
        Ok(all_of(before))
    }

    fn options_of(&mut self, inner: &mut Here, here: &Here, on: &OnStep) -> Result<Options, ExpandError> {
        let mut options = Options {
            last: None,
            tolerating: "0".to_owned(),
            width: None,
            before: Vec::new(),
        };
        for option in &on.options {
            match &option.node {
                OnOption::Last(fact) => {
                    let written =
                        crate::diagnostic::Spanned::new(Expression::Name(fact.node.clone()), fact.span);
                    let question = self.ask(here, "put_value", |it, function, here| {
                        let code = it.argument(function, &here.scope, &written, &Type::Nodes)?;
                        Ok(format!("unknown_value({code}, {})", awk_string(&fact.node)))
                    })?;
                    options.last = Some((question, fact.node.clone()));
                }
                OnOption::Tolerating(count) => {
                    let word = self.number_word(here, count, &Type::Int)?;
                    options.before.extend(word.before);
                    options.tolerating = word.text;
                }
                OnOption::AtMost(count) => {
                    let word = self.number_word(here, count, &Type::Int)?;
                    options.before.extend(word.before);
                    options.width = Some(word.text);
                }
                OnOption::AsRoot => inner.as_root = true,
            }
        }
        Ok(options)
    }

    /// The body for one node that is known now, or for the node in hand.
    fn body_on(
        &mut self,
        here: &Here,
        on: &OnStep,
        target: Target,
        gives: bool,
    ) -> Result<Vec<String>, ExpandError> {
        let mut inner = here.clone();
        inner.aim(target.clone());
        let mut before = Vec::new();
        if let Some(each) = &on.each {
            match &target {
                Target::Node(node) => inner.know(each, Value::Node(node.clone())),
                _ => {
                    let name = self.names.take(each);
                    before.push(format!("name_node {name}"));
                    inner.bind(
                        each,
                        ShellVariable {
                            name,
                            is_ready: true,
                            is_single: true,
                            is_secret: false,
                        },
                    );
                }
            }
        }
        let lines = self.steps(&inner, &on.body, gives)?;
        before.extend(scope(lines));
        Ok(before)
    }

    fn fan_out(&self) -> usize {
        match self.options.fan_out {
            0 => FAN_OUT,
            fan_out => fan_out,
        }
    }

    /// The nodes one after another as they stand in the script, if that is short enough.
    fn unrolled(
        &mut self,
        here: &Here,
        on: &OnStep,
        nodes: &NodeSet,
        options: &Options,
        gives: bool,
    ) -> Result<Option<Vec<String>>, ExpandError> {
        let copies = here.copies * nodes.len();
        if self.options.fold || nodes.len() > MOST_UNROLLED || copies > MOST_COPIES {
            return Ok(None);
        }
        let width = match &options.width {
            None => Some(self.fan_out()),
            Some(text) => text.parse().ok(),
        };
        let Some(cut) = self.cut(here, on, nodes) else {
            return Ok(None);
        };
        let most = cut.iter().map(Vec::len).max().unwrap_or(0);
        if width.is_none_or(|width| most > width.max(1)) {
            return Ok(None);
        }
        let mut inner = here.clone();
        inner.copies = copies;
        let mut lines = Vec::new();
        for batch in cut {
            let is_alone = batch.len() == 1;
            for node in batch {
                let body = self.body_on(&inner, on, Target::Node(node.clone()), gives)?;
                lines.push(format!("# ---- {node}"));
                let mut turn = body;
                turn.push("node_ended".to_owned());
                if !is_alone {
                    turn = block("(", turn, ") &");
                }
                lines.extend(block(&format!("if next_node {node}; then"), turn, "fi"));
            }
            if !is_alone {
                lines.push("wait_for_nodes".to_owned());
            }
        }
        Ok(Some(lines))
    }

    /// The batches in which nodes that are known now are taken.
    fn cut(&self, here: &Here, on: &OnStep, nodes: &NodeSet) -> Option<Vec<Vec<NodeName>>> {
        let all = || nodes.iter().cloned().collect::<Vec<NodeName>>();
        Some(match &on.mode {
            Mode::Serially => all().into_iter().map(|node| vec![node]).collect(),
            Mode::InParallel => vec![all()],
            Mode::By(variable) => {
                let domains = self.plan.inventory.domains(nodes, variable);
                domains
                    .into_iter()
                    .map(|(_, nodes)| nodes.iter().cloned().collect())
                    .collect()
            }
            Mode::InBatches(written) => {
                let mut sizes = Vec::new();
                for size in written {
                    sizes.push(match self.constant(&here.scope, size)? {
                        Value::Int(count) if count > 0 => count as usize,
                        Value::Percent(share) if share > 0 => (nodes.len() * share as usize / 10_000).max(1),
                        _ => return None,
                    });
                }
                batches(nodes, &sizes)
            }
        })
    }

    /// The nodes in a loop: their order or their set is found out in the run.
    fn looped(
        &mut self,
        here: &Here,
        on: &OnStep,
        nodes: Option<&NodeSet>,
        options: &Options,
        gives: bool,
    ) -> Result<Vec<String>, ExpandError> {
        let body = self.body_on(here, on, Target::Hand, gives)?;
        let mut turn = body;
        turn.push("node_ended".to_owned());
        let mut lines = vec!["last_nodes=''".to_owned()];
        let mut next = match &options.last {
            Some((question, fact)) => format!("read_last {question} {fact} && "),
            None => String::new(),
        };
        let mut inside = Vec::new();
        match &on.mode {
            Mode::Serially => {
                next.push_str("next_batch 1");
                inside.extend(block("if next_node \"$batch\"; then", turn, "fi"));
                lines.extend(block(&format!("while {next}; do"), inside, "done"));
                return Ok(lines);
            }
            Mode::InParallel => next.push_str("next_batch 1000000"),
            Mode::By(variable) => {
                next.push_str(&format!(
                    "next_batch 1000000 && same_domain {}",
                    self.domain_function(variable)
                ));
            }
            Mode::InBatches(written) => {
                let count = match nodes {
                    Some(nodes) => nodes.len().to_string(),
                    None => "ENVIRON[\"QUORATE_COUNT\"]".to_owned(),
                };
                let question = self.ask(here, "put_sizes", |it, function, here| {
                    let mut list = "\"L\"".to_owned();
                    for size in written {
                        let code = it.expression(function, &here.scope, size)?;
                        list = format!("list_add({list}, {code})");
                    }
                    Ok(format!("{list}, {count}"))
                })?;
                lines.push(format!("read_sizes {question}"));
                next = format!("{}next_size && next_batch \"$size\"", next);
            }
        }
        let width = match &options.width {
            Some(width) => width.clone(),
            None => self.fan_out().to_string(),
        };
        turn.push("claim_node || break".to_owned());
        let hands = block("(", block("while :; do", turn, "done"), ") &");
        inside.push("hands=0".to_owned());
        inside.extend(block(&format!("while next_hand {width}; do"), hands, "done"));
        inside.push("wait_for_nodes".to_owned());
        lines.extend(block(&format!("while {next}; do"), inside, "done"));
        Ok(lines)
    }

    /// `on any`: the first node that answers.
    fn any_node(
        &mut self,
        here: &Here,
        on: &OnStep,
        all: &str,
        gives: bool,
    ) -> Result<Vec<String>, ExpandError> {
        let acts = if on.body.iter().any(Step::acts) {
            "acts"
        } else {
            "''"
        };
        let mut turn = self.body_on(here, on, Target::Hand, gives)?;
        turn.push(format!("any_ended {acts}"));
        let mut lines = vec!["any_rank=0 any_done=''".to_owned()];
        lines.extend(block(&format!("while next_any {acts}; do"), turn, "done"));
        lines.push(format!("end_any \"{all}\""));
        Ok(lines)
    }

    /// The function that tells a node's failure domain; written once for each variable.
    fn domain_function(&mut self, variable: &str) -> String {
        let key = format!("domain {variable}");
        if let Some(name) = self.functions.known(&key) {
            return name;
        }
        let name = self.names.take(&format!("{variable}_of"));
        self.functions.remember(&key, &name);
        self.domains.push(name.clone());
        let all: NodeSet = self
            .plan
            .inventory
            .nodes()
            .map(|node| node.name.clone())
            .collect();
        let mut lines = vec!["own_domain=$1".to_owned(), "case $1 in".to_owned()];
        for (domain, nodes) in self.plan.inventory.domains(&all, variable) {
            let names: Vec<String> = nodes.iter().map(ToString::to_string).collect();
            lines.push(format!(
                "{}) own_domain={} ;;",
                names.join(" | "),
                single(&domain)
            ));
        }
        lines.push("esac".to_owned());
        let mut text = vec![comment(&format!("The {variable} of a node."))];
        text.extend(block(&format!("{name}() {{"), lines, "}"));
        self.shell_functions.push(text);
        name
    }
}
