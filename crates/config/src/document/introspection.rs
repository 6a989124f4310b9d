//! Who may vouch for a caller whose token only its issuer can read?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::provider::{Claims, PrincipalKind};
use super::secret::Secret;
use super::upstream::ClientCertificate;

/// Opaque tokens, about which their issuer is asked (RFC 7662).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Introspection {
    /// Exact `iss` of the answers.
    pub(crate) issuer: String,
    /// Where it is asked: `https`, or `http` to a loopback address.
    pub(crate) endpoint: String,
    /// Accepted `aud`; an answer must name one of them.
    pub(crate) audiences: Vec<String>,
    /// Whether `aud` must name nothing else.
    #[serde(default)]
    pub(crate) single_audience: bool,
    /// Who we are to the issuer.
    pub(crate) client: IntrospectionClient,
    /// What answers may lack.
    #[serde(default)]
    pub(crate) relaxed: Vec<RelaxedAnswer>,
    /// An answer counts for this long, and never beyond `exp`.
    #[serde(default = "default_fresh_for")]
    pub(crate) fresh_for: String,
    /// That a token is not active counts for this long.
    #[serde(default = "default_negative_for")]
    pub(crate) negative_for: String,
    /// Longest wait for an answer.
    #[serde(default = "default_deadline")]
    pub(crate) deadline: String,
    /// Most tokens that are asked about at the same time.
    #[serde(default = "default_concurrent")]
    #[schemars(range(min = 1, max = 1024))]
    pub(crate) concurrent: u32,
    /// PEM file of the authorities that are believed, relative to this file; those of the public web
    /// if absent.
    pub(crate) roots: Option<String>,
    /// Networks that may be connected to besides public addresses.
    #[serde(default)]
    pub(crate) allow_addresses: Vec<String>,
    /// Tolerated difference of clocks.
    #[serde(default = "default_clock_skew")]
    pub(crate) clock_skew: String,
    /// Kind of principal that its tokens stand for.
    #[serde(default)]
    pub(crate) principal: PrincipalKind,
    /// Which members of an answer become what.
    #[serde(default)]
    pub(crate) claims: Claims,
}

/// What answers may lack.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RelaxedAnswer {
    /// The issuer; one that is there is exactly the declared one all the same.
    Iss,
    /// The subject; then the client is the subject (RFC 9068 section 2.2).
    Sub,
}

/// Who we are to the issuer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntrospectionClient {
    /// Our `client_id`.
    pub(crate) id: String,
    /// How we prove it.
    pub(crate) auth: ClientAuth,
}

/// How we prove who we are: exactly one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ClientAuth {
    /// A certificate, shown in the TLS handshake (RFC 8705 section 2).
    Certificate(ClientCertificate),
    /// A token that we sign (RFC 7523, `private_key_jwt`).
    PrivateKeyJwt(PrivateKeyJwt),
    /// A secret, sent as a password (`client_secret_basic`).
    Secret(Secret),
}

/// A token that we sign.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrivateKeyJwt {
    /// The key: PKCS#8 in PEM.
    pub(crate) key: Secret,
    /// What it signs with.
    #[serde(default)]
    pub(crate) algorithm: SigningAlgorithm,
    /// Its id at the issuer.
    pub(crate) kid: Option<String>,
    /// Whom it is for; the issuer if absent.
    pub(crate) audience: Option<String>,
}

/// Algorithms that we sign with.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub(crate) enum SigningAlgorithm {
    #[default]
    ES256,
    EdDSA,
}

fn default_fresh_for() -> String {
    "30s".to_owned()
}

fn default_negative_for() -> String {
    "5s".to_owned()
}

fn default_deadline() -> String {
    "2s".to_owned()
}

const fn default_concurrent() -> u32 {
    32
}

fn default_clock_skew() -> String {
    "30s".to_owned()
}
