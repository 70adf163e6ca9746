use std::collections::BTreeMap;
use std::path::Path;

use super::arguments::{Color, RunFlags, SshProgram};
use super::conduct::{Ready, carry_out};
use super::exit::{Exit, Stop};
use super::parameters::{ask_for_missing, read_secrets, read_settings};
use super::streams::{error_style, say};
use crate::diagnostic::{Style, nearest};
use crate::plan::Plan;
use crate::project::{Given, Project, check_overrides, drop_overridden, read_limit, read_overrides};
use crate::run::RunOptions;
use crate::transport::Answers;

/// Carries a runbook out.
pub(super) fn run_script(flags: &RunFlags, color: Color) -> Result<Exit, Stop> {
    match prepare(flags, error_style(color))? {
        Ok(ready) => carry_out(&flags.telling(), color, ready),
        Err(exit) => Ok(exit),
    }
}

/// Reads, checks and lays out; the exit code when that has said what is wrong.
fn prepare(flags: &RunFlags, style: Style) -> Result<Result<Ready, Exit>, Stop> {
    check_ssh_config(flags.ssh_config.as_deref())?;
    let mut given = read_settings(&flags.set)?;
    let named = read_answers(&flags.answer)?;
    let (mut project, mut problems) = Project::open(&flags.file, &flags.cluster())?;
    let inventory = project.inventory().clone();
    let limit = flags
        .limit
        .as_deref()
        .map(|text| read_limit(text, &inventory))
        .transpose()?;
    let overrides = read_overrides(&flags.overrides, &inventory)?;
    let mut dropped = match project.program() {
        Some(_) => drop_overridden(&mut problems, &overrides),
        None => Vec::new(),
    };
    say(&project.render(&problems, style));
    let Some(program) = project.program().cloned() else {
        return Ok(Err(Exit::NotChecked));
    };
    if problems.has_errors() {
        check_overrides(&overrides, &dropped, &program)?;
        return Ok(Err(Exit::NotChecked));
    }
    read_secrets(&program, &mut given)?;
    ask_for_missing(&program, &inventory, &mut given)?;
    let mut problems = project.check_given(&given);
    dropped.extend(drop_overridden(&mut problems, &overrides));
    check_overrides(&overrides, &dropped, &program)?;
    say(&project.render(&problems, style));
    if problems.has_errors() {
        return Ok(Err(Exit::NotChecked));
    }
    let plan = match project.plan(&given) {
        Ok(plan) => plan,
        Err(error) => {
            say(&project.render_plan_error(error, style));
            return Ok(Err(Exit::Usage));
        }
    };
    check_answers(&named, &plan)?;
    let options = RunOptions {
        limit,
        fan_out: usize::from(flags.fanout.unwrap_or(0)),
        overrides,
        step: flags.step,
        timeout: flags.timeout,
        dry_run: flags.dry_run,
        ..RunOptions::default()
    };
    let answers = Answers {
        yes: flags.yes,
        named,
        simulated: project.is_simulated(),
    };
    // What changes nothing real is not written down.
    let kept = match project.is_simulated() || flags.dry_run {
        true => None,
        false => {
            let given = Given {
                parameters: given,
                limit: flags.limit.clone(),
                overrides: flags.overrides.clone(),
                ssh_config: flags.ssh_config.clone(),
                is_openssh_forced: flags.ssh == Some(SshProgram::Openssh),
            };
            Some(project.begin_kept(&flags.file, &plan, &given, &options)?)
        }
    };
    Ok(Ok(Ready {
        project,
        plan,
        options,
        answers,
        dropped,
        kept,
        again: String::new(),
    }))
}

/// Refuses a configuration of `ssh` that is not there, before anything is begun.
pub(super) fn check_ssh_config(file: Option<&str>) -> Result<(), Stop> {
    match file {
        Some(file) if file != "none" && !Path::new(file).is_file() => {
            Err(Stop::Usage(format!("--ssh-config {file}: there is no such file")))
        }
        _ => Ok(()),
    }
}

/// Refuses answers to questions that are never asked: a slip of the hand must not pass for an answer.
pub(super) fn check_answers(named: &BTreeMap<String, bool>, plan: &Plan) -> Result<(), Stop> {
    let names = plan.question_names();
    let Some(unknown) = named.keys().find(|name| {
        !(names.contains(name.as_str())
            || ["undo-", "step-", "anew-", "done-"]
                .iter()
                .any(|known| name.starts_with(known)))
    }) else {
        return Ok(());
    };
    let help = match nearest(unknown, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "it asks nothing".to_owned(),
        None => format!("it asks {}", names.into_iter().collect::<Vec<&str>>().join(", ")),
    };
    Err(Stop::Usage(format!(
        "--answer {unknown}: the script has no question of this name; {help}"
    )))
}

/// Reads `--answer NAME=yes|no`.
pub(super) fn read_answers(written: &[String]) -> Result<BTreeMap<String, bool>, Stop> {
    let mut named = BTreeMap::new();
    for text in written {
        let (name, answer) = match text.split_once('=') {
            Some((name, "yes")) => (name, true),
            Some((name, "no")) => (name, false),
            _ => return Err(Stop::Usage(format!("--answer {text}: write NAME=yes or NAME=no"))),
        };
        if named.insert(name.to_owned(), answer).is_some() {
            return Err(Stop::Usage(format!("--answer {name}: it is given twice")));
        }
    }
    Ok(named)
}
