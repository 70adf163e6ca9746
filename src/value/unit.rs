use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// A number whose unit is missing or unknown, or that is out of range.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` cannot be read with its unit")]
pub struct UnitError(pub String);

/// Numbers with dots between: `6.0.7`. Compared number by number; a number left out is 0.
#[derive(Debug, Clone)]
pub struct Version(pub Vec<u64>);

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let part = |version: &Version, index: usize| version.0.get(index).copied().unwrap_or(0);
        (0..self.0.len().max(other.0.len()))
            .map(|index| part(self, index).cmp(&part(other, index)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u64::to_string).collect();
        out.write_str(&parts.join("."))
    }
}

/// Units of time from the longest to the shortest, in milliseconds.
const TIMES: [(&str, u128); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Units of size from the largest to the smallest, in bytes.
const SIZES: [(&str, u64); 6] = [
    ("PB", 1 << 50),
    ("TB", 1 << 40),
    ("GB", 1 << 30),
    ("MB", 1 << 20),
    ("KB", 1 << 10),
    ("B", 1),
];

/// Reads a length of time such as `90s`, `5m` or `1h30m`, also with blanks between: `19d 23h`.
///
/// # Units
///
/// `ms`, `s`, `m` (minutes), `h`, `d`; the longer ones first, each at most once. A day is
/// 24 hours, whatever the calendar says.
///
/// # Errors
///
/// [`UnitError`] for a bare number, an unknown unit, or more than a [`Duration`] holds.
pub fn read_duration(text: &str) -> Result<Duration, UnitError> {
    let wrong = || UnitError(text.to_owned());
    let mut rest = text.trim();
    let mut units = TIMES.iter();
    let mut total: u128 = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let (number, after) = split_where(rest, |byte| !byte.is_ascii_digit());
        let (unit, after) = split_where(after, |byte| !byte.is_ascii_alphabetic());
        let number: u64 = number.parse().map_err(|_| wrong())?;
        // Taking units from one iterator keeps them in order and each only once.
        let (_, length) = units.find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        total = total.saturating_add(u128::from(number) * length);
        rest = after.trim_start();
    }
    let seconds = u64::try_from(total / 1_000).map_err(|_| wrong())?;
    Ok(Duration::from_secs(seconds) + Duration::from_millis((total % 1_000) as u64))
}

