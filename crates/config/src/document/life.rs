//! Where is an API in its life, and is it being maintained?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where an API is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Lifecycle {
    /// In use.
    #[default]
    Active,
    /// In use, and to be left; every answer says so.
    Deprecated,
    /// Not served any more: 410.
    Retired,
}

/// An API that is not served for a while: 503.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Maintenance {
    /// When it is served again: `2026-12-31` or `2026-12-31T06:00:00Z`; where it is not said, when
    /// this section is removed.
    pub(crate) until: Option<String>,
    /// After how long clients are told to ask again; never later than `until`.
    #[serde(default = "default_retry_after")]
    pub(crate) retry_after: String,
    /// What clients are told.
    pub(crate) message: Option<String>,
}

fn default_retry_after() -> String {
    "5m".to_owned()
}
