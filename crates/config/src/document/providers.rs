//! Which kinds of identity provider are there?

use schemars::JsonSchema;
use serde::Deserialize;

use super::introspection::Introspection;
use super::provider::{ApiKeys, Certificates, Jwt};
use super::signed::{Signatures, Webhook};
use super::workload::Workload;

/// An identity provider: exactly one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Provider {
    /// Signed tokens of an issuer.
    Jwt(Box<Jwt>),
    /// Opaque tokens, about which their issuer is asked.
    Introspection(Box<Introspection>),
    /// Tokens that platforms give to the programs that run on them.
    Workload(Box<Workload>),
    /// API keys of our own.
    ApiKeys(ApiKeys),
    /// Certificates that clients show in the TLS handshake.
    Certificates(Certificates),
    /// Signatures over messages.
    Signatures(Signatures),
    /// Webhooks of one integration.
    Webhook(Webhook),
}
