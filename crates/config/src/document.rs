//! How is a declaration written? The YAML of `portcullis.yaml`, field for field, before any name
//! is resolved. The JSON Schema that editors use and that [`crate::shape`] checks against is made
//! from these types, so that there is one description.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One estate: its zones, what crosses between them, and under which rules.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    /// Version of this format.
    #[serde(rename = "apiVersion")]
    #[allow(dead_code, reason = "its one possible value is checked by the shape")]
    pub(crate) api_version: ApiVersion,
    /// Name of the estate, in records and metrics.
    pub(crate) estate: String,
    /// Zones: things that trust each other alike.
    pub(crate) zones: BTreeMap<String, Zone>,
    /// Sockets to listen on. A caller is in the zone of the listener that it reaches.
    pub(crate) listeners: BTreeMap<String, Listener>,
    /// Who may vouch for a caller.
    #[serde(default)]
    pub(crate) providers: BTreeMap<String, Provider>,
    /// Where requests are carried.
    pub(crate) upstreams: BTreeMap<String, Upstream>,
    /// APIs: each one contract, one owner, one upstream.
    pub(crate) apis: BTreeMap<String, Api>,
    /// Limits that boundaries can refer to.
    #[serde(default)]
    pub(crate) limits: BTreeMap<String, Limit>,
    /// Crossings from one zone to another. What is not declared does not cross.
    pub(crate) boundaries: BTreeMap<String, Boundary>,
    /// Folder of `.cedar` files, relative to this file.
    #[serde(default = "default_policies")]
    pub(crate) policies: String,
    /// Bounds that stand before any decision.
    #[serde(default)]
    pub(crate) guards: Guards,
    /// The admin door.
    #[serde(default)]
    pub(crate) admin: Admin,
    /// Where decisions are written down.
    #[serde(default)]
    pub(crate) records: Records,
}

/// Version of the format.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) enum ApiVersion {
    /// The only one so far.
    #[serde(rename = "portcullis/v1")]
    V1,
}

/// A zone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Zone {
    /// For readers.
    #[serde(default, rename = "description")]
    #[allow(dead_code, reason = "it is for readers of the file")]
    pub(crate) description: String,
}

/// A listening socket.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listener {
    /// IP address and port, such as `127.0.0.1:8080`; port 0 takes a free one.
    pub(crate) address: String,
    /// The zone of whoever arrives here.
    pub(crate) zone: String,
    /// Proxies of ours in front, counted from the right of `X-Forwarded-For`.
    #[serde(default)]
    pub(crate) trusted_hops: u8,
    /// Networks of these proxies.
    #[serde(default)]
    pub(crate) trusted_peers: Vec<String>,
}

/// An identity provider: exactly one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Provider {
    /// Signed tokens of an issuer.
    Jwt(Box<Jwt>),
    /// API keys of our own.
    ApiKeys(ApiKeys),
}

/// Signed tokens of an issuer (RFC 7519, RFC 9068).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Jwt {
    /// Exact `iss`.
    pub(crate) issuer: String,
    /// Accepted `aud`; a token must name one of them.
    pub(crate) audiences: Vec<String>,
    /// Whether `aud` must name nothing else.
    #[serde(default)]
    pub(crate) single_audience: bool,
    /// Where its keys are.
    pub(crate) keys: KeySource,
    /// Accepted algorithms, each only with a key that is pinned to it.
    #[serde(default = "default_algorithms")]
    pub(crate) algorithms: Vec<Algorithm>,
    /// Accepted `typ`, without `application/`.
    #[serde(default = "default_types")]
    pub(crate) types: Vec<String>,
    /// Tolerated difference of clocks.
    #[serde(default = "default_clock_skew")]
    pub(crate) clock_skew: String,
    /// Longest accepted time from `iat` to `exp`.
    #[serde(default = "default_max_lifetime")]
    pub(crate) max_lifetime: String,
    /// Kind of principal that its tokens stand for.
    #[serde(default)]
    pub(crate) principal: PrincipalKind,
    /// Which claims become what.
    #[serde(default)]
    pub(crate) claims: Claims,
}

/// Where keys are: exactly one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum KeySource {
    /// A JWK set in a file.
    File(KeyFile),
    /// A JWK set by URL.
    Url(KeyUrl),
}

/// A JWK set in a file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyFile {
    /// Its path, relative to this file.
    pub(crate) path: String,
}

