//! What may cross, and under which rules?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tracing;
use super::addresses::Addresses;
use super::assurance::Assurance;
use super::headers::Answers;
use super::sender::Sender;

/// A crossing from one zone to another.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Boundary {
    /// From this zone,
    pub(crate) from: String,
    /// to that one.
    pub(crate) to: String,
    /// Who may come.
    pub(crate) identity: Identity,
    /// Limits that apply, by name.
    #[serde(default)]
    pub(crate) limits: Vec<String>,
    /// How closely messages are looked at.
    #[serde(default)]
    pub(crate) inspection: Inspection,
    /// Client addresses that may cross.
    pub(crate) addresses: Option<Addresses>,
    /// What answers say besides their content.
    #[serde(default)]
    pub(crate) answers: Answers,
    /// Whether a crossing needs a durable record first.
    #[serde(default)]
    pub(crate) audit: Audit,
    /// What is believed about the traces of its callers.
    #[serde(default)]
    pub(crate) trace: Tracing,
}

/// Who may come.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    /// Accepted providers, by name.
    #[serde(default)]
    pub(crate) providers: Vec<String>,
    /// Whether operations whose contract asks for no credential may be reached without one.
    #[serde(default)]
    pub(crate) anonymous: bool,
    /// Proof that a credential is the caller's own.
    #[serde(default)]
    pub(crate) sender: Sender,
    /// How strongly and how lately callers with a credential must have signed in.
    pub(crate) assurance: Option<Assurance>,
}

/// How closely messages are looked at.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Inspection {
    /// Longest body.
    pub(crate) body_bytes_max: String,
    /// Deepest nesting of JSON.
    #[schemars(range(min = 1, max = 128))]
    pub(crate) json_depth_max: u16,
    /// Largest ratio of decompressed to compressed size.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) expansion_max: u32,
}

/// Whether a crossing needs a durable record first.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Audit {
    /// Recorded; a failure to record is counted.
    #[default]
    BestEffort,
    /// No record, no crossing.
    Required,
}

impl Default for Inspection {
    fn default() -> Self {
        Self { body_bytes_max: "1MiB".to_owned(), json_depth_max: 32, expansion_max: 20 }
    }
}
