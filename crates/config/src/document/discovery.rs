//! Where does an issuer say that its keys are?

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A JWK set by the issuer's own metadata.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Discovery {
    /// Which document the metadata is in.
    #[serde(default)]
    pub(crate) document: MetadataDocument,
    /// Metadata and keys are asked for again after this.
    #[serde(default = "default_fresh_for")]
    pub(crate) fresh_for: String,
    /// Keys are served without an answer until this; then nobody is identified by them.
    #[serde(default = "default_stale_until")]
    pub(crate) stale_until: String,
    /// Networks that may be connected to besides public addresses.
    #[serde(default)]
    pub(crate) allow_addresses: Vec<String>,
}

/// Which document an issuer's metadata is in.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MetadataDocument {
    /// `/.well-known/oauth-authorization-server`, before the path of the issuer (RFC 8414).
    OauthAuthorizationServer,
    /// `/.well-known/openid-configuration`, after the path of the issuer.
    #[default]
    OpenidConfiguration,
}

pub(super) fn default_fresh_for() -> String {
    "5m".to_owned()
}

pub(super) fn default_stale_until() -> String {
    "1h".to_owned()
}
