//! How must callers have signed in?

use schemars::JsonSchema;
use serde::Deserialize;

/// How strongly and how lately callers must have signed in (RFC 9470). At least one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assurance {
    /// Accepted values of `acr`, the most preferred first; any if there is none.
    #[serde(default)]
    pub(crate) acr: Vec<String>,
    /// Longest time since the sign-in (`auth_time`).
    pub(crate) max_age: Option<String>,
}
