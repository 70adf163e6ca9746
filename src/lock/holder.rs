use std::fmt::Write;
use std::time::Duration;

/// The longest that one thing is written, in letters: all of it must fit into one command.
const LONGEST: usize = 200;

/// What holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderKind {
    /// A run of a runbook.
    Run,
    /// A line at the prompt.
    Prompt,
    /// A plain shell script.
    Script,
}

/// Who holds the cluster, as everybody else reads it: one fact a line, so that a person can read
/// it on the node, and a plain script without help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The name of the run, which no other has.
    pub run: String,
    /// What it is.
    pub kind: HolderKind,
    /// Who runs it, and where: `root@admin1`.
    pub owner: String,
    /// What is run.
    pub runbook: String,
    /// Why, if somebody has said so.
    pub reason: Option<String>,
    /// Since when, in words.
    pub since: String,
    /// How long a renewal is good for.
    pub lease: Duration,
    /// Why it is held although no majority answers, if it is.
    pub degraded: Option<String>,
    /// How long after its last renewal one from whom it was taken over may still be at work.
    ///
    /// It stays written when that time has been waited for, since a change would have to reach every seat.
    pub outwait: Option<Duration>,
}

impl Holder {
    /// How long after the last renewal something may be begun because of it, by whoever holds it or by one from
    /// whom it was being taken over.
    pub fn good_for(&self) -> Duration {
        self.lease.max(self.outwait.unwrap_or_default())
    }

    /// The written form.
    pub fn write(&self) -> String {
        let kind = match self.kind {
            HolderKind::Run => "run",
            HolderKind::Prompt => "prompt",
            HolderKind::Script => "script",
        };
        let lease = self.lease.as_secs().to_string();
        let outwait = self.outwait.map(|length| length.as_secs().to_string());
        let mut text = String::new();
        let facts = [
            ("run", Some(self.run.as_str())),
            ("kind", Some(kind)),
            ("owner", Some(&self.owner)),
            ("runbook", Some(&self.runbook)),
            ("reason", self.reason.as_deref()),
            ("since", Some(&self.since)),
            ("lease", Some(&lease)),
            ("degraded", self.degraded.as_deref()),
            ("outwait", outwait.as_deref()),
        ];
        for (name, value) in facts {
            if let Some(value) = value {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{name}: {}", plain(value));
            }
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// Reads the written form; what is missing stays empty, so that whatever holds the lock can be told.
    pub fn read(text: &str) -> Holder {
        let value = |name: &str| {
            let mut lines = text.lines();
            let rest = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            rest.map(plain).filter(|value| !value.is_empty())
        };
        let known = |name: &str| value(name).unwrap_or_else(|| "not said".to_owned());
        let seconds = |name: &str| value(name)?.parse().ok().map(Duration::from_secs);
        Holder {
            run: known("run"),
            kind: match value("kind").as_deref() {
                Some("run") => HolderKind::Run,
                Some("prompt") => HolderKind::Prompt,
                _ => HolderKind::Script,
            },
            owner: known("owner"),
            runbook: known("runbook"),
            reason: value("reason"),
            since: known("since"),
            lease: seconds("lease").unwrap_or(Duration::from_secs(60)),
            degraded: value("degraded"),
            outwait: seconds("outwait"),
        }
    }
}

/// A text as part of one line, without what a terminal would obey.
fn plain(text: &str) -> String {
    let is_odd = |letter: &char| {
        letter.is_control()
            || matches!(*letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let letters = text.trim().chars().take(LONGEST);
    let letters: String = letters
        .map(|letter| if is_odd(&letter) { ' ' } else { letter })
        .collect();
    letters.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let holder = Holder {
            run: "20261128-replace-1".to_owned(),
            kind: HolderKind::Run,
            owner: "root@admin1".to_owned(),
            runbook: "replace a disk".to_owned(),
            reason: Some("it's dying\u{1b}[2J\nlease: 9".to_owned()),
            since: "2026-11-28 10:00:00Z".to_owned(),
            lease: Duration::from_secs(60),
            degraded: None,
            outwait: Some(Duration::from_secs(90)),
        };
        let text = holder.write();
        assert_eq!(
            text,
            "run: 20261128-replace-1\nkind: run\nowner: root@admin1\nrunbook: replace a disk\nreason: it's dying [2J \
             lease: 9\nsince: 2026-11-28 10:00:00Z\nlease: 60\noutwait: 90"
        );
        let read = Holder::read(&text);
        assert_eq!(read.reason.as_deref(), Some("it's dying [2J lease: 9"));
        assert_eq!(
            Holder {
                reason: holder.reason.clone(),
                ..read
            },
            holder
        );
        assert_eq!(Holder::read("\0what").owner, "not said");
    }
}
