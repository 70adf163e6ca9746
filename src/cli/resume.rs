use std::path::Path;

use super::arguments::{Color, ResumeFlags};
use super::conduct::{Ready, Telling, carry_out};
use super::exit::{Exit, Stop};
use super::history::sort_newest_first;
use super::parameters::{ask_for_missing, read_secrets, read_settings};
use super::run::{check_answers, check_ssh_config, read_answers};
use super::show::find_run;
use super::streams::{error_style, print, say};
use crate::diagnostic::Style;
use crate::journal::{Account, OverriddenFinding, RunState, neutralise_text};
use crate::plan::Plan;
use crate::project::{
    Interrupted, Project, StepMark, ask_person, drop_overridden, export_run, import_run, load_accounts,
    read_limit, read_overrides, write_export,
};
use crate::run::RunOptions;
use crate::transport::{Answers, Question, QuestionKind, StepPath};
use crate::value::{quote, write_duration};

/// Takes a run up again, or writes down what a person says of one of its steps.
pub(super) fn resume_run(flags: &ResumeFlags, color: Color) -> Result<Exit, Stop> {
    check_ssh_config(flags.ssh_config.as_deref())?;
    let again = write_again(flags);
    let style = error_style(color);
    let run = choose_run(flags)?;
    let interrupted = Interrupted::find(&run)?;
    if !flags.mark.is_empty() {
        return mark_steps(interrupted, &read_marks(&flags.mark)?, &again);
    }
    let telling = telling(flags, &interrupted)?;
    let Some(opened) = open(flags, &interrupted, style)? else {
        return Ok(Exit::NotChecked);
    };
    let Opened {
        project,
        plan,
        dropped,
    } = opened;
    let changes = interrupted.changes(&project);
    if !changes.told.is_empty() {
        say(&changes.told);
        if !flags.accept_changes {
            return Err(Stop::Usage(format!(
                "run {run}: the above is not as it was when the run began, so it is not resumed; what was \
                 done is known by the words of its steps: with --accept-changes a step that is written \
                 anew counts as not done"
            )));
        }
    }
    let named = read_answers(&flags.answer)?;
    check_answers(&named, &plan)?;
    let answers = Answers {
        yes: flags.yes,
        named,
        simulated: false,
    };
    let Some(anew) = ask_for_anew(&interrupted, &project, &answers)? else {
        return Ok(Exit::Run(8));
    };
    let options = options(&interrupted, &project)?;
    if interrupted.is_elsewhere() {
        say("the run was handed over: see to it that nobody else goes on with it\n");
    }
    tell_where(&interrupted);
    let kept = interrupted.take_up(&project, &changes, &anew)?;
    let ready = Ready {
        project,
        plan,
        options,
        answers,
        dropped,
        kept: Some(kept),
        again,
    };
    carry_out(&telling, color, ready)
}

/// What a resume is told that the run does not know, to be said once more with the next one.
fn write_again(flags: &ResumeFlags) -> String {
    let mut again = String::new();
    if let Some(file) = &flags.inventory {
        again.push_str(&format!(" -i {}", quote(&file.display().to_string())));
    }
    if let Some(file) = &flags.ssh_config {
        again.push_str(&format!(" --ssh-config {}", quote(file)));
    }
    if flags.ssh.is_some() {
        again.push_str(" --ssh openssh");
    }
    again
}

/// How the run is told, and its hosts are reached: as it was begun, unless it is said anew.
fn telling(flags: &ResumeFlags, interrupted: &Interrupted) -> Result<Telling, Stop> {
    let opening = interrupted.opening();
    let mut telling = flags.telling();
    telling.ways.is_openssh_forced |= opening.is_openssh_forced;
    if telling.ways.config.is_none() && opening.ssh_config.is_some() {
        telling.ways.config.clone_from(&opening.ssh_config);
        check_ssh_config(opening.ssh_config.as_deref()).map_err(|stop| match stop {
            Stop::Usage(why) => Stop::Usage(format!(
                "{why} any more, and the run was begun with it; name another with --ssh-config FILE"
            )),
            other => other,
        })?;
    }
    Ok(telling)
}

