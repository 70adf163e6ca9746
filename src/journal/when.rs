use std::time::Duration;

use jiff::Timestamp;

/// A moment of the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct When(Timestamp);

impl When {
    /// Reads a moment such as `2026-11-28 07:31:05Z`.
    pub fn read(text: &str) -> Option<When> {
        text.parse().ok().map(When)
    }

    /// The moment so long after it.
    pub fn after(self, length: Duration) -> Option<When> {
        self.0.checked_add(length).ok().map(When)
    }

    /// As it is written: `2026-11-28 07:31:05Z`.
    pub fn write(self) -> String {
        self.0.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_over_the_day() {
        let cases = [
            // a moment, so many seconds later, it is
            ("2026-11-28 07:31:05Z", 0, "2026-11-28 07:31:05Z"),
            ("2026-11-28 23:59:59Z", 2, "2026-11-29 00:00:01Z"),
            ("2026-12-31 12:00:00Z", 43_200, "2027-01-01 00:00:00Z"),
        ];
        for (text, seconds, later) in cases {
            let when = When::read(text).and_then(|when| when.after(Duration::from_secs(seconds)));
            assert_eq!(when.map(When::write).as_deref(), Some(later), "{text}");
        }
        assert_eq!(When::read("yesterday"), None);
    }
}
