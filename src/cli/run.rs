use std::collections::BTreeMap;
use std::io;

use super::arguments::{Color, Format, RunFlags};
use super::exit::{Exit, Stop};
use super::nodes::read_limit;
use super::overrides::{check_overrides, drop_overridden, read_overrides};
use super::parameters::{ask_for_missing, read_settings};
use super::streams::{error_style, is_coloured, is_live, say};
use crate::journal::{JsonRecorder, LiveReport, Recorder, ReportStyle, WithOverridden};
use crate::project::Project;
use crate::run::RunOptions;
use crate::transport::Answers;

/// Carries a runbook out.
pub(super) fn run_script(flags: &RunFlags, color: Color) -> Result<Exit, Stop> {
    let style = error_style(color);
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
    let program = match project.program() {
        Some(program) if !problems.has_errors() => program.clone(),
        _ => return Ok(Exit::NotChecked),
    };
    ask_for_missing(&program, &inventory, &mut given)?;
    let mut problems = project.check_given(&given);
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
    let options = RunOptions {
        limit,
        fan_out: usize::from(flags.fanout.unwrap_or(0)),
        overrides,
        dry_run: flags.dry_run,
        ..RunOptions::default()
    };
    let answers = Answers {
        yes: flags.yes,
        named,
        simulated: project.is_simulated(),
    };
    let mut recorder = WithOverridden::new(open_report(flags.format, color, &project), dropped);
    let ending = project.run(&plan, &options, answers, &mut recorder)?;
    if let Some(trouble) = &ending.trouble {
        say(&project.render_trouble(trouble, style));
    }
    Ok(Exit::Run(ending.exit_code))
}

fn open_report(format: Format, color: Color, project: &Project) -> Box<dyn Recorder + '_> {
    let style = ReportStyle {
        coloured: is_coloured(color),
        is_live: is_live(),
        width: terminal_width(),
    };
    match format {
        Format::Human => Box::new(LiveReport::new(io::stdout(), project.sources(), style)),
        Format::Json => Box::new(JsonRecorder::new(io::stdout(), project.sources())),
    }
}

fn terminal_width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    told.filter(|width| *width >= 20).unwrap_or(80)
}

/// Reads `--answer NAME=yes|no`.
fn read_answers(written: &[String]) -> Result<BTreeMap<String, bool>, Stop> {
    let mut named = BTreeMap::new();
    for text in written {
        let (name, answer) = match text.split_once('=') {
            Some((name, "yes")) => (name, true),
            Some((name, "no")) => (name, false),
            _ => return Err(Stop::Usage(format!("--answer {text}: write NAME=yes or NAME=no"))),
        };
        named.insert(name.to_owned(), answer);
    }
    Ok(named)
}
