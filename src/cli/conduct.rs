use std::io::{self, Stdout};
use std::rc::Rc;
use std::sync::Arc;

use super::arguments::{Color, Format};
use super::exit::{Exit, Stop};
use super::streams::{Output, error_style, is_coloured, is_live, say};
use crate::diagnostic::Style;
use crate::journal::{Detail, JsonRecorder, LiveReport, LiveView, OverriddenFinding, Recorder, ReportStyle};
use crate::plan::Plan;
use crate::project::{Interrupted, KeptRun, LockWishes, Project, Setting, Ways, output_folder};
use crate::run::RunOptions;
use crate::transport::{Answers, Listener, Screen, Terminal};

/// A runbook that is ready to be carried out.
pub(super) struct Ready {
    /// The script and its cluster.
    pub project: Project,
    /// What will be done.
    pub plan: Plan,
    /// How.
    pub options: RunOptions,
    /// Answers given beforehand.
    pub answers: Answers,
    /// What is wrong with it, and overridden.
    pub dropped: Vec<OverriddenFinding>,
    /// Where it is written down.
    pub kept: Option<KeptRun>,
    /// What is to be said after the run's name to take it up again, with a blank before each word.
    pub again: String,
}

/// How a run is told, and how hosts are reached.
#[derive(Debug, Clone)]
pub(super) struct Telling {
    /// How events are told.
    pub format: Format,
    /// Say more.
    pub verbose: bool,
    /// Say less.
    pub quiet: bool,
    /// Tell differences of output.
    pub diff: bool,
    /// How hosts are reached.
    pub ways: Ways,
    /// What is said of the maintenance lock.
    pub lock: LockWishes,
}

/// Carries out what is ready, and tells of it.
pub(super) fn carry_out(telling: &Telling, color: Color, ready: Ready) -> Result<Exit, Stop> {
    let Ready {
        project,
        plan,
        options,
        answers,
        dropped,
        kept,
        again,
    } = ready;
    let is_human = telling.format == Format::Human;
    let style = error_style(color);
    let view = (is_human && !project.is_simulated() && is_live())
        .then(|| Rc::new(LiveView::new(style == Style::Coloured)));
    let output_folder = kept
        .as_ref()
        .map(|kept| output_folder(&kept.journal.borrow()))
        .transpose()?;
    let setting = Setting {
        answers,
        ways: telling.ways.clone(),
        terminal: Terminal::new(view.clone().map(|view| view as Rc<dyn Screen>)),
        listener: view.as_ref().map(|view| Arc::new(view.listener()) as Listener),
        output_folder,
        kept: kept.as_ref().map(|kept| Rc::clone(&kept.journal)),
        may_pass_over: kept.as_ref().is_some_and(|kept| kept.may_pass_over),
        overridden: dropped,
        lock: LockWishes {
            run: kept.as_ref().map(KeptRun::lock_name).transpose()?,
            is_sole: kept.as_ref().is_some_and(|kept| kept.is_sole),
            ..telling.lock.clone()
        },
    };
    let output = Output::new(io::stdout(), "the report");
    let has_failed = output.failure();
    let mut report = open_report(telling, color, &project, output, view);
    let ended = project.run(&plan, &options, &setting, &mut report);
    drop(setting);
    let has_lost = kept.map(|kept| {
        close_kept(
            kept,
            &again,
            is_human && !telling.quiet,
            ended.as_ref().ok().map(|it| it.exit_code),
        )
    });
    let ending = ended?;
    if let Some(trouble) = &ending.trouble {
        say(&project.render_trouble(trouble, style));
    }
    if let Some((told, _)) = &has_lost {
        say(told);
    }
    let is_lost = has_failed.get() || has_lost.is_some_and(|(_, is_lost)| is_lost);
    if ending.exit_code == 0 && is_lost {
        return Ok(Exit::Usage);
    }
    Ok(Exit::Run(ending.exit_code))
}

/// Ends the writing; what is said of it, and whether something could not be written.
fn close_kept(kept: KeptRun, again: &str, is_told: bool, exit_code: Option<u8>) -> (String, bool) {
    let name = kept.name();
    let mut told = String::new();
    let closed = kept.close();
    if let Err(error) = &closed {
        told.push_str(&format!(
            "error: {error}; what was done last is not written down\n"
        ));
    }
    let is_kept = match &closed {
        Ok(()) => format!("all that happened is kept: quorate show {name}\n"),
        Err(_) => format!("what happened before that is kept: quorate show {name}\n"),
    };
    match exit_code {
        _ if !is_told => {}
        Some(0) => told.push_str(&is_kept),
        Some(7) => told.push_str(&format!("what happened is kept: quorate show {name}\n")),
        Some(9) => told.push_str(&format!("parked; go on with: quorate resume {name}{again}\n")),
        _ => {
            told.push_str(&is_kept);
            if Interrupted::find(&name).is_ok() {
                told.push_str(&format!("go on with: quorate resume {name}{again}\n"));
            }
        }
    }
    (told, closed.is_err())
}

fn open_report<'p>(
    telling: &Telling,
    color: Color,
    project: &'p Project,
    output: Output<Stdout>,
    view: Option<Rc<LiveView>>,
) -> Box<dyn Recorder + 'p> {
    let style = ReportStyle {
        coloured: is_coloured(color),
        detail: match (telling.quiet, telling.verbose) {
            (true, _) => Detail::Quiet,
            (false, true) => Detail::Verbose,
            (false, false) => Detail::Usual,
        },
        with_differences: telling.diff,
        is_framed: true,
    };
    match telling.format {
        Format::Human => Box::new(LiveReport::new(output, project.sources(), style, view)),
        Format::Json => Box::new(JsonRecorder::new(output, project.sources())),
    }
}
