use std::path::Path;

use super::arguments::{Color, FormatFlags};
use super::exit::{Exit, Stop};
use super::streams::{error_style, print, say};
use crate::project::{Project, read_text};

/// Writes each of the files in the one layout, or lists those that are not.
pub(super) fn format_files(flags: &FormatFlags, color: Color) -> Result<Exit, Stop> {
    let mut worst = Exit::Done;
    for file in &flags.files {
        let (name, text) = match read_text(file) {
            Ok(read) => read,
            // The other files are formatted all the same.
            Err(error) => {
                say(&Project::render_error(error, error_style(color)));
                worst = Exit::Usage;
                continue;
            }
        };
        let formatted = match Project::format_text(&name, &text, error_style(color)) {
            Ok(formatted) => formatted,
            Err(drawn) => {
                say(&drawn);
                worst = if worst == Exit::Usage {
                    worst
                } else {
                    Exit::NotChecked
                };
                continue;
            }
        };
        if flags.check {
            if formatted != text {
                print(&format!("{name}\n"))?;
                worst = if worst == Exit::Done {
                    Exit::Different
                } else {
                    worst
                };
            }
        } else if file == Path::new("-") {
            print(&formatted)?;
        } else if formatted != text {
            Project::write_text(file, &formatted)?;
        }
    }
    Ok(worst)
}
