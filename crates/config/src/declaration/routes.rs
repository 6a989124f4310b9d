//! Which other ways to an upstream has an API, and which path does the upstream see?

use http::{HeaderName, HeaderValue};
use portcullis_diagnostics::Span;
use portcullis_model::{Method, UpstreamId};

use super::declared::Declared;

/// A way for the requests that fit every condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its name, in records.
    pub name: String,
    /// Operations, by the ids of the contract; all, where none is named.
    pub operations: Vec<Declared<String>>,
    /// Methods; all, where none is named.
    pub methods: Vec<Method>,
    /// A header that stands there once with exactly this value.
    pub header: Option<(Declared<HeaderName>, HeaderValue)>,
    /// Where to.
    pub upstream: UpstreamId,
    /// Which path the upstream sees.
    pub rewrite: Option<Rewrite>,
    /// Where it was declared.
    pub span: Span,
}

/// One prefix for another; each is empty, or `/a/b` of unreserved characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// What clients write; never empty.
    pub from: String,
    /// What the upstream sees in its place.
    pub to: String,
    /// Where it was declared.
    pub span: Span,
}