/// The run that is meant: of a file, by its name, or the newest that can be taken up.
fn choose_run(flags: &ResumeFlags) -> Result<String, Stop> {
    if let Some(file) = &flags.from {
        return Ok(import_run(file)?);
    }
    let mut accounts = load_accounts()?;
    sort_newest_first(&mut accounts);
    if flags.run.is_some() {
        return Ok(find_run(&accounts, flags.run.as_deref())?.opening.run.clone());
    }
    let mut resumable = accounts.iter().filter(|account| Account::is_resumable(account));
    match (
        accounts.iter().find(|account| !account.opening.is_session),
        resumable.next(),
    ) {
        // That somebody carries it out is found, and told, where it is taken up.
        (Some(newest), _) if newest.state == RunState::Alive => Ok(newest.opening.run.clone()),
        (Some(newest), Some(found)) if newest.opening.run == found.opening.run => {
            Ok(found.opening.run.clone())
        }
        // An older one may be long forgotten, and is gone on with only when it is named.
        (_, Some(found)) => Err(Stop::Usage(format!(
            "the newest run cannot be resumed; name the one that is meant, such as {}",
            found.opening.run
        ))),
        (_, None) => Err(Stop::Usage("there is no run that could be resumed".to_owned())),
    }
}

/// Reads what is said of steps: of each whether it is done, which it is, its node, and why.
fn read_marks(written: &[String]) -> Result<Vec<StepMark>, Stop> {
    const FORM: &str = "write --mark done STEP NODE \"why\", or --mark skip STEP NODE \"why\"";
    let mut marks = Vec::new();
    for words in written.chunks(4) {
        let [state, step, node, why] = words else {
            return Err(Stop::Usage(format!("--mark {}: {FORM}", words.join(" "))));
        };
        let is_done = match state.as_str() {
            "done" => true,
            "skip" => false,
            other => return Err(Stop::Usage(format!("--mark {other}: {FORM}"))),
        };
        if why.trim().is_empty() {
            return Err(Stop::Usage("--mark: say why; the reason is kept".to_owned()));
        }
        marks.push(StepMark {
            is_done,
            step: step.clone(),
            node: Some(node.clone()).filter(|node| node != "-"),
            why: why.clone(),
        });
    }
    Ok(marks)
}

/// Writes down what is said of steps, all of it or nothing.
fn mark_steps(interrupted: Interrupted, marks: &[StepMark], again: &str) -> Result<Exit, Stop> {
    let run = interrupted.opening().run.clone();
    let paths = interrupted.mark(marks)?;
    for (mark, path) in marks.iter().zip(paths) {
        let word = if mark.is_done { "done" } else { "to be skipped" };
        say(&format!("marked as {word}: {path}\n"));
    }
    say(&format!("go on with: quorate resume {run}{again}\n"));
    Ok(Exit::Done)
}

/// The runbook once more.
struct Opened {
    project: Project,
    plan: Plan,
    dropped: Vec<OverriddenFinding>,
}

