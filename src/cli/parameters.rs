use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal};

use super::exit::Stop;
use super::streams::say;
use crate::check::{ParameterDefinition, Program};
use crate::inventory::Inventory;
use crate::value::{Type, Value};

/// How often a value that does not fit is asked for again.
const ATTEMPTS: usize = 3;

/// Reads `--set NAME=VALUE`.
pub(super) fn read_settings(settings: &[String]) -> Result<BTreeMap<String, String>, Stop> {
    let mut given = BTreeMap::new();
    for setting in settings {
        let Some((name, value)) = setting.split_once('=') else {
            return Err(Stop::Usage(format!("--set {setting}: write NAME=VALUE")));
        };
        if given.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Stop::Usage(format!("--set {name}: it is given twice")));
        }
    }
    Ok(given)
}

/// Asks for the parameters that have no value, or lists them all when nobody is there to answer.
pub(super) fn ask_for_missing(
    program: &Program,
    inventory: &Inventory,
    given: &mut BTreeMap<String, String>,
) -> Result<(), Stop> {
    let missing: Vec<&ParameterDefinition> = program
        .parameters
        .iter()
        .filter(|parameter| parameter.default.is_none() && !given.contains_key(&parameter.name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let lines: Vec<String> = missing
            .iter()
            .map(|parameter| format!("\n  --set {}=…  {}", parameter.name, describe(parameter)))
            .collect();
        let verb = if missing.len() == 1 {
            "a parameter has"
        } else {
            "parameters have"
        };
        return Err(Stop::Usage(format!("{verb} no value; give:{}", lines.concat())));
    }
    for parameter in missing {
        given.insert(parameter.name.clone(), ask(parameter, inventory)?);
    }
    Ok(())
}

fn ask(parameter: &ParameterDefinition, inventory: &Inventory) -> Result<String, Stop> {
    for _ in 0..ATTEMPTS {
        let seen = if parameter.kind == Type::Secret {
            "; it is seen as you type"
        } else {
            ""
        };
        say(&format!("{} ({}{seen}): ", parameter.name, describe(parameter)));
        let mut line = String::new();
        let count = io::stdin().lock().read_line(&mut line).unwrap_or(0);
        if count == 0 {
            break;
        }
        let text = line.trim();
        match Value::read(text, &parameter.kind, &|name| inventory.find(name)) {
            Ok(_) if !text.is_empty() => return Ok(text.to_owned()),
            Ok(_) => {}
            Err(error) => say(&format!("{error}\n")),
        }
    }
    Err(Stop::Usage(format!(
        "parameter `{}` has no value",
        parameter.name
    )))
}

fn describe(parameter: &ParameterDefinition) -> String {
    match &parameter.says {
        Some(says) => format!("{}: {says}", parameter.kind),
        None => parameter.kind.to_string(),
    }
}
