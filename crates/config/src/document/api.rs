//! Which APIs are served?

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Who answers for it.
    pub(crate) owner: String,
    /// How it is meant to be used.
    #[serde(default)]
    pub(crate) lifecycle: Lifecycle,
    /// Operations whose messages go on after they were judged, by their ids in the contract.
    #[serde(default)]
    pub(crate) streams: BTreeMap<String, Stream>,
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
