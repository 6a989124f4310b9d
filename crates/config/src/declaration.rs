//! What is declared, with every name resolved and every value in its bounds?
//!
//! A `Declaration` is made only by `Document::resolve`; whoever holds one need not check names
//! again. Spans stay attached where a later compile step (contracts, policies) may still find
//! something to say about the line.

mod addresses;
mod admin;
mod api;
mod boundary;
mod cors;
mod countries;
mod declared;
mod granted;
mod headers;
mod introspection;
mod life;
mod limit;
mod listener;
mod process;
mod protected;
mod provider;
mod providers;
mod routes;
mod sender;
mod signed;
mod stream;
mod telemetry;
mod tls;
mod tokens;
mod upstream;

use std::collections::{BTreeMap, BTreeSet};

use portcullis_model::{ApiId, BoundaryId, LimitId, ListenerId, ProviderId, UpstreamId, ZoneId};

pub use self::addresses::{Addresses, CountryLists};
pub use self::admin::{Admin, Remote};
pub use self::api::Api;
pub use self::boundary::{Audit, Boundary, IdentityRule, Inspection};
pub use self::cors::{Cors, OriginRule, Origins};
pub use self::countries::Countries;
pub use self::declared::Declared;
pub use self::granted::{Grant, SecretRef};
pub use self::headers::{Answers, Cache, Coding, Compress, HeaderChanges, Hsts};
pub use self::introspection::{ClientAuth, IntrospectionProvider, SigningAlgorithm};
pub use self::life::{Life, Lifecycle, Maintenance};
pub use self::limit::{Limit, LimitPer, LimitRule};
pub use self::listener::{Listener, Protocol, ProxyProtocol};
pub use self::process::{Guards, Records};
pub use self::protected::ProtectedResource;
pub use self::provider::{
    ApiKeyProvider, AttributeClaim, AttributeKind, CertificateProvider, Claims, JwtPrincipal,
    JwtProvider, KeySource, MetadataDocument, WorkloadRule,
};
pub use self::providers::Provider;
pub use self::routes::{Rewrite, Route};
pub use self::sender::{Advertised, SenderRule};
pub use self::signed::{
    SignatureKey, SignatureMaterial, SignatureProvider, WebhookProvider, WebhookScheme,
};
pub use self::stream::{Stream, StreamKind};
pub use self::telemetry::{Otlp, Signal, Telemetry, Tracing};
pub use self::tls::{Acme, ClientTrust, Tls, TlsCertificate};
pub use self::tokens::{Exchange, ExchangeClient, OwnAddress, TokenHeader, Tokens, UpstreamToken};
pub use self::upstream::{
    AddressClass, Balance, Circuit, ClientCertificate, Dns, Health, HostPort, MinTls, Outlier,
    Retries, SigningKey, Upstream, UpstreamProtocol, UpstreamSignature, UpstreamTls,
};

/// A whole estate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Name of the estate, for records and metrics.
    pub estate: String,
    /// Zones by name.
    pub zones: BTreeSet<ZoneId>,
    /// Listening sockets.
    pub listeners: BTreeMap<ListenerId, Listener>,
    /// Identity providers.
    pub providers: BTreeMap<ProviderId, Provider>,
    /// APIs.
    pub apis: BTreeMap<ApiId, Api>,
    /// Upstreams.
    pub upstreams: BTreeMap<UpstreamId, Upstream>,
    /// Where the country of an address is looked up; stands wherever a list of countries does.
    pub countries: Option<Countries>,
    /// Tokens that the boundary issues itself; stands wherever an upstream has a token.
    pub tokens: Option<Tokens>,
    /// Crossings. At most one per pair of zones.
    pub boundaries: BTreeMap<BoundaryId, Boundary>,
    /// Limits.
    pub limits: BTreeMap<LimitId, Limit>,
    /// Folder of `.cedar` files, relative to the estate.
    pub policies: Declared<String>,
    /// Bounds on connections and heads.
    pub guards: Guards,
    /// The admin door.
    pub admin: Admin,
    /// Where records go.
    pub records: Records,
    /// What operators see.
    pub telemetry: Telemetry,
}
