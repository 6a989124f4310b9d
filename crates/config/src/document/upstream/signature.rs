//! How do we sign what is sent to an upstream?

use schemars::JsonSchema;
use serde::Deserialize;

use crate::document::secret::Secret;

/// Signatures over requests (RFC 9421): the upstream can tell that they came through here. Exactly one of
/// `key` and `secret`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpstreamSignature {
    /// `keyid`, by which the upstream knows the key.
    pub(crate) keyid: String,
    /// Private key of Ed25519 or ECDSA on P-256, as `PRIVATE KEY` (PKCS #8) in PEM; a file of it
    /// nobody but its owner and group may read.
    pub(crate) key: Option<Secret>,
    /// Secret of HMAC-SHA256, at least 16 bytes.
    pub(crate) secret: Option<Secret>,
    /// What is covered, as far as the request has it.
    #[serde(default = "default_components")]
    pub(crate) components: Vec<String>,
}

fn default_components() -> Vec<String> {
    [
        "@method",
        "@target-uri",
        "content-digest",
        "x-portcullis-decision",
        "x-portcullis-principal",
        "x-portcullis-tenant",
    ]
    .map(str::to_owned)
    .to_vec()
}
