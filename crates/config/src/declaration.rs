//! What is declared, with every name resolved and every value in its bounds?
//!
//! A `Declaration` is made only by `Document::resolve`; whoever holds one need not check names
//! again. Spans stay attached where a later compile step (contracts, policies) may still find
//! something to say about the line.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;
use portcullis_diagnostics::Span;
use portcullis_model::{ApiId, BoundaryId, LimitId, ListenerId, ProviderId, UpstreamId, ZoneId};

/// A whole estate.
#[derive(Clone, Debug)]
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
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub span: Span,
}

/// A listening socket.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Where to listen.
    pub address: SocketAddr,
    /// The zone that callers arriving here are in.
    pub zone: ZoneId,
    /// How many proxies of ours stand in front, counted from the right of `X-Forwarded-For`.
    pub trusted_hops: u8,
    /// Peers from which forwarded headers are believed; required when `trusted_hops` > 0.
    pub trusted_peers: Vec<IpNet>,
}

/// An identity provider.
#[derive(Clone, Debug)]
pub enum Provider {
    /// API keys of our own.
    ApiKeys(ApiKeyProvider),
    /// Signed tokens of an issuer.
    Jwt(Box<JwtProvider>),
}

/// API keys of our own.
#[derive(Clone, Debug)]
pub struct ApiKeyProvider {
    /// Lower-case header that carries the key.
    pub header: String,
    /// File of stored (hashed) keys, relative to the estate.
    pub store: String,
    /// Secret that keys the hashes.
    pub pepper: SecretRef,
}

/// Signed tokens of an issuer.
#[derive(Clone, Debug)]
pub struct JwtProvider {
    /// Exact `iss`.
    pub issuer: String,
    /// Accepted `aud`; a token must name one of them.
    pub audiences: BTreeSet<String>,
    /// Whether `aud` must name nothing else.
    pub single_audience: bool,
    /// Where the keys are.
    pub keys: KeySource,
    /// Accepted algorithms, by JWA name.
    pub algorithms: BTreeSet<String>,
    /// Accepted `typ`, lower case, without `application/`.
    pub types: BTreeSet<String>,
    /// Tolerated clock difference.
    pub clock_skew: Duration,
    /// Longest accepted time from `iat` to `exp`.
    pub max_lifetime: Duration,
    /// Which claims become what.
    pub claims: Claims,
    /// Kind of principal that its tokens stand for.
    pub principal: JwtPrincipal,
}

/// Kind of principal behind an issuer's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtPrincipal {
    /// People.
    User,
    /// Programs.
    Workload,
}

/// Where keys are.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A JWK set in a file, relative to the estate.
    File {
        /// Its path.
        path: String,
    },
    /// A JWK set by URL.
    Url {
        /// `https`, or `http` to a loopback address.
        url: String,
        /// Asked again after this.
        fresh_for: Duration,
        /// Served without an answer until this, then unavailable.
        stale_until: Duration,
        /// Address ranges that may be connected to besides public ones.
        allow_addresses: Vec<IpNet>,
    },
}

/// Which claims become what.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    /// Claim that holds the tenant.
    pub tenant: Option<String>,
    /// Claim that holds scopes (space-separated text, RFC 8693 section 4.2).
    pub scopes: Option<String>,
    /// Claim that holds roles (array of texts).
    pub roles: Option<String>,
    /// Further attributes: name → claim and type.
    pub attributes: BTreeMap<String, AttributeClaim>,
}

/// A claim that becomes an attribute.
#[derive(Clone, Debug)]
pub struct AttributeClaim {
    /// Name of the claim.
    pub claim: String,
    /// Its type.
    pub kind: AttributeKind,
    /// Whether a token without it is refused.
    pub required: bool,
}

/// Type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeKind {
    /// A truth value.
    Flag,
    /// A whole number.
    Number,
    /// A text.
    Text,
    /// An array of texts.
    Texts,
}

/// A secret, by reference only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file, relative to the estate.
    File(String),
}

