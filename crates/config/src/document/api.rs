//! Which APIs are served?

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::cors::Cors;
use super::headers::RequestHeaders;
use super::life::{Lifecycle, Maintenance};
use super::protected::ProtectedResource;
use super::routes::{Rewrite, Route};

use super::stream::Stream;

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
    /// Which path the upstream sees; the one that was judged, where it is not said.
    pub(crate) rewrite: Option<Rewrite>,
    /// Other ways, for some of its requests.
    #[serde(default)]
    pub(crate) routes: Vec<Route>,
    /// Who answers for it.
    pub(crate) owner: String,
    /// How it is meant to be used.
    #[serde(default)]
    pub(crate) lifecycle: Lifecycle,
    /// Since when it is deprecated: `2026-12-31`, or a time such as `2026-12-31T06:00:00Z`.
    pub(crate) deprecated_since: Option<String>,
    /// From when on it is not served any more.
    pub(crate) sunset: Option<String>,
    /// `https` page that says what to use instead.
    pub(crate) link: Option<String>,
    /// It is not served for a while.
    pub(crate) maintenance: Option<Maintenance>,
    /// Which pages of other origins may call it; none, where it is not said.
    pub(crate) cors: Option<Cors>,
    /// Headers that are changed on the way to the upstream.
    #[serde(default)]
    pub(crate) request_headers: RequestHeaders,
    /// Operations whose messages go on after they were judged, by their ids in the contract.
    #[serde(default)]
    pub(crate) streams: BTreeMap<String, Stream>,
    /// What clients are told about it before they have a token; nothing, where it is not said.
    pub(crate) protected_resource: Option<ProtectedResource>,
    /// Classes of data that it carries.
    #[serde(default)]
    pub(crate) data: Vec<String>,
}
