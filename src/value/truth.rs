use std::sync::Arc;

/// What a condition yields. What could not be measured is neither yes nor no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// It cannot be told, and why.
    Unknown(Arc<str>),
}

impl Truth {
    /// Both; no wins over unknown, since one sure no decides.
    pub fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::No, _) | (_, Truth::No) => Truth::No,
            (Truth::Unknown(why), _) | (_, Truth::Unknown(why)) => Truth::Unknown(why),
            (Truth::Yes, Truth::Yes) => Truth::Yes,
        }
    }

    /// Either; yes wins over unknown.
    pub fn or(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::Yes, _) | (_, Truth::Yes) => Truth::Yes,
            (Truth::Unknown(why), _) | (_, Truth::Unknown(why)) => Truth::Unknown(why),
            (Truth::No, Truth::No) => Truth::No,
        }
    }

    /// Turns yes into no; unknown stays unknown.
    #[allow(clippy::should_implement_trait)] // the language's word, beside `and` and `or`
    pub fn not(self) -> Truth {
        match self {
            Truth::Yes => Truth::No,
            Truth::No => Truth::Yes,
            unknown => unknown,
        }
    }

    /// Yes or no, where it is known.
    pub fn known(&self) -> Option<bool> {
        match self {
            Truth::Yes => Some(true),
            Truth::No => Some(false),
            Truth::Unknown(_) => None,
        }
    }

    /// Whether it surely holds.
    pub fn holds(&self) -> bool {
        *self == Truth::Yes
    }
}

impl From<bool> for Truth {
    fn from(yes: bool) -> Self {
        if yes { Truth::Yes } else { Truth::No }
    }
}
