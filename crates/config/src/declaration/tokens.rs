//! Which tokens does the boundary issue itself, and to whom?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portcullis_diagnostics::Span;
use portcullis_model::{ListenerId, ProviderId};

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
    /// Where declared callers exchange tokens.
    pub exchange: Option<Exchange>,
}

/// Where declared callers exchange tokens (RFC 8693).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Where it is answered.
    pub address: OwnAddress,
    /// Who may exchange, by name; no two have the same provider and subject.
    pub clients: BTreeMap<String, ExchangeClient>,
}

/// A caller that may exchange tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeClient {
    /// Vouches for it: certificates or signed tokens.
    pub provider: ProviderId,
    /// Its exact subject there.
    pub subject: String,
    /// Providers of signed tokens that it may exchange.
    pub subjects: BTreeSet<ProviderId>,
    /// Audiences that it may ask for.
    pub audiences: BTreeSet<String>,
    /// Most scopes that it is given.
    pub scopes: BTreeSet<String>,
    /// How long what it is given is valid.
    pub lifetime: Duration,
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
