use super::arguments::{Color, ShowFlags, ShowFormat};
use super::exit::{Exit, Stop};
use super::history::sort_newest_first;
use super::streams::{is_coloured, print, say};
use crate::diagnostic::nearest;
use crate::journal::{
    Account, Detail, ReportStyle, SealState, describe_account, write_account, write_html, write_markdown,
};
use crate::project::{journal_folder, load_accounts, verify_journal};

/// Most names that are told of at once.
const MOST_NAMES: usize = 5;

/// Tells of one run.
pub(super) fn show_run(flags: &ShowFlags, color: Color) -> Result<Exit, Stop> {
    if flags.verify {
        return verify();
    }
    let mut accounts = load_accounts()?;
    sort_newest_first(&mut accounts);
    let account = find_run(&accounts, flags.run.as_deref())?;
    let style = ReportStyle {
        coloured: is_coloured(color),
        detail: if flags.verbose {
            Detail::Verbose
        } else {
            Detail::Usual
        },
        with_differences: false,
        is_framed: true,
    };
    print(&match flags.format {
        ShowFormat::Human => describe_account(account, style),
        ShowFormat::Json => format!("{:#}\n", write_account(account)),
        ShowFormat::Markdown => write_markdown(account),
        ShowFormat::Html => write_html(account),
    })?;
    Ok(Exit::Done)
}

/// Tells whether anything in the journal was altered.
fn verify() -> Result<Exit, Stop> {
    let Some(found) = verify_journal()? else {
        return Err(nothing_kept());
    };
    let noun = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    for fault in &found.faults {
        say(&format!("altered: {fault}\n"));
    }
    if !found.faults.is_empty() {
        return Ok(Exit::Different);
    }
    let (runs, entries) = (
        noun(found.runs, "run", "runs"),
        noun(found.entries, "entry", "entries"),
    );
    let files = match found.files {
        0 => String::new(),
        count => format!(
            ", and {}",
            noun(count, "file of long output", "files of long output")
        ),
    };
    let whole = match found.seal {
        SealState::Compared => "the database is byte for byte as it was left",
        SealState::WrittenSince => {
            "the database as a whole was not compared: a run writes to it, or the last one was broken off"
        }
        SealState::NoneYet => "the database as a whole was not compared: no run has come to its end yet",
        SealState::Missing => {
            "but journal.seal is missing beside the database, which a run writes when it ends: whether the last \
             entries, or whole runs, were taken out with it cannot be told"
        }
    };
    let elsewhere = match found.files_elsewhere {
        0 => String::new(),
        count => format!(
            "\n{} not looked at, on the machines that runs came from",
            noun(count, "file of long output was", "files of long output were")
        ),
    };
    let nothing = match found.seal {
        SealState::Missing => "what is there was not altered",
        _ => "nothing was altered",
    };
    print(&format!(
        "{nothing}: {runs}, {entries}, each linked to the one before it{files}; {whole}{elsewhere}\n"
    ))?;
    Ok(Exit::Done)
}

/// Says that there is no run, and where it was looked for.
fn nothing_kept() -> Stop {
    let place = journal_folder().map_or_else(|_| String::new(), |folder| format!(" in {}", folder.display()));
    Stop::Usage(format!("no run was kept yet{place}"))
}

/// The run that is meant by its name, or a beginning or part of it; the newest, when none is named.
///
/// # Errors
///
/// [`Stop::Usage`] when there is no such run, or more than one.
pub(super) fn find_run<'a>(accounts: &'a [Account], wanted: Option<&str>) -> Result<&'a Account, Stop> {
    let Some(newest) = accounts.first() else {
        return Err(nothing_kept());
    };
    let Some(wanted) = wanted else {
        return Ok(newest);
    };
    let name = |account: &'a Account| account.opening.run.as_str();
    let ways: [&dyn Fn(&str) -> bool; 3] = [&|run| run == wanted, &|run| run.starts_with(wanted), &|run| {
        run.contains(wanted)
    }];
    for is_meant in ways {
        let meant: Vec<&Account> = accounts
            .iter()
            .filter(|account| is_meant(name(account)))
            .collect();
        match meant[..] {
            [] => {}
            [account] => return Ok(account),
            _ => {
                let names = join_names(meant.into_iter().map(name));
                return Err(Stop::Usage(format!("`{wanted}` may be any of {names}")));
            }
        }
    }
    let names: Vec<&str> = accounts.iter().map(name).collect();
    let help = match suggest(wanted, &names) {
        near if near.is_empty() => format!("the newest are {}", join_names(names.into_iter())),
        near => format!("did you mean {}?", join_names(near.into_iter())),
    };
    Err(Stop::Usage(format!(
        "no run was kept that is called `{wanted}`; {help}"
    )))
}

/// The names that are near to what was typed, as a whole or in one of their parts.
fn suggest<'a>(wanted: &str, names: &[&'a str]) -> Vec<&'a str> {
    if let Some(near) = nearest(wanted, names.iter().copied()) {
        return vec![near];
    }
    // The parts of a title are joined by the same sign as those of a name.
    let titles = names.iter().filter_map(|name| {
        let (first, last) = (name.find('-')?, name.rfind('-')?);
        name.get(first + 1..last)
    });
    let parts = names.iter().flat_map(|name| name.split('-'));
    match nearest(wanted, titles.chain(parts)) {
        Some(near) => names.iter().filter(|name| name.contains(near)).copied().collect(),
        None => Vec::new(),
    }
}

fn join_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let more = match names.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown: Vec<String> = names.into_iter().take(MOST_NAMES).collect();
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Opening;

    #[test]
    fn a_run_is_found_by_what_tells_it_from_others() {
        let names = [
            "20261128T073105Z-update-nodes-k3f9",
            "20261127T180000Z-update-nodes-p0aa",
            "20261127T120000Z-replace-disk-x7x7",
        ];
        let accounts = names.map(|name| {
            let opening = Opening {
                run: name.to_owned(),
                ..Opening::default()
            };
            Account::of(opening, Vec::new(), false)
        });
        let found = [
            // what is typed, which run it is
            (None, 0),
            (Some("20261128"), 0),
            (Some("p0aa"), 1),
            (Some("replace"), 2),
            (Some(names[1]), 1),
        ];
        for (wanted, index) in found {
            let account = find_run(&accounts, wanted).expect("it is there");
            assert_eq!(account.opening.run, names[index], "{wanted:?}");
        }
        let refused = [
            // what is typed, what is said
            ("20261127", "may be any of"),
            (
                "update-nodse",
                "did you mean `20261128T073105Z-update-nodes-k3f9`, `",
            ),
            ("replcae", "did you mean `20261127T120000Z-replace-disk-x7x7`?"),
            ("zzzzzz", "the newest are `20261128T"),
        ];
        for (wanted, said) in refused {
            let Err(Stop::Usage(text)) = find_run(&accounts, Some(wanted)) else {
                panic!("{wanted}")
            };
            assert!(text.contains(said), "{wanted}: {text}");
        }
        assert!(find_run(&[], None).is_err());
    }
}
