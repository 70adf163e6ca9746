use super::arguments::{CheckFlags, Color, Format};
use super::exit::{Exit, Stop};
use super::streams::{error_style, print, say};
use crate::diagnostic::Problems;
use crate::project::{InventoryChoice, Project};

/// Says what is wrong with each of the files.
pub(super) fn check_files(flags: &CheckFlags, color: Color) -> Result<Exit, Stop> {
    let choice = flags.cluster();
    let mut worst = Exit::Done;
    let mut rows = Vec::new();
    for (index, file) in flags.files.iter().enumerate() {
        let mut project = Project::new(&choice)?;
        if index == 0 && choice == InventoryChoice::FoundOrSimulated && project.is_simulated() {
            say("no inventory was found: checked with the simulated cluster\n");
        }
        let problems = match project.check_file(file) {
            Ok(problems) => problems,
            // The other files are checked all the same.
            Err(error) => {
                say(&Project::render_error(error, error_style(color)));
                worst = Exit::Usage;
                continue;
            }
        };
        if problems.has_errors() && worst == Exit::Done {
            worst = Exit::NotChecked;
        }
        match flags.format {
            Format::Json => {
                if let serde_json::Value::Array(found) = project.render_json(&problems) {
                    rows.extend(found);
                }
            }
            Format::Human => {
                // A missing end of line would glue two reports together.
                say(&project.render(&problems, error_style(color)));
                print(&format!("{}: {}\n", file.display(), count_problems(&problems)))?;
            }
        }
    }
    if flags.format == Format::Json {
        print(&format!("{:#}\n", serde_json::Value::Array(rows)))?;
    }
    Ok(worst)
}

/// `well`, `1 error`, `2 errors, 1 warning`.
pub(super) fn count_problems(problems: &Problems) -> String {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let counted = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{count} {word}s")),
    };
    let words: Vec<String> = [
        counted(errors, "error"),
        counted(problems.len() - errors, "warning"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if words.is_empty() {
        "nothing wrong".to_owned()
    } else {
        words.join(", ")
    }
}
