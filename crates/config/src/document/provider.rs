//! Who may vouch for a caller?

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::discovery::{Discovery, default_fresh_for, default_stale_until};
use super::secret::Secret;

/// Signed tokens of an issuer (RFC 7519, RFC 9068).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Jwt {
    /// Exact `iss`.
    pub(crate) issuer: String,
    /// Accepted `aud`; a token must name one of them.
    pub(crate) audiences: Vec<String>,
    /// Whether `aud` must name nothing else.
    #[serde(default)]
    pub(crate) single_audience: bool,
    /// Where its keys are.
    pub(crate) keys: KeySource,
    /// Accepted algorithms, each only with a key that is pinned to it.
    #[serde(default = "default_algorithms")]
    pub(crate) algorithms: Vec<Algorithm>,
    /// Claims that RFC 9068 requires of an access token (`typ` `at+jwt`) and that tokens of this
    /// issuer may lack.
    #[serde(default)]
    pub(crate) relaxed: Vec<RelaxedClaim>,
    /// Accepted `typ`, without `application/`.
    #[serde(default = "default_types")]
    pub(crate) types: Vec<String>,
    /// Tolerated difference of clocks.
    #[serde(default = "default_clock_skew")]
    pub(crate) clock_skew: String,
    /// Longest accepted time from `iat` to `exp`.
    #[serde(default = "default_max_lifetime")]
    pub(crate) max_lifetime: String,
    /// Kind of principal that its tokens stand for.
    #[serde(default)]
    pub(crate) principal: PrincipalKind,
    /// Who may act for the subjects of its tokens (`act`, RFC 8693 section 4.1), by their `sub`; a
    /// token that names anybody else is refused.
    #[serde(default)]
    pub(crate) actors: Vec<String>,
    /// Which claims become what.
    #[serde(default)]
    pub(crate) claims: Claims,
}

/// Where keys are: exactly one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum KeySource {
    /// A JWK set by the issuer's own metadata.
    Discovery(Discovery),
    /// A JWK set in a file.
    File(KeyFile),
    /// A JWK set by URL.
    Url(KeyUrl),
}

/// A JWK set in a file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyFile {
    /// Its path, relative to this file.
    pub(crate) path: String,
}

/// A JWK set by URL.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyUrl {
    /// `https`, or `http` to a loopback address.
    pub(crate) url: String,
    /// Asked again after this.
    #[serde(default = "default_fresh_for")]
    pub(crate) fresh_for: String,
    /// Served without an answer until this; then nobody is identified by it.
    #[serde(default = "default_stale_until")]
    pub(crate) stale_until: String,
    /// Networks that may be connected to besides public addresses.
    #[serde(default)]
    pub(crate) allow_addresses: Vec<String>,
}

/// Signature algorithms (RFC 7518 section 3.1, RFC 8037).
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub(crate) enum Algorithm {
    ES256,
    ES384,
    ES512,
    EdDSA,
    PS256,
    PS384,
    PS512,
    RS256,
    RS384,
    RS512,
}

/// Claims of an access token that decide nothing by themselves (RFC 9068 section 2.2).
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RelaxedClaim {
    /// The client that asked for the token.
    ClientId,
    /// The token's own name.
    Jti,
}

/// Kind of principal.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PrincipalKind {
    /// People.
    #[default]
    User,
    /// Programs.
    Workload,
}

/// Which claims become what. A claim is named as it is, or by a JSON Pointer (RFC 6901) where it is
/// within another, such as `/realm_access/roles`.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Claims {
    /// Claim that holds the tenant.
    pub(crate) tenant: Option<String>,
    /// Claim that holds scopes: a text with spaces between them, or an array of texts.
    pub(crate) scopes: Option<String>,
    /// Claim that holds roles: an array of texts, or one text.
    pub(crate) roles: Option<String>,
    /// Claim that holds groups, the attribute `groups`: an array of texts, or one text.
    pub(crate) groups: Option<String>,
    /// Claim that says how strongly the caller was authenticated, the attribute `acr`: a text.
    pub(crate) acr: Option<String>,
    /// Claim that says by which means, the attribute `amr`: an array of texts.
    pub(crate) amr: Option<String>,
    /// Claim that says when, the attribute `auth_time`: seconds since 1970.
    pub(crate) auth_time: Option<String>,
    /// Further attributes of the principal, by the name that policies use.
    pub(crate) attributes: BTreeMap<String, Attribute>,
}

/// A claim that becomes an attribute.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attribute {
    /// Name of the claim.
    pub(crate) claim: String,
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) kind: AttributeKind,
    /// Whether a token without it is refused.
    #[serde(default)]
    pub(crate) required: bool,
}

/// Type of an attribute.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AttributeKind {
    Flag,
    Number,
    Text,
    Texts,
}

/// API keys of our own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeys {
    /// Header that carries the key, in lower case.
    #[serde(default = "default_key_header")]
    pub(crate) header: String,
    /// File of hashed keys; `portcullis key new` writes it.
    pub(crate) store: String,
    /// Secret that keys the hashes.
    pub(crate) pepper: Secret,
}

/// Certificates that clients show in the TLS handshake (RFC 5280, SPIFFE X509-SVID). Whom they may
/// come from is said at the listener, in `tls.client`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Certificates {
    /// Which name of a certificate is the caller.
    pub(crate) subject: CertificateSubject,
    /// What callers are granted, by subject; a certificate says nothing of tenants and scopes.
    #[serde(default)]
    pub(crate) grants: BTreeMap<String, Grant>,
}

/// Which name is the caller: exactly one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum CertificateSubject {
    /// The one URI, which is a SPIFFE ID.
    Spiffe(SpiffeSubject),
    /// The one DNS name.
    Dns(DnsSubject),
}

/// A SPIFFE ID of one trust domain.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpiffeSubject {
    /// The trust domain, such as `prod.shop.example`.
    pub(crate) trust_domain: String,
}

/// A DNS name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DnsSubject {
    /// Domains that the name must be or lie below.
    pub(crate) domains: Vec<String>,
}

/// What a caller is granted.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Grant {
    /// The tenant it belongs to.
    pub(crate) tenant: Option<String>,
    /// Scopes.
    pub(crate) scopes: Vec<String>,
    /// Roles.
    pub(crate) roles: Vec<String>,
}

fn default_algorithms() -> Vec<Algorithm> {
    vec![Algorithm::ES256, Algorithm::EdDSA]
}

fn default_types() -> Vec<String> {
    vec!["at+jwt".to_owned()]
}

fn default_clock_skew() -> String {
    "30s".to_owned()
}

fn default_max_lifetime() -> String {
    "1h".to_owned()
}

fn default_key_header() -> String {
    "x-api-key".to_owned()
}
