//! Who may vouch for a caller whose token only its issuer can read?

use std::collections::BTreeSet;
use std::time::Duration;

use ipnet::IpNet;

use super::granted::SecretRef;
use super::provider::{Claims, JwtPrincipal};
use super::upstream::ClientCertificate;

/// Opaque tokens, about which their issuer is asked (RFC 7662).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntrospectionProvider {
    /// Exact `iss` of the answers.
    pub issuer: String,
    /// Where it is asked: `https`, or `http` to a loopback address.
    pub endpoint: String,
    /// Accepted `aud`; an answer must name one of them.
    pub audiences: BTreeSet<String>,
    /// Whether `aud` must name nothing else.
    pub single_audience: bool,
    /// Our `client_id` at the issuer.
    pub client_id: String,
    /// How we prove who we are.
    pub auth: ClientAuth,
    /// What answers may lack: `iss`, `sub`.
    pub relaxed: BTreeSet<String>,
    /// An answer counts for this long, and never beyond `exp`.
    pub fresh_for: Duration,
    /// That a token is not active counts for this long.
    pub negative_for: Duration,
    /// Longest wait for an answer.
    pub deadline: Duration,
    /// Most tokens that are asked about at the same time.
    pub concurrent_max: u32,
    /// PEM file of the authorities that are believed, relative to the estate.
    pub roots: Option<String>,
    /// Address ranges that may be connected to besides public ones.
    pub allow_addresses: Vec<IpNet>,
    /// Tolerated clock difference.
    pub clock_skew: Duration,
    /// Kind of principal that its tokens stand for.
    pub principal: JwtPrincipal,
    /// Which members of an answer become what.
    pub claims: Claims,
}

/// How we prove who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// A certificate, shown in the TLS handshake (RFC 8705 section 2).
    Certificate(ClientCertificate),
    /// A token that we sign (RFC 7523).
    PrivateKeyJwt {
        /// The key: PKCS#8 in PEM.
        key: SecretRef,
        /// What it signs with.
        algorithm: SigningAlgorithm,
        /// Its id at the issuer.
        kid: Option<String>,
        /// Whom it is for.
        audience: String,
    },
    /// A secret, sent as a password.
    Secret(SecretRef),
}

/// Algorithms that we sign with (RFC 7518 section 3.1, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}
