//! Which headers are changed on the way to an upstream, and on the way back?

use std::collections::BTreeSet;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::declared::Declared;

/// Changes of headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderChanges {
    /// Removed.
    pub remove: Vec<Declared<HeaderName>>,
    /// Set, whatever stood there.
    pub set: Vec<(Declared<HeaderName>, HeaderValue)>,
}

/// What answers over a boundary say besides their content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Changes of headers.
    pub headers: HeaderChanges,
    /// `Content-Security-Policy` of pages whose upstream sends none; the strictest, where it is not
    /// declared.
    pub content_security_policy: Option<HeaderValue>,
    /// Whether answers to identified callers may be kept by caches.
    pub cache: Cache,
    /// For how long browsers come over TLS only; a year, where it is not declared.
    pub hsts: Option<Hsts>,
    /// Answers that are compressed.
    pub compress: Option<Compress>,
}

/// `Strict-Transport-Security` (RFC 6797).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hsts {
    /// For how long.
    pub max_age: Duration,
    /// Whether for every host below, too.
    pub subdomains: bool,
}

/// Answers that are compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compress {
    /// Media types, in lower case.
    pub types: BTreeSet<String>,
    /// Answers that say that they are shorter stay as they are.
    pub bytes_min: u64,
    /// Whether answers to identified callers are compressed, too.
    pub identified: bool,
    /// Codings, the preferred one first.
    pub codings: Vec<Coding>,
}

/// A coding of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Brotli (RFC 7932).
    Br,
    /// gzip (RFC 1952).
    Gzip,
}

/// Whether answers to identified callers may be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cache {
    /// They may not.
    #[default]
    NoStore,
    /// As the upstream says.
    Upstream,
}
