use std::collections::BTreeMap;
use std::io::{self, Stdout};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::arguments::{Color, Format, RunFlags};
use super::exit::{Exit, Stop};
use super::parameters::{ask_for_missing, read_secrets, read_settings};
use super::streams::{Output, error_style, is_coloured, is_live, say};
use crate::diagnostic::{Style, nearest};
use crate::journal::{
    Detail, JsonRecorder, LiveReport, LiveView, OverriddenFinding, Recorder, ReportStyle, WithOverridden,
};
use crate::plan::Plan;
use crate::project::{
    Project, RunFolder, Setting, check_overrides, drop_overridden, read_limit, read_overrides,
};
use crate::run::RunOptions;
use crate::transport::{Answers, Listener, Screen, Terminal};

/// A runbook that is ready to be carried out.
struct Ready {
    project: Project,
    plan: Plan,
    options: RunOptions,
    answers: Answers,
    /// What is wrong with it, and overridden.
    dropped: Vec<OverriddenFinding>,
}

/// Carries a runbook out.
pub(super) fn run_script(flags: &RunFlags, color: Color) -> Result<Exit, Stop> {
    match prepare(flags, error_style(color))? {
        Ok(ready) => carry_out(flags, color, ready),
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
    Ok(Ok(Ready {
        project,
        plan,
        options,
        answers,
        dropped,
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

/// Carries out what is ready, and tells of it.
fn carry_out(flags: &RunFlags, color: Color, ready: Ready) -> Result<Exit, Stop> {
    let (project, plan) = (&ready.project, &ready.plan);
    let is_human = flags.format == Format::Human;
    let is_real = !project.is_simulated();
    let title = plan.program.title.as_deref().unwrap_or_default();
    let kept = is_real.then(|| RunFolder::make(title)).transpose()?;
    let events = kept.as_ref().map(RunFolder::open_events).transpose()?;
    let events =
        events.map(|file| JsonRecorder::new(Output::new(file, "what is kept of it"), project.sources()));
    let style = error_style(color);
    let view = (is_human && is_real && is_live()).then(|| Rc::new(LiveView::new(style == Style::Coloured)));
    let setting = Setting {
        answers: ready.answers,
        ways: flags.ways(),
        terminal: Terminal::new(view.clone().map(|view| view as Rc<dyn Screen>)),
        listener: view.as_ref().map(|view| Arc::new(view.listener()) as Listener),
        output_folder: kept.as_ref().map(RunFolder::output),
        lock: flags.lock.wishes(kept.as_ref().map(RunFolder::name)),
    };
    let output = Output::new(io::stdout(), "the report");
    let has_failed = output.failure();
    let report = open_report(flags, color, project, output, view);
    let mut recorder = WithOverridden::new(Box::new((events, report)), ready.dropped);
    let ending = project.run(plan, &ready.options, &setting, &mut recorder)?;
    if let Some(trouble) = &ending.trouble {
        say(&project.render_trouble(trouble, style));
    }
    if let Some(kept) = kept.filter(|_| is_human && !flags.quiet) {
        say(&format!(
            "all that happened is kept in {}\n",
            kept.path().display()
        ));
    }
    if ending.exit_code == 0 && has_failed.get() {
        return Ok(Exit::Usage);
    }
    Ok(Exit::Run(ending.exit_code))
}

fn open_report<'p>(
    flags: &RunFlags,
    color: Color,
    project: &'p Project,
    output: Output<Stdout>,
    view: Option<Rc<LiveView>>,
) -> Box<dyn Recorder + 'p> {
    let style = ReportStyle {
        coloured: is_coloured(color),
        detail: match (flags.quiet, flags.verbose) {
            (true, _) => Detail::Quiet,
            (false, true) => Detail::Verbose,
            (false, false) => Detail::Usual,
        },
        with_differences: flags.diff,
        is_framed: true,
    };
    match flags.format {
        Format::Human => Box::new(LiveReport::new(output, project.sources(), style, view)),
        Format::Json => Box::new(JsonRecorder::new(output, project.sources())),
    }
}

/// Refuses answers to questions that are never asked: a slip of the hand must not pass for an answer.
fn check_answers(named: &BTreeMap<String, bool>, plan: &Plan) -> Result<(), Stop> {
    let names = plan.question_names();
    let Some(unknown) = named.keys().find(|name| {
        !(names.contains(name.as_str()) || name.starts_with("undo-") || name.starts_with("step-"))
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
fn read_answers(written: &[String]) -> Result<BTreeMap<String, bool>, Stop> {
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
