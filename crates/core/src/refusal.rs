//! What does a stage say when it does not go on?
//!
//! A refusal is a value, not an error: it has a stage, one reason out of the closed set, and a
//! detail for the operator that never holds a secret. [`Step`] is what every stage answers.

use portcullis_identity::Refused;
use portcullis_model::{Reason, Stage, StepUp};
use portcullis_reading::violation::Violation;

use crate::answer::Answer;
use crate::facts::Need;

/// A crossing that ends here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stage that refused.
    pub stage: Stage,
    /// Why.
    pub reason: Reason,
    /// What exactly, for operators.
    pub detail: String,
    /// Scopes to name in the challenge, where the reason is a missing scope.
    pub scopes: Vec<String>,
    /// The sign-in to name in the challenge, where the reason is one that is not enough.
    pub step_up: Option<Box<StepUp>>,
    /// How long the caller should wait, in seconds, where the reason is a limit.
    pub retry_after_secs: Option<u64>,
    /// What the client is told besides the title, where the declaration has words for it.
    pub message: Option<String>,
}

impl Refusal {
    /// A refusal of the stage that the reason belongs to.
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            stage: reason.stage(),
            reason,
            detail: detail.into(),
            scopes: Vec::new(),
            step_up: None,
            retry_after_secs: None,
            message: None,
        }
    }

    /// A refusal in a stage because a fact it asked for was not supplied (law 3).
    #[must_use]
    pub fn missing_fact(stage: Stage, fact: &str) -> Self {
        Self { stage, ..Self::new(Reason::FactMissing, format!("fact `{fact}` was not supplied")) }
    }

    /// Whether it counts against the address's allowance of refused credentials: a credential was
    /// shown and it was wrong. What nobody can be blamed for does not count.
    #[must_use]
    pub fn counts_as_failure(&self) -> bool {
        self.stage == Stage::Identify
            && !matches!(
                self.reason,
                Reason::CredentialMissing
                    | Reason::FactMissing
                    | Reason::KeysUnavailable
                    | Reason::ProofNonceNeeded
                    | Reason::ReplaysFull
                    | Reason::IntrospectionInvalid
                    | Reason::IntrospectionUnavailable
            )
    }
}

impl From<Violation> for Refusal {
    fn from(violation: Violation) -> Self {
        Self::new(violation.reason, violation.detail)
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::new(refused.reason, refused.detail)
    }
}

/// What a stage answers.
#[derive(Debug)]
pub enum Step<State, Next> {
    /// Go on with the next state.
    Next(Next),
    /// Ask for these facts and come back with the same state.
    More(State, Vec<Need>),
    /// End here, with an answer of the boundary's own.
    Answered(Answer),
    /// End here.
    Refused(Refusal),
}
