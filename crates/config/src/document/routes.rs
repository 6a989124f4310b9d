//! Which other ways to an upstream has an API, and which path does the upstream see?

use schemars::JsonSchema;
use serde::Deserialize;

/// Another way than the API's own, for requests that fit every condition given. The first that fits
/// is taken.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    /// Its name, in records.
    pub(crate) name: String,
    /// Operations, by the ids of the contract; all, where none is named.
    #[serde(default)]
    pub(crate) operations: Vec<String>,
    /// Methods; all, where none is named.
    #[serde(default)]
    pub(crate) methods: Vec<String>,
    /// A header that stands there once with exactly this value.
    pub(crate) header: Option<RouteHeader>,
    /// Where these requests are carried.
    pub(crate) upstream: String,
    /// Which path the upstream sees; as the API says, where it is not said.
    pub(crate) rewrite: Option<Rewrite>,
}

/// A header with a value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteHeader {
    /// Its name, in lower case.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: String,
}

/// Which path the upstream sees. The path that was judged stands in front of it with whole segments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rewrite {
    /// Without this prefix.
    StripPrefix(String),
    /// With another prefix.
    ReplacePrefix(Prefixes),
}

/// One prefix for another.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prefixes {
    /// What clients write, such as `/v1`.
    pub(crate) from: String,
    /// What the upstream sees, such as `/internal/v1`.
    pub(crate) to: String,
}
