//! How was it proved that a credential is its sender's own? The word of the record; never the proof.

use std::sync::Arc;

use portcullis_identity::Authenticated;
use portcullis_identity::dpop::Proven;
use serde::{Deserialize, Serialize};

/// What was proved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "proof", content = "of")]
pub enum Sender {
    /// Nothing: whoever has the credential can show it.
    #[default]
    None,
    /// The key of this thumbprint, by a DPoP proof (RFC 9449).
    Dpop(String),
    /// The client certificate of this fingerprint (RFC 8705).
    Mtls(String),
}

impl Sender {
    /// In a word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Dpop(_) => "DPoP",
            Self::Mtls(_) => "mTLS",
        }
    }
}

/// A caller that is known, but for the proof of its sender.
#[derive(Clone, Debug)]
pub struct Vouched {
    /// Who it would be.
    pub(crate) caller: Arc<Authenticated>,
    /// As in what is identified.
    pub(crate) fresh_token: Option<[u8; 32]>,
    /// The proof, once it was verified.
    pub(crate) proven: Option<Proven>,
}
