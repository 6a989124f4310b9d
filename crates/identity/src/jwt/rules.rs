//! What must a provider's tokens be? As declared and compiled; judging by it is done beside.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portcullis_model::{PrincipalKind, ProviderId};

use crate::jwk::Algorithm;

/// What a provider's tokens must be.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The provider.
    pub provider: ProviderId,
    /// Exact `iss`.
    pub issuer: String,
    /// Accepted `aud`.
    pub audiences: BTreeSet<String>,
    /// Whether `aud` must name nothing else.
    pub single_audience: bool,
    /// Accepted algorithms.
    pub algorithms: BTreeSet<Algorithm>,
    /// Claims that a token of the type `at+jwt` must have besides those that are judged: texts.
    pub required: BTreeSet<String>,
    /// Accepted `typ`, lower case, without `application/`.
    pub types: BTreeSet<String>,
    /// Tolerated clock difference.
    pub clock_skew: Duration,
    /// Longest accepted time from `iat` to `exp`.
    pub max_lifetime: Duration,
    /// Kind of principal.
    pub kind: PrincipalKind,
    /// Claim that holds the tenant.
    pub tenant: Option<String>,
    /// Claim that holds scopes.
    pub scopes: Option<String>,
    /// Claim that holds roles.
    pub roles: Option<String>,
    /// Who may act for the subjects of its tokens (`sub` of `act`); nobody else may.
    pub actors: BTreeSet<String>,
    /// Further attributes by name.
    pub attributes: BTreeMap<String, AttributeRule>,
    /// Which programs of a platform are meant, and what they are granted.
    pub workload: Option<Workload>,
}

/// Which programs of a platform are meant, and what they are granted.
#[derive(Clone, Debug, Default)]
pub struct Workload {
    /// Claims that must have one of these values.
    pub only: BTreeMap<String, BTreeSet<String>>,
    /// Claims that must not have one of these.
    pub never: BTreeMap<String, BTreeSet<String>>,
    /// The trust domain of the SPIFFE ID that the subject must be.
    pub trust_domain: Option<String>,
    /// Tenant.
    pub tenant: Option<String>,
    /// Scopes.
    pub scopes: BTreeSet<String>,
    /// Roles.
    pub roles: BTreeSet<String>,
}

/// A claim that becomes an attribute.
#[derive(Clone, Debug)]
pub struct AttributeRule {
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
    /// An array of texts, or one text.
    TextOrTexts,
}
