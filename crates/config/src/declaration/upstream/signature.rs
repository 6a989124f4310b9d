//! How do we sign what is sent to an upstream?

use crate::declaration::granted::SecretRef;

/// Signatures over requests (RFC 9421).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamSignature {
    /// `keyid`.
    pub keyid: String,
    /// What signs.
    pub key: SigningKey,
    /// What is covered, as far as the request has it.
    pub components: Vec<String>,
}

/// What signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SigningKey {
    /// `PRIVATE KEY` (PKCS #8) in PEM.
    Private(SecretRef),
    /// Secret of HMAC-SHA256.
    Shared(SecretRef),
}
