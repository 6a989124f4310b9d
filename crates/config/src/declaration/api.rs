//! Which APIs are served?

use std::collections::{BTreeMap, BTreeSet};

use portcullis_model::{UpstreamId, ZoneId};

use super::cors::Cors;
use super::declared::Declared;
use super::headers::HeaderChanges;
use super::life::Life;
use super::protected::ProtectedResource;
use super::routes::{Rewrite, Route};
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
    /// Which path the upstream sees.
    pub rewrite: Option<Rewrite>,
    /// Other ways, the first that fits.
    pub routes: Vec<Route>,
    /// Who answers for it.
    pub owner: String,
    /// Where it is in its life.
    pub life: Life,
    /// Which pages of other origins may call it.
    pub cors: Option<Cors>,
    /// Headers that are changed on the way to the upstream.
    pub request_headers: HeaderChanges,
    /// Operations whose messages go on after they were judged, by their ids in the contract.
    pub streams: BTreeMap<String, Stream>,
    /// What clients are told about it before they have a token.
    pub protected_resource: Option<ProtectedResource>,
    /// Classes of data that it carries.
    pub data: BTreeSet<String>,
}
