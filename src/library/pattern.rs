use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use regex::Regex;

/// Most patterns that are kept ready; with more than these, all are let go at once.
const MOST_KEPT: usize = 256;

thread_local! {
    /// Compiling costs a thousand times more than matching, and facts match all the time.
    static READY: RefCell<HashMap<String, Rc<Regex>>> = RefCell::default();
}

/// Reads a regular expression as it stands between its slashes; the same pattern is
/// compiled once.
///
/// # Errors
///
/// What is wrong with the pattern, in one line.
pub fn read_regex(pattern: &str) -> Result<Rc<Regex>, String> {
    READY.with_borrow_mut(|ready| {
        if let Some(regex) = ready.get(pattern) {
            return Ok(regex.clone());
        }
        let regex = Regex::new(pattern).map_err(|error| explain_error(&error))?;
        if ready.len() >= MOST_KEPT {
            ready.clear();
        }
        let regex = Rc::new(regex);
        ready.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    })
}

/// INTERIM
pub fn write_extended(pattern: &str) -> Result<String, String> {
    Ok(pattern.to_owned())
}

/// The last line of what the compiler says; the ones before it only draw the pattern.
fn explain_error(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::read_regex;

    #[test]
    fn patterns_are_compiled_once() {
        let one = read_regex("^[[:blank:]]*MDSID").expect("a good pattern");
        assert!(one.is_match("  MDSID STATUS"));
        let again = read_regex("^[[:blank:]]*MDSID").expect("a good pattern");
        assert!(std::rc::Rc::ptr_eq(&one, &again));
        assert_eq!(read_regex("a(").unwrap_err(), "unclosed group");
    }
}