/// Reads, checks and lays out as the run did; none when that has said what is wrong.
fn open(flags: &ResumeFlags, interrupted: &Interrupted, style: Style) -> Result<Option<Opened>, Stop> {
    let opening = interrupted.opening();
    if !interrupted.has_file() {
        say(&format!(
            "note: {} is not here; going on with its text as the journal keeps it\n",
            opening.script
        ));
    }
    let (mut project, mut problems) = interrupted.open(flags.inventory.as_deref())?;
    let overrides = read_overrides(&opening.overrides, project.inventory())?;
    let mut dropped = match project.program() {
        Some(_) => drop_overridden(&mut problems, &overrides),
        None => Vec::new(),
    };
    say(&project.render(&problems, style));
    let Some(program) = project.program().cloned().filter(|_| !problems.has_errors()) else {
        return Ok(None);
    };
    let mut given = read_settings(&flags.set)?;
    read_secrets(&program, &mut given)?;
    for (name, value) in &opening.given {
        if given
            .insert(name.clone(), value.clone())
            .is_some_and(|new| new != *value)
        {
            return Err(Stop::Usage(format!(
                "--set {name}: the run was begun with {name}={value}, and goes on with it"
            )));
        }
    }
    ask_for_missing(&program, &project.inventory().clone(), &mut given)?;
    let mut problems = project.check_given(&given);
    dropped.extend(drop_overridden(&mut problems, &overrides));
    say(&project.render(&problems, style));
    if problems.has_errors() {
        return Ok(None);
    }
    match project.plan(&given) {
        Ok(plan) => Ok(Some(Opened {
            project,
            plan,
            dropped,
        })),
        Err(error) => Err(Stop::Usage(project.render_plan_error(error, style))),
    }
}

/// The options of the run as it was begun.
fn options(interrupted: &Interrupted, project: &Project) -> Result<RunOptions, Stop> {
    let opening = interrupted.opening();
    let inventory = project.inventory();
    let limit = opening.limit.as_deref();
    Ok(RunOptions {
        limit: limit.map(|text| read_limit(text, inventory)).transpose()?,
        fan_out: opening.fan_out,
        overrides: read_overrides(&opening.overrides, inventory)?,
        step: opening.step,
        timeout: opening.timeout_ms.map(std::time::Duration::from_millis),
        ..RunOptions::default()
    })
}

/// Asks for each block whose doings were taken back whether it is begun anew; none when somebody does not want it.
fn ask_for_anew(
    interrupted: &Interrupted,
    project: &Project,
    answers: &Answers,
) -> Result<Option<Vec<StepPath>>, Stop> {
    let anew = interrupted.taken_back().bodies;
    for (number, block) in (1..).zip(&anew) {
        let question = Question {
            kind: QuestionKind::Confirm,
            name: format!("anew-{number}"),
            text: format!(
                "what was done in `{block}` was taken back when it failed, as far as its undo says how; begin it anew, \
                 from its first step?"
            ),
            node: None,
            rehearsed_as: None,
            path: block.clone(),
        };
        if !ask_person(project, answers, &question)? {
            say(&format!(
                "nothing was begun: {}\nanswer it at a terminal, or with --answer {}=yes, or with --yes\n",
                question.text, question.name
            ));
            return Ok(None);
        }
    }
    Ok(Some(anew))
}

/// Says where a run stands that goes on.
fn tell_where(interrupted: &Interrupted) {
    let past = interrupted.past();
    let (run, done, open) = (
        &interrupted.opening().run,
        past.done_count(),
        past.open_acts().len(),
    );
    let acts = if done == 1 { "act was" } else { "acts were" };
    let unknown = match open {
        0 => String::new(),
        1 => "; of 1 act nobody knows, and it is looked at first".to_owned(),
        open => format!("; of {open} acts nobody knows, and they are looked at first"),
    };
    say(&format!("resuming {run}: {done} {acts} done{unknown}\n"));
    for act in past.open_acts().iter().filter(|act| !act.may_run.is_zero()) {
        let (node, left) = (
            act.node.as_deref().unwrap_or("this machine"),
            write_duration(act.may_run),
        );
        say(&format!(
            "  `{}` on {node} may still be running, for {left} at the longest; a no is believed only then\n",
            neutralise_text(&act.command)
        ));
    }
}

/// Writes a run into a file, to be taken up elsewhere.
pub(super) fn export(run: Option<&str>, output: Option<&Path>) -> Result<Exit, Stop> {
    let mut accounts = load_accounts()?;
    sort_newest_first(&mut accounts);
    let account = find_run(&accounts, run)?;
    let text = export_run(&account.opening.run)?;
    match output {
        Some(path) => write_export(path, &text)?,
        None => print(&text)?,
    }
    Ok(Exit::Done)
}
