use std::sync::Arc;
use std::time::Duration;

use crate::guard::Verdict;
use crate::journal::{Paint, neutralise_text};
use crate::run::{Glance, RoleGlance};
use crate::value::{Value, write_duration};

/// What was seen of the cluster, and how long ago.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'g> {
    pub glance: &'g Glance,
    pub age: Duration,
}

/// The row above the prompt: the cluster, its members, and what else matters.
pub(super) fn draw_state(cluster: &str, is_simulated: bool, seen: Option<Seen<'_>>, paint: Paint) -> String {
    let name = neutralise_text(cluster);
    let mut parts = vec![match is_simulated {
        true => format!("{} {}", paint.strong(&name), paint.notable("SIMULATED")),
        false => paint.strong(&name),
    }];
    let Some(Seen { glance, age }) = seen else {
        parts.push(paint.faint("not looked at yet"));
        return parts.join("  ");
    };
    parts.extend(glance.roles.iter().map(|role| draw_role(role, paint)));
    parts.extend(glance.words.iter().map(|words| neutralise_text(words)));
    for role in glance.roles.iter().filter(|role| role.exhausted.is_some()) {
        parts.push(paint.bad(&format!("✗ no further {} may go", role.name)));
    }
    for (name, _) in glance.guards.iter().filter(|(_, verdict)| !verdict.holds()) {
        parts.push(paint.bad(&format!("✗ {}", short_name(name))));
    }
    let seconds = Duration::from_secs(age.as_secs());
    if !seconds.is_zero() {
        parts.push(paint.faint(&format!("{} ago", write_duration(seconds))));
    }
    parts.join("  ")
}

/// The prompt itself, without and with its colours: red where a guard would refuse.
pub(super) fn draw_prompt(
    cluster: &str,
    is_simulated: bool,
    seen: Option<Seen<'_>>,
    paint: Paint,
) -> (String, String) {
    let cluster = neutralise_text(cluster);
    let plain = match is_simulated {
        true => format!("{cluster} SIMULATED> "),
        false => format!("{cluster}> "),
    };
    let coloured = match seen {
        Some(seen) if seen.glance.refuses() => paint.bad(&plain),
        Some(_) => paint.good(&plain),
        None => plain.clone(),
    };
    (plain, coloured)
}

fn draw_role(role: &RoleGlance, paint: Paint) -> String {
    if role.blind.is_some() {
        return paint.bad(&format!("{} ?/{}", role.name, role.members));
    }
    let count = format!("{} {}/{}", role.name, role.up, role.members);
    match role.up == role.members {
        true => count,
        false => paint.bad(&count),
    }
}

/// The state in one line without colours, for others to read.
pub(super) fn write_status(cluster: &str, is_simulated: bool, glance: &Glance, now: &str) -> String {
    let mut parts = Vec::new();
    for role in &glance.roles {
        let down = match (&role.blind, role.down.is_empty()) {
            (Some(why), _) => format!(" (cannot be read: {why})"),
            (None, true) => String::new(),
            (None, false) => format!(" (down: {})", role.down),
        };
        let up = if role.blind.is_some() {
            "?".to_owned()
        } else {
            role.up.to_string()
        };
        let further = role
            .exhausted
            .as_ref()
            .map(|why| format!(", no further one may go: {why}"));
        parts.push(format!(
            "{} {up}/{}{down}{}",
            role.name,
            role.members,
            further.unwrap_or_default()
        ));
    }
    parts.extend(glance.words.iter().cloned());
    for (name, verdict) in &glance.guards {
        let name = short_name(name);
        parts.push(format!("{name} {}", describe_verdict(verdict)));
    }
    let simulated = if is_simulated { " (SIMULATED)" } else { "" };
    let text = format!("{cluster}{simulated} {now}: {}", parts.join("; "));
    // It is pasted into a channel: one line it is.
    neutralise_text(&text).replace('\n', " ")
}

/// What has become worse since an earlier look, and what of the watched guards has changed at all.
pub(super) fn compare_glances(before: &Glance, now: &Glance, watched: &[String]) -> Vec<String> {
    let mut news = Vec::new();
    for role in &now.roles {
        let Some(known) = before.roles.iter().find(|known| known.name == role.name) else {
            continue;
        };
        let gone = role.down.difference(&known.down);
        if let (Some(why), None) = (&role.blind, &known.blind) {
            news.push(format!("{}: cannot be read any more: {why}", role.name));
        } else if role.up < known.up && role.blind.is_none() {
            let who = if gone.is_empty() {
                String::new()
            } else {
                format!(": {gone} went")
            };
            news.push(format!("{} {}/{}{who}", role.name, role.up, role.members));
        }
    }
    for (name, verdict) in &now.guards {
        let known = before.guards.iter().find(|(known, _)| known == name);
        let Some((_, known)) = known else { continue };
        let is_watched = watched.contains(name);
        let name = short_name(name);
        match (known.holds(), verdict.holds()) {
            (true, false) => news.push(format!("{name} does not hold any more: {}", verdict.reason)),
            (false, true) if is_watched => news.push(format!("{name} holds again")),
            (false, false) if is_watched && known.reason != verdict.reason => {
                news.push(format!("{name} does not hold: {}", verdict.reason));
            }
            _ => {}
        }
    }
    news
}

/// All that differs between two looks: `-` what was, `+` what is.
pub(super) fn list_changes(before: &Glance, now: &Glance) -> Vec<String> {
    let mut changes = Vec::new();
    let mut compare = |name: &str, before: &[String], now: &[String]| {
        let gone = before
            .iter()
            .filter(|row| !now.contains(row))
            .map(|row| format!("  - {row}"));
        let new = now
            .iter()
            .filter(|row| !before.contains(row))
            .map(|row| format!("  + {row}"));
        let rows: Vec<String> = gone.chain(new).collect();
        if !rows.is_empty() {
            changes.push(format!("{name}:"));
            changes.extend(rows);
        }
    };
    for (name, value) in &now.facts {
        if let Some((_, known)) = before.facts.iter().find(|(known, _)| known == name) {
            compare(short_name(name), &rows_of(known), &rows_of(value));
        }
    }
    compare("in short", &before.words, &now.words);
    for (name, verdict) in &now.guards {
        if let Some((_, known)) = before.guards.iter().find(|(known, _)| known == name) {
            compare(
                short_name(name),
                &[describe_verdict(known)],
                &[describe_verdict(verdict)],
            );
        }
    }
    changes
}

/// The rows of a table, each as one text; any other value as its lines.
fn rows_of(value: &Value) -> Vec<String> {
    match value {
        Value::Table(table) => {
            let rows = table.rows.iter();
            rows.map(|row| Value::Row(Arc::new(row.clone())).to_string())
                .collect()
        }
        other => other.to_string().lines().map(str::to_owned).collect(),
    }
}

fn describe_verdict(verdict: &Verdict) -> String {
    match verdict.holds() {
        true => "holds".to_owned(),
        false => format!("does not hold: {}", verdict.reason),
    }
}

/// A name without its module.
pub(super) fn short_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
