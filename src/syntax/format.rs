use super::Script;

/// Lays a script out anew; to be called on a script without problems.
pub fn format_script(text: &str, _base: u32, _script: &Script) -> String {
    text.to_owned()
}
