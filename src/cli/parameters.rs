use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal};
use std::path::Path;

use super::exit::Stop;
use super::streams::say;
use crate::check::{ParameterDefinition, Program};
use crate::inventory::Inventory;
use crate::project::read_text;
use crate::value::{Type, Value};

/// How often a value that does not fit is asked for again.
const ATTEMPTS: usize = 3;

/// Reads `--set NAME=VALUE`.
pub(super) fn read_settings(settings: &[String]) -> Result<BTreeMap<String, String>, Stop> {
    let mut given = BTreeMap::new();
    for setting in settings {
        let Some((name, value)) = setting.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(Stop::Usage(format!("--set {setting}: write NAME=VALUE")));
        };
        if given.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Stop::Usage(format!("--set {name}: it is given twice")));
        }
    }
    Ok(given)
}

/// Reads the secrets that are given as `@FILE`, and tells of those that stand in the command line.
pub(super) fn read_secrets(program: &Program, given: &mut BTreeMap<String, String>) -> Result<(), Stop> {
    let secrets = program
        .parameters
        .iter()
        .filter(|parameter| parameter.kind == Type::Secret);
    for parameter in secrets {
        let name = &parameter.name;
        let Some(text) = given.get_mut(name) else {
            continue;
        };
        let Some(file) = text.strip_prefix('@') else {
            say(&format!(
                "warning: --set {name}: everybody on this machine can see a secret in a command line; write \
                 --set {name}=@FILE, or @- for standard input\n"
            ));
            continue;
        };
        let (_, read) = read_text(Path::new(file))?;
        *text = read.strip_suffix('\n').unwrap_or(&read).to_owned();
    }
    Ok(())
}

/// Asks for the parameters that have no value, or lists them all when nobody is there to answer.
pub(super) fn ask_for_missing(
    program: &Program,
    inventory: &Inventory,
    given: &mut BTreeMap<String, String>,
) -> Result<(), Stop> {
    // A name that means nothing is likely one of the missing; it is told before them.
    let is_known = |name: &String| program.parameters.iter().any(|known| known.name == *name);
    if !given.keys().all(is_known) {
        return Ok(());
    }
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
        say(&format!("{} ({}): ", parameter.name, describe(parameter)));
        let Some(line) = read_line(parameter.kind == Type::Secret) else {
            break;
        };
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

/// A line that is typed; one that is a secret is not seen.
fn read_line(is_secret: bool) -> Option<String> {
    if is_secret {
        let line = rpassword::read_password().ok()?;
        say("\n");
        return Some(line);
    }
    let mut line = String::new();
    let count = io::stdin().lock().read_line(&mut line).unwrap_or(0);
    (count > 0).then_some(line)
}

fn describe(parameter: &ParameterDefinition) -> String {
    match &parameter.says {
        Some(says) => format!("{}: {says}", parameter.kind),
        None => parameter.kind.to_string(),
    }
}
