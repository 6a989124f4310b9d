//! Which headers are changed on the way to an upstream, and on the way back?

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Headers that are changed on the way to the upstream.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RequestHeaders {
    /// Removed, by lower-case name.
    pub(crate) remove: Vec<String>,
    /// Set, by lower-case name, whatever the client sent.
    pub(crate) set: BTreeMap<String, String>,
}

/// What answers over a boundary say besides their content. `X-Content-Type-Options: nosniff` always
/// stands there, and `Server` and its like never do.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Answers {
    /// Removed, by lower-case name.
    pub(crate) remove: Vec<String>,
    /// Set, by lower-case name, whatever the upstream sent.
    pub(crate) set: BTreeMap<String, String>,
    /// `Content-Security-Policy` of pages (HTML, SVG) whose upstream sends none.
    pub(crate) content_security_policy: Option<String>,
    /// Whether answers to identified callers may be kept by caches.
    pub(crate) cache: Cache,
}

/// Whether answers to identified callers may be kept.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cache {
    /// `Cache-Control: no-store`.
    #[default]
    NoStore,
    /// As the upstream says.
    Upstream,
}
