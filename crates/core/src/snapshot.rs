//! What does the boundary know before any request comes? Everything that was declared, compiled.
//!
//! A snapshot is immutable and whole: it is made by [`compile::compile`] from a declaration, its
//! contracts and its policies, or not at all (law 6). Its revision names all that it was made
//! from, and stands in every record.

pub mod compile;
mod headers;
mod meetings;
mod operations;
mod own;
pub mod router;
mod shape;
pub mod signers;
mod streams;
mod tokens;
pub mod ways;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use portcullis_config::Declaration;
use portcullis_config::declaration::{Boundary, Stream};
use portcullis_identity::{certificate, jwt, signature, webhook};
use portcullis_inspect::OperationContract;
use portcullis_model::{ApiId, BoundaryId, ListenerId, OperationId, ProviderId, ZoneId};
use portcullis_policy::Engine;
use portcullis_reading::owned::OwnedHeaders;
use portcullis_spec::{Operation, Segment};

use crate::span::Sampling;
use router::Router;
use ways::Way;

/// All that was declared, compiled.
#[derive(Debug)]
pub struct Snapshot {
    /// Hexadecimal SHA-256 of every text that it was made from.
    pub revision: Arc<str>,
    /// The declaration.
    pub declaration: Declaration,
    /// Host, path and method to operation.
    pub router: Router,
    /// Every operation, by the router's index.
    pub operations: Vec<Arc<CompiledOperation>>,
    /// Crossings by from and to.
    pub crossings: BTreeMap<(ZoneId, ZoneId), Arc<CompiledBoundary>>,
    /// Token rules by provider.
    pub tokens: BTreeMap<ProviderId, jwt::Rules>,
    /// Rules for opaque tokens by provider.
    pub introspection: BTreeMap<ProviderId, jwt::Rules>,
    /// Rules for certificates by provider.
    pub certificates: BTreeMap<ProviderId, certificate::Rules>,
    /// Rules for signatures by provider.
    pub signatures: BTreeMap<ProviderId, signature::Rules>,
    /// Rules for webhooks by provider.
    pub webhooks: BTreeMap<ProviderId, webhook::Rules>,
    /// Headers that carry API keys, with their providers.
    pub api_key_headers: BTreeMap<ProviderId, HeaderName>,
    /// The policies.
    pub engine: Engine,
    /// What is kept of traces; nothing where no spans are made.
    pub sampling: Option<Sampling>,
    /// Headers that only the boundary may set.
    pub owned: Arc<OwnedHeaders>,
}

/// An operation, ready to be decided.
#[derive(Debug)]
pub struct CompiledOperation {
    /// Its API.
    pub api: ApiId,
    /// Its id.
    pub id: OperationId,
    /// Base path and template, as records and metrics name it.
    pub template: String,
    /// The zone it lives in.
    pub zone: ZoneId,
    /// Segments of base path and template.
    pub segments: Vec<Segment>,
    /// Where it may be carried; the last way is open to every request.
    pub ways: Vec<Way>,
    /// Whether its messages go on after it was judged.
    pub stream: Option<Stream>,
    /// As the contract offers it; what its messages must be is compiled in `contract`.
    pub operation: Operation,
    /// Names of its path parameters in order.
    pub parameters: Vec<String>,
    /// Headers that a record of it says: what the decision reads besides the head's first lines.
    pub noted: Vec<HeaderName>,
    /// Names of the cookies that the contract speaks of.
    pub cookies: Vec<String>,
    /// What a message must be.
    pub contract: OperationContract,
    /// SHA-256 of what the contract says about its messages.
    pub shape: [u8; 32],
}

/// A crossing, ready to be decided.
#[derive(Debug)]
pub struct CompiledBoundary {
    /// Its name.
    pub id: BoundaryId,
    /// As declared.
    pub boundary: Boundary,
}

impl Snapshot {
    /// Headers that carry a credential of a declared kind, besides `Authorization`.
    pub fn credential_headers(&self) -> impl Iterator<Item = HeaderName> {
        let hooks = self.webhooks.values().map(|rules| rules.scheme.header());
        self.api_key_headers.values().cloned().chain(hooks)
    }

    /// Tolerated difference of clocks with a provider.
    #[must_use]
    pub fn clock_skew(&self, provider: &ProviderId) -> Duration {
        let rules = self.tokens.get(provider).or_else(|| self.introspection.get(provider));
        rules.map(|rules| rules.clock_skew).unwrap_or_default()
    }

    /// The zone that callers of a listener are in.
    #[must_use]
    pub fn zone_of(&self, listener: &ListenerId) -> Option<&ZoneId> {
        self.declaration.listeners.get(listener).map(|listener| &listener.zone)
    }
}
