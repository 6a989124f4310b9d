//! Which tokens does the boundary issue itself, and to whom?

use std::time::Duration;

use portcullis_diagnostics::Span;
use portcullis_model::ListenerId;

/// Tokens that the boundary signs itself (ES256).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Exact `iss`.
    pub issuer: String,
    /// Folder of the signing keys, relative to the estate.
    pub keys: String,
    /// How long one key signs.
    pub rotate_every: Duration,
    /// Where the public keys are fetched.
    pub publish: Option<OwnAddress>,
}

/// An address of a listener that the boundary answers itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnAddress {
    /// The listener.
    pub listener: ListenerId,
    /// The whole path, in its one spelling.
    pub path: String,
    /// Where it was declared.
    pub span: Span,
}

/// The token that an upstream is sent with each request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamToken {
    /// Its `aud`.
    pub audience: String,
    /// How long it is valid; at most a minute.
    pub lifetime: Duration,
    /// Which header carries it.
    pub header: TokenHeader,
    /// Who may exchange it, as `provider|subject`.
    pub may_act: Option<String>,
}

/// Header of a token of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenHeader {
    /// `Authorization: Bearer …`.
    Authorization,
    /// `X-Portcullis-Token: …`.
    Own,
}
