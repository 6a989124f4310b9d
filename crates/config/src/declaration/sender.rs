//! How do callers prove that a credential is their own, and how do they see this listener?

use std::time::Duration;

/// Proof that a credential is the caller's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderRule {
    /// Whether credentials that anybody could show are refused.
    pub required: bool,
    /// How long a proof counts after it was made.
    pub proof_age_max: Duration,
    /// Tolerated difference of clocks.
    pub clock_skew: Duration,
    /// Whether proofs must have a nonce of this process.
    pub nonces: bool,
}

/// How clients reach a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// Whether with TLS.
    pub is_https: bool,
    /// The port.
    pub port: u16,
}
