//! What is written down about every decision?
//!
//! One [`Record`] per decision, allow or deny, with the same fields either way. It says which
//! snapshot decided, what was asked, which facts were used, and what came of it; it never holds
//! a secret. Personal facts are sealed (AES-256-GCM under the node's key) so that erasing the
//! key erases them while the record stays. `explain` reads it, `replay` recomputes it.

use serde::{Deserialize, Serialize};

use crate::{
    ApiId, BoundaryId, Decision, ListenerId, Method, OperationId, Reason, RecordId, SpanNote,
    Stage, Timestamp, UpstreamId, ZoneId,
};

/// Version of this format, the record's first member.
pub const RECORD_VERSION: u32 = 1;

/// One decision, written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`RECORD_VERSION`].
    pub v: u32,
    /// Names this decision; also shown to the client.
    pub id: RecordId,
    /// Whether this is the decision before forwarding, or what came of it.
    pub kind: RecordKind,
    /// The time that the decision was given.
    pub at: Timestamp,
    /// The snapshot that decided, as a hexadecimal SHA-256 of everything it was compiled from.
    pub revision: String,
    /// Where it arrived.
    pub listener: ListenerId,
    /// What was asked.
    pub request: RequestSummary,
    /// The crossing and operation, as far as they were found.
    pub crossing: Crossing,
    /// Who asked, by handle.
    pub caller: Caller,
    /// Where it stands in a trace; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<SpanNote>,
    /// What it came to.
    pub decision: Decision,
    /// The stage that ended it; `admit` or later for what was permitted.
    pub stage: Stage,
    /// Why it was refused; absent when permitted.
    pub reason: Option<Reason>,
    /// What exactly, for operators (JSON pointer, header name, limit); never a secret value.
    pub detail: Option<String>,
    /// What each stage said, in order.
    pub stages: Vec<StageNote>,
    /// Facts that the decision used.
    pub facts: Vec<FactNote>,
    /// SHA-256 over the request summary and the facts in canonical form, hexadecimal.
    pub digest: String,
    /// What the upstream and the client saw; absent on an intent.
    pub outcome: Option<Outcome>,
}

/// Intent and outcome of one decision share its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// Written durably before the request is forwarded, where the boundary requires it.
    Intent,
    /// Written when the crossing is over; every decision has exactly one.
    Outcome,
}

/// The one view of the request, in the form that is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestSummary {
    /// The method, where it could be read.
    pub method: Option<Method>,
    /// Lower-case host, where it could be read.
    pub host: Option<String>,
    /// The path template of the operation when one was found, else nothing: paths hold
    /// personal values, and those live sealed among the facts.
    pub template: Option<String>,
    /// SHA-256 of method, host, canonical path, query and the forwarded headers, hexadecimal.
    pub digest: Option<String>,
    /// Length of the body in bytes, where one was read.
    pub body_bytes: Option<u64>,
    /// SHA-256 of the body as forwarded, hexadecimal.
    pub body_digest: Option<String>,
    /// Names of headers that were removed on entry.
    pub stripped: Vec<String>,
}

/// Which declared things the request touched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crossing {
    /// The zone it came from.
    pub from: Option<ZoneId>,
    /// The zone it went to.
    pub to: Option<ZoneId>,
    /// The boundary between them.
    pub boundary: Option<BoundaryId>,
    /// The API.
    pub api: Option<ApiId>,
    /// The operation.
    pub operation: Option<OperationId>,
    /// The upstream of its API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<UpstreamId>,
}

/// The caller by handle; the personal part is sealed among the facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// Keyed hash of the principal's qualified name; equal for equal principals on one node.
    pub principal: Option<String>,
    /// Kind of principal, in words.
    pub kind: Option<String>,
    /// Tenant.
    pub tenant: Option<String>,
    /// Credential handle.
    pub credential: Option<String>,
}

/// What a stage said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageNote {
    /// The stage.
    pub stage: Stage,
    /// What it found, in words that hold no secret and nothing personal.
    pub said: String,
    /// How long it took, in microseconds, facts included.
    pub micros: u64,
}

/// A fact that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactNote {
    /// Which fact.
    pub name: String,
    /// When it was true.
    pub as_of: Timestamp,
    /// Its value.
    pub value: FactValue,
}

/// The value of a recorded fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactValue {
    /// Canonical JSON in the clear.
    Clear(String),
    /// AES-256-GCM: nonce and ciphertext in base64url. Personal.
    Sealed(String),
    /// It was erased; the decision cannot be replayed.
    Erased,
}

/// How the crossing ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Status that the client was sent.
    pub status: u16,
    /// Status that the upstream answered, if it was asked.
    pub upstream_status: Option<u16>,
    /// Bytes of response body that the client was sent.
    pub response_bytes: u64,
    /// From first byte of the request to the end of the answer, microseconds.
    pub micros: u64,
    /// Whether the record of intent was durable before forwarding.
    pub intent_durable: bool,
}
