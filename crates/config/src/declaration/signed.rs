//! Which programs sign their messages, and which integrations send webhooks?

use std::collections::BTreeMap;
use std::time::Duration;

use super::declared::Declared;
use super::granted::{Grant, SecretRef};

/// Signatures over messages (RFC 9421) by declared keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureProvider {
    /// Keys by `keyid`.
    pub keys: BTreeMap<String, SignatureKey>,
    /// Components that must be covered; `content-digest` of messages that have a body.
    pub components: Vec<String>,
    /// The one `tag` that is accepted.
    pub tag: Option<String>,
    /// How long a signature counts after `created`.
    pub age_max: Duration,
    /// Tolerated clock difference.
    pub clock_skew: Duration,
    /// Whether there must be a `nonce`.
    pub nonces: bool,
}

/// A key and who signs with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureKey {
    /// What verifies.
    pub material: SignatureMaterial,
    /// Who signs.
    pub holder: String,
    /// What it is granted.
    pub grant: Grant,
}

/// What verifies a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureMaterial {
    /// `PUBLIC KEY` in PEM.
    Public(Declared<String>),
    /// Secret of HMAC-SHA256.
    Secret(SecretRef),
}

/// Webhooks of one integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookProvider {
    /// How the sender writes its codes.
    pub scheme: WebhookScheme,
    /// Secrets that are shared with it; at least one.
    pub secrets: Vec<SecretRef>,
    /// Who sends them.
    pub holder: String,
    /// What it is granted.
    pub grant: Grant,
    /// How far their time may be from now.
    pub tolerance: Duration,
}

/// How a sender writes its codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookScheme {
    /// `X-Hub-Signature-256`.
    Github,
    /// `X-Slack-Signature`.
    Slack,
    /// `webhook-signature` (Standard Webhooks).
    Standard,
    /// `Stripe-Signature`.
    Stripe,
}
