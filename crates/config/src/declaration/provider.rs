//! Who may vouch for a caller?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ipnet::IpNet;
use portcullis_model::WorkloadNames;

use super::granted::{Grant, SecretRef};

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
    /// Claims that RFC 9068 section 2.2 requires and that tokens may lack: `client_id`, `jti`.
    pub relaxed: BTreeSet<String>,
    /// Accepted `typ`, lower case, without `application/`.
    pub types: BTreeSet<String>,
    /// Tolerated clock difference.
    pub clock_skew: Duration,
    /// Longest accepted time from `iat` to `exp`.
    pub max_lifetime: Duration,
    /// Who may act for the subjects of its tokens, by the `sub` of `act`.
    pub actors: BTreeSet<String>,
    /// Which claims become what.
    pub claims: Claims,
    /// Kind of principal that its tokens stand for.
    pub principal: JwtPrincipal,
    /// Which programs of a platform are meant, where its tokens are a platform's.
    pub workload: Option<WorkloadRule>,
}

/// What the token of a program must say besides what every token must say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkloadRule {
    /// Claims that must have one of these values. A truth value reads `true` or `false`.
    pub only: BTreeMap<String, BTreeSet<String>>,
    /// Claims that must not have one of these.
    pub never: BTreeMap<String, BTreeSet<String>>,
    /// The trust domain of the SPIFFE ID that the subject must be.
    pub trust_domain: Option<String>,
    /// What such a program is granted.
    pub grant: Grant,
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
    /// A JWK set by the issuer's own metadata.
    Discovery {
        /// Which document the metadata is in.
        document: MetadataDocument,
        /// Metadata and keys are asked for again after this.
        fresh_for: Duration,
        /// Served without an answer until this, then unavailable.
        stale_until: Duration,
        /// Address ranges that may be connected to besides public ones.
        allow_addresses: Vec<IpNet>,
    },
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

/// Which document an issuer's metadata is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataDocument {
    /// `/.well-known/oauth-authorization-server`, before the path of the issuer (RFC 8414 section 3).
    AuthorizationServer,
    /// `/.well-known/openid-configuration`, after the path of the issuer.
    OpenIdConfiguration,
}

/// Which claims become what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Claim that holds the tenant.
    pub tenant: Option<String>,
    /// Claim that holds scopes (space-separated text, RFC 8693 section 4.2, or array of texts).
    pub scopes: Option<String>,
    /// Claim that holds roles (array of texts, or one text).
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
    /// An array of texts, or one text, which is as good as an array of it alone.
    TextOrTexts,
}
