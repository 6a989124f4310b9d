//! How is a declaration written? The YAML of `portcullis.yaml`, field for field, before any name
//! is resolved. The JSON Schema that editors use and that [`crate::shape`] checks against is made
//! from these types, so that there is one description.

mod addresses;
mod admin;
mod api;
mod assurance;
mod boundary;
mod cors;
mod countries;
mod discovery;
mod headers;
mod introspection;
mod life;
mod limit;
mod listener;
mod process;
mod protected;
mod provider;
mod providers;
mod proxied;
mod routes;
mod secret;
mod sender;
mod signed;
mod stream;
mod telemetry;
mod tls;
mod tokens;
mod upstream;
mod workload;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use self::addresses::{Addresses, CountryLists, Unknown};
pub use self::admin::ADMIN_SOCKET;
pub(crate) use self::admin::{Admin, Remote, RemoteTls};
pub(crate) use self::api::Api;
pub(crate) use self::assurance::Assurance;
pub(crate) use self::boundary::{Audit, Boundary, Identity, Inspection};
pub(crate) use self::cors::Cors;
pub(crate) use self::countries::Countries;
pub(crate) use self::discovery::MetadataDocument;
pub(crate) use self::headers::{Answers, Cache, Coding, Compress, RequestHeaders};
pub(crate) use self::introspection::{ClientAuth, Introspection, RelaxedAnswer, SigningAlgorithm};
pub(crate) use self::life::{Lifecycle, Maintenance};
pub(crate) use self::limit::{Limit, LimitPer, Rate};
pub(crate) use self::listener::{Listener, Protocol};
pub(crate) use self::process::{Guards, Records};
pub(crate) use self::protected::ProtectedResource;
pub(crate) use self::provider::{
    ApiKeys, AttributeKind, CertificateSubject, Certificates, Claims, Jwt, KeySource,
    PrincipalKind, RelaxedClaim,
};
pub(crate) use self::providers::Provider;
pub(crate) use self::routes::{Rewrite, Route};
pub(crate) use self::secret::Secret;
pub(crate) use self::sender::Scheme;
pub(crate) use self::signed::{Signatures, Webhook, WebhookScheme};
pub(crate) use self::stream::{Stream, StreamKind};
pub(crate) use self::telemetry::{Context, Otlp, Prometheus, Signal, Telemetry, Tracing};
pub(crate) use self::tls::{Acme, Certificate, Cipher, Tls, Version};
pub(crate) use self::tokens::{Exchange, ExchangeClient, TokenHeader, Tokens};
pub(crate) use self::upstream::{
    AddressClass, Balance, Dns, Upstream, UpstreamProtocol, UpstreamTls,
};
pub(crate) use self::workload::{Platform, Workload};

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
    /// Where the country of an address is looked up.
    pub(crate) countries: Option<Countries>,
    /// Tokens that the boundary issues itself.
    pub(crate) tokens: Option<Tokens>,
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
    /// What operators see, and where it is sent.
    #[serde(default)]
    pub(crate) telemetry: Telemetry,
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

fn default_policies() -> String {
    "policies".to_owned()
}
