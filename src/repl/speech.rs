use std::io::Write;

/// Writes to the person, who may be gone by now: then nobody reads it, and the session goes on to
/// its end.
pub(super) fn write_out(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a line to the person.
macro_rules! say {
    ($($written:tt)*) => {
        $crate::repl::speech::write_out(&format!("{}\n", format_args!($($written)*)))
    };
}

pub(super) use say;
