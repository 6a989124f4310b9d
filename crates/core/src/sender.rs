//! How was it proved that a credential is its sender's own? The word of the record; never the proof.

use std::sync::Arc;

use portcullis_identity::Authenticated;
use portcullis_identity::content_digest::ContentDigest;
use portcullis_model::Timestamp;
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
    /// The key of this `keyid`, by a signature over the message (RFC 9421).
    Signature(String),
    /// A secret of this provider, by the code of a webhook.
    Webhook(String),
}

impl Sender {
    /// In a word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Dpop(_) => "DPoP",
            Self::Mtls(_) => "mTLS",
            Self::Signature(_) => "a signature over the message",
            Self::Webhook(_) => "the code of a webhook",
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
    /// What was proved, but for whether it is the first of its name.
    pub(crate) claim: Option<Claim>,
    /// What the body must be.
    pub(crate) body: BodyRule,
}

impl Vouched {
    /// A caller whose credential says nothing of proofs and bodies.
    pub(crate) const fn new(caller: Arc<Authenticated>, fresh_token: Option<[u8; 32]>) -> Self {
        Self { caller, fresh_token, claim: None, body: BodyRule::Any }
    }
}

/// A proof that was verified.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What it proves.
    pub(crate) sender: Sender,
    /// Its name.
    pub(crate) name: [u8; 16],
    /// When it has ended by itself.
    pub(crate) until: Timestamp,
}

/// What the credential says of the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BodyRule {
    /// Nothing.
    #[default]
    Any,
    /// It is the one of this digest.
    Digest(ContentDigest),
    /// There is none.
    Empty,
    /// It is over the body, which was read for it.
    Read,
}
