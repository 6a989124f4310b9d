//! Who may vouch for a caller?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ipnet::IpNet;
use portcullis_model::WorkloadNames;

use super::granted::{Grant, SecretRef};
use super::signed::{SignatureProvider, WebhookProvider};

/// An identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// API keys of our own.
    ApiKeys(ApiKeyProvider),
    /// Certificates that clients show in the TLS handshake.
    Certificates(CertificateProvider),
    /// Signed tokens of an issuer.
    Jwt(Box<JwtProvider>),
    /// Signatures over messages.
    Signatures(SignatureProvider),
    /// Webhooks of one integration.
    Webhook(WebhookProvider),
}

/// API keys of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyProvider {
    /// Lower-case header that carries the key.
    pub header: String,
    /// File of stored (hashed) keys, relative to the estate.
    pub store: String,
    /// Secret that keys the hashes.
    pub pepper: SecretRef,
}

/// Certificates that clients show in the TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateProvider {
    /// Which name is the caller.
    pub subject: WorkloadNames,
    /// What callers are granted, by subject.
    pub grants: BTreeMap<String, Grant>,
}

/// Signed tokens of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtProvider {
    /// Exact `iss`.
    pub issuer: String,
    /// Accepted `aud`; a token must name one of them.
    pub audiences: BTreeSet<String>,
    /// Whether `aud` must name nothing else.
    pub single_audience: bool,
    /// Where the keys are.
    pub keys: KeySource,
    /// Accepted algorithms, by JWA name.
    pub algorithms: BTreeSet<String>,
    /// Accepted `typ`, lower case, without `application/`.
    pub types: BTreeSet<String>,
    /// Tolerated clock difference.
    pub clock_skew: Duration,
    /// Longest accepted time from `iat` to `exp`.
    pub max_lifetime: Duration,
    /// Which claims become what.
    pub claims: Claims,
    /// Kind of principal that its tokens stand for.
    pub principal: JwtPrincipal,
}

/// Kind of principal behind an issuer's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtPrincipal {
    /// People.
    User,
    /// Programs.
    Workload,
}

/// Where keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A JWK set in a file, relative to the estate.
    File {
        /// Its path.
        path: String,
    },
    /// A JWK set by URL.
    Url {
        /// `https`, or `http` to a loopback address.
        url: String,
        /// Asked again after this.
        fresh_for: Duration,
        /// Served without an answer until this, then unavailable.
        stale_until: Duration,
        /// Address ranges that may be connected to besides public ones.
        allow_addresses: Vec<IpNet>,
    },
}

/// Which claims become what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Claim that holds the tenant.
    pub tenant: Option<String>,
    /// Claim that holds scopes (space-separated text, RFC 8693 section 4.2).
    pub scopes: Option<String>,
    /// Claim that holds roles (array of texts).
    pub roles: Option<String>,
    /// Further attributes: name → claim and type.
    pub attributes: BTreeMap<String, AttributeClaim>,
}

/// A claim that becomes an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeClaim {
    /// Name of the claim.
    pub claim: String,
    /// Its type.
    pub kind: AttributeKind,
    /// Whether a token without it is refused.
    pub required: bool,
}

/// Type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeKind {
    /// A truth value.
    Flag,
    /// A whole number.
    Number,
    /// A text.
    Text,
    /// An array of texts.
    Texts,
}
