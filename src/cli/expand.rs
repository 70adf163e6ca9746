use super::arguments::{Color, ExpandFlags};
use super::exit::{Exit, Stop};
use super::parameters::{ask_for_missing, read_settings};
use super::streams::{error_style, print, say};
use crate::expand::Expansion;
use crate::project::{
    InventoryChoice, Project, check_overrides, drop_overridden, read_limit, read_overrides,
};
use crate::value::Type;

/// Writes a runbook as a plain shell script.
pub(super) fn expand_script(flags: &ExpandFlags, color: Color) -> Result<Exit, Stop> {
    let style = error_style(color);
    let mut given = read_settings(&flags.set)?;
    let (mut project, mut problems) = Project::open(&flags.file, &flags.cluster())?;
    if flags.cluster() == InventoryChoice::FoundOrSimulated && project.is_simulated() {
        say("no inventory was found: expanded for the simulated cluster\n");
    }
    let inventory = project.inventory().clone();
    let limit = flags
        .limit
        .as_deref()
        .map(|text| read_limit(text, &inventory))
        .transpose()?;
    let overrides = read_overrides(&flags.overrides, &inventory)?;
    let dropped = match project.program() {
        Some(_) => drop_overridden(&mut problems, &overrides),
        None => Vec::new(),
    };
    say(&project.render(&problems, style));
    let Some(program) = project.program().cloned().filter(|_| !problems.has_errors()) else {
        return Ok(Exit::NotChecked);
    };
    let secrets = program
        .parameters
        .iter()
        .filter(|parameter| parameter.kind == Type::Secret);
    for secret in secrets {
        // It is never written down, so any text will do in its place.
        given.insert(secret.name.clone(), String::new());
    }
    ask_for_missing(&program, &inventory, &mut given)?;
    let mut problems = project.check_given(&given);
    let mut dropped = dropped;
    dropped.extend(drop_overridden(&mut problems, &overrides));
    check_overrides(&overrides, &dropped, &program)?;
    say(&project.render(&problems, style));
    if problems.has_errors() {
        return Ok(Exit::NotChecked);
    }
    let plan = match project.plan(&given) {
        Ok(plan) => plan,
        Err(error) => {
            say(&project.render_plan_error(error, style));
            return Ok(Exit::Usage);
        }
    };
    let expansion = Expansion {
        file: flags.file.display().to_string(),
        inventory: project.inventory_name(),
        fold: flags.fold,
        limit,
        fan_out: usize::from(flags.fanout.unwrap_or(0)),
        timeout: flags.timeout,
        overrides: overrides
            .into_iter()
            .map(|known| (known.name, known.node, known.why))
            .collect(),
        given,
        without_lock: flags.without_lock.clone(),
        ..Expansion::default()
    };
    match project.expand(&plan, expansion) {
        Ok(text) => {
            print(&text)?;
            Ok(Exit::Done)
        }
        Err(error) => {
            say(&project.render_finding(error, style));
            Ok(Exit::NotChecked)
        }
    }
}