/// Writes a length of time so that [`read_duration`] reads it back: `1h30m`, `45s`, `500ms`, `0s`.
///
/// What is shorter than a millisecond is dropped.
pub fn write_duration(length: Duration) -> String {
    let mut rest = length.as_millis();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut written = String::new();
    for (name, unit) in TIMES {
        if rest >= unit {
            written.push_str(&format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    written
}

/// Reads a number of bytes such as `10GB` or `1.32TB`; a fraction of a byte is dropped.
///
/// # Units
///
/// `B`, `KB`, `MB`, `GB`, `TB`, `PB`, each 1024 of the one before. A bare `K`, `M` or `G`
/// is none: `15m` in one column is memory and in the next one minutes.
///
/// # Errors
///
/// [`UnitError`] for a bare number, an unknown unit, or more than 2^64 - 1 bytes.
pub fn read_size(text: &str) -> Result<u64, UnitError> {
    let wrong = || UnitError(text.to_owned());
    let text = text.trim();
    let (number, unit) = split_where(text, |byte| !byte.is_ascii_digit() && byte != b'.');
    let (_, bytes) = SIZES.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    let (units, parts) = read_decimal(number).ok_or_else(wrong)?;
    let whole = u128::from(units) * u128::from(*bytes);
    let part = u128::from(parts) * u128::from(*bytes) / u128::from(DECIMAL);
    u64::try_from(whole + part).map_err(|_| wrong())
}

/// Writes a number of bytes so that [`read_size`] reads back the very same number: `105GB`,
/// `1.32TB`, or a smaller unit where two decimals would round it.
pub fn write_size(bytes: u64) -> String {
    for (name, unit) in SIZES {
        if bytes < unit {
            continue;
        }
        if bytes.is_multiple_of(unit) {
            return format!("{}{name}", bytes / unit);
        }
        // Reading drops the fraction of a byte, so the hundredths are rounded up.
        let hundredths = (u128::from(bytes % unit) * 100).div_ceil(u128::from(unit));
        let text = format!("{}.{hundredths:02}", bytes / unit);
        let written = format!("{}{name}", text.trim_end_matches('0'));
        if hundredths < 100 && read_size(&written) == Ok(bytes) {
            return written;
        }
    }
    format!("{bytes}B")
}

/// Reads a percentage such as `80%` or `0.1%`, in hundredths of a percent.
///
/// # Errors
///
/// [`UnitError`] without the sign `%`, or when it is not a number.
pub fn read_percent(text: &str) -> Result<i64, UnitError> {
    let wrong = || UnitError(text.to_owned());
    let number = text.trim().strip_suffix('%').ok_or_else(wrong)?;
    let (negative, number) = match number.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, number),
    };
    let (whole, parts) = read_decimal(number.trim_end()).ok_or_else(wrong)?;
    let hundredths = i64::try_from(whole)
        .ok()
        .and_then(|whole| whole.checked_mul(100))
        .and_then(|whole| whole.checked_add((parts / (DECIMAL / 100)) as i64))
        .ok_or_else(wrong)?;
    Ok(if negative { -hundredths } else { hundredths })
}

/// Reads a ratio such as `3:2`.
///
/// # Errors
///
/// [`UnitError`] unless two whole numbers stand around one colon.
pub fn read_ratio(text: &str) -> Result<(u32, u32), UnitError> {
    let wrong = || UnitError(text.to_owned());
    let (one, two) = text.trim().split_once(':').ok_or_else(wrong)?;
    let number = |text: &str| digits_only(text).and_then(|text| text.parse().ok());
    Ok((number(one).ok_or_else(wrong)?, number(two).ok_or_else(wrong)?))
}

/// Reads a version such as `6.0.7`.
///
/// # Errors
///
/// [`UnitError`] unless it is whole numbers with dots between.
pub fn read_version(text: &str) -> Result<Version, UnitError> {
    let parts: Option<Vec<u64>> = text
        .trim()
        .split('.')
        .map(|part| digits_only(part)?.parse().ok())
        .collect();
    parts.map(Version).ok_or_else(|| UnitError(text.to_owned()))
}

/// What [`read_decimal`] counts the part after the point in: billionths.
const DECIMAL: u64 = 1_000_000_000;

/// Reads `12.5` as 12 and 500,000,000 billionths; further digits are dropped.
fn read_decimal(text: &str) -> Option<(u64, u64)> {
    let (whole, part) = match text.split_once('.') {
        Some((whole, part)) => (whole, digits_only(part)?),
        None => (text, ""),
    };
    let whole = digits_only(whole)?.parse().ok()?;
    let part: String = part.chars().chain("000000000".chars()).take(9).collect();
    Some((whole, part.parse().ok()?))
}

/// `text` when it is one or more digits: no sign, which `parse` would take.
fn digits_only(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// Splits before the first byte that is not wanted. Only ASCII bytes are ever wanted here,
/// so the cut never lies within a letter.
fn split_where(text: &str, unwanted: impl Fn(u8) -> bool) -> (&str, &str) {
    text.split_at(text.bytes().position(unwanted).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read() {
        let cases = [
            ("90s", Some(90_000)),
            ("5m", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            ("500ms", Some(500)),
            ("1s500ms", Some(1_500)),
            ("2d", Some(172_800_000)),
            ("19d 23h", Some(1_724_400_000)),
            ("0s", Some(0)),
            ("5", None),
            ("", None),
            ("m", None),
            ("30m1h", None),
            ("5m5m", None),
            ("-5s", None),
            ("1.5h", None),
            ("5 m", None),
            ("5µs", None),
            ("99999999999999999999s", None),
            ("18446744073709551615d", None),
        ];
        for (text, milliseconds) in cases {
            let wanted = milliseconds.map(Duration::from_millis);
            assert_eq!(read_duration(text).ok(), wanted, "{text:?}");
        }
    }

    #[test]
    fn durations_are_written_short() {
        let cases = [
            (0, "0s"),
            (500, "500ms"),
            (45_000, "45s"),
            (90_000, "1m30s"),
            (5_400_000, "1h30m"),
            (86_400_000, "1d"),
        ];
        for (milliseconds, text) in cases {
            assert_eq!(write_duration(Duration::from_millis(milliseconds)), text);
        }
        assert_eq!(write_duration(Duration::MAX), "213503982334601d7h15s999ms");
    }

    #[test]
    fn sizes_are_read() {
        let cases = [
            ("0B", Some(0)),
            ("105GB", Some(105 << 30)),
            ("1.5KB", Some(1_536)),
            ("1.32TB", Some(1_451_355_348_664)),
            ("15m", None),
            ("15M", None),
            ("15", None),
            ("GB", None),
            (".5GB", None),
            ("5.GB", None),
            ("1.2.3GB", None),
            ("-1GB", None),
            ("16383PB", Some(16_383 << 50)),
            ("16384PB", None),
            ("99999999999999999999B", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(read_size(text).ok(), bytes, "{text:?}");
        }
    }

    #[test]
    fn sizes_are_written_in_the_largest_exact_unit() {
        let cases = [
            (0, "0B"),
            (1_023, "1023B"),
            (1_024, "1KB"),
            (1_536, "1.5KB"),
            (105 << 30, "105GB"),
            (1_451_355_348_664, "1.32TB"),
            (u64::MAX, "18446744073709551615B"),
        ];
        for (bytes, text) in cases {
            assert_eq!(write_size(bytes), text);
        }
    }

    #[test]
    fn shares_ratios_and_versions_are_read() {
        let percents = [
            ("80%", Some(8_000)),
            ("0.1%", Some(10)),
            ("12.345%", Some(1_234)),
            ("-3%", Some(-300)),
            ("80", None),
            ("%", None),
            ("99999999999999999999%", None),
            ("9223372036854775807%", None),
        ];
        for (text, hundredths) in percents {
            assert_eq!(read_percent(text).ok(), hundredths, "{text:?}");
        }
        let ratios = [
            ("3:2", Some((3, 2))),
            ("3", None),
            ("3:", None),
            ("+3:2", None),
            ("3:2:1", None),
        ];
        for (text, ratio) in ratios {
            assert_eq!(read_ratio(text).ok(), ratio, "{text:?}");
        }
        for text in ["", "6..7", "6.x", "v6", "6.0.99999999999999999999"] {
            assert!(read_version(text).is_err(), "{text:?}");
        }
        let version = |text: &str| read_version(text).expect(text);
        assert!(version("6.0.7") < version("6.0.10"));
        assert_eq!(version("6.0"), version("6.0.0"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(milliseconds in any::<u64>(), bytes in any::<u64>()) {
            let length = Duration::from_millis(milliseconds);
            prop_assert_eq!(read_duration(&write_duration(length)), Ok(length));
            prop_assert_eq!(read_size(&write_size(bytes)), Ok(bytes));
        }

        #[test]
        fn no_text_is_too_odd(text in "[-0-9.a-zA-Z%: µ]{0,30}") {
            let _ = (read_duration(&text), read_size(&text), read_percent(&text));
            let _ = (read_ratio(&text), read_version(&text));
        }
    }
}
