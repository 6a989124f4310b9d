//! How often may something happen?

use schemars::JsonSchema;
use serde::Deserialize;

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
    #[schemars(example = "1m")]
    pub(crate) window: String,
    /// How many at once; as many as `amount` where it is not said.
    #[schemars(range(min = 1))]
    pub(crate) burst: Option<u32>,
}
