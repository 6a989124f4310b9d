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
    /// For how long browsers come over TLS only; a year, where it is not said, and never over a
    /// listener without TLS.
    pub(crate) hsts: Option<Hsts>,
    /// Answers that are compressed; none, where it is not said.
    pub(crate) compress: Option<Compress>,
}

/// `Strict-Transport-Security` (RFC 6797).
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hsts {
    /// For how long; `0s` makes browsers forget it.
    #[schemars(example = "365d")]
    pub(crate) max_age: String,
    /// Whether for every host below, too.
    #[serde(default)]
    pub(crate) subdomains: bool,
}

/// Answers that are compressed.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Compress {
    /// Media types, in lower case.
    pub(crate) types: Vec<String>,
    /// Answers that say that they are shorter stay as they are.
    #[serde(default = "default_bytes_min")]
    pub(crate) bytes_min: String,
    /// Whether answers to identified callers are compressed, too: how long they are then tells
    /// something of what is in them (BREACH).
    #[serde(default)]
    pub(crate) identified: bool,
    /// Codings, the preferred one first.
    #[serde(default = "default_codings")]
    pub(crate) codings: Vec<Coding>,
}

/// A coding of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Coding {
    /// Brotli (RFC 7932).
    Br,
    /// gzip (RFC 1952).
    Gzip,
}

fn default_bytes_min() -> String {
    "1KiB".to_owned()
}

fn default_codings() -> Vec<Coding> {
    vec![Coding::Br, Coding::Gzip]
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