/// A JWK set by URL.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyUrl {
    /// `https`, or `http` to a loopback address.
    pub(crate) url: String,
    /// Asked again after this.
    #[serde(default = "default_fresh_for")]
    pub(crate) fresh_for: String,
    /// Served without an answer until this; then nobody is identified by it.
    #[serde(default = "default_stale_until")]
    pub(crate) stale_until: String,
    /// Networks that may be connected to besides public addresses.
    #[serde(default)]
    pub(crate) allow_addresses: Vec<String>,
}

/// Signature algorithms (RFC 7518 section 3.1, RFC 8037).
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub(crate) enum Algorithm {
    ES256,
    ES384,
    ES512,
    EdDSA,
    PS256,
    PS384,
    PS512,
    RS256,
    RS384,
    RS512,
}

/// Kind of principal.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PrincipalKind {
    /// People.
    #[default]
    User,
    /// Programs.
    Workload,
}

/// Which claims become what.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Claims {
    /// Claim that holds the tenant.
    pub(crate) tenant: Option<String>,
    /// Claim that holds scopes, separated by spaces.
    pub(crate) scopes: Option<String>,
    /// Claim that holds roles.
    pub(crate) roles: Option<String>,
    /// Further attributes of the principal, by the name that policies use.
    pub(crate) attributes: BTreeMap<String, Attribute>,
}

/// A claim that becomes an attribute.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attribute {
    /// Name of the claim.
    pub(crate) claim: String,
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) kind: AttributeKind,
    /// Whether a token without it is refused.
    #[serde(default)]
    pub(crate) required: bool,
}

/// Type of an attribute.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AttributeKind {
    Flag,
    Number,
    Text,
    Texts,
}

/// API keys of our own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeys {
    /// Header that carries the key, in lower case.
    #[serde(default = "default_key_header")]
    pub(crate) header: String,
    /// File of hashed keys; `portcullis key new` writes it.
    pub(crate) store: String,
    /// Secret that keys the hashes.
    pub(crate) pepper: Secret,
}

/// A secret, by reference: exactly one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Secret {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file.
    File(String),
}

/// Where requests are carried.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upstream {
    /// `host:port`.
    pub(crate) address: String,
    /// Longest time to connect.
    #[serde(default = "default_connect_timeout")]
    pub(crate) connect_timeout: String,
    /// Longest time to the head of the response.
    #[serde(default = "default_response_timeout")]
    pub(crate) response_timeout: String,
    /// Longest silence within a body.
    #[serde(default = "default_idle_timeout")]
    pub(crate) idle_timeout: String,
    /// Most connections per worker.
    #[serde(default = "default_connections_max")]
    #[schemars(range(min = 1, max = 65_535))]
    pub(crate) connections_max: u32,
}

/// An API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Api {
    /// OpenAPI 3.0 or 3.1 file, relative to this file.
    pub(crate) contract: String,
    /// Hosts that it is served under, without port.
    pub(crate) hosts: Vec<String>,
    /// Prefix in front of the contract's paths: empty, or `/v1`.
    #[serde(default)]
    pub(crate) base_path: String,
    /// The zone that it lives in.
    pub(crate) zone: String,
    /// Its upstream.
    pub(crate) upstream: String,
    /// Who answers for it.
    pub(crate) owner: String,
    /// How it is meant to be used.
    #[serde(default)]
    pub(crate) lifecycle: Lifecycle,
    /// Classes of data that it carries.
    #[serde(default)]
    pub(crate) data: Vec<String>,
}

/// Where an API is in its life.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Lifecycle {
    /// In use.
    #[default]
    Active,
    /// In use, and to be left.
    Deprecated,
}

/// A limit: `per`, and exactly one of `rate` and `concurrent`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limit {
    /// What it counts by.
    pub(crate) per: LimitPer,
    /// At most so many per window.
    pub(crate) rate: Option<Rate>,
    /// At most so many at once.
    #[schemars(range(min = 1))]
    pub(crate) concurrent: Option<u32>,
}

/// What a limit counts by.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LimitPer {
    Address,
    Operation,
    Principal,
    Tenant,
}

/// At most so many per window.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rate {
    /// How many.
    #[schemars(range(min = 1))]
    pub(crate) amount: u32,
    /// Per how long.
    pub(crate) window: String,
    /// How many at once; as many as `amount` where it is not said.
    #[schemars(range(min = 1))]
    pub(crate) burst: Option<u32>,
}

