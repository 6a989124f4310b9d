//! Which headers may only the boundary set? Every one that it can emit towards an upstream is
//! stripped on entry, always, whatever its spelling (D1, D2).

/// Names, lower case with `-`.
const NAMES: &[&str] = &[
    "client-cert",
    "client-cert-chain",
    "forwarded",
    "true-client-ip",
    "via",
    "x-access-token",
    "x-authenticated-user",
    "x-client-cert",
    "x-client-ip",
    "x-email",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-remote-user",
    "x-rewrite-url",
    "x-scopes",
    "x-spiffe-id",
];

/// Beginnings of names.
const PREFIXES: &[&str] = &[
    "x-auth-request-",
    "x-envoy-",
    "x-forwarded-",
    "x-portcullis-",
    "x-role",
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
        let name = normal(name);
        NAMES.contains(&name.as_str())
            || METHOD_OVERRIDES.contains(&name.as_str())
            || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || self.extra.contains(&name)
    }
}

/// `_`, `.` and case make no difference to many upstreams, so they make none here.
fn normal(name: &str) -> String {
    name.chars().map(|c| if c == '_' || c == '.' { '-' } else { c.to_ascii_lowercase() }).collect()
}
