//! Which headers are changed on the way to an upstream, and on the way back?

use http::{HeaderName, HeaderValue};

use super::declared::Declared;

/// Changes of headers.
#[derive(Clone, Debug, Default)]
pub struct HeaderChanges {
    /// Removed.
    pub remove: Vec<Declared<HeaderName>>,
    /// Set, whatever stood there.
    pub set: Vec<(Declared<HeaderName>, HeaderValue)>,
}

/// What answers over a boundary say besides their content.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Changes of headers.
    pub headers: HeaderChanges,
    /// `Content-Security-Policy` of pages whose upstream sends none; the strictest, where it is not
    /// declared.
    pub content_security_policy: Option<HeaderValue>,
    /// Whether answers to identified callers may be kept by caches.
    pub cache: Cache,
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
