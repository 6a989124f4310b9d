//! Which tokens does the boundary issue itself, and to whom?

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tokens that the boundary signs itself (ES256): for upstreams that declare `token`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tokens {
    /// Exact `iss` of every token; an `https` URL without query and fragment.
    pub(crate) issuer: String,
    /// Folder of the signing keys, relative to this file. They are made there, for the gateway's
    /// user alone; `jwks.json` beside them has the public ones.
    #[serde(default = "default_keys")]
    pub(crate) keys: String,
    /// How long one key signs. Its successor is published for as long before it signs, and it stays
    /// published for as long after.
    #[serde(default = "default_rotate_every")]
    pub(crate) rotate_every: String,
    /// Where verifiers fetch the public keys over HTTP.
    pub(crate) publish: Option<OwnAddress>,
    /// Where declared callers exchange tokens (RFC 8693); nowhere if absent.
    pub(crate) exchange: Option<Exchange>,
}

/// Where declared callers exchange tokens for narrower ones (RFC 8693).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    /// The listener, by name.
    pub(crate) listener: String,
    /// The whole path, such as `/oauth/token`.
    pub(crate) path: String,
    /// Who may exchange what for what, by name.
    pub(crate) clients: BTreeMap<String, ExchangeClient>,
}

/// A caller that may exchange tokens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExchangeClient {
    /// The provider that vouches for it: of certificates, or of signed tokens, which it shows as
    /// `client_assertion` (RFC 7523 section 2.2).
    pub(crate) provider: String,
    /// Its exact subject there.
    pub(crate) subject: String,
    /// Providers whose tokens it may exchange. Each token must itself name it in `may_act`.
    pub(crate) subjects: Vec<String>,
    /// Audiences that it may ask for.
    pub(crate) audiences: Vec<String>,
    /// Most scopes that it is given; never more than the exchanged token has.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    /// How long what it is given is valid; never longer than the exchanged token.
    #[serde(default = "default_exchange_lifetime")]
    pub(crate) lifetime: String,
}

/// An address of a listener that the boundary answers itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnAddress {
    /// The listener, by name.
    pub(crate) listener: String,
    /// The whole path, such as `/.well-known/jwks.json`, under every host of the listener.
    pub(crate) path: String,
}

/// The token that an upstream is sent with each request.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpstreamToken {
    /// Its `aud`: the upstream, and nobody else.
    pub(crate) audience: String,
    /// How long it is valid.
    #[serde(default = "default_lifetime")]
    pub(crate) lifetime: String,
    /// Which header carries it.
    #[serde(default)]
    pub(crate) header: TokenHeader,
    /// Who may exchange it (`may_act`, RFC 8693 section 4.4), as `provider|subject`; nobody if absent.
    pub(crate) may_act: Option<String>,
}

/// Header of a token of ours; what callers send in either never gets through.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TokenHeader {
    /// `Authorization: Bearer …` (RFC 6750 section 2.1).
    #[default]
    Authorization,
    /// `X-Portcullis-Token: …`, for upstreams that use `Authorization` otherwise.
    XPortcullisToken,
}

fn default_keys() -> String {
    "state/tokens".to_owned()
}

fn default_rotate_every() -> String {
    "7d".to_owned()
}

fn default_exchange_lifetime() -> String {
    "5m".to_owned()
}

fn default_lifetime() -> String {
    "60s".to_owned()
}
