//! How do callers prove that a credential is their own, and how do they see this listener?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Proof that a credential is the caller's own. A token that is bound to a key (RFC 9449) or to a
/// certificate (RFC 8705) is never taken without its proof, whatever stands here.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sender {
    /// Whether credentials that anybody could show are refused.
    pub(crate) required: bool,
    /// How long a proof counts after it was made.
    pub(crate) proof_age_max: String,
    /// Tolerated difference of clocks.
    pub(crate) clock_skew: String,
    /// Whether proofs must have a nonce of this process, so that none can be made ahead, or used at
    /// another process or after a restart.
    pub(crate) nonces: bool,
}

impl Default for Sender {
    fn default() -> Self {
        Self {
            required: false,
            proof_age_max: "1m".to_owned(),
            clock_skew: "5s".to_owned(),
            nonces: false,
        }
    }
}

/// How clients reach a listener, where something in front of it changes that. Without it: `https` where
/// the listener speaks TLS, and its own port.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advertised {
    /// The scheme.
    pub(crate) scheme: Scheme,
    /// The port.
    #[schemars(range(min = 1))]
    pub(crate) port: u16,
}

/// A scheme of URIs.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}