/// A crossing from one zone to another.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Boundary {
    /// From this zone,
    pub(crate) from: String,
    /// to that one.
    pub(crate) to: String,
    /// Who may come.
    pub(crate) identity: Identity,
    /// Limits that apply, by name.
    #[serde(default)]
    pub(crate) limits: Vec<String>,
    /// How closely messages are looked at.
    #[serde(default)]
    pub(crate) inspection: Inspection,
    /// Whether a crossing needs a durable record first.
    #[serde(default)]
    pub(crate) audit: Audit,
}

/// Who may come.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    /// Accepted providers, by name.
    #[serde(default)]
    pub(crate) providers: Vec<String>,
    /// Whether operations whose contract asks for no credential may be reached without one.
    #[serde(default)]
    pub(crate) anonymous: bool,
}

/// How closely messages are looked at.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Inspection {
    /// Longest body.
    pub(crate) body_bytes_max: String,
    /// Deepest nesting of JSON.
    #[schemars(range(min = 1, max = 128))]
    pub(crate) json_depth_max: u16,
    /// Largest ratio of decompressed to compressed size.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) expansion_max: u32,
}

/// Whether a crossing needs a durable record first.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Audit {
    /// Recorded; a failure to record is counted.
    #[default]
    BestEffort,
    /// No record, no crossing.
    Required,
}

/// Bounds that stand before any decision.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Guards {
    /// Largest request head.
    pub(crate) head_bytes_max: String,
    /// Most headers.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) headers_max: u16,
    /// Longest target.
    pub(crate) target_bytes_max: String,
    /// Longest time for a head.
    pub(crate) head_timeout: String,
    /// Longest time for a body.
    pub(crate) body_timeout: String,
    /// Longest idle time between requests.
    pub(crate) idle_timeout: String,
    /// Most connections in all.
    #[schemars(range(min = 1))]
    pub(crate) connections_max: u32,
    /// Most connections per address.
    #[schemars(range(min = 1))]
    pub(crate) connections_per_address_max: u32,
    /// Requests per address and second, before any cryptography.
    #[schemars(range(min = 1))]
    pub(crate) address_rate: u32,
    /// Refused credentials per address and minute.
    #[schemars(range(min = 1))]
    pub(crate) failure_rate: u32,
}

/// The admin door.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Admin {
    /// Path of its Unix socket.
    pub(crate) socket: String,
}

/// Where decisions are written down.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Records {
    /// Folder of the record files.
    pub(crate) directory: String,
    /// A file is closed at this size.
    pub(crate) rotate_bytes: String,
    /// Files kept.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) keep_files: u32,
    /// File of the key that seals personal facts; made when missing.
    pub(crate) seal_key: String,
}

impl Default for Inspection {
    fn default() -> Self {
        Self { body_bytes_max: "1MiB".to_owned(), json_depth_max: 32, expansion_max: 20 }
    }
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            head_bytes_max: "16KiB".to_owned(),
            headers_max: 64,
            target_bytes_max: "4KiB".to_owned(),
            head_timeout: "10s".to_owned(),
            body_timeout: "30s".to_owned(),
            idle_timeout: "60s".to_owned(),
            connections_max: 10_000,
            connections_per_address_max: 256,
            address_rate: 1000,
            failure_rate: 60,
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self { socket: "state/admin.sock".to_owned() }
    }
}

impl Default for Records {
    fn default() -> Self {
        Self {
            directory: "state/records".to_owned(),
            rotate_bytes: "64MiB".to_owned(),
            keep_files: 16,
            seal_key: "state/seal.key".to_owned(),
        }
    }
}

fn default_policies() -> String {
    "policies".to_owned()
}

fn default_algorithms() -> Vec<Algorithm> {
    vec![Algorithm::ES256, Algorithm::EdDSA]
}

fn default_types() -> Vec<String> {
    vec!["at+jwt".to_owned()]
}

fn default_clock_skew() -> String {
    "30s".to_owned()
}

fn default_max_lifetime() -> String {
    "1h".to_owned()
}

fn default_fresh_for() -> String {
    "5m".to_owned()
}

fn default_stale_until() -> String {
    "1h".to_owned()
}

fn default_key_header() -> String {
    "x-api-key".to_owned()
}

fn default_connect_timeout() -> String {
    "1s".to_owned()
}

fn default_response_timeout() -> String {
    "10s".to_owned()
}

fn default_idle_timeout() -> String {
    "10s".to_owned()
}

const fn default_connections_max() -> u32 {
    64
}
