//! What is wrong with a message? One reason, and the place; never a secret value.

use portcullis_model::Reason;

/// A message that cannot be read in one way only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Why it is refused.
    pub reason: Reason,
    /// The place and the rule, for operators.
    pub detail: String,
}

impl Violation {
    /// A violation.
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}
