use super::arguments::{Color, Format, HistoryFlags};
use super::exit::{Exit, Stop};
use super::streams::{is_coloured, print, say};
use crate::journal::{Account, describe_history, write_history};
use crate::project::{journal_folder, load_accounts};

/// Lists the runs that were kept, the newest first.
pub(super) fn list_runs(flags: &HistoryFlags, color: Color) -> Result<Exit, Stop> {
    let accounts = choose_runs(load_accounts()?, flags);
    match flags.format {
        Format::Json => print(&format!("{:#}\n", write_history(&accounts)))?,
        Format::Human if accounts.is_empty() => {
            let folder = journal_folder()?;
            say(&format!(
                "no run that is asked for was kept in {}\n",
                folder.display()
            ));
        }
        Format::Human => print(&describe_history(&accounts, is_coloured(color)))?,
    }
    Ok(Exit::Done)
}

/// The runs that are asked for, the newest first.
fn choose_runs(mut accounts: Vec<Account>, flags: &HistoryFlags) -> Vec<Account> {
    if let Some(cluster) = &flags.cluster {
        accounts.retain(|account| account.opening.cluster == *cluster);
    }
    sort_newest_first(&mut accounts);
    accounts.truncate(flags.last.unwrap_or(usize::MAX));
    accounts
}

/// Puts the newest run first.
pub(super) fn sort_newest_first(accounts: &mut [Account]) {
    accounts.sort_by(|a, b| {
        let key = |account: &Account| (account.opening.when.clone(), account.opening.run.clone());
        key(b).cmp(&key(a))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Opening;

    #[test]
    fn runs_are_chosen_by_their_cluster_and_age() {
        let account = |run: &str, cluster: &str| {
            let opening = Opening {
                run: run.to_owned(),
                when: format!("2026-11-28 07:31:0{run}Z"),
                cluster: cluster.to_owned(),
                ..Opening::default()
            };
            Account::of(opening, Vec::new(), false)
        };
        let all = || vec![account("1", "a"), account("3", "b"), account("2", "a")];
        let cases = [
            // how many, of which cluster, which
            (None, None, vec!["3", "2", "1"]),
            (Some(2), None, vec!["3", "2"]),
            (Some(1), Some("a"), vec!["2"]),
            (None, Some("c"), vec![]),
        ];
        for (last, cluster, wanted) in cases {
            let flags = HistoryFlags {
                format: Format::Human,
                last,
                cluster: cluster.map(str::to_owned),
            };
            let chosen = choose_runs(all(), &flags);
            let names: Vec<&str> = chosen
                .iter()
                .map(|account| account.opening.run.as_str())
                .collect();
            assert_eq!(names, wanted);
        }
    }
}
