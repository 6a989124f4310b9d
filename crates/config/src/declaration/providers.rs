//! Which kinds of identity provider are there?

use super::introspection::IntrospectionProvider;
use super::provider::{ApiKeyProvider, CertificateProvider, JwtProvider};
use super::signed::{SignatureProvider, WebhookProvider};

/// An identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// API keys of our own.
    ApiKeys(ApiKeyProvider),
    /// Certificates that clients show in the TLS handshake.
    Certificates(CertificateProvider),
    /// Opaque tokens, about which their issuer is asked.
    Introspection(Box<IntrospectionProvider>),
    /// Signed tokens of an issuer.
    Jwt(Box<JwtProvider>),
    /// Signatures over messages.
    Signatures(SignatureProvider),
    /// Webhooks of one integration.
    Webhook(WebhookProvider),
}
