//! Which programs sign their messages, and which integrations send webhooks?

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// Signatures over messages (RFC 9421) by declared keys.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signatures {
    /// Keys by `keyid`.
    pub(crate) keys: BTreeMap<String, SignatureKey>,
    /// Components that must be covered; `content-digest` of messages that have a body.
    #[serde(default = "default_components")]
    pub(crate) components: Vec<String>,
    /// The one `tag` that is accepted; any, or none, if absent.
    pub(crate) tag: Option<String>,
    /// How long a signature counts after `created`.
    #[serde(default = "five_minutes")]
    pub(crate) age_max: String,
    /// Tolerated difference of clocks.
    #[serde(default = "five_seconds")]
    pub(crate) clock_skew: String,
    /// Whether there must be a `nonce`. Without one, of two equal messages that are made in one second
    /// the second is refused.
    #[serde(default)]
    pub(crate) nonces: bool,
}

/// A key: exactly one of `public_key` and `secret`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignatureKey {
    /// Ed25519, ECDSA (P-256, P-384) or RSA (PSS), as `PUBLIC KEY` in PEM.
    pub(crate) public_key: Option<String>,
    /// Secret of HMAC-SHA256, at least 16 bytes.
    pub(crate) secret: Option<Secret>,
    /// Who signs with it.
    pub(crate) holder: String,
    /// The tenant it belongs to.
    pub(crate) tenant: Option<String>,
    /// Scopes.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    /// Roles.
    #[serde(default)]
    pub(crate) roles: Vec<String>,
}

/// Webhooks of one integration, by the code over their body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// How the sender writes its codes.
    pub(crate) scheme: WebhookScheme,
    /// Secrets that are shared with it; several while one follows another.
    pub(crate) secrets: Vec<Secret>,
    /// Who sends them.
    pub(crate) holder: String,
    /// The tenant it belongs to.
    pub(crate) tenant: Option<String>,
    /// Scopes.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    /// Roles.
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    /// How far their time may be from now; how long one is remembered that says none.
    #[serde(default = "five_minutes")]
    pub(crate) tolerance: String,
}

/// How a sender writes its codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WebhookScheme {
    /// `X-Hub-Signature-256`.
    Github,
    /// `X-Slack-Signature`.
    Slack,
    /// `webhook-signature` (Standard Webhooks).
    Standard,
    /// `Stripe-Signature`.
    Stripe,
}

fn default_components() -> Vec<String> {
    ["@method", "@target-uri", "content-digest"].map(str::to_owned).to_vec()
}

fn five_minutes() -> String {
    "5m".to_owned()
}

fn five_seconds() -> String {
    "5s".to_owned()
}
