//! Which APIs are served?

use std::collections::{BTreeMap, BTreeSet};

use portcullis_model::{UpstreamId, ZoneId};

use super::declared::Declared;
use super::stream::Stream;

/// An API.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Operations whose messages go on after they were judged, by their ids in the contract.
    pub streams: BTreeMap<String, Stream>,
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
