use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::arguments::{Color, Format, RehearseFlags};
use super::exit::{Exit, Stop};
use super::parameters::{ask_for_missing, read_secrets, read_settings};
use super::streams::{error_style, print, say};
use crate::diagnostic::Style;
use crate::plan::Plan;
use crate::project::{
    InventoryChoice, NOT_SEEN, Project, ProjectError, RehearsalWishes, check_overrides, drop_overridden,
    read_limit, read_overrides,
};
use crate::rehearsal::{
    Coverage, Effort, Finding, Rehearsal, Schedule, describe_coverage, tell_finding, write_coverage_json,
    write_finding_json,
};
use crate::transport::Terminal;
use crate::value::{Type, quote};

/// The exit code when a promise is broken.
const BROKEN: u8 = 4;
/// Most findings that are drawn at once.
const MOST_DRAWN: usize = 10;
/// After how many runs progress is told.
const TELL_EVERY: usize = 50;

/// Rehearses a runbook on a simulated cluster.
pub(super) fn rehearse_script(flags: &RehearseFlags, color: Color) -> Result<Exit, Stop> {
    let style = error_style(color);
    let seen;
    let flags = match &flags.from_live {
        None => flags,
        Some(file) => {
            if let Some(exit) = survey(flags, file, style)? {
                return Ok(exit);
            }
            seen = flags.on_shape(file);
            &seen
        }
    };
    let (project, plan, wishes) = match prepare(flags, style)? {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let (findings, coverage, schedule) = match &flags.replay {
        Some(schedule) => {
            let (findings, coverage) = project.replay(&plan, &wishes, schedule)?;
            (findings, coverage, Some(schedule))
        }
        None => {
            let found = rehearse(&project, &plan, &wishes, flags)?;
            (found.findings, found.coverage, None)
        }
    };
    tell(&project, flags, style, &findings, &coverage, schedule)?;
    Ok(match findings.is_empty() {
        true => Exit::Done,
        false => Exit::Run(BROKEN),
    })
}

/// Looks at the real cluster and writes down how it is; the exit code when that cannot be.
fn survey(flags: &RehearseFlags, file: &Path, style: Style) -> Result<Option<Exit>, Stop> {
    if flags.file == Path::new("-") {
        let why = "with --from-live the runbook is read twice; name its file".to_owned();
        return Err(Stop::from(ProjectError::Given(why)));
    }
    let (project, problems) = Project::open(&flags.file, &flags.live_cluster())?;
    if problems.has_errors() || project.program().is_none() {
        say(&project.render(&problems, style));
        return Ok(Some(Exit::NotChecked));
    }
    // Before nodes are waited for that do not answer.
    Project::write_text(file, "")?;
    let shape = project.survey(&flags.ways(), &Terminal::new(None))?;
    for line in shape.lines().filter(|line| line.starts_with(NOT_SEEN)) {
        say(&format!("{}\n", line.trim_start_matches("# ")));
    }
    Project::write_text(file, &shape)?;
    say(&format!(
        "{} as it is now is written to {}\n",
        project.inventory().name,
        file.display()
    ));
    Ok(None)
}

fn rehearse(
    project: &Project,
    plan: &Plan,
    wishes: &RehearsalWishes,
    flags: &RehearseFlags,
) -> Result<Rehearsal, Stop> {
    let effort = Effort {
        faults: usize::from(flags.faults),
        seed: flags.seed,
        time: flags.time,
        workers: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    let is_shown = stderr().is_terminal();
    let told = AtomicUsize::new(0);
    let progress = |done: usize, known: usize| {
        if is_shown && done >= told.load(Ordering::Relaxed) + TELL_EVERY {
            told.store(done, Ordering::Relaxed);
            say(&format!("\r{done} of {known} runs "));
        }
    };
    let found = project.rehearse(plan, wishes, &effort, &progress)?;
    if is_shown {
        say("\r\u{1b}[K");
    }
    Ok(found)
}

type Ready = (Project, Plan, RehearsalWishes);

/// Reads, checks and lays out; the exit code when that has said what is wrong.
fn prepare(flags: &RehearseFlags, style: Style) -> Result<Result<Ready, Exit>, Stop> {
    let mut given = read_settings(&flags.set)?;
    let (mut project, mut problems) = Project::open(&flags.file, &flags.cluster())?;
    if flags.cluster() == InventoryChoice::FoundOrSimulated && project.is_simulated() {
        say("no inventory was found: rehearsed on the built-in simulated cluster\n");
    }
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
    let Some(program) = project.program().cloned().filter(|_| !problems.has_errors()) else {
        return Ok(Err(Exit::NotChecked));
    };
    read_secrets(&program, &mut given)?;
    ask_for_missing(&program, &inventory, &mut given)?;
    let mut problems = project.check_given(&given);
    dropped.extend(drop_overridden(&mut problems, &overrides));
    check_overrides(&overrides, &dropped, &program)?;
    say(&project.render(&problems, style));
    if problems.has_errors() {
        return Ok(Err(Exit::NotChecked));
    }
    match project.plan(&given) {
        Ok(plan) => Ok(Ok((project, plan, RehearsalWishes { limit, overrides }))),
        Err(error) => {
            say(&project.render_plan_error(error, style));
            Ok(Err(Exit::Usage))
        }
    }
}

fn tell(
    project: &Project,
    flags: &RehearseFlags,
    style: Style,
    findings: &[Finding],
    coverage: &Coverage,
    schedule: Option<&Schedule>,
) -> Result<(), Stop> {
    let again = |finding: &Finding| command_line(project, flags, &finding.schedule);
    if flags.format == Format::Json {
        let rows = findings
            .iter()
            .map(|finding| write_finding_json(finding, project.sources(), &again(finding)));
        let whole = serde_json::json!({
            "is_model": true,
            "findings": rows.collect::<Vec<_>>(),
            "coverage": write_coverage_json(coverage, project.sources()),
        });
        print(&format!("{whole:#}\n"))?;
        return Ok(());
    }
    for finding in findings.iter().take(MOST_DRAWN) {
        let told = tell_finding(finding, &again(finding));
        print(&project.render_finding(told, style))?;
        print("\n")?;
    }
    if findings.len() > MOST_DRAWN {
        let left = findings.len() - MOST_DRAWN;
        print(&format!(
            "… and {left} more findings; --format json has all of them\n\n"
        ))?;
    }
    let verdict = match (findings.len(), schedule) {
        (0, None) => "no promise is broken".to_owned(),
        (0, Some(_)) => "no promise is broken by this schedule".to_owned(),
        (1, _) => "1 broken promise".to_owned(),
        (count, _) => format!("{count} broken promises"),
    };
    print(&format!(
        "{}: {verdict}, on a model of the cluster\n",
        flags.file.display()
    ))?;
    print(&describe_coverage(coverage, project.sources(), schedule))?;
    Ok(())
}

/// The command line that replays one schedule; a secret is left out of it, and read from standard input.
fn command_line(project: &Project, flags: &RehearseFlags, schedule: &Schedule) -> String {
    let mut words = vec!["quorate".to_owned(), "rehearse".to_owned()];
    words.push(quote(&flags.file.display().to_string()).into_owned());
    match (&flags.sim, &flags.inventory) {
        (Some(Some(shape)), _) => words.push(format!("--sim={}", quote(&shape.display().to_string()))),
        (Some(None), _) => words.push("--sim".to_owned()),
        (None, Some(file)) => words.push(format!("-i {}", quote(&file.display().to_string()))),
        (None, None) => {}
    }
    let is_secret = |name: &str| {
        let parameters = project
            .program()
            .map_or(&[][..], |program| &program.parameters[..]);
        let mut parameters = parameters.iter();
        parameters.any(|parameter| parameter.name == name && parameter.kind == Type::Secret)
    };
    words.extend(flags.set.iter().map(|set| match set.split_once('=') {
        Some((name, value)) if is_secret(name) && !value.starts_with('@') => format!("--set {name}=@-"),
        _ => format!("--set {}", quote(set)),
    }));
    words.extend(
        flags
            .limit
            .iter()
            .map(|limit| format!("--limit {}", quote(limit))),
    );
    words.extend(
        flags
            .overrides
            .iter()
            .map(|given| format!("--override {}", quote(given))),
    );
    match schedule.0.is_empty() {
        true => words.push("--replay none".to_owned()),
        false => words.push(format!("--replay {schedule}")),
    }
    words.join(" ")
}
