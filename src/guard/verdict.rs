use crate::value::Truth;

/// What a guard answers, with the measured reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Yes, no, or cannot be measured.
    pub truth: Truth,
    /// What was measured, in the guard's own words; empty when it simply holds.
    pub reason: String,
    /// Values whose change means that something restarted meanwhile (`steady`), as text.
    pub steady: Vec<String>,
}

impl Verdict {
    /// It holds.
    pub fn yes() -> Verdict {
        Verdict {
            truth: Truth::Yes,
            reason: String::new(),
            steady: Vec::new(),
        }
    }

    /// It does not hold, and why.
    pub fn no(reason: impl Into<String>) -> Verdict {
        Verdict {
            truth: Truth::No,
            reason: reason.into(),
            steady: Vec::new(),
        }
    }

    /// It cannot be measured, and why.
    pub fn unknown(reason: impl Into<String>) -> Verdict {
        let reason = reason.into();
        Verdict {
            truth: Truth::Unknown(reason.as_str().into()),
            reason,
            steady: Vec::new(),
        }
    }

    /// Whether it surely holds.
    pub fn holds(&self) -> bool {
        self.truth.holds()
    }
}