/// An API.
#[derive(Clone, Debug)]
pub struct Api {
    /// OpenAPI file, relative to the estate.
    pub contract: Declared<String>,
    /// Lower-case hosts that it is served under.
    pub hosts: BTreeSet<String>,
    /// Path prefix in front of the contract's paths: empty, or `/a/b` without a final slash.
    pub base_path: String,
    /// The zone that it lives in.
    pub zone: ZoneId,
    /// Its upstream.
    pub upstream: UpstreamId,
    /// Who answers for it.
    pub owner: String,
    /// How it is meant to be used.
    pub lifecycle: Lifecycle,
    /// Classes of data that it carries.
    pub data: BTreeSet<String>,
}

/// Where an API is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// In use.
    Active,
    /// In use, and to be left.
    Deprecated,
    /// Not served any more.
    Retired,
}

/// Where requests are carried.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Host and port; an IP address or a name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Longest time to connect.
    pub connect_timeout: Duration,
    /// Longest time from the request's last byte to the response's head.
    pub response_timeout: Duration,
    /// Longest silence between two parts of a body.
    pub idle_timeout: Duration,
    /// Most connections per worker.
    pub connections_max: u32,
}

/// A crossing from one zone to another.
#[derive(Clone, Debug)]
pub struct Boundary {
    /// From.
    pub from: ZoneId,
    /// To.
    pub to: ZoneId,
    /// Who may come.
    pub identity: IdentityRule,
    /// Limits that apply.
    pub limits: Vec<LimitId>,
    /// What is looked at.
    pub inspection: Inspection,
    /// Whether a crossing needs a durable record first.
    pub audit: Audit,
    /// Where it was declared.
    pub span: Span,
}

/// Who may come.
#[derive(Clone, Debug)]
pub struct IdentityRule {
    /// Accepted providers.
    pub providers: BTreeSet<ProviderId>,
    /// Whether operations whose contract asks for no security may be reached without a credential.
    pub anonymous: bool,
}

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Inspection {
    /// Longest body, before and after decompression.
    pub body_bytes_max: u64,
    /// Deepest nesting of JSON.
    pub json_depth_max: u16,
    /// Largest ratio of decompressed to compressed size.
    pub expansion_max: u32,
}

/// Whether a crossing needs a durable record first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audit {
    /// Recorded; a failure to record is counted.
    BestEffort,
    /// No record, no crossing.
    Required,
}

/// A limit.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What it counts by.
    pub per: LimitPer,
    /// What it allows.
    pub rule: LimitRule,
}

/// What a limit counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitPer {
    /// Client address.
    Address,
    /// Operation.
    Operation,
    /// Principal.
    Principal,
    /// Tenant; principals without one count by principal.
    Tenant,
}

/// What a limit allows.
#[derive(Clone, Copy, Debug)]
pub enum LimitRule {
    /// At most this many at once.
    Concurrent(NonZeroU32),
    /// At most this many per window, with `burst` at once.
    Rate {
        /// How many.
        amount: NonZeroU32,
        /// Per how long.
        window: Duration,
        /// How many at once.
        burst: NonZeroU32,
    },
}

/// Bounds that stand before any decision.
#[derive(Clone, Copy, Debug)]
pub struct Guards {
    /// Largest request head in bytes.
    pub head_bytes_max: u32,
    /// Most headers.
    pub headers_max: u16,
    /// Longest target in bytes.
    pub target_bytes_max: u32,
    /// Longest time for a head.
    pub head_timeout: Duration,
    /// Longest time for a body.
    pub body_timeout: Duration,
    /// Longest idle time between requests.
    pub idle_timeout: Duration,
    /// Most connections in all.
    pub connections_max: u32,
    /// Most connections per address.
    pub connections_per_address_max: u32,
    /// Requests per address and second, before any cryptography.
    pub address_rate: NonZeroU32,
    /// Refused credentials per address and minute.
    pub failure_rate: NonZeroU32,
}

/// The admin door.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Path of its Unix socket, relative to the estate.
    pub socket: String,
}

/// Where records go.
#[derive(Clone, Debug)]
pub struct Records {
    /// Folder, relative to the estate.
    pub directory: String,
    /// A file is closed at this size.
    pub rotate_bytes: u64,
    /// Files kept.
    pub keep_files: u32,
    /// File of the key that seals personal facts; made when missing.
    pub seal_key: String,
}
