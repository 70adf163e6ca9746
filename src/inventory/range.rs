use std::fmt::Write;
use std::ops::Range;

/// Why a text is not a set of nodes, and at which of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RangeError {
    pub why: String,
    pub at: Range<usize>,
}

/// Numbers in brackets as written: `01-10/2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub first: u64,
    pub last: u64,
    pub step: u64,
    /// Digits that each number has at least; 0 when nothing is padded.
    pub width: usize,
}

impl Stretch {
    /// How many numbers it stands for.
    pub fn count(&self) -> u64 {
        (self.last - self.first) / self.step + 1
    }

    /// The numbers, each with its zeros in front.
    pub fn numbers(self) -> impl Iterator<Item = String> {
        let width = self.width;
        (self.first..=self.last)
            .step_by(usize::try_from(self.step).unwrap_or(usize::MAX))
            .map(move |number| format!("{number:0width$}"))
    }
}

/// Longest number that is counted with; 10^18 still fits its type with room to spare.
pub(super) const DIGITS: usize = 18;

/// Reads what stands between two brackets, `01-10/2,15`; `base` is where it begins in the
/// whole text, for the errors.
pub(super) fn read_stretches(text: &str, base: usize) -> Result<Vec<Stretch>, RangeError> {
    let mut start = base;
    let mut stretches = Vec::new();
    for piece in text.split(',') {
        let lead = piece.len() - piece.trim_start().len();
        let trimmed = piece.trim();
        let at = start + lead..start + lead + trimmed.len();
        stretches.push(read_stretch(trimmed).map_err(|why| RangeError { why, at })?);
        start += piece.len() + 1;
    }
    Ok(stretches)
}

fn read_stretch(text: &str) -> Result<Stretch, String> {
    if text.is_empty() {
        return Err("a number is missing between the brackets".to_owned());
    }
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, read_number(step)?),
        None => (text, 1),
    };
    let Some((first_text, last_text)) = range.split_once('-') else {
        if step != 1 || text.contains('/') {
            return Err(format!("`{text}` has a step but no end; write first-last/step"));
        }
        let number = read_number(range)?;
        return Ok(Stretch {
            first: number,
            last: number,
            step: 1,
            width: padding(range),
        });
    };
    let (first, last) = (read_number(first_text)?, read_number(last_text)?);
    if step == 0 {
        return Err(format!("`{text}` has a step of 0"));
    }
    if first > last {
        return Err(format!(
            "`{range}` runs backwards; write {last_text}-{first_text}"
        ));
    }
    let width = padding(first_text);
    let fits = if width > 0 {
        // `01-100` is 01 to 99 and 100; `01-9` and `1-09` leave open what was meant.
        last_text.len() >= width && padding(last_text) <= width
    } else {
        padding(last_text) == 0
    };
    if !fits {
        return Err(format!(
            "`{range}` pads its ends differently; write as many digits on both"
        ));
    }
    Ok(Stretch {
        first,
        last,
        step,
        width,
    })
}

fn read_number(text: &str) -> Result<u64, String> {
    if text.is_empty() {
        return Err("a number is missing in the range".to_owned());
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{text}` is not a number; a range is such as 01-16"));
    }
    if text.len() > DIGITS {
        return Err(format!("`{text}` has more than {DIGITS} digits"));
    }
    text.parse().map_err(|_| format!("`{text}` is not a number"))
}

/// The width that zeros in front ask for; 0 without them.
fn padding(number: &str) -> usize {
    if number.len() > 1 && number.starts_with('0') {
        number.len()
    } else {
        0
    }
}

/// Writes numbers, in order and as they stand in names, folded: `01-03,7`.
pub(super) fn fold_numbers(numbers: &[&str]) -> String {
    let mut folded = String::new();
    let mut index = 0;
    while index < numbers.len() {
        let first = numbers[index];
        let end = index + run_length(&numbers[index..]);
        if !folded.is_empty() {
            folded.push(',');
        }
        folded.push_str(first);
        if end - index > 1 {
            // Writing to a String cannot fail.
            let _ = write!(folded, "-{}", numbers[end - 1]);
        }
        index = end;
    }
    folded
}

/// How many of the numbers, from the first one, count up by one and are padded alike.
fn run_length(numbers: &[&str]) -> usize {
    let width = padding(numbers[0]);
    let Ok(first) = numbers[0].parse::<u64>() else {
        return 1;
    };
    let goes_on = |(offset, number): (usize, &&str)| {
        // As ClusterShell wants it: no run goes from 01 to 100.
        let fits = if width > 0 {
            number.len() == width
        } else {
            padding(number) == 0
        };
        fits && number.parse() == Ok(first + offset as u64)
    };
    numbers
        .iter()
        .enumerate()
        .take_while(|pair| goes_on(*pair))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_read() {
        let cases = [
            ("1-3", vec!["1", "2", "3"]),
            ("01-10/3,15", vec!["01", "04", "07", "10", "15"]),
            ("9-11", vec!["9", "10", "11"]),
            ("099-101", vec!["099", "100", "101"]),
            ("08,9", vec!["08", "9"]),
            ("0", vec!["0"]),
            ("1-2/999999999999999999", vec!["1"]),
        ];
        for (text, numbers) in cases {
            let read = read_stretches(text, 0).expect(text);
            let all: Vec<String> = read.into_iter().flat_map(Stretch::numbers).collect();
            assert_eq!(all, numbers, "{text}");
        }
    }

    #[test]
    fn odd_ranges_are_refused() {
        let cases = [
            ("", "a number is missing between the brackets"),
            ("1,", "a number is missing between the brackets"),
            ("1-", "a number is missing in the range"),
            ("5-1", "`5-1` runs backwards; write 1-5"),
            ("1-5/0", "`1-5/0` has a step of 0"),
            ("1/2", "`1/2` has a step but no end; write first-last/step"),
            ("a", "`a` is not a number; a range is such as 01-16"),
            (
                "01-9",
                "`01-9` pads its ends differently; write as many digits on both",
            ),
            (
                "1-09",
                "`1-09` pads its ends differently; write as many digits on both",
            ),
        ];
        for (text, why) in cases {
            assert_eq!(read_stretches(text, 0).unwrap_err().why, why, "{text}");
        }
        assert!(read_stretches("1234567890123456789", 0).is_err());
    }

    #[test]
    fn numbers_fold() {
        let cases = [
            (vec!["1", "2", "3", "7"], "1-3,7"),
            (vec!["08", "09", "10"], "08-10"),
            (vec!["99", "100"], "99-100"),
            (vec!["08", "09", "10", "99", "100", "101"], "08-10,99-101"),
            (vec!["098", "099", "100"], "098-100"),
            (vec!["1", "02"], "1,02"),
            (vec!["0", "1"], "0-1"),
        ];
        for (numbers, folded) in cases {
            assert_eq!(fold_numbers(&numbers), folded);
        }
    }
}
