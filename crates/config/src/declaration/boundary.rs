//! What may cross, and under which rules?

use std::collections::BTreeSet;

use portcullis_diagnostics::Span;
use portcullis_model::{LimitId, ProviderId, StepUp, ZoneId};

use super::Tracing;
use super::addresses::Addresses;
use super::headers::Answers;
use super::sender::SenderRule;

/// A crossing from one zone to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// From.
    pub from: ZoneId,
    /// To.
    pub to: ZoneId,
    /// Who may come.
    pub identity: IdentityRule,
    /// Limits that apply.
    pub limits: Vec<LimitId>,
    /// What is looked at.
    pub inspection: Inspection,
    /// Client addresses that may cross.
    pub addresses: Option<Addresses>,
    /// What answers say besides their content.
    pub answers: Answers,
    /// Whether a crossing needs a durable record first.
    pub audit: Audit,
    /// What is believed about the traces of its callers.
    pub trace: Tracing,
    /// Where it was declared.
    pub span: Span,
}

/// Who may come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRule {
    /// Accepted providers.
    pub providers: BTreeSet<ProviderId>,
    /// Whether operations whose contract asks for no security may be reached without a credential.
    pub anonymous: bool,
    /// Proof that a credential is the caller's own.
    pub sender: SenderRule,
    /// How strongly and how lately callers with a credential must have signed in.
    pub assurance: Option<StepUp>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Longest body, before and after decompression.
    pub body_bytes_max: u64,
    /// Deepest nesting of JSON.
    pub json_depth_max: u16,
    /// Largest ratio of decompressed to compressed size.
    pub expansion_max: u32,
}

/// Whether a crossing needs a durable record first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audit {
    /// Recorded; a failure to record is counted.
    BestEffort,
    /// No record, no crossing.
    Required,
}
