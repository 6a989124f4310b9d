//! What are clients told about an API before they have a token?

use schemars::JsonSchema;
use serde::Deserialize;

/// Metadata of a protected resource (RFC 9728), which the boundary answers itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProtectedResource {
    /// Its identifier: a URL of one of the API's hosts, with its base path.
    pub(crate) resource: String,
    /// `https` page for people who write clients.
    pub(crate) documentation: Option<String>,
}
