//! Which headers may only the boundary set? Every one that it can emit towards an upstream is
//! stripped on entry, always, whatever its spelling (D1, D2).

use std::borrow::Cow;

/// Names, lower case with `-`, sorted.
const NAMES: &[&str] = &[
    "auth-user",
    "b3",
    "baggage",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "client-cert",
    "client-cert-chain",
    "fastly-client-ip",
    "forwarded",
    "grpc-tags-bin",
    "grpc-trace-bin",
    "jaeger-baggage",
    "jaeger-debug-id",
    "proxy",
    "remote-user",
    "sentry-trace",
    "traceparent",
    "tracestate",
    "true-client-ip",
    "uber-trace-id",
    "via",
    "x-access-token",
    "x-amzn-trace-id",
    "x-authenticated-user",
    "x-client-cert",
    "x-client-ip",
    "x-cloud-trace-context",
    "x-cluster-client-ip",
    "x-email",
    "x-forwarded",
    "x-host",
    "x-id-token",
    "x-jwt-assertion",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-originating-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-remote-user",
    "x-rewrite-url",
    "x-scopes",
    "x-spiffe-id",
    "x-webauth-user",
];

/// Beginnings of names.
const PREFIXES: &[&str] = &[
    "ot-baggage-",
    "ot-tracer-",
    "ssl-client-",
    "uberctx-",
    "x-amzn-oidc-",
    "x-auth-request-",
    "x-b3-",
    "x-datadog-",
    "x-envoy-",
    "x-forwarded-",
    "x-goog-authenticated-user-",
    "x-ms-client-principal",
    "x-original-forwarded-",
    "x-portcullis-",
    "x-role",
    "x-ssl-",
    "x-tenant",
    "x-user",
];

/// Headers that ask for another method than the request line does (C12).
const METHOD_OVERRIDES: &[&str] = &["x-http-method", "x-http-method-override", "x-method-override"];

/// The registry.
#[derive(Clone, Debug, Default)]
pub struct OwnedHeaders {
    extra: Vec<String>,
}

impl OwnedHeaders {
    /// The standard registry.
    #[must_use]
    pub fn standard() -> Self {
        Self::default()
    }

    /// Adds names, in any spelling.
    #[must_use]
    pub fn with(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.extra.extend(names.into_iter().map(|name| normal(&name)));
        self
    }

    /// Whether a client's header of this name is removed on entry.
    #[must_use]
    pub fn strips(&self, name: &str) -> bool {
        let spelled = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let name: Cow<'_, str> = match name.bytes().all(spelled) {
            true => name.into(),
            false => normal(name).into(),
        };
        NAMES.binary_search(&&*name).is_ok()
            || METHOD_OVERRIDES.contains(&&*name)
            || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || self.extra.iter().any(|extra| *extra == *name)
    }
}

/// Case and what stands between letters make no difference to many upstreams, so they make none
/// here.
fn normal(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{NAMES, OwnedHeaders};

    #[test]
    fn every_name_is_found_in_every_spelling() {
        assert!(NAMES.is_sorted());
        let owned = OwnedHeaders::standard().with(["X_Mine".to_owned()]);
        for name in NAMES.iter().chain(&["x-mine", "x-user-id", "x-http-method"]) {
            assert!(owned.strips(name), "{name}");
            assert!(owned.strips(&name.to_ascii_uppercase().replace('-', "_")), "{name}");
        }
        for name in ["accept", "host", "x-request-id", "xuser"] {
            assert!(!owned.strips(name), "{name}");
        }
    }
}
